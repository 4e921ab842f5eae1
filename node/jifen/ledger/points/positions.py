"""Positions: the points of other issuers that organizations hold, each at the rate of the trade it came by.

Points spent at their issuer are burned. Spent elsewhere they pass to the organization that took them, which can ask
the issuer for their worth; what they are worth was settled in that trade and does not change any more. One record holds
what came in at one rate, so an organization's records are as many as the rates it has used.
"""

from fractions import Fraction
from typing import Annotated, Final

from msgspec import Meta

from jifen.ledger.points.supplies import burn, unburn
from jifen.ledger.records import read
from jifen.ledger.state import StateReader, StateWriter, position_key
from jifen.ledger.terms.records import PointType, Terms
from jifen.ledger.types import RATE_TERM_MAX, PositiveQuantity, RateTerm, Record

RATE_BYTES: Final = 4
"""Of a rate's numbers in a key: RATE_TERM_MAX fits."""


class Rate(Record, frozen=True):
    """What points are worth in a trade: `points` of them are worth `fen` fen, exactly."""

    points: RateTerm
    fen: Annotated[int, Meta(ge=0, le=RATE_TERM_MAX)]

    def value_fen(self, points: int) -> int:
        """Return what so many points are worth, fen, rounded down."""
        return points * self.fen // self.points


class Position(Record, frozen=True):
    """Points of one type that an organization took in at one rate, and that their issuer has not bought back yet.

    Invariant I7: the rate is at most a settlement price that the issuer has published; the holder is not the issuer.
    """

    points: PositiveQuantity


def rate_key(rate: Rate) -> bytes:
    """Return the end of a position's key: the rate's two numbers."""
    return rate.points.to_bytes(RATE_BYTES, "big") + rate.fen.to_bytes(RATE_BYTES, "big")


def rate_of_key(key: bytes) -> Rate:
    """Return the rate at which the position under a state key was taken in."""
    ends = key[-2 * RATE_BYTES :]
    return Rate(int.from_bytes(ends[:RATE_BYTES], "big"), int.from_bytes(ends[RATE_BYTES:], "big"))


def holder_and_type_of(key: bytes) -> tuple[str, str]:
    """Return the organization and the point type that a position's state key names."""
    holder, point_type = key[1 : -2 * RATE_BYTES - 1].decode().split("\0")
    return holder, point_type


def reduced(rate: Rate) -> Rate:
    """Return the rate in its lowest terms, so that equal rates are one position."""
    exact = Fraction(rate.fen, rate.points)
    return Rate(exact.denominator, exact.numerator)


def is_within_settlement_price(rate: Rate, terms: Terms) -> bool:
    """Tell whether points are valued at most at what their issuer buys them back for under these terms (I7)."""
    return rate.fen * terms.settlement_points <= terms.settlement_fen * rate.points


def is_accepted_at(organization: str, point_type: PointType, terms: Terms) -> bool:
    """Tell whether points of a type can be spent at an organization, by the terms in force."""
    return organization == point_type.issuer or organization in terms.accepted_by


def take_in(state: StateWriter, organization: str, point_type: PointType, rate: Rate, points: int) -> None:
    """Let an organization have points that were spent at it: its own are burned, others become its position.

    The caller has taken them out of the member's holding and has checked rate and acceptance.
    """
    if organization == point_type.issuer:
        burn(state, point_type.id, points)
        return
    key = _key(organization, point_type.id, rate)
    before = read(state, key, Position)
    state.put(key, Position(points + (before.points if before else 0)))


def give_out(state: StateWriter, organization: str, point_type: PointType, rate: Rate, points: int) -> None:
    """Undo a part of what `take_in` did, at the rate it did it; the caller gives the points back to the member."""
    if organization == point_type.issuer:
        unburn(state, point_type.id, points)
        return
    key = _key(organization, point_type.id, rate)
    position = read(state, key, Position)
    assert position is not None, f"{organization} has no {point_type.id} points at {rate}"
    assert points <= position.points, f"{organization} has {position.points} {point_type.id} points at {rate}"
    if points == position.points:
        state.delete(key)
    else:
        state.put(key, Position(position.points - points))


def available_to_give(state: StateReader, organization: str, point_type: PointType, rate: Rate) -> int:
    """Return how many points `give_out` could give out of a position: those that were not bought back since."""
    position = read(state, _key(organization, point_type.id, rate), Position)
    return position.points if position else 0


def _key(organization: str, point_type: str, rate: Rate) -> bytes:
    return position_key(organization, point_type, rate_key(reduced(rate)))
