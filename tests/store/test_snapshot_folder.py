"""Snapshots on disk: complete or not there, checked whenever they are read, and never more than needed."""

from pathlib import Path

import msgspec
import pytest

from jifen.chain.checkpoints import Manifest, SnapshotInvalid
from jifen.codec.merkle import leaf_hash
from jifen.store.snapshots import SnapshotFolder, SnapshotWriter
from jifen.testing.small_chain import SmallChain

CHUNKS = [b"one" * 100, b"two" * 50, b"three"]


def manifest_of(height: int, chunks: list[bytes] | None = None, *, certified: bool = True) -> Manifest:
    chain = SmallChain()
    block = chain.build([])
    header = msgspec.structs.replace(block.tip.header, height=height)
    leaves = tuple(leaf_hash(chunk) for chunk in chunks or CHUNKS)
    return Manifest(1, header, (), chain.certify(block), leaves, (), (b"signed",) if certified else ())


def made(folder: SnapshotFolder, height: int, *, certified: bool = True) -> Manifest:
    writer = folder.make(height)
    for chunk in CHUNKS:
        writer.add(chunk)
    writer.finish(manifest_of(height, certified=False))
    manifest = manifest_of(height)
    if certified:
        folder.certify(manifest)
    return manifest


@pytest.fixture
def folder(tmp_path: Path) -> SnapshotFolder:
    found = SnapshotFolder(tmp_path / "snapshots")
    found.prepare()
    return found


def test_a_snapshot_is_there_when_it_is_complete_and_certified_when_a_quorum_has_attested(
    folder: SnapshotFolder,
) -> None:
    writer = folder.make(40)
    for chunk in CHUNKS:
        writer.add(chunk)
    assert folder.listed() == []
    draft = manifest_of(40, certified=False)
    writer.finish(draft)
    [info] = folder.listed()
    assert (info.height, info.certified, info.chunks, info.size) == (40, False, 3, sum(map(len, CHUNKS)))
    assert (folder.newest(), folder.draft(40)) == (None, draft)
    manifest = manifest_of(40)
    folder.certify(manifest)
    assert folder.newest() == manifest
    assert folder.listed()[0].certified
    assert list(folder.chunks(manifest)) == CHUNKS


def test_a_manifest_of_other_chunks_is_our_own_fault(folder: SnapshotFolder) -> None:
    writer = folder.make(40)
    writer.add(b"something else")
    with pytest.raises(AssertionError):
        writer.finish(manifest_of(40))


@pytest.mark.parametrize("harm", ["flipped", "short", "gone"])
def test_a_damaged_chunk_is_refused_when_it_is_read(folder: SnapshotFolder, harm: str) -> None:
    manifest = made(folder, 40)
    path = folder.path / f"{40:016}" / "chunk-00000001"
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(b"x" + CHUNKS[1][1:] if harm == "flipped" else CHUNKS[1][:-1])
    assert folder.chunk(manifest, 0) == CHUNKS[0]
    with pytest.raises(SnapshotInvalid, match="chunk 1 of snapshot 40"):
        folder.chunk(manifest, 1)
    with pytest.raises(SnapshotInvalid):
        list(folder.chunks(manifest))


def test_the_newest_two_certified_ones_are_kept_with_the_drafts_above_them(folder: SnapshotFolder) -> None:
    for height in (10, 20, 30):
        made(folder, height)
    made(folder, 16, certified=False)
    made(folder, 40, certified=False)
    folder.prune()
    assert folder.heights() == [40, 30, 20]


def test_a_draft_is_kept_while_nothing_is_certified(folder: SnapshotFolder) -> None:
    made(folder, 10, certified=False)
    folder.prune()
    assert folder.heights() == [10]


def test_what_was_being_made_is_dropped_at_a_start_and_what_was_fetched_is_not(folder: SnapshotFolder) -> None:
    folder.make(40).add(CHUNKS[0])
    folder.fetch(manifest_of(50)).put(1, CHUNKS[1])
    again = SnapshotFolder(folder.path)
    again.prepare()
    assert [path.name[:9] for path in again.path.iterdir()] == ["fetching-"]


def test_a_fetch_goes_on_after_a_restart_with_what_came(folder: SnapshotFolder) -> None:
    fetch = folder.fetch(manifest_of(50))
    assert fetch.missing() == [0, 1, 2]
    fetch.put(2, CHUNKS[2])
    fetch.put(0, CHUNKS[0])
    [again] = SnapshotFolder(folder.path).fetches()
    assert again.missing() == [1]
    with pytest.raises(SnapshotInvalid):
        list(again.chunks())
    again.put(1, CHUNKS[1])
    assert list(again.chunks()) == CHUNKS
    again.finish()
    assert (folder.fetches(), folder.newest()) == ([], manifest_of(50))


def test_a_chunk_that_is_not_the_named_one_is_not_kept(folder: SnapshotFolder) -> None:
    fetch = folder.fetch(manifest_of(50))
    with pytest.raises(SnapshotInvalid, match="not the one that was attested"):
        fetch.put(1, CHUNKS[0])
    assert fetch.missing() == [0, 1, 2]


def test_a_fetched_chunk_that_rots_on_disk_is_fetched_again(folder: SnapshotFolder) -> None:
    fetch = folder.fetch(manifest_of(50))
    for index, chunk in enumerate(CHUNKS):
        fetch.put(index, chunk)
    [path] = folder.path.glob("fetching-*/chunk-00000002")
    path.write_bytes(b"rotten")
    assert fetch.missing() == [2]


def test_a_fetch_without_a_manifest_that_decodes_is_dropped(folder: SnapshotFolder) -> None:
    folder.fetch(manifest_of(50))
    [path] = folder.path.glob("fetching-*/manifest")
    path.write_bytes(b"\xc1")
    assert folder.fetches() == []
    assert list(folder.path.iterdir()) == []


def test_a_fetch_that_is_no_use_any_more_is_dropped(folder: SnapshotFolder) -> None:
    folder.fetch(manifest_of(50))
    folder.fetch(manifest_of(70))
    made(folder, 60)
    folder.prune()
    assert [fetch.manifest.height for fetch in folder.fetches()] == [70]


def test_a_snapshot_that_is_made_again_replaces_the_old_one(folder: SnapshotFolder) -> None:
    made(folder, 40)
    writer: SnapshotWriter = folder.make(40)
    writer.add(b"new")
    writer.finish(manifest_of(40, [b"new"], certified=False))
    assert (folder.newest(), len(folder.listed())) == (None, 1)


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert SnapshotFolder(tmp_path / "nowhere").listed() == []


def test_what_was_fetched_whole_and_installed_is_kept_also_when_the_validator_ended_in_between(
    folder: SnapshotFolder,
) -> None:
    whole, partly, above = (folder.fetch(manifest_of(height)) for height in (40, 50, 60))
    for fetch, count in ((whole, 3), (partly, 2), (above, 3)):
        for index in range(count):
            fetch.put(index, CHUNKS[index])
    folder.keep_fetched(50)
    assert folder.heights() == [40]
    assert folder.newest() == whole.manifest
    assert [fetch.manifest.height for fetch in folder.fetches()] == [60, 50]
    folder.keep_fetched(50)
    assert folder.heights() == [40]
