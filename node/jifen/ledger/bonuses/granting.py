"""Granting and adjusting: points by hand, within limits, each cause once.

What is granted is dated by the terms in force as if it had been earned, but it slides with nothing and counts for no
tier. Where earned points wait for the confirmation of their order, granted ones do not: they have no order.
"""

from typing import NamedTuple

from jifen.ledger.bonuses.bodies import AdjustPoints, GrantBonus, SetBonusPolicy
from jifen.ledger.bonuses.effects import BonusGranted, BonusPolicySet, PointsAdjusted
from jifen.ledger.bonuses.records import (
    DEFAULT_BOOK,
    BonusBook,
    BonusCause,
    BonusMark,
    BonusPolicy,
    ClerkDay,
    Direction,
)
from jifen.ledger.context import BlockContext
from jifen.ledger.dates import DAY_MS, MINUTE_MS
from jifen.ledger.points.holdings import put_holding
from jifen.ledger.points.lots import merged, taken_first
from jifen.ledger.points.supplies import burn
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import (
    StateReader,
    StateWriter,
    account_key,
    bonus_book_key,
    bonus_mark_key,
    clerk_key,
    holding_key,
    organization_key,
    point_type_key,
    supply_key,
)
from jifen.ledger.terms.records import (
    AvailableAfterDays,
    PointType,
    Terms,
    availability_of,
    expiry_of,
    terms_in_force,
)
from jifen.ledger.tiers.publishing import administered
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import (
    EMPTY_HOLDING,
    EMPTY_SUPPLY,
    POINTS_MAX,
    Holding,
    Lot,
    LotOrigin,
    Organization,
    OrganizationStatus,
    PublicKey,
    Scope,
    Supply,
)

CLERK_SCOPES = int(Scope.CASHIER | Scope.ISSUER)
"""Scopes that may grant a bonus."""

ADJUSTER_SCOPES = int(Scope.ISSUER)
"""Scopes that may adjust: a till has no business in it."""

SECOND_SCOPES = int(Scope.ISSUER | Scope.ADMIN)
"""Scopes whose holder, beside the clerk, may lift something above the limit."""

CHECK_IN_SCOPE = int(Scope.CASHIER)


class Hand(NamedTuple):
    """Whose hand moves the points, and how many it may still move today."""

    book: BonusBook
    clerk: PublicKey
    today: ClerkDay
    """Of the clerk, with this move counted."""


class Credit(NamedTuple):
    """Points that an account is to be given."""

    terms: Terms
    supply: Supply
    holding: Holding
    repaid: int
    """Part of the points that repays a debt at once."""


class Move(NamedTuple):
    """What the check found and the act needs."""

    hand: Hand
    mark: bytes
    """State key of the cause."""
    credit: Credit


class Case(NamedTuple):
    """Points to be moved by hand, which nothing but the issuer's own limits may still speak against."""

    issuer: Organization
    clerk: PublicKey
    credit: Credit


def check_policy(
    state: StateReader, body: SetBonusPolicy, transaction: Transaction, _context: BlockContext
) -> Rejection | None:
    """Return why the policy cannot be set, or None. Order: `rejections.py`."""
    reason = administered(state, body.organization, transaction)
    if reason is not None:
        return reason
    before = _book(state, body.organization).policy
    if body.policy.version != before.version + 1:
        return Rejection.VERSION_NOT_NEXT
    return Rejection.POLICY_CONTRADICTORY if is_contradictory(body.policy) else None


def set_policy(
    state: StateWriter, body: SetBonusPolicy, _transaction: Transaction, _found: None, _context: BlockContext
) -> tuple[BonusPolicySet]:
    """Let the policy hold; its budget begins anew."""
    state.put(bonus_book_key(body.organization), BonusBook(body.policy))
    return (BonusPolicySet(body.organization, body.policy.version),)


def check_grant(
    state: StateReader, body: GrantBonus, transaction: Transaction, context: BlockContext
) -> Rejection | Move:
    """Return why the bonus cannot be granted, or what it takes. Order: `rejections.py`."""
    holder = body.holder or (body.issuer if body.cause is BonusCause.EVENT else None)
    case = _case(state, body, transaction, context, holder)
    if isinstance(case, Rejection):
        return case
    if holder is not None and not _is_checked_in(state, holder, case.clerk, transaction):
        return Rejection.CHECK_IN_MISSING
    return _within_limits(state, body, transaction, context, case)


def grant(
    state: StateWriter, body: GrantBonus, transaction: Transaction, found: Move, context: BlockContext
) -> tuple[BonusGranted]:
    """Issue the points."""
    (book, clerk, today), mark, credit = found
    holding, lot = _give(state, body, credit, context)
    state.put(bonus_book_key(body.issuer), BonusBook(book.policy, book.granted + body.points))
    state.put(clerk_key(body.issuer, clerk), today)
    state.put(mark, BonusMark(transaction.id, body.account, body.points))
    effect = BonusGranted(
        body.issuer,
        body.account,
        body.point_type,
        body.points,
        body.cause,
        body.cause_key,
        body.reason,
        clerk,
        book.policy.version,
        credit.repaid,
        credit.terms.version,
        lot.available_from,
        lot.expires_at,
        holding.available,
        holding.pending,
    )
    return (effect,)


def check_adjustment(
    state: StateReader, body: AdjustPoints, transaction: Transaction, context: BlockContext
) -> Rejection | Move:
    """Return why the account cannot be adjusted, or what it takes. Order: `rejections.py`."""
    case = _case(state, body, transaction, context, None)
    return case if isinstance(case, Rejection) else _within_limits(state, body, transaction, context, case)


def adjust(
    state: StateWriter, body: AdjustPoints, transaction: Transaction, found: Move, context: BlockContext
) -> tuple[PointsAdjusted]:
    """Give or take the points."""
    (book, clerk, today), mark, credit = found
    if body.direction is Direction.CREDIT:
        holding, _ = _give(state, body, credit, context)
    else:
        holding = _take(state, body, credit.holding, context)
    state.put(clerk_key(body.issuer, clerk), today)
    state.put(mark, BonusMark(transaction.id, body.account, body.points))
    effect = PointsAdjusted(
        body.issuer,
        body.account,
        body.point_type,
        body.direction,
        body.points,
        body.cause_key,
        body.reason_code,
        body.reason,
        clerk,
        book.policy.version,
        credit.repaid if body.direction is Direction.CREDIT else 0,
        holding.available,
        holding.debt,
        holding.pending,
    )
    return (effect,)


def is_contradictory(policy: BonusPolicy) -> bool:
    """Tell whether a policy breaks an invariant of its own."""
    return list(policy.staff) != sorted({*policy.staff}) or policy.two_operators_above > policy.grant_max


def clerk_of(issuer: Organization, transaction: Transaction, scopes: int) -> PublicKey | None:
    """Return the first signer who may move points by hand for an issuer, or None."""
    for key in transaction.signers:
        if issuer.scopes_of(key) & scopes:
            return key
    return None


def local_day(time: int, utc_offset_minutes: int) -> int:
    """Return the local day of a block time, counted from 1 January 1970."""
    return (time + utc_offset_minutes * MINUTE_MS) // DAY_MS


def _book(state: StateReader, organization: str) -> BonusBook:
    return read(state, bonus_book_key(organization), BonusBook) or DEFAULT_BOOK


def _cause_of(body: GrantBonus | AdjustPoints) -> bytes:
    """Return what of a bonus or adjustment may happen once, as the end of a state key."""
    if isinstance(body, AdjustPoints):
        return b"\5" + body.cause_key.encode()
    if body.cause is BonusCause.WELCOME:
        return b"\1" + body.account
    if body.cause is BonusCause.EVENT:
        holder = body.holder or body.issuer
        return b"\2" + body.account + holder.encode() + b"\0" + body.cause_key.encode()
    if body.cause is BonusCause.SPECIAL:
        return b"\3" + body.account + body.cause_key.encode()
    return b"\4" + body.cause_key.encode()


def _case(
    state: StateReader,
    body: GrantBonus | AdjustPoints,
    transaction: Transaction,
    context: BlockContext,
    holder: str | None,
) -> Rejection | Case:
    """Return why points can be neither given nor taken, whatever the issuer's own limits, or what it would take."""
    issuer = read(state, organization_key(body.issuer), Organization)
    named = issuer if holder is None else read(state, organization_key(holder), Organization)
    if issuer is None or named is None:
        return Rejection.ORGANIZATION_UNKNOWN
    if issuer.status is not OrganizationStatus.ACTIVE or named.status is not OrganizationStatus.ACTIVE:
        return Rejection.ORGANIZATION_NOT_ACTIVE
    if state.get(account_key(body.account)) is None:
        return Rejection.ACCOUNT_UNKNOWN
    point_type = read(state, point_type_key(body.point_type), PointType)
    if point_type is None:
        return Rejection.POINT_TYPE_UNKNOWN
    clerk = clerk_of(issuer, transaction, CLERK_SCOPES if isinstance(body, GrantBonus) else ADJUSTER_SCOPES)
    if clerk is None:
        return Rejection.NOT_AUTHORIZED
    if point_type.issuer != body.issuer:
        return Rejection.NOT_THE_ISSUER
    supply = read(state, supply_key(body.point_type), Supply) or EMPTY_SUPPLY
    terms = terms_in_force(point_type, context.time)
    holding = read(state, holding_key(body.account, body.point_type), Holding) or EMPTY_HOLDING
    repaid = 0 if isinstance(terms.pending, AvailableAfterDays) else min(body.points, holding.debt)
    credit = Credit(terms, supply, holding, repaid)
    reason = _against_debit(body, holding) if _is_debit(body) else _against_credit(body.points, credit)
    return Case(issuer, clerk, credit) if reason is None else reason


def _is_debit(body: GrantBonus | AdjustPoints) -> bool:
    return isinstance(body, AdjustPoints) and body.direction is Direction.DEBIT


def _against_debit(body: GrantBonus | AdjustPoints, holding: Holding) -> Rejection | None:
    may_owe = isinstance(body, AdjustPoints) and body.may_owe
    if body.points > holding.available and not may_owe:
        return Rejection.INSUFFICIENT_POINTS
    if holding.debt + body.points > POINTS_MAX:
        return Rejection.SUPPLY_EXHAUSTED
    return None


def _against_credit(points: int, credit: Credit) -> Rejection | None:
    if credit.supply.issued + points > POINTS_MAX:
        return Rejection.SUPPLY_EXHAUSTED
    new = points - credit.repaid
    # What repays a debt is burned as it is issued and stays below any cap.
    if new and credit.supply.outstanding + new > credit.terms.issue_cap:
        return Rejection.ISSUE_CAP_REACHED
    return None


def _is_checked_in(state: StateReader, holder: str, clerk: bytes, transaction: Transaction) -> bool:
    """Tell whether somebody other than the clerk has signed that the member was there."""
    organization = read(state, organization_key(holder), Organization)
    if organization is None:
        return False
    return any(organization.scopes_of(key) & CHECK_IN_SCOPE for key in transaction.signers if key != clerk)


def _within_limits(
    state: StateReader,
    body: GrantBonus | AdjustPoints,
    transaction: Transaction,
    context: BlockContext,
    case: Case,
) -> Rejection | Move:
    """Return which limit or rule of the issuer's own speaks against it, or what moves."""
    issuer, clerk, credit = case
    mark = bonus_mark_key(issuer.id, _cause_of(body))
    book = _book(state, issuer.id)
    policy = book.policy
    if body.account in policy.staff and not _is_debit(body):
        return Rejection.STAFF_ACCOUNT
    if state.get(mark) is not None:
        return Rejection.CAUSE_ALREADY_USED
    is_bonus = isinstance(body, GrantBonus)
    if is_bonus and body.points > policy.grant_max:
        return Rejection.GRANT_TOO_LARGE
    seconds = [key for key in transaction.signers if key != clerk and issuer.scopes_of(key) & SECOND_SCOPES]
    if body.points > policy.two_operators_above and not seconds:
        return Rejection.SECOND_OPERATOR_MISSING
    day = local_day(context.time, policy.utc_offset_minutes)
    before = read(state, clerk_key(issuer.id, clerk), ClerkDay)
    points, goodwill = (before.points, before.goodwill) if before is not None and before.day == day else (0, 0)
    points += body.points
    goodwill += int(isinstance(body, GrantBonus) and body.cause is BonusCause.GOODWILL)
    if points > policy.clerk_points_per_day or goodwill > policy.clerk_goodwill_per_day:
        return Rejection.CLERK_LIMIT_REACHED
    if is_bonus and book.granted + body.points > policy.budget:
        return Rejection.BONUS_BUDGET_SPENT
    return Move(Hand(book, clerk, ClerkDay(day, points, goodwill)), mark, credit)


def _give(
    state: StateWriter, body: GrantBonus | AdjustPoints, credit: Credit, context: BlockContext
) -> tuple[Holding, Lot]:
    """Issue points into a holding; return it and the lot that they would be without a debt."""
    terms, supply, holding, repaid = credit
    lot = Lot(
        body.points - repaid, LotOrigin.BONUS, availability_of(terms, context.time), expiry_of(terms, context.time)
    )
    added = (lot,) if lot.points else ()
    lots, pending, available, waiting = holding.lots, holding.pending_lots, holding.available, holding.pending
    if isinstance(terms.pending, AvailableAfterDays):
        pending, waiting = merged(pending, added), waiting + lot.points
    else:
        lots, available = merged(lots, added), available + lot.points
    after = Holding(
        available,
        lots,
        holding.debt - repaid,
        waiting,
        pending,
        holding.awaiting_lots,
        holding.lapsed,
        holding.due,
        holding.held,
    )
    state.put(supply_key(body.point_type), Supply(supply.issued + body.points, supply.burned + repaid, supply.expired))
    key = holding_key(body.account, body.point_type)
    return put_holding(state, key, after, added, context.time), lot


def _take(state: StateWriter, body: AdjustPoints, holding: Holding, context: BlockContext) -> Holding:
    """Burn points of a holding, in spending order; what is missing is owed."""
    part = min(body.points, holding.available)
    lots, _ = taken_first(holding.lots, part)
    after = Holding(
        holding.available - part,
        lots,
        holding.debt + body.points - part,
        holding.pending,
        holding.pending_lots,
        holding.awaiting_lots,
        holding.lapsed,
        holding.due,
        holding.held,
    )
    burn(state, body.point_type, part)
    return put_holding(state, holding_key(body.account, body.point_type), after, (), context.time)
