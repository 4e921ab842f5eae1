"""Redeeming rewards: points and stock are taken in one transaction, and the right to the reward is given in it (F14).

A redemption that waits for its hand-over holds its points. Fulfilled, they are burned at their issuer or pass to the
organization at the rate of the price; cancelled, by the organization or by time, they come back as the lots they were.
"""

from typing import NamedTuple

from jifen.ledger.context import BlockContext
from jifen.ledger.dates import MINUTE_MS
from jifen.ledger.locks.records import points_wait
from jifen.ledger.opened.records import REDEMPTIONS_MAX, count_open_of_member, open_of_member
from jifen.ledger.points.held import HELD_IN, HeldPoints, hold_points, release_points, spend_held, why_not_held
from jifen.ledger.points.lots import points_of
from jifen.ledger.points.positions import take_in
from jifen.ledger.receipts import AnyEffect
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.rewards.bodies import CancelRedemption, FulfilRedemption, RedeemReward
from jifen.ledger.rewards.effects import RedemptionCancelled, RedemptionFulfilled, RewardRedeemed
from jifen.ledger.rewards.records import (
    LISTED,
    STOCK_MAX,
    Redemption,
    RedemptionStatus,
    Reward,
    RewardCode,
    RewardDetails,
    RewardPrice,
    RewardStanding,
    redemption_key,
    redemption_of_account_key,
    reward_code_key,
    reward_key,
    reward_standing_key,
)
from jifen.ledger.rewards.stocking import is_signed_for, is_taken, owner_of, with_stock
from jifen.ledger.scheduling import schedule
from jifen.ledger.state import REDEMPTION, StateReader, StateWriter, account_key, holding_key, point_type_key
from jifen.ledger.terms.records import PointType
from jifen.ledger.tiers.qualifying import tier_of
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import EMPTY_HOLDING, POINTS_MAX, Account, Holding, Scope

HANDING_SCOPES = int(Scope.CASHIER | Scope.ISSUER)
"""Scopes that hand rewards over, or take back what was not handed over."""


class Deal(NamedTuple):
    """A reward and the price that a member pays for it."""

    reward: Reward
    price: RewardPrice


def held_by_redemption(redemption: Redemption) -> tuple[HeldPoints, ...]:
    """Return what a redemption holds of its member's points."""
    if not redemption.lots:
        return ()
    return (HeldPoints(redemption.account, redemption.price.point_type, points_of(redemption.lots)),)


HELD_IN[REDEMPTION] = held_by_redemption


def check_redemption(
    state: StateReader, body: RedeemReward, transaction: Transaction, context: BlockContext
) -> Rejection | Deal:
    """Return why the reward cannot be redeemed, or at what price it is. Order: `rejections.py`."""
    owner = owner_of(state, body.reward)
    if isinstance(owner, Rejection):
        return owner
    account = read(state, account_key(body.account), Account)
    if account is None:
        return Rejection.ACCOUNT_UNKNOWN
    if state.get(point_type_key(body.point_type)) is None:
        return Rejection.POINT_TYPE_UNKNOWN
    if account.key not in transaction.signers:
        return Rejection.NOT_AUTHORIZED
    if points_wait(account):
        return Rejection.ACCOUNT_LOCKED
    reward = read(state, reward_key(body.reward), Reward)
    if reward is None:
        return Rejection.REWARD_UNKNOWN
    if reward.version != body.version:
        return Rejection.REWARD_VERSION_WRONG
    if not is_open(reward, context.time):
        return Rejection.REWARD_NOT_OPEN
    tier = tier_of(state, reward.organization, body.account, context.time)
    price = price_for(reward.details, body.point_type, tier)
    if price is None or not is_taken(state, reward.organization, price, context.time):
        return Rejection.POINTS_NOT_ACCEPTED
    if price.points != body.points:
        return Rejection.REWARD_PRICE_WRONG
    return _against_taking(state, reward, price, body.account) or Deal(reward, price)


def redeem(
    state: StateWriter, body: RedeemReward, _transaction: Transaction, deal: Deal, context: BlockContext
) -> tuple[AnyEffect, ...]:
    """Redeem it."""
    return _take(state, deal, body.account, context)


def redeem_for(
    state: StateWriter,
    account: bytes,
    reward: str,
    context: BlockContext,
    *,
    point_type: str | None = None,
    points_max: int = POINTS_MAX,
) -> tuple[AnyEffect, ...] | None:
    """Redeem a reward for an account that has asked for this beforehand; return the effects.

    It is paid with the first of the reward's prices that the account can pay now. When there is none, or the reward
    cannot be redeemed at all, nothing is written and None returned. That the member wants it, and is who decides over
    the account, the caller has made sure of. `reward` is its id; `point_type`, if given, the points that may be paid
    with, and `points_max` the highest price.
    """
    found = read(state, reward_key(reward), Reward)
    if found is None or not is_open(found, context.time) or isinstance(owner_of(state, reward), Rejection):
        return None
    member = read(state, account_key(account), Account)
    if member is None or points_wait(member):
        return None
    tier = tier_of(state, found.organization, account, context.time)
    for listed in found.details.prices:
        wanted = point_type in {None, listed.point_type} and listed.points <= points_max
        if (
            wanted
            and price_for(found.details, listed.point_type, tier) == listed
            and is_taken(state, found.organization, listed, context.time)
            and _against_taking(state, found, listed, account) is None
        ):
            return _take(state, Deal(found, listed), account, context)
    return None


def check_fulfilment(
    state: StateReader, body: FulfilRedemption, transaction: Transaction, _context: BlockContext
) -> Rejection | Redemption:
    """Return why it cannot be fulfilled, or the redemption. Order: `rejections.py`."""
    return _held(state, body, transaction)


def fulfil(
    state: StateWriter, _body: FulfilRedemption, _transaction: Transaction, held: Redemption, context: BlockContext
) -> tuple[RedemptionFulfilled]:
    """Let the points go: nobody can take them back."""
    price, key = held.price, redemption_key(held.reward, held.number)
    spend_held(state, held.account, price.point_type, price.points, context.time)
    count_open_of_member(state, held.account, held.organization, redemptions=-1)
    schedule(state, key, held.due, 0)
    state.put(key, _ended(held, RedemptionStatus.FULFILLED, context.time))
    return (_let_go(state, held),)


def check_cancellation(
    state: StateReader, body: CancelRedemption, transaction: Transaction, _context: BlockContext
) -> Rejection | Redemption:
    """Return why it cannot be cancelled, or the redemption. Order: `rejections.py`."""
    return _held(state, body, transaction)


def cancel(
    state: StateWriter, body: CancelRedemption, _transaction: Transaction, held: Redemption, context: BlockContext
) -> tuple[AnyEffect, ...]:
    """Give the points back."""
    schedule(state, redemption_key(held.reward, held.number), held.due, 0)
    return _give_back(state, held, body.reason, context)


def wake_redemption(state: StateWriter, key: bytes, context: BlockContext) -> tuple[AnyEffect, ...]:
    """Cancel a redemption that was not fulfilled in its time."""
    held = read(state, key, Redemption)
    assert held is not None, f"the agenda names the redemption {key.hex()}, which does not exist"
    assert held.status is RedemptionStatus.HELD, f"the agenda names {held.reward} {held.number}, which is over"
    assert held.due <= context.time, f"the agenda wakes {held.reward} {held.number} too early"
    return _give_back(state, held, "", context)


def is_open(reward: Reward, time: int) -> bool:
    """Tell whether a reward can be redeemed at a block time, ms, as far as its window goes."""
    details = reward.details
    return not reward.withdrawn and details.opens_at <= time and (not details.closes_at or time < details.closes_at)


def price_for(details: RewardDetails, point_type: str, tier: str) -> RewardPrice | None:
    """Return what a member of a tier pays in points of a type: the tier's own price, else everybody's, if any."""
    everybody = None
    for price in details.prices:
        if price.point_type == point_type:
            if price.tier == tier:
                return price
            if not price.tier:
                everybody = price
    return everybody


def may_have_another(state: StateReader, reward: Reward, account: bytes) -> bool:
    """Tell whether the reward's limit per member lets the account redeem it once more."""
    limit = reward.details.member_limit
    if not limit:
        return True
    standing = read(state, reward_standing_key(account, reward.id), RewardStanding)
    return standing is None or standing.redemptions < limit


def may_wait(state: StateReader, reward: Reward, account: bytes) -> bool:
    """Tell whether one more redemption of the account may wait at the organization, if those of the reward do."""
    if not reward.details.hold_minutes:
        return True
    return open_of_member(state, account, reward.organization).redemptions < REDEMPTIONS_MAX


def _against_taking(state: StateReader, reward: Reward, price: RewardPrice, account: bytes) -> Rejection | None:
    if not may_have_another(state, reward, account):
        return Rejection.REWARD_LIMIT_REACHED
    if not may_wait(state, reward, account):
        return Rejection.TOO_MANY_REDEMPTIONS
    if not reward.stock or reward.redeemed == STOCK_MAX:
        return Rejection.REWARD_SOLD_OUT
    holding = read(state, holding_key(account, price.point_type), Holding) or EMPTY_HOLDING
    return why_not_held(holding, price.points)


def _take(state: StateWriter, deal: Deal, account: bytes, context: BlockContext) -> tuple[AnyEffect, ...]:
    """Take points and a unit, with its code: all of it or, by the checks before, nothing."""
    reward, price = deal
    time, number = context.time, reward.redeemed + 1
    lots = hold_points(state, account, price.point_type, price.points, time)
    code = read(state, reward_code_key(reward.id, number), RewardCode)
    commitment = code.commitment if code else b""
    minutes = reward.details.hold_minutes
    due = time + minutes * MINUTE_MS if minutes else 0
    made = Redemption(
        reward.id, number, account, reward.version, price, time, RedemptionStatus.HELD, due, lots, commitment
    )
    key = redemption_key(reward.id, number)
    after = with_stock(reward, reward.stock - 1, number)
    state.put(reward_key(reward.id), after)
    state.put(redemption_of_account_key(account, time, reward.id, number), LISTED)
    _count(state, account, reward.id, 1)
    tail = () if due else (_fulfilled_at_once(state, made, context),)
    if due:
        count_open_of_member(state, account, reward.organization, redemptions=1)
        schedule(state, key, 0, due)
        state.put(key, made)
    holding = read(state, holding_key(account, price.point_type), Holding) or EMPTY_HOLDING
    head = (reward.id, number, reward.version, account, price.point_type, price.points, price.tier, price.rate)
    return (RewardRedeemed(*head, commitment, due, after.stock, holding.available), *tail)


def _fulfilled_at_once(state: StateWriter, made: Redemption, context: BlockContext) -> RedemptionFulfilled:
    spend_held(state, made.account, made.price.point_type, made.price.points, context.time)
    key = redemption_key(made.reward, made.number)
    state.put(key, _ended(made, RedemptionStatus.FULFILLED, context.time))
    return _let_go(state, made)


def _let_go(state: StateWriter, held: Redemption) -> RedemptionFulfilled:
    """Burn the points that have left the member's holding, or let the organization have them."""
    price, organization = held.price, held.organization
    point_type = read(state, point_type_key(price.point_type), PointType)
    assert point_type is not None, f"{held.reward} was redeemed for {price.point_type}, which does not exist"
    take_in(state, organization, point_type, price.rate, price.points)
    burned = organization == point_type.issuer
    return RedemptionFulfilled(
        held.reward, held.number, held.account, price.point_type, price.points, price.rate, burned
    )


def _give_back(state: StateWriter, held: Redemption, reason: str, context: BlockContext) -> tuple[AnyEffect, ...]:
    """Let points and unit come back; the agenda does not name the redemption any more."""
    price = held.price
    released = release_points(state, held.account, price.point_type, held.lots, context.time)
    state.put(redemption_key(held.reward, held.number), _ended(held, RedemptionStatus.CANCELLED, context.time))
    _count(state, held.account, held.reward, -1)
    count_open_of_member(state, held.account, held.organization, redemptions=-1)
    reward = read(state, reward_key(held.reward), Reward)
    assert reward is not None, f"{held.reward} was redeemed and does not exist"
    if not reward.details.has_codes:
        reward = with_stock(reward, reward.stock + 1, reward.redeemed)
        state.put(reward_key(reward.id), reward)
    head = (held.reward, held.number, held.account, price.point_type, price.points, released.repaid)
    return (RedemptionCancelled(*head, released.holding.available, reward.stock, reason), *released.expired)


def _held(
    state: StateReader, body: FulfilRedemption | CancelRedemption, transaction: Transaction
) -> Rejection | Redemption:
    organization = owner_of(state, body.reward)
    if isinstance(organization, Rejection):
        return organization
    if not is_signed_for(organization, HANDING_SCOPES, transaction):
        return Rejection.NOT_AUTHORIZED
    found = read(state, redemption_key(body.reward, body.number), Redemption)
    if found is None:
        return Rejection.REDEMPTION_UNKNOWN
    return found if found.status is RedemptionStatus.HELD else Rejection.REDEMPTION_NOT_HELD


def _ended(held: Redemption, status: RedemptionStatus, time: int) -> Redemption:
    head = (held.reward, held.number, held.account, held.version, held.price, held.redeemed_at)
    return Redemption(*head, status, 0, (), held.commitment, time)


def _count(state: StateWriter, account: bytes, reward: str, change: int) -> None:
    key = reward_standing_key(account, reward)
    standing = read(state, key, RewardStanding)
    redemptions = (standing.redemptions if standing else 0) + change
    if redemptions:
        state.put(key, RewardStanding(redemptions))
    else:
        state.delete(key)
