"""Snapshots on disk: one directory each under `snapshots/`, complete or not there.

    snapshots/0000000000004000/chunk-00000000 ...    the state's chunks
    snapshots/0000000000004000/draft                 manifest without attestations: made here, not certified yet
    snapshots/0000000000004000/manifest              manifest with a quorum's attestations
    snapshots/making-0000000000005000/               being written; dropped at the next start
    snapshots/fetching-0000000000005000-<root>/      being fetched: its manifest, and the chunks that came so far

A directory gets its final name when everything in it is synced. Chunks are checked against the manifest whenever they
are read, so nothing here has to be believed. All calls wait for the disk; they raise OSError when it does not play.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final, final

import msgspec

from jifen.chain.checkpoints import Manifest, SnapshotInvalid, check_chunk, decode_manifest, encode_manifest
from jifen.codec.merkle import leaf_hash

SNAPSHOTS_DIRECTORY: Final = "snapshots"
"""Where snapshots lie in a data directory."""

SNAPSHOTS_KEPT: Final = 2
"""Certified snapshots kept: the newest, and the one before for those who are fetching it."""

_MANIFEST, _DRAFT, _PARTIAL = "manifest", "draft", ".part"
_MAKING, _FETCHING = "making-", "fetching-"


class SnapshotInfo(msgspec.Struct, frozen=True):
    """A complete snapshot."""

    height: int
    certified: bool
    """Whether a quorum's attestations lie with it."""
    chunks: int
    size: int
    """Bytes of all chunks."""
    root: bytes


@final
class SnapshotFolder:
    """The snapshots of one validator. Two threads may use it as long as they do not work on one height."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def prepare(self) -> None:
        """Make the folder and drop what was being made when the validator last stopped; what was fetched stays."""
        self.path.mkdir(mode=0o700, exist_ok=True)
        for left in self.path.glob(f"{_MAKING}*"):
            shutil.rmtree(left)

    def heights(self) -> list[int]:
        """Return the heights of the complete snapshots, newest first."""
        names = (entry.name for entry in self.path.iterdir()) if self.path.is_dir() else iter(())
        return sorted((int(name) for name in names if name.isdigit()), reverse=True)

    def listed(self) -> list[SnapshotInfo]:
        """Return the complete snapshots, newest first; those whose manifest does not decode are left out."""
        found = []
        for height in self.heights():
            manifest = self.manifest(height) or self.draft(height)
            if manifest is not None:
                size = sum(entry.stat().st_size for entry in self._of(height).glob("chunk-*"))
                certified = bool(manifest.attestations)
                found.append(SnapshotInfo(height, certified, len(manifest.chunks), size, manifest.root))
        return found

    def manifest(self, height: int) -> Manifest | None:
        """Return the manifest of a certified snapshot, or None when there is none that decodes."""
        return _read_manifest(self._of(height) / _MANIFEST)

    def draft(self, height: int) -> Manifest | None:
        """Return the manifest, without attestations, of a snapshot made here, or None."""
        return _read_manifest(self._of(height) / _DRAFT)

    def newest(self) -> Manifest | None:
        """Return the manifest of the newest certified snapshot, or None."""
        return next((found for found in map(self.manifest, self.heights()) if found is not None), None)

    def chunk(self, manifest: Manifest, index: int) -> bytes:
        """Return a chunk of a complete snapshot; raises SnapshotInvalid when it is damaged or gone."""
        return _read_chunk(self._of(manifest.height), manifest, index)

    def chunks(self, manifest: Manifest) -> Iterator[bytes]:
        """Yield all chunks of a complete snapshot; raises SnapshotInvalid at the first that is damaged."""
        for index in range(len(manifest.chunks)):
            yield self.chunk(manifest, index)

    def certify(self, manifest: Manifest) -> None:
        """Put the manifest, with its attestations, beside the chunks of a snapshot made here."""
        _write_synced(self._of(manifest.height) / _MANIFEST, encode_manifest(manifest))
        _sync_directory(self._of(manifest.height))

    def prune(self, keep: int = SNAPSHOTS_KEPT) -> None:
        """Drop all but the newest certified snapshots, drafts below them, and fetches that are no use any more."""
        certified = [height for height in self.heights() if (self._of(height) / _MANIFEST).exists()]
        oldest = min(certified[:keep], default=0)
        for height in self.heights():
            if height < oldest:
                shutil.rmtree(self._of(height))
        for fetch in self.fetches():
            if fetch.manifest.height <= max(certified, default=0):
                fetch.drop()

    def make(self, height: int) -> "SnapshotWriter":
        """Begin to write a snapshot of a height; one that is there already is replaced when it is complete."""
        directory = self.path / f"{_MAKING}{height:016}"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(mode=0o700)
        return SnapshotWriter(directory, self._of(height))

    def fetch(self, manifest: Manifest) -> "SnapshotFetch":
        """Begin to fetch a snapshot whose manifest has been verified, or go on where an earlier fetch of it ended."""
        directory = self.path / f"{_FETCHING}{manifest.height:016}-{manifest.root.hex()[:16]}"
        directory.mkdir(mode=0o700, exist_ok=True)
        _write_synced(directory / _MANIFEST, encode_manifest(manifest))
        return SnapshotFetch(directory, self._of(manifest.height), manifest)

    def fetches(self) -> list["SnapshotFetch"]:
        """Return the fetches under way, newest first; those that cannot be gone on with are dropped."""
        found = []
        for directory in sorted(self.path.glob(f"{_FETCHING}*"), reverse=True):
            manifest = _read_manifest(directory / _MANIFEST)
            if manifest is None:
                shutil.rmtree(directory)
            else:
                found.append(SnapshotFetch(directory, self._of(manifest.height), manifest))
        return found

    def keep_fetched(self, height: int) -> None:
        """Make complete fetches of snapshots up to the committed `height` this validator's own.

        Called right after installing and again at every start: a store that begins above block 1 can be verified only
        from the snapshot that it began with, also when the validator ended just after installing it.
        """
        for fetch in self.fetches():
            if fetch.manifest.height <= height and not fetch.missing():
                fetch.finish()

    def _of(self, height: int) -> Path:
        return self.path / f"{height:016}"


@final
class SnapshotWriter:
    """Writes a snapshot, chunk by chunk."""

    def __init__(self, directory: Path, final_name: Path) -> None:
        self._directory = directory
        self._final_name = final_name
        self.leaves: list[bytes] = []
        """Leaf hashes of the chunks written."""

    def add(self, chunk: bytes) -> None:
        """Write the next chunk."""
        (self._directory / _chunk_name(len(self.leaves))).write_bytes(chunk)
        self.leaves.append(leaf_hash(chunk))

    def finish(self, draft: Manifest) -> None:
        """Sync everything, write the draft last, and give the directory its name."""
        assert list(draft.chunks) == self.leaves, "the manifest is of other chunks"
        for index in range(len(self.leaves)):
            _sync_file(self._directory / _chunk_name(index))
        _write_synced(self._directory / _DRAFT, encode_manifest(draft))
        _rename(self._directory, self._final_name)

    def drop(self) -> None:
        """Give up."""
        shutil.rmtree(self._directory, ignore_errors=True)


@final
class SnapshotFetch:
    """A snapshot on its way here. What has come survives a restart."""

    def __init__(self, directory: Path, final_name: Path, manifest: Manifest) -> None:
        self._directory = directory
        self._final_name = final_name
        self.manifest = manifest
        """Has been verified by whoever began the fetch; after a restart it is to be verified again."""

    def missing(self) -> list[int]:
        """Return the indexes of the chunks that are still to come; damaged ones among those that came are dropped."""
        missing = []
        for index in range(len(self.manifest.chunks)):
            path = self._directory / _chunk_name(index)
            if not path.exists():
                missing.append(index)
            elif leaf_hash(path.read_bytes()) != self.manifest.chunks[index]:
                path.unlink()
                missing.append(index)
        return missing

    def put(self, index: int, chunk: bytes) -> None:
        """Keep a chunk; raises SnapshotInvalid when it is not the one named by the manifest."""
        check_chunk(self.manifest, index, chunk)
        path = self._directory / _chunk_name(index)
        partial = path.with_suffix(_PARTIAL)
        partial.write_bytes(chunk)
        partial.rename(path)

    def chunks(self) -> Iterator[bytes]:
        """Yield all chunks; raises SnapshotInvalid at the first that is damaged or missing."""
        for index in range(len(self.manifest.chunks)):
            yield _read_chunk(self._directory, self.manifest, index)

    def finish(self) -> None:
        """Make the fetched snapshot one of this validator's own."""
        for index in range(len(self.manifest.chunks)):
            _sync_file(self._directory / _chunk_name(index))
        _rename(self._directory, self._final_name)

    def drop(self) -> None:
        """Give up."""
        shutil.rmtree(self._directory, ignore_errors=True)


def _chunk_name(index: int) -> str:
    return f"chunk-{index:08}"


def _read_manifest(path: Path) -> Manifest | None:
    try:
        return decode_manifest(path.read_bytes())
    except (FileNotFoundError, SnapshotInvalid):
        return None


def _read_chunk(directory: Path, manifest: Manifest, index: int) -> bytes:
    try:
        chunk = (directory / _chunk_name(index)).read_bytes()
    except FileNotFoundError:
        raise SnapshotInvalid(f"chunk {index} of snapshot {manifest.height} is gone") from None
    check_chunk(manifest, index, chunk)
    return chunk


def _write_synced(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + _PARTIAL)
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _rename(directory: Path, final_name: Path) -> None:
    _sync_directory(directory)
    if final_name.exists():
        shutil.rmtree(final_name)
    directory.rename(final_name)
    _sync_directory(final_name.parent)
