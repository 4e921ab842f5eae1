"""Naive rules of locks, and of how much a member moves in a day."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from jifen.ledger.locks.bodies import LockAccount, UnlockAccount
from jifen.ledger.rejections import Rejection
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import OrganizationStatus, Scope
from jifen.testing.naive.records import NaiveLock, NaiveLot, NaiveMove
from jifen.testing.naive.terms import Effects, in_force, local_date, midnight, signed_by

if TYPE_CHECKING:
    from jifen.testing.naive.ledger import NaiveLedger

DAY: Final = 86_400_000
THREE_DAYS: Final = 72 * 3_600_000
THIRTY_DAYS: Final = 30 * DAY

BEFORE_LOCK: Final[list[Callable[["NaiveLedger", bytes, int], list[tuple[object, ...]]]]] = []
"""What ends when an account is locked: does so, and returns what is told of it."""


def is_locked(ledger: "NaiveLedger", account: bytes, time: int) -> bool:
    """Tell whether an account is locked."""
    lock = ledger.locks.get(account)
    return lock is not None and not lock.ended_at and (lock.until is None or time < lock.until)


def waits(ledger: "NaiveLedger", account: bytes) -> bool:
    """Tell whether the points of an account wait: its lock has not been ended yet."""
    lock = ledger.locks.get(account)
    return lock is not None and not lock.ended_at


def against_officers(ledger: "NaiveLedger", body: LockAccount | UnlockAccount, item: Transaction) -> set[Rejection]:
    """Return what speaks against the organizations and who signed for them."""
    found = set()
    for name in body.organizations:
        if name not in ledger.organizations:
            found.add(Rejection.ORGANIZATION_UNKNOWN)
        elif ledger.organizations[name].status == OrganizationStatus.SUSPENDED:
            found.add(Rejection.ORGANIZATION_NOT_ACTIVE)
        if name in ledger.organizations and not signed_by(ledger, name, Scope.LOCK_OFFICER, item):
            found.add(Rejection.NOT_AUTHORIZED)
    if len(set(body.organizations)) < len(body.organizations):
        found.add(Rejection.NOT_AUTHORIZED)
    if body.account not in ledger.accounts:
        found.add(Rejection.ACCOUNT_UNKNOWN)
    elif not body.organizations and ledger.accounts[body.account][0] not in item.signers:
        found.add(Rejection.NOT_AUTHORIZED)
    return found


def against_lock(ledger: "NaiveLedger", body: LockAccount, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against locking an account."""
    found = against_officers(ledger, body, item)
    before = ledger.locks.get(body.account)
    alone = len(body.organizations) == 1
    if before and is_locked(ledger, body.account, time):
        if before.until is None or (alone and body.organizations[0] in before.organizations):
            found.add(Rejection.ALREADY_LOCKED)
    elif before and alone and body.organizations[0] in before.organizations:
        over = before.ended_at or before.until
        assert over is not None
        if time < over + THIRTY_DAYS:
            found.add(Rejection.LOCKED_TOO_SOON)
    return found


def lock(ledger: "NaiveLedger", body: LockAccount, item: Transaction, time: int) -> Effects:
    """Lock an account, or confirm that."""
    named, since = list(body.organizations), time
    until = time + THREE_DAYS if len(named) == 1 else None
    if is_locked(ledger, body.account, time):
        before = ledger.locks[body.account]
        named = list(dict.fromkeys([*before.organizations, *named]))
        since, until = before.locked_at, None
    closed = [told for close in BEFORE_LOCK for told in close(ledger, body.account, time)]
    ledger.locks[body.account] = NaiveLock(body.reason, tuple(named), since, until, item.id)
    return (
        *closed,
        (body.account, body.reason, tuple(named), since, until or 0),
    )


def against_unlocking(ledger: "NaiveLedger", body: UnlockAccount, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against unlocking an account."""
    found = against_officers(ledger, body, item)
    if not is_locked(ledger, body.account, time):
        found.add(Rejection.NOT_LOCKED)
    return found


def end(ledger: "NaiveLedger", account: bytes, time: int) -> int:
    """End a lock; what waited lives on. Returns the most days by which a date moved."""
    found = ledger.locks[account]
    ledger.locks[account] = found._replace(ended_at=time)
    most = 0
    for place, lot in enumerate(ledger.lots):
        if lot.owner == account and lot.place in {"available", "pending", "awaiting"}:
            days = days_waited(lot, found.locked_at, time)
            fixed = lot.origin == "earned" and not lot.renewal_days
            ledger.lots[place] = lot._replace(
                expires_at=lot.expires_at + days * DAY, paused_days=lot.paused_days + (days if fixed else 0)
            )
            most = max(most, days)
    return most


def days_waited(lot: NaiveLot, since: int, until: int) -> int:
    """Return how many of the midnights at one of which a lot expires came while it could have been spent."""
    if lot.expires_at <= since:
        return 0
    start = max(since, lot.available_from)
    return len(range(midnight_before(lot, start), midnight_before(lot, until), DAY))


def midnight_before(lot: NaiveLot, time: int) -> int:
    """Return the last midnight, of those at one of which a lot expires, that has come at a time."""
    if not lot.expires_at:
        return 0
    while time % DAY != lot.expires_at % DAY:
        step = time % DAY - lot.expires_at % DAY
        time -= step if step > 0 else step + DAY
    return time


def forget(ledger: "NaiveLedger", account: bytes, time: int) -> None:
    """Forget the lock of an account if it ended long ago."""
    found = ledger.locks[account]
    if found.ended_at and found.ended_at + THIRTY_DAYS <= time:
        del ledger.locks[account]


def end_of_day(ledger: "NaiveLedger", point_type: str, time: int) -> int:
    """Return when the issuer's day ends, ms."""
    terms = in_force(ledger, point_type, time)
    return midnight(local_date(time, terms) + timedelta(days=1), terms)


def against_move(ledger: "NaiveLedger", move: NaiveMove, time: int) -> set[Rejection]:
    """Return which limits of the day a move would pass."""
    found = set()
    today = [
        old
        for old in ledger.moves
        if (old.point_type, old.day_end) == (move.point_type, end_of_day(ledger, move.point_type, time))
    ]
    limits = in_force(ledger, move.point_type, time).limits
    sent = [old.points for old in today if old.sender == move.sender]
    if len(sent) >= limits.transfers:
        found.add(Rejection.TRANSFER_LIMIT_REACHED)
    if sum(sent) + move.points > limits.points:
        found.add(Rejection.POINTS_LIMIT_REACHED)
    if move.recipient and sum(old.recipient == move.recipient for old in today) >= limits.receipts:
        found.add(Rejection.RECEIPT_LIMIT_REACHED)
    return found


def remember_move(ledger: "NaiveLedger", move: NaiveMove) -> None:
    """Remember that points were passed on at `move.day_end`, which is replaced by the end of that day."""
    ledger.moves.append(move._replace(day_end=end_of_day(ledger, move.point_type, move.day_end)))
