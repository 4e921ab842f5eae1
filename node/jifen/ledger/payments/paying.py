"""Paying for a part of an order with points, by the signatures of the member and of the merchant's till."""

from jifen.ledger.context import BlockContext
from jifen.ledger.locks.records import points_wait
from jifen.ledger.payments.bodies import PayOrder
from jifen.ledger.payments.effects import OrderPaid, PointsPaid
from jifen.ledger.payments.plan import Plan, PlannedPart, count_taken, make_plan, paid_part
from jifen.ledger.payments.records import OrderPayment
from jifen.ledger.points.earning import TILL_SCOPES
from jifen.ledger.points.holdings import put_holding
from jifen.ledger.points.positions import take_in
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import (
    StateReader,
    StateWriter,
    account_key,
    holding_key,
    order_key,
    organization_key,
    payment_key,
)
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import Account, Organization, OrganizationStatus


def check_order_payment(
    state: StateReader, body: PayOrder, transaction: Transaction, context: BlockContext
) -> Rejection | Plan:
    """Return why the order cannot be paid so, or what pays it. Order: `rejections.py`."""
    organization = read(state, organization_key(body.merchant), Organization)
    if organization is None:
        return Rejection.ORGANIZATION_UNKNOWN
    if organization.status is not OrganizationStatus.ACTIVE:
        return Rejection.ORGANIZATION_NOT_ACTIVE
    account = read(state, account_key(body.account), Account)
    if account is None:
        return Rejection.ACCOUNT_UNKNOWN
    plan = make_plan(state, organization, body.account, body.amount_fen, body.parts, context.time)
    if plan is Rejection.POINT_TYPE_UNKNOWN:
        return plan
    signers = transaction.signers
    if account.key not in signers or not any(organization.scopes_of(key) & TILL_SCOPES for key in signers):
        return Rejection.NOT_AUTHORIZED
    if points_wait(account):
        return Rejection.ACCOUNT_LOCKED
    return against_order(state, body.merchant, body.order_id) or plan


def against_order(state: StateReader, merchant: str, order_id: str) -> Rejection | None:
    """Return why no points can pay for this order of a merchant, or None.

    One that is credited has earned on money: points that paid for it afterwards would have earned points.
    """
    if state.get(order_key(merchant, order_id)) is not None:
        return Rejection.ORDER_ALREADY_CREDITED
    if state.get(payment_key(merchant, order_id)) is not None:
        return Rejection.ORDER_ALREADY_PAID
    return None


def pay_order(
    state: StateWriter, body: PayOrder, transaction: Transaction, plan: Plan, context: BlockContext
) -> tuple[OrderPaid]:
    """Let the points pay: at their issuer they are burned, elsewhere the merchant has them."""
    for part in plan.parts:
        put_holding(state, holding_key(body.account, part.point_type.id), part.rest, (), context.time)
        take_in(state, body.merchant, part.point_type, part.rate, part.points)
        count_taken(state, body.merchant, part)
    parts = tuple([paid_part(part) for part in plan.parts])
    payment = OrderPayment(transaction.id, body.account, body.order_hash, body.amount_fen, parts)
    state.put(payment_key(body.merchant, body.order_id), payment)
    effect = OrderPaid(
        body.merchant,
        body.order_id,
        body.order_hash,
        body.account,
        body.amount_fen,
        plan.paid_fen,
        body.amount_fen - plan.paid_fen,
        plan.share_bp,
        told(plan.parts),
        None,
        plan.policies_revision,
    )
    return (effect,)


def told(parts: tuple[PlannedPart, ...]) -> tuple[PointsPaid, ...]:
    """Return parts as receipts tell of them."""
    return tuple(
        [
            PointsPaid(
                part.point_type.id,
                part.points,
                part.fen,
                part.rate,
                part.record.acceptance.version,
                part.terms_version,
                part.rest.available,
            )
            for part in parts
        ]
    )
