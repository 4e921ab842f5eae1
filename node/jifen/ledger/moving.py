"""Moving points between members."""

from jifen.ledger.context import BlockContext
from jifen.ledger.lots import add_lots, take_lots
from jifen.ledger.receipts import PointsTransferred
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import StateReader, StateWriter, account_key, holding_key, point_type_key
from jifen.ledger.transactions import Transaction, TransferPoints
from jifen.ledger.types import EMPTY_HOLDING, Account, Holding, Lot, LotOrigin, PointType


def check_transfer(
    state: StateReader, body: TransferPoints, transaction: Transaction, _context: BlockContext
) -> Rejection | Holding:
    """Return why the points cannot be passed on, or the sender's holding. Order: `rejections.py`."""
    sender = read(state, account_key(body.sender), Account)
    if sender is None:
        return Rejection.ACCOUNT_UNKNOWN
    if state.get(account_key(body.recipient)) is None:
        return Rejection.RECIPIENT_UNKNOWN
    point_type = read(state, point_type_key(body.point_type), PointType)
    if point_type is None:
        return Rejection.POINT_TYPE_UNKNOWN
    if sender.key not in transaction.signers:
        return Rejection.NOT_AUTHORIZED
    if not point_type.transferable:
        return Rejection.NOT_TRANSFERABLE
    if body.sender == body.recipient:
        return Rejection.SENDER_IS_RECIPIENT
    holding = read(state, holding_key(body.sender, body.point_type), Holding)
    if holding is None or holding.available < body.points:
        return Rejection.INSUFFICIENT_POINTS
    return holding


def transfer(
    state: StateWriter, body: TransferPoints, _transaction: Transaction, holding: Holding, _context: BlockContext
) -> tuple[PointsTransferred]:
    """Pass the points on. Lots keep availability and expiry (invariant I9); only their origin changes."""
    rest, taken = take_lots(holding, body.points)
    received = read(state, holding_key(body.recipient, body.point_type), Holding) or EMPTY_HOLDING
    moved = [Lot(lot.points, LotOrigin.TRANSFERRED, lot.available_from, lot.expires_at) for lot in taken]
    received = add_lots(received, moved)
    state.put(holding_key(body.sender, body.point_type), rest)
    state.put(holding_key(body.recipient, body.point_type), received)
    effect = PointsTransferred(
        body.sender, body.recipient, body.point_type, body.points, rest.available, received.available
    )
    return (effect,)
