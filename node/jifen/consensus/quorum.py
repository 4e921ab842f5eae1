"""Counting: which height does a quorum hold, and which does a quorum certify."""

from collections.abc import Callable, Sequence


def quorum_size(validators: int) -> int:
    """Return the smallest number of validators such that any two groups of it share a member (Raft 5.2).

    `validators` is at least 1. Four validators need three: two of four would not intersect.
    """
    assert validators >= 1, validators
    return validators // 2 + 1


def majority_height(matched: Sequence[int]) -> int:
    """Return the highest height that a quorum has reached, given each validator's matched height (Raft 5.3)."""
    ranked = sorted(matched, reverse=True)
    return ranked[quorum_size(len(ranked)) - 1]


def certified_height(start: int, last: int, signed: Callable[[int], bool]) -> int:
    """Return the highest height up to which every height above `start` has a quorum's signatures.

    `signed` tells whether a height has. The answer is at least `start` and at most `last`; the search ends at the first
    height that lacks signatures, so the cost is the distance won.
    """
    height = start
    while height < last and signed(height + 1):
        height += 1
    return height
