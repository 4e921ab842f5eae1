"""Taking in what a leader sends (Raft 5.3), and committing what it proves."""

import msgspec

from jifen.consensus.messages import (
    AppendRequest,
    AppendResponse,
    Certificate,
    CertificatesRequest,
    CertificatesResponse,
    Entry,
    SnapshotOffer,
)
from jifen.consensus.state import State
from jifen.consensus.types import Position, SuspicionKind


def on_append_request(state: State, request: AppendRequest) -> None:
    """Compare, store, commit and acknowledge; the sender is this term's leader.

    A request that contradicts what cannot be contradicted is reported as suspicious and left unanswered. So is one that
    cannot be compared because the LogReader does not show an entry yet; the leader will ask again.
    """
    if state.acknowledged > state.log.last.height:
        # A snapshot took the place of another history, which was acknowledged: there was a lie, and one more word in
        # this term could be the second for its height.
        return
    if request.prev_height < state.log.base.height:
        above = _above_base(state, request)
        if above is None:
            return
        request = above
    local = state.log.position(request.prev_height)
    if request.prev_height > state.log.last.height:
        refuse(state, request)
        return
    if local is None:
        return
    if local.hash != request.prev_hash:
        shown = Position(request.prev_height, request.prev_term, request.prev_hash)
        if not _contradiction(state, request.sender, local, shown):
            refuse(state, request)
        return
    if local.term != request.prev_term:
        # Only the sender's word ties the first entry's term to what goes before: a lie would let terms fall in the log.
        state.ignored_messages += 1
        return
    known = _known_entries(state, request)
    if known is None:
        return
    _store(state, request.entries[known:])
    verified_height = request.prev_height + len(request.entries)
    state.acknowledge(verified_height)
    _commit(state, request, verified_height)
    response = AppendResponse(
        term=state.term,
        sender=state.config.id,
        recipient=request.sender,
        success=True,
        height=verified_height,
        hash=request.entries[-1].hash if request.entries else request.prev_hash,
        commit=state.log.committed,
        hint_height=0,
        hint_term=0,
        leader_commit=max(request.commit, state.log.base.height),
        signatures=(),
    )
    state.outbox.send_after_persist(response)


def on_snapshot_offer(state: State, offer: SnapshotOffer) -> None:
    """Have the host fetch a snapshot, unless this log has reached what is offered; answer either way."""
    log = state.log
    if offer.height <= log.committed:
        acknowledge_committed(state, offer.sender)
        return
    state.outbox.offer(offer)
    refuse_offer(state, offer)


def refuse_offer(state: State, offer: SnapshotOffer) -> None:
    """Say how far this log is committed; counts as hearing from this validator, and tells an older leader the term."""
    log = state.log
    committed = log.position(log.committed)
    state.outbox.send(
        AppendResponse(
            term=state.term,
            sender=state.config.id,
            recipient=offer.sender,
            success=False,
            height=offer.height,
            hash=offer.hash,
            commit=log.committed,
            hint_height=log.committed,
            hint_term=0 if committed is None else committed.term,
            leader_commit=log.committed,
            signatures=(),
        )
    )


def acknowledge_committed(state: State, leader: str) -> None:
    """Tell the leader that this log equals its own up to the committed height, which every leader's log holds (Raft
    5.4): the leader compares the hash all the same. It needs no signatures; later answers bring what it lacks.
    """
    log = state.log
    committed = log.position(log.committed)
    if committed is None:
        return
    state.outbox.send_after_persist(
        AppendResponse(
            term=state.term,
            sender=state.config.id,
            recipient=leader,
            success=True,
            height=committed.height,
            hash=committed.hash,
            commit=committed.height,
            hint_height=0,
            hint_term=0,
            leader_commit=committed.height,
            signatures=(),
        )
    )


def _above_base(state: State, request: AppendRequest) -> AppendRequest | None:
    """Return the part of a request that lies above this log's base, or None, having answered, when there is none.

    What is compacted was committed, so it is no conflict (openraft commit 44381b0c): a leader that does not know how
    far this log reaches is told.
    """
    base = state.log.base
    covered = base.height - request.prev_height
    if len(request.entries) < covered:
        acknowledge_committed(state, request.sender)
        return None
    last = request.entries[covered - 1]
    shown = Position(last.height, last.term, last.hash)
    if shown.hash != base.hash:
        _contradiction(state, request.sender, base, shown)
        return None
    return msgspec.structs.replace(
        request,
        prev_height=base.height,
        prev_term=base.term,
        prev_hash=base.hash,
        entries=request.entries[covered:],
    )


def refuse(state: State, request: AppendRequest) -> None:
    """Refuse `request` and say where the logs may agree, so that the leader skips whole terms (Raft 5.3, last part).

    The hint is the highest entry here whose term is not above the request's previous one; everything between is
    certainly different. Committed entries are never in doubt. Also answers leaders of older terms, with this term.
    """
    log = state.log
    high = min(request.prev_height, log.last.height)
    hint = log.highest_with_term_at_most(request.prev_term, low=min(log.committed, high), high=high)
    position = log.position(hint)
    state.outbox.send(
        AppendResponse(
            term=state.term,
            sender=state.config.id,
            recipient=request.sender,
            success=False,
            height=request.prev_height,
            hash=request.prev_hash,
            commit=log.committed,
            hint_height=hint,
            hint_term=0 if position is None else position.term,
            leader_commit=request.commit,
            signatures=(),
        )
    )


def _known_entries(state: State, request: AppendRequest) -> int | None:
    """Return how many of the request's entries are in the log already, or None when it must not be acted upon."""
    for count, entry in enumerate(request.entries):
        if entry.height > state.log.last.height:
            return count
        known = state.log.position(entry.height)
        if known is None:
            return None
        if known.hash != entry.hash:
            shown = Position(entry.height, entry.term, entry.hash)
            return None if _contradiction(state, request.sender, known, shown) else count
    return len(request.entries)


def _contradiction(state: State, sender: str, known: Position, shown: Position) -> bool:
    """Report two different entries at one height when that is more than an old leader's abandoned tail.

    Return whether the one held here must stay. Two entries of one term are somebody's lie, but do not say which of them
    to keep: that is for the leader of a later term, or this validator would keep the wrong one for ever.
    """
    stays = known.height <= max(state.log.committed, state.acknowledged)
    if known.term == shown.term:
        kind = SuspicionKind.TWO_ENTRIES
    elif known.height <= state.log.committed:
        kind = SuspicionKind.COMMITTED_CONFLICT
    elif stays:
        kind = SuspicionKind.TAKEN_BACK
    else:
        return False
    state.report(kind, term=shown.term, height=shown.height, sender=sender, known=known.hash, other=shown.hash)
    return stays


def _store(state: State, entries: tuple[Entry, ...]) -> None:
    """Append entries that are new here; the first may replace a conflicting one and all that follow it."""
    if not entries:
        return
    if entries[0].height <= state.log.last.height:
        state.truncate(entries[0].height)
    for entry in entries:
        state.log.append(entry)
        state.outbox.entry(entry)


def report_certificate(state: State, sender: str, certificate: Certificate, held: Position) -> None:
    """Report a certificate of another block than the one `held` at its height."""
    state.report(
        SuspicionKind.CERTIFICATE_CONFLICT,
        term=certificate.term,
        height=certificate.height,
        sender=sender,
        known=held.hash,
        other=certificate.hash,
    )


def on_certificates_request(state: State, request: CertificatesRequest) -> None:
    """Give the leader certificates that it lacks, as many as fit and can be read; a proof is one, whoever gives it."""
    found: list[Certificate] = []
    last = min(state.log.committed, request.height + state.config.certificates_per_message_max)
    for height in range(request.height + 1, last + 1):
        certificate = state.certificates.certificate(height)
        if certificate is None:
            break
        found.append(certificate)
    state.outbox.send(
        CertificatesResponse(
            term=state.term, sender=state.config.id, recipient=request.sender, certificates=tuple(found)
        )
    )


def _commit(state: State, request: AppendRequest, verified_height: int) -> None:
    """Commit what is certified, but nothing that this very request has not shown to be equal to the leader's log."""
    log, ahead = state.log, state.certificates_ahead
    for certificate in request.certificates:
        if log.committed < certificate.height <= log.committed + state.certificates_ahead_max:
            ahead[certificate.height] = certificate
    height, limit = log.committed, min(request.commit, verified_height)
    committed: list[Certificate] = []
    while height < limit and height + 1 in ahead:
        certificate = ahead.pop(height + 1)
        position = log.position(height + 1)
        assert position is not None, height + 1
        if certificate.hash != position.hash:
            report_certificate(state, request.sender, certificate, position)
            break
        height += 1
        committed.append(certificate)
    if committed:
        state.commit(committed)
