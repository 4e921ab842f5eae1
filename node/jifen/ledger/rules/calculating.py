"""What a purchase would earn, with its arithmetic, before anything is written: the functions that crediting it runs."""

from jifen.ledger.context import BlockContext
from jifen.ledger.payments.giving_back import paid_fen, payment_of
from jifen.ledger.points.earning import Earning, against_order, earnings_of, parties_of
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import StateReader
from jifen.ledger.transactions import EarnPoints


def calculate(state: StateReader, body: EarnPoints, context: BlockContext) -> Rejection | tuple[Earning, ...]:
    """Return what each leg of a purchase would earn in a block, the customer's first, or why nothing could be credited.

    The order's id and the signers of the body are not looked at.
    """
    parties = parties_of(state, body)
    if isinstance(parties, Rejection):
        return parties
    value_paid = paid_fen(payment_of(state, body.merchant, body.order_id))
    return against_order(body, parties) or earnings_of(state, body, parties.legs, value_paid, context)
