"""Naive rules of paying with points: what payments, holds and their refunds do."""

from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING

from jifen.ledger.payments.bodies import (
    CaptureHold,
    HoldPoints,
    PaymentPart,
    PayOrder,
    PublishAcceptance,
    SetPaymentPolicy,
    VoidHold,
)
from jifen.ledger.payments.effects import PointsPaid, PointsReturned
from jifen.ledger.points.positions import Rate
from jifen.ledger.transactions import RefundOrder, Transaction
from jifen.testing.naive import points as naive_points
from jifen.testing.naive.payments import (
    NaiveHold,
    NaivePart,
    NaivePayment,
    accepted,
    divided,
    limits,
    policy_of,
    spent,
    today,
)
from jifen.testing.naive.records import NaiveLot
from jifen.testing.naive.terms import Effects, in_force
from jifen.testing.naive.time import TIMED_OUT, Ending, bring_back

if TYPE_CHECKING:
    from jifen.testing.naive.ledger import NaiveLedger


def accept(ledger: "NaiveLedger", body: PublishAcceptance, item: Transaction, time: int) -> Effects:
    """Publish an acceptance."""
    versions = ledger.acceptances.setdefault((body.organization, body.point_type), [])
    versions.append((body.acceptance, time, item.id))
    return ((body.organization, body.point_type, body.acceptance),)


def set_policy(ledger: "NaiveLedger", body: SetPaymentPolicy, _item: Transaction, _time: int) -> Effects:
    """Set a payment policy."""
    policy = policy_of(body, ledger)
    ledger.payment_policies.setdefault(body.organization, []).append(policy)
    ledger.policies_ever_set.append(policy)
    return ((policy, len(ledger.policies_ever_set)),)


def rate_of(rate: Fraction) -> Rate:
    """Return a rate as records write it."""
    return Rate(rate.denominator, rate.numerator)


def take_parts(
    ledger: "NaiveLedger", organization: str, account: bytes, amount_fen: int, asked: tuple[PaymentPart, ...], time: int
) -> tuple[NaivePart, ...]:
    """Take what pays out of an account's lots and return it."""
    quantities = divided(ledger, organization, account, amount_fen, asked, time)
    parts = []
    for part, points in zip(asked, quantities, strict=True):
        if not points:
            continue
        acceptance = accepted(ledger, organization, part.point_type)
        assert acceptance is not None
        lots = spent(ledger, account, part.point_type, points)
        remove(ledger, lots)
        day = today(acceptance, time)
        ledger.counted[organization, part.point_type] = day
        rate = Fraction(acceptance.rate_fen, acceptance.rate_points)
        terms = in_force(ledger, part.point_type, time)
        parts.append(NaivePart(part.point_type, points, rate, acceptance.version, terms.version, day, tuple(lots)))
    return tuple(parts)


def remove(ledger: "NaiveLedger", lots: list[NaiveLot]) -> None:
    """Take points out of the ledger's lots that look like these."""
    for wanted in lots:
        missing = wanted.points
        while missing:
            lot = next(lot for lot in ledger.lots if lot._replace(points=wanted.points) == wanted)
            part = min(missing, lot.points)
            missing -= part
            ledger.lots.remove(lot)
            if lot.points > part:
                ledger.lots.append(lot._replace(points=lot.points - part))


def told(ledger: "NaiveLedger", account: bytes, parts: tuple[NaivePart, ...]) -> tuple[PointsPaid, ...]:
    """Return what receipts tell of parts."""
    return tuple(
        PointsPaid(
            part.point_type,
            part.points,
            part.fen,
            rate_of(part.rate),
            part.acceptance_version,
            part.terms_version,
            ledger.balance(account, part.point_type),
        )
        for part in parts
    )


def take_in(ledger: "NaiveLedger", organization: str, part: NaivePart) -> None:
    """Let points go where they are spent."""
    if part.point_type.startswith(f"{organization}/"):
        ledger.burned[part.point_type] += part.points
    else:
        rate = part.rate
        ledger.positions[organization, part.point_type, rate.denominator, rate.numerator] += part.points


def pay(ledger: "NaiveLedger", body: PayOrder, item: Transaction, time: int) -> Effects:
    """Pay an order."""
    share, count = limits(ledger, body.merchant)[0], len(ledger.policies_ever_set)
    parts = take_parts(ledger, body.merchant, body.account, body.amount_fen, body.parts, time)
    for part in parts:
        take_in(ledger, body.merchant, part)
    ledger.payments[body.merchant, body.order_id] = NaivePayment(
        item.id, body.account, body.order_hash, body.amount_fen, parts
    )
    paid = sum(part.fen for part in parts)
    head = (body.merchant, body.order_id, body.order_hash, body.account, body.amount_fen)
    return ((*head, paid, body.amount_fen - paid, share, told(ledger, body.account, parts), None, count),)


def hold_key_of(account: bytes, hold: bytes) -> bytes:
    """Return the state key of a hold."""
    return b"k" + account + hold


def hold(ledger: "NaiveLedger", body: HoldPoints, item: Transaction, time: int) -> Effects:
    """Hold points."""
    share, count = limits(ledger, body.organization)[0], len(ledger.policies_ever_set)
    parts = take_parts(ledger, body.organization, body.account, body.amount_fen, body.parts, time)
    key = hold_key_of(body.account, item.id)
    ledger.lots += [lot._replace(place="held", held_for=key) for part in parts for lot in part.lots]
    ledger.holds[body.account, item.id] = NaiveHold(body, share, parts, count)
    head = (body.organization, body.order_id, body.order_hash, body.account, item.id, body.amount_fen)
    shown = told(ledger, body.account, parts)
    return ((*head, sum(part.fen for part in parts), share, shown, body.until, count),)


def cut(lots: tuple[NaiveLot, ...], start: int, stop: int) -> list[NaiveLot]:
    """Return the points from one place to another, counted in spending order over all lots."""
    found, place = [], 0
    for lot in lots:
        points = min(stop, place + lot.points) - max(start, place)
        if points > 0:
            found.append(lot._replace(points=points))
        place += lot.points
    return found


def come_back(
    ledger: "NaiveLedger", part: NaivePart, lots: list[NaiveLot], time: int
) -> tuple[PointsReturned, list[tuple[object, ...]]]:
    """Let lots of a part come back; return what is told of them, and of what of them expired."""
    repaid, expired = bring_back(ledger, lots, time)
    points = sum(lot.points for lot in lots)
    after = ledger.balance(lots[0].owner, part.point_type)
    return PointsReturned(part.point_type, points, int(points * part.rate), repaid, after), expired


def end(ledger: "NaiveLedger", whose: tuple[bytes, bytes], kept: tuple[int, ...], time: int) -> tuple[
    list[PointsReturned], list[tuple[object, ...]]
]:  # fmt: skip
    """End a hold of which so many points of each part do not come back."""
    held = ledger.holds.pop(whose)
    key = hold_key_of(*whose)
    ledger.lots = [lot for lot in ledger.lots if lot.held_for != key]
    returned, told_expired = [], []
    for part, points in zip(held.parts, kept, strict=True):
        if points < part.points:
            back, gone = come_back(ledger, part, cut(part.lots, points, part.points), time)
            returned.append(back)
            told_expired += gone
    return returned, told_expired


def void(ledger: "NaiveLedger", body: VoidHold, _item: Transaction, time: int) -> Effects:
    """Give a hold up."""
    return ended(ledger, (body.account, body.hold), time, timed_out=False)


def ended(ledger: "NaiveLedger", whose: tuple[bytes, bytes], time: int, *, timed_out: bool) -> Effects:
    """End a hold of which everything comes back."""
    held = ledger.holds[whose]
    returned, expired = end(ledger, whose, tuple(0 for _ in held.parts), time)
    return ((held.body.organization, *whose, tuple(returned), timed_out), *expired)


def capture(ledger: "NaiveLedger", body: CaptureHold, item: Transaction, time: int) -> Effects:
    """Capture a hold."""
    whose = (body.account, body.hold)
    held = ledger.holds[whose]
    points = body.points or tuple(part.points for part in held.parts)
    returned, expired = end(ledger, whose, points, time)
    parts = tuple(
        part._replace(points=asked, lots=tuple(cut(part.lots, 0, asked)))
        for part, asked in zip(held.parts, points, strict=True)
        if asked
    )
    for part in parts:
        take_in(ledger, body.merchant, part)
    order = held.body
    ledger.payments[body.merchant, order.order_id] = NaivePayment(
        item.id, body.account, order.order_hash, body.amount_fen, parts
    )
    paid = sum(part.fen for part in parts)
    head = (body.merchant, order.order_id, order.order_hash, body.account, body.amount_fen, paid)
    first = (
        *head,
        body.amount_fen - paid,
        held.share_bp,
        told(ledger, body.account, parts),
        body.hold,
        held.policies_set,
    )
    released = [(body.merchant, *whose, tuple(returned), False)] if returned else []
    return (first, *released, *expired)


def back_after(payment: NaivePayment, part: NaivePart, refunded: int) -> int:
    """Return how many points of a part are back once so much of the order is refunded."""
    unit = part.rate.denominator
    return floor(Fraction(part.points, unit) * Fraction(refunded, payment.amount_fen)) * unit


def give_back(ledger: "NaiveLedger", body: RefundOrder, time: int) -> Effects:
    """Give back what points paid of a refund that is counted already."""
    where = (body.merchant, body.order_id)
    if where not in ledger.payments:
        return ()
    payment = ledger.payments[where]
    after = ledger.refunded_of(*where)
    before = after - body.amount_fen
    returned, expired, back_fen = [], [], 0
    for part in payment.parts:
        new, old = back_after(payment, part, after), back_after(payment, part, before)
        back_fen += int(new * part.rate)
        lots = cut(part.lots, part.points - new, part.points - old)
        if lots:
            take_in(ledger, body.merchant, part._replace(points=old - new))
            told_back, gone = come_back(ledger, part, lots, time)
            returned.append(told_back)
            expired += gone
    paid = sum(part.fen for part in payment.parts)
    due_before, due_after = (floor(Fraction(paid * fen, payment.amount_fen)) for fen in (before, after))
    head = (*where, payment.account, body.amount_fen, payment.amount_fen, after, paid)
    money = body.amount_fen - due_after + due_before
    return ((*head, money, due_after - back_fen, tuple(returned)), *expired)


def holds_run_out(ledger: "NaiveLedger", time: int) -> list[Ending]:
    """Return the holds that have run out."""

    def ending(whose: tuple[bytes, bytes]) -> Ending:
        until = ledger.holds[whose].body.until
        return until, hold_key_of(*whose), lambda: list(ended(ledger, whose, time, timed_out=True))

    return [ending(whose) for whose, held in ledger.holds.items() if held.body.until <= time]


TIMED_OUT.append(holds_run_out)


def refund(ledger: "NaiveLedger", body: RefundOrder, item: Transaction, time: int) -> Effects:
    """Refund an order that was credited, paid with points, or both."""
    if (body.merchant, body.order_id) in ledger.orders:
        revoked = naive_points.refund(ledger, body, item, time)
    else:
        revoked = ()
        ledger.refunds[body.merchant, body.refund_id] = (item.id, body)
    return (*revoked, *give_back(ledger, body, time))
