"""Entries that the host cannot reproduce: forgotten, unacknowledged, and their leader left to others to replace."""

import msgspec
import pytest

from jifen.consensus.messages import LeadershipCheck, Message, TimeoutNow, VoteRequest, VoteResponse
from jifen.consensus.types import HardState, Role
from jifen.testing.consensus_host import (
    Host,
    append,
    elect,
    make_certificate,
    make_chain,
    make_host,
    position_of,
)

CHAIN = make_chain([1, 1, 1])


def followed(height: int = 3, committed: int = 0) -> Host:
    """Return a follower that was given the chain up to `height` and has not worked its output off."""
    host = make_host()
    certificates = [make_certificate(entry, "abcd", "bcd", 1) for entry in CHAIN[:committed]]
    host.raft.step(append(host, CHAIN[:height], term=1, certificates=certificates))
    return host


def dropped(height: int = 2) -> Host:
    """Return a follower whose host could not reproduce the entry at `height`."""
    host = followed()
    output = host.raft.take_output()
    assert output.entries == tuple(CHAIN)
    kept = output.entries[: height - 1]
    state = host.raft.drop(height, CHAIN[height - 1].hash)
    host.disk.write(msgspec.structs.replace(output, entries=kept, messages_after_persist=(), hard_state=state))
    host.raft.check_invariants()
    return host


@pytest.mark.parametrize("height", [1, 2, 3])
def test_a_dropped_entry_and_all_above_it_are_gone(height: int) -> None:
    host = dropped(height)
    assert host.raft.last_height == height - 1
    assert host.disk.hard_state == HardState(1, None, height - 1)
    assert host.raft.take_output().truncate_from == height


def test_its_leader_is_not_heard_for_twice_the_longest_timeout_and_then_heard_again() -> None:
    host = dropped()
    host.drain()
    for message in (
        append(host, CHAIN[1:], previous=CHAIN[0], term=1),
        append(host, previous=CHAIN[0], term=1),
        TimeoutNow(1, "b", "a"),
        LeadershipCheck(1, "b", "a", 1),
    ):
        assert host.step(message) == []
    assert (host.raft.leader, host.raft.shunned, host.raft.last_height) == (None, "b", 1)
    host.tick(2 * host.config.election_ticks_max)
    assert host.raft.shunned is None
    assert "b" in {message.recipient for message in host.step(append(host, previous=CHAIN[0], term=1))}
    assert host.raft.leader == "b"


def test_it_stands_for_election_and_votes_for_others_although_the_leader_speaks() -> None:
    host = dropped()
    host.drain()
    granted = host.step(VoteRequest(2, "c", "a", 1, 1, True))
    assert granted == [VoteResponse(2, "a", "c", True, True)]
    sent = []
    for _ in range(host.config.election_ticks_max):
        sent += host.step(append(host, previous=CHAIN[0], term=1))
        sent += host.tick()
    assert host.raft.role is Role.PRE_CANDIDATE
    assert {message.recipient for message in sent if isinstance(message, VoteRequest)} == set("bcd")


def test_in_a_later_term_the_same_leader_is_heard_at_once() -> None:
    host = dropped()
    host.drain()
    host.step(append(host, previous=CHAIN[0], term=2))
    assert (host.raft.leader, host.raft.shunned) == ("b", None)


def test_another_leaders_entries_take_the_place_of_what_was_dropped() -> None:
    host = dropped()
    host.drain()
    other = make_chain([2], after=position_of(CHAIN[0]))
    host.step(append(host, other, previous=CHAIN[0], sender="c", term=2))
    assert host.raft.last_hash == other[0].hash


def test_a_certified_entry_is_known_as_such_before_and_after_it_can_be_committed() -> None:
    host = followed(committed=2)
    assert [host.raft.is_certified(entry.height, entry.hash) for entry in CHAIN] == [True, True, False]
    assert not host.raft.is_certified(1, CHAIN[1].hash)
    ahead = make_host()
    proof = make_certificate(CHAIN[2], "abcd", "bcd", 1)
    ahead.raft.step(append(ahead, CHAIN, term=1, certificates=[proof]))
    assert ahead.raft.committed == 0
    assert [ahead.raft.is_certified(entry.height, entry.hash) for entry in CHAIN] == [False, False, True]


def test_a_certified_entry_cannot_be_dropped() -> None:
    host = followed(committed=2)
    host.raft.take_output()
    with pytest.raises(AssertionError):
        host.raft.drop(2, CHAIN[1].hash)


def test_an_entry_that_is_in_the_log_no_more_costs_its_leader_the_hearing_all_the_same() -> None:
    host = followed()
    output = host.raft.take_output()
    host.raft.step(VoteRequest(2, "c", "a", 3, 1, False))
    host.raft.drop(2, bytes(32))
    assert host.raft.last_height == len(output.entries)
    assert host.raft.role is Role.FOLLOWER


@pytest.mark.parametrize("restarted", [False, True])
def test_what_a_snapshot_took_away_is_not_acknowledged_again_in_that_term(restarted: bool) -> None:
    """A leader whose log contradicts a certified block lied; whatever else it says may be the second for its height."""
    host = make_host()
    host.step(append(host, CHAIN, term=1))
    other = make_chain([1, 1, 1], payload=b"other")
    host.install(make_certificate(other[0], "abcd", "bcd", 1), position_of(other[0]))
    assert (host.raft.last_height, host.disk.hard_state.acknowledged) == (1, 3)
    if restarted:
        host.boot()
    assert host.step(append(host, other[1:], previous=other[0], term=1)) == []
    assert host.raft.last_height == 1
    host.step(append(host, other[1:], previous=other[0], term=2))
    assert host.raft.last_hash == other[2].hash


def test_nobody_shuns_itself() -> None:
    host = make_host()
    elect(host)
    host.raft.shun_leader()
    assert (host.raft.role, host.raft.shunned) == (Role.LEADER, None)


def test_a_leader_whose_followers_all_shun_it_gives_up_and_another_is_elected() -> None:
    hosts = {id: make_host(id) for id in "abcd"}
    waiting = elect(hosts["a"])
    for host in hosts.values():
        if host is not hosts["a"]:
            for message in waiting:
                if message.recipient == host.config.id:
                    host.raft.step(message)
            host.drain()
            host.raft.shun_leader()
    mail: list[Message] = []
    for _ in range(6 * hosts["a"].config.election_ticks_max):
        for id, host in hosts.items():
            # Different patience, so that the fixed draws of these hosts do not tie for ever.
            mail += host.tick(2 if id == "c" else 1)
        while mail:
            message = mail.pop(0)
            mail += hosts[message.recipient].step(message)
        if hosts["c"].raft.role is Role.LEADER:
            break
    assert hosts["c"].raft.role is Role.LEADER
    assert hosts["a"].raft.role is not Role.LEADER
