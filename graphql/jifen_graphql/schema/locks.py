"""Locks of accounts: how one stands, and the effects of locking and unlocking."""

from __future__ import annotations

import strawberry

from jifen.ledger.locks import bodies as ledger
from jifen.ledger.locks import records as locks
from jifen.ledger.locks.records import LockReason, UnlockReason
from jifen.ledger.types import AccountId
from jifen_graphql.schema.scalars import DateTime, Hash


@strawberry.type(description="Why nothing can be paid out of an account.")
class AccountLock:
    """A lock that holds."""

    reason: LockReason
    organizations: list[str] = strawberry.field(description="Who has set or confirmed it; none: the member has.")
    locked_at: DateTime
    until: DateTime | None = strawberry.field(description="When it lapses; null: two organizations must unlock.")
    transaction: Hash = strawberry.field(description="The transaction that has set it, or confirmed it.")

    @classmethod
    def of(cls, record: locks.AccountLock) -> AccountLock:
        """Return the API's form of a record."""
        return cls(
            reason=record.reason,
            organizations=list(record.organizations),
            locked_at=DateTime(record.locked_at),
            until=None if record.until == locks.UNTIL_UNLOCKED else DateTime(record.until),
            transaction=Hash(record.transaction_id),
        )


@strawberry.type(description="An account was locked, or its lock confirmed.")
class AccountLocked:
    """Effect of `lockAccount`."""

    account: AccountId
    lock_reason: LockReason
    organizations: list[str] = strawberry.field(description="All that have set or confirmed it; none: the member did.")
    locked_at: DateTime
    until: DateTime | None = strawberry.field(description="When it lapses; null: two organizations must unlock.")

    @classmethod
    def of(cls, effect: ledger.AccountLocked) -> AccountLocked:
        """Return the API's form of an effect."""
        return cls(
            account=AccountId(effect.account),
            lock_reason=effect.reason,
            organizations=list(effect.organizations),
            locked_at=DateTime(effect.locked_at),
            until=DateTime(effect.until) if effect.until else None,
        )


@strawberry.type(description="An account was unlocked, or its temporary lock has lapsed.")
class AccountUnlocked:
    """Effect of `unlockAccount`, or of time."""

    account: AccountId
    unlock_reason: UnlockReason | None = strawberry.field(description="Null: it was temporary and has lapsed.")
    organizations: list[str] = strawberry.field(description="Who unlocked it.")
    locked_at: DateTime
    days: int = strawberry.field(description="Most days by which dates of its points moved, because it was locked.")

    @classmethod
    def of(cls, effect: ledger.AccountUnlocked) -> AccountUnlocked:
        """Return the API's form of an effect."""
        return cls(
            account=AccountId(effect.account),
            unlock_reason=effect.reason,
            organizations=list(effect.organizations),
            locked_at=DateTime(effect.locked_at),
            days=effect.days,
        )
