"""Earning: points for purchases, by the rule of the point type, with the dates that its terms in force give.

An order has a leg for the customer and one for each guide, store and distributor that the till names: points of the
merchant's own type for that role, by the rule of that type.
"""

from typing import Final

import msgspec

from jifen.ledger.context import BlockContext
from jifen.ledger.dates import day_end
from jifen.ledger.payments.giving_back import differs_from_payment, paid_fen, payment_of
from jifen.ledger.points.crediting import Recipient, Reckoned, Sale, keep, reckon
from jifen.ledger.points.holdings import put_holding
from jifen.ledger.points.lots import merged
from jifen.ledger.receipts import AnyEffect, PointsEarned
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.rewards.auto_redeeming import follow_up
from jifen.ledger.rules.book import Get, campaigns_of, read_book, rule_of
from jifen.ledger.rules.reckoning import Grant, grant, value_of
from jifen.ledger.rules.records import RuleBook
from jifen.ledger.state import (
    StateReader,
    StateWriter,
    account_key,
    holding_key,
    order_key,
    organization_key,
    point_type_key,
    rule_book_key,
    supply_key,
    tier_book_key,
)
from jifen.ledger.terms.records import (
    AvailableOnConfirmation,
    ImmediatelyAvailable,
    PointType,
    Terms,
    availability_of,
    expiry_of,
    renewal_days_of,
    terms_in_force,
)
from jifen.ledger.tiers.records import TierBook
from jifen.ledger.transactions import EarnPoints, Transaction
from jifen.ledger.types import (
    EMPTY_HOLDING,
    EMPTY_SUPPLY,
    POINTS_MAX,
    TIME_MAX,
    Holding,
    Leg,
    Lot,
    LotOrigin,
    OrderRecord,
    Organization,
    OrganizationStatus,
    RoleClass,
    Scope,
    Supply,
)

TILL_SCOPES = int(Scope.CASHIER | Scope.ISSUER)
"""Scopes that may credit a purchase. A plain number: enum arithmetic is slow, and every purchase asks."""


ROLES: Final = ((RoleClass.GUIDE, "guide"), (RoleClass.STORE, "store"), (RoleClass.DISTRIBUTOR, "distributor"))
"""Who else earns on an order: role, and field of `EarnPoints`."""


class Earning(msgspec.Struct, frozen=True, gc=False):
    """What the check found of one leg and the act needs."""

    account: bytes
    point_type: PointType
    terms: Terms
    """In force at the block's time."""
    supply: Supply
    holding: Holding
    points: int
    repaid: int
    """Part of the points that repays a debt at once; pending ones do so when they become available."""
    reckoned: Reckoned | None
    """None: the flat rate."""


class Parties(msgspec.Struct, frozen=True, gc=False):
    """Who has to do with a purchase."""

    merchant: Organization
    legs: tuple[tuple[PointType, bytes], ...]
    """Points and account of the customer, then of every role that earns."""
    has_roles: bool
    """Whether the till has named any, also one that earns nothing because it is the customer."""


class Credited(msgspec.Struct, frozen=True, gc=False):
    """What the act has done of one leg."""

    lot: Lot
    """The points, with their dates."""
    awaiting: bool
    effect: PointsEarned


def points_for(rate: PointType | OrderRecord | Leg, amount_fen: int) -> int:
    """Return the points that an amount earns at a flat rate, rounded down once."""
    return amount_fen * rate.earn_points // rate.earn_fen


def kept(get: Get, leg: OrderRecord | Leg, order: OrderRecord) -> Grant:
    """Return what a leg of an order earns by what was kept of it: by its own rule, tier and campaigns."""
    credit, kept_fen = leg.credit, order.amount_fen - order.refunded_fen
    if credit is None:
        points = points_for(leg, kept_fen)
        return Grant(points, points, (), points, (1, 1))
    point_type = get(point_type_key(leg.point_type))
    assert isinstance(point_type, PointType), f"point type {leg.point_type} of an order is missing"
    rule = rule_of(get, point_type, leg.rule_version)
    value = value_of(rule, credit, kept_fen, order.amount_fen)
    return grant(rule, value, (credit.numerator, credit.denominator), campaigns_of(get, leg), credit.base)


def check_earning(
    state: StateReader, body: EarnPoints, transaction: Transaction, context: BlockContext
) -> Rejection | tuple[Earning, ...]:
    """Return why the purchase cannot be credited, or what to credit, the customer first. Order: `rejections.py`."""
    parties = parties_of(state, body)
    if isinstance(parties, Rejection):
        return parties
    scopes_of = parties.merchant.scopes_of
    if not [key for key in transaction.signers if scopes_of(key) & TILL_SCOPES]:
        return Rejection.NOT_AUTHORIZED
    if parties.legs[0][0].issuer != body.merchant:
        return Rejection.NOT_THE_ISSUER
    if state.get(order_key(body.merchant, body.order_id)) is not None:
        return Rejection.ORDER_ALREADY_CREDITED
    rejection = against_order(body, parties)
    if rejection is not None:
        return rejection
    payment = payment_of(state, body.merchant, body.order_id)
    if differs_from_payment(payment, body.amount_fen):
        return Rejection.ORDER_DIFFERS
    return earnings_of(state, body, parties.legs, paid_fen(payment), context)


def parties_of(state: StateReader, body: EarnPoints) -> Rejection | Parties:
    """Return who has to do with a purchase, or who of them is not there."""
    organization = read(state, organization_key(body.merchant), Organization)
    if organization is None:
        return Rejection.ORGANIZATION_UNKNOWN
    if organization.status is not OrganizationStatus.ACTIVE:
        return Rejection.ORGANIZATION_NOT_ACTIVE
    if state.get(account_key(body.account)) is None:
        return Rejection.ACCOUNT_UNKNOWN
    has_roles = not (body.guide is None and body.store is None and body.distributor is None)
    if has_roles and not _roles_are_known(state, body):
        return Rejection.ROLE_ACCOUNT_UNKNOWN
    point_type = read(state, point_type_key(body.point_type), PointType)
    if point_type is None:
        return Rejection.POINT_TYPE_UNKNOWN
    if not has_roles:
        return Parties(organization, ((point_type, body.account),), has_roles)
    others = _role_legs(state, body)
    known = tuple((kind, account) for kind, account in others if kind is not None)
    if len(known) < len(others):
        return Rejection.POINT_TYPE_UNKNOWN
    return Parties(organization, ((point_type, body.account), *known), has_roles)


def against_order(body: EarnPoints, parties: Parties) -> Rejection | None:
    """Return what is wrong with a purchase itself, or None."""
    point_type, _ = parties.legs[0]
    if point_type.issuer != body.merchant:
        return Rejection.NOT_THE_ISSUER
    if parties.has_roles and point_type.role is not RoleClass.CONSUMER:
        return Rejection.NOT_CONSUMER_POINTS
    if body.items and sum([line.amount_fen for line in body.items]) > body.amount_fen:
        return Rejection.ITEMS_EXCEED_ORDER
    return None


def earnings_of(
    state: StateReader,
    body: EarnPoints,
    legs: tuple[tuple[PointType, bytes], ...],
    value_paid: int,
    context: BlockContext,
) -> Rejection | tuple[Earning, ...]:
    """Return what an order gives to each account of `legs`, or why no more points can be issued.

    `value_paid` is what of it points have paid, fen.
    """
    found = [_earning(state, body, leg, value_paid, context) for leg in legs]
    for item in found:
        if item.supply.issued + item.points > POINTS_MAX:
            return Rejection.SUPPLY_EXHAUSTED
    for item in found:
        # What repays a debt is burned as it is issued and stays below any cap.
        new = item.points - item.repaid
        if new > 0 and item.supply.outstanding + new > item.terms.issue_cap:
            return Rejection.ISSUE_CAP_REACHED
    return tuple(found)


def _earning(
    state: StateReader, body: EarnPoints, leg: tuple[PointType, bytes], paid_fen: int, context: BlockContext
) -> Earning:
    point_type, account = leg
    terms = terms_in_force(point_type, context.time)
    book = read(state, rule_book_key(point_type.id), RuleBook)
    reckoned = None
    if book is None and not paid_fen:
        points = points_for(point_type, body.amount_fen)
    else:
        # Where nothing but the flat rate was ever published it is the rule: what points have paid earns nothing.
        book = book or read_book(state, point_type)
        sale = Sale(body.merchant, body.amount_fen, body.items, paid_fen)
        reckoned = reckon(state, sale, Recipient(account, point_type, terms, book), context.time)
        points = reckoned.grant.points
    supply = read(state, supply_key(point_type.id), Supply) or EMPTY_SUPPLY
    holding = read(state, holding_key(account, point_type.id), Holding) or EMPTY_HOLDING
    repaid = min(points, holding.debt) if _is_immediate(terms) else 0
    return Earning(account, point_type, terms, supply, holding, points, repaid, reckoned)


def _roles_are_known(state: StateReader, body: EarnPoints) -> bool:
    named = (body.guide, body.store, body.distributor)
    return all(account is None or state.get(account_key(account)) is not None for account in named)


def _role_legs(state: StateReader, body: EarnPoints) -> tuple[tuple[PointType | None, bytes], ...]:
    """Return the merchant's point type and the account of every role; nobody has a role on an own purchase."""
    found = []
    for role, field in ROLES:
        account = getattr(body, field)
        if account is not None and account != body.account:
            name = f"{body.merchant}/{role.name.lower()}"
            found.append((read(state, point_type_key(name), PointType), account))
    return tuple(found)


def earn(
    state: StateWriter,
    body: EarnPoints,
    transaction: Transaction,
    earnings: tuple[Earning, ...],
    context: BlockContext,
) -> tuple[AnyEffect, ...]:
    """Credit the purchase; what an account owes is repaid first, unless the points are pending.

    An order too small to earn a point is recorded all the same and earns 0.
    """
    earning = earnings[0]
    done = _credit(state, body, earning, context.time)
    effects: tuple[AnyEffect, ...] = (done.effect,)
    legs: tuple[Leg, ...] = ()
    if len(earnings) > 1:
        others = [(item, _credit(state, body, item, context.time)) for item in earnings[1:]]
        effects += tuple(credited.effect for _, credited in others)
        legs = tuple(_leg(item, credited) for item, credited in others)
    is_consumer = earning.point_type.role is RoleClass.CONSUMER
    book = read(state, tier_book_key(body.merchant), TierBook) if is_consumer else None
    flat = earning.reckoned is None
    order = OrderRecord(
        transaction.id,
        body.account,
        body.point_type,
        done.effect.rule_version,
        earning.point_type.earn_points if flat else 0,
        earning.point_type.earn_fen if flat else 0,
        body.amount_fen,
        0,
        earning.terms.version,
        done.lot.available_from,
        done.lot.expires_at,
        done.lot.renewal_days,
        done.awaiting,
        None if earning.reckoned is None else earning.reckoned.credit,
        legs,
        book is not None and book.programme is not None,
    )
    state.put(order_key(body.merchant, body.order_id), order)
    if book is not None:
        return (*effects, *follow_up(state, book, body.merchant, body.account, earning.points, context))
    return effects


def _leg(earning: Earning, done: Credited) -> Leg:
    flat = earning.reckoned is None
    return Leg(
        earning.account,
        earning.point_type.id,
        done.effect.rule_version,
        earning.point_type.earn_points if flat else 0,
        earning.point_type.earn_fen if flat else 0,
        earning.terms.version,
        done.lot.available_from,
        done.lot.expires_at,
        done.lot.renewal_days,
        done.awaiting,
        None if earning.reckoned is None else earning.reckoned.credit,
    )


def _credit(state: StateWriter, body: EarnPoints, earning: Earning, time: int) -> Credited:
    account, point_type, terms, reckoned = earning.account, earning.point_type, earning.terms, earning.reckoned
    supply, holding, points, repaid = earning.supply, earning.holding, earning.points, earning.repaid
    lot = Lot(
        points - repaid,
        LotOrigin.EARNED,
        availability_of(terms, time),
        expiry_of(terms, time),
        renewal_days_of(terms),
    )
    if points:
        holding = _credited(holding, terms, lot, repaid, time)
        # Renewed lots are due later than before, which the agenda finds by itself.
        added = (lot,) if lot.points else ()
        holding = put_holding(state, holding_key(account, point_type.id), holding, added, time)
        after = Supply(supply.issued + points, supply.burned + repaid, supply.expired)
        state.put(supply_key(point_type.id), after)
    if reckoned is None:
        version, rate, arithmetic = point_type.rule_version, (point_type.earn_points, point_type.earn_fen), None
    else:
        keep(state, point_type.id, account, reckoned)
        version, rate, arithmetic = reckoned.rule.version, (0, 0), reckoned.arithmetic
    awaiting = isinstance(terms.pending, AvailableOnConfirmation)
    effect = PointsEarned(
        body.merchant,
        account,
        point_type.id,
        version,
        body.amount_fen,
        *rate,
        points,
        holding.available,
        repaid,
        terms.version,
        0 if awaiting else lot.available_from,
        lot.expires_at,
        holding.pending,
        arithmetic,
    )
    return Credited(lot, awaiting, effect)


def _is_immediate(terms: Terms) -> bool:
    return isinstance(terms.pending, ImmediatelyAvailable)


def _credited(holding: Holding, terms: Terms, lot: Lot, repaid: int, time: int) -> Holding:
    """Return the holding with the lot put in where it belongs, after what slides was renewed."""
    lots = _renewed(holding.lots, terms, time)
    pending = _renewed(holding.pending_lots, terms, time)
    awaiting = _renewed(holding.awaiting_lots, terms, time)
    added = (lot,) if lot.points else ()
    available, waiting = holding.available, holding.pending
    if _is_immediate(terms):
        lots, available = merged(lots, added), available + lot.points
    else:
        waiting += lot.points
        if isinstance(terms.pending, AvailableOnConfirmation):
            awaiting = merged(awaiting, added)
        else:
            pending = merged(pending, added)
    return Holding(
        available, lots, holding.debt - repaid, waiting, pending, awaiting, holding.lapsed, holding.due, holding.held
    )


def _renewed(lots: tuple[Lot, ...], terms: Terms, time: int) -> tuple[Lot, ...]:
    """Return the lots as an earn leaves them: those that slide live on, by the terms they were earned under.

    What has reached its date is gone, though the agenda may not have got to it yet.
    """
    # Every earn asks: a list is quicker than any() with a generator.
    if not lots or not [lot for lot in lots if lot.renewal_days]:
        return lots
    renewed = [
        Lot(
            lot.points,
            lot.origin,
            lot.available_from,
            max(lot.expires_at, min(day_end(time, lot.renewal_days, terms.utc_offset_minutes), TIME_MAX)),
            lot.renewal_days,
        )
        if lot.renewal_days and lot.expires_at > time
        else lot
        for lot in lots
    ]
    return merged((), renewed)
