"""Bonuses and adjustments: points that an organization gives or takes by hand, and what keeps that in bounds."""

from enum import IntEnum
from typing import Annotated, Final

from msgspec import Meta

from jifen.ledger.types import (
    POINTS_MAX,
    RULE_VERSION_MAX,
    AccountBytes,
    HashBytes,
    PositiveQuantity,
    Quantity,
    Record,
)

STAFF_MAX: Final = 256
"""Most accounts that a policy names as those of staff."""

GRANTS_PER_DAY_MAX: Final = 10**6
"""Largest number of goodwill grants that a policy lets one operator make in a day."""

REASON_LENGTH_MAX: Final = 200
"""Longest reason, characters: a sentence. It is public for ever, so it names no person."""

Reason = Annotated[str, Meta(min_length=1, max_length=REASON_LENGTH_MAX)]
PolicyVersion = Annotated[int, Meta(ge=0, le=RULE_VERSION_MAX)]
"""Of a bonus policy; 0: the defaults, as long as none is set."""


class BonusCause(IntEnum):
    """Why an organization grants points; with the cause's key it makes sure that nobody is granted twice."""

    WELCOME = 1
    """Joining: once for every account and issuer, whatever the key."""
    EVENT = 2
    """Coming to an event: once for every account, organization that held it and event."""
    SPECIAL = 3
    """A special purchase (birthday, first order): once for every account and key."""
    GOODWILL = 4
    """Making something good, or a kindness: once for every key of the issuer, a complaint's number for example."""


class AdjustmentReason(IntEnum):
    """Why an organization corrects an account: forced actions have an enumerated reason (invariant I5)."""

    CORRECTION = 1
    """Something was booked wrongly."""
    MISUSE = 2
    """Points had been got by abuse."""
    MIGRATION = 3
    """Points come from, or go to, a book kept elsewhere."""
    LEGAL_ORDER = 4
    """A court or authority has ordered it."""


class Direction(IntEnum):
    """Which way points go."""

    CREDIT = 1
    DEBIT = 2


class BonusPolicy(Record, frozen=True):
    """One version of the limits within which an organization's operators grant and adjust.

    The defaults hold for whoever has set nothing: small enough that a thief of a clerk's key gains little.

    Invariant: `staff` is sorted and names nobody twice; `two_operators_above <= grant_max`.
    """

    version: PolicyVersion = 0
    grant_max: PositiveQuantity = 1000
    """Most points of one bonus."""
    two_operators_above: Quantity = 500
    """A bonus or adjustment of more points needs the signatures of two operators."""
    clerk_points_per_day: Quantity = 10_000
    """Most points that one operator grants and adjusts in a local day."""
    clerk_goodwill_per_day: Annotated[int, Meta(ge=0, le=GRANTS_PER_DAY_MAX)] = 5
    """Most GOODWILL grants that one operator makes in a local day."""
    budget: Quantity = POINTS_MAX
    """Most points that bonuses may come to under this version; POINTS_MAX: no budget."""
    utc_offset_minutes: Annotated[int, Meta(ge=-720, le=840)] = 480
    """Local time in which an operator's day ends, as minutes ahead of UTC: 480 in China."""
    staff: Annotated[tuple[AccountBytes, ...], Meta(max_length=STAFF_MAX)] = ()
    """Accounts that can be granted and credited nothing: those of the people who hold the keys."""


class BonusBook(Record, frozen=True, tag=1):
    """What an organization's bonuses are bound by and have come to.

    Invariant: `granted` is within the policy's budget.
    """

    policy: BonusPolicy = BonusPolicy()
    granted: Quantity = 0
    """Points of bonuses under this version of the policy."""


class BonusMark(Record, frozen=True, tag=2):
    """Proof that a cause was made use of (invariant I3)."""

    transaction_id: HashBytes
    account: AccountBytes
    points: PositiveQuantity


class ClerkDay(Record, frozen=True, tag=3):
    """What one operator has granted and adjusted on the newest day on which he did."""

    day: Annotated[int, Meta(ge=-1, le=10**7)]
    """Local day, counted from 1 January 1970."""
    points: Quantity
    goodwill: Annotated[int, Meta(ge=0, le=GRANTS_PER_DAY_MAX)]


DEFAULT_BOOK: Final = BonusBook()
