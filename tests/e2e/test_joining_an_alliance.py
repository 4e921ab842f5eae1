"""A newcomer joins a running alliance and its first member leaves, each by the commands that people type."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from jifen.alliance import OrganizationPlan, create_alliance
from jifen.client.sync import SyncClient
from jifen.ledger.types import OrganizationKind
from jifen.testing.nemesis.processes import free_port_base
from jifen.testing.small_alliance import free_ports

PATIENCE_SECONDS = 180
"""How long a command may take on a busy machine."""

PLANS = (
    OrganizationPlan("plaza", "Plaza", OrganizationKind.MALL, 1, 100),
    OrganizationPlan("tea-room", "Tea Room", OrganizationKind.MERCHANT, 1, 10),
    OrganizationPlan("book-shop", "Book Shop", OrganizationKind.MERCHANT, 1, 10),
)


class Shell:
    """Runs commands of `jifen`, and validators in the background."""

    def __init__(self, home: Path, stack: ExitStack) -> None:
        self.home = home
        self._stack = stack

    def run(self, *words: str) -> str:
        """Run a command to its end and return what it printed; it must succeed."""
        command = [sys.executable, "-m", "jifen", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def serve(self, *words: str) -> subprocess.Popen[str]:
        """Start a validator; it ends with this test."""
        command = [sys.executable, "-m", "jifen", *words, "--stop-with-parent"]
        process = self._stack.enter_context(
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        )
        self._stack.callback(process.kill)
        return process

    def vote(self, number: int, *directories: Path) -> None:
        """Let the organizations of these directories approve a proposal."""
        for directory in directories:
            self.run("tx", "vote", str(number), "--approve", "--data", str(directory), "--home", str(self.home))


def heard(process: subprocess.Popen[str], word: str) -> str:
    """Read what a validator prints until a line has the word in it; fails when it ends before."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        if word in line:
            return line
        lines.append(line)
    raise AssertionError(f"no {word!r} in {lines}")


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    with ExitStack() as stack:
        yield Shell(tmp_path / "home", stack)


def test_a_newcomer_joins_with_one_command_and_a_member_leaves(shell: Shell, tmp_path: Path) -> None:
    home, tea = shell.home, tmp_path / "tea-house"
    create_alliance(home, "Test", PLANS, port_base=free_port_base(len(PLANS)))
    running = {plan.id: shell.serve("start", "--data", str(home / plan.id)) for plan in PLANS}
    for process in running.values():
        heard(process, "validator serves")
    public, peer, admin = free_ports(3)
    shell.run(
        *("join", "prepare", str(tea), "--genesis", str(home / "plaza" / "genesis.json")),
        *("--organization", "tea-house", "--name", "Tea House", "--peer", f"127.0.0.1:{peer}"),
        *("--public-url", f"http://127.0.0.1:{public}", "--peer-listen", f"127.0.0.1:{peer}"),
        *("--public-listen", f"127.0.0.1:{public}", "--admin-listen", f"127.0.0.1:{admin}"),
    )
    newcomer = shell.serve("join", "start", "--data", str(tea))
    assert "nobody has proposed its admission" in heard(newcomer, "not admitted")

    request = str(tea / "join-request.json")
    shell.run("tx", "propose-admission", request, "--data", str(home / "plaza"), "--home", str(home))
    assert "tea-room, book-shop" in heard(newcomer, "wants the votes of")
    shell.vote(1, home / "tea-room", home / "book-shop")
    heard(newcomer, '"voter"')
    found = json.loads(shell.run("validators", "list", "--home", str(home), "--json"))
    assert [item["id"] for item in found["voters"]] == ["plaza", "tea-room", "book-shop", "tea-house"]

    shell.run("tx", "propose-removal", "plaza", "--data", str(home / "tea-room"), "--home", str(home))
    shell.vote(2, home / "book-shop", tea)
    assert running["plaza"].wait(PATIENCE_SECONDS) == 0, "it was taken out, which is no failure"
    with SyncClient([f"http://127.0.0.1:{public}"]) as client:
        current = client.validator_set()
    assert [item.id for item in current.voters] == ["tea-room", "book-shop", "tea-house"]
