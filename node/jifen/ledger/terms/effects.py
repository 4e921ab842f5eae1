"""Effects of terms and of time."""

from typing import Annotated

from msgspec import Meta

from jifen.ledger.effects import Effect
from jifen.ledger.terms.records import TermsVersionNumber
from jifen.ledger.types import (
    AccountBytes,
    HashBytes,
    OrderId,
    PointTypeName,
    PositiveQuantity,
    Quantity,
    Slug,
    TimeMs,
)


class PointsExpired(Effect, frozen=True, tag=30):
    """Points that nobody had spent by their date are gone: a forced action that their terms announced (I5)."""

    account: AccountBytes
    point_type: PointTypeName
    points: PositiveQuantity
    expires_at: TimeMs
    """Their date, ms."""
    available_after: Quantity
    pending_after: Quantity


class PointsActivated(Effect, frozen=True, tag=31):
    """Pending points became available, by time or by the confirmation of their order."""

    account: AccountBytes
    point_type: PointTypeName
    points: PositiveQuantity
    debt_repaid: Quantity
    """Part of `points` that went to repay what refunds had left owing."""
    available_after: Quantity
    pending_after: Quantity
    merchant: Slug | None = None
    """Whose order was confirmed; None when time did it."""
    order_id: OrderId | None = None


class ExpiryAnnounced(Effect, frozen=True, tag=32):
    """Points will expire soon: told 30, 7 and 1 days before, as far as they were there then."""

    account: AccountBytes
    point_type: PointTypeName
    points: PositiveQuantity
    """All points of the holding with this date."""
    expires_at: TimeMs
    days: Annotated[int, Meta(ge=1)]
    """Days before the date at which this was due."""


class TermsPublished(Effect, frozen=True, tag=33):
    """A version of terms was published, and perhaps a point type made by it."""

    point_type: PointTypeName
    version: TermsVersionNumber
    hash: HashBytes
    effective_from: TimeMs
    """Block time from which it holds, ms."""


class TermsInForce(Effect, frozen=True, tag=34):
    """A version published for later holds now."""

    point_type: PointTypeName
    version: TermsVersionNumber
    hash: HashBytes
