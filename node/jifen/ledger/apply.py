"""The one door to the state: check a transaction, then let it act.

Every rule is a pair: a check that reads and either names a rejection or returns what it found, and an act that cannot
fail. So a rejected transaction has written nothing but its mark, and `preflight` is the same check without the act.
"""

from jifen.ledger.context import BlockContext
from jifen.ledger.earning import check_earning, earn
from jifen.ledger.membership import check_registration, register
from jifen.ledger.moving import check_transfer, transfer
from jifen.ledger.receipts import AnyEffect, Receipt
from jifen.ledger.refunding import check_refund, refund
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import StateReader, StateWriter, mark_key
from jifen.ledger.transactions import EarnPoints, RefundOrder, RegisterMember, Transaction, TransferPoints
from jifen.ledger.types import TRANSACTION_LIFETIME_MS_MAX, TransactionMark


def is_taken(state: StateReader, transaction: Transaction) -> bool:
    """Tell whether this very transaction stands in an earlier block."""
    return state.get(mark_key(transaction.body.expires_at, transaction.id)) is not None


def preflight(state: StateReader, transaction: Transaction, context: BlockContext) -> Rejection | None:
    """Return the reason for which the transaction would be rejected now, or None."""
    rejection = _check_life(transaction, context)
    if rejection is not None:
        return rejection
    if is_taken(state, transaction):
        return Rejection.ALREADY_APPLIED
    body = transaction.body
    found: object
    if isinstance(body, EarnPoints):
        found = check_earning(state, body, transaction)
    elif isinstance(body, TransferPoints):
        found = check_transfer(state, body, transaction)
    elif isinstance(body, RefundOrder):
        found = check_refund(state, body, transaction)
    else:
        found = check_registration(state, body, transaction, context)
    return found if isinstance(found, Rejection) else None


def apply_transaction(state: StateWriter, transaction: Transaction, context: BlockContext) -> Receipt:
    """Apply the transaction, mark it as taken and return its receipt.

    The caller has made sure that it is in no earlier block (`is_taken`) and no second time in this one.
    """
    outcome = _act(state, transaction, context)
    state.put(mark_key(transaction.body.expires_at, transaction.id), TransactionMark(context.height))
    if isinstance(outcome, Rejection):
        return Receipt(transaction.id, outcome, ())
    return Receipt(transaction.id, 0, (outcome,))


def _check_life(transaction: Transaction, context: BlockContext) -> Rejection | None:
    expires_at = transaction.body.expires_at
    if expires_at < context.time:
        return Rejection.EXPIRED
    if expires_at > context.time + TRANSACTION_LIFETIME_MS_MAX:
        return Rejection.EXPIRY_TOO_FAR
    return None


def _act(state: StateWriter, transaction: Transaction, context: BlockContext) -> Rejection | AnyEffect:
    rejection = _check_life(transaction, context)
    if rejection is not None:
        return rejection
    body = transaction.body
    if isinstance(body, EarnPoints):
        earning = check_earning(state, body, transaction)
        if isinstance(earning, Rejection):
            return earning
        return earn(state, body, transaction, earning, context)
    if isinstance(body, TransferPoints):
        holding = check_transfer(state, body, transaction)
        if isinstance(holding, Rejection):
            return holding
        return transfer(state, body, holding)
    if isinstance(body, RefundOrder):
        refunded = check_refund(state, body, transaction)
        if isinstance(refunded, Rejection):
            return refunded
        return refund(state, body, transaction, refunded)
    assert isinstance(body, RegisterMember)
    account = check_registration(state, body, transaction, context)
    if isinstance(account, Rejection):
        return account
    return register(state, body, account, context)
