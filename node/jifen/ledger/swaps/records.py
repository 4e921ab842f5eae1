"""Swap offers: what a member offers for what, and the board on which others find it.

The board keeps the offers that anybody may accept by what is given and what is wanted, the lowest price first and of
equal prices the oldest: its keys are sorted so, and a page of it is a range.
"""

from enum import IntEnum
from typing import Annotated, Final

from msgspec import Meta

from jifen.ledger.dates import DAY_MS
from jifen.ledger.records import read
from jifen.ledger.state import BOARD, StateReader, StateWriter, offer_key, open_offers_key
from jifen.ledger.terms.records import PERCENT_MAX, Terms
from jifen.ledger.types import (
    AMOUNT_FEN_MAX,
    AccountBytes,
    HashBytes,
    Lot,
    PointTypeName,
    PositiveQuantity,
    Record,
    TimeMs,
)

OFFERS_MAX: Final = 16
"""Open offers of one account: as many as a member can look after; locking the account ends all of them at once."""

OFFER_LIFETIME_MS_MAX: Final = 30 * DAY_MS
"""Longest life of an offer, ms: nobody remembers an older one, and its points are missing elsewhere."""

PRICE_BITS: Final = 107
"""Binary digits of a price behind the point, in the board's keys: fractions of terms up to 2**53 differ by at least
2**-106, so that different prices have different keys."""

PRICE_BYTES: Final = 20
"""Of a price in a key: 53 digits before the point and PRICE_BITS behind it."""

ID_BYTES: Final = 32
"""Of an offer's id in a key: that of its transaction."""

SwapValue = Annotated[int, Meta(ge=1, le=AMOUNT_FEN_MAX)]


class OfferEnd(IntEnum):
    """Why an offer is closed that was not accepted in full."""

    CANCELLED = 1
    EXPIRED = 2
    LOCKED = 3
    """Its maker's account was locked."""


class SwapOffer(Record, frozen=True):
    """An open offer: its key names the transaction that made it.

    Invariant: `left` is the sum of `lots`, and 0 < left <= give_points; `minimum <= give_points`; no lot expires before
    `open_until`, at which the agenda closes the offer; it is on the board exactly when it has no counterparty.
    """

    maker: AccountBytes
    give_type: PointTypeName
    give_points: PositiveQuantity
    """What was offered in all ..."""
    want_type: PointTypeName
    want_points: PositiveQuantity
    """... for so much in all: the ratio of every part of it."""
    value_fen: SwapValue
    """What both legs of the whole are agreed to be worth, fen (invariant I7b)."""
    minimum: PositiveQuantity
    """Fewest points of what is given that are taken at once, unless fewer are left; `give_points`: all or nothing."""
    open_until: TimeMs
    """Block time, ms, from which it cannot be accepted any more."""
    counterparty: AccountBytes | None
    """The only one who can accept it; None: anybody can."""
    made_at: TimeMs
    """Block time of its making, ms."""
    left: PositiveQuantity
    """Points that can still be taken."""
    lots: tuple[Lot, ...]
    """Those points, in spending order."""


class OpenOffers(Record, frozen=True):
    """The open offers of an account, the oldest first. Invariant: there is one, and each is in the state."""

    offers: Annotated[tuple[HashBytes, ...], Meta(max_length=OFFERS_MAX)]


class BoardEntry(Record, frozen=True):
    """Says by its key all there is to say: the pair of point types, the price, the age and the offer."""


ENTRY: Final = BoardEntry()


def board_of(give_type: str, want_type: str) -> bytes:
    """Return what the state keys of the board's offers of one pair begin with."""
    return BOARD + give_type.encode() + b"\0" + want_type.encode() + b"\0"


def board_key(identity: bytes, offer: SwapOffer) -> bytes:
    """Return the state key of an offer on the board: its price in wanted points for one given, then its age."""
    price = (offer.want_points << PRICE_BITS) // offer.give_points
    place = price.to_bytes(PRICE_BYTES, "big") + offer.made_at.to_bytes(8, "big")
    return board_of(offer.give_type, offer.want_type) + place + identity


def board_of_key(key: bytes) -> bytes:
    """Return the board that a key of it belongs to, as `board_of` names it."""
    return key[: -PRICE_BYTES - 8 - ID_BYTES]


def open_offers_of(state: StateReader, account: bytes) -> tuple[bytes, ...]:
    """Return the ids of an account's open offers, the oldest first."""
    record = read(state, open_offers_key(account), OpenOffers)
    return record.offers if record else ()


def is_in_corridor(terms: Terms, points: int, value_fen: int) -> bool:
    """Tell whether points settled at a value stay inside what their issuer allows (invariant I7b). Exact."""
    price = points * terms.settlement_fen
    value = value_fen * PERCENT_MAX * terms.settlement_points
    corridor = terms.corridor
    return corridor.lowest_percent * price <= value <= corridor.highest_percent * price


def put_offer(state: StateWriter, identity: bytes, offer: SwapOffer) -> None:
    """Enter a new offer: its record, its place on the board and among its maker's."""
    state.put(offer_key(identity), offer)
    mine = open_offers_of(state, offer.maker)
    state.put(open_offers_key(offer.maker), OpenOffers((*mine, identity)))
    if offer.counterparty is None:
        state.put(board_key(identity, offer), ENTRY)


def delete_offer(state: StateWriter, identity: bytes, offer: SwapOffer) -> None:
    """Take an offer out of everywhere but the agenda."""
    state.delete(offer_key(identity))
    left = tuple(other for other in open_offers_of(state, offer.maker) if other != identity)
    if left:
        state.put(open_offers_key(offer.maker), OpenOffers(left))
    else:
        state.delete(open_offers_key(offer.maker))
    if offer.counterparty is None:
        state.delete(board_key(identity, offer))
