"""Effects of rewards and their redemption."""

from jifen.ledger.effects import Effect
from jifen.ledger.points.positions import Rate
from jifen.ledger.rewards.records import Commitment, PriceTier, RedemptionNumber, RewardName, RewardVersionNumber, Units
from jifen.ledger.types import AccountBytes, PointTypeName, PositiveQuantity, Quantity, TimeMs


class RewardPublished(Effect, frozen=True, tag=51):
    """A version of a reward was published."""

    reward: RewardName
    version: RewardVersionNumber
    stock_after: Units


class RewardCodesAdded(Effect, frozen=True, tag=52):
    """Codes were put in stock."""

    reward: RewardName
    first: RedemptionNumber
    """Number of the first of them; the others follow."""
    added: RedemptionNumber
    stock_after: Units


class RewardRestocked(Effect, frozen=True, tag=53):
    """Units were put in stock."""

    reward: RewardName
    added: RedemptionNumber
    stock_after: Units


class RewardWithdrawn(Effect, frozen=True, tag=54):
    """Nobody redeems the reward any more."""

    reward: RewardName
    version: RewardVersionNumber


class RewardRedeemed(Effect, frozen=True, tag=95):
    """Points were taken for a reward, and the right to it given: both or neither."""

    reward: RewardName
    number: RedemptionNumber
    """Of the redemption, among those of the reward."""
    version: RewardVersionNumber
    account: AccountBytes
    point_type: PointTypeName
    points: PositiveQuantity
    tier: PriceTier
    """Whose price it was; empty: everybody's."""
    rate: Rate
    """At which the organization takes the points in."""
    commitment: Commitment
    """To the code that the member gets; empty when there is none."""
    due: TimeMs
    """Block time at which it is cancelled unless it is fulfilled, ms; 0: it is fulfilled already."""
    stock_after: Units
    available_after: Quantity


class RedemptionFulfilled(Effect, frozen=True, tag=96):
    """A reward was handed over: its points are burned at their issuer, or passed to the organization at the rate."""

    reward: RewardName
    number: RedemptionNumber
    account: AccountBytes
    point_type: PointTypeName
    points: PositiveQuantity
    rate: Rate
    burned: bool
    """Whether the organization is the issuer."""


class RedemptionCancelled(Effect, frozen=True, tag=97):
    """The points of a redemption came back as the lots they were, and the unit to the stock; a code never comes back,
    because somebody may have seen it."""

    reward: RewardName
    number: RedemptionNumber
    account: AccountBytes
    point_type: PointTypeName
    points: PositiveQuantity
    debt_repaid: Quantity
    """Part of `points` that went to repay what refunds had left owing."""
    available_after: Quantity
    stock_after: Units
    reason: str
    """Of who cancelled it; empty when its time had run out."""
