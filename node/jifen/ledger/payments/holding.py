"""Holding points for an order that is not delivered yet; capturing, giving up and running out.

A hold promises both sides something: the organization that the points are there, at the rates of the day; the member
that they come back by themselves. So only the organization ends it early, and nobody makes it longer.
"""

from collections.abc import Iterable
from typing import NamedTuple

from jifen.ledger.context import BlockContext
from jifen.ledger.locks.records import points_wait
from jifen.ledger.payments.bodies import CaptureHold, HoldPoints, VoidHold
from jifen.ledger.payments.effects import OrderPaid, PointsHeld, PointsPaid, PointsReleased, PointsReturned
from jifen.ledger.payments.paying import against_order, told
from jifen.ledger.payments.plan import Plan, count_released, count_taken, make_plan, paid_part
from jifen.ledger.payments.records import BASIS_POINTS, HOLD_MS_MAX, HOLDS_MAX, Hold, OrderPayment, PaidPart
from jifen.ledger.points.earning import TILL_SCOPES
from jifen.ledger.points.held import HELD_IN, HeldPoints, hold_points, release_points, spend_held
from jifen.ledger.points.lots import points_of, taken_first
from jifen.ledger.points.positions import take_in
from jifen.ledger.receipts import AnyEffect
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.scheduling import schedule
from jifen.ledger.state import (
    HOLD,
    StateReader,
    StateWriter,
    account_key,
    after_prefix,
    hold_key,
    organization_key,
    payment_key,
    point_type_key,
)
from jifen.ledger.terms.effects import PointsExpired
from jifen.ledger.terms.records import PointType
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import Account, Organization, OrganizationStatus


class Capture(NamedTuple):
    """What the check found and the act needs."""

    hold: Hold
    points: tuple[int, ...]
    """Points of each part that pay."""
    paid_fen: int


def held_in(hold: Hold) -> Iterable[HeldPoints]:
    """Return what a hold keeps of its account's points."""
    return [HeldPoints(hold.account, part.point_type, part.points) for part in hold.parts]


HELD_IN[HOLD] = held_in


def check_hold(
    state: StateReader, body: HoldPoints, transaction: Transaction, context: BlockContext
) -> Rejection | Plan:
    """Return why the points cannot be held, or what is held. Order: `rejections.py`."""
    organization = read(state, organization_key(body.organization), Organization)
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
    if account.key not in transaction.signers:
        return Rejection.NOT_AUTHORIZED
    if points_wait(account):
        return Rejection.ACCOUNT_LOCKED
    against = against_order(state, body.organization, body.order_id)
    if against is not None:
        return against
    if not context.time < body.until <= context.time + HOLD_MS_MAX:
        return Rejection.TIMEOUT_OUT_OF_RANGE
    start = hold_key(body.account, b"")
    if len(state.range(start, after_prefix(start), HOLDS_MAX)) == HOLDS_MAX:
        return Rejection.TOO_MANY_HOLDS
    return plan


def hold(
    state: StateWriter, body: HoldPoints, transaction: Transaction, plan: Plan, context: BlockContext
) -> tuple[PointsHeld]:
    """Set the points aside."""
    for part in plan.parts:
        hold_points(state, body.account, part.point_type.id, part.points, context.time)
        count_taken(state, body.organization, part)
    key = hold_key(body.account, transaction.id)
    parts = tuple([paid_part(part) for part in plan.parts])
    record = Hold(
        body.account,
        body.organization,
        body.order_id,
        body.order_hash,
        body.amount_fen,
        plan.share_bp,
        parts,
        body.until,
        plan.policies_revision,
    )
    state.put(key, record)
    schedule(state, key, 0, body.until)
    effect = PointsHeld(
        body.organization,
        body.order_id,
        body.order_hash,
        body.account,
        transaction.id,
        body.amount_fen,
        plan.paid_fen,
        plan.share_bp,
        told(plan.parts),
        body.until,
        plan.policies_revision,
    )
    return (effect,)


def check_capture(
    state: StateReader, body: CaptureHold, transaction: Transaction, _context: BlockContext
) -> Rejection | Capture:
    """Return why the hold cannot pay so, or what pays. Order: `rejections.py`."""
    found = _find(state, body, transaction)
    if isinstance(found, Rejection):
        return found
    against = against_order(state, body.merchant, found.order_id)
    if against is not None:
        return against
    points = body.points or tuple([part.points for part in found.parts])
    if len(points) != len(found.parts) or body.amount_fen > found.amount_fen:
        return Rejection.CAPTURE_EXCEEDS_HOLD
    if any(asked > part.points for asked, part in zip(points, found.parts, strict=True)):
        return Rejection.CAPTURE_EXCEEDS_HOLD
    if any(asked % part.rate.points for asked, part in zip(points, found.parts, strict=True)):
        return Rejection.NOT_A_STEP
    paid = sum([part.rate.value_fen(asked) for asked, part in zip(points, found.parts, strict=True)])
    if paid > body.amount_fen * found.share_bp // BASIS_POINTS:
        return Rejection.SHARE_EXCEEDED
    if not paid:
        return Rejection.NOTHING_TO_PAY
    return Capture(found, points, paid)


def capture(
    state: StateWriter, body: CaptureHold, transaction: Transaction, found: Capture, context: BlockContext
) -> tuple[AnyEffect, ...]:
    """Let the points pay, and the rest of them come back."""
    record, key = found.hold, hold_key(body.account, body.hold)
    paid: list[PaidPart] = []
    effects: list[PointsPaid] = []
    released: list[PointsReturned] = []
    expired: list[PointsExpired] = []
    for part, points in zip(record.parts, found.points, strict=True):
        if points < part.points:
            back, gone = _release(state, record, part, part.points - points, context.time)
            released.append(back)
            expired += gone
        if points:
            new, effect = _capture_part(state, record, part, points, context.time)
            paid.append(new)
            effects.append(effect)
    state.delete(key)
    schedule(state, key, record.until, 0)
    payment = OrderPayment(transaction.id, body.account, record.order_hash, body.amount_fen, tuple(paid))
    state.put(payment_key(body.merchant, record.order_id), payment)
    receipt: list[AnyEffect] = [
        OrderPaid(
            body.merchant,
            record.order_id,
            record.order_hash,
            body.account,
            body.amount_fen,
            found.paid_fen,
            body.amount_fen - found.paid_fen,
            record.share_bp,
            tuple(effects),
            body.hold,
            record.policies_revision,
        )
    ]
    if released:
        receipt.append(PointsReleased(body.merchant, body.account, body.hold, tuple(released)))
    return (*receipt, *expired)


def check_void(
    state: StateReader, body: VoidHold, transaction: Transaction, _context: BlockContext
) -> Rejection | Hold:
    """Return why the hold cannot be given up, or the hold. Order: `rejections.py`."""
    return _find(state, body, transaction)


def void(
    state: StateWriter, body: VoidHold, _transaction: Transaction, record: Hold, context: BlockContext
) -> tuple[AnyEffect, ...]:
    """Let everything come back."""
    key = hold_key(body.account, body.hold)
    schedule(state, key, record.until, 0)
    return _end(state, key, record, context.time, timed_out=False)


def wake_hold(state: StateWriter, key: bytes, context: BlockContext) -> tuple[AnyEffect, ...]:
    """Let everything come back of a hold that has run out."""
    record = read(state, key, Hold)
    assert record is not None, f"the agenda names the hold {key.hex()}, which does not exist"
    assert record.until <= context.time, f"the agenda ends the hold {key.hex()} too early"
    return _end(state, key, record, context.time, timed_out=True)


def _find(state: StateReader, body: CaptureHold | VoidHold, transaction: Transaction) -> Rejection | Hold:
    organization = read(state, organization_key(body.merchant), Organization)
    if organization is None:
        return Rejection.ORGANIZATION_UNKNOWN
    if organization.status is not OrganizationStatus.ACTIVE:
        return Rejection.ORGANIZATION_NOT_ACTIVE
    if not any(organization.scopes_of(key) & TILL_SCOPES for key in transaction.signers):
        return Rejection.NOT_AUTHORIZED
    found = read(state, hold_key(body.account, body.hold), Hold)
    if found is None or found.organization != body.merchant:
        return Rejection.HOLD_UNKNOWN
    return found


def _end(state: StateWriter, key: bytes, record: Hold, time: int, *, timed_out: bool) -> tuple[AnyEffect, ...]:
    released: list[PointsReturned] = []
    expired: list[PointsExpired] = []
    for part in record.parts:
        back, gone = _release(state, record, part, part.points, time)
        released.append(back)
        expired += gone
    state.delete(key)
    effect = PointsReleased(record.organization, record.account, key[21:], tuple(released), timed_out)
    return (effect, *expired)


def _release(
    state: StateWriter, record: Hold, part: PaidPart, points: int, time: int
) -> tuple[PointsReturned, tuple[PointsExpired, ...]]:
    """Let the last points of a part in spending order come back; return what is told of them and of what expired."""
    back, _ = taken_first(part.lots, part.points - points)
    after, repaid, expired = release_points(state, record.account, part.point_type, back, time)
    fen = part.rate.value_fen(points)
    count_released(state, record.organization, part, fen)
    return PointsReturned(part.point_type, points, fen, repaid, after.available), expired


def _capture_part(
    state: StateWriter, record: Hold, part: PaidPart, points: int, time: int
) -> tuple[PaidPart, PointsPaid]:
    """Let the first points of a part in spending order pay; return what the payment keeps and what is told of it."""
    point_type = read(state, point_type_key(part.point_type), PointType)
    assert point_type is not None, f"{part.point_type} points are held, but the type does not exist"
    _, lots = taken_first(part.lots, points)
    assert points_of(lots) == points, "the lots of a hold are fewer than its points"
    holding = spend_held(state, record.account, part.point_type, points, time)
    take_in(state, record.organization, point_type, part.rate, points)
    new = PaidPart(
        part.point_type,
        points,
        part.rate,
        part.acceptance_version,
        tuple(lots),
        part.day,
        part.terms_version,
    )
    effect = PointsPaid(
        part.point_type,
        points,
        part.rate.value_fen(points),
        part.rate,
        part.acceptance_version,
        part.terms_version,
        holding.available,
    )
    return new, effect
