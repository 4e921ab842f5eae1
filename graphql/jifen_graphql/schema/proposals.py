"""Proposals: changes of the validators that the organizations vote on."""

from __future__ import annotations

from enum import Enum

import strawberry

from jifen.codec.changes import change_fingerprint
from jifen.ledger.governance import changes
from jifen.ledger.governance import proposals as ledger
from jifen.ledger.governance.deciding import count
from jifen.ledger.governance.proposals import ProposalStatus
from jifen.ledger.types import OrganizationKind, PublicKey, Scope
from jifen_graphql.schema.context import Info
from jifen_graphql.schema.scalars import DateTime, Hash
from jifen_graphql.schema.states import AsOf
from jifen_graphql.schema.validators import certificate_fingerprint


@strawberry.enum(description="What a proposal would do.")
class ChangeKind(Enum):
    """The kinds of changes."""

    ADMIT_VALIDATOR = strawberry.enum_value("ADMIT_VALIDATOR", description="Take a validator in, as an observer.")
    REMOVE_VALIDATOR = strawberry.enum_value("REMOVE_VALIDATOR", description="Take a validator out for good.")


@strawberry.type(description="A key that is to act for a newcomer.")
class NewcomerOperator:
    """An operator of an organization to be."""

    key: PublicKey
    scopes: str = strawberry.field(description="What it may do, for example `ADMIN, CASHIER`.")


@strawberry.type(description="An organization that would join the alliance.")
class Newcomer:
    """The organization of an admission, when it is new."""

    name: str
    kind: OrganizationKind
    operators: list[NewcomerOperator]

    @classmethod
    def of(cls, newcomer: changes.Newcomer) -> Newcomer:
        """Return the API's form of a newcomer."""
        operators = [
            NewcomerOperator(
                key=PublicKey(operator.key),
                scopes=", ".join(scope.name or "" for scope in Scope if operator.scopes & scope),
            )
            for operator in newcomer.operators
        ]
        return cls(name=newcomer.name, kind=newcomer.kind, operators=operators)


@strawberry.type(description="All that an admission says of the validator.")
class Admission:
    """A validator to be."""

    organization: str
    newcomer: Newcomer | None = strawberry.field(description="Null when the organization is in the alliance already.")
    key: PublicKey
    certificate_fingerprint: Hash | None
    peer_host: str
    peer_port: int
    public_url: str
    replaces: str | None = strawberry.field(description="Voter whose place it takes by becoming one.")

    @classmethod
    def of(cls, change: changes.AdmitValidator) -> Admission:
        """Return the API's form of an admission."""
        return cls(
            organization=change.organization,
            newcomer=Newcomer.of(change.newcomer) if change.newcomer else None,
            key=PublicKey(change.key),
            certificate_fingerprint=certificate_fingerprint(change.certificate_pem),
            peer_host=change.peer_host,
            peer_port=change.peer_port,
            public_url=change.public_url,
            replaces=change.replaces,
        )


@strawberry.type(description="What one organization says to a proposal.")
class Vote:
    """A vote of the ledger."""

    organization: str
    approve: bool
    height: int = strawberry.field(description="Height of the block with the vote.")


@strawberry.type(description="A change of the validators that was proposed.")
class Proposal:
    """A proposal of the ledger, its votes counted over the organizations that are active at the snapshot."""

    number: int
    id: Hash = strawberry.field(description="Id of the transaction that proposed it: what votes name.")
    organization: str = strawberry.field(description="Who proposed it.")
    kind: ChangeKind
    validator: str = strawberry.field(description="Id of the validator that it is about.")
    admission: Admission | None = strawberry.field(description="What the validator would be; null for a removal.")
    fingerprint: Hash = strawberry.field(description="Hash over the whole change: compare it with the newcomer's own.")
    open_until: DateTime = strawberry.field(description="Last block time at which a vote is taken.")
    proposed_at: int = strawberry.field(description="Height of its block.")
    decided_at: int | None = strawberry.field(description="Height of the block that ended it.")
    status: ProposalStatus = strawberry.field(description="EXPIRED when the snapshot's time has passed openUntil.")
    votes: list[Vote]
    approvals: int = strawberry.field(description="Approvals that count.")
    refusals: int = strawberry.field(description="Refusals that count.")
    needed: int = strawberry.field(description="Approvals that accept it.")
    missing: list[str] = strawberry.field(
        description="Organizations whose votes count and that have not voted; none when it is over."
    )

    @strawberry.field
    def as_of(self, info: Info) -> AsOf:
        """Name the snapshot's block."""
        return AsOf.of(info.context.view)

    @classmethod
    def of(cls, info: Info, record: ledger.Proposal) -> Proposal:
        """Return the API's form of a record."""
        view, change = info.context.view, record.change
        tally = count(view, change, record.votes)
        admits = isinstance(change, changes.AdmitValidator)
        overdue = record.status is ProposalStatus.OPEN and record.open_until < view.block_time
        ended = overdue or record.status is not ProposalStatus.OPEN
        voted = [vote.organization for vote in record.votes]
        return cls(
            number=record.number,
            id=Hash(record.id),
            organization=record.organization,
            kind=ChangeKind.ADMIT_VALIDATOR if admits else ChangeKind.REMOVE_VALIDATOR,
            validator=change.validator,
            admission=Admission.of(change) if isinstance(change, changes.AdmitValidator) else None,
            fingerprint=Hash(change_fingerprint(change)),
            open_until=DateTime(record.open_until),
            proposed_at=record.proposed_at,
            decided_at=record.decided_at or None,
            status=ProposalStatus.EXPIRED if overdue else record.status,
            votes=[Vote(organization=one.organization, approve=one.approve, height=one.height) for one in record.votes],
            approvals=tally.approvals,
            refusals=tally.refusals,
            needed=tally.needed,
            missing=[] if ended else [name for name in tally.asked if name not in voted],
        )
