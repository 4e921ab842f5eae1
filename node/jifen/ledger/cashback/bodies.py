"""Transactions about cash back."""

from typing import Annotated

from msgspec import Meta

from jifen.ledger.bodies import TransactionBody
from jifen.ledger.cashback.records import DUE_DAYS_MAX, CashbackNumber, PaidFen
from jifen.ledger.points.positions import Rate
from jifen.ledger.rewards.records import ReasonText
from jifen.ledger.types import AccountBytes, HashBytes, PointTypeName, PositiveQuantity, Quantity, Slug


class SetCashbackPolicy(TransactionBody, frozen=True, tag=98):
    """Say what an issuer pays for points of a type; signed by an operator of the issuer with scope ADMIN.

    ADMIN as for terms: it is a promise of money.
    """

    issuer: Slug
    point_type: PointTypeName
    price: Rate
    """`price.fen` fen for `price.points` points; at most the settlement price."""
    minimum_points: Quantity
    day_points: Quantity
    """Most points of a member in a day of the issuer's; 0: pay nothing from now on."""
    month_points: Quantity
    due_days: Annotated[int, Meta(ge=1, le=DUE_DAYS_MAX)]


class RequestCashback(TransactionBody, frozen=True, tag=99):
    """Ask the issuer for money in place of points; signed with the account's current key."""

    account: AccountBytes
    point_type: PointTypeName
    points: PositiveQuantity
    amount_fen: PaidFen
    """What the member expects to be paid; another amount is not asked for."""


class ConfirmCashback(TransactionBody, frozen=True, tag=100):
    """Say that the money was paid; signed by an operator of the issuer with scope TREASURER."""

    point_type: PointTypeName
    number: CashbackNumber
    reference_hash: HashBytes
    """Hash of the bank's reference of the payment: it proves later which payment was meant."""


class RejectCashback(TransactionBody, frozen=True, tag=101):
    """Say that no money will be paid, and give the points back; signed as ConfirmCashback is."""

    point_type: PointTypeName
    number: CashbackNumber
    reason: ReasonText
