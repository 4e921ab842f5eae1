"""Point types and their terms: what an issuer promises about its points.

Terms are versioned. A version is published with the time from which it holds, which is never in the past; until then
the version before holds. Points keep the dates that the terms in force gave them when they were earned, so no later
version touches them.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from jifen.hashing import TERMS
from jifen.ledger.dates import DAY_MS, MINUTE_MS, day_end, day_of_date, day_start, year_and_month_of
from jifen.ledger.types import (
    AMOUNT_FEN_MAX,
    POINTS_MAX,
    RATE_TERM_MAX,
    TIME_MAX,
    HashBytes,
    PointTypeName,
    PositiveQuantity,
    Quantity,
    RateTerm,
    Record,
    RoleClass,
    RuleVersion,
    Slug,
    TimeMs,
)

TERM_DAYS_MAX: Final = 36_500
"""Longest life or waiting time in days: a hundred years."""

PERIODS_MAX: Final = 1200
"""Most periods of a calendar expiry: a hundred years of months."""

DECIMALS_MAX: Final = 6
"""Most decimals that points are shown with; the ledger counts the smallest unit."""

NOTICE_MS_MAX: Final = 366 * DAY_MS
"""Terms may be published at most this long before they hold: nobody remembers an older announcement."""

ACCEPTING_MAX: Final = 64
"""Most organizations on an acceptance list: all of an alliance."""

TERMS_VERSION_MAX: Final = 10**6
"""Largest version of terms: far beyond any number of changes."""

TRANSFERS_A_DAY: Final = 30
"""How often a member passes points of a type on in a day, unless the issuer says otherwise: once in half an hour."""

RECEIPTS_A_DAY: Final = 100
"""How often a member receives points of a type from others in a day, unless the issuer says otherwise."""

MOVES_MAX: Final = 10**6
"""Most movements a day that terms can allow: as good as no limit."""

PERCENT_MAX: Final = 100
"""A swap settles points at no more than the settlement price: it would promise what the issuer has not."""

SWAP_LOWEST_PERCENT: Final = 50
"""A swap settles points at no less than half their settlement price, unless the issuer says otherwise: below that it
may be a sale of stolen points, or a slip."""

Days = Annotated[int, Meta(ge=1, le=TERM_DAYS_MAX)]
TermsVersionNumber = Annotated[int, Meta(ge=1, le=TERMS_VERSION_MAX)]


class NeverExpires(Record, frozen=True, tag=1):
    """Points live for ever: the default."""


class RollingExpiry(Record, frozen=True, tag=2):
    """Points expire at the end of the local day `days` days after the one on which they were earned."""

    days: Days


class CalendarExpiry(Record, frozen=True, tag=3):
    """Points expire at the end of a stated day of every year or month.

    The first such end after the earn, and then `periods` periods later.
    """

    month: Annotated[int, Meta(ge=0, le=12)]
    """Month of the year, 1 to 12; 0: every month, and a period is a month."""
    day: Annotated[int, Meta(ge=1, le=31)]
    """Day of the month; past the month's end it is the last day."""
    periods: Annotated[int, Meta(ge=0, le=PERIODS_MAX)]


class SlidingExpiry(Record, frozen=True, tag=4):
    """Points expire at the end of the local day `days` days after the account last earned points of the type.

    Only what an account has earned itself slides, and only earning makes it: what it was given keeps its date
    (invariant I9).
    """

    days: Days


class ImmediatelyAvailable(Record, frozen=True, tag=1):
    """Points can be spent at once: the default."""


class AvailableAfterDays(Record, frozen=True, tag=2):
    """Points can be spent from the end of the local day `days` days after the one on which they were earned."""

    days: Days


class AvailableOnConfirmation(Record, frozen=True, tag=3):
    """Points can be spent once the merchant has confirmed their order (`confirmOrder`)."""


class Unbacked(Record, frozen=True, tag=1):
    """Nobody but the issuer stands behind the points; its cap is its own word."""


class Deposit(Record, frozen=True, tag=2):
    """Money that the issuer has left with another organization, the guarantor (a prepaid block of points)."""

    guarantor: Slug
    amount_fen: Annotated[int, Meta(ge=0, le=AMOUNT_FEN_MAX)]


class CreditLine(Record, frozen=True, tag=3):
    """What another organization, the guarantor, answers for (points paid for later)."""

    guarantor: Slug
    amount_fen: Annotated[int, Meta(ge=0, le=AMOUNT_FEN_MAX)]


Expiry = NeverExpires | RollingExpiry | CalendarExpiry | SlidingExpiry
Pending = ImmediatelyAvailable | AvailableAfterDays | AvailableOnConfirmation
Backing = Unbacked | Deposit | CreditLine


class MovingLimits(Record, frozen=True):
    """What a member may do with points of the type on one day of the issuer's: against stolen keys and resale.

    A swap counts as what is passed on by either side and received by the other.
    """

    transfers: Annotated[int, Meta(ge=1, le=MOVES_MAX)] = TRANSFERS_A_DAY
    """Most times that an account passes points on."""
    points: PositiveQuantity = POINTS_MAX
    """Most points that it passes on in all; POINTS_MAX: as many as it has."""
    receipts: Annotated[int, Meta(ge=1, le=MOVES_MAX)] = RECEIPTS_A_DAY
    """Most times that it receives points from members."""


class SwapCorridor(Record, frozen=True):
    """What a member's swap may settle the points at, in percent of the settlement price: invariant I7b.

    The two members name one value in fen for both legs; it must lie in the corridors of both types. Points without a
    settlement price have none, and are not swapped. Invariant: `lowest_percent <= highest_percent`.
    """

    lowest_percent: Annotated[int, Meta(ge=0, le=PERCENT_MAX)] = SWAP_LOWEST_PERCENT
    highest_percent: Annotated[int, Meta(ge=1, le=PERCENT_MAX)] = PERCENT_MAX


class Terms(Record, frozen=True):
    """One version of what an issuer promises about a point type.

    Invariant: `accepted_by` is sorted, names nobody twice and not the issuer; a guarantor is not the issuer; points are
    available before they can expire; a backed `issue_cap` at the settlement price is worth at most the backing.
    """

    version: TermsVersionNumber = 1
    effective_from: TimeMs = 0
    """Block time, ms, from which it holds. In a transaction 0 means: from its block on."""
    decimals: Annotated[int, Meta(ge=0, le=DECIMALS_MAX)] = 0
    """Decimals that points are shown with; the same in all versions."""
    settlement_points: RateTerm = 1
    """The issuer buys `settlement_points` points back ..."""
    settlement_fen: Annotated[int, Meta(ge=0, le=RATE_TERM_MAX)] = 0
    """... for `settlement_fen` fen; 0 while it names no price."""
    expiry: Expiry = NeverExpires()
    pending: Pending = ImmediatelyAvailable()
    utc_offset_minutes: Annotated[int, Meta(ge=-720, le=840)] = 0
    """Local time in which days end, as minutes ahead of UTC: 480 in China."""
    transferable: bool = True
    """Whether members may pass these points to each other."""
    swappable: bool = False
    """Whether members may swap these points for those of another type."""
    cashable: bool = False
    """Whether members may ask the issuer for money in place of points they have earned."""
    accepted_by: Annotated[tuple[Slug, ...], Meta(max_length=ACCEPTING_MAX)] = ()
    """Organizations beside the issuer at which the points can be spent."""
    issue_cap: Quantity = POINTS_MAX
    """Most points that may be outstanding (issued, neither burned nor expired) after an earn; POINTS_MAX: no cap."""
    backing: Backing = Unbacked()
    """What stands behind the points; its guarantor has signed for it."""
    limits: MovingLimits = MovingLimits()
    corridor: SwapCorridor = SwapCorridor()


class PointType(Record, frozen=True):
    """One kind of points: who issues it, for whom, the flat rate at which purchases earn it, and its terms.

    Invariant: a scheduled version is the newest, and the agenda names the point type at the time it will hold from.
    """

    id: PointTypeName
    issuer: Slug
    role: RoleClass
    rule_version: RuleVersion
    """Version of the earning rule below; every receipt names the one it used (invariant I10)."""
    earn_points: RateTerm
    """Points earned for every `earn_fen` fen spent."""
    earn_fen: RateTerm
    """Fen that earn `earn_points` points; the quotient is rounded down once per order."""
    terms: Terms = Terms()
    """The terms in force, unless `scheduled` has come into force since; ask `terms_in_force`."""
    scheduled: Terms | None = None
    """A later version that is published and does not hold yet."""


class TermsRecord(Record, frozen=True):
    """A version of terms for the history: it stays for ever."""

    terms: Terms
    hash: HashBytes
    """Of point type and terms; what people compare and point to."""
    published_at: TimeMs
    """Block time of the transaction that published it, ms; of genesis for a version that it carried."""
    transaction_id: HashBytes
    """Transaction that published it, which shows who signed; zero for a version of genesis."""


_encode: Final = msgspec.msgpack.Encoder().encode


def terms_hash(point_type: str, terms: Terms) -> bytes:
    """Return the 32-byte hash of a version: of the canonical msgpack of point type and terms."""
    return TERMS(_encode((point_type, terms)))


def terms_in_force(point_type: PointType, time: int) -> Terms:
    """Return the terms that hold at a block time, ms; the agenda may not have got to a scheduled version yet."""
    scheduled = point_type.scheduled
    if scheduled is not None and scheduled.effective_from <= time:
        return scheduled
    return point_type.terms


def newest_terms(point_type: PointType) -> Terms:
    """Return the version published last, whether it holds yet or not."""
    return point_type.scheduled or point_type.terms


def expiry_of(terms: Terms, earned_at: int) -> int:
    """Return when points earned at a block time expire, ms; 0: never."""
    expiry = terms.expiry
    if isinstance(expiry, NeverExpires):
        return 0
    if isinstance(expiry, CalendarExpiry):
        end = _calendar_end(expiry, earned_at, terms.utc_offset_minutes)
    else:
        end = day_end(earned_at, expiry.days, terms.utc_offset_minutes)
    return min(end, TIME_MAX)


def renewal_days_of(terms: Terms) -> int:
    """Return by how many days after an earn the points that slide live on; 0 when they do not slide."""
    return terms.expiry.days if isinstance(terms.expiry, SlidingExpiry) else 0


def availability_of(terms: Terms, earned_at: int) -> int:
    """Return from when points earned at a block time can be spent, ms.

    For those that need no waiting, or wait for a confirmation, it is the start of their local day, so that the lots of
    a day are one.
    """
    if isinstance(terms.pending, AvailableAfterDays):
        return min(day_end(earned_at, terms.pending.days, terms.utc_offset_minutes), TIME_MAX)
    return max(0, day_start(earned_at, terms.utc_offset_minutes))


def _calendar_end(expiry: CalendarExpiry, earned_at: int, utc_offset_minutes: int) -> int:
    local = earned_at + utc_offset_minutes * MINUTE_MS
    today = local // DAY_MS
    year, month = year_and_month_of(today)
    if expiry.month:
        years = 0 if today <= day_of_date(year, expiry.month, expiry.day) else 1
        last = day_of_date(year + years + expiry.periods, expiry.month, expiry.day)
    else:
        months = year * 12 + month - 1 + expiry.periods
        months += 0 if today <= day_of_date(year, month, expiry.day) else 1
        last = day_of_date(months // 12, months % 12 + 1, expiry.day)
    return (last + 1) * DAY_MS - utc_offset_minutes * MINUTE_MS
