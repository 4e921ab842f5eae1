"""Lots: adding to a holding and taking from it in spending order.

Spending order is earliest expiry first (never last), then oldest, then origin. Taking splits at most one lot.
"""

from collections.abc import Iterable

from jifen.ledger.types import Holding, Lot

DAY_MS = 24 * 60 * 60 * 1000
_NEVER = 2**62


def _order(lot: Lot) -> tuple[int, int, int]:
    return (lot.expires_at or _NEVER, lot.available_from, lot.origin)


def day_of(time_ms: int) -> int:
    """Return the start, in ms, of the UTC day of `time_ms`."""
    return time_ms - time_ms % DAY_MS


def add_lots(holding: Holding, lots: Iterable[Lot]) -> Holding:
    """Return the holding with the lots put in; lots equal in all but quantity become one."""
    merged = {_order(lot): lot for lot in holding.lots}
    available = holding.available
    for lot in lots:
        order = _order(lot)
        known = merged.get(order)
        points = lot.points + (known.points if known else 0)
        merged[order] = Lot(points, lot.origin, lot.available_from, lot.expires_at)
        available += lot.points
    return Holding(available, tuple(merged[order] for order in sorted(merged)), holding.debt)


def take_lots(holding: Holding, points: int) -> tuple[Holding, list[Lot]]:
    """Return the holding without `points` points and the lots taken, in spending order.

    The caller has checked that the holding has them.
    """
    assert 0 < points <= holding.available, f"{points} of {holding.available} points cannot be taken"
    taken: list[Lot] = []
    missing = points
    for index, lot in enumerate(holding.lots):
        part = min(missing, lot.points)
        taken.append(Lot(part, lot.origin, lot.available_from, lot.expires_at))
        missing -= part
        if missing == 0:
            rest = holding.lots[index + 1 :]
            if part < lot.points:
                rest = (Lot(lot.points - part, lot.origin, lot.available_from, lot.expires_at), *rest)
            return Holding(holding.available - points, rest, holding.debt), taken
    raise AssertionError("the lots of a holding are fewer than its available points")
