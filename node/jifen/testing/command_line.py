"""An alliance that runs as processes, one a validator, and is spoken to by the command line alone."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from jifen.alliance import OrganizationPlan, create_alliance

PASSPHRASE: Final = "correct horse battery"  # noqa: S105 - of keys that are thrown away
"""Of the members' keys."""

COMMAND_SECONDS: Final = 60
"""How long a command may take: it waits for its validator to come up."""

PORTS: Final = (18_000, 24_000)
"""Below what systems lend to outgoing connections (32768 and up on Linux), any of which may come and go."""


class CommandLine(NamedTuple):
    """Commands against a running alliance, and a directory for members' keys and files."""

    home: Path
    files: Path

    def run(self, *arguments: str, words: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, with a member's passphrase or that of a file."""
        return self._run(arguments, {"JIFEN_PASSPHRASE_FILE": str(words or self.files / "words")})

    def told(self, *arguments: str) -> Any:
        """Run a command that must succeed; return its JSON."""
        result = self.run(*arguments, "--json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def try_acting(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, each organization named by `--data` with the passphrase of its own."""
        return self._run(arguments, {})

    def acting(self, organization: str, *arguments: str) -> Any:
        """Run a command of an organization's that must succeed; return its JSON."""
        result = self.try_acting(*arguments, "--data", str(self.home / organization), "--json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def member(self, name: str) -> tuple[str, str]:
        """Open somebody's account; return key file and account."""
        key = str(self.files / f"{name}.key")
        account = self.told("key", "new", key, "--label", name)["account"]
        assert self.told("tx", "register", "--key", key)["account"] == account
        return key, account

    @contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Start a command that goes on; it is killed at the end if it still does."""
        with subprocess.Popen(  # noqa: S603 - our own command line
            [sys.executable, "-P", "-m", "jifen", *arguments],
            env=_environment() | {"JIFEN_HOME": str(self.home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def _run(self, arguments: tuple[str, ...], own: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own command line
            [sys.executable, "-P", "-m", "jifen", *arguments],
            env=_environment() | own | {"JIFEN_HOME": str(self.home)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )


@contextmanager
def running_alliance_of(root: Path, organizations: tuple[OrganizationPlan, ...]) -> Iterator[CommandLine]:
    """Make an alliance in a directory, keep its validators running, and stop them at the end."""
    create_alliance(root / "home", "Test", organizations, port_base=free_ports(len(organizations)))
    (root / "words").touch(mode=0o600)
    (root / "words").write_text(PASSPHRASE)
    with ExitStack() as stack:
        for name in (item.id for item in organizations):
            command = [sys.executable, "-P", "-m", "jifen", "start", "--data", str(root / "home" / name)]
            output = stack.enter_context((root / f"{name}.log").open("wb"))
            process = stack.enter_context(
                subprocess.Popen(  # noqa: S603 - our own command line
                    [*command, "--stop-with-parent"], env=_environment(), stdin=subprocess.PIPE, stderr=output
                )
            )
            stack.callback(process.wait, timeout=30)
            stack.callback(process.terminate)
        yield CommandLine(root / "home", root)


def free_ports(validators: int) -> int:
    """Return a port from which the ports of an alliance are free; raises OSError when there is none."""
    for base in range(*PORTS, 300):
        try:
            for port in (base + step + place for step in (0, 100, 200) for place in range(validators)):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return base
    raise OSError(f"of the ports {PORTS[0]} to {PORTS[1]} too few are free: stop what listens there")


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("JIFEN_")}
