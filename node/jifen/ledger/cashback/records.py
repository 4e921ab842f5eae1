"""Cash back: members ask an issuer for money in place of points that they have earned themselves.

The ledger moves points; the money is paid outside it. So the points of a request are held until the issuer says, by
the hash of its bank's reference, that it has paid, or why it does not.
"""

from enum import IntEnum
from typing import Annotated, Final

from msgspec import Meta

from jifen.ledger.dates import DAY_MS, MINUTE_MS, year_and_month_of
from jifen.ledger.points.positions import Rate
from jifen.ledger.state import (
    CASHBACK,
    CASHBACK_POLICY,
    CASHBACK_USE,
    CASHBACKS_OF_ACCOUNT,
    CASHBACKS_OPEN,
)
from jifen.ledger.types import (
    AMOUNT_FEN_MAX,
    POINTS_MAX,
    AccountBytes,
    Lot,
    PointTypeName,
    PositiveQuantity,
    Quantity,
    Record,
    TimeMs,
)

DUE_DAYS_MAX: Final = 366
"""Longest time in days that an issuer may take to pay before a request is overdue."""

CASHBACKS_MAX: Final = 10**12
"""Most requests for one point type: more than a thousand years of a thousand a second."""

CashbackNumber = Annotated[int, Meta(ge=1, le=CASHBACKS_MAX)]
PaidFen = Annotated[int, Meta(ge=1, le=AMOUNT_FEN_MAX)]


class CashbackPolicy(Record, frozen=True):
    """What an issuer pays for points of a type, and how many of them.

    Invariant: the price is not zero and was within the settlement price when it was set; the caps are in order.
    """

    version: Annotated[int, Meta(ge=1)]
    """How many times it was set."""
    price: Rate
    """`price.fen` fen for `price.points` points, rounded down to the fen once a request."""
    minimum_points: Quantity
    """Fewest points of a request."""
    day_points: Quantity
    """Most points of one member in one day of the issuer's; 0: nothing is paid at present."""
    month_points: Quantity
    """Most points of one member in one month of the issuer's."""
    due_days: Annotated[int, Meta(ge=1, le=DUE_DAYS_MAX)]
    """Days after which an unpaid request is overdue."""
    requests: Annotated[int, Meta(ge=0, le=CASHBACKS_MAX)] = 0
    """Requests there ever were; they are numbered from 1."""


class CashbackStatus(IntEnum):
    """Where a request stands; from REQUESTED it goes to one of the others, for good."""

    REQUESTED = 1
    PAID = 2
    REJECTED = 3


class Cashback(Record, frozen=True):
    """A request for money.

    Invariant: while REQUESTED `lots` are the points, all of the account's own earning, and the agenda names it at `due`
    unless it is overdue; after that there are no lots.
    """

    point_type: PointTypeName
    number: CashbackNumber
    account: AccountBytes
    points: PositiveQuantity
    amount_fen: PaidFen
    """What the issuer is to pay, fen."""
    price: Rate
    policy_version: Annotated[int, Meta(ge=1)]
    requested_at: TimeMs
    due_at: TimeMs
    """Block time from which it is overdue, ms."""
    day: Annotated[int, Meta(ge=0)]
    """The issuer's day on which it was made, counted from 1 January 1970: its cap counts it there."""
    month: Annotated[int, Meta(ge=0)]
    """The issuer's month, counted from January of the year 0."""
    status: CashbackStatus = CashbackStatus.REQUESTED
    lots: tuple[Lot, ...] = ()
    overdue: bool = False
    """Whether it was, or became, overdue unpaid."""
    ended_at: TimeMs = 0
    """Block time at which it was paid or rejected, ms."""
    reference_hash: Annotated[bytes, Meta(max_length=32)] = b""
    """Thirty-two bytes: the hash of the bank's reference; none before it is paid."""
    reason: Annotated[str, Meta(max_length=200)] = ""
    """Why it was rejected."""

    @property
    def issuer(self) -> str:
        """Who is to pay."""
        return self.point_type.partition("/")[0]


class CashbackUse(Record, frozen=True):
    """How many points of a type a member has asked money for, in one day or month, without being rejected."""

    points: Annotated[int, Meta(ge=1, le=POINTS_MAX)]


def day_and_month_of(time: int, utc_offset_minutes: int) -> tuple[int, int]:
    """Return the issuer's day, counted from 1 January 1970, and its month, counted from January of the year 0."""
    day = max(0, time + utc_offset_minutes * MINUTE_MS) // DAY_MS
    year, month = year_and_month_of(day)
    return day, year * 12 + month - 1


def cashback_policy_key(point_type: str) -> bytes:
    """State key of an issuer's policy for a point type."""
    return CASHBACK_POLICY + point_type.encode()


def cashback_key(point_type: str, number: int) -> bytes:
    """State key of a request; those of one issuer stand together, each point type's in their order."""
    return CASHBACK + point_type.encode() + b"\0" + number.to_bytes(8, "big")


def cashback_of_account_key(account: bytes, requested_at: int, point_type: str, number: int) -> bytes:
    """State key of an entry of an account's list of requests, which is in order of time."""
    return CASHBACKS_OF_ACCOUNT + account + requested_at.to_bytes(8, "big") + cashback_key(point_type, number)[1:]


def open_cashback_key(point_type: str, due_at: int, number: int) -> bytes:
    """State key of an entry of the list of unpaid requests for a point type, which is in order of when they are due."""
    return CASHBACKS_OPEN + point_type.encode() + b"\0" + due_at.to_bytes(8, "big") + number.to_bytes(8, "big")


def day_use_key(account: bytes, point_type: str, day: int) -> bytes:
    """State key of what a member asked for in a day."""
    return CASHBACK_USE + account + point_type.encode() + b"\0d" + day.to_bytes(4, "big")


def month_use_key(account: bytes, point_type: str, month: int) -> bytes:
    """State key of what a member asked for in a month."""
    return CASHBACK_USE + account + point_type.encode() + b"\0m" + month.to_bytes(4, "big")
