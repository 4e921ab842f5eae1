"""The Raft paper, sentence by sentence.

Each test names the section of "In Search of an Understandable Consensus Algorithm (Extended Version)" (Ongaro and
Ousterhout, 2014), or of Ongaro's thesis, tells in its own words the sentence it checks, and, where etcd tests the same
idea, the name there. Form: arrange, act, check.
"""

from collections.abc import Sequence

import pytest

from jifen.consensus.configuration import Configuration
from jifen.consensus.messages import AppendRequest, AppendResponse, Message, SnapshotOffer, VoteRequest, VoteResponse
from jifen.consensus.types import HardState, Role
from jifen.testing.consensus_host import (
    FixedDraws,
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


def vote_request(
    host: Host, *, term: int, sender: str = "b", last_height: int = 0, last_term: int = 0, pre: bool = False
) -> VoteRequest:
    return VoteRequest(
        term=term, sender=sender, recipient=host.config.id, last_height=last_height, last_term=last_term, pre=pre
    )


def vote(host: Host, sender: str, *, term: int, granted: bool = True, pre: bool = False) -> VoteResponse:
    return VoteResponse(term=term, sender=sender, recipient=host.config.id, granted=granted, pre=pre)


def stand(host: Host) -> list[Message]:
    """Let the election timeout pass and everybody favour the pre-vote."""
    host.tick(host.config.election_ticks_min)
    sent: list[Message] = []
    for sender in host.others:
        if host.raft.role is Role.PRE_CANDIDATE:
            sent += host.step(vote(host, sender, term=host.raft.term + 1, pre=True))
    return sent


def role_of(host: Host) -> Role:
    """Return the role now; a call, so that nothing concludes what it will be later."""
    return host.raft.role


def in_role(role: Role) -> Host:
    """Return a validator of term 1 in `role`."""
    host = make_host(term=0 if role in {Role.CANDIDATE, Role.LEADER} else 1)
    if role is Role.PRE_CANDIDATE:
        host.tick(10)
    elif role is Role.CANDIDATE:
        stand(host)
    elif role is Role.LEADER:
        elect(host)
    assert (host.raft.role, host.raft.term) == (role, 1)
    return host


def requests(messages: Sequence[Message], recipient: str = "b") -> list[AppendRequest]:
    return [found for found in messages if isinstance(found, AppendRequest) and found.recipient == recipient]


ROLES = list(Role)

# Section 5.1: terms.


@pytest.mark.parametrize("role", ROLES)
def test_5_1_a_server_that_sees_a_larger_term_adopts_it_and_a_leader_or_candidate_reverts_to_follower(
    role: Role,
) -> None:
    """etcd TestFollowerUpdateTermFromMessage, TestCandidateUpdateTermFromMessage, TestLeaderUpdateTermFromMessage."""
    host = in_role(role)
    host.step(append(host, term=2))
    assert (host.raft.role, host.raft.term, host.raft.leader) == (Role.FOLLOWER, 2, "b")


@pytest.mark.parametrize("role", ROLES)
def test_5_1_a_request_with_a_stale_term_is_rejected(role: Role) -> None:
    """etcd TestRejectStaleTermMessage; here the sender is also told the newer term."""
    host = in_role(role)
    for request in (append(host, make_chain([0]), term=0), vote_request(host, term=0, last_height=9)):
        [answer] = host.step(request)
        assert isinstance(answer, AppendResponse | VoteResponse)
        assert answer.term == 1
        assert not (answer.success if isinstance(answer, AppendResponse) else answer.granted)
    assert (host.raft.role, host.raft.term) == (role, 1)


# Section 5.2: leader election.


def test_5_2_servers_begin_as_followers() -> None:
    """etcd TestStartAsFollower."""
    assert make_host().raft.role is Role.FOLLOWER


def test_5_2_a_leader_sends_heartbeats_that_carry_no_entries_to_all_followers() -> None:
    """etcd TestLeaderBcastBeat."""
    host = in_role(Role.LEADER)
    host.tick()
    sent = host.tick(2)
    assert [(found.recipient, found.entries) for id in "bcd" for found in requests(sent, id)] == [
        ("b", ()),
        ("c", ()),
        ("d", ()),
    ]


@pytest.mark.parametrize("role", [Role.FOLLOWER, Role.CANDIDATE])
def test_5_2_without_a_leader_an_election_begins_after_the_timeout_with_a_vote_for_itself(role: Role) -> None:
    """etcd TestFollowerStartElection, TestCandidateStartNewElection; thesis 9.6 puts a pre-vote before it."""
    host = in_role(role)
    sent = stand(host)
    assert (host.raft.role, host.raft.term, host.disk.hard_state) == (Role.CANDIDATE, 2, HardState(2, "a"))
    assert [(found.term, found.recipient) for found in sent if isinstance(found, VoteRequest) and not found.pre] == [
        (2, "b"),
        (2, "c"),
        (2, "d"),
    ]


@pytest.mark.parametrize(
    ("validators", "granting", "role"),
    [
        ("a", "", Role.LEADER),
        ("abc", "b", Role.LEADER),
        ("abc", "", Role.CANDIDATE),
        ("abcd", "b", Role.CANDIDATE),
        ("abcd", "bc", Role.LEADER),
        ("abcde", "b", Role.CANDIDATE),
        ("abcde", "bc", Role.LEADER),
    ],
)
def test_5_2_a_candidate_wins_with_votes_from_a_majority_of_the_full_cluster(
    validators: str, granting: str, role: Role
) -> None:
    """etcd TestLeaderElectionInOneRoundRPC."""
    host = make_host(validators=validators)
    stand(host)
    for sender in granting:
        host.step(vote(host, sender, term=1))
    assert (host.raft.role, host.raft.term) == (role, 1)


@pytest.mark.parametrize(
    ("given", "asking", "granted"),
    [(None, "b", True), (None, "c", True), ("b", "b", True), ("b", "c", False)],
)
def test_5_2_a_server_votes_for_at_most_one_candidate_in_a_term_first_come_first_served(
    given: str | None, asking: str, granted: bool
) -> None:
    """etcd TestFollowerVote."""
    host = make_host(term=1, vote=given)
    [answer] = host.step(vote_request(host, term=1, sender=asking))
    assert isinstance(answer, VoteResponse)
    assert answer.granted is granted


@pytest.mark.parametrize("term", [1, 2])
def test_5_2_a_candidate_that_hears_a_leader_of_its_term_or_later_recognises_it(term: int) -> None:
    """etcd TestCandidateFallback."""
    host = in_role(Role.CANDIDATE)
    host.step(append(host, sender="d", term=term))
    assert (host.raft.role, host.raft.term, host.raft.leader) == (Role.FOLLOWER, term, "d")


def test_5_2_a_candidate_that_hears_an_older_leader_stays_candidate() -> None:
    host = in_role(Role.CANDIDATE)
    host.step(append(host, sender="d", term=0))
    assert role_of(host) is Role.CANDIDATE


def test_5_2_election_timeouts_are_drawn_anew_from_the_whole_interval() -> None:
    """etcd TestFollowerElectionTimeoutRandomized, TestCandidateElectionTimeoutRandomized."""
    asked: list[tuple[int, int]] = []

    class Draws(FixedDraws):
        def randrange(self, start: int, stop: int) -> int:
            asked.append((start, stop))
            return stop - 1

    host = Host(make_host().config, Configuration(tuple("abcd")), Draws())
    assert host.tick(19) == []
    assert role_of(host) is Role.FOLLOWER
    host.tick()
    assert role_of(host) is Role.PRE_CANDIDATE
    assert len(asked) >= 2
    assert set(asked) == {(10, 21)}


# Section 5.3: log replication.


def test_5_3_the_leader_appends_and_sends_the_entry_in_parallel_to_each_server() -> None:
    """etcd TestLeaderStartReplication."""
    host = in_role(Role.LEADER)
    for sender in "bcd":
        host.step(acknowledge(host, sender, 1))
    entry = host.propose(b"some data")
    sent = host.drain()
    for id in "bcd":
        [request] = requests(sent, id)
        assert (request.prev_height, request.prev_term, request.entries, request.commit) == (1, 1, (entry,), 1)
    assert (host.raft.last_height, host.raft.committed) == (2, 1)


def test_5_3_an_entry_is_committed_once_replicated_on_a_majority() -> None:
    """etcd TestLeaderCommitEntry, TestLeaderAcknowledgeCommit."""
    host = in_role(Role.LEADER)
    host.step(acknowledge(host, "b", 1))
    assert host.raft.committed == 0
    host.step(acknowledge(host, "c", 1))
    assert host.raft.committed == 1


def test_5_3_committing_also_commits_all_preceding_entries_of_previous_leaders() -> None:
    """etcd TestLeaderCommitPrecedingEntries."""
    host = make_host(log=make_chain([1, 1, 2]))
    elect(host)
    for sender in "bc":
        host.step(acknowledge(host, sender, 4))
    assert host.raft.committed == 4
    assert [host.disk.certificates[height].term for height in (1, 2, 3, 4)] == [3, 3, 3, 3]


def test_5_3_the_leader_includes_the_highest_committed_height_in_later_requests_heartbeats_too() -> None:
    """etcd TestLeaderBcastBeat and commit; with it goes the certificate that proves it."""
    host = in_role(Role.LEADER)
    host.step(acknowledge(host, "b", 1))
    host.step(acknowledge(host, "c", 1))
    heartbeat = requests(host.tick(2))[-1]
    assert (heartbeat.commit, [found.height for found in heartbeat.certificates]) == (1, [1])


def test_5_3_a_follower_that_learns_that_an_entry_is_committed_commits_it_in_log_order() -> None:
    """etcd TestFollowerCommitEntry."""
    chain = make_chain([1, 1, 1])
    host = make_host(term=1)
    host.step(append(host, chain, certificates=[make_certificate(entry, "abcd", "bcd", 1) for entry in chain[:2]]))
    commits = [found.height for output in host.outputs for found in output.commits]
    assert (commits, host.raft.committed) == ([1, 2], 2)


@pytest.mark.parametrize(
    ("previous", "accepted"),
    [((), True), ((1,), True), ((1, 2), True), ((1, 1), False), ((1, 2, 2), False), ((3,), False)],
)
def test_5_3_a_follower_refuses_entries_whose_predecessor_it_does_not_have(
    previous: tuple[int, ...], accepted: bool
) -> None:
    """etcd TestFollowerCheckMsgApp: the consistency check."""
    host = make_host(log=make_chain([1, 2]), term=3)
    theirs = make_chain(previous)
    [answer] = host.step(append(host, previous=theirs[-1] if theirs else None))
    assert isinstance(answer, AppendResponse)
    assert answer.success is accepted
    assert host.raft.last_height == 2


@pytest.mark.parametrize(
    ("own", "common", "sent", "result"),
    [
        ((1, 2), 2, (3,), (1, 2, 3)),
        ((1, 2), 1, (3, 4), (1, 3, 4)),
        ((1, 2), 0, (1,), (1, 2)),
        ((1, 2), 0, (3,), (3,)),
        ((1, 2, 2, 2), 1, (2, 3), (1, 2, 3)),
        ((), 0, (1, 1), (1, 1)),
    ],
)
def test_5_3_a_conflicting_entry_and_all_that_follow_are_deleted_and_new_ones_appended(
    own: tuple[int, ...], common: int, sent: tuple[int, ...], result: tuple[int, ...]
) -> None:
    """etcd TestFollowerAppendEntries; figure 2, AppendEntries rules 3 and 4."""
    mine = make_chain(own)
    host = make_host(log=mine, term=4)
    previous = mine[common - 1] if common else None
    entries = make_chain(sent, after=position_of(previous) if previous else None)
    host.step(append(host, entries, previous=previous))
    assert tuple(entry.term for entry in host.disk.log) == result


FIGURE_7 = {
    "a": (1, 1, 1, 4, 4, 5, 5, 6, 6),
    "b": (1, 1, 1, 4),
    "c": (1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6),
    "d": (1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7),
    "e": (1, 1, 1, 4, 4, 4, 4),
    "f": (1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3),
}
"""Logs that followers may have when the leader's is (1, 1, 1, 4, 4, 5, 5, 6, 6, 6) (Raft figure 7)."""


@pytest.mark.parametrize("case", FIGURE_7)
def test_5_3_the_leader_brings_any_followers_log_into_agreement_with_its_own(case: str) -> None:
    """etcd TestLeaderSyncFollowerLog."""
    follower = make_host("b", log=make_chain(FIGURE_7[case]), committed=3, term=7)
    leader = make_host(log=make_chain((1, 1, 1, 4, 4, 5, 5, 6, 6, 6)), committed=3, term=7)
    waiting: list[Message] = list(requests(elect(leader)))
    exchanged = 0
    while waiting and exchanged < 8:
        exchanged += 1
        answers = [answer for request in waiting for answer in follower.step(request)]
        waiting = [found for answer in answers for found in requests(leader.step(answer))]
    assert follower.disk.log == leader.disk.log
    assert exchanged <= 4, "hints skip whole terms"


def test_5_3_a_leader_never_overwrites_or_deletes_its_own_entries() -> None:
    """Leader append-only, figure 3."""
    host = make_host(log=make_chain([1, 1, 1]))
    elect(host)
    host.step(
        AppendResponse(
            term=host.raft.term,
            sender="b",
            recipient="a",
            success=False,
            height=3,
            hash=bytes(32),
            commit=0,
            hint_height=0,
            hint_term=0,
            leader_commit=0,
            signatures=(),
        )
    )
    assert all(output.truncate_from is None for output in host.outputs)
    assert host.raft.last_height == 4


# Section 5.4: safety.


def test_5_4_1_the_vote_request_describes_the_candidates_log() -> None:
    """etcd TestVoteRequest."""
    host = make_host(log=make_chain([1, 1, 4]), term=6)
    asked = [found for found in stand(host) if isinstance(found, VoteRequest)]
    assert {(found.last_height, found.last_term, found.term) for found in asked} == {(3, 4, 7)}


@pytest.mark.parametrize("pre", [True, False])
@pytest.mark.parametrize(
    ("own", "last_term", "last_height", "granted"),
    [
        ((1,), 1, 1, True),
        ((1,), 1, 2, True),
        ((1, 1), 1, 1, False),
        ((1,), 2, 1, True),
        ((1, 1), 2, 1, True),
        ((2,), 1, 1, False),
        ((2,), 1, 9, False),
        ((1, 2), 2, 1, False),
    ],
)
def test_5_4_1_the_voter_denies_its_vote_when_its_own_log_is_more_up_to_date(
    own: tuple[int, ...], last_term: int, last_height: int, granted: bool, pre: bool
) -> None:
    """etcd TestVoter."""
    host = make_host(log=make_chain(own), term=2)
    request = vote_request(host, term=3, last_height=last_height, last_term=last_term, pre=pre)
    [answer] = host.step(request)
    assert isinstance(answer, VoteResponse)
    assert answer.granted is granted


def test_5_4_2_only_entries_of_the_current_term_are_committed_by_counting() -> None:
    """etcd TestLeaderOnlyCommitsLogFromCurrentTerm; figure 8: without this rule (c) could lose what it committed."""
    host = make_host(log=make_chain([1, 2]))
    elect(host, empty_block=False)
    for sender in "bcd":
        host.step(acknowledge(host, sender, 2))
    assert host.raft.committed == 0
    host.propose()
    host.drain()
    for sender in "bc":
        host.step(acknowledge(host, sender, 3))
    assert host.raft.committed == 3


def test_5_4_2_figure_8_an_old_entry_on_a_majority_can_still_be_overwritten() -> None:
    old, newer = make_chain([1, 2]), make_chain([1, 3])
    leader = make_host(validators="abcde", log=old, term=3)
    elect(leader, empty_block=False)
    for sender in "bc":
        leader.step(acknowledge(leader, sender, 2))
    assert leader.raft.committed == 0
    leader.step(append(leader, newer[1:], previous=newer[0], sender="e", term=5))
    assert leader.disk.log == newer


# Section 5.5 and 5.6, figure 2.


def test_5_5_requests_are_idempotent() -> None:
    chain = make_chain([1, 1])
    host = make_host(term=1)
    request = append(host, chain, certificates=[make_certificate(chain[0], "abcd", "bcd", 1)])
    first, second = host.step(request), host.step(request)
    assert first == second
    assert host.disk.log == chain


def test_figure_2_term_vote_and_log_are_stored_before_answering() -> None:
    chain = make_chain([3])
    host = make_host()
    host.raft.step(append(host, chain, term=3))
    output = host.raft.take_output()
    assert (output.hard_state, output.entries, output.messages) == (HardState(3, None, 1), tuple(chain), ())
    assert len(output.messages_after_persist) == 1


def test_figure_2_a_crash_before_storing_leaves_no_promise_and_no_trace() -> None:
    host = make_host()
    host.raft.step(append(host, make_chain([3]), term=3))
    host.raft.take_output()
    host.boot()
    assert (host.raft.term, host.raft.last_height) == (0, 0)


# Section 7.


def test_7_the_log_is_discarded_up_to_the_snapshot_and_its_last_index_and_term_are_kept() -> None:
    """Raft section 7: they support the consistency check for the first entry that follows."""
    chain = make_chain([1] * 8 + [2] * 4)
    host = make_host(log=chain, committed=12, uncommitted_heights_max=1)
    host.compact(8)
    assert host.raft.base == position_of(chain[7])
    [answer] = host.step(append(host, chain[8:9], previous=chain[7], term=3))
    assert isinstance(answer, AppendResponse)
    assert answer.success


def test_7_a_leader_sends_a_snapshot_when_it_has_discarded_the_next_entry_that_it_needs_to_send() -> None:
    chain = make_chain([1] * 12)
    leader = make_host(log=chain, committed=12, uncommitted_heights_max=1)
    leader.compact(8)
    elect(leader)
    refusal = acknowledge(leader, "b", 12, success=False, commit=3, hint_height=3, hint_term=1, signatures=())
    leader.step(refusal)
    assert [item.recipient for item in leader.tick(2) if isinstance(item, SnapshotOffer)] == ["b"]


def test_7_entries_that_follow_a_snapshot_of_a_prefix_of_the_log_are_retained() -> None:
    """Raft section 7, figure 13 rule 6."""
    chain = make_chain([1] * 12)
    host = make_host(log=chain, committed=2, term=1)
    host.install(make_certificate(chain[7], "abcd", "bcd", 1), position_of(chain[7]))
    assert (host.raft.committed, host.raft.last_height) == (8, 12)


def test_7_a_snapshot_with_new_information_supersedes_the_entire_log() -> None:
    """Raft section 7, figure 13 rule 7: the log may hold uncommitted entries that conflict with it."""
    chain, other = make_chain([1, 2, 2, 2]), make_chain([1, 1, 1, 1, 1, 1])
    host = make_host(log=other, committed=1, term=2)
    host.install(make_certificate(chain[3], "abcd", "bcd", 2), position_of(chain[3]))
    assert (host.raft.last_height, host.raft.last_hash) == (4, chain[3].hash)


# Section 8, thesis 6.2, 6.4 and 9.6.


def test_8_a_new_leader_is_told_to_start_its_term_with_a_block() -> None:
    """Raft section 8: a leader learns what is committed by committing an entry of its own term."""
    host = make_host(log=make_chain([1]))
    elect(host, empty_block=False)
    assert [output.became_leader for output in host.outputs].count(True) == 1
    entry = make_entry(position_of(host.disk.log[0]), host.raft.term)
    host.raft.propose(entry)
    host.drain()
    for sender in "bc":
        host.step(acknowledge(host, sender, 2))
    assert host.raft.committed == 2


def test_thesis_6_2_a_leader_that_no_majority_answers_within_an_election_timeout_steps_down() -> None:
    host = in_role(Role.LEADER)
    host.tick(9)
    assert role_of(host) is Role.LEADER
    host.tick()
    assert (host.raft.role, host.raft.term) == (Role.FOLLOWER, 1)


def test_thesis_4_2_3_a_server_that_heard_a_leader_within_the_minimum_timeout_disregards_vote_requests() -> None:
    host = make_host(term=1)
    host.step(append(host, sender="c"))
    assert host.step(vote_request(host, term=5, last_height=9, last_term=4)) == []
    assert host.raft.term == 1


def test_thesis_9_6_a_server_increments_its_term_only_if_a_majority_would_vote_for_it() -> None:
    host = make_host()
    for _ in range(5):
        host.tick(10)
    assert (host.raft.role, host.raft.term, host.disk.hard_state) == (Role.PRE_CANDIDATE, 0, HardState(0, None))


def test_thesis_10_2_1_the_leader_may_commit_before_its_own_disk_is_done_if_a_majority_is_durable() -> None:
    host = in_role(Role.LEADER)
    host.propose(b"x")
    host.raft.take_output()
    for sender in "bcd":
        host.raft.step(acknowledge(host, sender, 2))
    assert host.raft.committed == 2
