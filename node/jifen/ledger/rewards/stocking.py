"""Publishing rewards, putting them in stock and withdrawing them."""

from jifen.ledger.context import BlockContext
from jifen.ledger.opened.records import REWARDS_MAX, count_open, open_of_organization
from jifen.ledger.points.positions import is_accepted_at, is_within_settlement_price
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.rewards.bodies import AddRewardCodes, PublishReward, RestockReward, WithdrawReward
from jifen.ledger.rewards.effects import RewardCodesAdded, RewardPublished, RewardRestocked, RewardWithdrawn
from jifen.ledger.rewards.records import (
    STOCK_MAX,
    Reward,
    RewardCode,
    RewardCodeNumber,
    RewardDetails,
    RewardPrice,
    RewardVersion,
    reward_code_index_key,
    reward_code_key,
    reward_key,
    reward_version_key,
)
from jifen.ledger.state import StateReader, StateWriter, organization_key, point_type_key
from jifen.ledger.terms.records import PointType, terms_in_force
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import Organization, OrganizationStatus, Scope

STOCKING_SCOPES = int(Scope.ADMIN | Scope.ISSUER)
"""Scopes that say what an organization gives for points."""


def owner_of(state: StateReader, reward: str) -> Rejection | Organization:
    """Return the active organization whose reward an id names, or why there is none."""
    organization = read(state, organization_key(reward.partition("/")[0]), Organization)
    if organization is None:
        return Rejection.ORGANIZATION_UNKNOWN
    if organization.status is not OrganizationStatus.ACTIVE:
        return Rejection.ORGANIZATION_NOT_ACTIVE
    return organization


def is_signed_for(organization: Organization, scopes: int, transaction: Transaction) -> bool:
    """Tell whether an operator of the organization with one of the scopes has signed."""
    return any(organization.scopes_of(key) & scopes for key in transaction.signers)


def is_taken(state: StateReader, organization: str, price: RewardPrice, time: int) -> bool:
    """Tell whether the organization may take points at a price now: accepted, and valued within the issuer's price."""
    point_type = read(state, point_type_key(price.point_type), PointType)
    if point_type is None:
        return False
    terms = terms_in_force(point_type, time)
    return is_accepted_at(organization, point_type, terms) and is_within_settlement_price(price.rate, terms)


def check_reward_publication(
    state: StateReader, body: PublishReward, transaction: Transaction, context: BlockContext
) -> Rejection | Reward | None:
    """Return why the version cannot be published, or the reward as it is, if there is one. Order: `rejections.py`."""
    organization = owner_of(state, body.reward)
    if isinstance(organization, Rejection):
        return organization
    prices = body.details.prices
    if any(state.get(point_type_key(price.point_type)) is None for price in prices):
        return Rejection.POINT_TYPE_UNKNOWN
    if not is_signed_for(organization, STOCKING_SCOPES, transaction):
        return Rejection.NOT_AUTHORIZED
    before = read(state, reward_key(body.reward), Reward)
    if body.version != (before.version if before else 0) + 1:
        return Rejection.REWARD_VERSION_WRONG
    if contradicts_itself(body.details) or (before is not None and before.details.has_codes != body.details.has_codes):
        return Rejection.REWARD_CONTRADICTORY
    if not all(is_taken(state, organization.id, price, context.time) for price in prices):
        return Rejection.POINTS_NOT_ACCEPTED
    if body.stock and body.details.has_codes:
        return Rejection.WRONG_KIND_OF_STOCK
    if _opens(before) and open_of_organization(state, organization.id).rewards >= REWARDS_MAX:
        return Rejection.TOO_MANY_REWARDS
    return before if before is None or _has_room(before, body.stock) else Rejection.SUPPLY_EXHAUSTED


def publish_reward(
    state: StateWriter, body: PublishReward, transaction: Transaction, before: Reward | None, context: BlockContext
) -> tuple[RewardPublished]:
    """Publish the version, from this block on; a withdrawn reward comes back by it."""
    stock, redeemed, codes = (before.stock, before.redeemed, before.codes) if before else (0, 0, 0)
    after = Reward(body.reward, body.version, body.details, stock + body.stock, redeemed, codes)
    state.put(reward_key(body.reward), after)
    if _opens(before):
        count_open(state, after.organization, rewards=1)
    version = RewardVersion(body.details, context.time, transaction.id)
    state.put(reward_version_key(body.reward, body.version), version)
    return (RewardPublished(body.reward, body.version, after.stock),)


def check_codes(
    state: StateReader, body: AddRewardCodes, transaction: Transaction, _context: BlockContext
) -> Rejection | Reward:
    """Return why the codes cannot be put in stock, or the reward as it is. Order: `rejections.py`."""
    reward = _reward_of_signer(state, body.reward, transaction)
    if isinstance(reward, Rejection):
        return reward
    if not reward.details.has_codes:
        return Rejection.WRONG_KIND_OF_STOCK
    known = any(state.get(reward_code_index_key(reward.id, item)) is not None for item in body.commitments)
    if known or len(set(body.commitments)) < len(body.commitments):
        return Rejection.REWARD_CODE_KNOWN
    return reward if _has_room(reward, len(body.commitments)) else Rejection.SUPPLY_EXHAUSTED


def add_codes(
    state: StateWriter, body: AddRewardCodes, _transaction: Transaction, before: Reward, _context: BlockContext
) -> tuple[RewardCodesAdded]:
    """Put the codes in stock, behind those that are there."""
    first = before.codes + 1
    for number, commitment in enumerate(body.commitments, start=first):
        state.put(reward_code_key(before.id, number), RewardCode(commitment))
        state.put(reward_code_index_key(before.id, commitment), RewardCodeNumber(number))
    added = len(body.commitments)
    after = Reward(
        before.id,
        before.version,
        before.details,
        before.stock + added,
        before.redeemed,
        before.codes + added,
        before.withdrawn,
    )
    state.put(reward_key(before.id), after)
    return (RewardCodesAdded(before.id, first, added, after.stock),)


def check_restocking(
    state: StateReader, body: RestockReward, transaction: Transaction, _context: BlockContext
) -> Rejection | Reward:
    """Return why the units cannot be put in stock, or the reward as it is. Order: `rejections.py`."""
    reward = _reward_of_signer(state, body.reward, transaction)
    if isinstance(reward, Rejection):
        return reward
    if reward.details.has_codes:
        return Rejection.WRONG_KIND_OF_STOCK
    return reward if _has_room(reward, body.units) else Rejection.SUPPLY_EXHAUSTED


def restock(
    state: StateWriter, body: RestockReward, _transaction: Transaction, before: Reward, _context: BlockContext
) -> tuple[RewardRestocked]:
    """Put the units in stock."""
    after = with_stock(before, before.stock + body.units, before.redeemed)
    state.put(reward_key(before.id), after)
    return (RewardRestocked(before.id, body.units, after.stock),)


def check_reward_withdrawal(
    state: StateReader, body: WithdrawReward, transaction: Transaction, _context: BlockContext
) -> Rejection | Reward:
    """Return why the reward cannot be withdrawn, or the reward as it is. Order: `rejections.py`."""
    reward = _reward_of_signer(state, body.reward, transaction)
    if not isinstance(reward, Rejection) and reward.withdrawn:
        return Rejection.REWARD_NOT_OPEN
    return reward


def withdraw_reward(
    state: StateWriter, _body: WithdrawReward, _transaction: Transaction, before: Reward, _context: BlockContext
) -> tuple[RewardWithdrawn]:
    """Withdraw it."""
    after = Reward(before.id, before.version, before.details, before.stock, before.redeemed, before.codes, True)
    state.put(reward_key(before.id), after)
    count_open(state, before.organization, rewards=-1)
    return (RewardWithdrawn(before.id, before.version),)


def with_stock(reward: Reward, stock: int, redeemed: int) -> Reward:
    """Return the reward with another stock and number of redemptions."""
    return Reward(reward.id, reward.version, reward.details, stock, redeemed, reward.codes, reward.withdrawn)


def contradicts_itself(details: RewardDetails) -> bool:
    """Tell whether details break their invariant: two prices for one, or a window without a moment in it."""
    named = {(price.point_type, price.tier) for price in details.prices}
    return len(named) < len(details.prices) or 0 < details.closes_at <= details.opens_at


def _opens(before: Reward | None) -> bool:
    """Tell whether publishing a version opens a reward, given how it is."""
    return before is None or before.withdrawn


def _has_room(reward: Reward, added: int) -> bool:
    """Tell whether so many more can be in stock, and be redeemed, without passing the largest number."""
    return reward.stock + reward.redeemed + added <= STOCK_MAX


def _reward_of_signer(state: StateReader, name: str, transaction: Transaction) -> Rejection | Reward:
    organization = owner_of(state, name)
    if isinstance(organization, Rejection):
        return organization
    if not is_signed_for(organization, STOCKING_SCOPES, transaction):
        return Rejection.NOT_AUTHORIZED
    return read(state, reward_key(name), Reward) or Rejection.REWARD_UNKNOWN
