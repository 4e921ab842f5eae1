"""Validators that keep few blocks, and one that was away for too long: it gets a snapshot, then blocks."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
import trio

from jifen.actors import snapshots
from jifen.actors.node import BlockNotHeld, SubmitStatus
from jifen.chain.checkpoints import Manifest, encode_manifest
from jifen.codec.messages import SnapshotRequest
from jifen.store.snapshots import SNAPSHOTS_DIRECTORY, SnapshotFetch, SnapshotFolder
from jifen.testing.running_alliance import QUICK, RunningAlliance, running_alliance
from jifen.testing.small_alliance import small_alliance

EVERY = 10
SETTINGS = {"checkpoint_blocks": EVERY, "retained_blocks": 2, "uncommitted_heights_max": 4}


@pytest.fixture
async def alliance(tmp_path: Path) -> AsyncIterator[RunningAlliance]:
    made = small_alliance(tmp_path, timing=QUICK, **SETTINGS)  # type: ignore[arg-type]
    async with running_alliance(tmp_path, alliance=made) as running:
        yield running


async def work(alliance: RunningAlliance, first: int, count: int) -> None:
    """Commit a block for each of `count` members."""
    through = await alliance.leader()
    for number in range(first, first + count):
        [result] = await alliance.submit(through, alliance.clerk.register(f"member {number}").signed)
        assert (result.status, result.rejection) == (SubmitStatus.COMMITTED, None)


async def compacted(alliance: RunningAlliance, above: int) -> None:
    """Wait until every running validator has dropped the blocks up to a height."""

    def look() -> bool | None:
        firsts = []
        for node in alliance.nodes.values():
            with node.read() as view:
                firsts.append(view.first_height)
        return min(firsts) > above or None

    await alliance.found(look)


def folder_of(alliance: RunningAlliance, name: str) -> SnapshotFolder:
    return SnapshotFolder(alliance.alliance.setups[name].directory / SNAPSHOTS_DIRECTORY)


async def left_behind(alliance: RunningAlliance) -> str:
    """Let three validators go on without one until they no longer hold what comes next there; return its name."""
    await alliance.start()
    away = await alliance.follower()
    await work(alliance, 0, 2)
    await alliance.stop(away)
    await work(alliance, 2, 40)
    await compacted(alliance, 12)
    return away


async def test_checkpoints_are_certified_snapshots_kept_and_old_blocks_dropped(alliance: RunningAlliance) -> None:
    await alliance.start()
    await work(alliance, 0, 35)
    await compacted(alliance, 8)
    for name, node in alliance.nodes.items():
        held = folder_of(alliance, name).listed()
        assert 1 <= sum(info.certified for info in held) <= 2
        with node.read() as view:
            recent = view.checkpoints().recent
            assert any(item.certified_root is not None for item in recent)
            assert {item.height % EVERY for item in recent} == {0}
            roots = {item.certified_root for item in recent if item.certified_root}
            assert {info.root for info in held if info.certified} <= roots | {info.root for info in held}
            with pytest.raises(BlockNotHeld):
                view.block(1)
            assert view.block(0) is not None
    await alliance.digest()


async def test_one_that_was_away_too_long_gets_a_snapshot_and_then_blocks(alliance: RunningAlliance) -> None:
    away = await left_behind(alliance)
    await alliance.start(away)
    await alliance.height(45)
    await alliance.digest()
    with alliance.nodes[away].read() as view:
        assert view.first_height > 12, "it cannot have got these blocks from anybody"
        assert view.account(alliance.clerk.member("member 5").account) is not None
    assert folder_of(alliance, away).newest() is not None, "it can pass the snapshot on"
    await work(alliance, 100, 3)
    await alliance.digest()
    await alliance.stop()
    await alliance.start()
    await work(alliance, 200, 1)
    await alliance.digest()


async def test_the_only_two_left_with_it_make_a_quorum_after_it_came_by_snapshot(alliance: RunningAlliance) -> None:
    away = await left_behind(alliance)
    await alliance.start(away)
    await alliance.height(45)
    other = next(name for name in alliance.nodes if name != away)
    await alliance.stop(other)
    await work(alliance, 100, 3)
    await alliance.digest()


async def test_a_fetch_that_is_cut_off_goes_on_with_what_came(
    alliance: RunningAlliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jifen.chain.checkpoints.CHUNK_BYTES", 600)
    away = await left_behind(alliance)
    kept: list[tuple[int, int]] = []
    put = SnapshotFetch.put
    cut = trio.Event()

    def put_some(self: SnapshotFetch, index: int, chunk: bytes) -> None:
        if len(kept) == 4 and not cut.is_set():
            trio.from_thread.run_sync(cut.set)
            raise OSError(28, "No space left on device")
        put(self, index, chunk)
        kept.append((self.manifest.height, index))

    monkeypatch.setattr(SnapshotFetch, "put", put_some)
    await alliance.start(away)
    with trio.fail_after(90):
        await cut.wait()
    await alliance.stop(away)
    fetches = folder_of(alliance, away).fetches()
    await alliance.start(away)
    await alliance.height(45)
    await alliance.digest()
    assert len(fetches) == 1
    assert len(kept) == len({*kept}), "nothing that had come was fetched again"


Served = Callable[[snapshots.SnapshotExchange, SnapshotRequest], bytes]


async def serving(
    alliance: RunningAlliance, monkeypatch: pytest.MonkeyPatch, change: Callable[[Served], Served]
) -> str:
    away = await left_behind(alliance)
    monkeypatch.setattr(snapshots.SnapshotExchange, "_read", change(snapshots.SnapshotExchange._read))
    await alliance.start(away)
    return away


async def test_a_damaged_chunk_is_refused_and_fetched_elsewhere(
    alliance: RunningAlliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged: list[str] = []

    def change(read: Served) -> Served:
        def damage_the_first(self: snapshots.SnapshotExchange, request: SnapshotRequest) -> bytes:
            data = read(self, request)
            if request.chunk == 0 and self._name not in damaged and len(damaged) < 2:
                damaged.append(self._name)
                return data[:-1] + bytes([data[-1] ^ 1])
            return data

        return damage_the_first

    await serving(alliance, monkeypatch, change)
    await alliance.height(45)
    await alliance.digest()
    assert len(damaged) == 2


async def test_a_snapshot_without_a_quorum_of_attestations_is_refused_from_everybody(
    alliance: RunningAlliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[str] = []

    def change(_: Served) -> Served:
        def two_only(self: snapshots.SnapshotExchange, request: SnapshotRequest) -> bytes:
            manifest = self._folder.newest()
            assert manifest is not None
            refused.append(self._name)
            few = Manifest(
                manifest.format,
                manifest.header,
                manifest.history,
                manifest.certificate,
                manifest.chunks,
                manifest.configurations,
                manifest.attestations[:2],
            )
            return encode_manifest(few)

        return two_only

    away = await serving(alliance, monkeypatch, change)
    await alliance.found(lambda: len({*refused}) == 3 or None)
    with alliance.nodes[away].read() as view:
        assert view.height < 12
    assert folder_of(alliance, away).fetches() == []
    monkeypatch.undo()
    await alliance.height(45)
    await alliance.digest()


async def test_a_fetch_found_on_the_disk_must_prove_itself_before_it_is_gone_on_with(alliance: RunningAlliance) -> None:
    away = await left_behind(alliance)
    newest = folder_of(alliance, await alliance.leader()).newest()
    assert newest is not None
    few = msgspec.structs.replace(newest, attestations=newest.attestations[:2])
    folder_of(alliance, away).fetch(few)
    await alliance.start(away)
    await alliance.height(45)
    await alliance.digest()
    installed = folder_of(alliance, away).newest()
    assert installed is not None
    assert len(installed.attestations) > 2
