"""Locked accounts: what is known of a lock, and the one question that every debit asks (`points_wait`).

A locked account pays nothing that its own key signs; whatever is paid to it still comes in, and its points do not
expire (`pausing.py`). Locking and unlocking is in `locking.py`.
"""

from enum import IntEnum
from typing import Annotated, Final

from msgspec import Meta

from jifen.ledger.dates import DAY_MS
from jifen.ledger.types import TIME_MAX, Account, HashBytes, Record, Slug, TimeMs

UNTIL_UNLOCKED: Final = TIME_MAX
"""Stands for the end of a lock that does not lapse by itself, ms."""

TEMPORARY_MS: Final = 3 * DAY_MS
"""How long a lock holds that one organization alone has set, ms: 72 hours, unless a second one confirms it."""

QUIET_MS: Final = 30 * DAY_MS
"""How long after a lock's end an organization that had set it cannot lock the account alone again, ms: or one could
keep a customer with whom it quarrels locked for ever, three days at a time."""

OFFICERS: Final = 2
"""Organizations whose officers together lock for good, and unlock."""


class LockReason(IntEnum):
    """Why an account is locked."""

    LOST = 1
    LEAKED = 2
    DISPUTE = 3


class UnlockReason(IntEnum):
    """Why an account is unlocked."""

    FOUND = 1
    """The member has the key, and nobody else."""
    SETTLED = 2
    """The dispute is over."""
    MISTAKEN = 3
    """It should not have been locked."""


class AccountLock(Record, frozen=True):
    """The lock of an account, or its newest one until nothing depends on it any more.

    Invariant: while `ended_at` is 0 the account's `locked_until` is `until`; afterwards it is 0. The agenda names the
    record at `due`.
    """

    reason: LockReason
    organizations: Annotated[tuple[Slug, ...], Meta(max_length=2 * OFFICERS)]
    """Whose officers have set or confirmed it; nobody's: the member alone."""
    locked_at: TimeMs
    """Block time from which it holds, ms."""
    until: TimeMs
    """Block time at which it lapses, ms; `UNTIL_UNLOCKED`: it does not."""
    transaction_id: HashBytes
    """Transaction that has set it, or confirmed it."""
    ended_at: TimeMs = 0
    """Block time at which it ended, ms; 0: it holds."""

    @property
    def due(self) -> int:
        """Block time, ms, at which the agenda looks at it; 0: never."""
        if self.ended_at:
            return min(self.ended_at + QUIET_MS, TIME_MAX)
        return 0 if self.until == UNTIL_UNLOCKED else self.until


def is_locked(account: Account, time: int) -> bool:
    """Tell whether an account is locked at a block time, ms."""
    return time < account.locked_until


def points_wait(account: Account) -> bool:
    """Tell whether the points of an account wait: it is locked, or its lock has lapsed and they have not moved yet.

    Nothing that its key signs takes them out before that. In a block with so much due that the agenda has not got to
    the lock, they would go with dates that have come long ago; and what came in would move with those that waited.
    """
    return account.locked_until != 0
