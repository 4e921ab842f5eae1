"""Reads that see everything committed before them, without writing to the log (ReadIndex, thesis 6.4)."""

from jifen.consensus.messages import (
    LeadershipCheck,
    LeadershipConfirmation,
    ReadIndexRequest,
    ReadIndexResponse,
)
from jifen.consensus.state import Leadership, State
from jifen.consensus.types import READS_WAITING_MAX


def ask(state: State, request_id: int) -> None:
    """Take in a read of the host: check the leadership, or ask the leader; lost at once when there is none."""
    state.reads.add(request_id)
    lead = state.leadership
    if lead is not None:
        _enqueue(state, lead, state.config.id, request_id)
    elif state.leader is None or len(state.reads) > READS_WAITING_MAX:
        _lose(state, request_id)
    else:
        state.outbox.send(
            ReadIndexRequest(term=state.term, sender=state.config.id, recipient=state.leader, request_id=request_id)
        )


def on_request(state: State, lead: Leadership, request: ReadIndexRequest) -> None:
    """Take in a follower's read. Hearing it twice is harmless: each answer is newer than the question."""
    _enqueue(state, lead, request.sender, request.request_id)


def on_response(state: State, response: ReadIndexResponse) -> None:
    """Tell the host what the leader answered, unless the read was given up."""
    if response.sender == state.leader and state.reads.settle(response.request_id):
        state.outbox.read(response.request_id, response.height)


def answer_check(state: State, check: LeadershipCheck) -> None:
    """Tell this validator's term. That promises nothing and needs no disk: only a durable vote makes a later leader.

    It does not count as hearing from the leader either: a host that holds a leader's blocks back, so that another be
    elected, must not see it kept in office by reads.
    """
    state.outbox.send(
        LeadershipConfirmation(term=state.term, sender=state.config.id, recipient=check.sender, round=check.round)
    )


def on_confirmation(state: State, lead: Leadership, confirmation: LeadershipConfirmation) -> None:
    """Count an answer to the check under way; one to an earlier check says nothing of now."""
    checks = lead.reads
    if checks.asked and confirmation.round == checks.round:
        checks.confirmed.add(confirmation.sender)
        _conclude(state, lead)


def begin_check(state: State, lead: Leadership) -> None:
    """Begin a check if reads wait, none is under way, and a block of this term is committed.

    Before that a new leader does not know what its predecessors committed (thesis 6.4, step 1).
    """
    checks = lead.reads
    if checks.asked or not checks.waiting or state.log.committed < lead.term_start:
        return
    checks.begin(state.log.committed)
    send_checks(state, lead)
    _conclude(state, lead)


def send_checks(state: State, lead: Leadership) -> None:
    """Ask everybody who has not answered the check under way; repeated with the heartbeats, against loss."""
    checks = lead.reads
    if not checks.asked:
        return
    for id in state.configuration.signing:
        if id != state.config.id and id not in checks.confirmed:
            state.outbox.send(
                LeadershipCheck(term=state.term, sender=state.config.id, recipient=id, round=checks.round)
            )


def _enqueue(state: State, lead: Leadership, validator: str, request_id: int) -> None:
    checks = lead.reads
    if len(checks.waiting) >= READS_WAITING_MAX:
        if validator == state.config.id:
            _lose(state, request_id)
        return
    checks.waiting.append((validator, request_id))
    begin_check(state, lead)


def _conclude(state: State, lead: Leadership) -> None:
    checks = lead.reads
    if not state.configuration.has_quorum({state.config.id, *checks.confirmed}):
        return
    for validator, request_id in checks.end():
        if validator != state.config.id:
            state.outbox.send(
                ReadIndexResponse(
                    term=state.term,
                    sender=state.config.id,
                    recipient=validator,
                    request_id=request_id,
                    height=checks.height,
                )
            )
        elif state.reads.settle(request_id):
            state.outbox.read(request_id, checks.height)
    begin_check(state, lead)


def _lose(state: State, request_id: int) -> None:
    if state.reads.settle(request_id):
        state.outbox.read_lost(request_id)
