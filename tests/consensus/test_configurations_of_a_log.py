"""Which configuration is in force where, and a validator's own place in it."""

import pytest

from jifen.consensus.configuration import Configuration
from jifen.consensus.membership import Membership
from jifen.testing.consensus_host import make_certificate, make_chain, make_host, payload_of, position_of

OLD, JOINT, NEW = Configuration(("a", "b")), Configuration(("b", "c"), ("a", "b")), Configuration(("b", "c"))
WATCHED = Configuration(("b", "c"), (), ("d",))


def changing(id: str, *, committed: int = 3) -> Membership:
    """Return what a validator knows whose log goes from OLD over JOINT at 5 to NEW at 7."""
    return Membership(id, ((0, OLD), (5, JOINT), (7, NEW)), committed)


def test_every_height_has_the_configuration_of_the_last_block_that_set_one() -> None:
    membership = changing("b")
    at = [membership.at(height) for height in (0, 4, 5, 6, 7, 99)]
    assert at == [OLD, OLD, JOINT, JOINT, NEW, NEW]
    assert (membership.latest, membership.latest_height) == (NEW, 7)


def test_a_truncated_block_takes_its_configuration_with_it() -> None:
    membership = changing("b")
    membership.truncate(8)
    assert membership.latest == NEW
    membership.truncate(6)
    assert membership.latest == JOINT
    membership.truncate(5)
    assert membership.latest == OLD
    membership.add(5, Configuration(("a", "b"), (), ("e",)))
    assert membership.at(5) == Configuration(("a", "b"), (), ("e",))


def test_a_committed_configuration_is_never_truncated() -> None:
    with pytest.raises(AssertionError):
        changing("b", committed=5).truncate(5)


def test_what_is_committed_is_forgotten_but_for_the_one_before() -> None:
    membership = changing("b")
    membership.commit(6)
    assert [height for height, _ in membership.known] == [0, 5, 7]
    membership.commit(7)
    assert [height for height, _ in membership.known] == [5, 7]
    assert membership.at(4) is None
    membership.add(9, WATCHED)
    membership.commit(12)
    assert [height for height, _ in membership.known] == [7, 9]


def test_saying_it_again_changes_nothing_and_saying_otherwise_is_our_own_fault() -> None:
    membership = changing("b")
    membership.add(7, NEW)
    membership.add(5, JOINT)
    assert len(membership.known) == 3
    for height, configuration in ((7, WATCHED), (6, NEW), (9, OLD), (5, WATCHED)):
        with pytest.raises(AssertionError):
            membership.add(height, configuration)


@pytest.mark.parametrize(
    ("id", "before", "joint", "after"),
    [("a", True, True, False), ("b", True, True, True), ("c", True, True, True), ("d", False, False, False)],
)
def test_who_is_in_any_configuration_that_may_yet_count_may_stand(
    id: str, before: bool, joint: bool, after: bool
) -> None:
    """Thesis 4.2.2: also one that the newest configuration leaves out, until that is committed."""
    membership = changing(id)
    assert membership.electable is before
    membership.commit(5)
    assert membership.electable is joint
    membership.commit(7)
    assert membership.electable is after


def test_one_is_out_when_the_block_that_leaves_it_out_is_committed() -> None:
    membership = changing("a")
    membership.commit(6)
    assert not membership.out
    membership.commit(7)
    assert membership.out


def test_an_observer_that_is_dismissed_is_out() -> None:
    membership = Membership("d", ((0, WATCHED), (4, NEW)), 2)
    assert not membership.out
    membership.commit(4)
    assert membership.out


@pytest.mark.parametrize("committed", [0, 5, 9])
def test_one_that_has_yet_to_be_admitted_is_not_out(committed: int) -> None:
    membership = Membership("e", ((0, OLD),), 0)
    membership.commit(committed)
    assert not membership.out
    membership.add(10, Configuration(("a", "b"), (), ("e",)))
    membership.truncate(10)
    assert not membership.out, "its admission was never committed"


def test_one_that_hears_of_its_admission_and_removal_at_once_is_out() -> None:
    membership = Membership("d", ((0, NEW),), 0)
    membership.commit(20)
    membership.add(4, WATCHED)
    membership.add(8, NEW)
    assert membership.out


def test_a_snapshot_replaces_what_was_known_and_keeps_what_follows_it() -> None:
    membership = changing("a")
    membership.install(6, 9, JOINT)
    assert list(membership.known) == [(6, JOINT), (7, NEW)]
    membership.install(12, 12, NEW)
    assert list(membership.known) == [(12, NEW)]
    assert membership.out, "it was a voter before the snapshot"


# The core with its host.


def test_a_restarted_validator_knows_what_its_uncommitted_blocks_set() -> None:
    [first] = make_chain([1])
    [second] = make_chain([1], payload=payload_of(JOINT), after=position_of(first))
    host = make_host("b", OLD, log=[first, second], committed=1)
    assert (host.raft.configuration, host.raft.configuration_at(1)) == (JOINT, OLD)


def test_a_validator_that_catches_up_by_snapshot_takes_over_its_configuration() -> None:
    chain = make_chain([1] * 6)
    host = make_host("a", OLD, log=chain[:2], committed=2)
    assert not host.raft.take_output().retired
    host.install(make_certificate(chain[5], ("b", "c"), ("b", "c"), 1), position_of(chain[5]), NEW)
    assert host.raft.configuration == NEW
    assert host.outputs[-1].retired


def test_a_change_begun_and_ended_above_a_snapshot_is_told_again_when_it_is_installed() -> None:
    """The host executes what it has kept anew, and says of each block what it sets, in their order."""
    chain = make_chain([1] * 4)
    chain += make_chain([1], payload=payload_of(JOINT), after=position_of(chain[3]))
    chain += make_chain([1], payload=payload_of(NEW), after=position_of(chain[4]))
    host = make_host("b", OLD, log=chain, committed=1)
    host.install(make_certificate(chain[2], ("a", "b"), ("a", "b"), 1), position_of(chain[2]), OLD)
    for height, configuration in ((5, JOINT), (6, NEW)):
        host.raft.configured(height, configuration)
    assert [host.raft.configuration_at(height) for height in (4, 5, 6)] == [OLD, JOINT, NEW]
