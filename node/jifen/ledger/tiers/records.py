"""Tiers: what an organization promises to those who buy much from it, and how far a member has come.

What counts is kept apart from what can be spent: qualifying points are a number that only a member's own purchases
raise and only their refunds lower. Whoever spends, gives or receives points keeps the tier that was earned.
"""

from enum import IntEnum
from typing import Annotated, Final

from msgspec import Meta

from jifen.ledger.types import (
    POINTS_MAX,
    Height,
    PositiveQuantity,
    Quantity,
    Record,
    RuleVersion,
    Slug,
    TimeMs,
)

TIERS_MAX: Final = 20
"""Most tiers of a programme: what the largest programmes of the field allow."""

GRACE_DAYS_MAX: Final = 366
"""Longest grace, days: a year; it ends with the next period at the latest."""

PERIOD_DAYS_MAX: Final = 3660
"""Longest rolling period, days: ten years."""

RECOGNISED_TIERS_MAX: Final = 64
"""Most tiers of others in a map of recognition."""

RECOGNISED_ORGANIZATIONS_MAX: Final = 16
"""Most organizations whose tiers one other recognises: each is a look-up whenever a member's tier is asked for."""

TierName = Annotated[str, Meta(min_length=1, max_length=32)]
HeldTier = Annotated[str, Meta(pattern=r"^([a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?)?\Z", max_length=32)]
"""Id of a tier; empty: none."""
QualifyingPoints = Annotated[int, Meta(ge=-POINTS_MAX, le=POINTS_MAX)]
"""Below zero when more was refunded in a period than bought: what an earlier period had counted."""


class Tier(Record, frozen=True):
    """A rank of a programme."""

    id: Slug
    name: TierName
    """What people call it."""
    threshold: PositiveQuantity
    """Qualifying points of one period that reach it."""


class CalendarPeriod(Record, frozen=True, tag=1):
    """The same for everybody: calendar years, or calendar months, of the programme's local time."""

    monthly: bool = False


class RollingPeriod(Record, frozen=True, tag=2):
    """Each member's own: `days` local days, the first of them that of the purchase it begins with."""

    days: Annotated[int, Meta(ge=1, le=PERIOD_DAYS_MAX)]


Period = CalendarPeriod | RollingPeriod


class Downgrade(IntEnum):
    """What becomes of a tier that the points of a period do not reach again, once the grace is over."""

    NEVER = 1
    """It stays for ever, unless refunds leave less in a whole life than it asked for: then it was never earned."""
    ONE_DOWN = 2
    """It falls to the next lower one."""
    BALANCE_BASED = 3
    """It falls to the one that the points do reach, or to none."""


class TierProgramme(Record, frozen=True):
    """One version of an organization's tiers.

    Invariant: thresholds rise, no id stands twice, and every tier of the version before is still there.
    """

    version: RuleVersion
    tiers: Annotated[tuple[Tier, ...], Meta(min_length=1, max_length=TIERS_MAX)]
    """The lowest first."""
    period: Period = CalendarPeriod()
    """In which points are counted together. At its end every tier is judged by the points of that period: a tier that
    they reach is prolonged for the next one."""
    utc_offset_minutes: Annotated[int, Meta(ge=-720, le=840)] = 480
    """Local time in which periods end, as minutes ahead of UTC: 480 in China."""
    downgrade: Downgrade = Downgrade.BALANCE_BASED
    grace_days: Annotated[int, Meta(ge=0, le=GRACE_DAYS_MAX)] = 0
    """Days after a period in which what is bought still counts for it, before a tier falls; it ends with the next
    period at the latest."""


class RecognisedTier(Record, frozen=True):
    """Whoever has `tier` of `organization` is treated as having `counts_as` here."""

    organization: Slug
    tier: Slug
    counts_as: Slug


class Recognition(Record, frozen=True):
    """One version of the map by which an organization recognises the tiers of others.

    Only tiers that were earned there count, never recognised ones: a map leads one step far and no further.

    Invariant: entries stand in order of organization and tier, none twice, none of the organization itself; all tiers
    exist.
    """

    version: RuleVersion
    entries: Annotated[tuple[RecognisedTier, ...], Meta(max_length=RECOGNISED_TIERS_MAX)]


class TierBook(Record, frozen=True):
    """What the ledger looks at when somebody buys from an organization, in one look-up."""

    programme: TierProgramme | None = None
    recognition: Recognition | None = None
    standing_orders: Quantity = 0
    """Members' standing orders to redeem this organization's points automatically."""


class Membership(Record, frozen=True):
    """How far an account has come in an organization's programme.

    Invariant: `tier` is one of the programme or empty; a grace is given to a tier only and ends no later than the
    period; the agenda names the membership at `due`.
    """

    tier: HeldTier
    since: TimeMs
    """Block time at which it came to this tier, ms; 0 while it never had one."""
    height: Height
    """Of the block in whose receipts the last change of the tier is told; 0 while it never had one."""
    points: QualifyingPoints
    """Qualifying points of the period that runs until `period_end`."""
    period_end: TimeMs
    """Block time, ms. While there is no tier nothing happens then; the next purchase begins a new period."""
    judged: QualifyingPoints = 0
    """Of the period before and of the grace that it is given."""
    grace_until: TimeMs = 0
    """Block time at which the grace is over, ms; 0: none is given."""
    lifetime: Quantity = 0
    """Qualifying points ever earned, less those of refunds."""
    asked: Quantity = 0
    """Qualifying points that its tier asked for when it was reached; 0 without a tier."""

    @property
    def due(self) -> int:
        """Block time at which the tier is judged, ms; 0 while there is none."""
        return (self.grace_until or self.period_end) if self.tier else 0


EMPTY_BOOK: Final = TierBook()
