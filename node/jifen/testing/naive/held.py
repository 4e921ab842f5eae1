"""Naive rules of points that are held for something."""

from typing import TYPE_CHECKING, Final

from jifen.testing.naive.points import spending_order
from jifen.testing.naive.records import NaiveLot
from jifen.testing.naive.terms import Effects
from jifen.testing.naive.time import bring_back

if TYPE_CHECKING:
    from jifen.testing.naive.ledger import NaiveLedger

LOTS_IN_ONE_RECORD: Final = 366


def first_lots(ledger: "NaiveLedger", whose: tuple[bytes, str], points: int, origins: str = "") -> list[NaiveLot]:
    """Return the available lots, alike ones put together, that hold so many points; of one origin, if one is named."""
    found: list[NaiveLot] = []
    for lot in ledger.lots_of(*whose, "available"):
        if points > 0 and (not origins or lot.origin == origins):
            found.append(lot)
            points -= lot.points
    return found


def may_be_held(ledger: "NaiveLedger", whose: tuple[bytes, str], points: int, origin: str = "") -> bool:
    """Tell whether so many points are there, in few enough lots."""
    lots = first_lots(ledger, whose, points, origin)
    return sum(lot.points for lot in lots) >= points and len(lots) <= LOTS_IN_ONE_RECORD


def hold(ledger: "NaiveLedger", whose: tuple[bytes, str], points: int, key: bytes, origin: str = "") -> None:
    """Set points aside for the record of a state key."""
    while points > 0:
        lots = [lot for lot in ledger.lots_in(*whose, "available") if not origin or lot.origin == origin]
        lot = min(lots, key=spending_order)
        part = min(points, lot.points)
        points -= part
        ledger.lots.remove(lot)
        if lot.points > part:
            ledger.lots.append(lot._replace(points=lot.points - part))
        ledger.lots.append(lot._replace(points=part, place="held", held_for=key))


def lots_kept(ledger: "NaiveLedger", key: bytes) -> list[NaiveLot]:
    """Return what a record keeps, in spending order, alike ones put together."""
    alike: dict[NaiveLot, int] = {}
    for lot in ledger.lots:
        if lot.place == "held" and lot.held_for == key:
            kind = lot._replace(points=0)
            alike[kind] = alike.get(kind, 0) + lot.points
    return sorted((kind._replace(points=points) for kind, points in alike.items()), key=spending_order)


def spend(ledger: "NaiveLedger", key: bytes) -> None:
    """Let what a record keeps be gone."""
    ledger.lots = [lot for lot in ledger.lots if lot.place != "held" or lot.held_for != key]


def give_back(ledger: "NaiveLedger", key: bytes, time: int) -> tuple[int, Effects]:
    """Let what a record keeps come back; return how much of it repaid a debt at once, and what is told of expiries."""
    lots = lots_kept(ledger, key)
    spend(ledger, key)
    repaid, told = bring_back(ledger, lots, time)
    return repaid, tuple(told)
