"""State types: organizations, point types, accounts and what they hold. Each says as of which block it is true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry
from graphql import GraphQLError

from jifen.ledger import types as ledger
from jifen.ledger.locks import records as locks
from jifen.ledger.rules.book import read_book
from jifen.ledger.rules.records import EarningRule, rule_in_force
from jifen.ledger.state import after_prefix, lock_key, point_type_key, terms_key
from jifen.ledger.terms import records as ledger_terms
from jifen.ledger.types import (
    POINTS_MAX,
    AccountId,
    LotOrigin,
    OrganizationKind,
    OrganizationStatus,
    PublicKey,
    RoleClass,
)
from jifen_graphql.limits import LOTS_PAGE_DEFAULT, TERMS_PAGE_DEFAULT
from jifen_graphql.schema.context import Info
from jifen_graphql.schema.enums import LotState
from jifen_graphql.schema.fields import query_field
from jifen_graphql.schema.locks import AccountLock
from jifen_graphql.schema.pages import bounded_page, check_page_size
from jifen_graphql.schema.scalars import DateTime, Hash, Points
from jifen_graphql.schema.terms import PublishedTerms, Terms

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


@strawberry.type(description="How many points of one type exist: issued less burned and expired.")
class PointSupply:
    """All figures but the last count from genesis."""

    issued: Points
    burned: Points
    expired: Points
    outstanding: Points = strawberry.field(description="What somebody holds, pending points included.")


@strawberry.type(description="One kind of points.")
class PointType:
    """A point type of the ledger."""

    id: str = strawberry.field(description="`<issuer>/<role>`")
    issuer: str = strawberry.field(description="Id of the organization that issues it.")
    role: RoleClass
    record: strawberry.Private[ledger_terms.PointType]

    @query_field("Version of the earning rule in force; receipts name the one they used. See `earningRules`.")
    def rule_version(self, info: Info) -> int:
        """Name the rule in force."""
        return self._rule(info).version

    @query_field("The flat rate; null when a rule beyond it is in force: see `earningRules`.")
    def earn_rate(self, info: Info) -> EarnRate | None:
        """Give the flat rate, where it holds."""
        if self._rule(info).version != self.record.rule_version:
            return None
        return EarnRate(points=Points(self.record.earn_points), per_fen=Points(self.record.earn_fen))

    @query_field("Whether members may pass these points to each other.")
    def transferable(self, info: Info) -> bool:
        """Look at the terms in force."""
        return ledger_terms.terms_in_force(self.record, info.context.view.block_time).transferable

    def _rule(self, info: Info) -> EarningRule:
        view = info.context.view
        return rule_in_force(read_book(view, self.record), view.block_time)

    @query_field("The terms in force at the snapshot's block.")
    def terms(self, info: Info) -> Terms:
        """Convert the version in force."""
        return Terms.of(self.id, ledger_terms.terms_in_force(self.record, info.context.view.block_time))

    @query_field("A version that is published and does not hold yet; null when there is none.")
    def scheduled_terms(self, info: Info) -> Terms | None:
        """Convert the version that is to come."""
        scheduled = self.record.scheduled
        if scheduled is None or scheduled.effective_from <= info.context.view.block_time:
            return None
        return Terms.of(self.id, scheduled)

    @query_field("Every version ever published, the first one first, a page at a time.")
    def terms_history(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="At most 50.")] = TERMS_PAGE_DEFAULT,
        after: Annotated[int, strawberry.argument(description="Version of the last one you have.")] = 0,
    ) -> list[PublishedTerms]:
        """Read a page of the history of the snapshot."""
        check_page_size("PointType", "termsHistory", first)
        if not 0 <= after <= ledger_terms.TERMS_VERSION_MAX:
            raise GraphQLError("after is a version; 0 begins with the first", extensions={"code": "BAD_PAGE"})
        return history_of(info.context.view, self.id, first, after)

    @query_field("How many points of this type exist.")
    def supply(self, info: Info) -> PointSupply:
        """Read the supply of the snapshot."""
        supply = info.context.view.supply(self.id)
        return PointSupply(
            issued=Points(supply.issued),
            burned=Points(supply.burned),
            expired=Points(supply.expired),
            outstanding=Points(supply.outstanding),
        )

    @strawberry.field
    def as_of(self, info: Info) -> AsOf:
        """Name the snapshot's block."""
        return AsOf.of(info.context.view)

    @classmethod
    def of(cls, record: ledger_terms.PointType) -> PointType:
        """Return the API's form of a record."""
        return cls(
            id=record.id,
            issuer=record.issuer,
            role=record.role,
            record=record,
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
    state: LotState
    origin: LotOrigin
    available_from: DateTime = strawberry.field(
        description="Block time from which they can be spent; for AWAITING ones the day of their order."
    )
    expires_at: DateTime | None = strawberry.field(description="Block time at which they expire; null means never.")
    slides: bool = strawberry.field(description="Whether earning again lets them live on.")

    @classmethod
    def of(cls, lot: ledger.Lot, state: LotState) -> PointLot:
        """Return the API's form of a lot."""
        return cls(
            points=Points(lot.points),
            state=state,
            origin=lot.origin,
            available_from=DateTime(lot.available_from),
            expires_at=DateTime(lot.expires_at) if lot.expires_at else None,
            slides=lot.renewal_days > 0,
        )


@strawberry.type(description="What an account holds of one point type.")
class PointBalance:
    """A holding of the ledger."""

    point_type: str = strawberry.field(description="Id of the point type.")
    available: Points = strawberry.field(description="Can be spent.")
    pending: Points = strawberry.field(description="Earned, and not to be spent yet.")
    held: Points = strawberry.field(description="Set aside for something not decided yet: a hold, an offer, a draw.")
    debt: Points = strawberry.field(description="Points taken back by refunds after they were spent; repaid first.")
    holding: strawberry.Private[ledger.Holding]

    @query_field(
        "What available, pending and held points are worth together at the settlement price in force, in fen, rounded "
        "down; null while their issuer publishes none. To give an idea: nobody has to pay it out."
    )
    def value_fen(self, info: Info) -> Points | None:
        """Value the holding by the terms of the snapshot."""
        view = info.context.view
        record = view.get(point_type_key(self.point_type))
        assert isinstance(record, ledger_terms.PointType), f"points of {self.point_type} points, but no such type"
        terms = ledger_terms.terms_in_force(record, view.block_time)
        if not terms.settlement_fen:
            return None
        points = self.holding.available + self.holding.pending + self.holding.held
        return Points(min(points * terms.settlement_fen // terms.settlement_points, POINTS_MAX))

    @query_field("The lots in spending order, those that can be spent first, a page at a time.")
    def lots(
        self,
        first: Annotated[int, strawberry.argument(description="At most 100.")] = LOTS_PAGE_DEFAULT,
        after: Annotated[int | None, strawberry.argument(description="Index of the last one you have.")] = None,
    ) -> list[PointLot]:
        """Cut a page out of the lots."""
        page = bounded_page("PointBalance", "lots", first, after)
        return [PointLot.of(lot, state) for lot, state in lots_of(self.holding)[page]]

    @strawberry.field
    def as_of(self, info: Info) -> AsOf:
        """Name the snapshot's block."""
        return AsOf.of(info.context.view)


def lots_of(holding: ledger.Holding) -> list[tuple[ledger.Lot, LotState]]:
    """Return all lots of a holding with their states, those that can be spent first."""
    states = (
        (holding.lots, LotState.AVAILABLE),
        (holding.pending_lots, LotState.PENDING),
        (holding.awaiting_lots, LotState.AWAITING),
    )
    return [(lot, state) for lots, state in states for lot in lots]


@strawberry.type(description="Points of one account and type that expire at one time.")
class ExpiringPoints:
    """What `expiringPoints` lists."""

    point_type: str
    points: Points = strawberry.field(description="Pending ones included.")
    expires_at: DateTime
    slides: bool = strawberry.field(description="Whether earning again lets some of them live on.")


def expiring_of(view: ReadView, account: bytes, until: int) -> list[ExpiringPoints]:
    """Return what of an account expires up to a block time, ms, the earliest first."""
    found: dict[tuple[int, str], list[ledger.Lot]] = {}
    for point_type, holding in view.holdings(account):
        for lot, _ in lots_of(holding):
            if 0 < lot.expires_at <= until:
                found.setdefault((lot.expires_at, point_type), []).append(lot)
    return [
        ExpiringPoints(
            point_type=point_type,
            points=Points(sum(lot.points for lot in lots)),
            expires_at=DateTime(expires_at),
            slides=any(lot.renewal_days for lot in lots),
        )
        for (expires_at, point_type), lots in sorted(found.items(), key=lambda item: item[0])
    ]


def history_of(view: ReadView, point_type: str, first: int, after: int) -> list[PublishedTerms]:
    """Return up to `first` versions of a point type's terms above version `after`."""
    end = after_prefix(terms_key(point_type, 0)[:-4])
    records = [record for _, record in view.range(terms_key(point_type, after + 1), end, first + 1)]
    found = []
    for place, record in enumerate(records[:first]):
        assert isinstance(record, ledger_terms.TermsRecord)
        later = records[place + 1] if place + 1 < len(records) else None
        replaced = isinstance(later, ledger_terms.TermsRecord) and later.published_at < record.terms.effective_from
        shown = Terms.of(point_type, record.terms)
        found.append(
            PublishedTerms(
                terms=shown,
                published_at=DateTime(record.published_at),
                transaction=Hash(record.transaction_id) if any(record.transaction_id) else None,
                held=not replaced,
            )
        )
    return found


def balances_of(view: ReadView, account: bytes) -> list[PointBalance]:
    """Return what an account holds, sorted by point type; nothing when the account is unknown."""
    return [
        PointBalance(
            point_type=point_type,
            available=Points(holding.available),
            pending=Points(holding.pending),
            held=Points(holding.held),
            debt=Points(holding.debt),
            holding=holding,
        )
        for point_type, holding in view.holdings(account)
    ]


@strawberry.type(description="A member's account.")
class Account:
    """An account of the ledger."""

    id: AccountId
    key: PublicKey = strawberry.field(description="Key that moves this account's points.")
    registered_at: DateTime = strawberry.field(description="Block time of the registration.")

    @query_field("Its lock; null while nothing is locked.")
    def lock(self, info: Info) -> AccountLock | None:
        """Read the lock of the snapshot."""
        record = info.context.view.get(lock_key(self.id))
        return AccountLock.of(record) if isinstance(record, locks.AccountLock) and not record.ended_at else None

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
