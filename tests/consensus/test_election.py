"""Elections of one core, driven by hand; numbers in parentheses are rows of the known-pitfall list kept in the docs."""

import pytest

from jifen.consensus.messages import AppendResponse, Message, VoteRequest, VoteResponse
from jifen.consensus.output import SUSPICIONS_PER_OUTPUT_MAX
from jifen.consensus.types import HardState, Role, SuspicionKind
from jifen.testing.consensus_host import Host, acknowledge, append, elect, make_chain, make_host


def request(
    host: Host, *, term: int, sender: str = "b", pre: bool = False, height: int = 9, last_term: int = 9
) -> VoteRequest:
    return VoteRequest(
        term=term, sender=sender, recipient=host.config.id, last_height=height, last_term=last_term, pre=pre
    )


def response(host: Host, sender: str, *, term: int, granted: bool = True, pre: bool = False) -> VoteResponse:
    return VoteResponse(term=term, sender=sender, recipient=host.config.id, granted=granted, pre=pre)


def answer(messages: list[Message]) -> VoteResponse:
    [message] = messages
    assert isinstance(message, VoteResponse)
    return message


def role(host: Host) -> Role:
    """Return the role now; a call, so that nothing concludes what it will be later."""
    return host.raft.role


def candidate(host: Host) -> None:
    """Bring `host` to stand for the next term."""
    host.tick(10)
    for sender in ("b", "c"):
        host.step(response(host, sender, term=host.raft.term + 1, pre=True))
    assert role(host) is Role.CANDIDATE


def test_a_silent_leader_makes_a_follower_ask_around_without_changing_its_term() -> None:
    host = make_host(term=3)
    assert host.tick(9) == []
    sent = host.tick()
    assert [(type(message), message.recipient, message.term) for message in sent] == [
        (VoteRequest, id, 4) for id in ("b", "c", "d")
    ]
    assert (host.raft.role, host.raft.term, host.disk.hard_state) == (Role.PRE_CANDIDATE, 3, HardState(3, None))


def test_a_quorum_of_pre_votes_makes_a_candidate_and_its_vote_is_durable_before_it_asks() -> None:
    host = make_host()
    host.tick(10)
    for sender in ("b", "c"):
        host.raft.step(response(host, sender, term=1, pre=True))
    output = host.raft.take_output()
    assert output.hard_state == HardState(1, "a")
    assert output.messages == ()
    assert {type(message) for message in output.messages_after_persist} == {VoteRequest}
    assert role(host) is Role.CANDIDATE


def test_half_of_the_votes_is_no_quorum_of_four() -> None:
    host = make_host()
    candidate(host)
    host.step(response(host, "b", term=1))
    assert role(host) is Role.CANDIDATE
    host.step(response(host, "b", term=1))
    assert role(host) is Role.CANDIDATE, "the same vote twice counts once"
    host.step(response(host, "c", term=1))
    assert role(host) is Role.LEADER


def test_pre_votes_do_not_count_as_votes_nor_votes_as_pre_votes() -> None:
    host = make_host()
    host.tick(10)
    for sender in ("b", "c", "d"):
        host.step(response(host, sender, term=0, granted=True))
    assert role(host) is Role.PRE_CANDIDATE
    candidate(host)
    for sender in ("b", "c", "d"):
        host.step(response(host, sender, term=host.raft.term, granted=True, pre=True))
    assert role(host) is Role.CANDIDATE


def test_refusals_by_a_quorum_end_the_candidacy_but_not_the_vote() -> None:
    host = make_host()
    candidate(host)
    for sender in ("b", "c"):
        host.step(response(host, sender, term=1, granted=False))
    assert (host.raft.role, host.raft.vote) == (Role.FOLLOWER, "a")


def test_a_vote_is_given_once_in_a_term_and_repeated_to_the_same_candidate() -> None:
    host = make_host()
    assert answer(host.step(request(host, term=2, sender="b"))).granted
    assert not answer(host.step(request(host, term=2, sender="c"))).granted
    assert answer(host.step(request(host, term=2, sender="b"))).granted
    assert host.disk.hard_state == HardState(2, "b")


def test_a_vote_survives_a_restart() -> None:
    """(2)"""
    host = make_host()
    host.step(request(host, term=2, sender="b"))
    host.boot()
    assert not answer(host.step(request(host, term=2, sender="c"))).granted


def test_a_vote_is_sent_only_after_it_is_durable() -> None:
    """(2)"""
    host = make_host()
    host.raft.step(request(host, term=2))
    output = host.raft.take_output()
    assert output.hard_state == HardState(2, "b")
    assert output.messages == ()
    assert isinstance(output.messages_after_persist[0], VoteResponse)


@pytest.mark.parametrize("pre_candidate_only", [True, False])
def test_stepping_down_within_a_term_keeps_the_vote(pre_candidate_only: bool) -> None:
    """(1) CCF scenario pre_vote_double_leader."""
    host = make_host(term=5, vote="a" if pre_candidate_only else None)
    if pre_candidate_only:
        host.tick(10)
        assert role(host) is Role.PRE_CANDIDATE
    else:
        candidate(host)
    term = host.raft.term
    host.step(append(host, sender="c", term=term))
    assert (host.raft.role, host.raft.leader, host.raft.vote) == (Role.FOLLOWER, "c", "a")
    host.tick(10)
    assert not answer(host.step(request(host, term=term, sender="b"))).granted


def test_a_leader_that_steps_down_for_lack_of_a_quorum_keeps_its_vote() -> None:
    """(1)"""
    host = make_host()
    elect(host)
    host.tick(10)
    assert (host.raft.role, host.raft.leader, host.raft.term, host.raft.vote) == (Role.FOLLOWER, None, 1, "a")
    assert not answer(host.step(request(host, term=1, sender="b"))).granted


def test_a_leader_that_hears_a_quorum_stays() -> None:
    host = make_host()
    elect(host)
    for _ in range(5):
        for sender in ("b", "c"):
            host.step(acknowledge(host, sender, 1))
        host.tick(9)
    assert role(host) is Role.LEADER


def test_two_of_four_is_too_few_to_stay_leader() -> None:
    host = make_host()
    elect(host)
    for _ in range(2):
        host.step(acknowledge(host, "b", 1))
        host.tick(9)
    assert role(host) is Role.FOLLOWER


@pytest.mark.parametrize("pre", [True, False])
def test_who_has_just_heard_a_leader_does_not_listen_to_candidates(pre: bool) -> None:
    """(17)"""
    host = make_host(term=1)
    host.step(append(host, sender="c"))
    assert host.step(request(host, term=7, pre=pre)) == []
    assert host.raft.term == 1
    host.raft.tick()
    assert host.step(request(host, term=7, pre=pre)) == []


def test_a_leader_does_not_listen_to_candidates() -> None:
    """(17)"""
    host = make_host()
    elect(host)
    assert host.step(request(host, term=7)) == []
    assert role(host) is Role.LEADER


def test_a_pre_vote_is_granted_without_a_trace() -> None:
    host = make_host(term=3, vote="c")
    granted = answer(host.step(request(host, term=4, pre=True)))
    assert (granted.granted, granted.term, granted.pre) == (True, 4, True)
    assert host.disk.hard_state == HardState(3, "c")
    assert host.raft.term == 3


def test_granting_a_vote_restarts_the_wait_but_a_pre_vote_or_refusal_does_not() -> None:
    """(18)"""
    for term in (1, 2):
        host = make_host(term=1)
        host.tick(9)
        host.step(request(host, term=term, sender="c"))
        assert host.raft.vote == "c"
        assert host.tick(9) == []
        assert host.tick() != []
    host = make_host(log=make_chain([1]), vote="c")
    host.tick(9)
    host.step(request(host, term=2, pre=True))
    host.step(request(host, term=1, sender="d"))
    host.step(request(host, term=2, sender="d", height=0, last_term=0))
    assert host.raft.term == 2
    assert host.tick() != [], "asking must not keep a follower quiet"


@pytest.mark.parametrize("pre", [True, False])
def test_a_request_of_an_older_term_is_told_the_newer_one(pre: bool) -> None:
    host = make_host(term=6)
    refused = answer(host.step(request(host, term=4, pre=pre)))
    assert (refused.granted, refused.term) == (False, 6)


def test_a_pre_candidate_told_of_a_higher_term_follows_it() -> None:
    host = make_host(term=3)
    host.tick(10)
    host.step(response(host, "b", term=8, granted=False, pre=True))
    assert (host.raft.role, host.raft.term, host.disk.hard_state) == (Role.FOLLOWER, 8, HardState(8, None))


def test_a_deposed_leader_is_told_so_by_its_own_heartbeat() -> None:
    """(17) without this a validator left alone in a higher term could never rejoin."""
    host = make_host(term=6)
    [told] = host.step(append(host, sender="b", term=4))
    assert isinstance(told, AppendResponse)
    assert (told.success, told.term) == (False, 6)
    leader = make_host("b")
    elect(leader)
    leader.step(told)
    assert (leader.raft.role, leader.raft.term) == (Role.FOLLOWER, 6)


def test_late_votes_for_an_older_candidacy_count_nothing() -> None:
    """(7)"""
    host = make_host()
    candidate(host)
    candidate(host)
    assert host.raft.term == 2
    for sender in ("b", "c", "d"):
        host.step(response(host, sender, term=1))
    assert role(host) is Role.CANDIDATE


def test_a_single_validator_leads_at_once_and_commits_by_its_own_word() -> None:
    """(24) etcd scenario single_node."""
    host = make_host(validators="a")
    host.tick(10)
    assert (host.raft.role, host.raft.committed, host.disk.committed) == (Role.LEADER, 1, 1)
    host.propose(b"x")
    host.drain()
    host.boot()
    host.tick(10)
    assert (host.raft.term, host.raft.committed) == (2, 3)


def test_a_new_leader_says_so_once_and_appends_nothing_itself() -> None:
    host = make_host()
    elect(host, empty_block=False)
    assert [output.became_leader for output in host.outputs].count(True) == 1
    assert host.raft.last_height == 0
    assert host.tick() != [], "a heartbeat is due even if the first block is slow to come"


def test_a_second_leader_in_one_term_is_suspicious_and_ignored() -> None:
    host = make_host(term=2)
    chain = make_chain([2])
    host.step(append(host, sender="c"))
    assert host.step(append(host, chain, sender="b")) == []
    assert [found.kind for found in host.outputs[-1].suspicions] == [SuspicionKind.TWO_LEADERS]
    assert (host.raft.leader, host.raft.last_height) == ("c", 0)


def test_a_peer_that_contradicts_itself_without_end_fills_no_output() -> None:
    host = make_host(term=2)
    host.step(append(host, sender="c"))
    for _ in range(SUSPICIONS_PER_OUTPUT_MAX + 3):
        host.raft.step(append(host, sender="b"))
    assert len(host.raft.take_output().suspicions) == SUSPICIONS_PER_OUTPUT_MAX
    host.raft.step(append(host, sender="b"))
    assert len(host.raft.take_output().suspicions) == 1


@pytest.mark.parametrize(("sender", "recipient"), [("b", "c"), ("a", "a")])
def test_misaddressed_messages_are_counted_and_ignored(sender: str, recipient: str) -> None:
    host = make_host()
    misaddressed = VoteRequest(term=9, sender=sender, recipient=recipient, last_height=0, last_term=0, pre=False)
    assert host.step(misaddressed) == []
    assert (host.raft.term, host.raft.ignored_messages) == (0, 1)


def test_an_idle_core_hands_out_the_same_empty_output() -> None:
    host = make_host()
    first = host.raft.take_output()
    host.raft.tick()
    assert host.raft.take_output() is first
