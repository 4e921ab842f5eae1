"""Handing leadership over to a chosen peer (thesis 3.10), so that nobody waits for an election timeout.

The leader stops taking blocks, lets the peer catch up, and tells it to stand for election at once; the vote requests of
that election ask even those who hear a leader. When nothing comes of it within an election timeout the leader goes on.
"""

from jifen.consensus.messages import TimeoutNow
from jifen.consensus.state import Leadership, State
from jifen.consensus.types import NotLeader, TransferRefused


def begin(state: State, to: str | None) -> None:
    """Start handing over to `to`, or to the active voter with most of the log; a new wish replaces the one before."""
    lead = state.leadership
    if lead is None:
        raise NotLeader(f"not leader; the term is {state.term}, its leader {state.leader}")
    if state.log.last.height < lead.term_start:
        raise TransferRefused("the first block of this leader's term is still to come")
    target = to or lead.transfer_to or _most_up_to_date(state, lead)
    if target is None:
        raise TransferRefused("no other validator answers")
    if target not in state.configuration.voters or target == state.config.id:
        raise TransferRefused(f"{target!r} is not another validator with a vote")
    if target != lead.transfer_to:
        lead.transfer_to = target
        lead.transfer_elapsed = 0
        proceed(state, lead)


def proceed(state: State, lead: Leadership) -> None:
    """Tell the chosen peer to stand if it has the whole log; repeated at its every answer, against loss.

    Repeating is harmless: having stood once it is in a later term, where the message is stale.
    """
    target = lead.transfer_to
    if target is not None and lead.peers[target].match == state.log.last.height:
        state.outbox.send(TimeoutNow(term=state.term, sender=state.config.id, recipient=target))


def tick(state: State, lead: Leadership) -> None:
    """Give up when an election timeout has passed: the ledger must not stand still for a peer that does not come."""
    if lead.transfer_to is not None:
        lead.transfer_elapsed += 1
        if lead.transfer_elapsed >= state.config.election_ticks_min:
            lead.transfer_to = None


def _most_up_to_date(state: State, lead: Leadership) -> str | None:
    voters = state.configuration.voters
    active = [id for id, progress in lead.peers.items() if id in voters and progress.recently_active]
    return max(active, key=lambda id: lead.peers[id].match, default=None)
