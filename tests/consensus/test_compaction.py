"""Compacting the log, offering a snapshot to those who need what is gone, and going on from one.

Numbers in parentheses are rows of the checklist of known bugs, as in test_election. Names in capitals are those of
etcd's tests and scenario files whose case a test covers.
"""

import msgspec
import pytest

from jifen.consensus.messages import AppendRequest, AppendResponse, Certificate, Message, SnapshotOffer
from jifen.consensus.progress import Mode, Progress
from jifen.consensus.types import HardState, Position, Role, SnapshotRefused, SuspicionKind
from jifen.testing.consensus_host import (
    Host,
    acknowledge,
    append,
    elect,
    make_certificate,
    make_chain,
    make_host,
    position_of,
)

CHAIN = make_chain([1] * 20)
TAIL = 4
"""`uncommitted_heights_max` in these tests: twice as many heights stay."""


def certified(height: int) -> Certificate:
    return make_certificate(CHAIN[height - 1], "abcd", "bcd", 1)


def certificates(first: int, last: int) -> list[Certificate]:
    return [certified(height) for height in range(first, last + 1)]


def compacted_leader(*, compacted: int = 10, committed: int = 20) -> Host:
    """Make a leader of term 2 whose log begins at height `compacted`."""
    host = make_host(log=CHAIN, committed=committed, term=1, uncommitted_heights_max=TAIL)
    host.compact(compacted)
    elect(host)
    return host


def follower(height: int, *, committed: int | None = None) -> Host:
    return make_host("b", log=CHAIN[:height], committed=height if committed is None else committed, term=2)


def refusal(host: Host, sender: str, height: int, *, hint: int, commit: int) -> AppendResponse:
    return AppendResponse(
        term=host.raft.term,
        sender=sender,
        recipient=host.config.id,
        success=False,
        height=height,
        hash=bytes(32),
        commit=commit,
        hint_height=hint,
        hint_term=min(hint, 1),
        leader_commit=0,
        signatures=(),
    )


def acknowledged(host: Host, height: int) -> AppendResponse:
    """Return what `b` says when its log is committed up to `height` and ends there."""
    blank = acknowledge(host, "b", 20, commit=height, signatures=())
    return msgspec.structs.replace(blank, height=height, hash=CHAIN[height - 1].hash)


def offer_to(host: Host, height: int, *, term: int = 2, sender: str = "a") -> SnapshotOffer:
    return SnapshotOffer(term=term, sender=sender, recipient=host.config.id, height=height, hash=CHAIN[height - 1].hash)


def offers(messages: list[Message], recipient: str = "b") -> list[SnapshotOffer]:
    return [item for item in messages if isinstance(item, SnapshotOffer) and item.recipient == recipient]


def requests(messages: list[Message], recipient: str = "b") -> list[AppendRequest]:
    return [item for item in messages if isinstance(item, AppendRequest) and item.recipient == recipient]


# Compacting.


def test_a_compacted_log_begins_at_its_base_and_still_knows_what_stands_there() -> None:
    """TestCompaction, TestStorageCompact: reads below end, the anchor above stays."""
    host = make_host(log=CHAIN, committed=20, uncommitted_heights_max=TAIL)
    host.compact(10)
    assert host.raft.base == position_of(CHAIN[9])
    assert host.raft.position(10) == position_of(CHAIN[9])
    assert host.raft.position(9) is None
    assert host.raft.position(11) == position_of(CHAIN[10])
    assert (host.raft.committed, host.raft.last_height) == (20, 20)


def test_compacting_to_a_lower_height_changes_nothing() -> None:
    host = make_host(log=CHAIN, committed=20, uncommitted_heights_max=TAIL)
    host.compact(10)
    host.raft.compact(4)
    assert host.raft.base == position_of(CHAIN[9])


def test_what_a_new_leader_may_need_signatures_for_is_never_compacted() -> None:
    host = make_host(log=CHAIN, committed=12, uncommitted_heights_max=TAIL)
    assert host.raft.compactable == 12 - 2 * TAIL
    with pytest.raises(AssertionError):
        host.raft.compact(5)
    host.compact(4)


def test_a_validator_restarts_with_a_compacted_log() -> None:
    host = make_host(log=CHAIN, committed=20, term=1, uncommitted_heights_max=TAIL)
    host.compact(12)
    host.boot()
    host.raft.check_invariants()
    assert (host.raft.base.height, host.raft.committed, host.raft.last_height) == (12, 20, 20)
    host.step(append(host, previous=CHAIN[19], sender="b", term=2))
    assert host.raft.leader == "b"


def test_compacting_frees_the_memory_of_what_it_drops() -> None:
    host = make_host(uncommitted_heights_max=2)
    chain = make_chain([1] * 10, payload=b"x" * 100)
    signed = [make_certificate(entry, "abcd", "bcd", 1) for entry in chain]
    host.step(append(host, chain, term=1, certificates=signed))
    before = host.raft._state.log.cached_bytes
    host.compact(6)
    assert host.raft._state.log.cached_bytes == before - 600
    host.raft.check_invariants()


# Offering.


def test_a_peer_that_needs_what_is_compacted_is_offered_a_snapshot() -> None:
    """slow_follower_after_compaction"""
    leader = compacted_leader()
    sent = leader.step(refusal(leader, "b", 20, hint=5, commit=5))
    [offer] = offers(sent)
    assert (offer.height, offer.hash) == (10, CHAIN[9].hash)
    assert requests(sent) == []


def test_a_peer_whose_log_reaches_the_base_is_sent_blocks() -> None:
    leader = compacted_leader()
    sent = leader.step(refusal(leader, "b", 20, hint=10, commit=10))
    assert offers(sent) == []
    assert requests(sent)[0].prev_height == 10


def test_a_peer_that_lacks_compacted_certificates_only_is_offered_a_snapshot_too() -> None:
    """Its blocks reach the base, but nobody could ever prove to it that they are committed."""
    leader = compacted_leader()
    assert offers(leader.step(refusal(leader, "b", 20, hint=12, commit=5)))


def test_a_peer_that_is_offered_a_snapshot_gets_nothing_else_however_much_is_proposed() -> None:
    """(15) TestPendingSnapshotPauseReplication"""
    leader = compacted_leader()
    leader.step(refusal(leader, "b", 20, hint=5, commit=5))
    for _ in range(2):
        leader.propose(b"x")
        sent = leader.drain()
        assert requests(sent) == []
        assert offers(sent) == []


def test_the_offer_is_repeated_with_every_heartbeat() -> None:
    """TestSendingSnapshotSetPendingSnapshot, TestSnapshotFailure: a lost offer costs a heartbeat."""
    leader = compacted_leader()
    leader.step(refusal(leader, "b", 20, hint=5, commit=5))
    for _ in range(3):
        assert len(offers(leader.tick(2))) == 1


def test_answers_to_offers_keep_a_leader_in_office() -> None:
    """A leader whose followers all fetch snapshots is still their leader (thesis 6.2)."""
    leader = compacted_leader()
    for _ in range(30):
        for id in "bcd":
            leader.step(refusal(leader, id, 10, hint=5, commit=5))
        leader.tick()
    assert leader.raft.role is Role.LEADER


def test_an_installed_peer_is_sent_the_blocks_after_its_snapshot() -> None:
    """snapshot_succeed_via_app_resp, TestSnapshotSucceed"""
    leader = compacted_leader()
    leader.step(refusal(leader, "b", 20, hint=5, commit=5))
    sent = leader.step(acknowledged(leader, 16))
    assert [entry.height for request in requests(sent) for entry in request.entries] == [17, 18, 19, 20]


def test_a_peer_that_installed_less_than_the_leader_needs_is_offered_a_snapshot_again() -> None:
    """snapshot_succeed_via_app_resp_behind, TestSnapshotAbort: the leader compacted on meanwhile."""
    leader = compacted_leader(compacted=4)
    leader.step(refusal(leader, "b", 20, hint=2, commit=2))
    leader.compact(12)
    sent = leader.step(acknowledged(leader, 6))
    assert requests(sent) == []
    [offer] = offers(leader.tick(2))
    assert offer.height == 12


def test_a_late_answer_of_before_the_offer_does_not_end_it() -> None:
    leader = compacted_leader()
    leader.step(refusal(leader, "b", 20, hint=5, commit=5))
    leader.step(refusal(leader, "b", 20, hint=19, commit=5))
    assert requests(leader.tick(2)) == []


def test_a_progress_in_snapshot_mode_is_paused_until_blocks_and_certificates_reach_the_base() -> None:
    """TestProgressBecomeSnapshot, TestProgressIsPaused"""
    progress = Progress(next_height=21, inflight_messages_max=2, inflight_bytes_max=100, commit=20)
    progress.reported(5)
    assert progress.lacks(10)
    progress.offered()
    assert (progress.mode, progress.paused, progress.next_height) == (Mode.SNAPSHOT, True, 1)
    progress.acknowledged(9, 10)
    assert progress.mode is Mode.SNAPSHOT
    progress.acknowledged(12, 10)
    assert progress.mode is Mode.SNAPSHOT
    progress.reported(12)
    progress.acknowledged(12, 10)
    assert (progress.mode, progress.paused, progress.next_height) == (Mode.REPLICATE, False, 13)
    assert progress.certificates_sent == 12


# Being offered.


def test_an_offer_is_told_to_the_host_and_answered_like_a_heartbeat() -> None:
    host = follower(5)
    host.tick(9)
    offer = offer_to(host, 10)
    [answer] = host.step(offer)
    assert isinstance(answer, AppendResponse)
    assert (answer.success, answer.commit, answer.hint_height) == (False, 5, 5)
    assert host.outputs[-1].snapshot_offered == offer
    host.tick(9)
    assert host.raft.role is Role.FOLLOWER, "an offer must put the election off"
    assert host.raft.leader == "a"


def test_an_offer_of_what_is_committed_here_is_answered_with_how_far_this_log_reaches() -> None:
    """(14) A late or repeated offer never moves anything backwards."""
    host = follower(12)
    [answer] = host.step(offer_to(host, 10))
    assert isinstance(answer, AppendResponse)
    assert (answer.success, answer.height, answer.hash, answer.signatures) == (True, 12, CHAIN[11].hash, ())
    assert all(output.snapshot_offered is None for output in host.outputs)
    assert host.raft.committed == 12


def test_an_offer_of_an_older_term_is_told_the_new_one_and_nothing_else_happens() -> None:
    host = follower(5)
    [answer] = host.step(offer_to(host, 10, term=1))
    assert (answer.term, host.raft.leader) == (2, None)
    assert all(output.snapshot_offered is None for output in host.outputs)


def test_two_leaders_of_one_term_are_suspicious_by_an_offer_too() -> None:
    host = follower(5)
    host.step(offer_to(host, 10))
    host.step(offer_to(host, 10, sender="c"))
    assert host.outputs[-1].suspicions[0].kind is SuspicionKind.TWO_LEADERS


# Installing.


def test_installing_takes_the_log_to_the_snapshot_and_tells_the_leader() -> None:
    """TestRestore: term, commit and last entry are the snapshot's."""
    host = follower(5)
    host.step(offer_to(host, 10))
    [answer] = host.install(certified(14), position_of(CHAIN[13]))
    assert isinstance(answer, AppendResponse)
    assert (answer.success, answer.recipient, answer.height) == (True, "a", 14)
    raft = host.raft
    assert (raft.base, raft.committed, raft.last_height) == (position_of(CHAIN[13]), 14, 14)
    host.step(append(host, CHAIN[14:], previous=CHAIN[13], sender="a", certificates=certificates(15, 20)))
    assert raft.committed == 20


def test_a_snapshot_below_the_committed_height_is_refused() -> None:
    """(14) TestRestoreIgnoreSnapshot, hashicorp 1.4.0 index gap: nothing ever goes back."""
    host = follower(12)
    for height in (3, 12):
        with pytest.raises(SnapshotRefused, match="committed here already"):
            host.install(certified(height), position_of(CHAIN[height - 1]))
    assert (host.raft.committed, host.raft.last_height, host.raft.base.height) == (12, 12, 0)


def test_a_leader_refuses_a_snapshot() -> None:
    leader = compacted_leader()
    with pytest.raises(SnapshotRefused, match="leads"):
        leader.raft.install(Position(40, 2, bytes(32)), Position(40, 2, bytes(32)), leader.first)


def test_blocks_that_follow_the_snapshot_stay_because_they_may_have_been_acknowledged() -> None:
    host = follower(18, committed=5)
    host.install(certified(14), position_of(CHAIN[13]))
    raft = host.raft
    assert (raft.base.height, raft.committed, raft.last_height) == (14, 14, 18)
    assert host.disk.log == CHAIN[14:18]
    host.boot()
    assert host.raft.position(18) == position_of(CHAIN[17])


def test_a_tail_that_contradicts_the_snapshot_is_abandoned() -> None:
    """TestRestore with a conflicting log: what was never committed gives way."""
    other = make_chain([2] * 13, after=position_of(CHAIN[4]))
    host = make_host("b", log=CHAIN[:5] + other, committed=5, term=2)
    host.install(certified(14), position_of(CHAIN[13]))
    assert (host.raft.last_height, host.raft.last_hash) == (14, CHAIN[13].hash)
    assert host.disk.log == []


def test_a_snapshot_of_a_later_term_takes_the_term_with_it() -> None:
    later = make_chain([1] * 5 + [7] * 5)
    host = make_host("b", log=later[:5], committed=5, term=2)
    host.install(make_certificate(later[9], "abcd", "bcd", 7), position_of(later[9]))
    assert host.raft.term == 7
    assert host.disk.hard_state == HardState(7, None)
    host.boot()


def test_a_vote_of_the_snapshots_own_term_is_not_forgotten() -> None:
    host = make_host("b", log=CHAIN[:5], committed=5, term=1, vote="c")
    host.install(certified(14), position_of(CHAIN[13]))
    assert (host.raft.term, host.raft.vote) == (1, "c")


def test_a_candidate_that_installs_a_snapshot_waits_for_a_leader_again() -> None:
    host = follower(5)
    host.tick(10)
    before = host.raft.role
    host.install(certified(14), position_of(CHAIN[13]))
    assert (before, host.raft.role) == (Role.PRE_CANDIDATE, Role.FOLLOWER)


# Requests from before the snapshot.


def installed() -> Host:
    host = follower(5)
    host.step(offer_to(host, 10))
    host.install(certified(14), position_of(CHAIN[13]))
    return host


def test_a_request_below_the_base_is_no_conflict() -> None:
    """(14) openraft 44381b0c: what was purged was committed; the leader learns how far this log reaches."""
    host = installed()
    [answer] = host.step(append(host, CHAIN[5:9], previous=CHAIN[4], sender="a"))
    assert isinstance(answer, AppendResponse)
    assert (answer.success, answer.height, answer.hash) == (True, 14, CHAIN[13].hash)
    assert not host.outputs[-1].suspicions


def test_a_request_across_the_base_brings_what_lies_above_it() -> None:
    host = installed()
    [answer] = host.step(append(host, CHAIN[11:17], previous=CHAIN[10], sender="a"))
    assert isinstance(answer, AppendResponse)
    assert (answer.height, host.raft.last_height) == (17, 17)
    assert [signature.height for signature in answer.signatures] == [15, 16, 17], "what is gone cannot be signed for"


def test_a_request_that_contradicts_the_base_is_suspicious() -> None:
    host = installed()
    other = make_chain([1] * 4, after=position_of(CHAIN[10]), payload=b"other")
    assert host.step(append(host, other, previous=CHAIN[10], sender="a")) == []
    kinds = [host.outputs[-1].suspicions[0].kind]
    later = make_chain([2] * 4, after=position_of(CHAIN[10]), payload=b"other")
    host.step(append(host, later, previous=CHAIN[10], sender="a"))
    kinds.append(host.outputs[-1].suspicions[0].kind)
    assert kinds == [SuspicionKind.TWO_ENTRIES, SuspicionKind.COMMITTED_CONFLICT]


def test_a_leader_finds_the_way_back_to_a_peer_that_installed_while_it_was_not_asked() -> None:
    """The leader replicates from below the peer's new base; the answer takes it to where the peer is."""
    leader = compacted_leader(compacted=4)
    peer = installed()
    leader.step(acknowledged(leader, 5))
    request = append(peer, CHAIN[5:8], previous=CHAIN[4], sender="a", term=leader.raft.term)
    [answer] = peer.step(request)
    queue: list[Message] = list(requests(leader.step(answer)))
    for _ in range(3):
        while queue:
            message = queue.pop(0)
            queue += requests(leader.step(message)) if message.recipient == "a" else peer.step(message)
        queue += requests(leader.tick(2))
    assert (peer.raft.last_height, peer.raft.last_hash) == (21, leader.raft.last_hash)


def test_a_leader_with_a_compacted_log_brings_a_peer_up_through_snapshot_and_blocks() -> None:
    """(21) The whole way, with every message through both cores."""
    leader, peer = compacted_leader(), follower(3)
    queue: list[Message] = [message for message in leader.tick(2) if message.recipient == "b"]
    fetched = False
    while queue:
        message = queue.pop(0)
        if message.recipient == "a":
            queue += [item for item in leader.step(message) if item.recipient == "b"]
            continue
        queue += peer.step(message)
        if peer.outputs[-1].snapshot_offered is not None and not fetched:
            fetched = True
            queue += peer.install(certified(16), position_of(CHAIN[15]))
    assert fetched
    assert (peer.raft.last_height, peer.raft.last_hash) == (21, leader.raft.last_hash)
    assert peer.raft.committed == 20


def test_offers_with_fields_changed_are_still_offers() -> None:
    """A copy of an offer with a lower height is late, whatever else it says."""
    host = follower(12)
    [answer] = host.step(msgspec.structs.replace(offer_to(host, 12), height=1))
    assert isinstance(answer, AppendResponse)
    assert answer.height == 12


def test_an_answer_that_was_on_its_way_while_the_leader_compacted_is_late_and_not_wrong() -> None:
    host = compacted_leader()
    host.step(acknowledged(host, 9))
    assert host.raft.ignored_messages == 0
    assert host.raft.committed == 20
