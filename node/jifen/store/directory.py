"""One process per data directory."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jifen.store.errors import DirectoryLocked, StoreError

LOCK_FILE = "LOCK"


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
