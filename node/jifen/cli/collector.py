"""Python's garbage collector, set for a program that keeps much and drops little in cycles.

docs/decisions/garbage-collector.md has the figures behind the numbers.
"""

import gc
from typing import Final

YOUNG_OBJECTS: Final = 50_000
"""New container objects between two looks at the youngest: a few blocks' worth, some 10 ms; Python's default is 700."""

YOUNG_ROUNDS: Final = 20
MIDDLE_ROUNDS: Final = 100
"""Looks at the younger generation before the next older one is looked at."""


def calm_collector() -> None:
    """Leave what is loaded now alone for good and collect the rest more seldom; call once, before serving."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_ROUNDS, MIDDLE_ROUNDS)
