"""Naive rules of purchases, their confirmation, refunds and transfers."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from jifen.ledger.payments.bodies import CaptureHold, PayOrder, VoidHold
from jifen.ledger.rejections import Rejection
from jifen.ledger.terms.bodies import ConfirmOrder
from jifen.ledger.terms.records import AvailableAfterDays, SlidingExpiry, Terms
from jifen.ledger.transactions import EarnPoints, RefundOrder, Transaction, TransferPoints
from jifen.ledger.types import OrganizationStatus, Scope
from jifen.testing.naive import locks as naive_locks
from jifen.testing.naive.earning import Result, amounts_by_rule, explained, left_of, lines_back, returned_by_rule
from jifen.testing.naive.records import NaiveLeg, NaiveLot, NaiveMove, NaiveOrder
from jifen.testing.naive.rules import others_of, reckoned
from jifen.testing.naive.terms import Effects, dates_of, in_force, is_awaited
from jifen.testing.naive.tiers import FOLLOWS, count, counts_for_a_tier

if TYPE_CHECKING:
    from jifen.testing.naive.ledger import NaiveLedger

DAY: Final = 86_400_000
LARGEST_QUANTITY: Final = 9_007_199_254_740_991
"""Most points there may be of one type: 2**53 - 1."""


def against_till(
    ledger: "NaiveLedger",
    body: EarnPoints | RefundOrder | ConfirmOrder | PayOrder | CaptureHold | VoidHold,
    item: Transaction,
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
    where = (body.merchant, body.order_id)
    if where not in ledger.orders and where not in ledger.payments:
        found.add(Rejection.ORDER_UNKNOWN)
    else:
        amount = ledger.orders[where].body.amount_fen if where in ledger.orders else ledger.payments[where].amount_fen
        if ledger.refunded_of(body.merchant, body.order_id) + body.amount_fen > amount:
            found.add(Rejection.REFUND_EXCEEDS_ORDER)
    exceeds = sum(line.amount_fen for line in body.items) > body.amount_fen
    if exceeds or (where in ledger.orders and lacks_lines(ledger, ledger.orders[where], body)):
        found.add(Rejection.ITEMS_EXCEED_REFUND)
    return found


def lacks_lines(ledger: "NaiveLedger", order: NaiveOrder, body: RefundOrder) -> bool:
    """Tell whether an order has, for anybody who earned on it, less left than a refund names."""
    named = [*lines_back(ledger, order.body), *body.items]
    for leg in order.legs:
        if leg.rule is not None and leg.holds:
            bought = amounts_by_rule(leg.rule, order.body)
            back = returned_by_rule(leg.rule, order.body, named)
            if any(amount > bought.get(place, 0) for place, amount in back.items()):
                return True
    return False


def against_confirmation(ledger: "NaiveLedger", body: ConfirmOrder, item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against confirming an order."""
    found = against_till(ledger, body, item)
    if (body.merchant, body.order_id) not in ledger.orders:
        found.add(Rejection.ORDER_UNKNOWN)
    else:
        order = ledger.orders[body.merchant, body.order_id]
        if not any(awaits(ledger, order, leg) for leg in order.legs):
            found.add(Rejection.ORDER_NOT_PENDING)
    return found


def awaits(ledger: "NaiveLedger", order: NaiveOrder, leg: NaiveLeg) -> bool:
    """Tell whether points of a leg wait for the confirmation of the order."""
    waits = leg.awaiting and any(lot.place == "awaiting" for lot in lots_like(ledger, leg))
    return waits and left_of(ledger, order, leg).points > 0


def against_earning(ledger: "NaiveLedger", body: EarnPoints, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against a purchase."""
    found = against_till(ledger, body, item)
    if body.account not in ledger.accounts:
        found.add(Rejection.ACCOUNT_UNKNOWN)
    if (body.merchant, body.order_id) in ledger.orders:
        found.add(Rejection.ORDER_ALREADY_CREDITED)
    if (body.merchant, body.order_id) in ledger.payments:
        refunded = ledger.refunded_of(body.merchant, body.order_id)
        if refunded or ledger.payments[body.merchant, body.order_id].amount_fen != body.amount_fen:
            found.add(Rejection.ORDER_DIFFERS)
    others = others_of(body)
    named = [account for account in (body.guide, body.store, body.distributor) if account is not None]
    if not {*named} <= {*ledger.accounts}:
        found.add(Rejection.ROLE_ACCOUNT_UNKNOWN)
    if named and not body.point_type.endswith("/consumer"):
        found.add(Rejection.NOT_CONSUMER_POINTS)
    if sum(line.amount_fen for line in body.items) > body.amount_fen:
        found.add(Rejection.ITEMS_EXCEED_ORDER)
    if body.point_type in ledger.point_types and not body.point_type.startswith(f"{body.merchant}/"):
        found.add(Rejection.NOT_THE_ISSUER)
    kinds = [body.point_type, *(f"{body.merchant}/{role.name.lower()}" for role, _ in others)]
    if not {*kinds} <= {*ledger.point_types}:
        found.add(Rejection.POINT_TYPE_UNKNOWN)
        return found
    if Rejection.ITEMS_EXCEED_ORDER in found:
        return found
    for leg in new_legs(ledger, body, time):
        name, points = leg.point_type, reckoned(ledger, body, leg, leg.terms, time)[1].points
        if ledger.issued[name] + points > LARGEST_QUANTITY:
            found.add(Rejection.SUPPLY_EXHAUSTED)
        new = points - repaid_at_once(ledger, leg, points)
        there = ledger.issued[name] - ledger.burned[name] - ledger.expired[name]
        if new > 0 and there + new > leg.terms.issue_cap:
            found.add(Rejection.ISSUE_CAP_REACHED)
    return found


def new_legs(ledger: "NaiveLedger", body: EarnPoints, time: int) -> list[NaiveLeg]:
    """Return the legs of a purchase, nothing reckoned yet."""
    whose = [(body.account, body.point_type)]
    whose += [(account, f"{body.merchant}/{role.name.lower()}") for role, account in others_of(body)]
    found = []
    for account, name in whose:
        terms = in_force(ledger, name, time)
        found.append(NaiveLeg(account, name, terms, *dates_of(terms, time), is_awaited(terms)))
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


def against_debit(ledger: "NaiveLedger", account: bytes, item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against a registered member's paying something."""
    found = set()
    if ledger.accounts[account][0] not in item.signers:
        found.add(Rejection.NOT_AUTHORIZED)
    if naive_locks.waits(ledger, account):
        found.add(Rejection.ACCOUNT_LOCKED)
    return found


def repaid_at_once(ledger: "NaiveLedger", leg: NaiveLeg, points: int) -> int:
    """Return how many points of a leg repay a debt when they are earned: none, if they have to wait."""
    if is_awaited(leg.terms) or isinstance(leg.terms.pending, AvailableAfterDays):
        return 0
    return min(points, ledger.debts.get((leg.account, leg.point_type), 0))


def lots_like(ledger: "NaiveLedger", leg: NaiveLeg) -> list[NaiveLot]:
    """Return the lots, wherever they stand, that look as the leg's own points look by now."""
    whose = (leg.account, leg.point_type)
    found = [lot for lot in ledger.lots if (lot.owner, lot.point_type) == whose and lot.origin == "earned"]
    found = [lot for lot in found if lot.available_from == leg.available_from and lot.place != "held"]
    if leg.renewal_days:
        return [lot for lot in found if lot.renewal_days == leg.renewal_days]
    found = [lot for lot in found if lot.renewal_days == 0]
    return [lot for lot in found if lot.expires_at - lot.paused_days * DAY == leg.expires_at]


def earn(ledger: "NaiveLedger", body: EarnPoints, item: Transaction, time: int) -> Effects:
    """Credit a purchase."""
    known = [reckoned(ledger, body, leg, leg.terms, time) for leg in new_legs(ledger, body, time)]
    effects = tuple(credit(ledger, body, leg, result, time) for leg, result in known)
    ledger.orders[body.merchant, body.order_id] = NaiveOrder(
        item.id, body, tuple(leg for leg, _ in known), counts_for_a_tier(ledger, body.point_type)
    )
    told = [*effects, *count(ledger, body.point_type, body.account, known[0][1].points, time)]
    for follow in FOLLOWS:
        told += follow(ledger, body.point_type, body.account, time)
    return tuple(told)


def credit(ledger: "NaiveLedger", body: EarnPoints, leg: NaiveLeg, result: Result, time: int) -> tuple[object, ...]:
    """Give one leg its points."""
    points, whose, terms = result.points, (leg.account, leg.point_type), leg.terms
    repaid = repaid_at_once(ledger, leg, points)
    dates = (leg.available_from, leg.expires_at, leg.renewal_days)
    if points:
        ledger.lots = [renewed(lot, terms, time) if slides(lot, whose, time) else lot for lot in ledger.lots]
    ledger.issued[leg.point_type] += points
    ledger.debts[whose] = ledger.debts.get(whose, 0) - repaid
    ledger.burned[leg.point_type] += repaid
    place = "pending" if isinstance(terms.pending, AvailableAfterDays) else "available"
    place = "awaiting" if leg.awaiting else place
    if points - repaid > 0:
        ledger.lots.append(NaiveLot(*whose, points - repaid, "earned", *dates, place))
    head = (body.merchant, *whose, *rate_of(ledger, leg, body.amount_fen), points)
    shown = (0 if leg.awaiting else dates[0], dates[1])
    tail = (ledger.balance(*whose), repaid, terms.version, *shown, ledger.waiting(*whose))
    return (*head, *tail, None if leg.rule is None else explained(leg, body, result))


def rate_of(ledger: "NaiveLedger", leg: NaiveLeg, *between: int) -> tuple[int, ...]:
    """Return rule version and rate of a leg, with what stands between them in effects."""
    kind = ledger.point_types[leg.point_type]
    if leg.rule is None:
        return (kind.rule_version, *between, kind.earn_points, kind.earn_fen)
    return (leg.rule.version, *between, 0, 0)


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
    effects, legs = [], []
    for leg in order.legs:
        if not awaits(ledger, order, leg):
            legs.append(leg)
            continue
        whose, points = (leg.account, leg.point_type), left_of(ledger, order, leg).points
        [kind] = {lot._replace(points=points) for lot in lots_like(ledger, leg) if lot.place == "awaiting"}
        take(ledger, points, leg, lambda lot: lot.place == "awaiting")
        legs.append(leg._replace(awaiting=False))
        repaid = ledger.make_available(whose, [kind])
        after = (ledger.balance(*whose), ledger.waiting(*whose))
        effects.append((*whose, points, repaid, *after, body.merchant, body.order_id))
    ledger.orders[body.merchant, body.order_id] = order._replace(legs=tuple(legs))
    return tuple(effects)


def take(ledger: "NaiveLedger", points: int, leg: NaiveLeg | None, fits: Callable[[NaiveLot], bool]) -> int:
    """Take points out of lots, of a leg's own if one is given, in spending order; return how many there were."""
    missing = points
    while missing > 0:
        lots = [lot for lot in (lots_like(ledger, leg) if leg else ledger.lots) if fits(lot)]
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
    """Take the points of every leg back."""
    order = ledger.orders[body.merchant, body.order_id]
    had = [left_of(ledger, order, leg).points for leg in order.legs]
    ledger.refunds[body.merchant, body.refund_id] = (item.id, body)
    effects, taken = [], []
    for leg, before in zip(order.legs, had, strict=True):
        left = left_of(ledger, order, leg).points
        taken.append(before - left)
        effects.append(revoke(ledger, body, order, leg, (before - left, left)))
    if not order.counts:
        return tuple(effects)
    return (*effects, *count(ledger, order.body.point_type, order.body.account, -taken[0], time))


def revoke(
    ledger: "NaiveLedger", body: RefundOrder, order: NaiveOrder, leg: NaiveLeg, change: tuple[int, int]
) -> tuple[object, ...]:
    """Take points back: the leg's own first, then others that can be spent; the rest is owed."""
    (points, left), whose = change, (leg.account, leg.point_type)
    waits = "awaiting" if leg.awaiting else "pending"
    missing = points
    burned = lapsed = 0
    for place in (waits, "available", "lapsed"):
        part = take(ledger, missing, leg, lambda lot, place=place: lot.place == place)  # type: ignore[misc]
        missing -= part
        burned += 0 if place == "lapsed" else part
        lapsed += part if place == "lapsed" else 0
    mine = take(ledger, missing, None, lambda lot: (lot.owner, lot.point_type, lot.place) == (*whose, "available"))
    ledger.burned[leg.point_type] += burned + mine
    ledger.debts[whose] = min(LARGEST_QUANTITY, ledger.debts.get(whose, 0) + missing - mine)
    after = ledger.refunded_of(body.merchant, body.order_id)
    amounts = (body.amount_fen, order.body.amount_fen, after)
    head = (body.merchant, *whose, *rate_of(ledger, leg, *amounts))
    tail = (points, ledger.balance(*whose), ledger.debts[whose], lapsed, ledger.waiting(*whose), left)
    return (*head, *tail, returned_of(ledger, order, leg))


def returned_of(ledger: "NaiveLedger", order: NaiveOrder, leg: NaiveLeg) -> tuple[int, ...]:
    """Return what of an order refunds have named, as records of a leg say it."""
    named = lines_back(ledger, order.body)
    if leg.rule is None or not leg.holds or not any(line.amount_fen for line in named):
        return ()
    back = returned_by_rule(leg.rule, order.body, named)
    return tuple(back.get(place, 0) for place in in_order(amounts_by_rule(leg.rule, order.body)))


def in_order(amounts: dict[int | None, int]) -> list[int | None]:
    """Return the parts of an order as records have them: what brackets take, then the item rules."""
    return sorted(amounts, key=lambda place: -1 if place is None else place)


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
        if naive_locks.waits(ledger, body.recipient):
            given = given._replace(available_from=max(given.available_from, naive_locks.midnight_before(given, time)))
        ledger.lots.append(given)
    left, got = (ledger.balance(account, body.point_type) for account in (body.sender, body.recipient))
    return ((body.sender, body.recipient, body.point_type, body.points, left, got),)


def spending_order(lot: NaiveLot) -> tuple[bool, int, int, int, int, int]:
    """Earliest expiry first, those that never expire last; then oldest; then by origin; then fixed."""
    origin = ("earned", "transferred", "swapped", "bonus").index(lot.origin)
    return (lot.expires_at == 0, lot.expires_at, lot.available_from, origin, lot.renewal_days, lot.paused_days)
