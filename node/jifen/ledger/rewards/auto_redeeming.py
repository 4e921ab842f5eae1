"""What follows a purchase by itself: the tier it reaches, then what its member has a standing order for.

In that order: a redemption before the tier was looked at would take the tier's price, and tiers that look at balances
would starve. Ours count purchases, but a member's own price depends on the tier.
"""

from jifen.ledger.bonuses.granting import local_day
from jifen.ledger.context import BlockContext
from jifen.ledger.locks.records import points_wait
from jifen.ledger.receipts import AnyEffect
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.rewards.records import Reward, reward_key
from jifen.ledger.rewards.redeeming import redeem_for
from jifen.ledger.rewards.standing_orders import (
    ORDER_LIFE_MS_MAX,
    AutoRedeemed,
    AutoRedemptionEnded,
    AutoRedemptionSet,
    CancelAutoRedemption,
    SetAutoRedemption,
    StandingOrder,
)
from jifen.ledger.state import (
    StateReader,
    StateWriter,
    account_key,
    holding_key,
    organization_key,
    point_type_key,
    standing_order_key,
    tier_book_key,
)
from jifen.ledger.terms.records import PointType, terms_in_force
from jifen.ledger.tiers.qualifying import CONSUMER_POINTS, Case, count_purchase
from jifen.ledger.tiers.records import EMPTY_BOOK, TierBook
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import Account, Holding


def follow_up(
    state: StateWriter, book: TierBook, organization: str, account: bytes, points: int, context: BlockContext
) -> tuple[AnyEffect, ...]:
    """Do what follows a member's own purchase: count it for the tier, then carry out a standing order.

    `book` is the organization's; without one nothing follows. The other arguments as of `tiers.qualify`.
    """
    told: tuple[AnyEffect, ...] = ()
    if book.programme is not None:
        told = count_purchase(state, Case(book.programme, organization, account, context), points)
    if not book.standing_orders:
        return told
    return (*told, *_carry_out(state, organization, account, context))


def check_order(
    state: StateReader, body: SetAutoRedemption, transaction: Transaction, context: BlockContext
) -> Rejection | StandingOrder | None:
    """Return why the order cannot be given, or the one that it replaces, if any. Order: `rejections.py`."""
    reason = _against(state, body, transaction)
    if reason is not None:
        return reason
    if points_wait(_account(state, body)):
        return Rejection.ACCOUNT_LOCKED
    if read(state, reward_key(body.reward), Reward) is None:
        return Rejection.REWARD_UNKNOWN
    if not context.time <= body.until <= context.time + ORDER_LIFE_MS_MAX:
        return Rejection.STANDING_ORDER_OUT_OF_RANGE
    return read(state, standing_order_key(body.account, body.organization), StandingOrder)


def set_order(
    state: StateWriter,
    body: SetAutoRedemption,
    transaction: Transaction,
    before: StandingOrder | None,
    _context: BlockContext,
) -> tuple[AutoRedemptionSet]:
    """Let the order hold."""
    order = StandingOrder(transaction.id, body.reward, body.threshold, body.per_day, body.until)
    state.put(standing_order_key(body.account, body.organization), order)
    if before is None:
        _count(state, body.organization, 1)
    return (AutoRedemptionSet(body.account, body.organization, body.reward, body.threshold, body.per_day, body.until),)


def check_cancellation(
    state: StateReader, body: CancelAutoRedemption, transaction: Transaction, _context: BlockContext
) -> Rejection | StandingOrder:
    """Return why the order cannot be taken back, or the order. Order: `rejections.py`."""
    reason = _against(state, body, transaction)
    if reason is not None:
        return reason
    found = read(state, standing_order_key(body.account, body.organization), StandingOrder)
    return Rejection.NO_STANDING_ORDER if found is None else found


def cancel(
    state: StateWriter,
    body: CancelAutoRedemption,
    _transaction: Transaction,
    order: StandingOrder,
    _context: BlockContext,
) -> tuple[AutoRedemptionEnded]:
    """Forget the order."""
    return (_end(state, body.account, body.organization, order, lapsed=False),)


def _carry_out(state: StateWriter, organization: str, account: bytes, context: BlockContext) -> tuple[AnyEffect, ...]:
    key = standing_order_key(account, organization)
    order = read(state, key, StandingOrder)
    if order is None:
        return ()
    if order.until < context.time:
        return (_end(state, account, organization, order, lapsed=True),)
    point_type = organization + CONSUMER_POINTS
    kind = read(state, point_type_key(point_type), PointType)
    if kind is None:
        return ()
    day = local_day(context.time, terms_in_force(kind, context.time).utc_offset_minutes)
    done = order.done if order.day == day else 0
    told: list[AnyEffect] = []
    while done < order.per_day:
        holding = read(state, holding_key(account, point_type), Holding)
        if holding is None or holding.available < order.threshold:
            break
        effects = redeem_for(state, account, order.reward, context, point_type=point_type, points_max=order.threshold)
        if effects is None:
            break
        done += 1
        what = (account, organization, order.reward, point_type, order.threshold)
        told += (AutoRedeemed(*what, done, order.transaction_id), *effects)
    if told:
        head = (order.transaction_id, order.reward, order.threshold, order.per_day, order.until)
        state.put(key, StandingOrder(*head, day, done))
    return tuple(told)


def _against(
    state: StateReader, body: SetAutoRedemption | CancelAutoRedemption, transaction: Transaction
) -> Rejection | None:
    if state.get(organization_key(body.organization)) is None:
        return Rejection.ORGANIZATION_UNKNOWN
    account = read(state, account_key(body.account), Account)
    if account is None:
        return Rejection.ACCOUNT_UNKNOWN
    return None if account.key in transaction.signers else Rejection.NOT_AUTHORIZED


def _account(state: StateReader, body: SetAutoRedemption) -> Account:
    account = read(state, account_key(body.account), Account)
    assert account is not None, "the account was looked for before"
    return account


def _end(
    state: StateWriter, account: bytes, organization: str, order: StandingOrder, *, lapsed: bool
) -> AutoRedemptionEnded:
    state.delete(standing_order_key(account, organization))
    _count(state, organization, -1)
    return AutoRedemptionEnded(account, organization, order.reward, lapsed)


def _count(state: StateWriter, organization: str, change: int) -> None:
    key = tier_book_key(organization)
    book = read(state, key, TierBook) or EMPTY_BOOK
    after = TierBook(book.programme, book.recognition, book.standing_orders + change)
    if after == EMPTY_BOOK:
        state.delete(key)
    else:
        state.put(key, after)
