"""Effects of rewards, redemptions and cash back."""

from __future__ import annotations

import strawberry

from jifen.ledger.cashback import effects as cashback_effects
from jifen.ledger.points import positions
from jifen.ledger.rewards import effects as ledger
from jifen.ledger.types import AccountId
from jifen_graphql.schema.scalars import DateTime, Hash, Points


@strawberry.type(description="What points are worth in a trade: `points` of them are worth `fen` fen, exactly.")
class TradeRate:
    """A rate of points to money."""

    points: Points
    fen: Points

    @classmethod
    def of(cls, rate: positions.Rate) -> TradeRate:
        """Return the API's form of a rate."""
        return cls(points=Points(rate.points), fen=Points(rate.fen))


@strawberry.type(description="A version of a reward was published.")
class RewardPublished:
    """Effect of `publishReward`."""

    reward: str
    reward_version: int
    stock_after: int

    @classmethod
    def of(cls, effect: ledger.RewardPublished) -> RewardPublished:
        """Return the API's form of an effect."""
        return cls(reward=effect.reward, reward_version=effect.version, stock_after=effect.stock_after)


@strawberry.type(description="Codes were put in stock.")
class RewardCodesAdded:
    """Effect of `addRewardCodes`."""

    reward: str
    first: int = strawberry.field(description="Number of the first of them; the others follow.")
    added: int
    stock_after: int

    @classmethod
    def of(cls, effect: ledger.RewardCodesAdded) -> RewardCodesAdded:
        """Return the API's form of an effect."""
        return cls(reward=effect.reward, first=effect.first, added=effect.added, stock_after=effect.stock_after)


@strawberry.type(description="Units were put in stock.")
class RewardRestocked:
    """Effect of `restockReward`."""

    reward: str
    added: int
    stock_after: int

    @classmethod
    def of(cls, effect: ledger.RewardRestocked) -> RewardRestocked:
        """Return the API's form of an effect."""
        return cls(reward=effect.reward, added=effect.added, stock_after=effect.stock_after)


@strawberry.type(description="Nobody redeems the reward until its next version is published.")
class RewardWithdrawn:
    """Effect of `withdrawReward`."""

    reward: str
    reward_version: int

    @classmethod
    def of(cls, effect: ledger.RewardWithdrawn) -> RewardWithdrawn:
        """Return the API's form of an effect."""
        return cls(reward=effect.reward, reward_version=effect.version)


@strawberry.type(description="Points were taken for a reward, and the right to it given: both or neither.")
class RewardRedeemed:
    """Effect of `redeemReward`."""

    reward: str
    redemption_number: int = strawberry.field(description="Among the redemptions of the reward.")
    reward_version: int
    account: AccountId
    point_type: str
    points: Points
    price_tier: str | None = strawberry.field(description="The tier whose price it was; null: everybody's.")
    trade_rate: TradeRate = strawberry.field(description="At which the organization takes the points in.")
    commitment: Hash | None = strawberry.field(description="To the code that the member gets; null without one.")
    held_until: DateTime | None = strawberry.field(
        description="When it is cancelled unless it is fulfilled; null: it is fulfilled already."
    )
    stock_after: int
    available_after: Points

    @classmethod
    def of(cls, effect: ledger.RewardRedeemed) -> RewardRedeemed:
        """Return the API's form of an effect."""
        return cls(
            reward=effect.reward,
            redemption_number=effect.number,
            reward_version=effect.version,
            account=AccountId(effect.account),
            point_type=effect.point_type,
            points=Points(effect.points),
            price_tier=effect.tier or None,
            trade_rate=TradeRate.of(effect.rate),
            commitment=Hash(effect.commitment) if effect.commitment else None,
            held_until=DateTime(effect.due) if effect.due else None,
            stock_after=effect.stock_after,
            available_after=Points(effect.available_after),
        )


@strawberry.type(description="A reward was handed over; its points are burned, or the organization's at the rate.")
class RedemptionFulfilled:
    """Effect of `fulfilRedemption`, and of `redeemReward` where there is nothing to hand over."""

    reward: str
    redemption_number: int
    account: AccountId
    point_type: str
    points: Points
    trade_rate: TradeRate
    burned: bool = strawberry.field(description="Whether the organization is the points' issuer.")

    @classmethod
    def of(cls, effect: ledger.RedemptionFulfilled) -> RedemptionFulfilled:
        """Return the API's form of an effect."""
        return cls(
            reward=effect.reward,
            redemption_number=effect.number,
            account=AccountId(effect.account),
            point_type=effect.point_type,
            points=Points(effect.points),
            trade_rate=TradeRate.of(effect.rate),
            burned=effect.burned,
        )


@strawberry.type(
    description="The points of a redemption came back as the lots they were, and the unit to the stock; a code never."
)
class RedemptionCancelled:
    """Effect of `cancelRedemption`, and of time."""

    reward: str
    redemption_number: int
    account: AccountId
    point_type: str
    points: Points
    debt_repaid: Points = strawberry.field(description="Part of the points that repaid what refunds had left owing.")
    available_after: Points
    stock_after: int
    cancelled_because: str | None = strawberry.field(description="Who cancelled says why; null: time had run out.")

    @classmethod
    def of(cls, effect: ledger.RedemptionCancelled) -> RedemptionCancelled:
        """Return the API's form of an effect."""
        return cls(
            reward=effect.reward,
            redemption_number=effect.number,
            account=AccountId(effect.account),
            point_type=effect.point_type,
            points=Points(effect.points),
            debt_repaid=Points(effect.debt_repaid),
            available_after=Points(effect.available_after),
            stock_after=effect.stock_after,
            cancelled_because=effect.reason or None,
        )


@strawberry.type(description="An issuer said what it pays for points of a type.")
class CashbackPolicySet:
    """Effect of `setCashbackPolicy`."""

    point_type: str
    policy_version: int
    trade_rate: TradeRate
    minimum_points: Points
    day_points: Points
    month_points: Points
    due_days: int

    @classmethod
    def of(cls, effect: cashback_effects.CashbackPolicySet) -> CashbackPolicySet:
        """Return the API's form of an effect."""
        return cls(
            point_type=effect.point_type,
            policy_version=effect.version,
            trade_rate=TradeRate.of(effect.price),
            minimum_points=Points(effect.minimum_points),
            day_points=Points(effect.day_points),
            month_points=Points(effect.month_points),
            due_days=effect.due_days,
        )


@strawberry.type(description="Points were held and money asked for: points x tradeRate, rounded down to the fen.")
class CashbackRequested:
    """Effect of `requestCashback`, with its arithmetic (invariant I10)."""

    point_type: str
    cashback_number: int = strawberry.field(description="Among the cash backs for the point type.")
    account: AccountId
    points: Points
    trade_rate: TradeRate
    policy_version: int
    amount_fen: Points
    due_at: DateTime
    available_after: Points

    @classmethod
    def of(cls, effect: cashback_effects.CashbackRequested) -> CashbackRequested:
        """Return the API's form of an effect."""
        return cls(
            point_type=effect.point_type,
            cashback_number=effect.number,
            account=AccountId(effect.account),
            points=Points(effect.points),
            trade_rate=TradeRate.of(effect.price),
            policy_version=effect.policy_version,
            amount_fen=Points(effect.amount_fen),
            due_at=DateTime(effect.due_at),
            available_after=Points(effect.available_after),
        )


@strawberry.type(description="The issuer says that it has paid; the points are burned.")
class CashbackConfirmed:
    """Effect of `confirmCashback`."""

    point_type: str
    cashback_number: int
    account: AccountId
    points: Points
    amount_fen: Points
    reference_hash: Hash = strawberry.field(description="Of the bank's reference.")
    overdue: bool

    @classmethod
    def of(cls, effect: cashback_effects.CashbackConfirmed) -> CashbackConfirmed:
        """Return the API's form of an effect."""
        return cls(
            point_type=effect.point_type,
            cashback_number=effect.number,
            account=AccountId(effect.account),
            points=Points(effect.points),
            amount_fen=Points(effect.amount_fen),
            reference_hash=Hash(effect.reference_hash),
            overdue=effect.overdue,
        )


@strawberry.type(description="The issuer does not pay; the points came back as the lots they were.")
class CashbackRejected:
    """Effect of `rejectCashback`."""

    point_type: str
    cashback_number: int
    account: AccountId
    points: Points
    debt_repaid: Points
    available_after: Points
    rejected_because: str

    @classmethod
    def of(cls, effect: cashback_effects.CashbackRejected) -> CashbackRejected:
        """Return the API's form of an effect."""
        return cls(
            point_type=effect.point_type,
            cashback_number=effect.number,
            account=AccountId(effect.account),
            points=Points(effect.points),
            debt_repaid=Points(effect.debt_repaid),
            available_after=Points(effect.available_after),
            rejected_because=effect.reason,
        )


@strawberry.type(description="The issuer has not paid in its time; the points stay held.")
class CashbackOverdue:
    """Effect of time."""

    point_type: str
    cashback_number: int
    account: AccountId
    points: Points
    amount_fen: Points
    due_at: DateTime

    @classmethod
    def of(cls, effect: cashback_effects.CashbackOverdue) -> CashbackOverdue:
        """Return the API's form of an effect."""
        return cls(
            point_type=effect.point_type,
            cashback_number=effect.number,
            account=AccountId(effect.account),
            points=Points(effect.points),
            amount_fen=Points(effect.amount_fen),
            due_at=DateTime(effect.due_at),
        )
