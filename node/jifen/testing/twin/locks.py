"""Locks, and limits of the day, offered to both ledgers."""

from typing import Final

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from jifen.ledger import state
from jifen.ledger.locks.bodies import LockAccount, UnlockAccount
from jifen.ledger.locks.records import AccountLock, LockReason, UnlockReason
from jifen.ledger.points.limits import Moved
from jifen.ledger.terms.bodies import PublishTerms
from jifen.ledger.terms.records import MovingLimits
from jifen.ledger.types import POINTS_MAX, TIME_MAX, Record
from jifen.testing.naive.ledger import NaiveLedger
from jifen.testing.naive.scene import DAY_MS, account_of, key_of
from jifen.testing.twin.draws import ISSUED_TYPES, WAITING_TYPES, lives, members, nonces
from jifen.testing.twin.machine import TwinMachine
from jifen.testing.twin.points import PointRules

GUARDS: Final = {"mall": "mall guard", "books": "books till", "cafe": "cafe guard"}
"""A lock officer of every organization that has one."""

organizations = st.lists(st.sampled_from((*GUARDS, *GUARDS, "attic", "nobody")), max_size=2).map(tuple)
signers = st.lists(st.sampled_from((*GUARDS.values(), "ann", "bo", "mall admin")), min_size=1, max_size=3)


class LockRules(PointRules):
    """Rules of locks and limits."""

    def furnish(self) -> None:
        """Bo's points wait, some of them past their date, until the lock lapses."""
        super().furnish()
        self.begin(1)
        for number, point_type in enumerate(WAITING_TYPES):
            self.purchase(point_type, 295 + number, "bo", 500)
        self.lock_properly(bytes(8), "bo", LockReason.LOST, ("mall",))
        self.end()

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        account=members,
        reason=st.sampled_from(LockReason),
        organizations=organizations,
        signers=signers,
    )
    def lock_anything(
        self,
        *,
        life: int,
        nonce: bytes,
        account: str,
        reason: LockReason,
        organizations: tuple[str, ...],
        signers: list[str],
    ) -> None:
        """Lock an account, which may be wrong in any way."""
        body = LockAccount(self.time + life, nonce, account_of(key_of(account)), reason, organizations)
        self.submit(body, *map(key_of, dict.fromkeys(signers)))

    @precondition(lambda self: self.open)
    @rule(
        nonce=nonces,
        account=members,
        reason=st.sampled_from(LockReason),
        organizations=st.sampled_from((("mall",), ("books",), ("cafe",), ("mall",), ("books", "mall"), ())),
    )
    def lock_properly(self, nonce: bytes, account: str, reason: LockReason, organizations: tuple[str, ...]) -> None:
        """Lock an account as it should be."""
        names = [GUARDS[name] for name in organizations] or [account]
        body = LockAccount(self.time + DAY_MS, nonce, account_of(key_of(account)), reason, organizations)
        self.submit(body, *map(key_of, names))

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        account=members,
        reason=st.sampled_from(UnlockReason),
        organizations=organizations.filter(lambda names: len(names) == 2),
        signers=signers,
    )
    def unlock_anything(
        self,
        *,
        life: int,
        nonce: bytes,
        account: str,
        reason: UnlockReason,
        organizations: tuple[str, ...],
        signers: list[str],
    ) -> None:
        """Unlock an account, which may be wrong in any way."""
        body = UnlockAccount(self.time + life, nonce, account_of(key_of(account)), reason, organizations)
        self.submit(body, *map(key_of, dict.fromkeys(signers)))

    @precondition(lambda self: self.open and any(not lock.ended_at for lock in self.twin.locks.values()))
    @rule(nonce=nonces, pick=st.integers(0, 9))
    def unlock_properly(self, nonce: bytes, pick: int) -> None:
        """Unlock an account that is locked."""
        locked = [account for account, lock in self.twin.locks.items() if not lock.ended_at]
        body = UnlockAccount(
            self.time + DAY_MS, nonce, locked[pick % len(locked)], UnlockReason.SETTLED, ("books", "mall")
        )
        self.submit(body, key_of("books till"), key_of("mall guard"))

    @precondition(lambda self: self.open)
    @rule(
        nonce=nonces,
        point_type=st.sampled_from(ISSUED_TYPES),
        limits=st.builds(MovingLimits, st.integers(1, 3), st.sampled_from((30, 200, POINTS_MAX)), st.integers(1, 3)),
    )
    def limit_movements(self, nonce: bytes, point_type: str, limits: MovingLimits) -> None:
        """Let an issuer allow little."""
        newest, _, _ = self.twin.terms[point_type][-1]
        changed = msgspec.structs.replace(newest, version=newest.version + 1, effective_from=0, limits=limits)
        issuer = point_type.split("/", maxsplit=1)[0]
        body = PublishTerms(self.time + DAY_MS, nonce, issuer, point_type, changed)
        self.submit(body, key_of(f"{issuer} admin"))


def locks(twin: NaiveLedger) -> dict[bytes, Record]:
    """Return the records of locks."""
    return {
        b"i" + account: AccountLock(
            lock.reason, lock.organizations, lock.locked_at, lock.until or TIME_MAX, lock.identity, lock.ended_at
        )
        for account, lock in twin.locks.items()
    }


def movements(twin: NaiveLedger) -> dict[bytes, Record]:
    """Return the records of what was moved today."""
    found: dict[bytes, Record] = {}
    for old in twin.moves:
        if old.day_end > twin.time:
            for account in filter(None, (old.sender, old.recipient)):
                same = [item for item in twin.moves if (item.day_end, item.point_type) == (old.day_end, old.point_type)]
                sent = [item.points for item in same if item.sender == account]
                received = sum(item.recipient == account for item in same)
                found[state.moved_key(old.day_end, account, old.point_type)] = Moved(len(sent), sum(sent), received)
    return found


TwinMachine.tables += [locks, movements]
