"""Governance: the transactions by which organizations decide who keeps the ledger, and what these do."""

from typing import Annotated

from msgspec import Meta

from jifen.ledger.bodies import TransactionBody
from jifen.ledger.effects import Effect
from jifen.ledger.governance.changes import Change
from jifen.ledger.governance.proposals import ORGANIZATIONS_MAX, ProposalNumber, ProposalStatus
from jifen.ledger.types import HashBytes, Slug, TimeMs

Count = Annotated[int, Meta(ge=0, le=ORGANIZATIONS_MAX)]


class ProposeChange(TransactionBody, frozen=True, tag=10):
    """Propose a change of the validators; signed by an operator of the organization with scope ADMIN.

    Proposing is approving: it counts as the organization's vote.
    """

    organization: Slug
    """Who proposes."""
    change: Change
    open_until: TimeMs
    """Last block time, ms, at which a vote is taken; at most `PROPOSAL_LIFETIME_MS_MAX` ahead."""


class VoteOnProposal(TransactionBody, frozen=True, tag=11):
    """Approve or refuse an open proposal, once; signed by an operator of the organization with scope ADMIN."""

    organization: Slug
    """Who votes."""
    proposal: HashBytes
    """Id of the transaction that proposed it: a hash over all that is approved."""
    approve: bool


class WithdrawProposal(TransactionBody, frozen=True, tag=12):
    """Take an own open proposal back; signed by an operator of the organization with scope ADMIN."""

    organization: Slug
    proposal: HashBytes


class ActivateValidator(TransactionBody, frozen=True, tag=13):
    """Make an observer a voter: it says that it has every block. Signed with the validator's own key.

    The set of voters becomes joint in this block. If the observer was admitted to replace the voter of its
    organization, that one goes out in the same change.
    """

    validator: Slug


class ChangeProposed(Effect, frozen=True, tag=10):
    """A change was proposed."""

    number: ProposalNumber
    organization: Slug
    open_until: TimeMs
    approvals: Count
    """Organizations that approve and are asked."""
    needed: Count
    """Approvals that accept it."""
    asked: Count
    """Organizations whose votes count at present."""
    status: ProposalStatus


class VoteCounted(Effect, frozen=True, tag=11):
    """A vote was taken, and all votes were counted anew over the organizations that are active now."""

    number: ProposalNumber
    proposal: HashBytes
    organization: Slug
    approve: bool
    approvals: Count
    refusals: Count
    needed: Count
    asked: Count
    status: ProposalStatus
    """ACCEPTED: the change took effect; the effects behind this one say how."""


class ProposalWithdrawn(Effect, frozen=True, tag=12):
    """A proposal was taken back."""

    number: ProposalNumber
    proposal: HashBytes
    organization: Slug


class ValidatorAdmitted(Effect, frozen=True, tag=13):
    """A validator was taken in as an observer."""

    validator: Slug
    organization: Slug
    newcomer: bool
    """Whether its organization joined the alliance with it."""
    replaces: Slug | None


class ValidatorRemoved(Effect, frozen=True, tag=14):
    """A validator was taken out."""

    validator: Slug
    organization: Slug
    votes_on: bool
    """True: it was a voter and is until the joint configuration is left. False: it was an observer and is gone."""


class ValidatorActivated(Effect, frozen=True, tag=15):
    """An observer became a voter."""

    validator: Slug
    organization: Slug
    replaced: Slug | None
    """Voter that goes out with this change, or None."""
