"""Naive rules of how locks end: by two organizations, or by themselves.

Not with the locks: what waited is then seen to as time sees to it.
"""

from typing import TYPE_CHECKING

from jifen.ledger.locks.bodies import UnlockAccount
from jifen.ledger.transactions import Transaction
from jifen.testing.naive import locks as naive_locks
from jifen.testing.naive.terms import Effects
from jifen.testing.naive.time import TIMED_OUT, Ending, activate, forget_lapsed, mine, see_to

if TYPE_CHECKING:
    from jifen.testing.naive.ledger import NaiveLedger


def unlock(ledger: "NaiveLedger", body: UnlockAccount, _item: Transaction, time: int) -> Effects:
    """Unlock an account."""
    return tuple(end(ledger, body.account, (body.reason, body.organizations), time, time))


def lapses(ledger: "NaiveLedger", time: int) -> list[Ending]:
    """Return the locks whose time is over."""
    over = [(account, lock) for account, lock in ledger.locks.items() if lock.until is not None and not lock.ended_at]
    return [
        (lock.until, b"i" + account, lambda account=account: lapse(ledger, account, time))  # type: ignore[misc]
        for account, lock in over
        if lock.until is not None and lock.until <= time
    ]


def lapse(ledger: "NaiveLedger", account: bytes, time: int) -> list[tuple[object, ...]]:
    """End a lock whose time is over."""
    until = ledger.locks[account].until
    assert until is not None
    return end(ledger, account, (None, ()), until, time)


def lapse_before_lock(ledger: "NaiveLedger", account: bytes, time: int) -> list[tuple[object, ...]]:
    """End a lock whose time is over when the account is to be locked again."""
    if naive_locks.waits(ledger, account) and not naive_locks.is_locked(ledger, account, time):
        return lapse(ledger, account, time)
    return []


def end(
    ledger: "NaiveLedger", account: bytes, why: tuple[object, ...], ended_at: int, time: int
) -> list[tuple[object, ...]]:
    """End a lock as of some time, in a block of a later one perhaps, and see to all that waited."""
    told: list[tuple[object, ...]] = []
    holdings = sorted({(lot.owner, lot.point_type) for lot in ledger.lots if lot.owner == account})
    for whose in holdings:
        told += activate(ledger, whose, time)
        forget_lapsed(ledger, whose, time)
    since = ledger.locks[account].locked_at
    told.append((account, *why, since, naive_locks.end(ledger, account, ended_at)))
    for whose in holdings:
        # What is past its date all the same, since the agenda is late, brings announcements from that date on with it.
        late = [lot.expires_at - 1 for lot in mine(ledger, whose) if 0 < lot.expires_at <= time]
        told += see_to(ledger, whose, min([ended_at, *late]), time)
        forget_lapsed(ledger, whose, time)
        ledger.seen[whose] = time
        ledger.warnings.pop(whose, None)
    return told


TIMED_OUT.append(lapses)
naive_locks.BEFORE_LOCK.append(lapse_before_lock)
