"""What must hold when everything is mended: agreement, progress, clean directories, and no answer that was false."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import trio

from jifen import config
from jifen.chain.anchor import genesis_block
from jifen.client import ClientError
from jifen.codec.genesis import chain_id
from jifen.store.directory import STORE_DIRECTORY
from jifen.store.ledger_store import LedgerStore
from jifen.testing.nemesis.clients import Clients
from jifen.testing.nemesis.history import History, Violation
from jifen.testing.nemesis.processes import LOG_FILE, Alliance
from jifen.testing.witness import NotBorneOut, check_history

AGREES_SECONDS: Final = 60.0
"""Longest time for the validators to agree once nothing is wrong any more: many elections, and the last back-off of a
link (5 s) several times over."""

PAUSE_SECONDS: Final = 0.2
"""Pause between two looks."""

FAULTS_IN_LOGS: Final = ("Traceback", '"level": "error"', "evidence of a faulty validator", "resolver failed")
"""What a validator that suffers from outside alone never says."""


async def agree(alliance: Alliance) -> int:
    """Wait until all validators stand at one height in one state, and return the height; raises Violation."""
    digests: dict[int, set[str]] = {}
    with trio.move_on_after(AGREES_SECONDS):
        while True:
            heights = set()
            for validator in alliance.validators.values():
                try:
                    status = await validator.client.status()
                except ClientError:
                    heights.add(-1)
                    continue
                heights.add(status.height)
                digests.setdefault(status.height, set()).add(status.state_digest)
            if any(len(found) > 1 for found in digests.values()):
                raise Violation("validators at one height have different states")
            if len(heights) == 1 and -1 not in heights:
                return heights.pop()
            await trio.sleep(PAUSE_SECONDS)
    raise Violation(f"the validators do not agree {AGREES_SECONDS:g} s after everything was mended")


async def go_on(alliance: Alliance, clients: Clients) -> None:
    """Commit a transaction through every validator and see it on every other; raises Violation."""
    for validator in alliance.validators.values():
        try:
            height = await clients.commit_through(validator.url, AGREES_SECONDS)
        except ClientError as error:
            raise Violation(f"nothing commits through {validator.name} after everything was mended: {error}") from error
        for other in alliance.validators.values():
            with trio.move_on_after(AGREES_SECONDS) as scope:
                await alliance.reaches(other, height)
            if scope.cancelled_caught:
                raise Violation(f"{other.name} does not reach height {height} after everything was mended")


async def stop_all(alliance: Alliance) -> Iterator[str]:
    """Stop all validators; return what is wrong with how they ended, now and before."""
    async with trio.open_nursery() as nursery:

        async def stop(name: str) -> None:
            validator = alliance.validators[name]
            code = await validator.stop()
            if code != 0:
                validator.ends.append((code, validator.last_line()))

        for name in alliance.validators:
            nursery.start_soon(stop, name)
    return (
        f"{validator.name} ended by itself with exit code {code}: {line}"
        for validator in (*alliance.validators.values(), *alliance.retired)
        for code, line in validator.ends
    )


def faults_in_logs(alliance: Alliance) -> Iterator[str]:
    """Yield what validators logged that they must not have had a reason to."""
    for validator in (*alliance.validators.values(), *alliance.retired):
        for line in (validator.directory / LOG_FILE).read_text(encoding="utf-8", errors="replace").splitlines():
            if any(word in line for word in FAULTS_IN_LOGS):
                yield f"{validator.name} logged: {line[:500]}"


def verify(alliance: Alliance) -> int:
    """Have `jifen verify` replay all directories, and return the transactions in each; raises Violation."""
    command = [sys.executable, "-P", "-m", "jifen", "verify", "--json"]
    current = [str(validator.directory) for validator in alliance.validators.values()]
    result = subprocess.run(  # noqa: S603 - our own command line
        [*command, *current, *(str(validator.directory) for validator in alliance.retired)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if result.returncode != 0:
        raise Violation(f"jifen verify: {result.stderr.strip()}")
    reports = json.loads(result.stdout)["directories"]
    if len({(report["height"], report["stateDigest"]) for report in reports if report["directory"] in current}) != 1:
        raise Violation("the stopped directories have different heights")
    return int(reports[0]["transactions"])


def committed_blocks(directory: Path) -> list[bytes]:
    """Return the committed blocks in a stopped validator's data directory, from height 1 on."""
    genesis = config.read_genesis(directory)
    anchor = genesis_block(chain_id(genesis), genesis)
    store = LedgerStore(directory / STORE_DIRECTORY, anchor, may_be_new=False)
    try:
        entries = [store.entry(height) for height in range(1, store.tip.height + 1)]
    finally:
        store.close()
    assert None not in entries, "a committed block is missing, which verifying would have found"
    return [entry.payload for entry in entries if entry is not None]


def bear_out(alliance: Alliance, history: History) -> None:
    """Check the clients' history against the chain; raises Violation."""
    payloads = committed_blocks(next(iter(alliance.validators.values())).directory)
    try:
        check_history(alliance.genesis, payloads, history.operations, history.readings)
    except NotBorneOut as error:
        raise Violation(f"the chain does not bear out what clients were told: {error}") from error
