"""What clients were told, and what is said when it was not true."""

import itertools
from collections import Counter
from pathlib import Path
from typing import final

import msgspec

from jifen.testing.witness import Operation, Reading


class Violation(Exception):
    """Something that must hold does not."""


@final
class History:
    """What all clients were told, in one sequence of events."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.readings: list[Reading] = []
        self.outcomes: Counter[str] = Counter()
        self.committed_at: list[float] = []
        """Trio's time of every answer that said committed."""
        self._sequence = itertools.count()

    def next(self) -> int:
        """Return the place of an event that happens now."""
        return next(self._sequence)

    def save(self, path: Path) -> None:
        """Write it as JSON lines."""
        lines = [msgspec.json.encode(item) for item in (*self.operations, *self.readings)]
        path.write_bytes(b"\n".join(lines) + b"\n")
