"""Held points: set aside by their member for something that is not decided yet.

A hold, an offer, an entry of a draw or a request for cash takes points out of what can be spent and keeps the lots in
its own record; the holding counts them as `held`. Either they come back as the same lots, or they leave the account for
good. Nothing expires and nothing slides while it is held: a lot that comes back after its date expires in that moment.
So whoever holds points sets a time-out, and passes on only what is still alive.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from jifen.ledger.points.expiring import Return, bring_back
from jifen.ledger.points.holdings import put_holding
from jifen.ledger.points.lots import points_of, take_lots, taken_of_origin
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import StateReader, StateWriter, holding_key
from jifen.ledger.types import EMPTY_HOLDING, Holding, Lot, LotOrigin

HELD_LOTS_MAX: Final = 366
"""Most lots that one record keeps: a year of daily ones. Who has more takes two holds."""


class HeldPoints(NamedTuple):
    """What a record holds of somebody's points."""

    account: bytes
    point_type: str
    points: int


HELD_IN: Final[dict[bytes, Callable[[Any], Iterable[HeldPoints]]]] = {}
"""By the table: what a record of it holds. Each family adds its own; the invariant of `Holding.held` counts them."""


def may_hold(holding: Holding, points: int) -> bool:
    """Tell whether so many points can be taken out of a holding and kept in one record."""
    return points <= holding.available and len(take_lots(holding, points)[1]) <= HELD_LOTS_MAX


def why_not_held(holding: Holding, points: int) -> Rejection | None:
    """Return why so many points cannot be taken out of a holding and kept in one record, if anything speaks against it.

    Order: `rejections.py`.
    """
    if holding.available < points:
        return Rejection.INSUFFICIENT_POINTS
    return None if may_hold(holding, points) else Rejection.TOO_MANY_LOTS


def hold_points(state: StateWriter, account: bytes, point_type: str, points: int, time: int) -> tuple[Lot, ...]:
    """Set points aside, in spending order, and return the lots for the caller's record.

    The caller has checked that they are available and not in more than HELD_LOTS_MAX lots. `time` is the block's, ms.
    """
    key = holding_key(account, point_type)
    holding = read(state, key, Holding) or EMPTY_HOLDING
    rest, taken = take_lots(holding, points)
    put_holding(state, key, _with_held(rest, rest.held + points), (), time)
    return tuple(taken)


def hold_points_of_origin(
    state: StateWriter, account: bytes, point_type: str, points: int, origin: LotOrigin, time: int
) -> tuple[Lot, ...]:
    """Set points of one origin aside, in spending order; as `hold_points` otherwise."""
    key = holding_key(account, point_type)
    holding = read(state, key, Holding) or EMPTY_HOLDING
    rest, taken = taken_of_origin(holding, points, origin)
    put_holding(state, key, _with_held(rest, rest.held + points), (), time)
    return tuple(taken)


def release_points(state: StateWriter, account: bytes, point_type: str, lots: tuple[Lot, ...], time: int) -> Return:
    """Let held lots come back as they were; the first of them repay what the account owes meanwhile.

    What is past its date expires, of which the caller tells: `expired` belongs among its effects.
    """
    key = holding_key(account, point_type)
    holding = _holding_with(state, key, points_of(lots))
    return bring_back(state, key, _with_held(holding, holding.held - points_of(lots)), lots, time)


def spend_held(state: StateWriter, account: bytes, point_type: str, points: int, time: int) -> Holding:
    """Let held points leave the account for good; the caller lets them go on, to whom or to nowhere."""
    key = holding_key(account, point_type)
    holding = _holding_with(state, key, points)
    return put_holding(state, key, _with_held(holding, holding.held - points), (), time)


def _holding_with(state: StateReader, key: bytes, points: int) -> Holding:
    holding = read(state, key, Holding)
    assert holding is not None, f"{key.hex()} holds nothing, {points} points of it should be held"
    assert points <= holding.held, f"of {key.hex()} only {holding.held} points are held, not {points}"
    return holding


def _with_held(holding: Holding, held: int) -> Holding:
    return Holding(
        holding.available,
        holding.lots,
        holding.debt,
        holding.pending,
        holding.pending_lots,
        holding.awaiting_lots,
        holding.lapsed,
        holding.due,
        held,
    )
