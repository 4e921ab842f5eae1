"""Refunds: taking back what the refunded part of an order has earned.

Of every leg of the order, what is taken is the difference of two totals, points before and points after, each rounded
once under the rule, the tier's coefficient and the campaigns that the order had (`earning.kept`). So ten refunds of
5.00 take exactly what one of 50.00 takes, and a full refund takes everything the order gave. A refund may name lines
of the order: then what these have earned is taken, and only the rest of the refund comes off the others in proportion.
Points that are spent already become a debt, which later earnings of the type repay before they add anything. Points
that expired before anybody spent them are gone and are not asked for again.
"""

from typing import NamedTuple

from jifen.ledger.context import BlockContext
from jifen.ledger.payments.giving_back import check_uncredited_refund, give_back_paid, refund_uncredited
from jifen.ledger.points.earning import TILL_SCOPES, kept
from jifen.ledger.points.holdings import put_holding
from jifen.ledger.points.items_returned import has_room_for_items, without
from jifen.ledger.points.lots import points_of, take_of_order, taken_first
from jifen.ledger.points.supplies import take_out
from jifen.ledger.receipts import AnyEffect, PointsRevoked
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.rules.book import rule_of
from jifen.ledger.rules.reckoning import Grant
from jifen.ledger.rules.tallies import budget_of, campaign_budget_of, charge, give_back
from jifen.ledger.state import (
    StateReader,
    StateWriter,
    holding_key,
    order_key,
    organization_key,
    point_type_key,
    refund_key,
)
from jifen.ledger.terms.records import PointType
from jifen.ledger.tiers.qualifying import qualify
from jifen.ledger.transactions import RefundOrder, Transaction
from jifen.ledger.types import (
    EMPTY_HOLDING,
    POINTS_MAX,
    Holding,
    Leg,
    OrderRecord,
    Organization,
    OrganizationStatus,
    RefundRecord,
)

_LegOf = tuple[OrderRecord, OrderRecord | Leg]
"""A leg, and the order that it is of, as they were or shall be."""


class Refund(NamedTuple):
    """What the check found and the act needs."""

    order: OrderRecord | None
    """Before; None: it earned nothing, but points have paid for it."""
    after: OrderRecord | None
    """What the refund leaves of it."""
    refunded_fen: int
    """Of the order in all, this refund included."""


def check_refund(
    state: StateReader, body: RefundOrder, transaction: Transaction, _context: BlockContext
) -> Rejection | Refund:
    """Return why the refund cannot be taken in, or what it refunds. Order: `rejections.py`."""
    organization = read(state, organization_key(body.merchant), Organization)
    if organization is None:
        return Rejection.ORGANIZATION_UNKNOWN
    if organization.status is not OrganizationStatus.ACTIVE:
        return Rejection.ORGANIZATION_NOT_ACTIVE
    if not any(organization.scopes_of(key) & TILL_SCOPES for key in transaction.signers):
        return Rejection.NOT_AUTHORIZED
    order = read(state, order_key(body.merchant, body.order_id), OrderRecord)
    if order is None:
        paid = check_uncredited_refund(state, body)
        return paid if isinstance(paid, Rejection) else Refund(None, None, paid)
    if state.get(refund_key(body.merchant, body.refund_id)) is not None:
        return Rejection.REFUND_ALREADY_TAKEN
    refunded_fen = order.refunded_fen + body.amount_fen
    if refunded_fen > order.amount_fen:
        return Rejection.REFUND_EXCEEDS_ORDER
    after = without(state.get, order, body.items, refunded_fen) if has_room_for_items(body) else None
    return Rejection.ITEMS_EXCEED_REFUND if after is None else Refund(order, after, refunded_fen)


def refund(
    state: StateWriter, body: RefundOrder, transaction: Transaction, found: Refund, context: BlockContext
) -> tuple[AnyEffect, ...]:
    """Take the points of every leg back, burning them; what is missing is owed. Budgets and tallies get theirs back.

    Then the points come back that have paid for the order.
    """
    order, after, refunded_fen = found
    if order is None or after is None:
        return refund_uncredited(state, body, transaction, refunded_fen, context)
    legs = zip(order.every_leg, after.every_leg, strict=True)
    revoked = tuple(_revoke(state, body, (order, leg), (after, left), context.time) for leg, left in legs)
    effects: tuple[AnyEffect, ...] = revoked
    state.put(order_key(body.merchant, body.order_id), after)
    state.put(refund_key(body.merchant, body.refund_id), RefundRecord(transaction.id))
    if order.qualifies:
        effects += qualify(state, body.merchant, order.account, -revoked[0].points, context)
    before_fen = order.refunded_fen
    return (*effects, *give_back_paid(state, body.merchant, body.order_id, before_fen, refunded_fen, context))


def _revoke(state: StateWriter, body: RefundOrder, before: _LegOf, after: _LegOf, time: int) -> PointsRevoked:
    order, leg = before
    had, left = kept(state.get, leg, order), kept(state.get, after[1], after[0])
    points = had.points - left.points
    key = holding_key(leg.account, leg.point_type)
    holding = read(state, key, Holding) or EMPTY_HOLDING
    lapsed = 0
    if points:
        holding, taken, lapsed = take_back(holding, leg, points)
        take_out(state, leg.point_type, burned=taken)
        holding = put_holding(state, key, holding, (), time)
    if leg.credit is not None:
        _give_back(state, leg, body.amount_fen, had, left, time)
    return PointsRevoked(
        body.merchant,
        leg.account,
        leg.point_type,
        leg.rule_version,
        body.amount_fen,
        order.amount_fen,
        after[0].refunded_fen,
        leg.earn_points,
        leg.earn_fen,
        points,
        holding.available,
        holding.debt,
        lapsed,
        holding.pending,
        left.points,
        after[1].credit.returned if after[1].credit is not None else (),
    )


def _give_back(state: StateWriter, leg: OrderRecord | Leg, amount_fen: int, had: Grant, left: Grant, time: int) -> None:
    """Give budgets and the account's tally back what a refund of a leg takes."""
    point_type = read(state, point_type_key(leg.point_type), PointType)
    assert point_type is not None, f"point type {leg.point_type} of an order is missing"
    points = had.points - left.points
    rule = rule_of(state.get, point_type, leg.rule_version)
    charge(state, budget_of(state, rule, leg.point_type), -points)
    given = {}
    for (campaign, before), (_, after) in zip(had.campaigns, left.campaigns, strict=True):
        charge(state, campaign_budget_of(state, campaign, leg.point_type), after - before)
        given[campaign.id] = before - after
    give_back(state, leg, amount_fen, points, given, time)


def take_back(holding: Holding, order: OrderRecord | Leg, points: int) -> tuple[Holding, int, int]:
    """Take points of an order out of a holding.

    From the order's own points first: those still pending, those it can spend, those that have expired unspent, which
    are gone already. Then from its other available points in spending order, never from other orders' pending ones.
    What is missing becomes a debt, of POINTS_MAX at most.

    Returns:
        The holding, how many points were taken out of it, and how many had expired.
    """
    pending_lots, awaiting_lots = holding.pending_lots, holding.awaiting_lots
    if order.awaiting:
        awaiting_lots, pending = take_of_order(awaiting_lots, order, points)
    else:
        pending_lots, pending = take_of_order(pending_lots, order, points)
    lots, own = take_of_order(holding.lots, order, points - pending)
    lapses, lapsed = take_of_order(holding.lapsed, order, points - pending - own)
    missing = points - pending - own - lapsed
    lots, others = taken_first(lots, missing)
    spent = own + points_of(others)
    after = Holding(
        holding.available - spent,
        lots,
        # An adjustment may have left the most that can be written: a sum beyond it would stop the ledger.
        min(holding.debt + missing - points_of(others), POINTS_MAX),
        holding.pending - pending,
        pending_lots,
        awaiting_lots,
        lapses,
        holding.due,
        holding.held,
    )
    return after, pending + spent, lapsed
