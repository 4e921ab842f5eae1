"""Records of paying with points: who takes which points at which rate, what is held, and what was paid.

Rates are such that every admissible number of points is worth a whole number of fen, so nothing is ever rounded: the
step of an acceptance times its rate is a whole number.
"""

from typing import Annotated, Final

from msgspec import Meta

from jifen.ledger.points.positions import Rate
from jifen.ledger.terms.records import TermsVersionNumber
from jifen.ledger.types import (
    AccountBytes,
    AmountFen,
    HashBytes,
    Lot,
    OrderId,
    PointTypeName,
    PositiveQuantity,
    Quantity,
    RateTerm,
    Record,
    Slug,
    TimeMs,
)

BASIS_POINTS: Final = 10_000
"""The whole, in hundredths of a percent."""

PARTS_MAX: Final = 8
"""Most point types in one payment: nobody looks through more at a till."""

PAYMENT_LOTS_MAX: Final = 366
"""Most lots that one payment or hold keeps for a refund: a year of daily ones, some 10 kB."""

HOLDS_MAX: Final = 16
"""Most holds that one account has open: of hotels and hired cars, at different places, nobody has more."""

HOLD_MS_MAX: Final = 30 * 24 * 60 * 60 * 1000
"""Longest time that points are held, ms: what takes longer to be delivered is held anew."""

VERSION_MAX: Final = 10**6
"""Largest version of an acceptance or policy: far beyond any number of changes."""

REVISION_MAX: Final = 10**9
"""Largest revision of all policies together: more than the versions of all organizations."""

BasisPoints = Annotated[int, Meta(ge=1, le=BASIS_POINTS)]
Version = Annotated[int, Meta(ge=1, le=VERSION_MAX)]
Revision = Annotated[int, Meta(ge=0, le=REVISION_MAX)]
"""How many payment policies had been set; 0: none, so that points might pay everything."""


class Acceptance(Record, frozen=True):
    """One version of how an organization takes one point type in payment.

    Invariant: `step_points` are worth a whole number of fen at the rate, and `minimum_points` are whole steps;
    `utc_offset_minutes` is the same in all versions.
    """

    version: Version
    rate_points: RateTerm
    """`rate_points` points pay ..."""
    rate_fen: RateTerm
    """... `rate_fen` fen of an order."""
    minimum_points: PositiveQuantity
    """Fewest points of the type in one payment."""
    step_points: PositiveQuantity
    """Payments are whole multiples of this."""
    share_bp: BasisPoints
    """Largest part of an order that these points pay, in basis points; rounded down to the fen."""
    daily_fen: AmountFen
    """Most that the organization takes in these points in one of its days, fen."""
    utc_offset_minutes: Annotated[int, Meta(ge=-720, le=840)] = 0
    """Local time in which the organization's days end, as minutes ahead of UTC: 480 in China."""
    active: bool = True
    """False: not taken any more; a later version may take them again."""


class AcceptanceRecord(Record, frozen=True):
    """The acceptance in force, or in the history one that was.

    Invariant: in the history `day` and `taken_fen` are 0.
    """

    acceptance: Acceptance
    published_at: TimeMs
    """Block time of the transaction that published it, ms."""
    transaction_id: HashBytes
    day: TimeMs = 0
    """Start of the local day in which points were taken last, ms."""
    taken_fen: Quantity = 0
    """Worth of what was taken in that day, and of what was held in it and is not released; refunds do not count."""


class PaymentPolicy(Record, frozen=True):
    """How far an organization lets orders be paid with points; a mall's binds its merchants as well."""

    organization: Slug
    version: Version
    share_bp: BasisPoints
    """Largest part of an order that points of all types pay together, in basis points; rounded down to the fen."""
    daily_fen: AmountFen
    """Most that is taken in one point type in one day, fen."""
    of_mall: bool


class PaymentPolicies(Record, frozen=True):
    """Every organization's policy, after one of them was set: those in force, or in the history some that were.

    Invariant: sorted by organization, which stands once; the versions together are `revision`. The history has every
    revision from 1 to the one in force (I10).
    """

    policies: tuple[PaymentPolicy, ...]
    revision: Revision


class PaidPart(Record, frozen=True):
    """Points of one type that paid for an order, or are held for one.

    Invariant: `points` at the rate are a whole number of fen; `lots` are those of them that were not given back, in
    spending order, and hold at most `points`.
    """

    point_type: PointTypeName
    points: PositiveQuantity
    rate: Rate
    """At which they pay, as it was then; in lowest terms."""
    acceptance_version: Version
    lots: tuple[Lot, ...]
    day: TimeMs
    """Start of the local day of the organization in which they count against its daily cap, ms."""
    terms_version: TermsVersionNumber
    """Version of the issuer's terms that let the organization take them."""

    @property
    def fen(self) -> int:
        """What they pay."""
        return self.points * self.rate.fen // self.rate.points


class OrderPayment(Record, frozen=True):
    """An order paid with points (invariant I3): unique for merchant and order id.

    Invariant: the parts together pay at most `amount_fen`; `refunded_fen <= amount_fen`; of every part's units of
    whole fen `units * refunded_fen // amount_fen` were given back.
    """

    transaction_id: HashBytes
    account: AccountBytes
    order_hash: HashBytes
    """Hash of what was ordered, salted by the merchant."""
    amount_fen: AmountFen
    """What the order came to, in points and money."""
    parts: tuple[PaidPart, ...]
    refunded_fen: AmountFen = 0


class Hold(Record, frozen=True):
    """Points set aside for an order that is not delivered yet.

    Invariant: the agenda names it at `until`.
    """

    account: AccountBytes
    organization: Slug
    """The only one that can capture it."""
    order_id: OrderId
    order_hash: HashBytes
    amount_fen: AmountFen
    """What the order will come to at most."""
    share_bp: BasisPoints
    """Largest part of the order that points of all types pay together, as it was when they were held."""
    parts: tuple[PaidPart, ...]
    until: TimeMs
    """Block time at which they come back, ms."""
    policies_revision: Revision = 0
    """Of the payment policies that gave `share_bp`."""
