"""Naive rules of time: what every block begins with."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from jifen.testing.naive import locks as naive_locks
from jifen.testing.naive import rules as naive_rules
from jifen.testing.naive.records import NaiveLot
from jifen.testing.naive.terms import come_into_force
from jifen.testing.naive.tiers import judge_everybody

if TYPE_CHECKING:
    from jifen.testing.naive.ledger import NaiveLedger

DAY: Final = 86_400_000
WARNINGS: Final = (30, 7, 1)
REMEMBERED: Final = 366 * DAY
"""How long points that have expired are remembered, ms."""


Ending = tuple[int, bytes, Callable[[], list[tuple[object, ...]]]]

TIMED_OUT: Final[list[Callable[["NaiveLedger", int], list[Ending]]]] = []
"""By family: given the block's time, what has run out by then: when, the state key of its record, and what ends it.

They end in order of time, then of key, after all holdings have been seen to.
"""


def begin_block(ledger: "NaiveLedger", time: int) -> Counter[tuple[object, ...]]:
    """Do what has become due since the block before; return the effects that must be told, in whatever order."""
    told: list[tuple[object, ...]] = [*come_into_force(ledger, time), *naive_rules.come_due(ledger, time)]
    for whose in sorted({(lot.owner, lot.point_type) for lot in ledger.lots}):
        told += see_to(ledger, whose, ledger.time, time)
    for _, _, run_out in sorted(entry for find in TIMED_OUT for entry in find(ledger, time)):
        told += run_out()
    told += judge_everybody(ledger, time)
    for account in list(ledger.locks):
        naive_locks.forget(ledger, account, time)
    for whose in {(lot.owner, lot.point_type) for lot in ledger.lots}:
        forget_lapsed(ledger, whose, time)
    ledger.time = time
    return Counter(told)


def see_to(ledger: "NaiveLedger", whose: tuple[bytes, str], since: int, time: int) -> list[tuple[object, ...]]:
    """Do what became due to a holding after one time and by another; if its owner is locked it waits."""
    if naive_locks.waits(ledger, whose[0]):
        return activate(ledger, whose, time)
    told = expire(ledger, whose, time)
    told += activate(ledger, whose, time)
    return told + announce(ledger, whose, since, time)


def mine(ledger: "NaiveLedger", whose: tuple[bytes, str]) -> list[NaiveLot]:
    """Return the lots of one holding that are still there."""
    return [lot for lot in ledger.lots if (lot.owner, lot.point_type) == whose and lot.place not in ("lapsed", "held")]


def expire(ledger: "NaiveLedger", whose: tuple[bytes, str], time: int) -> list[tuple[object, ...]]:
    """Let points go whose date has come, one date after the other."""
    told: list[tuple[object, ...]] = []
    for date in sorted({lot.expires_at for lot in mine(ledger, whose) if 0 < lot.expires_at <= time}):
        gone = [lot for lot in mine(ledger, whose) if lot.expires_at == date]
        for lot in gone:
            ledger.lots.remove(lot)
            if lot.origin == "earned":
                ledger.lots.append(lot._replace(place="lapsed"))
        points = sum(lot.points for lot in gone)
        ledger.expired[whose[1]] += points
        told.append((*whose, points, date, ledger.balance(*whose), ledger.waiting(*whose)))
    return told


def activate(ledger: "NaiveLedger", whose: tuple[bytes, str], time: int) -> list[tuple[object, ...]]:
    """Make points available whose day has come."""
    ready = [lot for lot in mine(ledger, whose) if lot.place == "pending" and lot.available_from <= time]
    if not ready:
        return []
    for lot in ready:
        ledger.lots.remove(lot)
    repaid = ledger.make_available(whose, ready)
    points = sum(lot.points for lot in ready)
    return [(*whose, points, repaid, ledger.balance(*whose), ledger.waiting(*whose), None, None)]


def announce(ledger: "NaiveLedger", whose: tuple[bytes, str], since: int, time: int) -> list[tuple[object, ...]]:
    """Announce expiries whose moment has come since the block before."""
    told: list[tuple[object, ...]] = []
    for date in sorted({lot.expires_at for lot in mine(ledger, whose) if lot.expires_at > time}):
        days = [number for number in WARNINGS if since < date - number * DAY <= time]
        if days:
            points = sum(lot.points for lot in mine(ledger, whose) if lot.expires_at == date)
            told.append((*whose, points, date, min(days)))
    return told


def forget_lapsed(ledger: "NaiveLedger", whose: tuple[bytes, str], time: int) -> None:
    """Forget what of a holding expired long ago."""
    ledger.lots = [
        lot
        for lot in ledger.lots
        if (lot.owner, lot.point_type, lot.place) != (*whose, "lapsed") or lot.expires_at + REMEMBERED > time
    ]


def bring_back(ledger: "NaiveLedger", lots: list[NaiveLot], time: int) -> tuple[int, list[tuple[object, ...]]]:
    """Let somebody's lots of one type come back; return what of them repaid a debt, and what is told of expiries.

    The caller has taken them out of the ledger's list.
    """
    told: list[tuple[object, ...]] = []
    if not lots:
        return 0, told
    whose = (lots[0].owner, lots[0].point_type)
    waits = naive_locks.waits(ledger, whose[0])
    dead = [lot for lot in lots if 0 < lot.expires_at <= time and not waits]
    repaid = ledger.make_available(whose, [lot._replace(held_for=b"") for lot in lots if lot not in dead])
    for date in sorted({lot.expires_at for lot in dead}):
        gone = [lot for lot in dead if lot.expires_at == date]
        for lot in gone:
            if lot.origin == "earned" and date + REMEMBERED > time:
                ledger.lots.append(lot._replace(place="lapsed", held_for=b""))
        ledger.expired[whose[1]] += sum(lot.points for lot in gone)
        told.append((*whose, sum(lot.points for lot in gone), date, ledger.balance(*whose), ledger.waiting(*whose)))
    return repaid, told
