"""kill -9 of the leader in the middle of the import: nothing acknowledged is lost, no row is imported twice."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from jifen.client import SyncClient
from jifen.demo.purchases import PACKAGED
from jifen.verification import Report, compare, verify_directory

ROWS: Final = 3000
"""Purchases imported: more than a second of work, so that the leader dies with most of it before it."""

BLOCKS_BEFORE: Final = 3
"""Committed blocks after which the leader is killed."""


def free_port_base() -> int:
    """Return a port such that it and the others of four organizations are free."""
    # Below the ports that systems lend to outgoing connections (32768 and up on Linux), any of which may come and go.
    for base in range(24_000, 27_000, 300):
        try:
            for offset in range(4):
                for distance in (0, 100, 200):
                    with socket.socket() as probe:
                        probe.bind(("127.0.0.1", base + distance + offset))
        except OSError:
            continue
        return base
    pytest.fail("no range of free ports was found")


def kill_the_leader(home: Path, port_base: int, process: subprocess.Popen[str]) -> str:
    """Wait for the leader and for some blocks, then kill it; return its organization."""
    assert process.stderr is not None
    for line in process.stderr:
        found = re.match(r"(\S+) leads in term", line)
        if found is not None:
            break
    else:
        raise AssertionError("no leader was elected")
    organizations = json.loads((home / "alliance.json").read_text())["organizations"]
    url = f"http://127.0.0.1:{port_base + organizations.index(found[1])}"
    with SyncClient([url]) as client, client.subscribe_blocks(after=0) as blocks:
        height = next(block.height for block in blocks if block.height >= BLOCKS_BEFORE)
    assert height == BLOCKS_BEFORE
    os.kill(int((home / found[1] / "LOCK").read_text()), signal.SIGKILL)
    return found[1]


def run_and_kill(home: Path, port_base: int) -> tuple[str, dict[str, Any], str]:
    """Run the demonstration and kill its leader; return the leader, the summary, and what was said meanwhile."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JIFEN_")}
    command = [sys.executable, "-P", "-m", "jifen", "demo", "--once", "--json", "--limit", str(ROWS)]
    with subprocess.Popen(
        [*command, "--home", str(home), "--port-base", str(port_base)],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            leader = kill_the_leader(home, port_base, process)
            output, said = process.communicate(timeout=280)
        finally:
            process.kill()
    assert process.returncode == 0, said
    return leader, json.loads(output), said


def test_the_import_survives_the_leader(tmp_path: Path) -> None:
    home = tmp_path / "home"
    customers = {line.split(",")[2] for line in PACKAGED.read_text().splitlines()[1 : ROWS + 1]}

    leader, summary, said = run_and_kill(home, free_port_base())

    assert f"{leader} was killed by signal 9" in said
    assert (summary["purchases"], summary["credited"]) == (ROWS, ROWS)
    assert [item["id"] for item in summary["unreachable"]] == [leader]
    assert summary["digestsEqual"] is True

    reports: dict[str, Report] = {path.name: verify_directory(path) for path in sorted(home.iterdir()) if path.is_dir()}
    compare(list(reports.values()))
    survivors = [report for name, report in reports.items() if name != leader]
    assert len(survivors) == 3
    assert reports[leader].height >= BLOCKS_BEFORE
    # Every row and every customer once: a transaction taken twice, or a second one for a row, would be one more.
    assert {report.transactions for report in survivors} == {ROWS + len(customers)}
