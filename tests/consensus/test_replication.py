"""Replication and commitment of one core, driven by hand; numbers in parentheses as in test_election."""

from typing import Any

import msgspec
import pytest

from jifen.consensus.messages import AppendRequest, AppendResponse, Entry, Message
from jifen.consensus.types import NotLeader, PipelineFull, Role, SuspicionKind
from jifen.testing.consensus_host import (
    Host,
    acknowledge,
    append,
    elect,
    make_certificate,
    make_chain,
    make_entry,
    make_host,
    position_of,
)


def answer(messages: list[Message]) -> AppendResponse:
    [message] = messages
    assert isinstance(message, AppendResponse)
    return message


def to(recipient: str, messages: list[Message]) -> list[AppendRequest]:
    return [message for message in messages if isinstance(message, AppendRequest) and message.recipient == recipient]


def refusal(
    host: Host, sender: str, height: int, *, hint_height: int, hint_term: int, commit: int = 0
) -> AppendResponse:
    return AppendResponse(
        term=host.raft.term,
        sender=sender,
        recipient=host.config.id,
        success=False,
        height=height,
        hash=bytes(32),
        commit=commit,
        hint_height=hint_height,
        hint_term=hint_term,
        leader_commit=0,
        signatures=(),
    )


# Following.


def test_a_follower_acknowledges_exactly_what_the_request_proved() -> None:
    """(6) CCF scenario follower_overcommit_partial_verified: the own tail is not part of the answer."""
    chain = make_chain([1, 1, 1, 1, 1])
    host = make_host(log=chain, term=1)
    heartbeat = answer(host.step(append(host, previous=chain[1], term=2)))
    assert (heartbeat.success, heartbeat.height, heartbeat.hash) == (True, 2, chain[1].hash)
    partial = answer(host.step(append(host, chain[2:4], previous=chain[1], term=2)))
    assert (partial.height, partial.hash) == (4, chain[3].hash)
    assert host.raft.last_height == 5


def test_an_acknowledgement_waits_until_its_entries_are_durable() -> None:
    """(3)"""
    host = make_host(term=1)
    host.raft.step(append(host, make_chain([1])))
    output = host.raft.take_output()
    assert output.messages == ()
    assert len(output.entries) == len(output.messages_after_persist) == 1


def test_an_acknowledgement_of_a_lower_term_is_dropped_with_the_entries_it_was_for() -> None:
    """(3) otherwise it would go out after a write in which the newer leader's entry stands instead."""
    host = make_host(term=1)
    old, new = make_chain([1]), make_chain([2])
    host.raft.step(append(host, old, sender="b"))
    host.raft.step(append(host, new, sender="c", term=2))
    output = host.raft.take_output()
    assert (output.entries, output.truncate_from) == (tuple(new), None)
    assert [(message.term, message.recipient) for message in output.messages_after_persist] == [(2, "c")]


def test_a_request_signs_every_height_that_its_leader_has_not_committed() -> None:
    chain = make_chain([1, 1, 1])
    host = make_host(term=1)
    acknowledged = answer(host.step(append(host, chain)))
    assert [signature.height for signature in acknowledged.signatures] == [1, 2, 3]
    certificates = [make_certificate(entry, "abcd", "bcd", 1) for entry in chain[:2]]
    acknowledged = answer(host.step(append(host, chain, certificates=certificates)))
    assert [signature.height for signature in acknowledged.signatures] == [3]


def test_repeated_and_overtaken_requests_never_shorten_the_log() -> None:
    """(5)"""
    chain = make_chain([1, 1, 1, 1])
    host = make_host(term=1)
    host.step(append(host, chain))
    for late in (chain[:2], chain[:0], chain[:4]):
        host.raft.step(append(host, late))
        output = host.raft.take_output()
        assert (output.truncate_from, output.entries) == (None, ())
    assert host.raft.last_height == 4


def test_a_conflicting_tail_is_replaced_from_the_conflict_on() -> None:
    chain = make_chain([1, 1, 1])
    fork = make_chain([2, 2], after=position_of(chain[0]))
    host = make_host(log=chain, term=1)
    host.raft.step(append(host, [chain[0], *fork], term=2))
    output = host.raft.take_output()
    assert (output.truncate_from, output.entries) == (2, tuple(fork))


def test_replacing_entries_that_were_never_handed_out_needs_no_truncation() -> None:
    chain = make_chain([1, 1])
    fork = make_chain([2], after=position_of(chain[0]))
    host = make_host(term=1)
    host.raft.step(append(host, chain))
    host.raft.step(append(host, fork, previous=chain[0], term=2))
    output = host.raft.take_output()
    assert (output.truncate_from, output.entries) == (None, (chain[0], fork[0]))


def test_a_gap_is_refused_with_the_own_end_as_hint() -> None:
    chain = make_chain([1, 1, 1, 1])
    host = make_host(log=chain[:2], term=1)
    refused = answer(host.step(append(host, chain[3:], previous=chain[2])))
    assert (refused.success, refused.height, refused.hint_height, refused.hint_term) == (False, 3, 2, 1)


def test_a_refusal_skips_whole_terms() -> None:
    """CCF scenario long_divergence_sync."""
    mine = make_chain([1, 1, 3, 3, 3, 3])
    theirs = make_chain([1, 1, 2, 2, 2, 4])
    host = make_host(log=mine, committed=1)
    refused = answer(host.step(append(host, theirs[5:], previous=theirs[4], term=4)))
    assert (refused.hint_height, refused.hint_term) == (2, 1)


def test_of_two_entries_at_one_term_and_height_the_second_is_not_taken_from_the_same_leader() -> None:
    mine = make_chain([1, 1], payload=b"mine")
    other = make_chain([1], payload=b"other", after=position_of(mine[0]))
    host = make_host()
    host.step(append(host, mine, term=1))
    assert host.step(append(host, other, previous=mine[0], term=1)) == []
    [suspicion] = host.outputs[-1].suspicions
    assert (suspicion.kind, suspicion.term, suspicion.height) == (SuspicionKind.TWO_ENTRIES, 1, 2)
    assert {suspicion.known_hash, suspicion.other_hash} == {mine[1].hash, other[0].hash}
    assert host.raft.last_hash == mine[1].hash
    assert host.step(append(host, previous=other[0], term=1)) == []
    assert host.outputs[-1].suspicions[0].kind is SuspicionKind.TWO_ENTRIES


def test_of_two_entries_of_an_old_term_a_later_leader_says_which_stays() -> None:
    """Else whoever holds the one that was not certified could never go on."""
    mine = make_chain([1, 1], payload=b"mine")
    other = make_chain([1], payload=b"other", after=position_of(mine[0]))
    host = make_host()
    host.step(append(host, mine, term=1))
    assert answer(host.step(append(host, other, previous=mine[0], term=2))).success
    assert SuspicionKind.TWO_ENTRIES in [found.kind for output in host.outputs for found in output.suspicions]
    assert host.raft.last_hash == other[0].hash


@pytest.mark.parametrize("restarted", [False, True])
def test_no_leader_gets_two_acknowledgements_of_one_height_in_its_term(restarted: bool) -> None:
    """Even with entries of older terms, which may differ without anybody having lied before."""
    shared = make_chain([1])
    one, other = (make_chain([term], after=position_of(shared[0])) for term in (2, 3))
    host = make_host()
    assert answer(host.step(append(host, [*shared, *one], term=4))).height == 2
    if restarted:
        host.boot()
    sent = host.step(append(host, other, previous=shared[0], term=4))
    assert sent == []
    assert host.outputs[-1].suspicions[0].kind is SuspicionKind.TAKEN_BACK
    assert host.raft.last_hash == one[0].hash
    assert answer(host.step(append(host, other, previous=shared[0], term=5))).success
    assert host.raft.last_hash == other[0].hash


def test_a_leader_that_stepped_down_signs_nothing_else_for_its_own_term() -> None:
    host = make_host()
    elect(host)
    own = host.raft.last_hash
    host.tick(2 * host.config.election_ticks_min)
    assert host.raft.role is not Role.LEADER
    term = host.disk.hard_state.term
    host.step(append(host, make_chain([0]), term=term))
    assert host.raft.last_hash == own


def test_a_leader_that_contradicts_a_committed_entry_is_suspected_and_changes_nothing() -> None:
    """(5)"""
    mine = make_chain([1, 1])
    host = make_host(log=mine, committed=2)
    assert host.step(append(host, make_chain([2, 2]), term=2)) == []
    assert host.outputs[-1].suspicions[0].kind is SuspicionKind.COMMITTED_CONFLICT
    assert host.raft.last_hash == mine[1].hash


@pytest.mark.parametrize("fault", ["gap", "unlinked", "term falls", "term above", "commit above", "certificate gap"])
def test_a_request_that_contradicts_itself_is_counted_and_ignored(fault: str) -> None:
    chain = make_chain([2, 2, 2])
    host = make_host(term=2)
    good = append(host, chain, certificates=[make_certificate(entry, "abcd", "bcd", 2) for entry in chain])
    faults: dict[str, dict[str, Any]] = {
        "gap": {"entries": (chain[0], chain[2])},
        "unlinked": {"entries": (chain[0], msgspec.structs.replace(chain[1], parent_hash=bytes(32)), chain[2])},
        "term falls": {"entries": (chain[0], msgspec.structs.replace(chain[1], term=1), chain[2])},
        "term above": {"entries": (*chain[:2], msgspec.structs.replace(chain[2], term=3))},
        "commit above": {"commit": 4, "certificates": ()},
        "certificate gap": {"certificates": (good.certificates[0], good.certificates[2])},
    }
    assert host.step(msgspec.structs.replace(good, **faults[fault])) == []
    assert (host.raft.ignored_messages, host.raft.last_height) == (1, 0)
    assert answer(host.step(good)).success


def test_a_request_that_lies_about_the_term_before_its_entries_is_counted_and_ignored() -> None:
    """Terms never fall in a log; the sender alone says what went before, and one lie must not stop a validator."""
    chain = make_chain([2, 2, 2])
    host = make_host(log=chain, committed=3, term=2)
    falling = make_chain([1], after=position_of(chain[2]))
    lie = msgspec.structs.replace(append(host, falling, previous=chain[2], term=3), prev_term=1)
    assert host.step(lie) == []
    assert (host.raft.ignored_messages, host.raft.last_hash) == (1, chain[2].hash)
    following = make_chain([3], after=position_of(chain[2]))
    assert answer(host.step(append(host, following, previous=chain[2], term=3))).height == 4


# Committing as a follower.


def test_a_follower_commits_only_what_is_certified() -> None:
    chain = make_chain([1, 1, 1])
    host = make_host(term=1)
    certificates = [make_certificate(entry, "abcd", "bcd", 1) for entry in chain[:2]]
    told = answer(host.step(append(host, chain, certificates=certificates)))
    assert (host.raft.committed, told.commit, host.disk.committed) == (2, 2, 2)
    host.step(append(host, previous=chain[2], commit=3))
    assert host.raft.committed == 2, "a commit height without its certificate is only a claim"


def test_a_follower_commits_nothing_beyond_what_the_request_proved() -> None:
    """(6) the own tail may be somebody else's."""
    chain = make_chain([1, 1, 1])
    host = make_host(log=chain, term=1)
    certificates = [make_certificate(entry, "abcd", "bcd", 2) for entry in chain]
    host.step(append(host, previous=chain[0], certificates=certificates[:1], term=2))
    assert host.raft.committed == 1
    host.step(msgspec.structs.replace(append(host, previous=chain[1], certificates=certificates[1:]), commit=3))
    assert host.raft.committed == 1, "certificates beyond the message's last height break its rules"


def test_certificates_that_arrive_early_wait_for_the_missing_one() -> None:
    chain = make_chain([1, 1, 1])
    host = make_host(term=1)
    certificates = [make_certificate(entry, "abcd", "bcd", 1) for entry in chain]
    host.step(append(host, chain, certificates=certificates[1:]))
    assert host.raft.committed == 0
    host.step(append(host, chain, certificates=certificates[:1], commit=1))
    assert host.raft.committed == 1
    host.step(append(host, previous=chain[2], commit=3))
    assert host.raft.committed == 3


def test_certificates_far_ahead_are_not_kept() -> None:
    chain = make_chain([1] * 12)
    host = make_host(term=1, uncommitted_heights_max=4, certificates_per_message_max=4)
    certificates = [make_certificate(entry, "abcd", "bcd", 1) for entry in chain]
    host.step(append(host, chain, certificates=certificates[6:12]))
    host.step(append(host, chain, certificates=certificates[:6], commit=6))
    host.step(append(host, previous=chain[11], commit=12))
    assert host.raft.committed == 8


def test_a_certificate_for_another_block_is_suspicious_and_commits_nothing() -> None:
    mine = make_chain([1], payload=b"mine")
    other = make_chain([1], payload=b"other")
    host = make_host(term=1)
    host.step(append(host, mine, certificates=[make_certificate(other[0], "abcd", "bcd", 1)]))
    assert [found.kind for found in host.outputs[0].suspicions] == [SuspicionKind.CERTIFICATE_CONFLICT]
    assert host.raft.committed == 0


# Leading.


def leader(*, terms: tuple[int, ...] = (), committed: int = 0, **limits: Any) -> tuple[Host, list[Entry]]:
    """Return a leader whose first own block is durable here, and its log before that block."""
    chain = make_chain(terms)
    host = make_host(log=chain, committed=committed, **limits)
    elect(host)
    return host, chain


def replicating(host: Host, *senders: str) -> None:
    """Let `senders` acknowledge everything, so that they are replicated to."""
    for sender in senders:
        host.step(acknowledge(host, sender, host.raft.last_height))


def test_a_block_is_sent_before_it_is_durable_but_not_counted_before() -> None:
    """(3)"""
    host, _ = leader()
    replicating(host, "b", "c")
    assert host.raft.committed == 1
    host.propose(b"x")
    output = host.raft.take_output()
    assert to("b", list(output.messages))[0].entries == output.entries
    host.raft.step(acknowledge(host, "b", 2))
    assert host.raft.committed == 1
    host.raft.step(acknowledge(host, "c", 2))
    assert host.raft.committed == 1, "two peers and an own entry that is not durable are no quorum of four"
    host.raft.step(acknowledge(host, "a", 2))
    assert host.raft.committed == 2


def test_a_commit_makes_one_certificate_for_each_height_with_the_signatures_of_a_quorum() -> None:
    host, _ = leader(terms=(1, 1))
    host.step(acknowledge(host, "d", 3))
    host.step(acknowledge(host, "b", 3))
    assert host.raft.committed == 3
    stored = [host.disk.certificates[height] for height in (1, 2, 3)]
    assert [(found.height, found.term, found.signers) for found in stored] == [(h, 2, 0b1011) for h in (1, 2, 3)]
    position = host.raft.position(2)
    assert position is not None
    assert stored[1].hash == position.hash


def test_an_acknowledgement_without_signatures_certifies_nothing() -> None:
    host, _ = leader()
    for sender in ("b", "c", "d"):
        host.step(acknowledge(host, sender, 1, signatures=()))
    assert host.raft.committed == 0


def test_a_missing_signature_in_the_middle_holds_back_everything_above() -> None:
    host, _ = leader(terms=(1,))
    for sender in ("b", "c", "d"):
        full = acknowledge(host, sender, 2)
        host.step(msgspec.structs.replace(full, signatures=full.signatures[1:]))
    assert host.raft.committed == 0
    for sender in ("b", "c"):
        host.step(acknowledge(host, sender, 2))
    assert host.raft.committed == 2


def test_a_signature_over_another_hash_counts_nothing() -> None:
    host, _ = leader(terms=(1,))
    for sender in ("b", "c", "d"):
        full = acknowledge(host, sender, 2)
        other = msgspec.structs.replace(full.signatures[0], hash=bytes(32))
        host.step(msgspec.structs.replace(full, signatures=(other, full.signatures[1])))
    assert (host.raft.committed, host.raft.ignored_messages) == (0, 3)


def test_acknowledgements_of_another_hash_or_term_count_nothing() -> None:
    """(7)"""
    host, _ = leader(terms=(1,))
    for sender in ("b", "c", "d"):
        host.step(acknowledge(host, sender, 2, hash=bytes(32)))
        host.step(acknowledge(host, sender, 2, term=1))
    assert host.raft.committed == 0


def test_an_own_acknowledgement_that_comes_back_after_the_term_is_over_is_dropped() -> None:
    """(7)"""
    host = make_host(validators="abc")
    elect(host)
    host.propose(b"x")
    output = host.raft.take_output()
    host.disk.write(output)
    late = host.signed(output.messages_after_persist[0])
    host.step(append(host, term=9, sender="b"))
    assert host.step(late) == []
    assert (host.raft.role, host.raft.committed) == (Role.FOLLOWER, 0)


def test_a_commit_is_told_at_once_with_its_certificate() -> None:
    """etcd scenario lagging_commit."""
    host, _ = leader()
    host.step(acknowledge(host, "b", 1))
    sent = host.step(acknowledge(host, "c", 1))
    assert [(message.commit, len(message.certificates), message.entries) for message in to("b", sent)] == [(1, 1, ())]
    assert len(to("c", sent)) == 1
    assert to("d", sent) == [], "a peer that has not answered its probe gets no second one"


def test_a_certificate_lost_on_the_way_is_sent_again_with_the_next_heartbeat() -> None:
    host, _ = leader()
    replicating(host, "b", "c")
    assert to("b", host.tick(2))[0].certificates != ()
    host.step(acknowledge(host, "b", 1))
    assert to("b", host.tick(2))[0].certificates == (), "not again once the peer has reported it"


def test_only_leaders_of_the_term_propose() -> None:
    host = make_host(term=1)
    with pytest.raises(NotLeader):
        host.raft.propose(make_chain([1])[0])
    host, _ = leader()
    old = make_entry(position_of(host.disk.log[-1]), 0)
    with pytest.raises(NotLeader):
        host.raft.propose(old)
    assert host.raft.last_height == 1


def test_proposals_stop_when_too_many_wait_and_go_on_after_a_commit() -> None:
    host, _ = leader(uncommitted_heights_max=3)
    host.propose()
    host.propose()
    assert host.raft.proposals_in_flight == 3
    with pytest.raises(PipelineFull):
        host.propose()
    host.drain()
    replicating(host, "b", "c")
    host.propose()
    assert host.raft.proposals_in_flight == 1


def test_what_earlier_leaders_left_counts_among_what_waits_once_the_first_block_of_the_term_is_in() -> None:
    host, _ = leader(terms=(1,) * 3, uncommitted_heights_max=6)
    for room_left in (True, False):
        host.propose()
        assert host.raft.has_room is room_left
    with pytest.raises(PipelineFull, match="6 blocks wait"):
        host.propose()


def test_proposals_stop_when_too_many_bytes_wait_and_go_on_after_a_commit() -> None:
    """etcd TestUncommittedEntryLimit: the block that passes the bound is taken, the next is not."""
    host, _ = leader(uncommitted_bytes_max=100)
    host.drain()
    replicating(host, "b", "c")
    for room_left in (True, False):
        host.propose(b"x" * 60)
        assert host.raft.has_room is room_left
    with pytest.raises(PipelineFull, match="120 bytes"):
        host.propose(b"")
    host.drain()
    for sender in ("b", "c"):
        host.step(acknowledge(host, sender, 2))
    assert host.raft.has_room
    host.propose(b"x" * 1000)
    assert not host.raft.has_room


def test_what_earlier_leaders_left_does_not_keep_a_leader_from_its_first_block() -> None:
    host = make_host(log=make_chain((1,) * 3, payload=b"x" * 100), term=1, uncommitted_bytes_max=100)
    assert not host.raft.has_room, "a follower has none to offer"
    elect(host)
    assert (host.raft.last_height, host.raft.has_room) == (4, True)


def test_the_first_block_of_a_term_is_let_in_however_long_the_tail() -> None:
    host, _ = leader(terms=(1,) * 5, uncommitted_heights_max=3)
    assert host.raft.last_height == 6
    for sender in ("b", "c"):
        host.step(acknowledge(host, sender, 6))
    assert host.raft.committed == 6


def test_blocks_are_pipelined_up_to_the_window_and_an_acknowledgement_opens_it() -> None:
    """(15) etcd scenario replicate_pause."""
    host, _ = leader(inflight_messages_max=2)
    replicating(host, "b", "c")
    sent: list[Message] = []
    for _ in range(5):
        host.propose(b"x")
        sent += host.drain()
    assert [message.entries[0].height for message in to("b", sent)] == [2, 3]
    opened = to("b", host.step(acknowledge(host, "b", 2, signatures=())))
    assert [[entry.height for entry in message.entries] for message in opened] == [[4, 5, 6]]


def test_the_window_also_counts_bytes() -> None:
    host, _ = leader(inflight_bytes_max=100)
    replicating(host, "b", "c")
    sent: list[Message] = []
    for _ in range(3):
        host.propose(b"x" * 60)
        sent += host.drain()
    assert [message.entries[0].height for message in to("b", sent)] == [2, 3]


def test_a_window_full_of_lost_messages_is_found_by_the_heartbeat() -> None:
    """(15)"""
    host, _ = leader(inflight_messages_max=2)
    replicating(host, "b", "c")
    for _ in range(2):
        host.propose(b"x")
        host.drain()
    [heartbeat] = to("b", host.tick(2))
    assert (heartbeat.prev_height, heartbeat.entries) == (3, ())
    again = to("b", host.step(refusal(host, "b", 3, hint_height=1, hint_term=1, commit=1)))
    assert [entry.height for entry in again[0].entries] == [2, 3]
    host.step(acknowledge(host, "b", 3))
    host.propose(b"y")
    assert len(to("b", host.drain())) == 1


def test_a_window_full_of_lost_acknowledgements_is_freed_by_the_heartbeat() -> None:
    """(15)"""
    host, _ = leader(inflight_messages_max=2)
    replicating(host, "b", "c")
    for _ in range(3):
        host.propose(b"x")
        host.drain()
    [heartbeat] = to("b", host.tick(2))
    assert [
        message.entries[0].height for message in to("b", host.step(acknowledge(host, "b", heartbeat.prev_height)))
    ] == [4]


def test_a_late_refusal_does_not_send_replication_back() -> None:
    """(5) CCF scenario: a stale refusal once lowered what was known to be held."""
    host, _ = leader()
    replicating(host, "b", "c")
    assert to("b", host.step(refusal(host, "b", 0, hint_height=0, hint_term=0))) == []
    host.propose(b"x")
    assert to("b", host.drain())[0].prev_height == 1


def test_a_refusal_with_a_hint_finds_the_common_point_in_one_step() -> None:
    host, chain = leader(terms=(1, 1, 2, 2, 5, 5, 5))
    sent = to("b", host.step(refusal(host, "b", 7, hint_height=6, hint_term=4)))
    assert sent[0].prev_height == 4
    assert sent[0].prev_hash == chain[3].hash
    assert [entry.height for entry in sent[0].entries] == [5, 6, 7, 8]


def test_a_hint_never_leads_below_what_the_peer_has_committed() -> None:
    host, _ = leader(terms=(1, 1, 3, 3), committed=2)
    sent = to("b", host.step(refusal(host, "b", 4, hint_height=4, hint_term=0, commit=2)))
    assert sent[0].prev_height == 2


def test_catching_up_sends_blocks_with_their_certificates_within_the_limits_of_a_message() -> None:
    host, _ = leader(terms=(1,) * 9, committed=9, certificates_per_message_max=4)
    sent = to("b", host.step(refusal(host, "b", 9, hint_height=0, hint_term=0)))
    assert [[entry.height for entry in message.entries] for message in sent] == [[1, 2, 3, 4]]
    assert (sent[0].commit, len(sent[0].certificates)) == (4, 4)
    rest = to("b", host.step(acknowledge(host, "b", 4, commit=4)))
    assert [[entry.height for entry in message.entries] for message in rest] == [[5, 6, 7, 8], [9, 10]]
    assert [message.commit for message in rest] == [8, 9]


def test_a_message_holds_no_more_bytes_than_allowed_but_always_one_block() -> None:
    host = make_host(log=make_chain([1] * 4, payload=b"x" * 60), append_bytes_max=130)
    elect(host)
    sent = to("b", host.step(refusal(host, "b", 4, hint_height=0, hint_term=0)))
    assert [entry.height for entry in sent[0].entries] == [1, 2]
    tiny = make_host(log=make_chain([1] * 2, payload=b"x" * 60), append_bytes_max=1)
    elect(tiny)
    sent = to("b", tiny.step(refusal(tiny, "b", 2, hint_height=0, hint_term=0)))
    assert [entry.height for entry in sent[0].entries] == [1]


def test_a_signature_is_needed_once_and_only_for_the_leaders_own_uncommitted_blocks() -> None:
    host, _ = leader()
    position = host.raft.position(1)
    assert position is not None
    assert host.raft.needs_signature("b", 1, position.hash)
    assert not host.raft.needs_signature("b", 1, bytes(32))
    assert not host.raft.needs_signature("b", 2, position.hash)
    assert not host.raft.needs_signature("stranger", 1, position.hash)
    host.step(acknowledge(host, "b", 1))
    assert not host.raft.needs_signature("b", 1, position.hash)
    host.step(acknowledge(host, "c", 1))
    assert not host.raft.needs_signature("d", 1, position.hash), "it is committed"


def test_a_log_that_cannot_be_read_yet_is_asked_for_again_at_the_next_heartbeat() -> None:
    """(21) a read that fails must neither block the loop nor send a hole."""
    host, chain = leader(terms=(1, 1, 1))
    hidden = host.disk.log
    host.disk.log = hidden[:1]
    assert to("b", host.step(refusal(host, "b", 3, hint_height=0, hint_term=0)))[0].entries == (chain[0],)
    host.disk.log = hidden
    assert to("b", host.step(acknowledge(host, "b", 1)))[0].entries[:2] == tuple(chain[1:3])
