"""The data directory: one process at a time, and no forgetting.

A validator that lost its log and votes but kept its keys could vote a second time in a term, or acknowledge another
block at a height it has acknowledged (consensus needs every voter to remember). So the directory remembers, beside the
store, that there was one.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jifen.store.errors import DirectoryLocked, StoreError, StoreWiped

LOCK_FILE = "LOCK"

STORE_DIRECTORY = "ledger"
"""Where the store lies in a data directory."""

STARTED_FILE = "STARTED"
"""Says that a store was made here, and with it that this identity may have voted."""

_STARTED_TEXT = "A validator has run here. Its log and votes are in ledger/; without them it must not run again.\n"


@contextmanager
def locked_directory(path: Path) -> Iterator[None]:
    """Hold the directory for this process; raises DirectoryLocked naming the holder.

    The kernel drops the lock when the process ends, however it ends.
    """
    try:
        descriptor = os.open(path / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(f"{path} cannot be used as a data directory: {error.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            raise DirectoryLocked(
                f"{path} is in use by process {holder}; stop that process, or give this one another directory"
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def check_not_wiped(path: Path) -> None:
    """Raise StoreWiped when a store was made in this data directory and is gone."""
    if has_started(path) and not (path / STORE_DIRECTORY / "data.mdb").exists():
        raise StoreWiped(path, STORE_DIRECTORY)


def has_started(path: Path) -> bool:
    """Tell whether a store was made in this data directory, so that an empty one is a lost one."""
    return (path / STARTED_FILE).exists()


def remember_started(path: Path) -> None:
    """Note, durably, that a store was made in this data directory; call before the first vote."""
    if has_started(path):
        return
    try:
        with (path / STARTED_FILE).open("w") as file:
            file.write(_STARTED_TEXT)
            file.flush()
            os.fsync(file.fileno())
        directory = os.open(path, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}; check the disk and start again") from None
