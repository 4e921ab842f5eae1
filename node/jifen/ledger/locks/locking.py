"""Locking and unlocking accounts.

The member's own key locks at once, and so do officers of two organizations; one organization alone locks for three
days. Only two organizations unlock: whoever has stolen a key has it for unlocking too.
"""

from typing import NamedTuple

from jifen.ledger.context import BlockContext
from jifen.ledger.locks.bodies import AccountLocked, AccountUnlocked, LockAccount, UnlockAccount
from jifen.ledger.locks.pausing import end_pause, wake_at_once
from jifen.ledger.locks.records import (
    QUIET_MS,
    TEMPORARY_MS,
    UNTIL_UNLOCKED,
    AccountLock,
    UnlockReason,
    is_locked,
)
from jifen.ledger.receipts import AnyEffect
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.scheduling import schedule
from jifen.ledger.state import StateReader, StateWriter, account_key, lock_key, organization_key
from jifen.ledger.swaps.swapping import close_all
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import TIME_MAX, Account, Organization, OrganizationStatus, Scope

LOCKING_SCOPE = int(Scope.LOCK_OFFICER)
"""Scope that locks and unlocks accounts."""


class Ending(NamedTuple):
    """How a lock ends."""

    ended_at: int
    """Block time, ms."""
    reason: UnlockReason | None = None
    """None: it lapses."""
    organizations: tuple[str, ...] = ()
    """Who unlocks."""


class Locking(NamedTuple):
    """What the check found and the act needs."""

    account: Account
    before: AccountLock | None
    """Lock that holds, or held until lately."""


def check_lock(
    state: StateReader, body: LockAccount, transaction: Transaction, context: BlockContext
) -> Rejection | Locking:
    """Return why the account cannot be locked, or what is known of it. Order: `rejections.py`."""
    found = _check_officers(state, body, transaction)
    if isinstance(found, Rejection):
        return found
    if not body.organizations and found.key not in transaction.signers:
        return Rejection.NOT_AUTHORIZED
    lock = read(state, lock_key(body.account), AccountLock)
    alone = len(body.organizations) == 1
    if lock is not None and is_locked(found, context.time):
        confirms = not alone or body.organizations[0] not in lock.organizations
        if lock.until == UNTIL_UNLOCKED or not confirms:
            return Rejection.ALREADY_LOCKED
    elif lock is not None and alone and body.organizations[0] in lock.organizations:
        ended_at = lock.ended_at or lock.until
        if context.time < ended_at + QUIET_MS:
            return Rejection.LOCKED_TOO_SOON
    return Locking(found, lock)


def lock(
    state: StateWriter, body: LockAccount, transaction: Transaction, found: Locking, context: BlockContext
) -> tuple[AnyEffect, ...]:
    """Lock the account, or confirm its lock; its open swap offers end."""
    account, before = found
    effects: tuple[AnyEffect, ...] = ()
    if before is not None and not before.ended_at and not is_locked(account, context.time):
        # It has lapsed, and the agenda has not got to it yet.
        before, effects = end_lock(state, account, before, Ending(before.until), context)
    effects += close_all(state, account.id, context)  # standing offers are as good as signatures
    confirmed = before is not None and not before.ended_at
    locked_at, named = context.time, body.organizations
    if before is not None and confirmed:
        locked_at = before.locked_at
        named = (*before.organizations, *[name for name in named if name not in before.organizations])
    temporary = len(body.organizations) == 1 and not confirmed
    until = min(context.time + TEMPORARY_MS, TIME_MAX) if temporary else UNTIL_UNLOCKED
    after = AccountLock(body.reason, named, locked_at, until, transaction.id)
    _put_lock(state, body.account, before, after)
    state.put(account_key(body.account), Account(account.id, account.key, account.registered_at, until))
    shown = until if temporary else 0
    return (*effects, AccountLocked(body.account, body.reason, named, locked_at, shown))


def check_unlocking(
    state: StateReader, body: UnlockAccount, transaction: Transaction, context: BlockContext
) -> Rejection | Locking:
    """Return why the account cannot be unlocked, or what is known of it. Order: `rejections.py`."""
    found = _check_officers(state, body, transaction)
    if isinstance(found, Rejection):
        return found
    if not is_locked(found, context.time):
        return Rejection.NOT_LOCKED
    return Locking(found, read(state, lock_key(body.account), AccountLock))


def unlock(
    state: StateWriter, body: UnlockAccount, _transaction: Transaction, found: Locking, context: BlockContext
) -> tuple[AnyEffect, ...]:
    """Unlock the account; the dates of its points move by the time they waited."""
    account, before = found
    assert before is not None, f"account {account.id.hex()} is locked, but there is no lock"
    _, effects = end_lock(state, account, before, Ending(context.time, body.reason, body.organizations), context)
    return effects


def wake_lock(state: StateWriter, key: bytes, context: BlockContext) -> tuple[AnyEffect, ...]:
    """Let a temporary lock lapse; forget one that ended long ago."""
    before = read(state, key, AccountLock)
    assert before is not None, f"the agenda names the lock {key.hex()}, which does not exist"
    if before.ended_at:
        state.delete(key)
        return ()
    account = read(state, account_key(key[1:]), Account)
    assert account is not None, f"there is a lock of account {key[1:].hex()}, which is not registered"
    schedule(state, key, 0, before.due)  # as it was before the agenda took it out
    after, effects = end_lock(state, account, before, Ending(before.until), context)
    if after.due <= context.time:
        schedule(state, key, after.due, 0)
        state.delete(key)
    return effects


def end_lock(
    state: StateWriter, account: Account, before: AccountLock, ending: Ending, context: BlockContext
) -> tuple[AccountLock, tuple[AnyEffect, ...]]:
    """End a lock and return what is kept of it, and the effects."""
    pause = end_pause(state, account.id, before.locked_at, ending.ended_at, context)
    state.put(account_key(account.id), Account(account.id, account.key, account.registered_at, 0))
    after = AccountLock(
        before.reason, before.organizations, before.locked_at, before.until, before.transaction_id, ending.ended_at
    )
    _put_lock(state, account.id, before, after)
    settled = [effect for key in pause.due for effect in wake_at_once(state, key, context)]
    effect = AccountUnlocked(account.id, ending.reason, ending.organizations, before.locked_at, pause.days)
    return after, (*pause.effects, effect, *settled)


def _put_lock(state: StateWriter, account: bytes, before: AccountLock | None, after: AccountLock) -> None:
    key = lock_key(account)
    schedule(state, key, before.due if before else 0, after.due)
    state.put(key, after)


def _check_officers(
    state: StateReader, body: LockAccount | UnlockAccount, transaction: Transaction
) -> Rejection | Account:
    """Return what speaks against the organizations named and who signed for them, or the account."""
    organizations = [read(state, organization_key(name), Organization) for name in body.organizations]
    known = [organization for organization in organizations if organization is not None]
    if len(known) < len(organizations):
        return Rejection.ORGANIZATION_UNKNOWN
    if any(organization.status is not OrganizationStatus.ACTIVE for organization in known):
        return Rejection.ORGANIZATION_NOT_ACTIVE
    account = read(state, account_key(body.account), Account)
    if account is None:
        return Rejection.ACCOUNT_UNKNOWN
    # One key, or one organization named twice, is one officer.
    keys = [[key for key in transaction.signers if item.scopes_of(key) & LOCKING_SCOPE] for item in known]
    distinct = len({*body.organizations}) == len(known) and len({key for each in keys for key in each}) >= len(known)
    if not (distinct and all(keys)):
        return Rejection.NOT_AUTHORIZED
    return account
