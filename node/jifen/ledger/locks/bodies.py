"""Transactions that lock and unlock accounts, and what they do."""

from typing import Annotated

from msgspec import Meta

from jifen.ledger.bodies import TransactionBody
from jifen.ledger.effects import Effect
from jifen.ledger.locks.records import OFFICERS, LockReason, UnlockReason
from jifen.ledger.types import AccountBytes, Slug, TimeMs

Days = Annotated[int, Meta(ge=0)]


class LockAccount(TransactionBody, frozen=True, tag=90):
    """Lock an account.

    Signed with the member's own key when `organizations` is empty, else by an operator with scope LOCK_OFFICER of each
    of them. One organization alone locks for 72 hours, or confirms what another one has locked for that long; two lock
    until two unlock.
    """

    account: AccountBytes
    reason: LockReason
    organizations: Annotated[tuple[Slug, ...], Meta(max_length=OFFICERS)] = ()


class UnlockAccount(TransactionBody, frozen=True, tag=91):
    """Unlock an account; signed by operators with scope LOCK_OFFICER of two organizations.

    Never by the member: whoever stole the key could do that too.
    """

    account: AccountBytes
    reason: UnlockReason
    organizations: Annotated[tuple[Slug, ...], Meta(min_length=OFFICERS, max_length=OFFICERS)]


class AccountLocked(Effect, frozen=True, tag=90):
    """An account was locked, or its lock confirmed."""

    account: AccountBytes
    reason: LockReason
    organizations: tuple[Slug, ...]
    """All that have set or confirmed it; none: the member did."""
    locked_at: TimeMs
    """Block time from which it holds, ms."""
    until: TimeMs
    """Block time at which it lapses, ms; 0: it does not."""


class AccountUnlocked(Effect, frozen=True, tag=91):
    """An account was unlocked, or its lock has lapsed."""

    account: AccountBytes
    reason: UnlockReason | None
    """None: it was temporary and has lapsed."""
    organizations: tuple[Slug, ...]
    """Who unlocked it."""
    locked_at: TimeMs
    days: Days
    """Most days by which dates of its points moved, because it was locked."""
