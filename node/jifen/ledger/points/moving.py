"""Moving points between members."""

from typing import NamedTuple

from jifen.ledger.context import BlockContext
from jifen.ledger.locks.pausing import received as received_while_locked
from jifen.ledger.locks.records import points_wait
from jifen.ledger.points.holdings import put_holding
from jifen.ledger.points.limits import Movement, check_movement, count_movement, day_of
from jifen.ledger.points.lots import add_lots, take_lots
from jifen.ledger.receipts import PointsTransferred
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import StateReader, StateWriter, account_key, holding_key, point_type_key
from jifen.ledger.terms.records import PointType, terms_in_force
from jifen.ledger.transactions import Transaction, TransferPoints
from jifen.ledger.types import EMPTY_HOLDING, Account, Holding, Lot, LotOrigin


class Transfer(NamedTuple):
    """What the check found and the act needs."""

    holding: Holding
    """The sender's."""
    recipient: Account
    movement: Movement


def check_transfer(
    state: StateReader, body: TransferPoints, transaction: Transaction, context: BlockContext
) -> Rejection | Transfer:
    """Return why the points cannot be passed on, or what that takes. Order: `rejections.py`."""
    sender = read(state, account_key(body.sender), Account)
    if sender is None:
        return Rejection.ACCOUNT_UNKNOWN
    recipient = read(state, account_key(body.recipient), Account)
    if recipient is None:
        return Rejection.RECIPIENT_UNKNOWN
    point_type = read(state, point_type_key(body.point_type), PointType)
    if point_type is None:
        return Rejection.POINT_TYPE_UNKNOWN
    if sender.key not in transaction.signers:
        return Rejection.NOT_AUTHORIZED
    if points_wait(sender):
        return Rejection.ACCOUNT_LOCKED
    terms = terms_in_force(point_type, context.time)
    if not terms.transferable:
        return Rejection.NOT_TRANSFERABLE
    if body.sender == body.recipient:
        return Rejection.SENDER_IS_RECIPIENT
    holding = read(state, holding_key(body.sender, body.point_type), Holding)
    if holding is None or holding.available < body.points:
        return Rejection.INSUFFICIENT_POINTS
    name, time = body.point_type, context.time
    movement = check_movement(
        state, day_of(terms, body.sender, name, time), day_of(terms, body.recipient, name, time), body.points, terms
    )
    if isinstance(movement, Rejection):
        return movement
    return Transfer(holding, recipient, movement)


def transfer(
    state: StateWriter, body: TransferPoints, _transaction: Transaction, found: Transfer, context: BlockContext
) -> tuple[PointsTransferred]:
    """Pass the points on. Lots keep availability and expiry and slide no more (invariant I9)."""
    rest, taken = take_lots(found.holding, body.points)
    key = holding_key(body.recipient, body.point_type)
    received = read(state, key, Holding) or EMPTY_HOLDING
    moved = [Lot(lot.points, LotOrigin.TRANSFERRED, lot.available_from, lot.expires_at) for lot in taken]
    if points_wait(found.recipient):
        moved = [received_while_locked(lot, context.time) for lot in moved]
    put_holding(state, holding_key(body.sender, body.point_type), rest, (), context.time)
    received = put_holding(state, key, add_lots(received, moved), moved, context.time)
    count_movement(state, found.movement)
    effect = PointsTransferred(
        body.sender, body.recipient, body.point_type, body.points, rest.available, received.available
    )
    return (effect,)
