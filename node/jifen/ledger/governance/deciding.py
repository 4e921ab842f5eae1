"""Deciding on changes of the validators: proposing, voting, withdrawing, and an observer's step to voter.

Votes are counted anew, over the organizations that are active then, whenever a vote comes in. When enough approve the
change takes effect in the same block. A deciding vote for a change that can no longer be carried out (its id was given
away meanwhile, another change of voters is not over) is rejected with that reason, and the proposal stays open.
"""

from typing import NamedTuple

import msgspec

from jifen.ledger.context import BlockContext
from jifen.ledger.governance.admitting import (
    carry_out,
    check_change,
    check_no_change_is_under_way,
    is_changing,
    voter_of,
)
from jifen.ledger.governance.bodies import (
    ActivateValidator,
    ChangeProposed,
    ProposalWithdrawn,
    ProposeChange,
    ValidatorActivated,
    ValidatorAdmitted,
    ValidatorRemoved,
    VoteCounted,
    VoteOnProposal,
    WithdrawProposal,
)
from jifen.ledger.governance.changes import Change, RemoveValidator
from jifen.ledger.governance.proposals import (
    OPEN_PROPOSALS_MAX,
    PROPOSAL_LIFETIME_MS_MAX,
    OpenProposal,
    Proposal,
    ProposalStatus,
    Vote,
    read_governance,
)
from jifen.ledger.governance.validators import Validator, ValidatorStatus, begin_joint, put_status, read_validator_set
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import (
    GOVERNANCE_KEY,
    StateReader,
    StateWriter,
    organization_key,
    proposal_key,
    validator_key,
)
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import Organization, OrganizationStatus, Scope

ALONE = 1
"""With so few others an organization has a say in its own removal: else of two each could put the other out."""


class Tally(NamedTuple):
    """How the votes on a proposal stand."""

    asked: tuple[str, ...]
    """Organizations whose votes count."""
    approvals: int
    refusals: int
    needed: int
    """Approvals that accept it."""

    @property
    def status(self) -> ProposalStatus:
        """What follows."""
        if self.approvals >= self.needed:
            return ProposalStatus.ACCEPTED
        if len(self.asked) - self.refusals < self.needed:
            return ProposalStatus.REFUSED
        return ProposalStatus.OPEN


class Deciding(NamedTuple):
    """What the check of a vote found and the act needs."""

    proposal: Proposal
    """With the vote."""
    tally: Tally


def count(state: StateReader, change: Change, votes: tuple[Vote, ...]) -> Tally:
    """Count votes on a change over the organizations that are active now.

    Whose validator is to be removed is not asked, or a single one could keep a broken or lying validator in for ever;
    unless just one other is left, who must not decide alone.
    """
    governance = read_governance(state)
    asked = tuple(name for name in governance.organizations if _is_active(state, name))
    if isinstance(change, RemoveValidator):
        target = read(state, validator_key(change.validator), Validator)
        others = tuple(name for name in asked if target is None or name != target.organization)
        if len(others) > ALONE:
            asked = others
    counted = [vote.approve for vote in votes if vote.organization in asked]
    approvals = sum(counted)
    return Tally(asked, approvals, len(counted) - approvals, governance.needed(len(asked)))


def check_proposing(
    state: StateReader, body: ProposeChange, transaction: Transaction, context: BlockContext
) -> Rejection | Tally:
    """Return why the change cannot be proposed, or how its votes stand with the proposer's. Order: `rejections.py`."""
    rejection = _check_administrator(state, body.organization, transaction)
    if rejection is not None:
        return rejection
    if not context.time < body.open_until <= context.time + PROPOSAL_LIFETIME_MS_MAX:
        return Rejection.DEADLINE_OUT_OF_RANGE
    waiting = [item for item in read_governance(state).open if item.open_until >= context.time]
    if sum(item.organization == body.organization for item in waiting) >= OPEN_PROPOSALS_MAX:
        return Rejection.TOO_MANY_PROPOSALS
    rejection = check_change(state, body.change)
    if rejection is not None:
        return rejection
    tally = count(state, body.change, (Vote(body.organization, True, context.height),))
    if tally.status is ProposalStatus.ACCEPTED:
        rejection = check_no_change_is_under_way(state, body.change, context)
    return tally if rejection is None else rejection


def propose(
    state: StateWriter, body: ProposeChange, transaction: Transaction, tally: Tally, context: BlockContext
) -> tuple[ChangeProposed | ValidatorAdmitted | ValidatorRemoved, ...]:
    """Write the proposal down; proposals whose deadline has passed are closed on the way."""
    governance = read_governance(state)
    waiting: list[OpenProposal] = []
    for item in governance.open:
        if item.open_until >= context.time:
            waiting.append(item)
        else:
            _put_proposal(state, _read_proposal(state, item), ProposalStatus.EXPIRED, context)
    number = governance.proposals + 1
    waiting.append(OpenProposal(transaction.id, number, body.organization, body.open_until))
    state.put(GOVERNANCE_KEY, msgspec.structs.replace(governance, proposals=number, open=tuple(waiting)))
    vote = Vote(body.organization, True, context.height)
    proposal = Proposal(
        number=number,
        id=transaction.id,
        organization=body.organization,
        change=body.change,
        open_until=body.open_until,
        proposed_at=context.height,
        status=ProposalStatus.OPEN,
        votes=(vote,),
    )
    effect = ChangeProposed(
        number, body.organization, body.open_until, tally.approvals, tally.needed, len(tally.asked), tally.status
    )
    return (effect, *_conclude(state, proposal, tally.status, context))


def check_vote(
    state: StateReader, body: VoteOnProposal, transaction: Transaction, context: BlockContext
) -> Rejection | Deciding:
    """Return why the vote is not taken, or how the votes stand with it. Order: `rejections.py`."""
    rejection = _check_administrator(state, body.organization, transaction)
    if rejection is not None:
        return rejection
    proposal = _find_open(state, body.proposal, context)
    if proposal is None:
        return Rejection.PROPOSAL_NOT_OPEN
    if any(vote.organization == body.organization for vote in proposal.votes):
        return Rejection.ALREADY_VOTED
    votes = (*proposal.votes, Vote(body.organization, body.approve, context.height))
    tally = count(state, proposal.change, votes)
    if tally.status is ProposalStatus.ACCEPTED:
        rejection = check_change(state, proposal.change)
        if rejection is None:
            rejection = check_no_change_is_under_way(state, proposal.change, context)
        if rejection is not None:
            return rejection
    return Deciding(msgspec.structs.replace(proposal, votes=votes), tally)


def vote_on(
    state: StateWriter, body: VoteOnProposal, _transaction: Transaction, found: Deciding, context: BlockContext
) -> tuple[VoteCounted | ValidatorAdmitted | ValidatorRemoved, ...]:
    """Write the vote down and, if it decides, carry the change out or close the proposal."""
    proposal, tally = found
    effect = VoteCounted(
        proposal.number,
        proposal.id,
        body.organization,
        body.approve,
        tally.approvals,
        tally.refusals,
        tally.needed,
        len(tally.asked),
        tally.status,
    )
    return (effect, *_conclude(state, proposal, tally.status, context))


def check_withdrawal(
    state: StateReader, body: WithdrawProposal, transaction: Transaction, context: BlockContext
) -> Rejection | Proposal:
    """Return why the proposal cannot be taken back, or the proposal. Order: `rejections.py`."""
    rejection = _check_administrator(state, body.organization, transaction)
    if rejection is not None:
        return rejection
    proposal = _find_open(state, body.proposal, context)
    if proposal is None:
        return Rejection.PROPOSAL_NOT_OPEN
    if proposal.organization != body.organization:
        return Rejection.NOT_THE_PROPOSER
    return proposal


def withdraw(
    state: StateWriter, body: WithdrawProposal, _transaction: Transaction, found: Proposal, context: BlockContext
) -> tuple[ProposalWithdrawn]:
    """Close the proposal."""
    _close(state, found, ProposalStatus.WITHDRAWN, context)
    return (ProposalWithdrawn(found.number, found.id, body.organization),)


def check_activation(
    state: StateReader, body: ActivateValidator, transaction: Transaction, context: BlockContext
) -> Rejection | Validator:
    """Return why the observer cannot become a voter, or the observer. Order: `rejections.py`."""
    validator = read(state, validator_key(body.validator), Validator)
    if validator is None:
        return Rejection.VALIDATOR_UNKNOWN
    if validator.key not in transaction.signers:
        return Rejection.NOT_AUTHORIZED
    if not _is_active(state, validator.organization):
        return Rejection.OWNER_NOT_ACTIVE
    if validator.status is ValidatorStatus.RETIRED:
        return Rejection.VALIDATOR_RETIRED
    if validator.status is ValidatorStatus.VOTER:
        return Rejection.ALREADY_A_VOTER
    current = read_validator_set(state)
    voter = voter_of(state, current, validator.organization)
    if voter is not None and voter.id != validator.replaces:
        return Rejection.HAS_A_VOTER
    if is_changing(current, context):
        return Rejection.CONFIGURATION_CHANGING
    return validator


def activate(
    state: StateWriter, body: ActivateValidator, _transaction: Transaction, found: Validator, context: BlockContext
) -> tuple[ValidatorActivated]:
    """Begin the joint configuration with the observer among the voters, and without the one whose place it takes."""
    current = read_validator_set(state)
    voter = voter_of(state, current, found.organization)
    replaced = None if voter is None else voter.id
    stay = tuple(name for name in current.voters if name != replaced)
    begin_joint(state, (*stay, body.validator), context)
    put_status(state, body.validator, ValidatorStatus.VOTER, context)
    owner = read(state, organization_key(found.organization), Organization)
    assert owner is not None, f"validator {found.id} belongs to {found.organization}, which has no record"
    state.put(organization_key(owner.id), msgspec.structs.replace(owner, validator_key=found.key))
    return (ValidatorActivated(body.validator, found.organization, replaced),)


def _check_administrator(state: StateReader, organization: str, transaction: Transaction) -> Rejection | None:
    found = read(state, organization_key(organization), Organization)
    if found is None:
        return Rejection.ORGANIZATION_UNKNOWN
    if found.status is not OrganizationStatus.ACTIVE:
        return Rejection.ORGANIZATION_NOT_ACTIVE
    if not any(found.scopes_of(key) & Scope.ADMIN for key in transaction.signers):
        return Rejection.NOT_AUTHORIZED
    return None


def _is_active(state: StateReader, organization: str) -> bool:
    found = read(state, organization_key(organization), Organization)
    assert found is not None, f"organization {organization} is listed and has no record"
    return found.status is OrganizationStatus.ACTIVE


def _find_open(state: StateReader, identity: bytes, context: BlockContext) -> Proposal | None:
    for item in read_governance(state).open:
        if item.id == identity and item.open_until >= context.time:
            return _read_proposal(state, item)
    return None


def _read_proposal(state: StateReader, item: OpenProposal) -> Proposal:
    found = read(state, proposal_key(item.number), Proposal)
    assert found is not None, f"proposal {item.number} is listed as open and has no record"
    return found


def _put_proposal(state: StateWriter, proposal: Proposal, status: ProposalStatus, context: BlockContext) -> None:
    decided_at = 0 if status is ProposalStatus.OPEN else context.height
    state.put(proposal_key(proposal.number), msgspec.structs.replace(proposal, status=status, decided_at=decided_at))


def _close(state: StateWriter, proposal: Proposal, status: ProposalStatus, context: BlockContext) -> None:
    _put_proposal(state, proposal, status, context)
    governance = read_governance(state)
    left = tuple(item for item in governance.open if item.number != proposal.number)
    state.put(GOVERNANCE_KEY, msgspec.structs.replace(governance, open=left))


def _conclude(
    state: StateWriter, proposal: Proposal, status: ProposalStatus, context: BlockContext
) -> tuple[ValidatorAdmitted | ValidatorRemoved, ...]:
    if status is ProposalStatus.OPEN:
        _put_proposal(state, proposal, status, context)
        return ()
    _close(state, proposal, status, context)
    return (carry_out(state, proposal.change, context),) if status is ProposalStatus.ACCEPTED else ()
