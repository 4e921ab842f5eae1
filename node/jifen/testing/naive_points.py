"""Naive rules of purchases, refunds and transfers."""

from typing import TYPE_CHECKING, Final

import msgspec

from jifen.ledger.rejections import Rejection
from jifen.ledger.transactions import EarnPoints, RefundOrder, Transaction, TransferPoints
from jifen.ledger.types import OrganizationStatus, Scope
from jifen.testing.naive_records import NaiveLot
from jifen.testing.naive_scene import DAY_MS

if TYPE_CHECKING:
    from jifen.testing.naive_ledger import NaiveLedger

LARGEST_QUANTITY: Final = 9_007_199_254_740_991
"""Most points there may be of one type: 2**53 - 1."""

Effects = tuple[tuple[object, ...], ...]


def against_till(ledger: "NaiveLedger", body: EarnPoints | RefundOrder, item: Transaction) -> set[Rejection]:
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
        amount = ledger.orders[body.merchant, body.order_id][1].amount_fen
        if ledger.refunded_of(body.merchant, body.order_id) + body.amount_fen > amount:
            found.add(Rejection.REFUND_EXCEEDS_ORDER)
    return found


def against_earning(ledger: "NaiveLedger", body: EarnPoints, item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against a purchase."""
    found = against_till(ledger, body, item)
    if body.account not in ledger.accounts:
        found.add(Rejection.ACCOUNT_UNKNOWN)
    if (body.merchant, body.order_id) in ledger.orders:
        found.add(Rejection.ORDER_ALREADY_CREDITED)
    if body.point_type not in ledger.point_types:
        found.add(Rejection.POINT_TYPE_UNKNOWN)
    else:
        if not body.point_type.startswith(f"{body.merchant}/"):
            found.add(Rejection.NOT_THE_ISSUER)
        if ledger.issued[body.point_type] + points_of(ledger, body) > LARGEST_QUANTITY:
            found.add(Rejection.SUPPLY_EXHAUSTED)
    return found


def against_transfer(ledger: "NaiveLedger", body: TransferPoints, item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against a transfer."""
    found = set()
    if body.sender not in ledger.accounts:
        found.add(Rejection.ACCOUNT_UNKNOWN)
    elif ledger.accounts[body.sender][0] not in item.signers:
        found.add(Rejection.NOT_AUTHORIZED)
    if body.recipient not in ledger.accounts:
        found.add(Rejection.RECIPIENT_UNKNOWN)
    if body.point_type not in ledger.point_types:
        found.add(Rejection.POINT_TYPE_UNKNOWN)
    elif not ledger.point_types[body.point_type].transferable:
        found.add(Rejection.NOT_TRANSFERABLE)
    if body.sender == body.recipient:
        found.add(Rejection.SENDER_IS_RECIPIENT)
    if ledger.balance(body.sender, body.point_type) < body.points:
        found.add(Rejection.INSUFFICIENT_POINTS)
    return found


def points_of(ledger: "NaiveLedger", body: EarnPoints) -> int:
    """Return what a purchase earns."""
    rule = ledger.point_types[body.point_type]
    exact = divmod(body.amount_fen * rule.earn_points, rule.earn_fen)
    return exact[0]


def earn(ledger: "NaiveLedger", body: EarnPoints, item: Transaction, time: int) -> Effects:
    """Credit a purchase."""
    points, rule = points_of(ledger, body), ledger.point_types[body.point_type]
    ledger.orders[body.merchant, body.order_id] = (item.id, body)
    ledger.issued[body.point_type] += points
    whose = (body.account, body.point_type)
    owed = ledger.debts.get(whose, 0)
    repaid = points if points <= owed else owed
    ledger.debts[whose] = owed - repaid
    ledger.burned[body.point_type] += repaid
    if points - repaid > 0:
        day = time // DAY_MS * DAY_MS
        ledger.lots.append(NaiveLot(body.account, body.point_type, points - repaid, "earned", day, 0))
    after = ledger.balance(body.account, body.point_type)
    head = (body.merchant, body.account, body.point_type, rule.rule_version, body.amount_fen)
    return ((*head, rule.earn_points, rule.earn_fen, points, after, repaid),)


def refund(ledger: "NaiveLedger", body: RefundOrder, item: Transaction, _time: int) -> Effects:
    """Take points back."""
    _, order = ledger.orders[body.merchant, body.order_id]
    rule, whose = ledger.point_types[order.point_type], (order.account, order.point_type)
    before = ledger.refunded_of(body.merchant, body.order_id)
    ledger.refunds[body.merchant, body.refund_id] = (item.id, body)
    after = ledger.refunded_of(body.merchant, body.order_id)
    had, keeps = (
        points_of(ledger, msgspec.structs.replace(order, amount_fen=order.amount_fen - gone))
        for gone in (before, after)
    )
    missing = had - keeps
    while missing > 0 and ledger.balance(*whose) > 0:
        lot = min((lot for lot in ledger.lots if (lot.owner, lot.point_type) == whose), key=spending_order)
        part = min(missing, lot.points)
        missing -= part
        ledger.burned[order.point_type] += part
        ledger.lots.remove(lot)
        if lot.points > part:
            ledger.lots.append(lot._replace(points=lot.points - part))
    ledger.debts[whose] = ledger.debts.get(whose, 0) + missing
    head = (body.merchant, order.account, order.point_type, rule.rule_version, body.amount_fen, order.amount_fen)
    tail = (rule.earn_points, rule.earn_fen, had - keeps, ledger.balance(*whose), ledger.debts[whose])
    return ((*head, after, *tail),)


def transfer(ledger: "NaiveLedger", body: TransferPoints, _item: Transaction, _time: int) -> Effects:
    """Pass points on."""
    missing = body.points
    while missing > 0:
        lot = min(
            (lot for lot in ledger.lots if (lot.owner, lot.point_type) == (body.sender, body.point_type)),
            key=spending_order,
        )
        part = min(missing, lot.points)
        missing -= part
        ledger.lots.remove(lot)
        if lot.points > part:
            ledger.lots.append(lot._replace(points=lot.points - part))
        ledger.lots.append(lot._replace(owner=body.recipient, points=part, origin="transferred"))
    left, got = (ledger.balance(account, body.point_type) for account in (body.sender, body.recipient))
    return ((body.sender, body.recipient, body.point_type, body.points, left, got),)


def spending_order(lot: NaiveLot) -> tuple[bool, int, int, str]:
    """Earliest expiry first, those that never expire last; then oldest; then earned before transferred."""
    return (lot.expires_at == 0, lot.expires_at, lot.available_from, lot.origin)
