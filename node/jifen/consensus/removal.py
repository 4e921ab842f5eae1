"""Leaving in stages (Raft 6, thesis 4.2.2): who is removed is needed until the block that leaves it out is committed.

Until then it votes and acknowledges; a leader leads on, though it does not count itself among the new voters. After
that a leader hands over and steps down, and the others are still sent blocks until they know that they are out:
otherwise they would go on asking for votes.
"""

from jifen.consensus import transfer
from jifen.consensus.state import Leadership, State
from jifen.consensus.types import RandomDraws, TransferRefused


def begin(state: State, lead: Leadership) -> None:
    """Hand over, if the latest commit has left this leader out; `tick` steps down if nothing comes of it."""
    if not state.membership.electable and lead.transfer_to is None:
        try:
            transfer.begin(state, None)
        except TransferRefused:
            return


def tick(state: State, lead: Leadership, random: RandomDraws) -> bool:
    """Step down as a removed leader that is not, or no longer, handing over; return whether it has."""
    if state.membership.electable or lead.transfer_to is not None:
        return False
    state.become_follower(state.term, None)
    state.draw_election_timeout(random)
    return True


def meet(state: State, lead: Leadership, id: str) -> None:
    """Send blocks to one who was away while it was removed, and may not know: who asks for a vote and gets none, or has
    a link again."""
    for new in lead.write_to((id,), state.log.last.height + 1, state.log.committed):
        lead.peers[new].active = True


def let_go(state: State, lead: Leadership, id: str) -> None:
    """Send no more to a removed validator that has shown that it knows."""
    membership, progress = state.membership, lead.peers[id]
    if membership.needs(id):
        return
    if progress.certified >= membership.committed_height:
        del lead.peers[id]


def forget_silent(state: State, lead: Leadership) -> None:
    """Send no more to removed validators that do not answer: when they are back they will ask for votes."""
    silent = [id for id, progress in lead.peers.items() if not progress.recently_active]
    for id in silent:
        if not state.membership.needs(id):
            del lead.peers[id]
