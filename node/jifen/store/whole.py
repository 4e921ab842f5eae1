"""A store whose file was cut short, by a copy that a full disk ended for example.

LMDB maps the file: touching what lies behind its end is no error but a bus error, which ends the process without a
word. A file may be a little short and whole all the same, because pages freed before they were ever written are missing
at its end; so what is missing is filled with zeros, which LMDB knows for no page of its own and says so.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lmdb

from jifen.store.errors import StoreError


@contextmanager
def filled_up(environment: lmdb.Environment, path: Path) -> Iterator[None]:
    """Fill up the file of the store under `path`, if it is short, while the store is opened and looked through.

    When the body raises, the file is left as it was; the environment must then be closed without being read. Raises
    StoreError when the disk takes no more.
    """
    file = path / "data.mdb"
    found = file.stat().st_size
    needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    if found < needed:
        try:
            os.truncate(file, needed)
        except OSError as error:
            reason = f"the store {path} is cut short and cannot be filled up: {error}; check the disk"
            raise StoreError(reason) from None
    try:
        yield
    except BaseException:
        if found < needed:
            os.truncate(file, found)
        raise
