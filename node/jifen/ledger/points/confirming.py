"""Confirming an order whose points wait for that: its goods were delivered, its time to withdraw is over."""

from typing import NamedTuple

import msgspec

from jifen.ledger.context import BlockContext
from jifen.ledger.points.earning import TILL_SCOPES, kept
from jifen.ledger.points.expiring import activate
from jifen.ledger.points.holdings import put_holding
from jifen.ledger.points.lots import is_of, with_points
from jifen.ledger.points.supplies import take_out
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import StateReader, StateWriter, holding_key, order_key, organization_key
from jifen.ledger.terms.bodies import ConfirmOrder
from jifen.ledger.terms.effects import PointsActivated
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import (
    EMPTY_HOLDING,
    Holding,
    Leg,
    Lot,
    OrderRecord,
    Organization,
    OrganizationStatus,
)


class Confirmation(NamedTuple):
    """What the check found of one leg and the act needs."""

    leg: OrderRecord | Leg
    holding: Holding
    lot: Lot
    """The leg's points, of the lot in which they wait."""


class Confirmed(NamedTuple):
    """What the check found."""

    order: OrderRecord
    waiting: tuple[Confirmation, ...]


def check_confirmation(
    state: StateReader, body: ConfirmOrder, transaction: Transaction, _context: BlockContext
) -> Rejection | Confirmed:
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
    found = [_waiting(state, order, leg) for leg in order.every_leg]
    waiting = tuple(item for item in found if item is not None)
    return Confirmed(order, waiting) if waiting else Rejection.ORDER_NOT_PENDING


def _waiting(state: StateReader, order: OrderRecord, leg: OrderRecord | Leg) -> Confirmation | None:
    if not leg.awaiting:
        return None
    points = kept(state.get, leg, order).points
    holding = read(state, holding_key(leg.account, leg.point_type), Holding) or EMPTY_HOLDING
    lots = [lot for lot in holding.awaiting_lots if is_of(leg, lot)]
    return Confirmation(leg, holding, with_points(lots[0], points)) if points and lots else None


def confirm(
    state: StateWriter, body: ConfirmOrder, _transaction: Transaction, found: Confirmed, context: BlockContext
) -> tuple[PointsActivated, ...]:
    """Make what is left of the order's points available; first of all they repay what the account owes."""
    order = found.order
    effects = tuple(_activate(state, body, item, context.time) for item in found.waiting)
    # By role: the types of an order's legs differ.
    done = {item.leg.point_type for item in found.waiting}
    legs = tuple(msgspec.structs.replace(leg, awaiting=False) if leg.point_type in done else leg for leg in order.legs)
    awaiting = order.awaiting and order.point_type not in done
    state.put(order_key(body.merchant, body.order_id), msgspec.structs.replace(order, awaiting=awaiting, legs=legs))
    return effects


def _activate(state: StateWriter, body: ConfirmOrder, found: Confirmation, time: int) -> PointsActivated:
    leg, holding, ready = found
    waiting = tuple(
        with_points(lot, lot.points - ready.points) if is_of(leg, lot) else lot for lot in holding.awaiting_lots
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
    after = put_holding(state, holding_key(leg.account, leg.point_type), after, (), time)
    take_out(state, leg.point_type, burned=repaid)
    return PointsActivated(
        leg.account,
        leg.point_type,
        points,
        repaid,
        after.available,
        after.pending,
        body.merchant,
        body.order_id,
    )
