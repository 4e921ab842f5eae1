"""Reads that see everything committed before them (ReadIndex, thesis 6.4).

(19) is the row of the known-pitfall list kept in the docs: stale reads.
"""

import pytest

from jifen.consensus import reading
from jifen.consensus.messages import (
    LeadershipCheck,
    LeadershipConfirmation,
    Message,
    ReadIndexRequest,
    ReadIndexResponse,
    TransferVoteRequest,
    VoteResponse,
)
from jifen.consensus.types import Role, SuspicionKind
from jifen.testing.consensus_host import Host, acknowledge, append, elect, make_chain, make_host


def leader() -> Host:
    """Return leader a of term 1 with block 1 committed."""
    host = make_host()
    elect(host)
    for id in "bc":
        host.step(acknowledge(host, id, 1))
    assert host.raft.committed == 1
    return host


def ask(host: Host, request_id: int) -> list[Message]:
    host.raft.read_index(request_id)
    return host.drain()


def confirm(host: Host, sender: str, *, check: int, term: int | None = None) -> list[Message]:
    number = host.raft.term if term is None else term
    return host.step(LeadershipConfirmation(number, sender, host.config.id, check))


def checks(sent: list[Message]) -> list[tuple[str, int]]:
    return [(message.recipient, message.round) for message in sent if isinstance(message, LeadershipCheck)]


def reads(host: Host) -> list[tuple[int, int]]:
    """Return every confirmed read so far, as (request id, height)."""
    return [read for output in host.outputs for read in output.reads]


def lost(host: Host) -> list[int]:
    """Return every read reported lost so far."""
    return [request_id for output in host.outputs for request_id in output.reads_lost]


def follower() -> Host:
    """Return follower a, which has heard leader b of term 3."""
    host = make_host(log=make_chain([1, 3]), committed=1, term=3)
    host.step(append(host, make_chain([1, 3]), sender="b"))
    assert host.raft.leader == "b"
    return host


# The leader.


def test_a_read_passes_once_a_quorum_has_confirmed_the_leader() -> None:
    host = leader()
    assert checks(ask(host, 7)) == [("b", 1), ("c", 1), ("d", 1)]
    confirm(host, "b", check=1)
    confirm(host, "b", check=1)
    assert reads(host) == [], "two of four, one of them twice, are no quorum"
    confirm(host, "d", check=1)
    assert reads(host) == [(7, 1)]
    confirm(host, "c", check=1)
    assert reads(host) == [(7, 1)]


def test_the_height_is_that_of_the_beginning_of_the_check_and_every_read_asked_by_then_gets_it() -> None:
    host = leader()
    ask(host, 1)
    assert ask(host, 2) == ask(host, 3) == [], "one check at a time"
    host.propose()
    host.drain()
    for id in "bc":
        host.step(acknowledge(host, id, 2))
    confirm(host, "b", check=1)
    assert checks(confirm(host, "c", check=1)) == [("b", 2), ("c", 2), ("d", 2)]
    assert reads(host) == [(1, 1)]
    confirm(host, "b", check=2)
    confirm(host, "c", check=2)
    assert reads(host) == [(1, 1), (2, 2), (3, 2)]


def test_an_answer_to_an_earlier_check_says_nothing_of_now() -> None:
    """(19) a leader that was paused finds old answers waiting for it."""
    host = leader()
    ask(host, 1)
    confirm(host, "b", check=1)
    confirm(host, "c", check=1)
    ask(host, 2)
    confirm(host, "d", check=1)
    confirm(host, "b", check=1)
    confirm(host, "c", check=1)
    assert reads(host) == [(1, 1)]


def test_the_check_is_repeated_with_the_heartbeats_to_those_who_have_not_answered() -> None:
    host = leader()
    ask(host, 1)
    confirm(host, "b", check=1)
    assert checks(host.tick(2)) == [("c", 1), ("d", 1)]
    confirm(host, "d", check=1)
    assert reads(host) == [(1, 1)]
    assert checks(host.tick(2)) == []


def test_a_new_leader_confirms_nothing_before_a_block_of_its_own_term_is_committed() -> None:
    """(19) etcd issue 7331."""
    host = make_host(log=make_chain([1, 1, 1]), committed=1, term=1)
    elect(host)
    assert checks(ask(host, 1)) == []
    assert checks(host.tick(2)) == []
    host.step(acknowledge(host, "b", 3))
    host.step(acknowledge(host, "c", 3))
    assert (host.raft.committed, reads(host)) == (1, [])
    host.step(acknowledge(host, "b", 4))
    assert checks(host.step(acknowledge(host, "c", 4))) == [("b", 1), ("c", 1), ("d", 1)]
    confirm(host, "b", check=1)
    confirm(host, "c", check=1)
    assert reads(host) == [(1, 4)]


def test_a_single_validator_needs_nobodys_word() -> None:
    host = make_host(validators="a")
    host.tick(10)
    ask(host, 1)
    assert reads(host) == [(1, 1)]


def test_a_request_id_is_never_used_twice() -> None:
    """(19) etcd-io/raft issue 397: an answer on its way would be taken for the new read's."""
    for host in (leader(), follower()):
        ask(host, 5)
        for used in (5, 4):
            with pytest.raises(AssertionError, match="not used twice"):
                host.raft.read_index(used)


def test_a_leader_told_of_a_later_term_loses_its_reads_those_not_yet_asked_about_too() -> None:
    host = leader()
    ask(host, 1)
    ask(host, 2)
    confirm(host, "b", check=1, term=5)
    assert (host.raft.role, host.raft.term) == (Role.FOLLOWER, 5)
    assert (reads(host), lost(host)) == ([], [1, 2])
    confirm(host, "c", check=1, term=5)
    assert reads(host) == []


def test_a_leader_that_loses_its_quorum_loses_its_reads() -> None:
    host = leader()
    host.tick(9)
    ask(host, 1)
    host.tick(11)
    assert (host.raft.role, reads(host), lost(host)) == (Role.FOLLOWER, [], [1])


def test_a_new_leadership_of_the_same_validator_does_not_take_answers_of_the_old_one() -> None:
    host = leader()
    ask(host, 1)
    host.tick(20)
    elect(host)
    for id in "bc":
        host.step(acknowledge(host, id, 2))
    ask(host, 2)
    for id in "bcd":
        confirm(host, id, check=1, term=1)
    assert (reads(host), lost(host)) == ([], [1])


def test_reads_pass_while_leadership_is_handed_over_until_another_is_elected() -> None:
    """(19) tikv issue 4688: a lease would be a lie here; a quorum's word is not."""
    host = leader()
    host.raft.transfer_leadership("b")
    ask(host, 1)
    confirm(host, "c", check=1)
    confirm(host, "d", check=1)
    assert reads(host) == [(1, 1)]
    ask(host, 2)
    host.step(TransferVoteRequest(2, "b", "a", 1, 1))
    assert lost(host) == [2]


def test_reads_beyond_what_may_wait_are_lost_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "READS_WAITING_MAX", 2)
    host = leader()
    for number in range(1, 5):
        ask(host, number)
    assert lost(host) == [4]
    host.step(ReadIndexRequest(1, "b", "a", 1))
    confirm(host, "b", check=1)
    confirm(host, "c", check=1)
    host = follower()
    for number in range(1, 5):
        ask(host, number)
    assert lost(host) == [3, 4]


# The others.


def test_a_check_is_answered_without_waiting_for_anything_and_does_not_keep_the_leader_in_office() -> None:
    host = follower()
    host.tick(9)
    host.raft.step(LeadershipCheck(3, "b", "a", 8))
    output = host.raft.take_output()
    assert output.messages == (LeadershipConfirmation(3, "a", "b", 8),)
    host.tick()
    assert host.raft.role is Role.PRE_CANDIDATE


def test_a_check_of_an_older_term_is_told_the_newer_one() -> None:
    host = make_host(term=6)
    assert host.step(LeadershipCheck(3, "b", "a", 8)) == [LeadershipConfirmation(6, "a", "b", 8)]


def test_a_second_leaders_check_is_suspicious_and_not_confirmed() -> None:
    host = follower()
    assert host.step(LeadershipCheck(3, "c", "a", 8)) == []
    assert [found.kind for found in host.outputs[-1].suspicions] == [SuspicionKind.TWO_LEADERS]


def test_a_followers_read_goes_to_the_leader_and_comes_back_with_its_height() -> None:
    host = follower()
    assert ask(host, 9) == [ReadIndexRequest(3, "a", "b", 9)]
    host.step(ReadIndexResponse(3, "b", "a", 9, 17))
    assert reads(host) == [(9, 17)]
    host.step(ReadIndexResponse(3, "b", "a", 9, 17))
    host.step(ReadIndexResponse(3, "b", "a", 8, 4))
    assert reads(host) == [(9, 17)], "an answer heard twice, or to nothing that was asked, is no read"


def test_only_the_leaders_answer_counts() -> None:
    host = follower()
    ask(host, 9)
    host.step(ReadIndexResponse(3, "c", "a", 9, 1))
    assert reads(host) == []


def test_a_leader_answers_followers_under_the_same_rules() -> None:
    host = leader()
    assert checks(host.step(ReadIndexRequest(1, "b", "a", 40))) == [("b", 1), ("c", 1), ("d", 1)]
    host.step(ReadIndexRequest(1, "c", "a", 40))
    confirm(host, "b", check=1)
    sent = confirm(host, "c", check=1)
    assert [message for message in sent if isinstance(message, ReadIndexResponse)] == [
        ReadIndexResponse(1, "a", "b", 40, 1)
    ]
    confirm(host, "b", check=2)
    assert ReadIndexResponse(1, "a", "c", 40, 1) in confirm(host, "d", check=2)
    assert reads(host) == [], "they are not this validator's own"


def test_who_does_not_lead_answers_no_request() -> None:
    host = follower()
    assert host.step(ReadIndexRequest(3, "c", "a", 1)) == []
    assert host.step(ReadIndexRequest(2, "c", "a", 1)) == []


def test_without_a_leader_a_read_is_lost_at_once() -> None:
    host = make_host(term=3)
    assert ask(host, 1) == []
    assert lost(host) == [1]


@pytest.mark.parametrize("how", ["later term", "impatience", "silence"])
def test_a_followers_read_is_lost_with_its_leader_or_when_nobody_answers(how: str) -> None:
    host = follower()
    ask(host, 1)
    if how == "later term":
        host.step(append(host, sender="c", term=4))
    elif how == "impatience":
        host.tick(10)
    else:
        for _ in range(10):
            host.step(append(host, sender="b", previous=make_chain([1, 3])[-1]))
            assert lost(host) == []
            host.tick()
    assert lost(host) == [1]
    host.step(ReadIndexResponse(host.raft.term, "b", "a", 1, 17))
    assert reads(host) == []


def test_an_answer_of_an_earlier_term_is_late() -> None:
    host = follower()
    ask(host, 1)
    host.step(append(host, sender="c", term=4))
    ask(host, 2)
    host.step(ReadIndexResponse(3, "b", "a", 2, 17))
    assert reads(host) == []
    host.step(VoteResponse(4, "c", "a", False, False))
    host.step(ReadIndexResponse(4, "c", "a", 2, 18))
    assert reads(host) == [(2, 18)]
