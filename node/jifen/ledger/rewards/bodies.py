"""Transactions about rewards and their redemption."""

from typing import Annotated

from msgspec import Meta

from jifen.ledger.bodies import TransactionBody
from jifen.ledger.rewards.records import (
    CODES_MAX,
    STOCK_MAX,
    ReasonText,
    RedemptionNumber,
    RewardDetails,
    RewardName,
    RewardVersionNumber,
    Units,
)
from jifen.ledger.types import AccountBytes, HashBytes, PointTypeName, PositiveQuantity


class PublishReward(TransactionBody, frozen=True, tag=51):
    """Publish a reward or its next version; signed by an operator of the organization with scope ADMIN or ISSUER."""

    reward: RewardName
    version: RewardVersionNumber
    """The newest one's and 1; a new reward begins with 1."""
    details: RewardDetails
    stock: Units
    """Units put in stock beside those there are; 0 for a reward with codes."""


class AddRewardCodes(TransactionBody, frozen=True, tag=52):
    """Put codes in stock; signed as PublishReward is."""

    reward: RewardName
    commitments: Annotated[tuple[HashBytes, ...], Meta(min_length=1, max_length=CODES_MAX)]
    """As `rewards.code_commitment` makes them; given out in this order."""


class RestockReward(TransactionBody, frozen=True, tag=53):
    """Put units of a reward without codes in stock; signed as PublishReward is."""

    reward: RewardName
    units: Annotated[int, Meta(ge=1, le=STOCK_MAX)]


class WithdrawReward(TransactionBody, frozen=True, tag=54):
    """Let nobody redeem a reward until a next version is published; signed as PublishReward is.

    Redemptions that wait for their hand-over are not touched.
    """

    reward: RewardName


class RedeemReward(TransactionBody, frozen=True, tag=95):
    """Take a reward for points; signed with the account's current key."""

    account: AccountBytes
    reward: RewardName
    version: RewardVersionNumber
    """The one that the member has seen; another is not redeemed."""
    point_type: PointTypeName
    """What it is paid with."""
    points: PositiveQuantity
    """The price that the member has seen; at another it is not redeemed."""


class FulfilRedemption(TransactionBody, frozen=True, tag=96):
    """Say that the reward was handed over; signed by an operator of its organization with scope CASHIER or ISSUER."""

    reward: RewardName
    number: RedemptionNumber


class CancelRedemption(TransactionBody, frozen=True, tag=97):
    """Give the points of a redemption back that is not fulfilled; signed as FulfilRedemption is."""

    reward: RewardName
    number: RedemptionNumber
    reason: ReasonText
