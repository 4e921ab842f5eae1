"""Swapping: offering points, accepting an offer in whole or in part, and closing it.

Both legs happen in one transaction or neither does. Lots pass on with their dates and slide no more (invariant I9).
Nothing is rounded: a part is taken in the exact ratio of the offer, and at a value of whole fen, or not at all. The
value is one for both legs and lies in the corridors of both issuers when the offer is made and when it is accepted
(I7b), so no swap says that points are worth more than their issuers have promised.
"""

from typing import NamedTuple

from jifen.ledger.context import BlockContext
from jifen.ledger.locks.records import points_wait
from jifen.ledger.points.held import hold_points, may_hold, release_points, spend_held
from jifen.ledger.points.holdings import put_holding
from jifen.ledger.points.limits import (
    Moved,
    Movement,
    check_movement,
    check_receiving,
    check_sending,
    count_movement,
    day_of,
)
from jifen.ledger.points.lots import add_lots, take_lots, taken_first
from jifen.ledger.receipts import AnyEffect
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.scheduling import schedule
from jifen.ledger.state import StateReader, StateWriter, account_key, holding_key, offer_key, point_type_key
from jifen.ledger.swaps.bodies import (
    AcceptSwapOffer,
    CancelSwapOffer,
    CreateSwapOffer,
    PointsSwapped,
    SwapOfferClosed,
    SwapOffered,
)
from jifen.ledger.swaps.records import (
    OFFER_LIFETIME_MS_MAX,
    OFFERS_MAX,
    OfferEnd,
    SwapOffer,
    delete_offer,
    is_in_corridor,
    open_offers_of,
    put_offer,
)
from jifen.ledger.terms.records import PointType, Terms, terms_in_force
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import EMPTY_HOLDING, Account, Holding, Lot, LotOrigin


class Offering(NamedTuple):
    """What the check found and the act needs."""

    sent_key: bytes
    sent: Moved
    """What the maker has passed on today, this offer included."""


class Acceptance(NamedTuple):
    """What the check found and the act needs."""

    offer: SwapOffer
    holding: Holding
    """The taker's, of what it pays with."""
    value_fen: int
    given: Movement
    """What the taker passes on and the maker receives."""
    taken_key: bytes
    taken: Moved
    """What the taker has received today, this included."""


def check_offering(
    state: StateReader, body: CreateSwapOffer, transaction: Transaction, context: BlockContext
) -> Rejection | Offering:
    """Return why the offer cannot be made, or what is counted for it. Order: `rejections.py`."""
    maker = read(state, account_key(body.maker), Account)
    if maker is None:
        return Rejection.ACCOUNT_UNKNOWN
    if body.counterparty is not None and state.get(account_key(body.counterparty)) is None:
        return Rejection.RECIPIENT_UNKNOWN
    both = _terms_of_both(state, body.give_type, body.want_type, context.time)
    if both is None:
        return Rejection.POINT_TYPE_UNKNOWN
    give, want = both
    if maker.key not in transaction.signers:
        return Rejection.NOT_AUTHORIZED
    if points_wait(maker):
        return Rejection.ACCOUNT_LOCKED
    if not (give.swappable and want.swappable):
        return Rejection.NOT_SWAPPABLE
    if body.counterparty == body.maker:
        return Rejection.SENDER_IS_RECIPIENT
    holding = read(state, holding_key(body.maker, body.give_type), Holding) or EMPTY_HOLDING
    if holding.available < body.give_points:
        return Rejection.INSUFFICIENT_POINTS
    sent_key = day_of(give, body.maker, body.give_type, context.time)
    sent = check_sending(state, sent_key, give, body.give_points)
    if isinstance(sent, Rejection):
        return sent
    return _check_offer(state, body, give, want, context) or _scattered(holding, body) or Offering(sent_key, sent)


def make_offer(
    state: StateWriter, body: CreateSwapOffer, transaction: Transaction, found: Offering, context: BlockContext
) -> tuple[SwapOffered]:
    """Set the points aside and show the offer. It ends when the first of its points expires, if that is earlier."""
    lots = hold_points(state, body.maker, body.give_type, body.give_points, context.time)
    open_until = min([body.open_until, *(lot.expires_at for lot in lots if lot.expires_at)])
    made = SwapOffer(
        body.maker,
        body.give_type,
        body.give_points,
        body.want_type,
        body.want_points,
        body.value_fen,
        body.minimum,
        open_until,
        body.counterparty,
        context.time,
        body.give_points,
        lots,
    )
    put_offer(state, transaction.id, made)
    schedule(state, offer_key(transaction.id), 0, open_until)
    state.put(found.sent_key, found.sent)
    holding = read(state, holding_key(body.maker, body.give_type), Holding) or EMPTY_HOLDING
    effect = SwapOffered(
        transaction.id,
        body.maker,
        body.give_type,
        body.give_points,
        body.want_type,
        body.want_points,
        body.value_fen,
        open_until,
        holding.available,
    )
    return (effect,)


def check_accepting(
    state: StateReader, body: AcceptSwapOffer, transaction: Transaction, context: BlockContext
) -> Rejection | Acceptance:
    """Return why the offer cannot be accepted so, or what that takes. Order: `rejections.py`."""
    taker = read(state, account_key(body.taker), Account)
    if taker is None:
        return Rejection.ACCOUNT_UNKNOWN
    if taker.key not in transaction.signers:
        return Rejection.NOT_AUTHORIZED
    if points_wait(taker):
        return Rejection.ACCOUNT_LOCKED
    found = _open_offer(state, body.offer, context)
    if found is None:
        return Rejection.OFFER_NOT_OPEN
    if found.counterparty is not None and found.counterparty != body.taker:
        return Rejection.NOT_THE_COUNTERPARTY
    both = _terms_of_both(state, found.give_type, found.want_type, context.time)
    assert both is not None, f"the offer {body.offer.hex()} is of point types that do not exist"
    give, want = both
    if not (give.swappable and want.swappable):
        return Rejection.NOT_SWAPPABLE
    if found.maker == body.taker:
        return Rejection.SENDER_IS_RECIPIENT
    holding = read(state, holding_key(body.taker, found.want_type), Holding) or EMPTY_HOLDING
    if holding.available < body.pays:
        return Rejection.INSUFFICIENT_POINTS
    time, name = context.time, found.want_type
    given = check_movement(
        state, day_of(want, body.taker, name, time), day_of(want, found.maker, name, time), body.pays, want
    )
    if isinstance(given, Rejection):
        return given
    taken_key = day_of(give, body.taker, found.give_type, time)
    taken = check_receiving(state, taken_key, give)
    if isinstance(taken, Rejection):
        return taken
    value_fen = _check_part(body, found, give, want)
    if isinstance(value_fen, Rejection):
        return value_fen
    return Acceptance(found, holding, value_fen, given, taken_key, taken)


def accept_offer(
    state: StateWriter, body: AcceptSwapOffer, _transaction: Transaction, found: Acceptance, context: BlockContext
) -> tuple[PointsSwapped]:
    """Swap."""
    made, time = found.offer, context.time
    rest, taken = taken_first(made.lots, body.points)
    spend_held(state, made.maker, made.give_type, body.points, time)
    to_taker = _receive(state, body.taker, made.give_type, taken, time)
    paid, given = take_lots(found.holding, body.pays)
    put_holding(state, holding_key(body.taker, made.want_type), paid, (), time)
    to_maker = _receive(state, made.maker, made.want_type, given, time)
    count_movement(state, found.given)
    state.put(found.taken_key, found.taken)
    left = made.left - body.points
    if left:
        state.put(offer_key(body.offer), _with_left(made, left, rest))
    else:
        schedule(state, offer_key(body.offer), made.open_until, 0)
        delete_offer(state, body.offer, made)
    effect = PointsSwapped(
        body.offer,
        made.maker,
        body.taker,
        made.give_type,
        body.points,
        made.want_type,
        body.pays,
        found.value_fen,
        left,
        to_maker.available,
        to_taker.available,
        paid.available,
    )
    return (effect,)


def check_cancelling(
    state: StateReader, body: CancelSwapOffer, transaction: Transaction, context: BlockContext
) -> Rejection | SwapOffer:
    """Return why the offer cannot be closed, or the offer. Order: `rejections.py`."""
    found = _open_offer(state, body.offer, context)
    if found is None:
        return Rejection.OFFER_NOT_OPEN
    maker = read(state, account_key(found.maker), Account)
    if maker is None or maker.key not in transaction.signers:
        return Rejection.NOT_AUTHORIZED
    return found


def cancel_offer(
    state: StateWriter, body: CancelSwapOffer, _transaction: Transaction, found: SwapOffer, context: BlockContext
) -> tuple[AnyEffect, ...]:
    """Close the offer; what is left of it comes back."""
    schedule(state, offer_key(body.offer), found.open_until, 0)
    return _close(state, body.offer, found, OfferEnd.CANCELLED, context)


def close_all(state: StateWriter, account: bytes, context: BlockContext) -> tuple[AnyEffect, ...]:
    """Close all open offers of an account that is being locked."""
    effects: list[AnyEffect] = []
    for identity in open_offers_of(state, account):
        found = read(state, offer_key(identity), SwapOffer)
        assert found is not None, f"the offer {identity.hex()} is listed but does not exist"
        schedule(state, offer_key(identity), found.open_until, 0)
        effects += _close(state, identity, found, OfferEnd.LOCKED, context)
    return tuple(effects)


def wake_offer(state: StateWriter, key: bytes, context: BlockContext) -> tuple[AnyEffect, ...]:
    """Close an offer whose time is over."""
    found = read(state, key, SwapOffer)
    assert found is not None, f"the agenda names the offer {key.hex()}, which does not exist"
    return _close(state, key[1:], found, OfferEnd.EXPIRED, context)


def _close(
    state: StateWriter, identity: bytes, found: SwapOffer, end: OfferEnd, context: BlockContext
) -> tuple[AnyEffect, ...]:
    delete_offer(state, identity, found)
    back = release_points(state, found.maker, found.give_type, found.lots, context.time)
    effect = SwapOfferClosed(
        identity, found.maker, end, found.give_type, found.left, back.repaid, back.holding.available
    )
    return (effect, *back.expired)


def _receive(state: StateWriter, account: bytes, point_type: str, lots: list[Lot], time: int) -> Holding:
    key = holding_key(account, point_type)
    holding = read(state, key, Holding) or EMPTY_HOLDING
    swapped = [Lot(lot.points, LotOrigin.SWAPPED, lot.available_from, lot.expires_at) for lot in lots]
    return put_holding(state, key, add_lots(holding, swapped), swapped, time)


def _terms_of_both(state: StateReader, give_type: str, want_type: str, time: int) -> tuple[Terms, Terms] | None:
    give = read(state, point_type_key(give_type), PointType)
    want = read(state, point_type_key(want_type), PointType)
    if give is None or want is None:
        return None
    return terms_in_force(give, time), terms_in_force(want, time)


def _open_offer(state: StateReader, identity: bytes, context: BlockContext) -> SwapOffer | None:
    found = read(state, offer_key(identity), SwapOffer)
    return found if found is not None and context.time < found.open_until else None


def _check_offer(
    state: StateReader, body: CreateSwapOffer, give: Terms, want: Terms, context: BlockContext
) -> Rejection | None:
    """Return what speaks against the offer itself."""
    if body.give_type == body.want_type:
        return Rejection.SAME_POINT_TYPE
    if not context.time < body.open_until <= context.time + OFFER_LIFETIME_MS_MAX:
        return Rejection.OFFER_TIME_OUT_OF_RANGE
    if body.minimum > body.give_points:
        return Rejection.MINIMUM_ABOVE_OFFER
    legs = (give, body.give_points), (want, body.want_points)
    if not all(is_in_corridor(terms, points, body.value_fen) for terms, points in legs):
        return Rejection.OUTSIDE_CORRIDOR
    if len(open_offers_of(state, body.maker)) >= OFFERS_MAX:
        return Rejection.TOO_MANY_OFFERS
    return None


def _scattered(holding: Holding, body: CreateSwapOffer) -> Rejection | None:
    return None if may_hold(holding, body.give_points) else Rejection.TOO_MANY_OFFERED_LOTS


def _check_part(body: AcceptSwapOffer, found: SwapOffer, give: Terms, want: Terms) -> Rejection | int:
    """Return what speaks against the part that is to be taken, or its value in fen."""
    value_fen, rest = divmod(body.points * found.value_fen, found.give_points)
    if body.points > found.left:
        return Rejection.PART_TOO_LARGE
    if body.points < min(found.minimum, found.left):
        return Rejection.PART_TOO_SMALL
    if body.pays * found.give_points != body.points * found.want_points or rest:
        return Rejection.RATIO_DIFFERENT
    legs = (give, body.points), (want, body.pays)
    if not all(is_in_corridor(terms, points, value_fen) for terms, points in legs):
        return Rejection.OUTSIDE_CORRIDOR
    return value_fen


def _with_left(offer: SwapOffer, left: int, lots: tuple[Lot, ...]) -> SwapOffer:
    return SwapOffer(
        offer.maker,
        offer.give_type,
        offer.give_points,
        offer.want_type,
        offer.want_points,
        offer.value_fen,
        offer.minimum,
        offer.open_until,
        offer.counterparty,
        offer.made_at,
        left,
        lots,
    )
