"""Transactions about paying with points."""

from typing import Annotated

import msgspec
from msgspec import Meta

from jifen.ledger.bodies import TransactionBody
from jifen.ledger.payments.records import PARTS_MAX, Acceptance, BasisPoints, Version
from jifen.ledger.types import (
    AMOUNT_FEN_MAX,
    AccountBytes,
    AmountFen,
    HashBytes,
    OrderId,
    PointTypeName,
    Quantity,
    Slug,
    TimeMs,
)

OrderAmountFen = Annotated[int, Meta(ge=1, le=AMOUNT_FEN_MAX)]


class PublishAcceptance(TransactionBody, frozen=True, tag=45):
    """Say how an organization takes a point type in payment; signed by an operator of it with scope ADMIN.

    It holds from this block on. For points of another issuer it rests on that issuer's terms: they have to list the
    organization, and to buy the points back for no less.
    """

    organization: Slug
    point_type: PointTypeName
    acceptance: Acceptance
    """`version` is the newest one's and 1, or 1."""


class SetPaymentPolicy(TransactionBody, frozen=True, tag=46):
    """Say how far orders may be paid with points; signed by an operator of the organization with scope ADMIN.

    A mall's policy binds the merchants of the alliance, whose own may only be tighter.
    """

    organization: Slug
    version: Version
    """The newest one's and 1, or 1."""
    share_bp: BasisPoints
    daily_fen: AmountFen


class PaymentPart(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """Points of one type to pay with."""

    point_type: PointTypeName
    points: Quantity
    """Exactly so many; 0: as many as possible."""


PaymentParts = Annotated[tuple[PaymentPart, ...], Meta(min_length=1, max_length=PARTS_MAX)]


class PayOrder(TransactionBody, frozen=True, tag=47):
    """Pay for a part of an order with points; signed with the member's current key and by an operator of the merchant
    with scope CASHIER or ISSUER, so that neither can say alone what the order came to.

    Stated quantities are taken as stated; what they leave of the order's share goes to the parts without one, in the
    order of the list, each as much as possible.
    """

    merchant: Slug
    order_id: OrderId
    """The merchant's own number of the order; paid with points once for ever (invariant I3)."""
    order_hash: HashBytes
    """Hash of what was ordered, salted by the merchant."""
    account: AccountBytes
    amount_fen: OrderAmountFen
    """What the order comes to, in points and money."""
    parts: PaymentParts


class HoldPoints(TransactionBody, frozen=True, tag=48):
    """Set points aside for an order that will be delivered later; signed with the member's current key.

    What is held, and at which rates, is worked out as for `PayOrder`. The hold goes by the id of this transaction.
    """

    organization: Slug
    """The only one that can capture it."""
    order_id: OrderId
    order_hash: HashBytes
    account: AccountBytes
    amount_fen: OrderAmountFen
    """What the order will come to at most."""
    parts: PaymentParts
    until: TimeMs
    """Block time at which the points come back unless they were captured, ms; at most thirty days ahead."""


class CaptureHold(TransactionBody, frozen=True, tag=49):
    """Pay the order with what is held for it, at the rates it was held at; signed as `EarnPoints`.

    What is not captured comes back at once.
    """

    merchant: Slug
    account: AccountBytes
    hold: HashBytes
    """Id of the transaction that holds the points."""
    amount_fen: OrderAmountFen
    """What the order came to in the end; at most what was announced."""
    points: Annotated[tuple[Quantity, ...], Meta(max_length=PARTS_MAX)] = ()
    """Points of each part of the hold, in its order; none: all of them."""


class VoidHold(TransactionBody, frozen=True, tag=50):
    """Let everything that is held come back to the member; signed as `EarnPoints`.

    The member cannot: whoever delivers against a hold must be able to rely on it. Its time-out is the member's way.
    """

    merchant: Slug
    account: AccountBytes
    hold: HashBytes
