"""Naive rules of purchases, their confirmation, refunds and transfers."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from jifen.ledger.rejections import Rejection
from jifen.ledger.term_bodies import ConfirmOrder
from jifen.ledger.terms import AvailableAfterDays, SlidingExpiry, Terms
from jifen.ledger.transactions import EarnPoints, RefundOrder, Transaction, TransferPoints
from jifen.ledger.types import OrganizationStatus, Scope
from jifen.testing import naive_locks
from jifen.testing.naive_records import NaiveLot, NaiveMove, NaiveOrder
from jifen.testing.naive_terms import Effects, dates_of, in_force, is_awaited
from jifen.testing.naive_tiers import count

if TYPE_CHECKING:
    from jifen.testing.naive_ledger import NaiveLedger

DAY: Final = 86_400_000
LARGEST_QUANTITY: Final = 9_007_199_254_740_991
"""Most points there may be of one type: 2**53 - 1."""


def against_till(
    ledger: "NaiveLedger", body: EarnPoints | RefundOrder | ConfirmOrder, item: Transaction
) -> set[Rejection]:
    """Return what speaks against the merchant and who signed for it."""
    found = set()
    if body.merchant not in ledger.organizations:
        found.add(Rejection.ORGANIZATION_UNKNOWN)
    else:
        organization = ledger.organizations[body.merchant]
        if organization.status == OrganizationStatus.SUSPENDED:
            found.add(Rejection.ORGANIZATION_NOT_ACTIVE)
        may = [o.key for o in organization.operators if Scope.CASHIER in Scope(o.scopes)]
        may += [o.key for o in organization.operators if Scope.ISSUER in Scope(o.scopes)]
        if not set(may) & set(item.signers):
            found.add(Rejection.NOT_AUTHORIZED)
    return found


def against_refund(ledger: "NaiveLedger", body: RefundOrder, item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against a refund."""
    found = against_till(ledger, body, item)
    if (body.merchant, body.refund_id) in ledger.refunds:
        found.add(Rejection.REFUND_ALREADY_TAKEN)
    if (body.merchant, body.order_id) not in ledger.orders:
        found.add(Rejection.ORDER_UNKNOWN)
    else:
        amount = ledger.orders[body.merchant, body.order_id].body.amount_fen
        if ledger.refunded_of(body.merchant, body.order_id) + body.amount_fen > amount:
            found.add(Rejection.REFUND_EXCEEDS_ORDER)
    return found


def against_confirmation(ledger: "NaiveLedger", body: ConfirmOrder, item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against confirming an order."""
    found = against_till(ledger, body, item)
    if (body.merchant, body.order_id) not in ledger.orders:
        found.add(Rejection.ORDER_UNKNOWN)
    else:
        order = ledger.orders[body.merchant, body.order_id]
        waits = order.awaiting and any(lot.place == "awaiting" for lot in lots_like(ledger, order))
        if not waits or kept_points(ledger, order) == 0:
            found.add(Rejection.ORDER_NOT_PENDING)
    return found


def against_earning(ledger: "NaiveLedger", body: EarnPoints, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against a purchase."""
    found = against_till(ledger, body, item)
    if body.account not in ledger.accounts:
        found.add(Rejection.ACCOUNT_UNKNOWN)
    if (body.merchant, body.order_id) in ledger.orders:
        found.add(Rejection.ORDER_ALREADY_CREDITED)
    if body.point_type not in ledger.point_types:
        found.add(Rejection.POINT_TYPE_UNKNOWN)
    else:
        points, name = points_of(ledger, body), body.point_type
        if not name.startswith(f"{body.merchant}/"):
            found.add(Rejection.NOT_THE_ISSUER)
        if ledger.issued[name] + points > LARGEST_QUANTITY:
            found.add(Rejection.SUPPLY_EXHAUSTED)
        new = points - repaid_at_once(ledger, body, points, time)
        there = ledger.issued[name] - ledger.burned[name] - ledger.expired[name]
        if new > 0 and there + new > in_force(ledger, name, time).issue_cap:
            found.add(Rejection.ISSUE_CAP_REACHED)
    return found


def against_transfer(ledger: "NaiveLedger", body: TransferPoints, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against a transfer."""
    found = set()
    if body.sender not in ledger.accounts:
        found.add(Rejection.ACCOUNT_UNKNOWN)
    else:
        found |= against_debit(ledger, body.sender, item, time)
    if body.recipient not in ledger.accounts:
        found.add(Rejection.RECIPIENT_UNKNOWN)
    if body.point_type not in ledger.point_types:
        found.add(Rejection.POINT_TYPE_UNKNOWN)
    elif not in_force(ledger, body.point_type, time).transferable:
        found.add(Rejection.NOT_TRANSFERABLE)
    if body.point_type in ledger.point_types:
        found |= naive_locks.against_move(ledger, NaiveMove(time, *msgspec.structs.astuple(body)[2:6]), time)
    if body.sender == body.recipient:
        found.add(Rejection.SENDER_IS_RECIPIENT)
    if ledger.balance(body.sender, body.point_type) < body.points:
        found.add(Rejection.INSUFFICIENT_POINTS)
    return found


def against_debit(ledger: "NaiveLedger", account: bytes, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against a registered member's paying something."""
    found = set()
    if ledger.accounts[account][0] not in item.signers:
        found.add(Rejection.NOT_AUTHORIZED)
    if naive_locks.is_locked(ledger, account, time):
        found.add(Rejection.ACCOUNT_LOCKED)
    return found


def points_of(ledger: "NaiveLedger", body: EarnPoints) -> int:
    """Return what a purchase earns."""
    rule = ledger.point_types[body.point_type]
    exact = divmod(body.amount_fen * rule.earn_points, rule.earn_fen)
    return exact[0]


def kept_points(ledger: "NaiveLedger", order: NaiveOrder) -> int:
    """Return what the part of an order that was kept earns."""
    gone = ledger.refunded_of(order.body.merchant, order.body.order_id)
    return points_of(ledger, msgspec.structs.replace(order.body, amount_fen=order.body.amount_fen - gone))


def repaid_at_once(ledger: "NaiveLedger", body: EarnPoints, points: int, time: int) -> int:
    """Return how many points of a purchase repay a debt when they are earned: none, if they have to wait."""
    terms = in_force(ledger, body.point_type, time)
    if is_awaited(terms) or isinstance(terms.pending, AvailableAfterDays):
        return 0
    return min(points, ledger.debts.get((body.account, body.point_type), 0))


def lots_like(ledger: "NaiveLedger", order: NaiveOrder) -> list[NaiveLot]:
    """Return the lots, wherever they stand, that look as the order's own points look by now."""
    whose = (order.body.account, order.body.point_type)
    found = [lot for lot in ledger.lots if (lot.owner, lot.point_type) == whose and lot.origin == "earned"]
    found = [lot for lot in found if lot.available_from == order.available_from and lot.place != "held"]
    if order.renewal_days:
        return [lot for lot in found if lot.renewal_days == order.renewal_days]
    found = [lot for lot in found if lot.renewal_days == 0]
    return [lot for lot in found if lot.expires_at - lot.paused_days * DAY == order.expires_at]


def earn(ledger: "NaiveLedger", body: EarnPoints, item: Transaction, time: int) -> Effects:
    """Credit a purchase."""
    points, rule = points_of(ledger, body), ledger.point_types[body.point_type]
    terms = in_force(ledger, body.point_type, time)
    whose = (body.account, body.point_type)
    repaid = repaid_at_once(ledger, body, points, time)
    dates = dates_of(terms, time)
    if points:
        ledger.lots = [renewed(lot, terms, time) if slides(lot, whose, time) else lot for lot in ledger.lots]
    ledger.orders[body.merchant, body.order_id] = NaiveOrder(item.id, body, terms, *dates, is_awaited(terms))
    ledger.issued[body.point_type] += points
    ledger.debts[whose] = ledger.debts.get(whose, 0) - repaid
    ledger.burned[body.point_type] += repaid
    place = "pending" if isinstance(terms.pending, AvailableAfterDays) else "available"
    place = "awaiting" if is_awaited(terms) else place
    if points - repaid > 0:
        ledger.lots.append(NaiveLot(*whose, points - repaid, "earned", *dates, place))
    head = (body.merchant, *whose, rule.rule_version, body.amount_fen, rule.earn_points, rule.earn_fen, points)
    shown = (0 if is_awaited(terms) else dates[0], dates[1])
    earned = (*head, ledger.balance(*whose), repaid, terms.version, *shown, ledger.waiting(*whose))
    return (earned, *count(ledger, body.point_type, body.account, points, time))


def slides(lot: NaiveLot, whose: tuple[bytes, str], time: int) -> bool:
    """Tell whether an earn of somebody lets a lot live on."""
    mine = (lot.owner, lot.point_type) == whose and lot.place not in ("lapsed", "held")
    return mine and lot.renewal_days > 0 and lot.expires_at > time


def renewed(lot: NaiveLot, terms: Terms, time: int) -> NaiveLot:
    """Return a sliding lot after an earn."""
    shadow = msgspec.structs.replace(terms, expiry=SlidingExpiry(lot.renewal_days))
    return lot._replace(expires_at=max(lot.expires_at, dates_of(shadow, time)[1]))


def confirm(ledger: "NaiveLedger", body: ConfirmOrder, _item: Transaction, _time: int) -> Effects:
    """Make what an order has left available."""
    order = ledger.orders[body.merchant, body.order_id]
    whose = (order.body.account, order.body.point_type)
    points = kept_points(ledger, order)
    [kind] = {lot._replace(points=points) for lot in lots_like(ledger, order) if lot.place == "awaiting"}
    take(ledger, points, order, lambda lot: lot.place == "awaiting")
    ledger.orders[body.merchant, body.order_id] = order._replace(awaiting=False)
    repaid = ledger.make_available(whose, [kind])
    after = (ledger.balance(*whose), ledger.waiting(*whose))
    return ((*whose, points, repaid, *after, body.merchant, body.order_id),)


def take(ledger: "NaiveLedger", points: int, order: NaiveOrder | None, fits: Callable[[NaiveLot], bool]) -> int:
    """Take points out of lots, of the order's own if one is given, in spending order; return how many there were."""
    missing = points
    while missing > 0:
        lots = [lot for lot in (lots_like(ledger, order) if order else ledger.lots) if fits(lot)]
        if not lots:
            break
        lot = min(lots, key=spending_order)
        part = min(missing, lot.points)
        missing -= part
        ledger.lots.remove(lot)
        if lot.points > part:
            ledger.lots.append(lot._replace(points=lot.points - part))
    return points - missing


def refund(ledger: "NaiveLedger", body: RefundOrder, item: Transaction, time: int) -> Effects:
    """Take points back: the order's own first, then others that can be spent; the rest is owed."""
    order = ledger.orders[body.merchant, body.order_id]
    bought = order.body
    rule, whose = ledger.point_types[bought.point_type], (bought.account, bought.point_type)
    had = kept_points(ledger, order)
    ledger.refunds[body.merchant, body.refund_id] = (item.id, body)
    points = had - kept_points(ledger, order)
    waits = "awaiting" if order.awaiting else "pending"
    missing = points
    burned = lapsed = 0
    for place in (waits, "available", "lapsed"):
        part = take(ledger, missing, order, lambda lot, place=place: lot.place == place)  # type: ignore[misc]
        missing -= part
        burned += 0 if place == "lapsed" else part
        lapsed += part if place == "lapsed" else 0
    mine = take(ledger, missing, None, lambda lot: (lot.owner, lot.point_type, lot.place) == (*whose, "available"))
    ledger.burned[bought.point_type] += burned + mine
    ledger.debts[whose] = ledger.debts.get(whose, 0) + missing - mine
    head = (body.merchant, *whose, rule.rule_version, body.amount_fen, bought.amount_fen)
    after = ledger.refunded_of(body.merchant, body.order_id)
    tail = (rule.earn_points, rule.earn_fen, points, ledger.balance(*whose), ledger.debts[whose], lapsed)
    revoked = (*head, after, *tail, ledger.waiting(*whose))
    return (revoked, *count(ledger, bought.point_type, bought.account, -points, time))


def transfer(ledger: "NaiveLedger", body: TransferPoints, _item: Transaction, time: int) -> Effects:
    """Pass points on."""
    naive_locks.remember_move(ledger, NaiveMove(time, *msgspec.structs.astuple(body)[2:6]))
    missing = body.points
    while missing > 0:
        whose = (body.sender, body.point_type, "available")
        lots = [lot for lot in ledger.lots if (lot.owner, lot.point_type, lot.place) == whose]
        lot = min(lots, key=spending_order)
        part = min(missing, lot.points)
        missing -= part
        ledger.lots.remove(lot)
        if lot.points > part:
            ledger.lots.append(lot._replace(points=lot.points - part))
        given = lot._replace(owner=body.recipient, points=part, origin="transferred", renewal_days=0, paused_days=0)
        if naive_locks.is_locked(ledger, body.recipient, time):
            given = given._replace(available_from=max(given.available_from, naive_locks.midnight_before(given, time)))
        ledger.lots.append(given)
    left, got = (ledger.balance(account, body.point_type) for account in (body.sender, body.recipient))
    return ((body.sender, body.recipient, body.point_type, body.points, left, got),)


def spending_order(lot: NaiveLot) -> tuple[bool, int, int, int, int, int]:
    """Earliest expiry first, those that never expire last; then oldest; then by origin; then fixed."""
    origin = ("earned", "transferred", "swapped", "bonus").index(lot.origin)
    return (lot.expires_at == 0, lot.expires_at, lot.available_from, origin, lot.renewal_days, lot.paused_days)
