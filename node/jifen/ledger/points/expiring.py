"""What time does to a holding: points expire, pending ones become available, expiries are announced.

In that order: a point whose date has come is gone, whatever else was due to it. Points expire at the first block whose
time has reached their date; until then they can be spent, also past their date if the agenda lags. Points that were
away meanwhile, held or spent, and come back after their date expire in that moment. While the account is locked nothing
expires and nothing is announced (`pausing.py`).
"""

from collections.abc import Iterable
from typing import NamedTuple

from jifen.ledger.context import BlockContext
from jifen.ledger.dates import DAY_MS
from jifen.ledger.locks.records import points_wait
from jifen.ledger.points.holdings import ANNOUNCED_DAYS, LAPSED_KEPT_MS, due_of, paused_due_of, put_due, put_holding
from jifen.ledger.points.lots import merged, points_of, with_points
from jifen.ledger.points.supplies import take_out
from jifen.ledger.receipts import AnyEffect
from jifen.ledger.records import read
from jifen.ledger.state import StateReader, StateWriter, account_key
from jifen.ledger.terms.effects import ExpiryAnnounced, PointsActivated, PointsExpired
from jifen.ledger.types import Account, Holding, Lot, LotOrigin


class Activation(NamedTuple):
    """A holding after pending points became available, and what became of those."""

    holding: Holding
    points: int
    repaid: int


class Return(NamedTuple):
    """What became of lots that came back to their holding."""

    holding: Holding
    """As it is now."""
    repaid: int
    """Part of the points that repaid at once what the account owes, and is burned."""
    expired: tuple[PointsExpired, ...]
    """What was past its date and is gone, by date."""


def bring_back(state: StateWriter, key: bytes, holding: Holding, lots: Iterable[Lot], time: int) -> Return:
    """Put lots back into the holding under `key`, with the dates they have; what is past its date expires at once.

    Not with the next block: a holding that were due in the past would be announced twice what it was told already.
    The caller has taken the lots out of where they were, and tells of what expired. `time` is the block's, ms.
    """
    alive: list[Lot] = []
    dead: dict[int, list[Lot]] = {}
    paused = is_paused(state, key[1:21])
    for lot in lots:
        if 0 < lot.expires_at <= time and not paused:
            dead.setdefault(lot.expires_at, []).append(lot)
        else:
            alive.append(lot)
    after, _, repaid = activate(holding, tuple(alive))
    told = []
    for date in sorted(dead):
        points = points_of(dead[date])
        told.append(PointsExpired(key[1:21], key[21:].decode(), points, date, after.available, after.pending))
        if date + LAPSED_KEPT_MS > time:
            after = _with_lapsed(after, dead[date])
    take_out(state, key[21:].decode(), burned=repaid, expired=sum(effect.points for effect in told))
    if after.lapsed is not holding.lapsed:
        # What was due already, and the agenda has not got to, keeps its place: it would be forgotten.
        is_late = 0 < holding.due <= time
        after = put_due(state, key, after, holding.due, holding.due if is_late else due_of(after, time))
    else:
        after = put_holding(state, key, after, alive, time)
    return Return(after, repaid, tuple(told))


def wake_holding(state: StateWriter, key: bytes, context: BlockContext) -> tuple[AnyEffect, ...]:
    """Do what is due to a holding by the block's time."""
    holding = read(state, key, Holding)
    assert holding is not None, f"the agenda names the holding {key.hex()}, which does not exist"
    account, point_type, time = key[1:21], key[21:].decode(), context.time
    effects: list[AnyEffect] = []
    after, expired, burned = holding, 0, 0
    paused = is_paused(state, account)
    for date in () if paused else _dates_up_to(after, time):
        after, points = _expire(after, date)
        expired += points
        effects.append(PointsExpired(account, point_type, points, date, after.available, after.pending))
    ready = tuple(lot for lot in after.pending_lots if lot.available_from <= time)
    if ready:
        rest = tuple(lot for lot in after.pending_lots if lot.available_from > time)
        after, points, burned = activate(_with_pending(after, rest, after.awaiting_lots), ready)
        effects.append(PointsActivated(account, point_type, points, burned, after.available, after.pending))
    if not paused:
        effects += _announcements(account, point_type, after, holding.due, time)
    after = _without_stale_lapses(after, time)
    take_out(state, point_type, burned=burned, expired=expired)
    due = paused_due_of(after, time) if paused else due_of(after, time)
    put_due(state, key, after, 0, due)  # its entry is gone: the agenda took it out
    return tuple(effects)


def is_paused(state: StateReader, account: bytes) -> bool:
    """Tell whether the points of an account wait: it is locked, or its lock has ended and they have not moved yet."""
    record = read(state, account_key(account), Account)
    return record is not None and points_wait(record)


def activate(holding: Holding, ready: tuple[Lot, ...]) -> Activation:
    """Make lots that were pending available; the first of them repay what the account owes.

    The caller has taken them out of the pending ones and burns what was repaid.
    """
    points = points_of(ready)
    repaid = min(points, holding.debt)
    kept, left = [], repaid
    for lot in ready:
        part = min(left, lot.points)
        left -= part
        if part < lot.points:
            kept.append(with_points(lot, lot.points - part))
    after = Holding(
        holding.available + points - repaid,
        merged(holding.lots, kept),
        holding.debt - repaid,
        holding.pending,
        holding.pending_lots,
        holding.awaiting_lots,
        holding.lapsed,
        holding.due,
        holding.held,
    )
    return Activation(after, points, repaid)


def _dates_up_to(holding: Holding, time: int) -> list[int]:
    lots = (*holding.lots, *holding.pending_lots, *holding.awaiting_lots)
    return sorted({lot.expires_at for lot in lots if 0 < lot.expires_at <= time})


def _expire(holding: Holding, date: int) -> tuple[Holding, int]:
    """Take the lots of one date out; what was of the account's own earning is remembered."""
    lots = tuple(lot for lot in holding.lots if lot.expires_at != date)
    pending = tuple(lot for lot in holding.pending_lots if lot.expires_at != date)
    awaiting = tuple(lot for lot in holding.awaiting_lots if lot.expires_at != date)
    every = (*holding.lots, *holding.pending_lots, *holding.awaiting_lots)
    gone = [lot for lot in every if lot.expires_at == date]
    lapsed = merged(holding.lapsed, [lot for lot in gone if lot.origin is LotOrigin.EARNED])
    after = Holding(
        points_of(lots),
        lots,
        holding.debt,
        points_of((*pending, *awaiting)),
        pending,
        awaiting,
        lapsed,
        holding.due,
        holding.held,
    )
    return after, points_of(gone)


def _with_lapsed(holding: Holding, gone: Iterable[Lot]) -> Holding:
    """Return the holding in which is remembered what of these lots was of the account's own earning."""
    own = [lot for lot in gone if lot.origin is LotOrigin.EARNED]
    if not own:
        return holding
    return Holding(
        holding.available,
        holding.lots,
        holding.debt,
        holding.pending,
        holding.pending_lots,
        holding.awaiting_lots,
        merged(holding.lapsed, own),
        holding.due,
        holding.held,
    )


def _with_pending(holding: Holding, pending: tuple[Lot, ...], awaiting: tuple[Lot, ...]) -> Holding:
    return Holding(
        holding.available,
        holding.lots,
        holding.debt,
        points_of((*pending, *awaiting)),
        pending,
        awaiting,
        holding.lapsed,
        holding.due,
        holding.held,
    )


def _announcements(account: bytes, point_type: str, holding: Holding, since: int, time: int) -> list[ExpiryAnnounced]:
    """Return an announcement for each date whose moment came from `since` to `time`; of several moments the last."""
    found = []
    lots = (*holding.lots, *holding.pending_lots, *holding.awaiting_lots)
    for date in sorted({lot.expires_at for lot in lots if lot.expires_at > time}):
        passed = [days for days in ANNOUNCED_DAYS if since <= date - days * DAY_MS <= time]
        if passed:
            points = points_of([lot for lot in lots if lot.expires_at == date])
            found.append(ExpiryAnnounced(account, point_type, points, date, passed[-1]))
    return found


def _without_stale_lapses(holding: Holding, time: int) -> Holding:
    kept = tuple(lot for lot in holding.lapsed if lot.expires_at + LAPSED_KEPT_MS > time)
    if len(kept) == len(holding.lapsed):
        return holding
    return Holding(
        holding.available,
        holding.lots,
        holding.debt,
        holding.pending,
        holding.pending_lots,
        holding.awaiting_lots,
        kept,
        holding.due,
        holding.held,
    )
