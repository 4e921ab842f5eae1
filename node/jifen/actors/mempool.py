"""The trading centre: takes transactions in, keeps them until they are committed, and brings them to the leader.

A transaction taken in here stays here until a committed block holds it or it has expired; if the leader changes or
says nothing, it is sent again. Ids are remembered on the ledger, so sending twice never does anything twice.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import final

import msgspec
import trio

from jifen.actors.clock import Clock
from jifen.actors.verifier import FindFalse
from jifen.chain.executor import ExecutedBlock
from jifen.chain.gateway import CheckedTransactions, open_transaction
from jifen.codec.errors import Malformed
from jifen.codec.messages import FORWARDED_TRANSACTIONS_MAX
from jifen.keys.verification import Claim
from jifen.ledger.apply import final_rejection, is_taken
from jifen.ledger.context import BlockContext
from jifen.ledger.rejections import REJECTION_TEXTS, Rejection
from jifen.ledger.transactions import Transaction
from jifen.store.records import Outcome
from jifen.store.view import ReadView

PENDING_MAX = 16_384
"""Transactions kept until they are committed: some seconds at full speed, 20 MB; then clients are told to wait."""

QUEUED_MAX = 32_768
"""Transactions that wait in a leader to be ordered; what is over is sent again by its origin."""

EXPIRED_FOR_MS = 10_000
"""A transaction this long past its expiry is given up: leaders' clocks differ by less."""

RESEND_AFTER_SECONDS = 2.0
"""A transaction not committed after this long is sent to the leader again: several elections' time."""


class SubmitStatus(StrEnum):
    """What became of a submission."""

    ACCEPTED = "ACCEPTED"
    """Taken in; not known to be committed yet. With the error TIMED_OUT when that was waited for in vain."""
    COMMITTED = "COMMITTED"
    """In a committed block; applied, unless a rejection is given."""
    REFUSED = "REFUSED"
    """Not taken in; `error` or `rejection` says why."""


class SubmitResult(msgspec.Struct, frozen=True):
    """Answer to one submitted transaction."""

    id: bytes | None
    """Transaction id; None when the bytes are no transaction."""
    status: SubmitStatus
    rejection: Rejection | None
    """The ledger's reason, of the committed receipt or of the early refusal."""
    error: str | None
    """MALFORMED, BAD_SIGNATURE, BUSY or TIMED_OUT, when it never came to the ledger's judgement."""
    message: str
    """One sentence that says what happened or what to do."""
    height: int | None
    """Height of the block that holds it."""


class _Waiter:
    """Counts down what one submission waits for."""

    __slots__ = ("event", "missing")

    def __init__(self, missing: int) -> None:
        self.missing = missing
        self.event = trio.Event()
        if not missing:
            self.event.set()


class _Pending:
    """A transaction taken in here and not committed yet."""

    __slots__ = ("expired", "outcome", "sent_at", "skipped", "transaction", "waiters")

    def __init__(self, transaction: Transaction) -> None:
        self.transaction = transaction
        self.sent_at: float | None = None
        """When it was last sent or queued, on trio's clock, which is never set back."""
        self.waiters: dict[_Waiter, None] = {}
        self.outcome: Outcome | None = None
        self.expired = False
        """Whether block time has passed its expiry, so that no block can hold it any more."""
        self.skipped = False
        """Whether it stands in a block that a snapshot has skipped here."""


@final
class Mempool:
    """Transactions between clients and blocks.

    Invariant: every queued transaction has been checked; no id is queued twice.
    """

    def __init__(
        self,
        *,
        chain_id: bytes,
        checked: CheckedTransactions,
        find_false: FindFalse,
        clock: Clock,
        wake: Callable[[], None],
        forward: Callable[[str, tuple[bytes, ...]], bool],
        view: Callable[[], AbstractContextManager[ReadView]],
    ) -> None:
        """Wire the mempool.

        Args:
            chain_id: id of the chain.
            checked: shared memory of checked transactions.
            find_false: checks signatures.
            clock: time of day.
            wake: called when transactions wait to be ordered here.
            forward: passes signed bytes to a peer without blocking; False when the link is full.
            view: opens a read snapshot of the committed state. Refusals rest on it alone: what is executed but not
                committed may yet be undone.
        """
        self._chain_id = chain_id
        self._checked = checked
        self._find_false = find_false
        self._clock = clock
        self._wake = wake
        self._forward = forward
        self._view = view
        self._pending: OrderedDict[bytes, _Pending] = OrderedDict()
        self._queue: OrderedDict[bytes, Transaction] = OrderedDict()
        self._leader: str | None = None
        self._leads = False
        self._block_time = 0
        """Time of the newest block that is committed here, ms."""

    @property
    def pending(self) -> int:
        """Transactions taken in here and not committed yet."""
        return len(self._pending)

    def holds(self, identity: bytes) -> bool:
        """Tell whether a transaction was taken in here and is not committed yet."""
        return identity in self._pending

    @property
    def queued(self) -> int:
        """Transactions waiting to be ordered here; 0 unless this validator leads."""
        return len(self._queue)

    async def submit(self, signed: Sequence[bytes], *, wait: bool, timeout_seconds: float) -> list[SubmitResult]:
        """Take transactions in and, if `wait`, stay until they are committed or the time is over.

        Results stand in the order of `signed`. A time-out leaves the outcome open: the same bytes may be sent again.
        """
        opened = await self._open(signed)
        with self._view() as view:
            results = [item if isinstance(item, SubmitResult) else self._admit(item, view) for item in opened]
        waited = {item.transaction.id: item for item in results if isinstance(item, _Pending)}
        self._bring_to_leader([item for item in waited.values() if item.sent_at is None])
        if wait:
            await self._wait_for(list(waited.values()), timeout_seconds)
        return [item if isinstance(item, SubmitResult) else _result(item, waited=wait) for item in results]

    async def _wait_for(self, waited: list[_Pending], timeout_seconds: float) -> None:
        open_ones = [item for item in waited if item.outcome is None]
        waiter = _Waiter(len(open_ones))
        for pending in open_ones:
            pending.waiters[waiter] = None
        try:
            with trio.move_on_after(timeout_seconds):
                await waiter.event.wait()
        finally:
            for pending in open_ones:
                pending.waiters.pop(waiter, None)

    async def drain(self, timeout_seconds: float) -> None:
        """Wait until everything pending now is committed or given up, or the time is over."""
        await self._wait_for(list(self._pending.values()), timeout_seconds)

    async def take_forwarded(self, signed: Sequence[bytes]) -> bool:
        """Queue a peer's transactions if this validator leads; False when one of them is not genuine."""
        if not self._leads:
            await trio.lowlevel.checkpoint()
            return True
        opened = await self._open(signed)
        if self._leads:
            for item in opened:
                if isinstance(item, Transaction):
                    self._enqueue(item)
            self._wake()
        return all(isinstance(item, Transaction) for item in opened)

    def take(self, count_max: int, bytes_max: int) -> list[Transaction]:
        """Remove and return the oldest queued transactions that fit a block."""
        taken: list[Transaction] = []
        size = 0
        while self._queue and len(taken) < count_max:
            identity = next(iter(self._queue))
            size += len(self._queue[identity].signed)
            if taken and size > bytes_max:
                break
            taken.append(self._queue.pop(identity))
        return taken

    def leadership(self, leader: str | None, term: int, *, is_self: bool) -> None:
        """Learn who leads; what is pending goes to the new leader."""
        del term
        self._leader, self._leads = leader, is_self
        if not is_self:
            self._queue.clear()
        self._bring_to_leader(list(self._pending.values()))

    def committed(self, block: ExecutedBlock) -> None:
        """Settle what a committed block holds."""
        height, self._block_time = block.tip.height, block.tip.header.time
        for transaction, receipt in zip(block.transactions, block.receipts, strict=True):
            self._queue.pop(transaction.id, None)
            pending = self._pending.pop(transaction.id, None)
            if pending is not None:
                pending.outcome = Outcome(height, receipt.rejection)
                _settle(pending)
        self._checked.forget(block.transactions)

    def jumped(self) -> None:
        """Let go of what stands in blocks that a snapshot has skipped here; who waits for it has to ask elsewhere."""
        with self._view() as view:
            for pending in list(self._pending.values()):
                if is_taken(view, pending.transaction):
                    self._queue.pop(pending.transaction.id, None)
                    pending.skipped = True
                    _settle(self._pending.pop(pending.transaction.id))

    def resend(self) -> None:
        """Drop what has expired and send what has waited too long again; called every second or so."""
        now, dead = trio.current_time(), self._clock() - EXPIRED_FOR_MS
        for pending in list(self._pending.values()):
            expires_at = pending.transaction.body.expires_at
            # A block never holds what has expired by its time, and block time never goes back.
            pending.expired = expires_at < self._block_time
            if pending.expired or expires_at < dead:
                _settle(self._pending.pop(pending.transaction.id))
        late = now - RESEND_AFTER_SECONDS
        self._bring_to_leader([item for item in self._pending.values() if item.sent_at is None or item.sent_at <= late])

    async def _open(self, signed: Sequence[bytes]) -> list[Transaction | SubmitResult]:
        opened: list[Transaction | SubmitResult] = []
        claims: list[Claim] = []
        owners: list[int] = []
        for index, data in enumerate(signed):
            known = self._checked.find(data)
            if known is not None:
                opened.append(known)
                continue
            try:
                transaction, wanted = open_transaction(self._chain_id, data)
            except Malformed as error:
                opened.append(_refused(None, "MALFORMED", str(error)))
                continue
            opened.append(transaction)
            claims += wanted
            owners += [index] * len(wanted)
        for place in await self._find_false(claims):
            item = opened[owners[place]]
            if isinstance(item, Transaction):
                text = "a signature does not fit the transaction and this chain; sign the id of this chain's bytes"
                opened[owners[place]] = _refused(item.id, "BAD_SIGNATURE", text)
        self._checked.remember(item for item in opened if isinstance(item, Transaction))
        return opened

    def _admit(self, transaction: Transaction, view: ReadView) -> _Pending | SubmitResult:
        pending = self._pending.get(transaction.id)
        if pending is None:
            refusal = self._refusal(transaction, view)
            if refusal is not None:
                return refusal
            pending = self._pending[transaction.id] = _Pending(transaction)
        return pending

    def _refusal(self, transaction: Transaction, view: ReadView) -> SubmitResult | None:
        outcome = view.outcome(transaction.id)
        if outcome is not None:
            return _committed(transaction.id, outcome)
        # Block time, not the clock here: what has expired by this clock may stand in a block that is about to be
        # committed, and whoever was told that it never will would buy twice.
        context = BlockContext(self._chain_id, view.height + 1, view.block_time)
        rejection = final_rejection(view, transaction, context)
        if rejection is not None:
            text = REJECTION_TEXTS[rejection]
            return SubmitResult(transaction.id, SubmitStatus.REFUSED, rejection, None, text, None)
        if len(self._pending) >= PENDING_MAX:
            return _refused(transaction.id, "BUSY", "this validator has too much waiting; send it again in a second")
        return None

    def _bring_to_leader(self, due: list[_Pending]) -> None:
        if not due:
            return
        now = trio.current_time()
        if self._leads:
            for pending in due:
                pending.sent_at = now
                self._enqueue(pending.transaction)
            self._wake()
        elif self._leader is not None:
            for start in range(0, len(due), FORWARDED_TRANSACTIONS_MAX):
                part = due[start : start + FORWARDED_TRANSACTIONS_MAX]
                if not self._forward(self._leader, tuple(item.transaction.signed for item in part)):
                    return
                for pending in part:
                    pending.sent_at = now

    def _enqueue(self, transaction: Transaction) -> None:
        if len(self._queue) < QUEUED_MAX and transaction.id not in self._queue:
            self._queue[transaction.id] = transaction


def _settle(pending: _Pending) -> None:
    for waiter in pending.waiters:
        waiter.missing -= 1
        if waiter.missing == 0:
            waiter.event.set()


def _result(pending: _Pending, *, waited: bool) -> SubmitResult:
    identity = pending.transaction.id
    if pending.outcome is not None:
        return _committed(identity, pending.outcome)
    if pending.expired:
        text = REJECTION_TEXTS[Rejection.EXPIRED]
        return SubmitResult(identity, SubmitStatus.REFUSED, Rejection.EXPIRED, None, text, None)
    if waited and pending.skipped:
        text = "it stands in a block that is not held here, applied or rejected: ask another validator for its id"
        return SubmitResult(identity, SubmitStatus.ACCEPTED, None, "TIMED_OUT", text, None)
    if waited:
        text = "not committed in time; it may still be: ask for its id, or send the same bytes again"
        # Not REFUSED: it stays in the mempool, and a client that believed it refused would buy twice.
        return SubmitResult(identity, SubmitStatus.ACCEPTED, None, "TIMED_OUT", text, None)
    return SubmitResult(identity, SubmitStatus.ACCEPTED, None, None, "taken in; ask for its id later", None)


def _committed(identity: bytes, outcome: Outcome) -> SubmitResult:
    if outcome.rejection == 0:
        text, rejection = f"committed in block {outcome.height}", None
    else:
        rejection = Rejection(outcome.rejection)
        text = f"rejected in block {outcome.height}: {REJECTION_TEXTS[rejection]}"
    return SubmitResult(identity, SubmitStatus.COMMITTED, rejection, None, text, outcome.height)


def _refused(identity: bytes | None, error: str, message: str) -> SubmitResult:
    return SubmitResult(identity, SubmitStatus.REFUSED, None, error, message, None)
