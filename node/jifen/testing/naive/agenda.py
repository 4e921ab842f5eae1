"""Naive rules of blocks in which not everything that is due fits.

The twin lists what is due by its own plain lists and compares that with what the real agenda names: nothing may be
missing there, or stand later. It then does the first few of the names, as documented: in order of time, then of key,
holdings first among those taken. It does not reckon the places of holdings themselves: a place may be too early, since
lots that leave change none, and the agenda then looks in vain, which takes up room in the block like anything else.
"""

from collections import Counter
from typing import TYPE_CHECKING, Final

from jifen.testing.naive import locks as naive_locks
from jifen.testing.naive import rules as naive_rules
from jifen.testing.naive import terms as naive_terms
from jifen.testing.naive import tiers as naive_tiers
from jifen.testing.naive.time import (
    DAY,
    REMEMBERED,
    TIMED_OUT,
    WARNINGS,
    activate,
    announce,
    expire,
    forget_lapsed,
    mine,
)

if TYPE_CHECKING:
    from jifen.testing.naive.ledger import NaiveLedger

Effects = list[tuple[object, ...]]

HOLDING: Final = b"h"
LOCK: Final = b"i"
POINT_TYPE: Final = b"p"
MEMBERSHIP: Final = b"Q"
RULE_BOOK: Final = b"u"
TALLY: Final = b"N"
"""First bytes of state keys, as `jifen.ledger.state` documents them."""


def begin_late_block(
    ledger: "NaiveLedger", time: int, named: list[tuple[int, bytes]], most: int
) -> Counter[tuple[object, ...]]:
    """Do the first of what is due; return the effects that must be told, in whatever order.

    Args:
        ledger: the twin after the block before.
        time: block time, ms.
        named: all that the real agenda names up to that time: when, and the state key of the record.
        most: how many of them a block works off.
    """
    ledger.is_late = len(named) > most
    remember_warnings(ledger, time)
    compare(ledger, time, {key: when for when, key in named})
    told: Effects = []
    taken = sorted(named)[:most]
    for when, key in [item for item in taken if item[1][:1] == HOLDING]:
        told += see_to_late(ledger, (key[1:21], key[21:].decode()), when, time)
    for _, key in [item for item in taken if item[1][:1] != HOLDING]:
        told += end(ledger, key, time)
    ledger.time = time
    return Counter(told)


def compare(ledger: "NaiveLedger", time: int, named: dict[bytes, int]) -> None:
    """Find everything that is due where the real agenda names it, and nothing else but holdings there."""
    for (account, point_type), when in due_holdings(ledger, time).items():
        place = named.get(HOLDING + account + point_type.encode())
        assert place is not None, "something is due to a holding, and the agenda has forgotten it"
        assert place <= when, "something is due to a holding before the agenda looks at it"
    others = {key: when for when, key, _ in (entry for find in TIMED_OUT for entry in find(ledger, time))}
    for name in ledger.terms:
        terms = naive_terms.in_force(ledger, name, time)
        if (name, terms.version) not in ledger.told_in_force:
            others[POINT_TYPE + name.encode()] = terms.effective_from
    for account, lock in ledger.locks.items():
        if lock.ended_at and lock.ended_at + naive_locks.THIRTY_DAYS <= time:
            others[LOCK + account] = lock.ended_at + naive_locks.THIRTY_DAYS
    for (account, organization), him in ledger.tiers.members.items():
        if him.tier and (him.grace or him.ends) <= time:
            others[MEMBERSHIP + account + organization.encode()] = him.grace or him.ends
    for name in {*ledger.rules, *(kind for kind, _ in ledger.campaigns)}:
        if 0 < naive_rules.book_of(ledger, name, time).due <= time:
            others[RULE_BOOK + name.encode()] = naive_rules.book_of(ledger, name, time).due
    assert {key: when for key, when in named.items() if key[:1] not in {HOLDING, TALLY}} == others


def due_holdings(ledger: "NaiveLedger", time: int) -> dict[tuple[bytes, str], int]:
    """Return since when each holding waits to which something is to happen by now."""
    found: dict[tuple[bytes, str], int] = {}
    for lot in ledger.lots:
        whose = (lot.owner, lot.point_type)
        moments = [moment for moment, date in ledger.warnings.get(whose, ()) if date == lot.expires_at]
        if lot.expires_at:
            moments.append(lot.expires_at)
        if lot.place == "held":
            moments = []
        elif lot.place == "lapsed":
            moments = [lot.expires_at + REMEMBERED]
        elif naive_locks.waits(ledger, lot.owner):
            moments = []
        if lot.place == "pending":
            moments.append(lot.available_from)
        for moment in moments:
            if moment <= time:
                found[whose] = min(moment, found.get(whose, moment))
    return found


def remember_warnings(ledger: "NaiveLedger", time: int) -> None:
    """Remember which announcements have come due since the block before, until the agenda gets to their holding."""
    for whose in {(lot.owner, lot.point_type) for lot in ledger.lots}:
        if naive_locks.waits(ledger, whose[0]):
            continue  # nothing is announced, and what was to be is not made up for
        for lot in mine(ledger, whose):
            moments = [lot.expires_at - days * DAY for days in WARNINGS if lot.expires_at > time]
            come = {(moment, lot.expires_at) for moment in moments if ledger.time < moment <= time}
            ledger.warnings.setdefault(whose, set()).update(come)


def see_to_late(ledger: "NaiveLedger", whose: tuple[bytes, str], since: int, time: int) -> Effects:
    """Do what has been due to a holding since some time; what was announced to it before is not announced again."""
    waits = naive_locks.waits(ledger, whose[0])
    told = [] if waits else expire(ledger, whose, time)
    told += activate(ledger, whose, time)
    if not waits:
        told += announce(ledger, whose, max(since - 1, ledger.seen.get(whose, 0)), time)
    forget_lapsed(ledger, whose, time)
    ledger.seen[whose] = time
    ledger.warnings.pop(whose, None)
    return told


def end(ledger: "NaiveLedger", key: bytes, time: int) -> Effects:
    """Do what is due to a record that is no holding."""
    told: Effects = []
    for ending in [entry[2] for find in TIMED_OUT for entry in find(ledger, time) if entry[1] == key]:
        told += ending()
    if key[:1] == POINT_TYPE:
        told += naive_terms.tell_in_force(ledger, key[1:].decode(), time)
    if key[:1] == RULE_BOOK:
        told += naive_rules.tell_of(ledger, key[1:].decode(), time)
    if key[:1] == MEMBERSHIP:
        told += naive_tiers.catch_up(ledger, key[1:21], key[21:].decode(), time)
    if key[:1] == LOCK and key[1:] in ledger.locks:
        naive_locks.forget(ledger, key[1:], time)
    return told
