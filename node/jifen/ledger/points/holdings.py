"""Holdings in the state: written together with their place in the agenda.

The agenda names a holding once, at the earliest thing that is to happen to it: activation of pending points, an
announcement, an expiry. Lots that leave do not change that; the agenda then finds nothing to do and looks for the next.
So a holding whose points never expire and are available at once costs the agenda nothing.
"""

from collections.abc import Iterable
from typing import Final

from jifen.ledger.dates import DAY_MS
from jifen.ledger.scheduling import schedule
from jifen.ledger.state import StateWriter
from jifen.ledger.types import Holding, Lot

ANNOUNCED_DAYS: Final = (30, 7, 1)
"""Days before an expiry at which it is announced, the most first."""

LAPSED_KEPT_MS: Final = 366 * DAY_MS
"""How long expired points are remembered for refunds of their orders; shops take nothing back after a year."""


def put_holding(state: StateWriter, key: bytes, holding: Holding, added: Iterable[Lot], time: int) -> Holding:
    """Set or clear a holding and its place in the agenda; return it as it is now.

    Args:
        state: with an open block.
        key: state key of the holding.
        holding: as it shall be, its `due` that of the record before.
        added: lots that came in, or whose dates changed, since then.
        time: block time, ms.
    """
    before = due = holding.due
    for lot in added:
        moment = next_moment(lot, time)
        if moment and (not due or moment < due):
            due = moment
    return put_due(state, key, holding, before, due)


def put_due(state: StateWriter, key: bytes, holding: Holding, before: int, due: int) -> Holding:
    """Set or clear a holding that the agenda named at `before` and shall name at `due`; return it as it is now."""
    if not (holding.available or holding.pending or holding.debt or holding.lapsed or holding.held):
        schedule(state, key, before, 0)
        state.delete(key)
        return holding
    if holding.due != due:
        holding = Holding(
            holding.available,
            holding.lots,
            holding.debt,
            holding.pending,
            holding.pending_lots,
            holding.awaiting_lots,
            holding.lapsed,
            due,
            holding.held,
        )
    schedule(state, key, before, due)
    state.put(key, holding)
    return holding


def next_moment(lot: Lot, time: int) -> int:
    """Return the first time after `time` at which something is to happen to a lot, ms; 0: never.

    An expiry that is past already, which the agenda has not got to, is still to happen.
    """
    expires_at = lot.expires_at
    moment = 0
    if expires_at:
        moment = expires_at
        for days in ANNOUNCED_DAYS:
            if expires_at - days * DAY_MS > time:
                moment = expires_at - days * DAY_MS
                break
    if lot.available_from > time and (not moment or lot.available_from < moment):
        return lot.available_from
    return moment


def paused_due_of(holding: Holding, time: int) -> int:
    """Return the first time after `time` at which something is to happen to a holding while nothing of it expires."""
    moments = [lot.available_from for lot in holding.pending_lots if lot.available_from > time]
    moments += [lot.expires_at + LAPSED_KEPT_MS for lot in holding.lapsed]
    return min(moments, default=0)


def due_of(holding: Holding, time: int) -> int:
    """Return the first time after `time` at which something is to happen to a holding, ms; 0: never."""
    lots = (*holding.lots, *holding.pending_lots, *holding.awaiting_lots)
    moments = [next_moment(lot, time) for lot in lots]
    moments += [lot.expires_at + LAPSED_KEPT_MS for lot in holding.lapsed]
    return min([moment for moment in moments if moment], default=0)
