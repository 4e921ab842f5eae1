"""Ongaro's thesis where it goes beyond the paper: leadership transfer (3.10) and reads without the log (6.4)."""

from jifen.consensus.messages import LeadershipCheck, LeadershipConfirmation, Message, TimeoutNow, TransferVoteRequest
from jifen.consensus.types import Role
from jifen.testing.consensus_host import Host, acknowledge, append, elect, make_chain, make_host
from jifen.testing.script import play


def leader(*, caught_up: str = "bcd") -> Host:
    host = make_host()
    elect(host)
    for sender in caught_up:
        host.step(acknowledge(host, sender, 1))
    return host


def kinds(messages: list[Message]) -> list[str]:
    return [type(message).__name__ for message in messages]


def confirmed(host: Host) -> list[tuple[int, int]]:
    return [read for output in host.outputs for read in output.reads]


def confirm(host: Host, *senders: str, check: int = 1) -> None:
    for sender in senders:
        host.step(LeadershipConfirmation(term=host.raft.term, sender=sender, recipient="a", round=check))


# 3.10: leadership transfer.


def test_3_10_the_prior_leader_stops_accepting_new_requests() -> None:
    play("""
        validators a b c
        elect a
        hold b > a
        propose a
        transfer a > b
        refused: propose a
        release
    """)


def test_3_10_the_prior_leader_brings_the_targets_log_up_to_its_own_first() -> None:
    play("""
        validators a b c
        elect a
        hold a > b
        propose a 3
        deliver
        transfer a > b
        release
        deliver
        b: leader, term 2, log 1 1 1 1 2
    """)


def test_3_10_then_it_sends_timeout_now() -> None:
    host = leader(caught_up="bc")
    host.raft.transfer_leadership("d")
    assert "TimeoutNow" not in kinds(host.drain())
    assert "TimeoutNow" in kinds(host.step(acknowledge(host, "d", 1)))


def test_3_10_the_target_starts_an_election_at_once_and_others_hear_it_although_a_leader_is_alive() -> None:
    target, voter = make_host("b"), make_host("c")
    for host in (target, voter):
        host.step(append(host, make_chain([1]), sender="a", term=1))
    sent = target.step(TimeoutNow(term=1, sender="a", recipient="b"))
    assert (target.raft.role, target.raft.term) == (Role.CANDIDATE, 2)
    [request] = [item for item in sent if isinstance(item, TransferVoteRequest) and item.recipient == "c"]
    [answer] = voter.step(request)
    assert (voter.raft.vote, answer.term) == ("b", 2)


def test_3_10_the_targets_new_term_makes_the_prior_leader_step_down() -> None:
    host = leader()
    host.raft.transfer_leadership("b")
    host.drain()
    host.step(TransferVoteRequest(term=2, sender="b", recipient="a", last_height=1, last_term=1))
    assert (host.raft.role, host.raft.term, host.raft.vote) == (Role.FOLLOWER, 2, "b")


def test_3_10_after_an_election_timeout_the_prior_leader_aborts_and_accepts_requests_again() -> None:
    host = leader()
    host.raft.transfer_leadership("b")
    host.drain()
    host.tick(9)
    transferring = [host.raft.transferring]
    for sender in "bcd":
        host.step(acknowledge(host, sender, 1))
    host.tick(1)
    transferring.append(host.raft.transferring)
    host.propose(b"x")
    assert (host.raft.role, transferring) == (Role.LEADER, ["b", None])


def test_3_10_if_the_target_was_ready_after_all_the_worst_is_one_more_election() -> None:
    play("""
        validators a b c
        elect a
        hold a > b
        transfer a > b
        tick a 4
        deliver
        tick a 6
        a: leader, hands over to nobody
        release
        deliver
        b: leader, term 2
        agreed
    """)


# 6.4: processing read-only queries more efficiently.


def test_6_4_a_leader_waits_until_it_has_committed_an_entry_of_its_term() -> None:
    host = make_host(log=make_chain([1, 1]), committed=1, term=1)
    elect(host)
    host.raft.read_index(1)
    assert "LeadershipCheck" not in kinds(host.drain())
    for sender in "bc":
        host.step(acknowledge(host, sender, 3))
    confirm(host, "b", "c")
    assert confirmed(host) == [(1, 3)]


def test_6_4_it_saves_its_commit_index_as_the_read_index_before_it_asks() -> None:
    host = leader()
    host.raft.read_index(1)
    host.drain()
    host.propose(b"x")
    host.drain()
    for sender in "bcd":
        host.step(acknowledge(host, sender, 2))
    confirm(host, "b", "c")
    assert host.raft.committed == 2
    assert confirmed(host) == [(1, 1)]


def test_6_4_it_makes_sure_by_a_majority_that_it_has_not_been_superseded() -> None:
    host = leader()
    host.raft.read_index(1)
    checks = [item for item in host.drain() if isinstance(item, LeadershipCheck)]
    assert {item.recipient for item in checks} == {"b", "c", "d"}
    confirm(host, "b")
    before = confirmed(host)
    confirm(host, "c")
    assert (before, confirmed(host)) == ([], [(1, 1)])


def test_6_4_a_superseded_leader_answers_no_read() -> None:
    host = leader()
    host.raft.read_index(1)
    host.drain()
    host.step(LeadershipConfirmation(term=host.raft.term + 1, sender="b", recipient="a", round=1))
    assert host.raft.role is Role.FOLLOWER
    assert confirmed(host) == []
    assert [lost for output in host.outputs for lost in output.reads_lost] == [1]


def test_6_4_a_single_round_serves_any_number_of_queries() -> None:
    host = leader()
    for request_id in range(1, 50):
        host.raft.read_index(request_id)
    first = kinds(host.drain()).count("LeadershipCheck")
    confirm(host, "b", "c")
    second = [item.round for output in host.outputs for item in output.messages if isinstance(item, LeadershipCheck)]
    confirm(host, "b", "c", check=2)
    assert first == 3
    assert set(second) == {1, 2}, "one for the read that came first, one for all that came meanwhile"
    assert [request_id for request_id, _ in confirmed(host)] == list(range(1, 50))


def test_6_4_a_follower_serves_reads_after_asking_the_leader_for_a_read_index() -> None:
    play("""
        validators a b c
        elect a
        propose a
        deliver
        read b
        b > a: ReadIndexRequest
        deliver
        b: reads 1
    """)


def test_6_4_nothing_is_written_to_the_log() -> None:
    play("""
        validators a b c
        elect a
        read a b c
        deliver
        a b c: log 1, reads 1
    """)
