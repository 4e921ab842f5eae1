"""A real validator process that is killed while it takes a snapshot over: started again it goes on where it was."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import trio

from jifen.actors.clock import system_clock
from jifen.chain.anchor import genesis_block
from jifen.chain.checkpoints import verify_manifest
from jifen.codec.genesis import chain_id, encode_genesis
from jifen.store.ledger_store import LedgerStore
from jifen.store.snapshots import SNAPSHOTS_DIRECTORY, SnapshotFolder
from jifen.testing.running_alliance import QUICK
from jifen.testing.small_alliance import SmallAlliance, small_alliance
from jifen.testing.small_chain import LIFETIME_MS, Clerk
from jifen.testing.validator_process import (
    CHUNKS_BEFORE_HALT,
    GENESIS_FILE,
    HALTED_SUFFIX,
    HALTS,
    SETTINGS_FILE,
    Reply,
    Settings,
    ValidatorProcess,
)

NAMES = ("mall", "books", "music", "cafe")
EVERY = 10
MEMBERS = 40
LOOK_SECONDS = 0.05
"""Pause between two looks at what a process has come to."""


def made(home: Path) -> SmallAlliance:
    """Make an alliance that keeps few blocks, and whose small state has many chunks."""
    alliance = small_alliance(home, NAMES, QUICK, checkpoint_blocks=EVERY)
    (home / GENESIS_FILE).write_bytes(encode_genesis(alliance.genesis))
    settings = Settings(retained_blocks=2, uncommitted_heights_max=4, chunk_bytes=600)
    (home / SETTINGS_FILE).write_bytes(msgspec.json.encode(settings))
    return alliance


async def until(seen: Callable[[list[Reply]], bool], processes: list[ValidatorProcess]) -> None:
    """Wait until what the processes say of themselves has come to something."""
    while not seen([await process.status() for process in processes]):  # noqa: ASYNC110 - processes tell nothing unasked
        await trio.sleep(LOOK_SECONDS)


def chunk_files(home: Path, name: str) -> set[tuple[str, int]]:
    """Return the chunks of snapshots, complete and on their way, below a data directory, with their inodes."""
    found = (home / name / SNAPSHOTS_DIRECTORY).glob("*/chunk-*[0-9]")
    return {(path.name, path.stat().st_ino) for path in found}


@pytest.mark.parametrize("halt", HALTS)
async def test_one_that_is_killed_while_it_takes_a_snapshot_over_goes_on_where_it_was(
    tmp_path: Path, halt: str
) -> None:
    alliance = made(tmp_path)
    clerk = Clerk(chain_id(alliance.genesis), system_clock() + LIFETIME_MS)
    halted = tmp_path / f"cafe{HALTED_SUFFIX}"
    with trio.fail_after(180):
        async with trio.open_nursery() as nursery:
            processes = {name: ValidatorProcess(tmp_path, name, nursery) for name in NAMES}
            try:
                *others, away = processes.values()
                async with trio.open_nursery() as starting:
                    for process in others:
                        starting.start_soon(process.start)
                await until(lambda told: told[0].leader is not None, others[:1])
                for number in range(MEMBERS):
                    reply = await others[0].submit(clerk.register(f"member {number}").signed, timeout_seconds=20)
                    assert (reply.outcome, reply.rejection) == ("COMMITTED", 0)
                await until(lambda told: min(reply.first_height for reply in told) > EVERY, others)

                await away.start(halt)
                await until(lambda _: halted.exists(), [away])
                before = chunk_files(tmp_path, "cafe")
                await away.kill()
                await away.start()
                await until(lambda told: len({(one.height, one.digest) for one in told}) == 1, [*others, away])
                assert (await away.status()).first_height > EVERY, "it cannot have got these blocks from anybody"
                assert [await process.stop() for process in processes.values()] == [0] * len(NAMES)
            finally:
                for process in processes.values():
                    process.kill_at_once()
    after = chunk_files(tmp_path, "cafe")
    assert before <= after, "a chunk that had come was fetched again"
    if halt == "fetching":
        assert len(before) == CHUNKS_BEFORE_HALT < len(after)
    anchor = genesis_block(chain_id(alliance.genesis), alliance.genesis)
    store = LedgerStore(tmp_path / "cafe" / "ledger", anchor)
    try:
        with store.view() as view:
            base = view.base_height
    finally:
        store.close()
    folder = SnapshotFolder(tmp_path / "cafe" / SNAPSHOTS_DIRECTORY)
    manifest = folder.newest()
    assert manifest is not None
    assert manifest.height >= base
    verify_manifest(anchor.validators, manifest)
    assert sum(1 for _ in folder.chunks(manifest)) == len(manifest.chunks)
    assert folder.fetches() == [], "nothing of the fetch is left"
