"""Confirming an order whose points wait for that: its goods were delivered, its time to withdraw is over."""

from typing import NamedTuple

import msgspec

from jifen.ledger.context import BlockContext
from jifen.ledger.earning import TILL_SCOPES, points_for
from jifen.ledger.expiring import activate
from jifen.ledger.holdings import put_holding
from jifen.ledger.lots import is_of, with_points
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import StateReader, StateWriter, holding_key, order_key, organization_key
from jifen.ledger.supplies import take_out
from jifen.ledger.term_bodies import ConfirmOrder
from jifen.ledger.term_effects import PointsActivated
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import (
    EMPTY_HOLDING,
    Holding,
    Lot,
    OrderRecord,
    Organization,
    OrganizationStatus,
)


class Confirmation(NamedTuple):
    """What the check found and the act needs."""

    order: OrderRecord
    holding: Holding
    lot: Lot
    """The order's points, of the lot in which they wait."""


def check_confirmation(
    state: StateReader, body: ConfirmOrder, transaction: Transaction, _context: BlockContext
) -> Rejection | Confirmation:
    """Return why the order cannot be confirmed, or what that makes available. Order: `rejections.py`."""
    organization = read(state, organization_key(body.merchant), Organization)
    if organization is None:
        return Rejection.ORGANIZATION_UNKNOWN
    if organization.status is not OrganizationStatus.ACTIVE:
        return Rejection.ORGANIZATION_NOT_ACTIVE
    if not any(organization.scopes_of(key) & TILL_SCOPES for key in transaction.signers):
        return Rejection.NOT_AUTHORIZED
    order = read(state, order_key(body.merchant, body.order_id), OrderRecord)
    if order is None:
        return Rejection.ORDER_UNKNOWN
    points = points_for(order, order.amount_fen - order.refunded_fen)
    holding = read(state, holding_key(order.account, order.point_type), Holding) or EMPTY_HOLDING
    lots = [lot for lot in holding.awaiting_lots if is_of(order, lot)]
    if not (order.awaiting and points and lots):
        return Rejection.ORDER_NOT_PENDING
    return Confirmation(order, holding, with_points(lots[0], points))


def confirm(
    state: StateWriter, body: ConfirmOrder, _transaction: Transaction, found: Confirmation, context: BlockContext
) -> tuple[PointsActivated]:
    """Make what is left of the order's points available; first of all they repay what the account owes."""
    order, holding, ready = found
    waiting = tuple(
        with_points(lot, lot.points - ready.points) if is_of(order, lot) else lot for lot in holding.awaiting_lots
    )
    holding = Holding(
        holding.available,
        holding.lots,
        holding.debt,
        holding.pending - ready.points,
        holding.pending_lots,
        tuple(lot for lot in waiting if lot.points),
        holding.lapsed,
        holding.due,
        holding.held,
    )
    after, points, repaid = activate(holding, (ready,))
    after = put_holding(state, holding_key(order.account, order.point_type), after, (), context.time)
    take_out(state, order.point_type, burned=repaid)
    state.put(order_key(body.merchant, body.order_id), msgspec.structs.replace(order, awaiting=False))
    effect = PointsActivated(
        order.account,
        order.point_type,
        points,
        repaid,
        after.available,
        after.pending,
        body.merchant,
        body.order_id,
    )
    return (effect,)
