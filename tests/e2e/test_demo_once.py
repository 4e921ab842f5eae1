"""The newcomer's path: one command makes an alliance, starts it, imports, and tells; again, it resumes."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from jifen.demo.purchases import PACKAGED

ROWS: Final = 300
"""Purchases imported: several batches for every merchant, a few seconds of work."""


def jifen(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JIFEN_")}
    return subprocess.run(
        [sys.executable, "-P", "-m", "jifen", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def free_port_base() -> int:
    """Return a port such that it and the others of four organizations are free."""
    # Below the ports that systems lend to outgoing connections (32768 and up on Linux), any of which may come and go.
    for base in range(21_000, 24_000, 300):
        try:
            for offset in range(4):
                for distance in (0, 100, 200):
                    with socket.socket() as probe:
                        probe.bind(("127.0.0.1", base + distance + offset))
        except OSError:
            continue
        return base
    pytest.fail("no range of free ports was found")


def demo(home: Path, port_base: int) -> dict[str, Any]:
    """Run the demonstration once; return its summary."""
    result = jifen("demo", "--once", "--json", "--limit", str(ROWS), "--home", str(home), "--port-base", str(port_base))
    assert result.returncode == 0, result.stderr
    summary: dict[str, Any] = json.loads(result.stdout)
    return summary


def issued_by_hand() -> dict[str, int]:
    """Compute what each merchant must have issued, from the file itself."""
    rates = {"north-music": 10, "east-books": 20, "south-cafe": 5}
    issued = {"harbour-mall": 0} | dict.fromkeys(rates, 0)
    for line in PACKAGED.read_text().splitlines()[1 : ROWS + 1]:
        number, _, _, _, cents = line.split(",")
        merchant = list(rates)[int(number) % 3]
        issued[merchant] += int(cents) // rates[merchant]
    return issued


def test_the_demonstration_imports_once_resumes_and_verifies(tmp_path: Path) -> None:
    home, port_base = tmp_path / "home", free_port_base()
    customers = {line.split(",")[2] for line in PACKAGED.read_text().splitlines()[1 : ROWS + 1]}

    first = demo(home, port_base)

    organizations = first["organizations"]
    assert (first["purchases"], first["credited"]) == (ROWS, ROWS)
    assert first["transactions"] == ROWS + len(customers)
    assert first["transactionsPerSecond"] > 0
    assert first["unreachable"] == []
    assert {item["id"]: item["pointsIssued"] for item in organizations} == issued_by_hand()
    assert len({(item["height"], item["stateDigest"]) for item in organizations}) == 1
    assert first["digestsEqual"] is True
    assert sorted(item["role"] for item in organizations) == ["follower"] * 3 + ["leader"]
    assert [item["url"] for item in organizations] == [f"http://127.0.0.1:{port_base + index}" for index in range(4)]
    bound = first["verificationBound"]
    assert bound["transactionsPerSecond"] == pytest.approx(
        bound["cores"] / (4 * bound["microsecondsPerVerification"] / 1e6), rel=0.01
    )
    assert bound["share"] == pytest.approx(first["transactionsPerSecond"] / bound["transactionsPerSecond"], abs=0.001)

    second = demo(home, port_base)

    assert (second["purchases"], second["credited"], second["transactions"]) == (ROWS, 0, 0)
    assert {item["id"]: item["pointsIssued"] for item in second["organizations"]} == issued_by_hand()

    verified = jifen("verify", "--home", str(home), "--json")

    assert verified.returncode == 0, verified.stderr
    directories = json.loads(verified.stdout)["directories"]
    assert len(directories) == 4
    assert len({item["stateDigest"] for item in directories}) == 1
    assert {item["transactions"] for item in directories} == {ROWS + len(customers)}
