"""The invariants of swap offers."""

from jifen.ledger.checking import Items, require
from jifen.ledger.points.held import HELD_IN, HeldPoints
from jifen.ledger.points.lots import merged, points_of
from jifen.ledger.state import BOARD, OFFER, OPEN_OFFERS
from jifen.ledger.swaps.records import OFFERS_MAX, OpenOffers, SwapOffer, board_key


def offers_of(items: Items) -> dict[bytes, SwapOffer]:
    """Return every open offer by its id."""
    return {key[1:]: record for key, record in items if key[:1] == OFFER and isinstance(record, SwapOffer)}


def held_in(offer: SwapOffer) -> tuple[HeldPoints, ...]:
    """Return what an offer holds of its maker's points."""
    return (HeldPoints(offer.maker, offer.give_type, offer.left),)


HELD_IN[OFFER] = held_in


def check_offers_hold_what_is_left_of_them(items: Items) -> None:
    """I1, I9: an open offer's lots are what is left of it, none of which expires before it ends."""
    for identity, offer in offers_of(items).items():
        right = 0 < offer.left == points_of(offer.lots) and offer.left <= offer.give_points
        require(right, f"the offer {identity.hex()} has {offer.left} of {offer.give_points} left, in {offer.lots}")
        require(merged((), offer.lots) == offer.lots, f"the lots of the offer {identity.hex()} are out of order")
        dates = [lot.expires_at for lot in offer.lots if lot.expires_at]
        alive = offer.open_until <= min(dates, default=offer.open_until)
        require(alive, f"I9: the offer {identity.hex()} is open until {offer.open_until}, its points until {dates}")
        require(offer.minimum <= offer.give_points, f"the offer {identity.hex()} asks for more than it gives: {offer}")
        require(offer.give_type != offer.want_type, f"the offer {identity.hex()} wants what it gives: {offer}")


def check_the_board_shows_what_is_open(items: Items) -> None:
    """Every open offer stands on the board at its price, unless it is for one member only, and nothing else does."""
    known = list(items)
    wanted = {board_key(name, offer) for name, offer in offers_of(known).items() if offer.counterparty is None}
    found = {key for key, _ in known if key[:1] == BOARD}
    require(found == wanted, f"the board shows {sorted(found - wanted)} too much and {sorted(wanted - found)} not")


def check_members_offers_are_listed(items: Items) -> None:
    """Every open offer is listed once, with its maker, who has at most OFFERS_MAX of them."""
    known = list(items)
    offers = offers_of(known)
    for key, record in known:
        if key[:1] == OPEN_OFFERS:
            assert isinstance(record, OpenOffers)
            mine = [offers.pop(identity).maker for identity in record.offers if identity in offers]
            right = mine == [key[1:]] * len(record.offers) and 0 < len(mine) <= OFFERS_MAX
            require(right, f"of {key[1:].hex()} the offers {record.offers} are listed, they are of {mine}")
    require(not offers, f"offers are not listed with their makers: {sorted(offers)}")
