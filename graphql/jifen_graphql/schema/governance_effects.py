"""Effects of governance: what proposals, votes and activations did."""

from __future__ import annotations

import strawberry

from jifen.ledger.governance import bodies as ledger
from jifen.ledger.governance.proposals import ProposalStatus
from jifen_graphql.schema.scalars import DateTime, Hash


@strawberry.type(description="A change of the validators was proposed, which is its proposer's approval of it.")
class ChangeProposed:
    """Effect of `proposeChange`."""

    number: int = strawberry.field(description="Number of the proposal.")
    organization: str
    open_until: DateTime
    approvals: int
    needed: int = strawberry.field(description="Approvals that accept it.")
    asked: int = strawberry.field(description="Organizations whose votes count at present.")
    status: ProposalStatus

    @classmethod
    def of(cls, effect: ledger.ChangeProposed) -> ChangeProposed:
        """Return the API's form of an effect."""
        return cls(
            number=effect.number,
            organization=effect.organization,
            open_until=DateTime(effect.open_until),
            approvals=effect.approvals,
            needed=effect.needed,
            asked=effect.asked,
            status=effect.status,
        )


@strawberry.type(description="A vote was taken, and all votes on the proposal were counted anew.")
class VoteCounted:
    """Effect of `voteOnProposal`."""

    number: int = strawberry.field(description="Number of the proposal.")
    proposal: Hash
    organization: str
    approve: bool
    approvals: int
    refusals: int
    needed: int = strawberry.field(description="Approvals that accept it.")
    asked: int = strawberry.field(description="Organizations whose votes count at present.")
    status: ProposalStatus

    @classmethod
    def of(cls, effect: ledger.VoteCounted) -> VoteCounted:
        """Return the API's form of an effect."""
        return cls(
            number=effect.number,
            proposal=Hash(effect.proposal),
            organization=effect.organization,
            approve=effect.approve,
            approvals=effect.approvals,
            refusals=effect.refusals,
            needed=effect.needed,
            asked=effect.asked,
            status=effect.status,
        )


@strawberry.type(description="A proposal was taken back.")
class ProposalWithdrawn:
    """Effect of `withdrawProposal`."""

    number: int
    proposal: Hash
    organization: str

    @classmethod
    def of(cls, effect: ledger.ProposalWithdrawn) -> ProposalWithdrawn:
        """Return the API's form of an effect."""
        return cls(number=effect.number, proposal=Hash(effect.proposal), organization=effect.organization)


@strawberry.type(description="A validator was taken in as an observer.")
class ValidatorAdmitted:
    """Effect of an accepted admission."""

    validator: str
    organization: str
    newcomer: bool = strawberry.field(description="Whether its organization joined the alliance with it.")
    replaces: str | None = strawberry.field(description="Voter whose place it takes when it becomes one.")

    @classmethod
    def of(cls, effect: ledger.ValidatorAdmitted) -> ValidatorAdmitted:
        """Return the API's form of an effect."""
        return cls(
            validator=effect.validator,
            organization=effect.organization,
            newcomer=effect.newcomer,
            replaces=effect.replaces,
        )


@strawberry.type(description="A validator was taken out.")
class ValidatorRemoved:
    """Effect of an accepted removal."""

    validator: str
    organization: str
    votes_on: bool = strawberry.field(description="Whether it votes until the joint configuration is left.")

    @classmethod
    def of(cls, effect: ledger.ValidatorRemoved) -> ValidatorRemoved:
        """Return the API's form of an effect."""
        return cls(validator=effect.validator, organization=effect.organization, votes_on=effect.votes_on)


@strawberry.type(description="An observer became a voter.")
class ValidatorActivated:
    """Effect of `activateValidator`."""

    validator: str
    organization: str
    replaced: str | None = strawberry.field(description="Voter that goes out with this change.")

    @classmethod
    def of(cls, effect: ledger.ValidatorActivated) -> ValidatorActivated:
        """Return the API's form of an effect."""
        return cls(validator=effect.validator, organization=effect.organization, replaced=effect.replaced)
