"""The invariants of locks and of limits."""

from jifen.ledger.checking import Items, holdings_of, require
from jifen.ledger.dates import DAY_MS
from jifen.ledger.locks.records import TEMPORARY_MS, UNTIL_UNLOCKED, AccountLock
from jifen.ledger.points.limits import Moved
from jifen.ledger.state import ACCOUNT, LOCK, MOVED
from jifen.ledger.types import Account, LotOrigin


def check_locked_accounts_are_those_with_a_lock(items: Items) -> None:
    """Every locked account has a lock that holds as long as the account says, and nobody else has one that holds."""
    known = list(items)
    locks = {key[1:]: record for key, record in known if key[:1] == LOCK and isinstance(record, AccountLock)}
    for account, lock in locks.items():
        alone = len(lock.organizations) == 1
        lapses = alone and lock.until <= lock.locked_at + TEMPORARY_MS
        # The member may have confirmed what one organization has set; it lasts then, and still names that one.
        require(lapses or lock.until == UNTIL_UNLOCKED, f"account {account.hex()} has the lock {lock}")
        once = len({*lock.organizations}) == len(lock.organizations)
        require(once, f"account {account.hex()} was locked by one organization twice: {lock}")
    for key, record in known:
        if key[:1] == ACCOUNT:
            assert isinstance(record, Account)
            found = locks.pop(key[1:], None)
            until = found.until if found is not None and not found.ended_at else 0
            require(record.locked_until == until, f"account {key[1:].hex()}: {record} does not fit the lock {found}")
    require(not locks, f"there are locks of accounts that are not registered: {sorted(locks)}")


def check_only_what_was_earned_remembers_its_pauses(items: Items) -> None:
    """The days that a lot waited are kept where an order asks for them, and only there."""
    for account, point_type, holding in holdings_of(items):
        for lot in (*holding.lots, *holding.pending_lots, *holding.awaiting_lots, *holding.lapsed):
            fixed = lot.origin is LotOrigin.EARNED and not lot.renewal_days
            right = not lot.paused_days or (fixed and lot.expires_at > lot.paused_days * DAY_MS)
            require(right, f"holding {account.hex()} {point_type} has {lot}, which no order looks for")


def check_what_was_moved_is_counted_for_somebody(items: Items) -> None:
    """What is counted is something, and is counted for a registered account."""
    known = list(items)
    accounts = {key[1:] for key, _ in known if key[:1] == ACCOUNT}
    for key, record in known:
        if key[:1] == MOVED:
            assert isinstance(record, Moved)
            account = key[9:29]
            require(account in accounts, f"the movements of {account.hex()} are counted, who is not registered")
            something = record.transfers or record.receipts
            require(bool(something), f"the movements of {account.hex()} are counted, but there are none")
            fits = bool(record.points) == bool(record.transfers)
            require(fits, f"{account.hex()} has passed {record.points} points on in {record.transfers} times")
