"""Effects of terms and of time."""

from __future__ import annotations

import strawberry

from jifen.ledger.terms import effects as ledger
from jifen.ledger.types import AccountId
from jifen_graphql.schema.scalars import DateTime, Hash, Points


@strawberry.type(description="Points that nobody had spent by their date are gone.")
class PointsExpired:
    """Effect of time."""

    account: AccountId
    point_type: str
    points: Points
    expires_at: DateTime
    available_after: Points
    pending_after: Points

    @classmethod
    def of(cls, effect: ledger.PointsExpired) -> PointsExpired:
        """Return the API's form of an effect."""
        return cls(
            account=AccountId(effect.account),
            point_type=effect.point_type,
            points=Points(effect.points),
            expires_at=DateTime(effect.expires_at),
            available_after=Points(effect.available_after),
            pending_after=Points(effect.pending_after),
        )


@strawberry.type(description="Pending points became available, by time or by the confirmation of their order.")
class PointsActivated:
    """Effect of time, or of `confirmOrder`."""

    account: AccountId
    point_type: str
    points: Points
    debt_repaid: Points = strawberry.field(description="Part of the points that repaid what refunds had left owing.")
    available_after: Points
    pending_after: Points
    confirmed_by: str | None = strawberry.field(description="Merchant whose order was confirmed; null: time did it.")
    confirmed_order: str | None = strawberry.field(description="Id of that order.")

    @classmethod
    def of(cls, effect: ledger.PointsActivated) -> PointsActivated:
        """Return the API's form of an effect."""
        return cls(
            account=AccountId(effect.account),
            point_type=effect.point_type,
            points=Points(effect.points),
            debt_repaid=Points(effect.debt_repaid),
            available_after=Points(effect.available_after),
            pending_after=Points(effect.pending_after),
            confirmed_by=effect.merchant,
            confirmed_order=effect.order_id,
        )


@strawberry.type(description="Points will expire soon; told 30, 7 and 1 days before.")
class ExpiryAnnounced:
    """Effect of time."""

    account: AccountId
    point_type: str
    points: Points
    expires_at: DateTime
    days: int = strawberry.field(description="Days before the date at which this was due.")

    @classmethod
    def of(cls, effect: ledger.ExpiryAnnounced) -> ExpiryAnnounced:
        """Return the API's form of an effect."""
        return cls(
            account=AccountId(effect.account),
            point_type=effect.point_type,
            points=Points(effect.points),
            expires_at=DateTime(effect.expires_at),
            days=effect.days,
        )


@strawberry.type(description="A version of terms was published, and perhaps a point type made by it.")
class TermsPublished:
    """Effect of `publishTerms` and `createPointType`."""

    point_type: str
    version: int
    hash: Hash
    effective_from: DateTime

    @classmethod
    def of(cls, effect: ledger.TermsPublished) -> TermsPublished:
        """Return the API's form of an effect."""
        return cls(
            point_type=effect.point_type,
            version=effect.version,
            hash=Hash(effect.hash),
            effective_from=DateTime(effect.effective_from),
        )


@strawberry.type(description="A version of terms that was published for later holds now.")
class TermsInForce:
    """Effect of time."""

    point_type: str
    version: int
    hash: Hash

    @classmethod
    def of(cls, effect: ledger.TermsInForce) -> TermsInForce:
        """Return the API's form of an effect."""
        return cls(point_type=effect.point_type, version=effect.version, hash=Hash(effect.hash))
