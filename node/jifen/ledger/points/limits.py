"""Limits of what a member passes on and receives in a day: velocity and fan-in.

What counts is kept by account, point type and day of the issuer's, under the end of the day; like the marks of
transactions it is cleared when block time has passed that, so nothing is kept of earlier days.
"""

from typing import Annotated, Final, NamedTuple

from msgspec import Meta

from jifen.ledger.dates import day_end
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import MOVED, StateReader, StateWriter, moved_key
from jifen.ledger.terms.records import MOVES_MAX, Terms
from jifen.ledger.types import Quantity, Record

MOVED_CLEARED_MAX: Final = 1024
"""Records of past days cleared in one block: more than a block of an ordinary day makes, so that they never pile up."""

Moves = Annotated[int, Meta(ge=0, le=MOVES_MAX)]


class Moved(Record, frozen=True):
    """What an account has passed on and received of a point type on one day.

    Invariant: the key's day is not over, or the record is about to be cleared.
    """

    transfers: Moves = 0
    """Times it passed points on."""
    points: Quantity = 0
    """Points it passed on."""
    receipts: Moves = 0
    """Times it received points from members."""


NOTHING_MOVED: Final = Moved()


def day_of(terms: Terms, account: bytes, point_type: str, time: int) -> bytes:
    """Return the state key of what an account moves on the issuer's day in which a block time, ms, lies."""
    return moved_key(day_end(time, 0, terms.utc_offset_minutes), account, point_type)


class Movement(NamedTuple):
    """What two accounts will have moved once one has passed points on to the other."""

    sender_key: bytes
    sent: Moved
    recipient_key: bytes
    received: Moved


def check_sending(state: StateReader, key: bytes, terms: Terms, points: int) -> Rejection | Moved:
    """Return why an account passes no more points on today, or what it will have moved with these."""
    before = read(state, key, Moved) or NOTHING_MOVED
    limits = terms.limits
    if before.transfers >= limits.transfers:
        return Rejection.TRANSFER_LIMIT_REACHED
    if before.points + points > limits.points:
        return Rejection.POINTS_LIMIT_REACHED
    return Moved(before.transfers + 1, before.points + points, before.receipts)


def check_receiving(state: StateReader, key: bytes, terms: Terms) -> Rejection | Moved:
    """Return why an account receives no more points today, or what it will have moved with these."""
    before = read(state, key, Moved) or NOTHING_MOVED
    if before.receipts >= terms.limits.receipts:
        return Rejection.RECEIPT_LIMIT_REACHED
    return Moved(before.transfers, before.points, before.receipts + 1)


def check_movement(
    state: StateReader, sender_key: bytes, recipient_key: bytes, points: int, terms: Terms
) -> Rejection | Movement:
    """Return which limit forbids that somebody passes points on to somebody else, or the counts; keys: `day_of`."""
    sent = check_sending(state, sender_key, terms, points)
    if isinstance(sent, Rejection):
        return sent
    received = check_receiving(state, recipient_key, terms)
    if isinstance(received, Rejection):
        return received
    return Movement(sender_key, sent, recipient_key, received)


def count_movement(state: StateWriter, movement: Movement) -> None:
    """Count what `check_movement` found."""
    state.put(movement.sender_key, movement.sent)
    state.put(movement.recipient_key, movement.received)


def forget_past_days(state: StateWriter, time: int) -> None:
    """Clear what was counted on days that are over at a block time, ms."""
    for key, _ in state.range(MOVED, MOVED + (time + 1).to_bytes(8, "big"), MOVED_CLEARED_MAX):
        state.delete(key)
