"""Leading: sending the log to the peers (Raft 5.3) and committing what a quorum has signed (Raft 5.4.2)."""

from jifen.consensus import following, reading, removal, transfer
from jifen.consensus.configuration import Configuration
from jifen.consensus.messages import (
    AckSignature,
    AppendRequest,
    AppendResponse,
    Certificate,
    CertificatesRequest,
    CertificatesResponse,
    Entry,
    SnapshotOffer,
)
from jifen.consensus.progress import Mode, Progress
from jifen.consensus.quorum import certified_height
from jifen.consensus.state import Leadership, State
from jifen.consensus.types import NotLeader, PipelineFull, RandomDraws, TransferInProgress


def propose(state: State, entry: Entry, configuration: Configuration | None) -> None:
    """Append the leader's own entry and send it on; it is not counted before it is durable here.

    The configuration that it sets, if any, is in force from this very entry on (Raft 6).
    """
    lead = state.leadership
    if lead is None or entry.term != state.term:
        raise NotLeader(f"not leader of term {entry.term}; the term is {state.term}, its leader {state.leader}")
    if lead.transfer_to is not None:
        raise TransferInProgress(f"leadership is being handed over to {lead.transfer_to}")
    log = state.log
    leaves = state.configuration.joint and configuration is not None and not configuration.joint
    if not leaves and not has_room(state, lead):
        waiting = log.last.height - log.committed
        raise PipelineFull(
            "the next block is the one that leaves the joint configuration"
            if state.leaving
            else f"{waiting} blocks wait to be committed, {lead.uncommitted.bytes} bytes of them own"
        )
    if configuration is not None:
        assert not leaves or state.leave_joint, "a joint configuration is left too soon"
        _adopt(state, lead, entry.height, configuration)
    log.append(entry)
    lead.uncommitted.add(entry.height, len(entry.payload))
    state.outbox.entry(entry)
    state.acknowledge(entry.height)
    state.outbox.acknowledge_own(
        AppendResponse(
            term=state.term,
            sender=state.config.id,
            recipient=state.config.id,
            success=True,
            height=entry.height,
            hash=entry.hash,
            commit=log.committed,
            hint_height=0,
            hint_term=0,
            leader_commit=log.committed,
            signatures=(),
        )
    )
    for id, progress in lead.peers.items():
        _replicate(state, id, progress)


def has_room(state: State, lead: Leadership) -> bool:
    """Tell whether another block may be added to those that are not committed.

    The first entry of a term is always let in: nothing else can commit what earlier leaders left behind. None is while
    a joint configuration is about to be left, but the one that does it.
    """
    log = state.log
    if log.last.height < lead.term_start:
        return True
    if state.leaving:
        return False
    return log.last.height - log.committed < state.config.uncommitted_heights_max and not lead.uncommitted.full


def _adopt(state: State, lead: Leadership, height: int, configuration: Configuration) -> None:
    state.membership.add(height, configuration)
    for id in lead.write_to(configuration.members, height, state.log.committed):
        # Newcomers get the benefit of the doubt, or the check of the quorum might come before their first answer.
        lead.peers[id].active = True


def tick(state: State, lead: Leadership, random: RandomDraws) -> None:
    """Step down when a quorum has been silent too long (thesis 6.2), else send heartbeats when they are due."""
    lead.quorum_elapsed += 1
    if lead.quorum_elapsed >= state.config.election_ticks_min:
        lead.quorum_elapsed = 0
        heard = {id for id, progress in lead.peers.items() if progress.checked()}
        if not state.configuration.has_quorum({state.config.id, *heard}):
            state.become_follower(state.term, None)
            state.draw_election_timeout(random)
            return
        removal.forget_silent(state, lead)
    transfer.tick(state, lead)
    if removal.tick(state, lead, random):
        return
    lead.heartbeat_elapsed += 1
    if lead.heartbeat_elapsed >= state.config.heartbeat_ticks:
        lead.heartbeat_elapsed = 0
        for id, progress in lead.peers.items():
            _heartbeat(state, id, progress)
        ask_for_certificates(state, lead)
        reading.send_checks(state, lead)


def on_append_response(state: State, lead: Leadership, response: AppendResponse) -> None:
    """Count an acknowledgement of this term, or look for the point of agreement after a refusal."""
    progress = lead.peers.get(response.sender)
    if progress is None and response.sender != state.config.id:
        state.ignored_messages += 1
        return
    if not response.success:
        if progress is not None:
            _on_refusal(state, response, progress)
        return
    if response.height < state.log.base.height:
        # It was on its way while this log was compacted: true, though nothing is left to compare it with.
        if progress is not None:
            progress.reported(response.commit)
        return
    position = state.log.position(response.height)
    if position is None or position.hash != response.hash:
        state.ignored_messages += 1
        return
    if progress is None:
        lead.own_match = max(lead.own_match, response.height)
    else:
        progress.reported(response.commit)
        progress.acknowledged(response.height, state.log.base.height, response.commit)
    _collect(state, lead, response.sender, response.signatures)
    if _advance(state, lead):
        _after_commit(state, lead)
    elif progress is not None:
        _replicate(state, response.sender, progress)
    if response.sender == lead.transfer_to:
        transfer.proceed(state, lead)
    if progress is not None:
        removal.let_go(state, lead, response.sender)


def _on_refusal(state: State, response: AppendResponse, progress: Progress) -> None:
    """Anchor the next message lower, skipping heights where the terms show that the logs differ (Raft 5.3)."""
    log = state.log
    progress.reported(response.commit)
    high = min(response.hint_height, log.last.height)
    # What the peer has committed is in this log too (leader completeness, Raft 5.4), so the search ends there.
    low = min(max(response.commit, progress.match), high)
    agree_height = log.highest_with_term_at_most(response.hint_term, low=low, high=high)
    if progress.refused(response.height, agree_height):
        _replicate(state, response.sender, progress)


def _collect(state: State, lead: Leadership, signer: str, signatures: tuple[AckSignature, ...]) -> None:
    """Keep signatures for uncommitted heights that name the hash of this leader's log."""
    log = state.log
    for signature in signatures:
        if signature.height <= log.committed:
            continue
        position = log.position(signature.height)
        if position is None or position.hash != signature.hash:
            state.ignored_messages += 1
            continue
        lead.collector.add(signature.height, signer, signature.signature)


def _advance(state: State, lead: Leadership) -> bool:
    """Commit as far as a quorum has signed every height, if that reaches this term's entries (Raft 5.4.2, figure 8)."""
    log = state.log
    lead.certified = certified_height(lead.certified, log.last.height, lead.collector.has_quorum)
    if lead.certified <= log.committed or lead.certified < lead.term_start:
        return False
    matched = {id: progress.match for id, progress in lead.peers.items()} | {state.config.id: lead.own_match}
    holders = state.membership.of_uncommitted(lead.certified)
    assert holders.majority_height(matched) >= lead.certified, (holders, matched, lead.certified)
    certificates: list[Certificate] = []
    for height in range(log.committed + 1, lead.certified + 1):
        position = log.position(height)
        assert position is not None, height
        certificates.append(lead.collector.certify(position, state.term))
    state.commit(certificates)
    return True


def _after_commit(state: State, lead: Leadership) -> None:
    lead.uncommitted.free_to(state.log.committed)
    for id, progress in lead.peers.items():
        _replicate(state, id, progress)
    removal.begin(state, lead)
    reading.begin_check(state, lead)


def ask_for_certificates(state: State, lead: Leadership) -> None:
    """Ask the peer that has committed most, if that is more than this leader has; repeated with the heartbeats.

    Those who have it all take turns: one that claims much and gives nothing must not keep the others from giving.
    """
    able = [id for id, progress in lead.peers.items() if progress.recently_active and _has_more(state, progress)]
    if all(id in lead.asked for id in able):
        lead.asked.clear()
    best = max((id for id in able if id not in lead.asked), key=lambda id: lead.peers[id].commit, default=None)
    if best is not None:
        lead.asked.add(best)
        _request_certificates(state, best)


def _has_more(state: State, progress: Progress) -> bool:
    return progress.commit > state.log.committed


def _request_certificates(state: State, id: str) -> None:
    state.outbox.send(
        CertificatesRequest(term=state.term, sender=state.config.id, recipient=id, height=state.log.committed)
    )


def on_certificates(state: State, lead: Leadership, response: CertificatesResponse) -> None:
    """Commit what a peer has certificates of: each proves that an earlier leader committed its block."""
    log = state.log
    proved: list[Certificate] = []
    for certificate in response.certificates:
        if certificate.height != log.committed + len(proved) + 1:
            continue
        position = log.position(certificate.height)
        if position is None:
            break
        if position.hash != certificate.hash:
            following.report_certificate(state, response.sender, certificate, position)
            break
        proved.append(certificate)
    if not proved:
        return
    state.commit(proved)
    lead.collector.forget_to(log.committed)
    lead.certified = max(lead.certified, log.committed)
    _after_commit(state, lead)
    progress = lead.peers.get(response.sender)
    if progress is not None and _has_more(state, progress):
        _request_certificates(state, response.sender)


def _heartbeat(state: State, id: str, progress: Progress) -> None:
    if progress.mode is Mode.SNAPSHOT or progress.lacks(state.log.base.height):
        _offer_snapshot(state, id, progress)
    else:
        progress.resume()
        _send(state, id, progress, ())


def _offer_snapshot(state: State, id: str, progress: Progress) -> None:
    base = state.log.base
    progress.offered()
    state.outbox.send(
        SnapshotOffer(term=state.term, sender=state.config.id, recipient=id, height=base.height, hash=base.hash)
    )


def _replicate(state: State, id: str, progress: Progress) -> None:
    """Send what the peer lacks and its window allows, then certificates that no entry could carry.

    A commit is thus told at once, and not at the next heartbeat.
    """
    if progress.mode is not Mode.SNAPSHOT and progress.lacks(state.log.base.height):
        _offer_snapshot(state, id, progress)
        return
    while not progress.paused:
        entries = _gather(state, progress)
        if not entries or not _send(state, id, progress, entries):
            break
        progress.sent(entries[-1].height, sum(len(entry.payload) for entry in entries))
    if progress.mode is not Mode.REPLICATE:
        return
    while progress.certificates_sent < min(state.log.committed, progress.next_height - 1):
        # One that cannot be read yet waits for a heartbeat. Trying at every answer would never end: each answer would
        # bring forth a request that brings nothing but the next answer, and every repeated frame one more of them.
        if state.certificates.certificate(progress.certificates_sent + 1) is None or not _send(state, id, progress, ()):
            break


def _gather(state: State, progress: Progress) -> tuple[Entry, ...]:
    """Collect the next entries for a peer: one at least if there is one, more up to the limits of a message."""
    config, log = state.config, state.log
    last = min(log.last.height, progress.next_height + config.certificates_per_message_max - 1)
    if progress.mode is Mode.REPLICATE and progress.commit < log.committed:
        # A peer that lacks certificates must not collect a tail so long that, were it to lead, one message could
        # not hold the signatures for it.
        last = min(last, progress.commit + config.uncommitted_heights_max)
    entries: list[Entry] = []
    size = 0
    for height in range(progress.next_height, last + 1):
        entry = log.entry(height)
        if entry is None:
            break
        size += len(entry.payload)
        if entries and size > config.append_bytes_max:
            break
        entries.append(entry)
    return tuple(entries)


def _send(state: State, id: str, progress: Progress, entries: tuple[Entry, ...]) -> bool:
    """Send `entries`, or a heartbeat, anchored right below the peer's next height, with the certificates it lacks.

    Return False, sending nothing, when the anchor cannot be read; the next heartbeat tries again.
    """
    log = state.log
    previous = log.position(progress.next_height - 1)
    if previous is None:
        return False
    last_height = previous.height + len(entries)
    certificates: list[Certificate] = []
    end = min(log.committed, last_height, progress.certificates_sent + state.config.certificates_per_message_max)
    for height in range(progress.certificates_sent + 1, end + 1):
        certificate = state.certificates.certificate(height)
        if certificate is None:
            break
        certificates.append(certificate)
    progress.certificates_sent += len(certificates)
    state.outbox.send(
        AppendRequest(
            term=state.term,
            sender=state.config.id,
            recipient=id,
            prev_height=previous.height,
            prev_term=previous.term,
            prev_hash=previous.hash,
            entries=entries,
            commit=min(progress.certificates_sent, log.committed, last_height),
            certificates=tuple(certificates),
        )
    )
    return True
