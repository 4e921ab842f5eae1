"""A prize draw on the command line, by three organizations with a validator each."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from jifen.alliance import DEMO_ORGANIZATIONS, create_alliance

PASSPHRASE: Final = "correct horse battery"
ORGANIZATIONS: Final = sorted(item.id for item in DEMO_ORGANIZATIONS[:3])
PROMISED: Final = {
    "rulesHash": "11" * 32,
    "prizes": [{"name": "bicycle", "valueFen": 120000, "count": 1}, {"name": "umbrella", "valueFen": 3000, "count": 1}],
    "entriesMax": 100,
    "memberEntriesMax": 9,
}


class Alliance(NamedTuple):
    """A running alliance of three, and a directory for keys and files."""

    home: Path
    files: Path

    def run(self, *arguments: str, words: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, with a member's passphrase or that of a file."""
        own = {"JIFEN_HOME": str(self.home), "JIFEN_PASSPHRASE_FILE": str(words or self.files / "words")}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("JIFEN_")}
        return subprocess.run(
            [sys.executable, "-P", "-m", "jifen", *arguments],
            env=environment | own,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def told(self, *arguments: str) -> Any:
        """Run a command that must succeed; return its JSON."""
        result = self.run(*arguments, "--json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def acting(self, organization: str, *arguments: str) -> Any:
        """Run a command of an organization's that must succeed; return its JSON."""
        data = self.home / organization
        result = self.run(*arguments, "--data", str(data), "--json", words=data / "passphrase")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)


def free_port_base() -> int:
    """Return a port from which the alliance's ports are free."""
    for base in range(21_000, 24_000, 300):
        try:
            for port in (base + step + place for step in (0, 100, 200) for place in range(3)):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return base
    pytest.fail("no free ports were found")


@pytest.fixture(scope="module")
def alliance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alliance]:
    """Make an alliance of three, and keep its validators running."""
    root = tmp_path_factory.mktemp("draws")
    create_alliance(root / "home", "Three", DEMO_ORGANIZATIONS[:3], port_base=free_port_base())
    (root / "words").touch(mode=0o600)
    (root / "words").write_text(PASSPHRASE)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JIFEN_")}
    with ExitStack() as stack:
        for name in ORGANIZATIONS:
            command = [sys.executable, "-P", "-m", "jifen", "start", "--data", str(root / "home" / name)]
            output = stack.enter_context((root / f"{name}.log").open("wb"))
            process = stack.enter_context(
                subprocess.Popen(
                    [*command, "--stop-with-parent"], env=environment, stdin=subprocess.PIPE, stderr=output
                )
            )
            stack.callback(process.wait, timeout=30)
            stack.callback(process.terminate)
        yield Alliance(root / "home", root)


def early_reveal(alliance: Alliance, organization: str, draw: str) -> subprocess.CompletedProcess[str]:
    """Try to show a secret before the close."""
    data = alliance.home / organization
    return alliance.run("draw", "reveal", draw, "--data", str(data), words=data / "passphrase")


def test_a_draw_is_published_kept_entered_revealed_and_verified(alliance: Alliance) -> None:
    mall, draw = next(item.id for item in DEMO_ORGANIZATIONS[:3] if "mall" in item.id), "spring"
    name = f"{mall}/{draw}"
    keys, account, height = {}, "", 0
    for member in ("alice", "bob"):
        keys[member] = str(alliance.files / f"{member}.key")
        account = alliance.told("key", "new", keys[member], "--label", member)["account"]
        height = alliance.told("tx", "register", "--key", keys[member])["height"]
        earned = ("tx", "earn", "--account", account, "--order", member, "--amount-fen", "1000000")
        height = alliance.acting(mall, *earned)["height"]
    terms = PROMISED | {
        "prices": [{"pointType": f"{mall}/consumer", "points": 5}],
        "closeHeight": height + 11,
        "committers": ORGANIZATIONS,
        "revealBy": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
        "settleBy": (datetime.now(UTC) + timedelta(days=2)).isoformat(),
    }
    (alliance.files / "spring.json").write_text(json.dumps(terms))

    alliance.acting(mall, "draw", "publish", name, "--terms", str(alliance.files / "spring.json"))
    for organization in ORGANIZATIONS:
        alliance.acting(organization, "draw", "commit", name)
    folders = {item: alliance.home / item / "draws" / mall / draw for item in ORGANIZATIONS}
    for keeper in ORGANIZATIONS:
        others = [item for item in ORGANIZATIONS if item != keeper]
        files = [str(folders[item] / f"for-{keeper}.json") for item in others]
        wrong = [files[0], str(folders[others[1]] / f"for-{others[0]}.json")]
        data = alliance.home / keeper
        refused = alliance.run(
            "draw",
            "keep",
            name,
            "--data",
            str(data),
            "--pieces",
            wrong[0],
            "--pieces",
            wrong[1],
            words=data / "passphrase",
        )
        assert refused.returncode == 4
        assert "does not fit" in refused.stderr
        alliance.acting(keeper, "draw", "keep", name, "--pieces", files[0], "--pieces", files[1])
    for path in folders[mall].iterdir():
        assert path.stat().st_mode & 0o777 == 0o600

    bought = ("--point-type", f"{mall}/consumer", "--entries")
    alliance.told("draw", "enter", name, "--key", keys["alice"], *bought, "3")
    last = alliance.told("draw", "enter", name, "--key", keys["bob"], *bought, "2")["height"]
    assert "no winners yet" in alliance.run("draw", "verify", name).stderr
    assert "would tell who wins" in early_reveal(alliance, mall, name).stderr
    number = 0
    while last <= terms["closeHeight"]:
        earned = ("tx", "earn", "--account", account, "--order", f"more{number}", "--amount-fen", "100")
        last, number = alliance.acting(mall, *earned)["height"], number + 1
    for organization in ORGANIZATIONS:
        alliance.acting(organization, "draw", "reveal", name)

    verified = alliance.run("draw", "verify", name)
    assert verified.returncode == 0, verified.stderr
    assert verified.stdout == "5 entries, 2 winners: all as anybody computes them\n"
    first = alliance.told("draw", "show", name)["winners"][0]["number"]
    alliance.acting(mall, "draw", "fulfil", name, "--entry", str(first))
    text = alliance.run("draw", "show", name).stdout
    assert "bicycle" in text
    assert text.count("handed over") == 1
    assert "odds         2 in 5 so far, 2 in 100 at worst" in text
    assert name in alliance.run("draw", "list").stdout
    assert "DRAW_OVER" in alliance.run("draw", "enter", name, "--key", keys["bob"], *bought, "1").stderr
