"""The committed state in memory: what a store keeps on a disk, for whoever replays a chain without one."""

from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import final

from jifen.codec.records import decode_record
from jifen.ledger.types import Record


@final
class MemoryState:
    """Encoded records under their keys; a `StateReader`.

    Invariant: `_ordered` holds, of every table that a range was asked of, all keys in ascending order.
    """

    def __init__(self, writes: Iterable[tuple[bytes, bytes | None]] = ()) -> None:
        """Start with the writes of a first block."""
        self.records: dict[bytes, bytes] = {}
        """The state. Changed by `write` only."""
        self._ordered: dict[bytes, list[bytes]] = {}
        self.write(writes)

    def get(self, key: bytes) -> Record | None:
        """Return the record under `key`, or None."""
        data = self.records.get(key)
        return None if data is None else decode_record(key, data)

    def range(self, start: bytes, stop: bytes, limit: int) -> list[tuple[bytes, Record]]:
        """Return the first `limit` keys of `start <= key < stop`, which lie in one table, with their records."""
        table = start[:1]
        keys = self._ordered.get(table)
        if keys is None:
            keys = self._ordered[table] = sorted(key for key in self.records if key[:1] == table)
        first = bisect_left(keys, start)
        return [(key, decode_record(key, self.records[key])) for key in keys[first : first + limit] if key < stop]

    def write(self, writes: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Take in what a block changed."""
        for key, value in writes:
            keys = self._ordered.get(key[:1])
            if value is None:
                del self.records[key]
                if keys is not None:
                    del keys[bisect_left(keys, key)]
            else:
                if keys is not None and key not in self.records:
                    insort(keys, key)
                self.records[key] = value
