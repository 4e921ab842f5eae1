"""What points have paid for orders, and giving it back when an order is refunded.

Of what was refunded in all, points paid the same share as of the whole order, rounded down to the fen; money the rest.
Of every part of the payment as many whole units come back as that share has, a unit being the fewest points that are
worth whole fen. All are totals over all refunds, so ten small ones give exactly what one large one gives, and a full
one gives everything. What came last in spending order comes back first, as if the order had always been smaller.

The very lots come back, with the dates and the origin they had. Points that were burned at their issuer are unburned:
the trade in which they were burned is undone, nothing is issued. Points in a position leave it at the rate at which
they came.
"""

from jifen.ledger.context import BlockContext
from jifen.ledger.payments.effects import PointsGivenBack, PointsReturned
from jifen.ledger.payments.records import OrderPayment, PaidPart
from jifen.ledger.points.expiring import bring_back
from jifen.ledger.points.items_returned import has_room_for_items
from jifen.ledger.points.lots import points_of, taken_first
from jifen.ledger.points.positions import give_out
from jifen.ledger.receipts import AnyEffect
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import StateReader, StateWriter, holding_key, payment_key, point_type_key, refund_key
from jifen.ledger.terms.effects import PointsExpired
from jifen.ledger.terms.records import PointType
from jifen.ledger.transactions import RefundOrder, Transaction
from jifen.ledger.types import EMPTY_HOLDING, Holding, RefundRecord


def payment_of(state: StateReader, merchant: str, order_id: str) -> OrderPayment | None:
    """Return what points paid for an order, or None."""
    return read(state, payment_key(merchant, order_id), OrderPayment)


def paid_fen(payment: OrderPayment | None) -> int:
    """Return how much points have paid, fen, whatever of it was refunded since; 0 without a payment."""
    return sum([part.fen for part in payment.parts]) if payment is not None else 0


def differs_from_payment(payment: OrderPayment | None, amount_fen: int) -> bool:
    """Tell whether points have paid for an order as one of another amount, or one of which something was refunded.

    An order's credit and its payment are refunded together, so they have to speak of the same order.
    """
    return payment is not None and (payment.amount_fen != amount_fen or payment.refunded_fen != 0)


def check_uncredited_refund(state: StateReader, body: RefundOrder) -> Rejection | int:
    """Return why an order that was never credited cannot be refunded, or what of it is refunded then in all, fen."""
    payment = payment_of(state, body.merchant, body.order_id)
    if payment is None:
        return Rejection.ORDER_UNKNOWN
    if state.get(refund_key(body.merchant, body.refund_id)) is not None:
        return Rejection.REFUND_ALREADY_TAKEN
    refunded_fen = payment.refunded_fen + body.amount_fen
    if refunded_fen > payment.amount_fen:
        return Rejection.REFUND_EXCEEDS_ORDER
    # Which lines come back makes no difference to what points have paid of the whole.
    return refunded_fen if has_room_for_items(body) else Rejection.ITEMS_EXCEED_REFUND


def refund_uncredited(
    state: StateWriter, body: RefundOrder, transaction: Transaction, refunded_fen: int, context: BlockContext
) -> tuple[AnyEffect, ...]:
    """Give back what points have paid; there is nothing to take back."""
    state.put(refund_key(body.merchant, body.refund_id), RefundRecord(transaction.id))
    before = refunded_fen - body.amount_fen
    return give_back_paid(state, body.merchant, body.order_id, before, refunded_fen, context)


def give_back_paid(
    state: StateWriter,
    merchant: str,
    order_id: str,
    refunded_before_fen: int,
    refunded_after_fen: int,
    context: BlockContext,
) -> tuple[AnyEffect, ...]:
    """Give back what points paid of a refund: nothing, when no points have paid for the order.

    Args:
        state: with an open block.
        merchant: whose order it is.
        order_id: of the order.
        refunded_before_fen: of the order in all before this refund.
        refunded_after_fen: the same after it; at most what the order came to.
        context: the block.
    """
    payment = payment_of(state, merchant, order_id)
    if payment is None:
        return ()
    kept: list[PaidPart] = []
    returned: list[PointsReturned] = []
    expired: list[PointsExpired] = []
    back_fen = 0
    for part in payment.parts:
        units = part.points // part.rate.points
        total = units * refunded_after_fen // payment.amount_fen
        points = (total - units * refunded_before_fen // payment.amount_fen) * part.rate.points
        back_fen += total * part.rate.fen
        if not points:
            kept.append(part)
            continue
        rest, told, gone = _give_back_part(state, merchant, payment.account, part, points, context.time)
        kept.append(rest)
        returned.append(told)
        expired += gone
    state.put(
        payment_key(merchant, order_id),
        OrderPayment(
            payment.transaction_id,
            payment.account,
            payment.order_hash,
            payment.amount_fen,
            tuple(kept),
            refunded_after_fen,
        ),
    )
    paid = paid_fen(payment)
    due_before = paid * refunded_before_fen // payment.amount_fen
    due_after = paid * refunded_after_fen // payment.amount_fen
    amount_fen = refunded_after_fen - refunded_before_fen
    effect = PointsGivenBack(
        merchant,
        order_id,
        payment.account,
        amount_fen,
        payment.amount_fen,
        refunded_after_fen,
        paid,
        amount_fen - (due_after - due_before),
        due_after - back_fen,
        tuple(returned),
    )
    return (effect, *expired)


def _give_back_part(
    state: StateWriter, merchant: str, account: bytes, part: PaidPart, points: int, time: int
) -> tuple[PaidPart, PointsReturned, tuple[PointsExpired, ...]]:
    """Give points of a part back; return what is left of the part, what came back, and what of it has expired."""
    point_type = read(state, point_type_key(part.point_type), PointType)
    assert point_type is not None, f"{part.point_type} points have paid for an order, but the type does not exist"
    back, left = taken_first(part.lots, points_of(part.lots) - points)
    give_out(state, merchant, point_type, part.rate, points)
    key = holding_key(account, part.point_type)
    holding = read(state, key, Holding) or EMPTY_HOLDING
    after, repaid, expired = bring_back(state, key, holding, back, time)
    rest = PaidPart(
        part.point_type,
        part.points,
        part.rate,
        part.acceptance_version,
        tuple(left),
        part.day,
        part.terms_version,
    )
    fen = points * part.rate.fen // part.rate.points
    return rest, PointsReturned(part.point_type, points, fen, repaid, after.available), expired
