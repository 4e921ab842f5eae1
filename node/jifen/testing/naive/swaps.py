"""Naive rules of swap offers."""

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from jifen.ledger.rejections import Rejection
from jifen.ledger.swaps.bodies import AcceptSwapOffer, CancelSwapOffer, CreateSwapOffer
from jifen.ledger.swaps.records import OfferEnd
from jifen.ledger.transactions import Transaction
from jifen.testing.naive import locks as naive_locks
from jifen.testing.naive import points as naive_points
from jifen.testing.naive import time as naive_time
from jifen.testing.naive.records import NaiveLot, NaiveMove, NaiveOffer
from jifen.testing.naive.terms import Effects, in_force

if TYPE_CHECKING:
    from jifen.testing.naive.ledger import NaiveLedger

THIRTY_DAYS: Final = 30 * 86_400_000
MOST_OFFERS: Final = 16
MOST_LOTS: Final = 366


def left_of(ledger: "NaiveLedger", offer: NaiveOffer) -> list[NaiveLot]:
    """Return the lots that an offer keeps."""
    return [lot for lot in ledger.lots if lot.held_for == b"f" + offer.identity]


def against_terms(ledger: "NaiveLedger", give_type: str, want_type: str, time: int) -> set[Rejection]:
    """Return what speaks against swapping points of two types."""
    if give_type not in ledger.point_types or want_type not in ledger.point_types:
        return {Rejection.POINT_TYPE_UNKNOWN}
    if all(in_force(ledger, name, time).swappable for name in (give_type, want_type)):
        return set()
    return {Rejection.NOT_SWAPPABLE}


def against_member(ledger: "NaiveLedger", account: bytes, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against a member who is to give points."""
    if account not in ledger.accounts:
        return {Rejection.ACCOUNT_UNKNOWN}
    return naive_points.against_debit(ledger, account, item, time)


def fits(ledger: "NaiveLedger", point_type: str, points: int, value_fen: int, time: int) -> bool:
    """Tell whether a value lies in the corridor of a point type."""
    terms = in_force(ledger, point_type, time)
    price = Fraction(terms.settlement_fen, terms.settlement_points) * points
    lowest, highest = (
        price * Fraction(percent, 100) for percent in (terms.corridor.lowest_percent, terms.corridor.highest_percent)
    )
    return lowest <= value_fen <= highest


def against_offering(ledger: "NaiveLedger", body: CreateSwapOffer, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against an offer."""
    found = against_member(ledger, body.maker, item, time)
    found |= against_terms(ledger, body.give_type, body.want_type, time)
    if body.counterparty is not None and body.counterparty not in ledger.accounts:
        found.add(Rejection.RECIPIENT_UNKNOWN)
    if body.counterparty == body.maker:
        found.add(Rejection.SENDER_IS_RECIPIENT)
    if ledger.balance(body.maker, body.give_type) < body.give_points:
        found.add(Rejection.INSUFFICIENT_POINTS)
    elif len(first_lots(ledger, body)) > MOST_LOTS:
        found.add(Rejection.TOO_MANY_OFFERED_LOTS)
    if body.give_type == body.want_type:
        found.add(Rejection.SAME_POINT_TYPE)
    if body.open_until <= time or body.open_until > time + THIRTY_DAYS:
        found.add(Rejection.OFFER_TIME_OUT_OF_RANGE)
    if body.minimum > body.give_points:
        found.add(Rejection.MINIMUM_ABOVE_OFFER)
    if sum(offer.body.maker == body.maker for offer in ledger.offers) >= MOST_OFFERS:
        found.add(Rejection.TOO_MANY_OFFERS)
    if Rejection.POINT_TYPE_UNKNOWN not in found:
        legs = [(body.give_type, body.give_points), (body.want_type, body.want_points)]
        if not all(fits(ledger, *leg, body.value_fen, time) for leg in legs):
            found.add(Rejection.OUTSIDE_CORRIDOR)
        move = NaiveMove(time, body.maker, b"", body.give_type, body.give_points)
        found |= naive_locks.against_move(ledger, move, time)
    return found


def first_lots(ledger: "NaiveLedger", body: CreateSwapOffer) -> list[NaiveLot]:
    """Return the different lots that the points of an offer come from."""
    lots, missing = [], body.give_points
    for lot in ledger.lots_of(body.maker, body.give_type, "available"):
        if missing > 0:
            lots.append(lot)
        missing -= lot.points
    return lots


def offer(ledger: "NaiveLedger", body: CreateSwapOffer, item: Transaction, time: int) -> Effects:
    """Make an offer."""
    whose = (body.maker, body.give_type, "available")
    kept = take(ledger, body.give_points, lambda lot: (lot.owner, lot.point_type, lot.place) == whose)
    ledger.lots += [lot._replace(place="held", held_for=b"f" + item.id) for lot in kept]
    until = min([body.open_until] + [lot.expires_at for lot in kept if lot.expires_at])
    ledger.offers.append(NaiveOffer(item.id, body, until, time))
    naive_locks.remember_move(ledger, NaiveMove(time, body.maker, b"", body.give_type, body.give_points))
    shown = (body.maker, body.give_type, body.give_points, body.want_type, body.want_points, body.value_fen)
    return ((item.id, *shown, until, ledger.balance(body.maker, body.give_type)),)


def take(ledger: "NaiveLedger", points: int, which: Callable[[NaiveLot], bool]) -> list[NaiveLot]:
    """Take points out of lots, in spending order, and return what was taken."""
    taken, missing = [], points
    while missing > 0:
        lot = min((lot for lot in ledger.lots if which(lot)), key=naive_points.spending_order)
        part = min(missing, lot.points)
        missing -= part
        ledger.lots.remove(lot)
        taken.append(lot._replace(points=part))
        if lot.points > part:
            ledger.lots.append(lot._replace(points=lot.points - part))
    return taken


def open_offer(ledger: "NaiveLedger", identity: bytes, time: int) -> NaiveOffer | None:
    """Return an offer that can be accepted."""
    found = [item for item in ledger.offers if item.identity == identity and time < item.open_until]
    return found[0] if found else None


def against_accepting(ledger: "NaiveLedger", body: AcceptSwapOffer, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against accepting an offer."""
    found = against_member(ledger, body.taker, item, time)
    made = open_offer(ledger, body.offer, time)
    if made is None:
        return found | {Rejection.OFFER_NOT_OPEN}
    terms = made.body
    found |= against_terms(ledger, terms.give_type, terms.want_type, time)
    if terms.counterparty not in {None, body.taker}:
        found.add(Rejection.NOT_THE_COUNTERPARTY)
    if terms.maker == body.taker:
        found.add(Rejection.SENDER_IS_RECIPIENT)
    if ledger.balance(body.taker, terms.want_type) < body.pays:
        found.add(Rejection.INSUFFICIENT_POINTS)
    found |= naive_locks.against_move(
        ledger, NaiveMove(time, body.taker, terms.maker, terms.want_type, body.pays), time
    )
    received = naive_locks.against_move(ledger, NaiveMove(time, b"", body.taker, terms.give_type, 0), time)
    found |= received & {Rejection.RECEIPT_LIMIT_REACHED}
    left = sum(lot.points for lot in left_of(ledger, made))
    if body.points > left:
        found.add(Rejection.PART_TOO_LARGE)
    if body.points < terms.minimum and body.points < left:
        found.add(Rejection.PART_TOO_SMALL)
    value = Fraction(body.points * terms.value_fen, terms.give_points)
    if Fraction(body.pays, body.points) != Fraction(terms.want_points, terms.give_points) or value.denominator != 1:
        found.add(Rejection.RATIO_DIFFERENT)
    legs = [(terms.give_type, body.points), (terms.want_type, body.pays)]
    if not all(fits(ledger, *leg, int(value), time) for leg in legs):
        found.add(Rejection.OUTSIDE_CORRIDOR)
    return found


def accept(ledger: "NaiveLedger", body: AcceptSwapOffer, _item: Transaction, time: int) -> Effects:
    """Swap."""
    made = open_offer(ledger, body.offer, time)
    assert made is not None
    terms = made.body
    whose = (body.taker, terms.want_type, "available")
    to_taker = take(ledger, body.points, lambda lot: lot.held_for == b"f" + body.offer)
    to_maker = take(ledger, body.pays, lambda lot: (lot.owner, lot.point_type, lot.place) == whose)
    for owner, lots in ((body.taker, to_taker), (terms.maker, to_maker)):
        for lot in lots:
            ledger.lots.append(
                NaiveLot(owner, lot.point_type, lot.points, "swapped", lot.available_from, lot.expires_at)
            )
    left = sum(lot.points for lot in left_of(ledger, made))
    if not left:
        ledger.offers.remove(made)
    naive_locks.remember_move(ledger, NaiveMove(time, body.taker, terms.maker, terms.want_type, body.pays))
    naive_locks.remember_move(ledger, NaiveMove(time, b"", body.taker, terms.give_type, body.points))
    value = body.points * terms.value_fen // terms.give_points
    after = (
        ledger.balance(terms.maker, terms.want_type),
        ledger.balance(body.taker, terms.give_type),
        ledger.balance(body.taker, terms.want_type),
    )
    legs = (terms.give_type, body.points, terms.want_type, body.pays)
    return ((body.offer, terms.maker, body.taker, *legs, value, left, *after),)


def against_cancelling(ledger: "NaiveLedger", body: CancelSwapOffer, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against closing an offer."""
    made = open_offer(ledger, body.offer, time)
    if made is None:
        return {Rejection.OFFER_NOT_OPEN}
    return set() if ledger.accounts[made.body.maker][0] in item.signers else {Rejection.NOT_AUTHORIZED}


def cancel(ledger: "NaiveLedger", body: CancelSwapOffer, _item: Transaction, time: int) -> Effects:
    """Close an offer."""
    made = open_offer(ledger, body.offer, time)
    assert made is not None
    return tuple(close(ledger, made, OfferEnd.CANCELLED, time))


def close(ledger: "NaiveLedger", made: NaiveOffer, end: OfferEnd, time: int) -> list[tuple[object, ...]]:
    """Let what is left of an offer come back."""
    lots = left_of(ledger, made)
    ledger.lots = [lot for lot in ledger.lots if lot not in lots]
    ledger.offers.remove(made)
    terms = made.body
    repaid, told = naive_time.bring_back(ledger, lots, time)
    head = (made.identity, terms.maker, end, terms.give_type, sum(lot.points for lot in lots), repaid)
    return [(*head, ledger.balance(terms.maker, terms.give_type)), *told]


def close_all(ledger: "NaiveLedger", account: bytes, time: int) -> list[tuple[object, ...]]:
    """Close the offers of a member who is being locked, the oldest first."""
    told: list[tuple[object, ...]] = []
    for made in [item for item in ledger.offers if item.body.maker == account]:
        told += close(ledger, made, OfferEnd.LOCKED, time)
    return told


def run_out(ledger: "NaiveLedger", time: int) -> list[tuple[int, bytes, Callable[[], list[tuple[object, ...]]]]]:
    """Return the offers whose time is over."""
    return [
        (made.open_until, b"f" + made.identity, lambda made=made: close(ledger, made, OfferEnd.EXPIRED, time))  # type: ignore[misc]
        for made in ledger.offers
        if made.open_until <= time
    ]


naive_time.TIMED_OUT.append(run_out)
naive_locks.BEFORE_LOCK.append(close_all)
