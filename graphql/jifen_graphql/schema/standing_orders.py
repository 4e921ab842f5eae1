"""Standing orders of members: their effects, and what stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import strawberry

from jifen.ledger.records import read
from jifen.ledger.rewards import standing_orders as ledger
from jifen.ledger.state import standing_order_key
from jifen.ledger.types import AccountId
from jifen_graphql.schema.scalars import DateTime, Hash, Points

if TYPE_CHECKING:
    from jifen.actors.node import ReadView


@strawberry.type(description="A member's standing order holds.")
class AutoRedemptionSet:
    """Effect of `setAutoRedemption`."""

    account: AccountId
    organization: str
    reward: str
    threshold: Points
    per_day: int
    until: DateTime | None

    @classmethod
    def of(cls, effect: ledger.AutoRedemptionSet) -> AutoRedemptionSet:
        """Return the API's form of an effect."""
        return cls(
            account=AccountId(effect.account),
            organization=effect.organization,
            reward=effect.reward,
            threshold=Points(effect.threshold),
            per_day=effect.per_day,
            until=DateTime(effect.until),
        )


@strawberry.type(description="A standing order holds no more: its member took it back, or its time was over.")
class AutoRedemptionEnded:
    """Effect of `cancelAutoRedemption`, and of the first purchase after its time."""

    account: AccountId
    organization: str
    reward: str
    has_lapsed: bool

    @classmethod
    def of(cls, effect: ledger.AutoRedemptionEnded) -> AutoRedemptionEnded:
        """Return the API's form of an effect."""
        return cls(
            account=AccountId(effect.account),
            organization=effect.organization,
            reward=effect.reward,
            has_lapsed=effect.lapsed,
        )


@strawberry.type(description="A standing order was carried out; the next effect says what was redeemed.")
class AutoRedeemed:
    """Effect of `earnPoints`."""

    account: AccountId
    organization: str
    reward: str
    point_type: str
    threshold: Points
    today: int = strawberry.field(description="The how manieth of its day it was.")
    standing_order: Hash = strawberry.field(description="The transaction by which the member asked for it.")

    @classmethod
    def of(cls, effect: ledger.AutoRedeemed) -> AutoRedeemed:
        """Return the API's form of an effect."""
        return cls(
            account=AccountId(effect.account),
            organization=effect.organization,
            reward=effect.reward,
            point_type=effect.point_type,
            threshold=Points(effect.threshold),
            today=effect.today,
            standing_order=Hash(effect.order),
        )


@strawberry.type(description="What a member has asked to be redeemed after purchases at an organization.")
class StandingOrder:
    """A standing order."""

    account: AccountId
    organization: str
    reward: str
    threshold: Points = strawberry.field(description="Points that must be there to be spent, and the highest price.")
    per_day: int
    until: DateTime
    transaction: Hash = strawberry.field(description="By which the member asked for it.")


def standing_order_of(view: ReadView, account: AccountId, organization: str) -> StandingOrder | None:
    """Return an account's standing order at an organization, None without one or when its time is over."""
    order = read(view, standing_order_key(account, organization), ledger.StandingOrder)
    if order is None or order.until < view.block_time:
        return None
    return StandingOrder(
        account=account,
        organization=organization,
        reward=order.reward,
        threshold=Points(order.threshold),
        per_day=order.per_day,
        until=DateTime(order.until),
        transaction=Hash(order.transaction_id),
    )
