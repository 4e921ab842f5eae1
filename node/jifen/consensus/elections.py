"""Electing a leader (Raft 5.2, 5.4.1), asking first whether that makes sense (thesis 9.6)."""

from jifen.consensus.messages import TransferVoteRequest, VoteRequest, VoteResponse
from jifen.consensus.state import State
from jifen.consensus.types import RandomDraws, Role


def tick(state: State, random: RandomDraws) -> None:
    """Count one tick without a leader; after too many start an election, or, as one who cannot win, just wait anew."""
    state.election_elapsed += 1
    if state.election_elapsed < state.election_timeout:
        return
    if state.membership.electable:
        # Who stands must know the configuration of its log, so the host must have been given all of it.
        if not state.outbox.entries_wait:
            campaign(state, random)
    else:
        state.become_follower(state.term, None)
        state.draw_election_timeout(random)


def campaign(state: State, random: RandomDraws) -> None:
    """Ask for pre-votes; when nobody else is needed, go on at once."""
    state.draw_election_timeout(random)
    state.become_pre_candidate()
    if state.configuration.has_quorum(state.votes):
        _stand(state)
    else:
        _request_votes(state, term=state.term + 1, pre=True)


def stand_at_once(state: State, random: RandomDraws) -> None:
    """Stand for election because the leader says so (thesis 3.10): without asking around first, and with requests that
    are heard although a leader is.

    Not while entries wait for the host, which may set another configuration; the leader will say so again.
    """
    if state.outbox.entries_wait or not state.membership.electable:
        return
    state.draw_election_timeout(random)
    state.become_candidate()
    if state.configuration.has_quorum(state.votes):
        _win_alone(state)
        return
    last = state.log.last
    for id in state.configuration.signing:
        if id != state.config.id:
            state.outbox.send_after_persist(
                TransferVoteRequest(
                    term=state.term,
                    sender=state.config.id,
                    recipient=id,
                    last_height=last.height,
                    last_term=last.term,
                )
            )


def leader_is_alive(state: State) -> bool:
    """Whether a leader was heard so recently that electing another would only disrupt it (thesis 6.4.1, 4.2.3).

    A leader counts itself: it steps down on its own when it does not hear a quorum.
    """
    return state.leader is not None and state.election_elapsed < state.config.election_ticks_min


def on_vote_request(state: State, request: VoteRequest, random: RandomDraws) -> None:
    """Answer a request of this term, or a pre-vote of any term, or refuse one of an older term."""
    if request.pre:
        grant = request.term > state.term
    else:
        no_winner_yet = state.leader is None and state.vote is None
        grant = request.term == state.term and (no_winner_yet or state.vote == request.sender)
    grant = grant and state.log.up_to_date(request.last_term, request.last_height)
    response = VoteResponse(
        term=request.term if grant else state.term,
        sender=state.config.id,
        recipient=request.sender,
        granted=grant,
        pre=request.pre,
    )
    if grant and not request.pre:
        state.vote_for(request.sender)
        # Only a given vote restarts the wait: others must not be able to keep this validator quiet.
        state.draw_election_timeout(random)
        state.outbox.send_after_persist(response)
    else:
        state.outbox.send(response)


def on_vote_response(state: State, response: VoteResponse, random: RandomDraws) -> None:
    """Count an answer to this validator's current request; act when a quorum granted, or can no longer."""
    if response.pre:
        expected = Role.PRE_CANDIDATE
        current = response.term == state.term + 1 if response.granted else response.term == state.term
    else:
        expected = Role.CANDIDATE
        current = response.term == state.term
    if state.role is not expected or not current:
        return
    state.votes.setdefault(response.sender, response.granted)
    granted = {id for id, yes in state.votes.items() if yes}
    possible = {id for id in state.configuration.signing if state.votes.get(id, True)}
    if state.configuration.has_quorum(granted):
        if response.pre:
            state.draw_election_timeout(random)
            _stand(state)
        else:
            state.become_leader()
    elif not state.configuration.has_quorum(possible):
        state.become_follower(state.term, None)


def _stand(state: State) -> None:
    state.become_candidate()
    if state.configuration.has_quorum(state.votes):
        _win_alone(state)
    else:
        _request_votes(state, term=state.term, pre=False)


def _win_alone(state: State) -> None:
    """Lead when the own vote, which is enough, is durable.

    Not before: after a crash this validator would win the same term again and propose other blocks in it, while
    observers and voters to come have the first ones.
    """
    state.outbox.send_after_persist(
        VoteResponse(term=state.term, sender=state.config.id, recipient=state.config.id, granted=True, pre=False)
    )


def _request_votes(state: State, *, term: int, pre: bool) -> None:
    last = state.log.last
    for id in state.configuration.signing:
        if id == state.config.id:
            continue
        request = VoteRequest(
            term=term, sender=state.config.id, recipient=id, last_height=last.height, last_term=last.term, pre=pre
        )
        if pre:
            state.outbox.send(request)
        else:
            # The request carries this validator's vote for itself, which must not be forgotten in a crash.
            state.outbox.send_after_persist(request)
