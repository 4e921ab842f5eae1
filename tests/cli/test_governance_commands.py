"""Admitting, voting and removing on the command line, against a running validator."""

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from jifen.alliance import DEMO_ORGANIZATIONS, create_alliance
from jifen.cli.app import app
from jifen.cli.failures import DONE, FAILURE, REFUSED, USAGE, exit_code_of


class Outcome(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


class Alliance(NamedTuple):
    """A running alliance of one merchant, and room for newcomers."""

    root: Path

    @property
    def north(self) -> str:
        """Data directory of its founder."""
        return str(self.root / "home" / "north-music")

    def run(self, *arguments: str) -> Outcome:
        """Run a command to its end, in this process; the passphrases lie in the data directories."""
        own = dict.fromkeys((name for name in os.environ if name.startswith("JIFEN_")), None)
        runner = CliRunner(env=own | {"JIFEN_HOME": str(self.root / "home")})
        result = runner.invoke(app, arguments, standalone_mode=False)
        if result.exception is None:
            return Outcome(DONE, result.stdout, result.stderr)
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            code = exit_code_of(result.exception)
        return Outcome(code, result.stdout, said.getvalue())

    def told(self, *arguments: str) -> Any:
        """Run a command that must succeed; return its JSON."""
        result = self.run(*arguments, "--json")
        assert result.returncode == DONE, result.stderr
        return json.loads(result.stdout)

    def shown(self, *arguments: str) -> str:
        """Run a command that must succeed; return what it prints."""
        result = self.run(*arguments)
        assert result.returncode == DONE, result.stderr
        return result.stdout

    def prepared(self, name: str, *arguments: str) -> str:
        """Make a newcomer's directory and return the fingerprint of its request."""
        port = str(9000 + len(name))
        where = ("--peer", f"127.0.0.1:{port}", "--public-url", f"http://127.0.0.1:1{port}")
        genesis = f"{self.north}/genesis.json"
        found = self.told("join", "prepare", str(self.root / name), "--genesis", genesis, *where, *arguments)
        return str(found["fingerprint"])


def free_port_base() -> int:
    """Return a port whose neighbours at +100 and +200 are free as well."""
    for base in range(22_000, 25_000, 300):
        try:
            for distance in (0, 100, 200):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", base + distance))
        except OSError:
            continue
        return base
    pytest.fail("no free ports were found")


@pytest.fixture(scope="module")
def alliance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alliance]:
    """Make an alliance of one, and keep its validator running."""
    root = tmp_path_factory.mktemp("deciding")
    create_alliance(root / "home", "One", DEMO_ORGANIZATIONS[1:2], port_base=free_port_base())
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JIFEN_")}
    command = [sys.executable, "-P", "-m", "jifen", "start", "--data", str(root / "home" / "north-music")]
    with (
        (root / "log").open("wb") as output,
        subprocess.Popen(
            [*command, "--stop-with-parent"], env=environment, stdin=subprocess.PIPE, stderr=output
        ) as process,
    ):
        try:
            yield Alliance(root)
        finally:
            process.terminate()
            process.wait(timeout=30)


def test_a_newcomer_is_admitted_votes_itself_and_a_removal_is_withdrawn(alliance: Alliance) -> None:
    assert alliance.shown("proposals", "list") == "nothing was ever proposed\n"
    request = str(alliance.root / "tea" / "join-request.json")
    fingerprint = alliance.prepared("tea", "--organization", "tea-house", "--name", "Tea House")

    # The only organization there is decides by proposing.
    made = alliance.told("tx", "propose-admission", request, "--data", alliance.north)
    assert (made["proposal"], made["fingerprint"]) == ("1", fingerprint)
    found = alliance.told("validators", "list")
    assert [(one["id"], one["status"]) for one in found["observers"]] == [("tea-house", "OBSERVER")]
    assert "1 of 1 voters decide; 0 may be down" in alliance.shown("validators", "list")

    # Now there are two organizations, and both are asked.
    member = ("--organization", "tea-house", "--validator", "tea-house-2")
    key = str(alliance.root / "tea" / "keys" / "operator.key")
    second = alliance.prepared("tea-2", *member, "--operator-key", key)
    request = str(alliance.root / "tea-2" / "join-request.json")
    assert "proposal     2" in alliance.shown("tx", "propose-admission", request, "--data", alliance.north)
    listed = alliance.shown("proposals", "list")
    assert "   2  open       1 of 2    admit tea-house-2 of tea-house  missing: tea-house" in listed
    assert "   1  accepted   1 for     admit tea-house of tea-house (joins the alliance)" in listed
    shown = alliance.shown("proposals", "show", "2")
    assert second in shown
    assert "missing        tea-house" in shown

    vote = ("tx", "vote", "2", "--data", str(alliance.root / "tea"))
    refused = alliance.run(*vote, "--approve", "--fingerprint", fingerprint)
    assert (refused.returncode, "nothing was voted" in refused.stderr) == (FAILURE, True)
    assert alliance.told(*vote, "--approve", "--fingerprint", second[:12].upper())["status"] == "accepted"
    again = alliance.run(*vote, "--refuse")
    assert (again.returncode, "PROPOSAL_NOT_OPEN" in again.stderr or "no open proposal" in again.stderr) == (
        REFUSED,
        True,
    )
    told = alliance.told("proposals", "show", "2")
    assert [(one["organization"], one["approve"]) for one in told["votes"]] == [
        ("north-music", True),
        ("tea-house", True),
    ]

    alliance.told("tx", "propose-removal", "tea-house-2", "--data", alliance.north, "--days", "1")
    foreign = alliance.run("tx", "withdraw", "3", "--data", str(alliance.root / "tea"))
    assert (foreign.returncode, "only that one can withdraw it" in foreign.stderr) == (REFUSED, True)
    assert alliance.told("tx", "withdraw", "3", "--data", alliance.north)["proposal"] == "3"
    assert alliance.told("proposals", "list", "--last", "1")[0]["status"] == "WITHDRAWN"


def test_a_preview_shows_the_quorums_and_what_would_go_wrong(alliance: Alliance) -> None:
    shown = alliance.shown("validators", "preview", "--admit", "zoo")

    assert "before   1 of 1 decide, 0 may be down; all connected" in shown
    assert "after    2 of 2 decide, 0 may be down; not connected: zoo" in shown
    assert "would stand still on the way" in shown
    assert "cannot be done: nobody would be left" in alliance.shown("validators", "preview", "--remove", "north-music")
    assert alliance.told("validators", "preview", "--remove", "north-music")["reachable"] is False


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (("validators", "preview"), USAGE, "name a validator with --admit or --remove"),
        (("proposals", "show", "99"), FAILURE, "there is no proposal 99"),
        (("tx", "vote", "99", "--approve", "--data", "NORTH"), FAILURE, "there is no proposal 99"),
        (("tx", "vote", "1", "--data", "NORTH"), USAGE, "say --approve or --refuse"),
        (("tx", "propose-removal", "nobody", "--data", "NORTH"), REFUSED, "no validator has that id"),
        (("tx", "propose-removal", "north-music", "--data", "NORTH"), REFUSED, "it is the last voter"),
        (("tx", "propose-admission", "nowhere", "--data", "NORTH"), FAILURE, "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    alliance: Alliance, arguments: tuple[str, ...], code: int, reason: str
) -> None:
    result = alliance.run(*(alliance.north if word == "NORTH" else word for word in arguments))

    assert result.returncode == code, result.stderr
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_request_for_another_alliance_is_not_proposed(alliance: Alliance, tmp_path: Path) -> None:
    create_alliance(tmp_path / "other", "Other", DEMO_ORGANIZATIONS[:1], port_base=26_000)
    genesis = str(tmp_path / "other" / "harbour-mall" / "genesis.json")
    where = ("--peer", "127.0.0.1:9999", "--public-url", "http://127.0.0.1:9998")
    alliance.told(
        "join", "prepare", str(tmp_path / "x"), "--genesis", genesis, "--organization", "x", "--name", "X", *where
    )

    result = alliance.run(
        "tx", "propose-admission", str(tmp_path / "x" / "join-request.json"), "--data", alliance.north
    )

    assert (result.returncode, "the request is for the alliance" in result.stderr) == (FAILURE, True)
