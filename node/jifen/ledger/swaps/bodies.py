"""Transactions by which members swap points of different types, and what they do."""

from jifen.ledger.bodies import TransactionBody
from jifen.ledger.effects import Effect
from jifen.ledger.swaps.records import OfferEnd, SwapValue
from jifen.ledger.types import AccountBytes, HashBytes, PointTypeName, PositiveQuantity, Quantity, TimeMs


class CreateSwapOffer(TransactionBody, frozen=True, tag=65):
    """Offer points for points of another type; signed with the maker's current key.

    The points are set aside until the offer ends. Its id is that of this transaction: a hash over all that is accepted.
    """

    maker: AccountBytes
    give_type: PointTypeName
    give_points: PositiveQuantity
    want_type: PointTypeName
    want_points: PositiveQuantity
    value_fen: SwapValue
    """What both legs are agreed to be worth, fen: inside the corridors of both issuers."""
    open_until: TimeMs
    """Block time, ms, from which it cannot be accepted any more;
    the first expiry among its points if that is before."""
    minimum: PositiveQuantity
    """Fewest points of what is given that are taken at once, unless fewer are left; `give_points`: all or nothing."""
    counterparty: AccountBytes | None = None
    """The only one who can accept it; None: anybody can."""


class AcceptSwapOffer(TransactionBody, frozen=True, tag=66):
    """Take an offer, or a part of it; signed with the taker's current key.

    `pays` is to `points` exactly as the offer says, and the part's value is whole fen: what does not divide is taken as
    a whole or not at all, so nothing is ever rounded.
    """

    taker: AccountBytes
    offer: HashBytes
    points: PositiveQuantity
    """Of what is given."""
    pays: PositiveQuantity
    """Of what is wanted."""


class CancelSwapOffer(TransactionBody, frozen=True, tag=67):
    """Close an own open offer; signed with the maker's current key."""

    offer: HashBytes


class SwapOffered(Effect, frozen=True, tag=65):
    """Points were offered, and set aside."""

    offer: HashBytes
    maker: AccountBytes
    give_type: PointTypeName
    give_points: PositiveQuantity
    want_type: PointTypeName
    want_points: PositiveQuantity
    value_fen: SwapValue
    open_until: TimeMs
    """When the offer ends, ms: as asked for, or when the first of its points expires."""
    available_after: Quantity
    """The maker's available points of the type given."""


class PointsSwapped(Effect, frozen=True, tag=66):
    """Points changed hands both ways at once: `points` for `pays`, which is the ratio of the offer exactly."""

    offer: HashBytes
    maker: AccountBytes
    taker: AccountBytes
    give_type: PointTypeName
    points: PositiveQuantity
    """From the maker to the taker."""
    want_type: PointTypeName
    pays: PositiveQuantity
    """From the taker to the maker."""
    value_fen: SwapValue
    """What either leg is agreed to be worth, fen (invariant I7b)."""
    left: Quantity
    """Points that can still be taken; 0: the offer is closed."""
    maker_available_after: Quantity
    """The maker's available points of the type wanted."""
    taker_available_after: Quantity
    """The taker's available points of the type given."""
    taker_available_left: Quantity
    """The taker's available points of the type wanted."""


class SwapOfferClosed(Effect, frozen=True, tag=67):
    """An offer has ended that was not accepted in full; what was left of it has come back."""

    offer: HashBytes
    maker: AccountBytes
    end: OfferEnd
    give_type: PointTypeName
    points: PositiveQuantity
    """What was left."""
    debt_repaid: Quantity
    """Part of `points` that went to repay what refunds had left owing."""
    available_after: Quantity
