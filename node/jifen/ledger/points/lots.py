"""Lots: adding to a holding and taking from it in spending order.

Spending order is earliest expiry first (never last), then oldest, then origin. Taking splits at most one lot. Pending
lots stand in the same order; they are never spent, only activated, taken back by the refund of their own order, or
expired.
"""

from collections.abc import Iterable
from typing import Final

from jifen.ledger.dates import DAY_MS
from jifen.ledger.types import Holding, Leg, Lot, LotOrigin, OrderRecord

_NEVER: Final = 2**62


def lot_order(lot: Lot) -> tuple[int, int, int, int, int]:
    """Return the place of a lot in spending order; equal for lots that merge."""
    return (lot.expires_at or _NEVER, lot.available_from, lot.origin, lot.renewal_days, lot.paused_days)


def merged(lots: Iterable[Lot], added: Iterable[Lot]) -> tuple[Lot, ...]:
    """Return lots in spending order, to which others were added; lots equal in all but quantity become one."""
    found = list(lots)
    for lot in added:
        order = lot_order(lot)
        # From behind: what is earned now mostly expires last.
        for place in range(len(found), 0, -1):
            before = lot_order(found[place - 1])
            if before == order:
                found[place - 1] = with_points(lot, lot.points + found[place - 1].points)
                break
            if before < order:
                found.insert(place, lot)
                break
        else:
            found.insert(0, lot)
    return tuple(found)


def taken_first(lots: tuple[Lot, ...], points: int) -> tuple[tuple[Lot, ...], list[Lot]]:
    """Return the lots without their first `points` points, and what was taken; as much as there is."""
    taken: list[Lot] = []
    for index, lot in enumerate(lots):
        if points <= 0:
            return lots[index:], taken
        if points < lot.points:
            taken.append(with_points(lot, points))
            return (with_points(lot, lot.points - points), *lots[index + 1 :]), taken
        taken.append(lot)
        points -= lot.points
    return (), taken


def add_lots(holding: Holding, lots: Iterable[Lot]) -> Holding:
    """Return the holding with lots put in that can be spent."""
    added = tuple(lots)
    return with_lots(holding, holding.available + points_of(added), merged(holding.lots, added))


def with_lots(holding: Holding, available: int, lots: tuple[Lot, ...]) -> Holding:
    """Return the holding with these lots to spend, `available` points in all, in place of those it has."""
    return Holding(
        available,
        lots,
        holding.debt,
        holding.pending,
        holding.pending_lots,
        holding.awaiting_lots,
        holding.lapsed,
        holding.due,
        holding.held,
    )


def take_lots(holding: Holding, points: int) -> tuple[Holding, list[Lot]]:
    """Return the holding without `points` points and the lots taken, in spending order.

    The caller has checked that the holding has them.
    """
    assert 0 < points <= holding.available, f"{points} of {holding.available} points cannot be taken"
    rest, taken = taken_first(holding.lots, points)
    assert points_of(taken) == points, "the lots of a holding are fewer than its available points"
    return with_lots(holding, holding.available - points, rest), taken


def taken_of_origin(holding: Holding, points: int, origin: LotOrigin) -> tuple[Holding, list[Lot]]:
    """Return the holding without `points` points of one origin and the lots taken, in spending order.

    The caller has checked that the holding has them.
    """
    _, taken = taken_first(tuple(lot for lot in holding.lots if lot.origin is origin), points)
    assert points_of(taken) == points, f"the holding has fewer than {points} points of origin {origin.name}"
    left = {lot_order(lot): lot.points for lot in taken}
    rest = [with_points(lot, lot.points - left.get(lot_order(lot), 0)) for lot in holding.lots]
    return with_lots(holding, holding.available - points, tuple(lot for lot in rest if lot.points)), taken


def take_of_order(lots: tuple[Lot, ...], order: OrderRecord | Leg, points: int) -> tuple[tuple[Lot, ...], int]:
    """Return the lots without up to `points` points of the lot that the order's points went into, and how many."""
    for index, lot in enumerate(lots):
        if is_of(order, lot):
            part = min(points, lot.points)
            rest = (with_points(lot, lot.points - part),) if part < lot.points else ()
            return (*lots[:index], *rest, *lots[index + 1 :]), part
    return lots, 0


def is_of(order: OrderRecord | Leg, lot: Lot) -> bool:
    """Tell whether the order's points went into this lot, or one that has slid or lapsed since."""
    same_age = lot.origin is LotOrigin.EARNED and lot.available_from == order.available_from
    if order.renewal_days:
        return same_age and lot.renewal_days == order.renewal_days
    return same_age and lot.expires_at - lot.paused_days * DAY_MS == order.expires_at and not lot.renewal_days


def points_of(lots: Iterable[Lot]) -> int:
    """Return how many points lots hold together."""
    return sum([lot.points for lot in lots])


def with_points(lot: Lot, points: int) -> Lot:
    """Return a lot alike that holds another number of points."""
    return Lot(points, lot.origin, lot.available_from, lot.expires_at, lot.renewal_days, lot.paused_days)
