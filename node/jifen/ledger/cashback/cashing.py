"""Cash back: asking for money, paying it, refusing it, and being late with it."""

from jifen.ledger.cashback.bodies import ConfirmCashback, RejectCashback, RequestCashback, SetCashbackPolicy
from jifen.ledger.cashback.effects import (
    CashbackConfirmed,
    CashbackOverdue,
    CashbackPolicySet,
    CashbackRejected,
    CashbackRequested,
)
from jifen.ledger.cashback.records import (
    Cashback,
    CashbackPolicy,
    CashbackStatus,
    CashbackUse,
    cashback_key,
    cashback_of_account_key,
    cashback_policy_key,
    day_and_month_of,
    day_use_key,
    month_use_key,
    open_cashback_key,
)
from jifen.ledger.context import BlockContext
from jifen.ledger.dates import DAY_MS
from jifen.ledger.locks.records import points_wait
from jifen.ledger.opened.records import CASHBACKS_MAX, count_open_of_member, open_of_member
from jifen.ledger.points.held import (
    HELD_IN,
    HELD_LOTS_MAX,
    HeldPoints,
    hold_points_of_origin,
    release_points,
    spend_held,
)
from jifen.ledger.points.lots import points_of, taken_of_origin
from jifen.ledger.points.positions import is_within_settlement_price
from jifen.ledger.points.supplies import burn
from jifen.ledger.receipts import AnyEffect
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.rewards.records import LISTED
from jifen.ledger.rewards.stocking import is_signed_for
from jifen.ledger.scheduling import schedule
from jifen.ledger.state import (
    CASHBACK,
    StateReader,
    StateWriter,
    account_key,
    holding_key,
    organization_key,
    point_type_key,
)
from jifen.ledger.terms.records import PointType, Terms, terms_in_force
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import EMPTY_HOLDING, Account, Holding, Lot, LotOrigin, Organization, OrganizationStatus, Scope


def held_by_cashback(cashback: Cashback) -> tuple[HeldPoints, ...]:
    """Return what a request holds of its member's points."""
    if not cashback.lots:
        return ()
    return (HeldPoints(cashback.account, cashback.point_type, points_of(cashback.lots)),)


HELD_IN[CASHBACK] = held_by_cashback


def check_cashback_policy(
    state: StateReader, body: SetCashbackPolicy, transaction: Transaction, context: BlockContext
) -> Rejection | CashbackPolicy:
    """Return why the policy cannot be set, or the one to be. Order: `rejections.py`."""
    issuer = read(state, organization_key(body.issuer), Organization)
    if issuer is None:
        return Rejection.ORGANIZATION_UNKNOWN
    if issuer.status is not OrganizationStatus.ACTIVE:
        return Rejection.ORGANIZATION_NOT_ACTIVE
    point_type = read(state, point_type_key(body.point_type), PointType)
    if point_type is None:
        return Rejection.POINT_TYPE_UNKNOWN
    if not is_signed_for(issuer, int(Scope.ADMIN), transaction):
        return Rejection.NOT_AUTHORIZED
    if point_type.issuer != body.issuer:
        return Rejection.NOT_THE_ISSUER
    within = is_within_settlement_price(body.price, terms_in_force(point_type, context.time))
    in_order = body.day_points <= body.month_points and (not body.day_points or body.minimum_points <= body.day_points)
    if not body.price.fen or not within or not in_order:
        return Rejection.CASHBACK_POLICY_CONTRADICTORY
    before = read(state, cashback_policy_key(body.point_type), CashbackPolicy)
    version, requests = (before.version, before.requests) if before else (0, 0)
    caps = (body.minimum_points, body.day_points, body.month_points)
    return CashbackPolicy(version + 1, body.price, *caps, body.due_days, requests)


def set_cashback_policy(
    state: StateWriter,
    body: SetCashbackPolicy,
    _transaction: Transaction,
    policy: CashbackPolicy,
    _context: BlockContext,
) -> tuple[CashbackPolicySet]:
    """Let the policy hold, for requests from now on."""
    state.put(cashback_policy_key(body.point_type), policy)
    caps = (policy.minimum_points, policy.day_points, policy.month_points)
    return (CashbackPolicySet(body.point_type, policy.version, policy.price, *caps, policy.due_days),)


def check_request(
    state: StateReader, body: RequestCashback, transaction: Transaction, context: BlockContext
) -> Rejection | Cashback:
    """Return why no money can be asked for, or the request to be, without lots. Order: `rejections.py`."""
    account = read(state, account_key(body.account), Account)
    if account is None:
        return Rejection.ACCOUNT_UNKNOWN
    point_type = read(state, point_type_key(body.point_type), PointType)
    if point_type is None:
        return Rejection.POINT_TYPE_UNKNOWN
    if account.key not in transaction.signers:
        return Rejection.NOT_AUTHORIZED
    if points_wait(account):
        return Rejection.ACCOUNT_LOCKED
    policy = read(state, cashback_policy_key(body.point_type), CashbackPolicy)
    terms = terms_in_force(point_type, context.time)
    if policy is None or not pays(policy, terms):
        return Rejection.NOT_CASHABLE
    if policy.price.value_fen(body.points) != body.amount_fen:
        return Rejection.CASHBACK_PRICE_WRONG
    if body.points < policy.minimum_points:
        return Rejection.CASHBACK_TOO_SMALL
    day, month = day_and_month_of(context.time, terms.utc_offset_minutes)
    today = used_points(state, day_use_key(body.account, body.point_type, day))
    this_month = used_points(state, month_use_key(body.account, body.point_type, month))
    if today + body.points > policy.day_points or this_month + body.points > policy.month_points:
        return Rejection.CASHBACK_CAP_REACHED
    if open_of_member(state, body.account, point_type.issuer).cashbacks >= CASHBACKS_MAX:
        return Rejection.TOO_MANY_CASHBACKS
    reason = _against_points(state, body)
    if reason is not None:
        return reason
    due_at = context.time + policy.due_days * DAY_MS
    head = (body.point_type, policy.requests + 1, body.account, body.points, body.amount_fen)
    return Cashback(*head, policy.price, policy.version, context.time, due_at, day, month)


def request(
    state: StateWriter, body: RequestCashback, _transaction: Transaction, asked: Cashback, context: BlockContext
) -> tuple[CashbackRequested]:
    """Hold the points, lots of the account's own earning only, and enter the request."""
    name, number, key = asked.point_type, asked.number, cashback_key(asked.point_type, asked.number)
    lots = hold_points_of_origin(state, asked.account, name, asked.points, LotOrigin.EARNED, context.time)
    policy = read(state, cashback_policy_key(name), CashbackPolicy)
    assert policy is not None, f"{name} has no cash-back policy"
    caps = (policy.minimum_points, policy.day_points, policy.month_points)
    state.put(cashback_policy_key(name), CashbackPolicy(policy.version, policy.price, *caps, policy.due_days, number))
    state.put(key, _with(asked, asked.status, lots))
    state.put(cashback_of_account_key(asked.account, asked.requested_at, name, number), LISTED)
    state.put(open_cashback_key(name, asked.due_at, number), LISTED)
    schedule(state, key, 0, asked.due_at)
    count_open_of_member(state, asked.account, asked.issuer, cashbacks=1)
    _count(state, asked, asked.points)
    holding = read(state, holding_key(asked.account, name), Holding) or EMPTY_HOLDING
    head = (name, number, asked.account, asked.points, asked.price, asked.policy_version)
    return (CashbackRequested(*head, body.amount_fen, asked.due_at, holding.available),)


def check_payment(
    state: StateReader, body: ConfirmCashback, transaction: Transaction, _context: BlockContext
) -> Rejection | Cashback:
    """Return why the request cannot be confirmed, or the request. Order: `rejections.py`."""
    return _open(state, body, transaction)


def confirm_payment(
    state: StateWriter, body: ConfirmCashback, _transaction: Transaction, asked: Cashback, context: BlockContext
) -> tuple[CashbackConfirmed]:
    """Burn the points: the member has the money."""
    _close(state, asked)
    spend_held(state, asked.account, asked.point_type, asked.points, context.time)
    burn(state, asked.point_type, asked.points)
    paid = _with(asked, CashbackStatus.PAID, (), context.time, body.reference_hash)
    state.put(cashback_key(asked.point_type, asked.number), paid)
    head = (asked.point_type, asked.number, asked.account, asked.points, asked.amount_fen)
    return (CashbackConfirmed(*head, body.reference_hash, asked.overdue),)


def check_refusal(
    state: StateReader, body: RejectCashback, transaction: Transaction, _context: BlockContext
) -> Rejection | Cashback:
    """Return why the request cannot be rejected, or the request. Order: `rejections.py`."""
    return _open(state, body, transaction)


def refuse(
    state: StateWriter, body: RejectCashback, _transaction: Transaction, asked: Cashback, context: BlockContext
) -> tuple[AnyEffect, ...]:
    """Give the points back as they were; what was not paid counts against no cap."""
    _close(state, asked)
    released = release_points(state, asked.account, asked.point_type, asked.lots, context.time)
    rejected = _with(asked, CashbackStatus.REJECTED, (), context.time, b"", body.reason)
    state.put(cashback_key(asked.point_type, asked.number), rejected)
    _count(state, asked, -asked.points)
    head = (asked.point_type, asked.number, asked.account, asked.points, released.repaid)
    return (CashbackRejected(*head, released.holding.available, body.reason), *released.expired)


def wake_cashback(state: StateWriter, key: bytes, _context: BlockContext) -> tuple[AnyEffect, ...]:
    """Mark a request as overdue that was not paid in its time."""
    asked = read(state, key, Cashback)
    assert asked is not None, f"the agenda names the cash back {key.hex()}, which does not exist"
    assert asked.status is CashbackStatus.REQUESTED, f"the agenda names {asked.point_type} {asked.number}, paid already"
    state.put(key, _with(asked, asked.status, asked.lots, overdue=True))
    head = (asked.point_type, asked.number, asked.account, asked.points)
    return (CashbackOverdue(*head, asked.amount_fen, asked.due_at),)


def pays(policy: CashbackPolicy, terms: Terms) -> bool:
    """Tell whether an issuer pays for points now: it says so in the terms in force, at no more than their price."""
    return terms.cashable and is_within_settlement_price(policy.price, terms)


def used_points(state: StateReader, key: bytes) -> int:
    """Return how many points count against a cap, by the key of its day or month."""
    use = read(state, key, CashbackUse)
    return use.points if use else 0


def _against_points(state: StateReader, body: RequestCashback) -> Rejection | None:
    holding = read(state, holding_key(body.account, body.point_type), Holding) or EMPTY_HOLDING
    if holding.available < body.points:
        return Rejection.INSUFFICIENT_POINTS
    if points_of(lot for lot in holding.lots if lot.origin is LotOrigin.EARNED) < body.points:
        return Rejection.NOT_SELF_EARNED
    _, taken = taken_of_origin(holding, body.points, LotOrigin.EARNED)
    return None if len(taken) <= HELD_LOTS_MAX else Rejection.TOO_MANY_LOTS


def _open(state: StateReader, body: ConfirmCashback | RejectCashback, transaction: Transaction) -> Rejection | Cashback:
    """Return an unpaid request. An issuer that is suspended still pays what it owes, so nobody asks for that here."""
    point_type = read(state, point_type_key(body.point_type), PointType)
    if point_type is None:
        return Rejection.POINT_TYPE_UNKNOWN
    issuer = read(state, organization_key(point_type.issuer), Organization)
    assert issuer is not None, f"{point_type.id} has no issuer"
    if not is_signed_for(issuer, int(Scope.TREASURER), transaction):
        return Rejection.NOT_AUTHORIZED
    asked = read(state, cashback_key(body.point_type, body.number), Cashback)
    if asked is None:
        return Rejection.CASHBACK_UNKNOWN
    return asked if asked.status is CashbackStatus.REQUESTED else Rejection.CASHBACK_NOT_OPEN


def _close(state: StateWriter, asked: Cashback) -> None:
    """Take a request off the list of unpaid ones, off what is open, and off the agenda."""
    state.delete(open_cashback_key(asked.point_type, asked.due_at, asked.number))
    count_open_of_member(state, asked.account, asked.issuer, cashbacks=-1)
    if not asked.overdue:
        schedule(state, cashback_key(asked.point_type, asked.number), asked.due_at, 0)


def _count(state: StateWriter, asked: Cashback, change: int) -> None:
    for key in (
        day_use_key(asked.account, asked.point_type, asked.day),
        month_use_key(asked.account, asked.point_type, asked.month),
    ):
        points = used_points(state, key) + change
        if points:
            state.put(key, CashbackUse(points))
        else:
            state.delete(key)


def _with(
    asked: Cashback,
    status: CashbackStatus,
    lots: tuple[Lot, ...],
    ended_at: int = 0,
    reference_hash: bytes = b"",
    reason: str = "",
    *,
    overdue: bool = False,
) -> Cashback:
    head = (asked.point_type, asked.number, asked.account, asked.points, asked.amount_fen, asked.price)
    when = (asked.policy_version, asked.requested_at, asked.due_at, asked.day, asked.month)
    return Cashback(*head, *when, status, lots, overdue or asked.overdue, ended_at, reference_hash, reason)
