"""Quorum arithmetic against twins too plain to be wrong."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.consensus.quorum import certified_height, majority_height, quorum_size


@pytest.mark.parametrize("validators", range(1, 10))
def test_any_two_quorums_share_a_validator_and_no_smaller_group_would_do(validators: int) -> None:
    size = quorum_size(validators)
    everyone = range(validators)
    assert all(set(one) & set(other) for one in combinations(everyone, size) for other in combinations(everyone, size))
    smaller = [set(group) for group in combinations(everyone, size - 1)]
    assert any(not one & other for one in smaller for other in smaller)


def naive_majority_height(matched: list[int]) -> int:
    return max(height for height in range(max(matched) + 1) if sum(m >= height for m in matched) * 2 > len(matched))


@given(st.lists(st.integers(0, 30), min_size=1, max_size=9))
def test_the_majority_height_is_the_highest_that_more_than_half_have_reached(matched: list[int]) -> None:
    assert majority_height(matched) == naive_majority_height(matched)


def naive_certified_height(start: int, last: int, quorum: int, signed: list[set[int]]) -> int:
    """Try every height from the top: the first below which no height lacks a quorum."""
    for height in range(last, start, -1):
        if all(sum(below in heights for heights in signed) >= quorum for below in range(start + 1, height + 1)):
            return height
    return start


@given(st.lists(st.sets(st.integers(1, 12)), min_size=1, max_size=7), st.integers(0, 12), st.integers(0, 12))
def test_the_certified_height_has_a_quorum_at_every_height_below_it(
    signed: list[set[int]], start: int, more: int
) -> None:
    quorum, last = quorum_size(len(signed)), start + more
    found = certified_height(start, last, lambda height: sum(height in heights for heights in signed) >= quorum)
    assert found == naive_certified_height(start, last, quorum, signed)


def test_a_gap_in_the_signatures_stops_the_certified_height() -> None:
    counts = {1: 3, 2: 3, 3: 2, 4: 4}
    assert certified_height(0, 4, lambda height: counts[height] >= 3) == 2
