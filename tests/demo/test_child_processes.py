"""Validators as children: their deaths are told, and none is left behind."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from jifen.demo.processes import LOG_FILE, OLD_LOG_FILE, ProcessGroup, ValidatorProcess


async def test_the_death_of_a_child_is_told_with_its_last_words(tmp_path: Path) -> None:
    directories = [tmp_path / "one", tmp_path / "other"]
    for directory in directories:
        directory.mkdir()
    told: list[ValidatorProcess] = []
    all_told = trio.Event()

    def tell(member: ValidatorProcess) -> None:
        told.append(member)
        if len(told) == len(directories):
            all_told.set()

    group = ProcessGroup(directories, tell)
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            await nursery.start(group.supervise)
            await all_told.wait()
            nursery.cancel_scope.cancel()

    assert {member.name for member in told} == {"one", "other"}
    assert [member.exit_code for member in told] == [4, 4]
    assert "node.toml does not exist" in told[0].last_words()[-1]
    assert group.running == []


async def test_the_log_of_the_start_before_is_kept_once(tmp_path: Path) -> None:
    for _ in range(3):
        member = ValidatorProcess(tmp_path)
        await member.start()
        with trio.fail_after(60):
            await member.wait()

    assert names_in(tmp_path) == sorted([LOG_FILE, OLD_LOG_FILE])
    assert (tmp_path / LOG_FILE).stat().st_mode & 0o777 == 0o600
    assert len((tmp_path / LOG_FILE).read_text().splitlines()) == 1


async def test_a_child_that_is_to_stop_is_no_death(tmp_path: Path) -> None:
    def tell(member: ValidatorProcess) -> None:
        raise AssertionError(f"{member.name} was asked to stop")

    group = ProcessGroup([tmp_path], tell)
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            await nursery.start(group.supervise)
            nursery.cancel_scope.cancel()

    [member] = group.members
    assert member.pid is not None
    assert not is_alive(member.pid)


def names_in(directory: Path) -> list[str]:
    """Return the names of what a directory holds, sorted."""
    return sorted(path.name for path in directory.iterdir())


def is_alive(pid: int) -> bool:
    """Tell whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def free_port_base() -> int:
    """Return a port such that it and the others of four organizations are free."""
    # Below the ports that systems lend to outgoing connections (32768 and up on Linux), any of which may come and go.
    for base in range(27_000, 30_000, 300):
        try:
            for offset in range(4):
                for distance in (0, 100, 200):
                    with socket.socket() as probe:
                        probe.bind(("127.0.0.1", base + distance + offset))
        except OSError:
            continue
        return base
    pytest.fail("no range of free ports was found")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the demonstration makes its alliance; the tests below resume it."""
    return tmp_path_factory.mktemp("demo") / "home"


@pytest.fixture
def serving(home: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a demonstration without purchases and wait until it serves."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JIFEN_")}
    command = [sys.executable, "-P", "-m", "jifen", "demo", "--limit", "0", "--home", str(home)]
    if not home.exists():
        command += ["--port-base", str(free_port_base())]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            read_until(process, "Serving.")
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """Read what the demonstration tells until `text` stands in it."""
    assert process.stderr is not None
    seen = ""
    for line in process.stderr:
        seen += line
        if text in line:
            return seen
    raise AssertionError(f"{text!r} was never said: {seen}")


def children(home: Path) -> dict[str, int]:
    """Return the process of every validator, as its lock names it."""
    return {path.parent.name: int(path.read_text()) for path in home.glob("*/LOCK")}


def test_ctrl_c_stops_everything_and_a_killed_validator_does_not(home: Path, serving: subprocess.Popen[str]) -> None:
    pids = children(home)
    assert len(pids) == 4

    os.kill(pids["east-books"], signal.SIGKILL)
    told = read_until(serving, "go on")
    serving.send_signal(signal.SIGINT)

    assert "east-books was killed by signal 9" in told
    assert serving.wait(timeout=60) == 0
    assert [name for name, pid in pids.items() if is_alive(pid)] == []


def test_without_a_quorum_it_ends_and_says_so(home: Path, serving: subprocess.Popen[str]) -> None:
    pids = children(home)

    for name in ("east-books", "north-music"):
        os.kill(pids[name], signal.SIGKILL)
    told = read_until(serving, "jifen: ")

    assert "2 of 4 validators are left and a quorum is 3; the same command resumes the alliance" in told
    assert serving.wait(timeout=60) == 4
    assert [name for name, pid in pids.items() if is_alive(pid)] == []


def test_killing_the_demonstration_leaves_no_validator_behind(home: Path, serving: subprocess.Popen[str]) -> None:
    pids = children(home)
    # A descriptor for each process becomes readable when that process ends (pidfd_open(2)); nothing is polled.
    watched = {name: os.pidfd_open(pid) for name, pid in pids.items()}

    serving.kill()

    for descriptor in watched.values():
        wait_readable(descriptor, seconds=30)
        os.close(descriptor)
    assert serving.wait(timeout=60) == -signal.SIGKILL


def wait_readable(descriptor: int, seconds: float) -> None:
    """Wait until a descriptor can be read; fail after `seconds`."""

    async def wait() -> None:
        with trio.fail_after(seconds):
            await trio.lowlevel.wait_readable(descriptor)

    trio.run(wait)
