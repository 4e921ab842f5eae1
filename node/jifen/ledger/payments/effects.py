"""Effects of paying with points."""

from typing import Annotated

from msgspec import Meta

from jifen.ledger.effects import Effect
from jifen.ledger.payments.records import Acceptance, BasisPoints, PaymentPolicy, Revision
from jifen.ledger.points.positions import Rate
from jifen.ledger.types import (
    AccountBytes,
    AmountFen,
    HashBytes,
    OrderId,
    PointTypeName,
    PositiveQuantity,
    Quantity,
    Record,
    Slug,
    TimeMs,
)


class AcceptancePublished(Effect, frozen=True, tag=45):
    """An organization has said how it takes a point type in payment; it holds from now on."""

    organization: Slug
    point_type: PointTypeName
    acceptance: Acceptance


class PaymentPolicySet(Effect, frozen=True, tag=46):
    """An organization has said how far orders may be paid with points."""

    policy: PaymentPolicy
    revision: Annotated[int, Meta(ge=1)]
    """Of all policies together, from now on."""


class PointsPaid(Record, frozen=True):
    """One point type's part of a payment: `points * rate.fen / rate.points` is `fen`, without a rest."""

    point_type: PointTypeName
    points: PositiveQuantity
    fen: AmountFen
    rate: Rate
    acceptance_version: Annotated[int, Meta(ge=1)]
    """Version of the organization's acceptance that gave the rate."""
    terms_version: Annotated[int, Meta(ge=1)]
    """Version of the issuer's terms in force, by which the organization may take the points."""
    available_after: Quantity
    """The account's available points of the type after this transaction."""


class OrderPaid(Effect, frozen=True, tag=47):
    """Points paid for a part of an order. At their issuer they are burned, elsewhere they are the merchant's position
    at the recorded rate. Arithmetic: `paid_fen` is the sum of the parts; `paid_fen <= amount_fen * share_bp // 10000`;
    `paid_fen + money_fen = amount_fen`."""

    merchant: Slug
    order_id: OrderId
    order_hash: HashBytes
    account: AccountBytes
    amount_fen: AmountFen
    paid_fen: AmountFen
    money_fen: AmountFen
    """Left to be paid in money."""
    share_bp: BasisPoints
    """Largest part of the order that points could pay, by the policies of merchant and malls."""
    parts: tuple[PointsPaid, ...]
    """In the order of the transaction, without those of no points."""
    hold: HashBytes | None = None
    """The hold that was captured."""
    policies_revision: Revision = 0
    """Of the payment policies that gave `share_bp`: those of the hold's block, if one was captured; 0: no policy."""


class PointsHeld(Effect, frozen=True, tag=48):
    """Points were set aside for an order; the arithmetic is that of `OrderPaid`."""

    organization: Slug
    order_id: OrderId
    order_hash: HashBytes
    account: AccountBytes
    hold: HashBytes
    amount_fen: AmountFen
    held_fen: AmountFen
    share_bp: BasisPoints
    parts: tuple[PointsPaid, ...]
    until: TimeMs
    policies_revision: Revision = 0
    """As in `OrderPaid`."""


class PointsReturned(Record, frozen=True):
    """Points of one type that came back as the lots they had been; what had passed its date has expired."""

    point_type: PointTypeName
    points: PositiveQuantity
    fen: AmountFen
    """What they had paid, or would have."""
    debt_repaid: Quantity
    """Part of the points that went to repay what refunds had left owing."""
    available_after: Quantity


class PointsReleased(Effect, frozen=True, tag=49):
    """Held points came back: the hold was given up, ran out, or was captured in part."""

    organization: Slug
    account: AccountBytes
    hold: HashBytes
    parts: tuple[PointsReturned, ...]
    """Without those of no points."""
    timed_out: bool = False


class PointsGivenBack(Effect, frozen=True, tag=50):
    """A refund gave back points that had paid for the order, and the rest in money.

    Of what was refunded in all, points paid `order_paid_fen * order_refunded_fen // order_amount_fen` and money the
    rest. Of every part's smallest units that are worth whole fen, `units * order_refunded_fen // order_amount_fen` are
    back; this transaction gave what earlier refunds had not. Hence parts give exactly what the whole would give.
    """

    merchant: Slug
    order_id: OrderId
    account: AccountBytes
    amount_fen: AmountFen
    """Refunded by this transaction."""
    order_amount_fen: AmountFen
    order_refunded_fen: AmountFen
    """Refunded of the order in all, this transaction included."""
    order_paid_fen: AmountFen
    """What points had paid for the order."""
    money_fen: AmountFen
    """Part of `amount_fen` that is paid back in money."""
    rest_fen: AmountFen
    """What points had paid of all that is refunded and that is less than a unit, as yet: it comes with later refunds.
    0 once everything is refunded."""
    parts: tuple[PointsReturned, ...]
    """Without those of no points."""
