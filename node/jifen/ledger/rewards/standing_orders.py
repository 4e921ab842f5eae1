"""Standing orders of members: redeem a chosen reward whenever purchases have brought enough points."""

from typing import Annotated, Final

from msgspec import Meta

from jifen.ledger.bodies import TransactionBody
from jifen.ledger.dates import DAY_MS
from jifen.ledger.effects import Effect
from jifen.ledger.rewards.records import RewardName
from jifen.ledger.types import AccountBytes, HashBytes, PointTypeName, PositiveQuantity, Record, Slug, TimeMs

PER_DAY_MAX: Final = 10
"""Most automatic redemptions of one order in a day, and so in one purchase: what the field allows."""

ORDER_LIFE_MS_MAX: Final = 366 * DAY_MS
"""Longest life of an order, ms: nobody remembers an older one."""

PerDay = Annotated[int, Meta(ge=1, le=PER_DAY_MAX)]


class SetAutoRedemption(TransactionBody, frozen=True, tag=80):
    """Have a reward redeemed by itself; signed with the account's current key. It takes an earlier order's place.

    Whenever a purchase at `organization` leaves at least `threshold` of its consumer points to be spent, the reward is
    redeemed for such points, at a price of at most `threshold`, after the tier was raised if it was reached.
    """

    account: AccountBytes
    organization: Slug
    reward: RewardName
    threshold: PositiveQuantity
    per_day: PerDay
    until: TimeMs
    """Last block time, ms, at which it is carried out."""


class CancelAutoRedemption(TransactionBody, frozen=True, tag=81):
    """Take a standing order back; signed as SetAutoRedemption is."""

    account: AccountBytes
    organization: Slug


class AutoRedemptionSet(Effect, frozen=True, tag=83):
    """A member's standing order holds."""

    account: AccountBytes
    organization: Slug
    reward: RewardName
    threshold: PositiveQuantity
    per_day: PerDay
    until: TimeMs


class AutoRedemptionEnded(Effect, frozen=True, tag=84):
    """A standing order holds no more."""

    account: AccountBytes
    organization: Slug
    reward: RewardName
    lapsed: bool
    """Whether its time was over; else the member took it back."""


class AutoRedeemed(Effect, frozen=True, tag=85):
    """A standing order was carried out; the effect after this one says what was redeemed."""

    account: AccountBytes
    organization: Slug
    reward: RewardName
    point_type: PointTypeName
    threshold: PositiveQuantity
    today: PerDay
    """The how manieth of its day it was."""
    order: HashBytes
    """Transaction by which the member asked for it (invariant I5)."""


class StandingOrder(Record, frozen=True, tag=4):
    """What a member has asked for, and how often it was done."""

    transaction_id: HashBytes
    """Transaction by which the member asked for it."""
    reward: RewardName
    threshold: PositiveQuantity
    per_day: PerDay
    until: TimeMs
    day: Annotated[int, Meta(ge=-1, le=10**7)] = 0
    """Newest local day on which it was carried out, counted from 1 January 1970."""
    done: Annotated[int, Meta(ge=0, le=PER_DAY_MAX)] = 0
    """How often on that day. Invariant: at most `per_day`."""
