"""Who takes part: what a quorum of a joint configuration is, and what may follow what."""

from itertools import chain, combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.consensus.configuration import Configuration

IDS = ("a", "b", "c", "d", "e", "f")

GROUPS = st.lists(st.sampled_from(IDS), min_size=1, max_size=6, unique=True).map(tuple)


def quorums_by_counting(group: tuple[str, ...]) -> list[set[str]]:
    """List every set that is more than half of `group`."""
    subsets = chain.from_iterable(combinations(group, size) for size in range(len(group) + 1))
    return [set(subset) for subset in subsets if 2 * len(subset) > len(group)]


def twin_has_quorum(configuration: Configuration, ids: set[str]) -> bool:
    """Say the same by looking for a quorum of each group among all there are."""
    new = any(quorum <= ids for quorum in quorums_by_counting(configuration.voters))
    if not configuration.outgoing:
        return new
    return new and any(quorum <= ids for quorum in quorums_by_counting(configuration.outgoing))


@given(GROUPS, GROUPS | st.just(()), st.sets(st.sampled_from([*IDS, "stranger"])))
def test_a_quorum_of_a_joint_configuration_is_one_of_each_half(
    voters: tuple[str, ...], outgoing: tuple[str, ...], ids: set[str]
) -> None:
    configuration = Configuration(voters, outgoing)
    assert configuration.has_quorum(ids) == twin_has_quorum(configuration, ids)


@given(GROUPS, GROUPS | st.just(()), st.dictionaries(st.sampled_from(IDS), st.integers(0, 9)))
def test_the_majority_height_is_the_highest_that_a_quorum_has_reached(
    voters: tuple[str, ...], outgoing: tuple[str, ...], matched: dict[str, int]
) -> None:
    configuration = Configuration(voters, outgoing)
    reached = [
        height
        for height in range(10)
        if twin_has_quorum(configuration, {id for id in IDS if matched.get(id, 0) >= height})
    ]
    assert configuration.majority_height(matched) == max(reached)


@given(GROUPS, GROUPS)
def test_no_two_steps_apart_leave_room_for_two_quorums_without_a_common_validator(
    old: tuple[str, ...], new: tuple[str, ...]
) -> None:
    """Raft 6: the old and the new voters must never decide apart; the joint quorum meets every quorum of both."""
    joint = Configuration(new, old)
    everyone = tuple(dict.fromkeys((*old, *new)))
    subsets = [set(subset) for size in range(len(everyone) + 1) for subset in combinations(everyone, size)]
    jointly = [subset for subset in subsets if joint.has_quorum(subset)]
    alone = [*quorums_by_counting(old), *quorums_by_counting(new)]
    assert all(one & other for one, other in product(jointly, alone))


def test_bits_of_a_certificate_go_to_the_outgoing_voters_first() -> None:
    assert Configuration(("c", "a")).signing == ("c", "a")
    assert Configuration(("c", "d"), ("b", "c", "a"), ("e",)).signing == ("b", "c", "a", "d")
    assert Configuration(("c", "d"), ("b", "c", "a"), ("e",)).members == ("b", "c", "a", "d", "e")


@pytest.mark.parametrize(
    ("voters", "outgoing", "observers", "fault"),
    [
        ((), ("a",), (), "at least one voter"),
        (("a", "b", "a"), (), (), "named twice"),
        (("a",), ("b", "b"), (), "named twice"),
        (("a",), (), ("b", "b"), "named twice"),
        (("a",), (), ("a",), "voter and an observer"),
        (("a",), ("a", "b"), ("b",), "voter and an observer"),
        (tuple(f"v{place}" for place in range(65)), (), (), "at most 64"),
        (tuple(f"v{place}" for place in range(40)), tuple(f"o{place}" for place in range(25)), (), "at most 64"),
        (("a",), (), tuple(f"o{place}" for place in range(65)), "at most 64"),
    ],
)
def test_a_set_that_could_not_work_is_refused(
    voters: tuple[str, ...], outgoing: tuple[str, ...], observers: tuple[str, ...], fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        Configuration(voters, outgoing, observers)


OLD, JOINT, NEW = Configuration(("a", "b")), Configuration(("b", "c"), ("a", "b")), Configuration(("b", "c"))


@pytest.mark.parametrize(
    ("earlier", "later", "allowed"),
    [
        (OLD, JOINT, True),
        (JOINT, NEW, True),
        (OLD, NEW, False),
        (JOINT, OLD, False),
        (JOINT, Configuration(("a", "d"), ("b", "c")), False),
        (JOINT, Configuration(("b", "c", "d"), ("a", "b")), False),
        (OLD, Configuration(("b", "c"), ("a",)), False),
        (OLD, Configuration(("a", "b"), (), ("c",)), True),
        (JOINT, Configuration(("b", "c"), ("a", "b"), ("e",)), True),
        (JOINT, Configuration(("b", "c"), (), ("a",)), True),
        (OLD, OLD, True),
    ],
)
def test_voters_change_through_a_joint_configuration_and_no_other_way(
    earlier: Configuration, later: Configuration, allowed: bool
) -> None:
    assert later.may_follow(earlier) is allowed
