"""The simplest state there can be: a dictionary of records."""

from jifen.ledger.types import Record


class Memory(dict[bytes, Record]):
    """Records under their keys; a `StateWriter`. Writing is not undone by anything."""

    def range(self, start: bytes, stop: bytes, limit: int) -> list[tuple[bytes, Record]]:
        """Return the first `limit` keys of `start <= key < stop` in ascending order, with their records."""
        return [(key, self[key]) for key in sorted(self) if start <= key < stop][:limit]

    def put(self, key: bytes, record: Record) -> None:
        """Set a record."""
        self[key] = record

    def delete(self, key: bytes) -> None:
        """Leave nothing under a key."""
        self.pop(key, None)

    def take_in(self, writes: dict[bytes, Record | None]) -> None:
        """Take in what a block changed."""
        for key, record in writes.items():
            if record is None:
                del self[key]
            else:
                self[key] = record
