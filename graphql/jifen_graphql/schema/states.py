"""State types: organizations, point types, accounts and what they hold. Each says as of which block it is true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

import jifen_graphql.schema.enums  # noqa: F401  tells Strawberry about the ledger's enums
from jifen.ledger import types as ledger
from jifen.ledger.types import AccountId, LotOrigin, OrganizationKind, OrganizationStatus, PublicKey, RoleClass
from jifen_graphql.limits import LOTS_PAGE_DEFAULT
from jifen_graphql.schema.context import Info
from jifen_graphql.schema.fields import query_field
from jifen_graphql.schema.pages import bounded_page
from jifen_graphql.schema.scalars import DateTime, Hash, Points

if TYPE_CHECKING:
    from jifen.actors.node import ReadView


@strawberry.type(description="The block after which a state was read. All parts of one answer name the same block.")
class AsOf:
    """Height, hash and time of the snapshot's block."""

    height: int
    hash: Hash
    time: DateTime

    @classmethod
    def of(cls, view: ReadView) -> AsOf:
        """Return the block of a snapshot."""
        return cls(height=view.height, hash=Hash(view.block_hash), time=DateTime(view.block_time))


@strawberry.type(description="The flat rate of a point type: `points` for every `perFen` fen, rounded down per order.")
class EarnRate:
    """An exact rational, never a float."""

    points: Points
    per_fen: Points


@strawberry.type(description="How many points of one type exist: issued less burned.")
class PointSupply:
    """Both figures count from genesis."""

    issued: Points
    burned: Points


@strawberry.type(description="One kind of points.")
class PointType:
    """A point type of the ledger."""

    id: str = strawberry.field(description="`<issuer>/<role>`")
    issuer: str = strawberry.field(description="Id of the organization that issues it.")
    role: RoleClass
    rule_version: int = strawberry.field(description="Version of the earning rule; receipts name the one they used.")
    earn_rate: EarnRate
    transferable: bool = strawberry.field(description="Whether members may pass these points to each other.")

    @query_field("How many points of this type exist.")
    def supply(self, info: Info) -> PointSupply:
        """Read the supply of the snapshot."""
        supply = info.context.view.supply(self.id)
        return PointSupply(issued=Points(supply.issued), burned=Points(supply.burned))

    @strawberry.field
    def as_of(self, info: Info) -> AsOf:
        """Name the snapshot's block."""
        return AsOf.of(info.context.view)

    @classmethod
    def of(cls, record: ledger.PointType) -> PointType:
        """Return the API's form of a record."""
        return cls(
            id=record.id,
            issuer=record.issuer,
            role=record.role,
            rule_version=record.rule_version,
            earn_rate=EarnRate(points=Points(record.earn_points), per_fen=Points(record.earn_fen)),
            transferable=record.transferable,
        )


@strawberry.type(description="A mall or a merchant of the alliance.")
class Organization:
    """An organization of the ledger."""

    id: str
    name: str
    kind: OrganizationKind
    status: OrganizationStatus
    validator_key: PublicKey = strawberry.field(description="Key of its voter, or of its last or first one.")

    @query_field("The point types it issues.")
    def point_types(self, info: Info) -> list[PointType]:
        """Read the point types of the snapshot."""
        return [PointType.of(record) for record in info.context.view.point_types() if record.issuer == self.id]

    @query_field("Base URL of the public API of its voter, or of an observer of its; null while it has neither.")
    def public_url(self, info: Info) -> str | None:
        """Look its validator up in the snapshot's set."""
        for validator in info.context.validators:
            if validator.organization == self.id:
                return validator.public_url
        return None

    @strawberry.field
    def as_of(self, info: Info) -> AsOf:
        """Name the snapshot's block."""
        return AsOf.of(info.context.view)

    @classmethod
    def of(cls, record: ledger.Organization) -> Organization:
        """Return the API's form of a record."""
        return cls(
            id=record.id,
            name=record.name,
            kind=record.kind,
            status=record.status,
            validator_key=PublicKey(record.validator_key),
        )


@strawberry.type(description="Points of one type that share origin, availability and expiry.")
class PointLot:
    """A lot of a holding."""

    points: Points
    origin: LotOrigin
    available_from: DateTime = strawberry.field(description="Block time from which they can be spent.")
    expires_at: DateTime | None = strawberry.field(description="Block time at which they expire; null means never.")

    @classmethod
    def of(cls, lot: ledger.Lot) -> PointLot:
        """Return the API's form of a lot."""
        return cls(
            points=Points(lot.points),
            origin=lot.origin,
            available_from=DateTime(lot.available_from),
            expires_at=DateTime(lot.expires_at) if lot.expires_at else None,
        )


@strawberry.type(description="What an account holds of one point type.")
class PointBalance:
    """A holding of the ledger."""

    point_type: str = strawberry.field(description="Id of the point type.")
    available: Points
    debt: Points = strawberry.field(description="Points taken back by refunds after they were spent; repaid first.")
    holding: strawberry.Private[ledger.Holding]

    @query_field("The lots in spending order, a page at a time.")
    def lots(
        self,
        first: Annotated[int, strawberry.argument(description="At most 100.")] = LOTS_PAGE_DEFAULT,
        after: Annotated[int | None, strawberry.argument(description="Index of the last one you have.")] = None,
    ) -> list[PointLot]:
        """Cut a page out of the lots."""
        return [PointLot.of(lot) for lot in self.holding.lots[bounded_page("PointBalance", "lots", first, after)]]

    @strawberry.field
    def as_of(self, info: Info) -> AsOf:
        """Name the snapshot's block."""
        return AsOf.of(info.context.view)


def balances_of(view: ReadView, account: bytes) -> list[PointBalance]:
    """Return what an account holds, sorted by point type; nothing when the account is unknown."""
    return [
        PointBalance(
            point_type=point_type, available=Points(holding.available), debt=Points(holding.debt), holding=holding
        )
        for point_type, holding in view.holdings(account)
    ]


@strawberry.type(description="A member's account.")
class Account:
    """An account of the ledger."""

    id: AccountId
    key: PublicKey = strawberry.field(description="Key that moves this account's points.")
    registered_at: DateTime = strawberry.field(description="Block time of the registration.")

    @query_field("What it holds, sorted by point type.")
    def balances(self, info: Info) -> list[PointBalance]:
        """Read the holdings of the snapshot."""
        return balances_of(info.context.view, self.id)

    @strawberry.field
    def as_of(self, info: Info) -> AsOf:
        """Name the snapshot's block."""
        return AsOf.of(info.context.view)

    @classmethod
    def of(cls, record: ledger.Account) -> Account:
        """Return the API's form of a record."""
        return cls(id=AccountId(record.id), key=PublicKey(record.key), registered_at=DateTime(record.registered_at))
