"""The log as the core sees it: recent entries in memory, older ones through the host's LogReader."""

from jifen.consensus.messages import Entry
from jifen.consensus.types import LogReader, Position


class Log:
    """Entries above `base` up to `last`.

    Invariants: 1. `base.height <= committed <= last.height`; 2. an entry appended since the start stays in memory until
    it is committed and the reader shows it, so a disk that has yet to replace an abandoned tail is never mistaken for
    the log; 3. no entry at or below `committed` ever changes; 4. terms never fall with height (Raft 5.3), which allows
    searching by halves.
    """

    def __init__(
        self, *, base: Position, last: Position, committed: int, reader: LogReader, cache_bytes_max: int
    ) -> None:
        assert base.height <= committed <= last.height, (base.height, committed, last.height)
        self.last = last
        """Position of the last entry, durable or not."""
        self.committed = committed
        """Highest committed height. Invariant: never falls."""
        self.base = base
        """Highest position whose entry is not held: the genesis block, until the log is compacted or a snapshot
        installed. Invariant: committed; its height never falls."""
        self._reader = reader
        self._entries: dict[int, Entry] = {}
        """Entries in memory. Invariant: their heights are consecutive."""
        self._cached_from = last.height + 1
        """Lowest height in `_entries`, or where the next one goes."""
        self._cached_bytes = 0
        self._cache_bytes_max = cache_bytes_max

    def append(self, entry: Entry) -> None:
        """Append `entry`, which continues `last`. Costs the same however long the log is."""
        last = self.last
        assert entry.height == last.height + 1, (entry.height, last.height)
        assert entry.parent_hash == last.hash, entry.height
        assert entry.term >= last.term, (entry.term, last.term)
        self._entries[entry.height] = entry
        self._cached_bytes += len(entry.payload)
        self.last = Position(entry.height, entry.term, entry.hash)

    def truncate(self, height: int) -> None:
        """Drop entries from `height` on. Dropping a committed one would be our own fault and stops the node."""
        assert self.committed < height <= self.last.height, (self.committed, height, self.last.height)
        previous = self.position(height - 1)
        assert previous is not None, height
        for dropped in range(max(height, self._cached_from), self.last.height + 1):
            self._cached_bytes -= len(self._entries.pop(dropped).payload)
        self._cached_from = min(self._cached_from, height)
        self.last = previous

    def commit(self, height: int) -> None:
        """Raise the committed height and let go of old payloads; the committed entry itself stays as an anchor."""
        assert self.committed < height <= self.last.height, (self.committed, height, self.last.height)
        self.committed = height
        while self._cached_bytes > self._cache_bytes_max and self._cached_from < self.committed:
            oldest = self._entries[self._cached_from]
            stored = self._reader.entry(self._cached_from)
            if stored is None or stored.hash != oldest.hash:
                break
            del self._entries[self._cached_from]
            self._cached_bytes -= len(oldest.payload)
            self._cached_from += 1

    def compact(self, height: int) -> None:
        """Forget the entries up to `height`, which is committed and whose position is known; lower ones are forgotten
        already (Raft section 7)."""
        if height <= self.base.height:
            return
        assert height <= self.committed, (height, self.committed)
        base = self.position(height)
        assert base is not None, height
        self._forget_to(height)
        self.base = base

    def install(self, position: Position, last: Position) -> None:
        """Start from a snapshot of the state after `position`, which is above the committed height.

        `last` is this log's last entry when what follows `position` is kept, else `position`.
        """
        assert position.height > self.committed, (position.height, self.committed)
        if last.height > position.height:
            assert last == self.last, (last, self.last)
            self._forget_to(position.height)
        else:
            assert last == position, (last, position)
            self._forget_to(self.last.height)
            self._cached_from = position.height + 1
            self.last = position
        self.base = position
        self.committed = position.height

    def _forget_to(self, height: int) -> None:
        for forgotten in range(self._cached_from, height + 1):
            self._cached_bytes -= len(self._entries.pop(forgotten).payload)
        self._cached_from = max(self._cached_from, height + 1)

    def entry(self, height: int) -> Entry | None:
        """Return the entry at `height`, or None when the log does not hold it or cannot read it yet."""
        found = self._entries.get(height)
        if found is not None or not self.base.height < height <= self.last.height:
            return found
        return self._reader.entry(height)

    def position(self, height: int) -> Position | None:
        """Return the position at `height`, or None as `entry` does; `base` has one."""
        if height == self.last.height:
            return self.last
        if height == self.base.height:
            return self.base
        entry = self.entry(height)
        return None if entry is None else Position(entry.height, entry.term, entry.hash)

    def up_to_date(self, last_term: int, last_height: int) -> bool:
        """Tell whether a log that ends so is at least as up to date as this one (Raft 5.4.1)."""
        return (last_term, last_height) >= (self.last.term, self.last.height)

    def highest_with_term_at_most(self, term: int, *, low: int, high: int) -> int:
        """Return the highest height in `low`..`high` whose entry has at most `term`, or `low` when none has.

        Halves the range at each read, because terms never fall. A height that cannot be read counts as too high, and
        one that was compacted away as low enough: whoever asks goes lower than `base` only after it was refused there.
        """
        low = max(low, min(self.base.height, high))
        while low < high:
            middle = (low + high + 1) // 2
            position = self.position(middle)
            if position is not None and position.term <= term:
                low = middle
            else:
                high = middle - 1
        return low

    @property
    def cached_bytes(self) -> int:
        """Payload bytes in memory."""
        return self._cached_bytes

    @property
    def cached_from(self) -> int:
        """Lowest height held in memory, or one above `last` when there is none."""
        return self._cached_from
