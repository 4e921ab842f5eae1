"""Effects of cash back."""

from typing import Annotated

from msgspec import Meta

from jifen.ledger.cashback.records import CashbackNumber, PaidFen
from jifen.ledger.effects import Effect
from jifen.ledger.points.positions import Rate
from jifen.ledger.types import AccountBytes, HashBytes, PointTypeName, PositiveQuantity, Quantity, TimeMs


class CashbackPolicySet(Effect, frozen=True, tag=98):
    """An issuer said what it pays for points of a type, from this block on."""

    point_type: PointTypeName
    version: Annotated[int, Meta(ge=1)]
    price: Rate
    minimum_points: Quantity
    day_points: Quantity
    month_points: Quantity
    due_days: Annotated[int, Meta(ge=1)]


class CashbackRequested(Effect, frozen=True, tag=99):
    """Points were held and money asked for: `amount_fen = points * price.fen // price.points`."""

    point_type: PointTypeName
    number: CashbackNumber
    account: AccountBytes
    points: PositiveQuantity
    price: Rate
    policy_version: Annotated[int, Meta(ge=1)]
    amount_fen: PaidFen
    due_at: TimeMs
    available_after: Quantity


class CashbackConfirmed(Effect, frozen=True, tag=100):
    """The issuer says that it has paid; the points are burned."""

    point_type: PointTypeName
    number: CashbackNumber
    account: AccountBytes
    points: PositiveQuantity
    amount_fen: PaidFen
    reference_hash: HashBytes
    overdue: bool
    """Whether it had become overdue."""


class CashbackRejected(Effect, frozen=True, tag=101):
    """The issuer does not pay; the points came back as the lots they were."""

    point_type: PointTypeName
    number: CashbackNumber
    account: AccountBytes
    points: PositiveQuantity
    debt_repaid: Quantity
    """Part of `points` that went to repay what refunds had left owing."""
    available_after: Quantity
    reason: str


class CashbackOverdue(Effect, frozen=True, tag=102):
    """The issuer has not paid in its time; the points stay held, and everybody can see it."""

    point_type: PointTypeName
    number: CashbackNumber
    account: AccountBytes
    points: PositiveQuantity
    amount_fen: PaidFen
    due_at: TimeMs
