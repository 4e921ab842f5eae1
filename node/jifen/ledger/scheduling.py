"""Entries of the agenda: who is to be looked at when."""

from typing import Final

from jifen.ledger.state import AGENDA, StateReader, StateWriter, agenda_key
from jifen.ledger.types import Record


class AgendaEntry(Record, frozen=True):
    """Says by its key all there is to say: when, and which record."""


ENTRY: Final = AgendaEntry()


def schedule(state: StateWriter, subject: bytes, before: int, due: int) -> None:
    """Have the record under `subject` looked at at `due` in place of `before`; 0: never. Times are in ms."""
    if before == due:
        return
    if before:
        state.delete(agenda_key(before, subject))
    if due:
        state.put(agenda_key(due, subject), ENTRY)


def next_due(state: StateReader) -> int | None:
    """Return the time of the first entry of the agenda, ms, or None when it is empty."""
    first = state.range(AGENDA, AGENDA + b"\xff", 1)
    return int.from_bytes(first[0][0][1:9], "big") if first else None
