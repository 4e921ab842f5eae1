"""Handing leadership over (thesis 3.10); names in docstrings are those of the same ideas in etcd's tests.

(20) is the row of the known-pitfall list kept in the docs: writes meanwhile, and a TimeoutNow that comes late.
"""

import msgspec
import pytest

from jifen.consensus.messages import Message, TimeoutNow, TransferVoteRequest, VoteRequest, VoteResponse
from jifen.consensus.types import (
    HardState,
    NotLeader,
    Role,
    SuspicionKind,
    TransferInProgress,
    TransferRefused,
)
from jifen.testing.consensus_host import Host, acknowledge, append, elect, make_chain, make_host


def leader(*caught_up: str) -> Host:
    """Return leader a of term 1 with two blocks, which `caught_up` have acknowledged."""
    host = make_host()
    elect(host)
    host.propose()
    host.drain()
    for id in "bcd":
        host.step(acknowledge(host, id, 2 if id in caught_up else 1))
    return host


def told_to_stand(sent: list[Message]) -> list[str]:
    return [message.recipient for message in sent if isinstance(message, TimeoutNow)]


def role(host: Host) -> Role:
    """Return the role now; a call, so that nothing concludes what it will be later."""
    return host.raft.role


def transferring(host: Host) -> str | None:
    """Return to whom leadership is being handed over now."""
    return host.raft.transferring


# The leader that hands over.


def test_a_peer_is_told_to_stand_only_once_it_has_the_whole_log() -> None:
    """TestLeaderTransferToSlowFollower."""
    host = leader("c")
    host.raft.transfer_leadership("b")
    assert told_to_stand(host.drain()) == []
    assert told_to_stand(host.step(acknowledge(host, "d", 2))) == []
    assert told_to_stand(host.step(acknowledge(host, "b", 2))) == ["b"]
    assert told_to_stand(host.step(acknowledge(host, "b", 2))) == ["b"], "a lost TimeoutNow is repeated"
    assert role(host) is Role.LEADER


def test_with_nobody_named_the_most_up_to_date_of_those_that_answer_is_chosen() -> None:
    host = leader("c")
    host.raft.transfer_leadership(None)
    assert told_to_stand(host.drain()) == ["c"]
    host = make_host()
    elect(host)
    host.step(acknowledge(host, "d", 0))
    for _ in range(2):
        host.step(acknowledge(host, "b", 1))
        host.step(acknowledge(host, "c", 1))
        host.tick(9)
    host.step(acknowledge(host, "c", 1))
    host.propose()
    host.drain()
    host.step(acknowledge(host, "c", 2))
    host.raft.transfer_leadership(None)
    assert transferring(host) == "c"


def test_a_leader_that_nobody_answers_has_nobody_to_hand_over_to() -> None:
    for validators in ("a", "abcd"):
        host = make_host(validators=validators)
        if validators == "a":
            host.tick(10)
        else:
            elect(host)
        with pytest.raises(TransferRefused, match="no other validator answers"):
            host.raft.transfer_leadership(None)
        assert transferring(host) is None


@pytest.mark.parametrize("to", ["a", "stranger"])
def test_handing_over_to_itself_or_to_no_validator_is_refused_and_changes_nothing(to: str) -> None:
    """TestLeaderTransferToSelf, TestLeaderTransferToNonExistingNode."""
    host = leader("b")
    with pytest.raises(TransferRefused, match=to):
        host.raft.transfer_leadership(to)
    assert host.drain() == []
    assert transferring(host) is None
    host.propose()


def test_only_a_leader_hands_over_and_not_before_its_first_block() -> None:
    host = make_host()
    with pytest.raises(NotLeader):
        host.raft.transfer_leadership("b")
    elect(host, empty_block=False)
    host.step(acknowledge(host, "b", 0))
    with pytest.raises(TransferRefused, match="first block"):
        host.raft.transfer_leadership("b")


def test_no_block_is_taken_while_leadership_is_handed_over() -> None:
    """TestLeaderTransferIgnoreProposal. (20)"""
    host = leader()
    host.raft.transfer_leadership("b")
    height = host.raft.last_height
    with pytest.raises(TransferInProgress, match="b"):
        host.propose()
    assert host.raft.last_height == height
    host.tick(2)
    for id in "bc":
        host.step(acknowledge(host, id, 1))
    host.tick(8)
    assert (role(host), transferring(host)) == (Role.LEADER, None)
    host.propose()
    assert host.raft.last_height == height + 1


def test_a_timed_out_transfer_tells_nobody_to_stand_any_more() -> None:
    """TestLeaderTransferTimeout."""
    host = leader()
    host.raft.transfer_leadership("b")
    host.tick(5)
    for id in "bc":
        host.step(acknowledge(host, id, 1))
    host.tick(5)
    assert told_to_stand(host.step(acknowledge(host, "b", 2))) == []


def test_another_wish_replaces_the_first_and_has_its_whole_time() -> None:
    """TestLeaderTransferSecondTransferToAnotherNode."""
    host = leader("c")
    host.raft.transfer_leadership("b")
    host.tick(8)
    for id in "bd":
        host.step(acknowledge(host, id, 1))
    host.raft.transfer_leadership("c")
    assert told_to_stand(host.drain()) == ["c"]
    host.tick(9)
    assert transferring(host) == "c"
    assert told_to_stand(host.step(acknowledge(host, "b", 2))) == []


def test_the_same_wish_again_does_not_prolong_the_first() -> None:
    """TestLeaderTransferSecondTransferToSameNode."""
    host = leader()
    host.raft.transfer_leadership("b")
    host.tick(8)
    for id in "bc":
        host.step(acknowledge(host, id, 1))
    for to in ("b", None):
        host.raft.transfer_leadership(to)
        assert transferring(host) == "b"
    host.tick(2)
    assert transferring(host) is None


def test_a_leader_that_learns_of_a_higher_term_hands_nothing_over() -> None:
    """TestLeaderTransferReceiveHigherTermVote."""
    host = leader()
    host.raft.transfer_leadership("b")
    host.step(TransferVoteRequest(2, "c", "a", 2, 1))
    assert (role(host), transferring(host), host.raft.term, host.raft.vote) == (Role.FOLLOWER, None, 2, "c")


def test_a_transfer_in_progress_opens_the_leaders_ears_to_nobody_else() -> None:
    host = leader("b")
    host.raft.transfer_leadership("b")
    host.drain()
    assert host.step(VoteRequest(2, "c", "a", 9, 9, False)) == []
    assert (role(host), host.raft.term, transferring(host)) == (Role.LEADER, 1, "b")


def test_a_transfer_does_not_survive_its_leadership() -> None:
    """TestLeaderTransferRemoveNode has no like here; a leader that loses its quorum does."""
    host = leader()
    host.tick(9)
    host.raft.transfer_leadership("b")
    host.tick(11)
    assert role(host) is Role.FOLLOWER
    assert transferring(host) is None


# The peer that is told to stand, and those it asks.


def follower(term: int = 3) -> Host:
    """Return follower a, which has just heard leader b."""
    host = make_host(log=make_chain([1, 3]), term=term)
    host.step(append(host, make_chain([1, 3]), sender="b"))
    assert host.raft.leader == "b"
    return host


def test_who_is_told_to_stand_does_so_at_once_with_requests_that_go_out_after_its_vote_is_durable() -> None:
    host = follower()
    host.raft.step(TimeoutNow(3, "b", "a"))
    output = host.raft.take_output()
    assert (role(host), output.hard_state, output.messages) == (Role.CANDIDATE, HardState(4, "a"), ())
    assert list(output.messages_after_persist) == [TransferVoteRequest(4, "a", id, 2, 3) for id in "bcd"]
    host.disk.write(output)
    for id in "bc":
        host.step(VoteResponse(4, id, "a", True, False))
    assert role(host) is Role.LEADER


def test_a_timeout_now_of_an_older_term_is_ignored() -> None:
    """(20)"""
    host = follower(term=4)
    assert host.step(TimeoutNow(3, "b", "a")) == []
    assert (role(host), host.raft.term) == (Role.FOLLOWER, 4)


def test_a_timeout_now_heard_twice_starts_one_election() -> None:
    host = follower()
    host.step(TimeoutNow(3, "b", "a"))
    assert host.step(TimeoutNow(3, "b", "a")) == []
    assert host.raft.term == 4


def test_a_timeout_now_of_a_later_term_is_obeyed_in_the_term_after_it() -> None:
    host = make_host(term=3)
    host.step(TimeoutNow(7, "b", "a"))
    assert (role(host), host.raft.term, host.raft.vote) == (Role.CANDIDATE, 8, "a")


def test_only_the_leader_may_tell_somebody_to_stand() -> None:
    host = follower()
    assert host.step(TimeoutNow(3, "c", "a")) == []
    assert (role(host), host.raft.term) == (Role.FOLLOWER, 3)
    assert [found.kind for found in host.outputs[-1].suspicions] == [SuspicionKind.TWO_LEADERS]


def test_a_candidate_told_to_stand_by_the_leader_it_did_not_hear_of_stands_for_the_next_term() -> None:
    host = make_host()
    host.tick(10)
    assert role(host) is Role.PRE_CANDIDATE
    host.step(TimeoutNow(0, "b", "a"))
    assert (role(host), host.raft.term) == (Role.CANDIDATE, 1)


@pytest.mark.parametrize("up_to_date", [True, False])
def test_who_hears_a_leader_votes_all_the_same_but_only_for_one_that_lacks_nothing(up_to_date: bool) -> None:
    host = follower()
    request = TransferVoteRequest(4, "c", "a", 2, 3)
    if not up_to_date:
        request = msgspec.structs.replace(request, last_height=9, last_term=2)
    [answer] = host.step(request)
    assert answer == VoteResponse(4, "a", "c", up_to_date, False)
    assert host.disk.hard_state == HardState(4, "c" if up_to_date else None)


def test_a_vote_is_given_once_whatever_kind_of_request_asks() -> None:
    host = follower()
    host.step(TransferVoteRequest(4, "c", "a", 9, 3))
    [answer] = host.step(TransferVoteRequest(4, "d", "a", 9, 3))
    assert answer == VoteResponse(4, "a", "d", False, False)
    [answer] = host.step(VoteRequest(4, "d", "a", 9, 3, False))
    assert answer == VoteResponse(4, "a", "d", False, False)


def test_a_request_that_comes_late_is_told_the_newer_term() -> None:
    host = follower(term=6)
    assert host.step(TransferVoteRequest(5, "c", "a", 9, 9)) == [VoteResponse(6, "a", "c", False, False)]


def test_one_that_stood_in_vain_asks_around_the_next_time() -> None:
    host = follower()
    host.step(TimeoutNow(3, "b", "a"))
    sent = host.tick(10)
    assert role(host) is Role.PRE_CANDIDATE
    assert all(isinstance(message, VoteRequest) and message.pre for message in sent)
