"""`jifen start` as a process: ready, clean ends, and what stands in its way. An alliance of one is its own quorum."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from jifen.alliance import DEMO_ORGANIZATIONS, create_alliance
from jifen.client import SyncClient

STOP_SECONDS_MAX: Final = 3.0
"""How long a clean stop may take."""


class Home(NamedTuple):
    """An alliance of one merchant."""

    path: Path
    port_base: int

    @property
    def data(self) -> Path:
        """The one data directory."""
        return self.path / "north-music"

    @property
    def url(self) -> str:
        """Where its validator answers."""
        return f"http://127.0.0.1:{self.port_base}"


def free_port_base() -> int:
    """Return a port whose neighbours at +100 and +200 are free as well."""
    # Below the ports that systems lend to outgoing connections (32768 and up on Linux), any of which may come and go.
    for base in range(15_000, 18_000, 300):
        try:
            for distance in (0, 100, 200):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", base + distance))
        except OSError:
            continue
        return base
    pytest.fail("no free ports were found")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Make an alliance of one."""
    base = free_port_base()
    create_alliance(tmp_path / "home", "One", DEMO_ORGANIZATIONS[1:2], port_base=base)
    return Home(tmp_path / "home", base)


def start(home: Home, *options: str, **variables: str) -> subprocess.Popen[str]:
    """Start the validator."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JIFEN_")}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "jifen", "start", "--data", str(home.data), *options],
        env=environment | variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.fixture
def running(home: Home) -> Iterator[subprocess.Popen[str]]:
    """Start the validator and wait until it serves, which it says in its log."""
    with start(home, "--stop-with-parent") as process:
        try:
            wait_until_it_serves(process)
            yield process
        finally:
            process.kill()


def wait_until_it_serves(process: subprocess.Popen[str]) -> list[dict[str, object]]:
    """Read the log until the validator serves; return what it logged."""
    assert process.stderr is not None
    lines: list[dict[str, object]] = []
    for line in process.stderr:
        lines.append(json.loads(line))
        if lines[-1]["event"] == "validator serves":
            return lines
    raise AssertionError(f"the validator ended: {lines}")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(running: subprocess.Popen[str], how: signal.Signals) -> None:
    began = time.monotonic()

    running.send_signal(how)

    assert running.wait(timeout=30) == 0
    assert time.monotonic() - began < STOP_SECONDS_MAX


def test_it_stops_when_its_parent_is_gone(running: subprocess.Popen[str]) -> None:
    assert running.stdin is not None
    running.stdin.close()

    assert running.wait(timeout=30) == 0


def test_it_answers_under_the_addresses_of_its_settings(home: Home, running: subprocess.Popen[str]) -> None:
    token = (home.data / "admin.token").read_text().strip()
    admin = f"http://127.0.0.1:{home.port_base + 200}"

    with SyncClient([home.url]) as client, SyncClient([admin], token=token) as other:
        assert client.status().organization == other.status().organization == "north-music"


def test_what_is_in_use_is_named(home: Home, running: subprocess.Popen[str]) -> None:
    with start(home) as second:
        _, errors = second.communicate(timeout=60)

    assert second.returncode == 4
    assert errors.splitlines()[-1].startswith(f"jifen: {home.data} is in use by process {running.pid}")


def test_an_unknown_log_level_is_named(home: Home) -> None:
    with start(home, JIFEN_LOG="loud") as process:
        _, errors = process.communicate(timeout=60)

    assert process.returncode == 4
    assert errors == "jifen: JIFEN_LOG is 'loud'; it can be debug, info, warning, error\n"


@pytest.mark.parametrize("offset", [0, 100, 200])
def test_a_busy_port_is_named(home: Home, offset: int) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", home.port_base + offset))
        listener.listen()
        with start(home) as process:
            _, errors = process.communicate(timeout=60)

    assert process.returncode == 4
    assert str(home.port_base + offset) in errors.splitlines()[-1]
    assert errors.splitlines()[-1].startswith("jifen: ")
    assert "Traceback" not in errors
