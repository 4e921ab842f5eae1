"""What a world of either kind shows to those who run many."""

from collections import Counter
from typing import NamedTuple, Protocol


class Figures(NamedTuple):
    """What one world came to."""

    steps: int
    """Calls into consensus cores, or steps of tasks."""
    terms: int
    """Leaders elected."""
    blocks: int
    transactions: int
    """Committed, and told to their clients."""
    reads: int
    """Linearizable reads confirmed."""
    woken: int
    """Effects of time: points that expired, terms that came into force."""


class AnyWorld(Protocol):
    """A world that runs once."""

    injected: Counter[str]
    """Faults, by kind."""

    def run(self) -> None:
        """Run the whole scenario; raises InvariantBroken, with a report."""
        ...

    def figures(self) -> Figures:
        """Return what it came to, whether or not it ran to its end."""
        ...
