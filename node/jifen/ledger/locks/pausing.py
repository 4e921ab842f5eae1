"""Expiry pauses while an account is locked: its points wait with it, and live on by as many days as they waited.

While it is locked nothing of it expires and nothing is announced. When it is unlocked the date of a lot moves by a day
for each midnight, of the issuer's own time, that has passed while the account was locked and the points could have been
spent. So a lot of which the date came meanwhile is still there, lots of one day stay lots of one day and merge, and the
days depend on nothing but the lock and the day from which the points could be spent: whatever was earned on a day, and
so whatever a refund of that day's orders looks for, moves together. What is received while locked counts from the day
on which it came (`received`), so that a locked account is no place to let points of others grow old (invariant I9).

Points set aside (in a hold, an offer, a draw, a request for money) are not in the account and keep their dates.
"""

from typing import Final, NamedTuple

from jifen.ledger.context import BlockContext
from jifen.ledger.dates import DAY_MS
from jifen.ledger.points.expiring import wake_holding
from jifen.ledger.points.holdings import due_of, put_due
from jifen.ledger.points.lots import merged
from jifen.ledger.receipts import AnyEffect
from jifen.ledger.records import read
from jifen.ledger.scheduling import schedule
from jifen.ledger.state import HOLDING, StateWriter
from jifen.ledger.types import TIME_MAX, Holding, Lot, LotOrigin

HOLDINGS_READ: Final = 256
"""Holdings of one account read at once: of every role of as many organizations as an alliance can have."""


class Pause(NamedTuple):
    """What the end of a pause did."""

    effects: tuple[AnyEffect, ...]
    """Points that became available: the agenda may have been about to do it."""
    due: tuple[bytes, ...]
    """State keys of holdings to which something is to happen by the block's time, now that they wait no more."""
    days: int
    """Most days by which a date moved."""


def end_pause(state: StateWriter, account: bytes, since: int, until: int, context: BlockContext) -> Pause:
    """Move the dates of all points of an account that was locked from `since` to `until`, ms.

    The account is still locked in the state. Costs grow with its point types, of which there are at most four for each
    organization there ever was.
    """
    effects: list[AnyEffect] = []
    settled: list[bytes] = []
    most = 0
    start, stop = HOLDING + account, HOLDING + account + b"\xff"
    while True:
        keys = [key for key, _ in state.range(start, stop, HOLDINGS_READ)]
        for key in keys:
            woken, due, days = _end_pause_of(state, key, since, until, context)
            effects += woken
            settled += (key,) if 0 < due <= context.time else ()
            most = max(most, days)
        if len(keys) < HOLDINGS_READ:
            return Pause(tuple(effects), tuple(settled), most)
        start = keys[-1] + b"\0"


def wake_at_once(state: StateWriter, key: bytes, context: BlockContext) -> tuple[AnyEffect, ...]:
    """Do what is due to a holding, without waiting for the agenda to come to it."""
    holding = read(state, key, Holding)
    assert holding is not None, f"the holding {key.hex()} does not exist"
    schedule(state, key, holding.due, 0)
    return wake_holding(state, key, context)


def moved_by(lot: Lot, since: int, until: int) -> int:
    """Return by how many days the date of a lot moves for a lock, given the times it held between, ms."""
    date = lot.expires_at
    if not since < date:
        return 0  # never expires, or had expired
    # A date is a midnight of the issuer's own: so many days before and after it are the others.
    first, last = ((time - date) // DAY_MS for time in (max(since, lot.available_from), until))
    days = max(0, last - first)
    return days if date + days * DAY_MS <= TIME_MAX else 0


def received(lot: Lot, time: int) -> Lot:
    """Return a lot as an account that is locked at a block time, ms, receives it: it waits from that day on."""
    if not lot.expires_at:
        return lot
    today = time - (time - lot.expires_at) % DAY_MS
    return Lot(lot.points, lot.origin, max(lot.available_from, today), lot.expires_at)


def _end_pause_of(
    state: StateWriter, key: bytes, since: int, until: int, context: BlockContext
) -> tuple[tuple[AnyEffect, ...], int, int]:
    holding = read(state, key, Holding)
    assert holding is not None
    effects: tuple[AnyEffect, ...] = ()
    if 0 < holding.due <= context.time:
        # Whatever else was due comes first, or the new place in the agenda would let it be forgotten.
        effects = wake_at_once(state, key, context)
        holding = read(state, key, Holding)
        if holding is None:
            return effects, 0, 0
    lots, pending, awaiting = (
        merged((), [_moved(lot, moved_by(lot, since, until)) for lot in place])
        for place in (holding.lots, holding.pending_lots, holding.awaiting_lots)
    )
    every = (*holding.lots, *holding.pending_lots, *holding.awaiting_lots)
    after = Holding(
        holding.available,
        lots,
        holding.debt,
        holding.pending,
        pending,
        awaiting,
        holding.lapsed,
        holding.due,
        holding.held,
    )
    after = put_due(state, key, after, holding.due, due_of(after, until))
    return effects, after.due, max((moved_by(lot, since, until) for lot in every), default=0)


def _moved(lot: Lot, days: int) -> Lot:
    # What an order gave is found again by the date it had; what slides is found by how it slides.
    paused = days if lot.origin is LotOrigin.EARNED and not lot.renewal_days else 0
    return Lot(
        lot.points,
        lot.origin,
        lot.available_from,
        lot.expires_at + days * DAY_MS,
        lot.renewal_days,
        lot.paused_days + paused,
    )
