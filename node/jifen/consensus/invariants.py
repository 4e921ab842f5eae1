"""What must always hold, as named checks; each raises InvariantBroken with the facts.

Tests and simulations run all of them after every step; the checks of one validator are cheap enough for production.
Names follow Raft figure 3 where it has one.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from jifen.consensus.configuration import Configuration
from jifen.consensus.messages import Certificate
from jifen.consensus.state import State
from jifen.consensus.types import HardState, Position, Role


class InvariantBroken(AssertionError):
    """Something that must never happen has happened."""


def _require(condition: bool, *facts: object) -> None:
    if not condition:
        raise InvariantBroken(*facts)


def check_state(state: State) -> None:
    """Check one validator's own bookkeeping."""
    log = state.log
    _require(0 <= log.base.height <= log.committed, "more compacted than committed", log.base, log.committed)
    _require(log.committed <= log.last.height, "committed beyond the log", log.committed, log.last)
    _require(log.last.term <= state.term, "an entry of a term not entered", log.last, state.term)
    _require((state.leadership is not None) == (state.role is Role.LEADER), "leadership without role", state.role)
    if state.role is Role.LEADER:
        _require(state.leader == state.config.id == state.vote, "leader by another's grace", state.leader, state.vote)
    if state.role is Role.CANDIDATE:
        _require(state.vote == state.config.id, "candidate that does not vote for itself", state.vote)
    _require(all(height > log.committed for height in state.certificates_ahead), "certificate kept too long")
    _require((state.shunned is None) == (state.shun_ticks_left == 0), "shunned without end", state.shunned)
    _require(state.shunned is None or state.leader is None, "shunned and followed", state.shunned, state.leader)
    check_membership(state)
    check_leadership(state)


def check_membership(state: State) -> None:
    """Check what a validator holds of the configurations in its log, and that it stands only as far as they let it."""
    log, membership = state.log, state.membership
    heights = [height for height, _ in membership.known]
    _require(heights == sorted(set(heights)), "configurations out of order", heights)
    _require(heights[0] <= log.committed, "an uncommitted height without a configuration", heights, log.committed)
    _require(heights[-1] <= log.last.height, "a configuration beyond the log", heights, log.last)
    for (_, earlier), (height, later) in pairwise(membership.known):
        _require(later.may_follow(earlier), "voters changed in one step", height, earlier, later)
    if state.role in {Role.PRE_CANDIDATE, Role.CANDIDATE}:
        _require(membership.electable, "stands although nobody needs it", state.config.id, membership.known)
        _require(not state.outbox.entries_wait, "stands under a configuration it does not know", log.last)


def check_leadership(state: State) -> None:
    """Check a leader's view of its peers; nothing to check on others."""
    lead, log = state.leadership, state.log
    if lead is None:
        return
    _require(log.committed <= lead.certified <= log.last.height, "certified height off", lead.certified, log.committed)
    _require(lead.transfer_to in (None, *state.configuration.voters), "handed over to no voter", lead.transfer_to)
    for configuration in state.membership.present:
        members = set(configuration.members) - {state.config.id}
        _require(members <= lead.peers.keys(), "a member that gets no blocks", members, list(lead.peers))
    if lead.reads.asked:
        _require(lead.term_start <= lead.reads.height <= log.committed, "read of a height not known to be committed")
    for id, progress in lead.peers.items():
        facts = (id, progress.match, progress.next_height, log.last.height)
        _require(progress.match < progress.next_height <= log.last.height + 1, "progress off", *facts)
        _require(progress.match <= log.last.height, "match beyond the log", *facts)


def check_hard_state_step(before: HardState, after: HardState) -> None:
    """Check that terms never fall and that a vote, once given, stands for its term, over restarts too (Raft 5.2)."""
    _require(after.term >= before.term, "the term fell", before, after)
    if after.term == before.term and before.vote is not None:
        _require(after.vote == before.vote, "second vote in one term", before, after)
    if after.term == before.term:
        _require(after.acknowledged >= before.acknowledged, "forgot what it had acknowledged", before, after)


def check_election_safety(leaders: Mapping[int, str], term: int, leader: str) -> None:
    """Check that `leader` of `term` is the only one ever seen (Raft figure 3)."""
    _require(leaders.get(term, leader) == leader, "two leaders in one term", term, leader, leaders.get(term))


def check_log_matching(one: Sequence[Position], other: Sequence[Position]) -> None:
    """Check that two logs, from the genesis block on, are equal up to their last common term (Raft figure 3)."""
    for height in range(min(len(one), len(other)) - 1, -1, -1):
        if one[height].term == other[height].term:
            _require(one[: height + 1] == other[: height + 1], "logs differ below a common entry", height)
            return


def check_committed_unchanged(committed: Mapping[int, bytes], height: int, hash: bytes) -> None:
    """Check that `height` was never committed with another hash, here or anywhere (Raft figure 3, the last)."""
    _require(committed.get(height, hash) == hash, "two blocks committed at one height", height)


def check_configuration_unchanged(
    configurations: Mapping[int, Configuration], height: int, configuration: Configuration
) -> None:
    """Check that a committed height has the same configuration on all validators that know it."""
    known = configurations.get(height, configuration)
    _require(known == configuration, "two configurations at one committed height", height, known, configuration)


def check_certificate(configuration: Configuration, certificate: Certificate) -> None:
    """Check that a quorum signed; `configuration` is the one in force at the certificate's height."""
    _require(configuration.well_formed(certificate), "certificate of a wrong form", certificate)
    signers = {id for place, id in enumerate(configuration.signing) if certificate.signers >> place & 1}
    _require(_is_quorum(configuration, signers), "certificate without a quorum", certificate)


def check_durable_on_quorum(
    configuration: Configuration, logs: Mapping[str, Sequence[bytes]], height: int, hash: bytes
) -> None:
    """Check that a committed block is in the durable logs of a quorum, crashed validators' disks included.

    Each validator's log is the hashes from height 1 on; `configuration` is the one in force at `height`.
    """
    holders = {id for id, log in logs.items() if height <= len(log) and log[height - 1] == hash}
    _require(_is_quorum(configuration, holders), "committed but not durable on a quorum", height, holders)


def _is_quorum(configuration: Configuration, ids: set[str]) -> bool:
    # Counted here once more, lest what counts wrongly judge its own case.
    halves = [half for half in (configuration.voters, configuration.outgoing) if half]
    return all(2 * len(ids.intersection(half)) > len(half) for half in halves)
