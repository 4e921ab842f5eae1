"""Sending purchases to the ledger: signed in worker threads, several batches in flight, each exactly once.

Order ids and member keys are business keys: what an earlier run, or an earlier try of this one, has brought in is
refused by the ledger and counts as present. So everything that got no answer is sent again, the same bytes to the next
validator, and a validator killed in the middle costs time and nothing else.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, TypeVar, final

import msgspec
import trio

from jifen.client import Client, SealedTransaction, TransactionBuilder, Unavailable
from jifen.client.errors import ClientError
from jifen.client.records import Submission
from jifen.demo.planning import Share, member_key, order_id
from jifen.demo.purchases import Purchase
from jifen.keys.signing import KeyPair
from jifen.ledger.rejections import Rejection
from jifen.ledger.types import AccountId

Job = TypeVar("Job", str, Purchase)
"""What becomes a transaction: a customer to register, or a purchase to credit."""

BATCH_TRANSACTIONS: Final = 256
"""Transactions signed and sent together: 30 ms of signing, a request of 80 KB, many of them to a block."""

BATCHES_IN_FLIGHT: Final = 8
"""Batches under way to one validator, an eighth of what its queue holds: enough to fill blocks while others commit."""

BATCHES_READY: Final = 2
"""Signed batches waiting for a free sender of a merchant; signing pauses beyond it."""

DEADLINE_SECONDS: Final = 120.0
"""How long one batch is tried on all validators before the import is given up: many elections and a restart."""

REFUSED_NAMED_MAX: Final = 10
"""Refused rows named in a report; the rest is counted."""

PRESENT: Final = frozenset({Rejection.ACCOUNT_EXISTS, Rejection.ORDER_ALREADY_CREDITED})
"""Rejections that say that an earlier run has done it."""


class ImportFailed(Exception):
    """The import stopped before its end; running it again takes up where it stopped."""


class Sender(msgspec.Struct, frozen=True):
    """A merchant's share, its till's key, and the validators it sends to, its own first."""

    share: Share
    operator: KeyPair
    urls: tuple[str, ...]


class ImportReport(msgspec.Struct, frozen=True):
    """What an import has done."""

    purchases: int
    """Rows of the file that are on the ledger now."""
    credited: int
    """Rows among them that this run has credited; the others were there before."""
    members: int
    """Accounts that this run has opened."""
    transactions: int
    """Transactions that this run has brought into final blocks with effect."""
    seconds: float
    """From the first transaction signed to the last one committed."""
    refused: tuple[str, ...]
    """The first refused rows, each with the ledger's reason."""
    refused_count: int

    @property
    def transactions_per_second(self) -> float:
        """Rate of this run; 0 when there was nothing to do."""
        return self.transactions / self.seconds if self.transactions and self.seconds else 0.0


def _tell_nobody(_settled: int, _committed: int) -> None:
    """Default of `on_settled`."""


@final
class Importer:
    """Carries out one import."""

    def __init__(
        self,
        senders: Sequence[Sender],
        builder: TransactionBuilder,
        master: bytes,
        *,
        on_settled: Callable[[int, int], None] = _tell_nobody,
        deadline_seconds: float = DEADLINE_SECONDS,
        connect: Callable[[Sequence[str]], Client] = Client,
    ) -> None:
        """Prepare an import.

        Args:
            senders: one for each merchant.
            builder: builds transactions for the chain.
            master: 32-byte secret from which the members' keys are derived.
            on_settled: told, batch by batch, how many transactions were settled and how many of them were new.
            deadline_seconds: how long one batch may look for a validator that takes it.
            connect: makes the client of a merchant from its URLs; tests put a network of their own behind it.
        """
        self._senders = senders
        self._builder = builder
        self._master = master
        self._on_settled = on_settled
        self._deadline_seconds = deadline_seconds
        self._connect = connect
        self._signing = trio.CapacityLimiter(os.cpu_count() or 1)
        self._accounts: dict[str, AccountId] = {}
        """Account of every customer; filled while the registrations are signed."""
        self._done: Counter[str] = Counter()
        self._refused: list[str] = []
        self._failure: ClientError | None = None

    @property
    def total(self) -> int:
        """Transactions to settle."""
        return sum(len(sender.share.members) + len(sender.share.purchases) for sender in self._senders)

    async def run(self) -> ImportReport:
        """Register the members, then credit the purchases; raises ImportFailed, Refused or ProtocolFault."""
        started = time.perf_counter()
        await self._phase("members", lambda sender: sender.share.members, self._register)
        await self._phase("credited", lambda sender: sender.share.purchases, self._earn)
        seconds = time.perf_counter() - started
        rows = sum(len(sender.share.purchases) for sender in self._senders)
        return ImportReport(
            purchases=rows - self._done["credited refused"],
            credited=self._done["credited"],
            members=self._done["members"],
            transactions=self._done["credited"] + self._done["members"],
            seconds=seconds,
            refused=tuple(self._refused),
            refused_count=self._done["credited refused"] + self._done["members refused"],
        )

    def _register(self, sender: Sender, customer: str) -> SealedTransaction:
        del sender  # a member's own key signs
        pair = member_key(self._master, customer)
        self._accounts[customer] = self._builder.account_of(pair.public)
        return self._builder.register_member(pair)

    def _earn(self, sender: Sender, purchase: Purchase) -> SealedTransaction:
        return self._builder.earn_points(
            sender.operator,
            merchant=sender.share.merchant.id,
            order_id=order_id(purchase),
            account=self._accounts[purchase.customer],
            point_type=sender.share.merchant.point_type,
            amount_fen=purchase.amount_cents,
            purchased_at=purchase.purchased_at,
        )

    async def _phase(
        self, name: str, jobs: Callable[[Sender], Sequence[Job]], prepare: Callable[[Sender, Job], SealedTransaction]
    ) -> None:
        """Settle one kind of job; a purchase needs its member's account, so one kind ends before the next begins."""
        async with trio.open_nursery() as nursery:
            for sender in self._senders:
                ready, waiting = trio.open_memory_channel[list[tuple[Job, SealedTransaction]]](BATCHES_READY)
                nursery.start_soon(self._sign, sender, jobs(sender), prepare, ready)
                nursery.start_soon(self._send_all, name, sender, waiting, nursery.cancel_scope)
        if isinstance(self._failure, Unavailable):
            done = self._done["credited"] + self._done["credited present"]
            raise ImportFailed(
                f"{done} purchases are on the ledger, then: {self._failure}; start the validators and import again, "
                "nothing is credited twice"
            )
        if self._failure is not None:
            raise self._failure

    async def _sign(
        self,
        sender: Sender,
        jobs: Sequence[Job],
        prepare: Callable[[Sender, Job], SealedTransaction],
        ready: trio.MemorySendChannel[list[tuple[Job, SealedTransaction]]],
    ) -> None:
        def sign(part: Sequence[Job]) -> list[tuple[Job, SealedTransaction]]:
            return [(job, prepare(sender, job)) for job in part]

        async with ready:
            for start in range(0, len(jobs), BATCH_TRANSACTIONS):
                part = jobs[start : start + BATCH_TRANSACTIONS]
                await ready.send(await trio.to_thread.run_sync(sign, part, limiter=self._signing))

    async def _send_all(
        self,
        name: str,
        sender: Sender,
        waiting: trio.MemoryReceiveChannel[list[tuple[Job, SealedTransaction]]],
        phase: trio.CancelScope,
    ) -> None:
        async with self._connect(sender.urls) as client, trio.open_nursery() as nursery:
            for _ in range(BATCHES_IN_FLIGHT):
                nursery.start_soon(self._send, name, client, waiting, phase)

    async def _send(
        self,
        name: str,
        client: Client,
        waiting: trio.MemoryReceiveChannel[list[tuple[Job, SealedTransaction]]],
        phase: trio.CancelScope,
    ) -> None:
        async for batch in waiting:
            transactions = [prepared for _, prepared in batch]
            try:
                answers = await client.submit_many(transactions, timeout_seconds=self._deadline_seconds)
            except ClientError as error:
                self._failure = self._failure or error
                phase.cancel()
                return
            self._settle(name, [job for job, _ in batch], answers)

    def _settle(self, name: str, jobs: Sequence[Job], submissions: Sequence[Submission]) -> None:
        committed = 0
        for job, submission in zip(jobs, submissions, strict=True):
            if submission.is_applied:
                committed += 1
            elif submission.reason in PRESENT:
                self._done[f"{name} present"] += 1
            else:
                self._done[f"{name} refused"] += 1
                if len(self._refused) < REFUSED_NAMED_MAX:
                    self._refused.append(f"{_named(job)}: {_reason(submission)}")
        self._done[name] += committed
        self._on_settled(len(jobs), committed)


def _named(job: object) -> str:
    return f"purchase {job.number}" if isinstance(job, Purchase) else f"customer {job}"


def _reason(submission: Submission) -> str:
    return submission.rejection or submission.error_code or submission.message
