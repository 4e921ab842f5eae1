"""Typed reading of the state."""

from typing import TypeVar

from jifen.ledger.state import StateReader
from jifen.ledger.types import Record

R = TypeVar("R", bound=Record)


def read(state: StateReader, key: bytes, kind: type[R]) -> R | None:
    """Return the record under `key`, which must be of `kind`, or None.

    A record of another kind means that the state is damaged: that is our fault, never a transaction's.
    """
    record = state.get(key)
    if record is None:
        return None
    assert isinstance(record, kind), f"state key {key.hex()} holds a {type(record).__name__}, not a {kind.__name__}"
    return record
