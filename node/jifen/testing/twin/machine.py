"""The real ledger and a naive second one take the same transactions; after every block nothing may differ.

Blocks are opened, closed, abandoned, rolled back, committed, written to a pretended disk and forgotten at random, with
so small a cache that records are evicted all the time.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from typing import ClassVar
from unittest.mock import patch

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from jifen.ledger import state
from jifen.ledger.agenda import AGENDA_ID, work_off
from jifen.ledger.apply import apply_transaction, may_stand, preflight
from jifen.ledger.context import BlockContext
from jifen.ledger.genesis import write_genesis
from jifen.ledger.invariants import check_all
from jifen.ledger.receipts import Receipt
from jifen.ledger.rejections import PRECEDENCE, Rejection
from jifen.ledger.state import WorkingState
from jifen.ledger.transactions import Body, RegisterMember, Transaction
from jifen.ledger.types import EMPTY_HOLDING, Holding, Lot, LotOrigin, Record, TransactionMark
from jifen.testing.memory import Memory
from jifen.testing.naive.ledger import NaiveLedger
from jifen.testing.naive.records import NaiveLot, NaiveReceipt
from jifen.testing.naive.scene import CHAIN_ID, DAY_MS, START, key_of, scene, transaction
from jifen.testing.twin.draws import MEMBERS


class TwinMachine(RuleBasedStateMachine):
    """Drives both ledgers: blocks, submissions, the comparison. Each family adds its rules in a subclass."""

    outcomes: ClassVar[Counter[Rejection | None]] = Counter()
    """What became of the transactions of all runs."""

    woken: ClassVar[Counter[str]] = Counter()
    """What time did in all runs: effects by name."""

    tables: ClassVar[list[Callable[[NaiveLedger], dict[bytes, Record]]]] = []
    """Given the twin: the records that the real ledger must hold, each table of them by the family that knows it."""

    comparisons: ClassVar[list[Callable[[NaiveLedger, dict[bytes, Record]], None]]] = []
    """Given the twin and the real records: each compares some of them in a way of its own and takes them out."""

    def __init__(self) -> None:
        super().__init__()
        self.cleanup = ExitStack()
        self.cleanup.enter_context(patch.object(state, "CACHED_RECORDS_MAX", 3))
        self.disk = Memory()
        genesis = scene()
        self.working = WorkingState(self.disk, 0)
        self.working.begin_block()
        write_genesis(self.working, genesis)
        self.disk.take_in(self.working.end_block().writes)
        self.working = WorkingState(self.disk, 0)
        self.twins = [NaiveLedger(genesis)]
        """The twin after every block, by height."""
        self.twin = self.twins[0]
        """The twin in the open block, or the last one."""
        self.times = [START]
        self.time = START
        self.open = False
        self.unstored: list[tuple[int, dict[bytes, Record | None]]] = []
        self.stored = 0
        self.known: list[Transaction] = []

    def teardown(self) -> None:
        """Give the cache's limit back."""
        self.cleanup.close()

    # ------------------------------------------------------------------------------------------------------ blocks

    @initialize()
    def prepare(self) -> None:
        """Register the members, then let every family bring what it needs."""
        self.begin(1)
        for name in MEMBERS[:3]:
            self.submit(RegisterMember(self.time + 1, bytes(8), key_of(name)), key_of(name))
        self.end()
        self.furnish()

    def furnish(self) -> None:
        """Bring something to begin with into both ledgers; a family that overrides this calls its parent's too."""

    @precondition(lambda self: not self.open)
    @rule(step=st.sampled_from((0, 1, 60_000, DAY_MS // 2, DAY_MS + 1, 6 * DAY_MS, 25 * DAY_MS, 400 * DAY_MS)))
    def begin(self, step: int) -> None:
        """Open a block of that much later a time."""
        self.working.begin_block()
        self.twin = self.twins[-1].copy()
        self.twin.height += 1
        self.time = self.times[-1] + step
        self.open = True
        named = self.named()
        receipts = work_off(self.working, self.context())
        assert all((receipt.transaction_id, receipt.rejection) == (AGENDA_ID, 0) for receipt in receipts)
        effects = [effect for receipt in receipts for effect in receipt.effects]
        expected = self.twin.begin_block(self.time) if named is None else self.twin.begin_late_block(*named)
        assert Counter(map(msgspec.structs.astuple, effects)) == expected
        self.woken.update(type(effect).__name__ for effect in effects)

    def named(self) -> tuple[int, list[tuple[int, bytes]], int] | None:
        """Return what the twin needs to know of the agenda: None, if everything that is due fits into a block."""
        return None

    @precondition(lambda self: self.open)
    @rule()
    def end(self) -> None:
        """Close the block and compare."""
        block = self.working.end_block()
        assert block.height == len(self.twins)
        assert block.writes.keys() == block.replaced.keys()
        self.twins.append(self.twin)
        self.times.append(self.time)
        self.open = False
        self.compare()

    @precondition(lambda self: self.open)
    @rule()
    def abandon(self) -> None:
        """Undo the open block."""
        self.working.abandon_block()
        self.open = False
        self.compare()

    @precondition(lambda self: not self.open and self.working.committed < self.working.height)
    @rule(steps=st.integers(0, 3))
    def roll_back(self, steps: int) -> None:
        """Undo executed blocks that are not committed."""
        height = max(self.working.height - steps, self.working.committed)
        self.working.roll_back_to(height)
        del self.twins[height + 1 :], self.times[height + 1 :]
        self.compare()

    @precondition(lambda self: not self.open and self.working.committed < self.working.height)
    @rule()
    def commit(self) -> None:
        """Commit the lowest executed block."""
        block = self.working.commit()
        assert block.height == self.working.committed
        self.unstored.append((block.height, block.writes))

    @precondition(lambda self: self.unstored)
    @rule()
    def store(self) -> None:
        """Write the lowest committed block to the pretended disk."""
        height, writes = self.unstored.pop(0)
        self.disk.take_in(writes)
        self.stored = height

    @precondition(lambda self: not self.open and self.working.flushed < self.stored)
    @rule()
    def forget(self) -> None:
        """Forget what is on the disk."""
        self.working.forget_flushed(self.stored)
        self.compare()

    # ------------------------------------------------------------------------------------------------ transactions

    @precondition(lambda self: self.open and self.known)
    @rule(pick=st.integers(0, 999))
    def resubmit(self, pick: int) -> None:
        """Offer a transaction that was offered before."""
        item = self.known[pick % len(self.known)]
        self.submit(item.body, *item.signers)

    def submit(self, body: Body, *signers: bytes) -> None:
        """Offer a transaction to both ledgers; both must say the same, before and after."""
        item = transaction(body, *signers)
        self.known.append(item)
        context = self.context()
        expected = min(self.twin.reasons(item, self.time), default=None, key=PRECEDENCE.__getitem__)
        assert preflight(self.working, item, context) == expected
        assert may_stand(self.working, item, context) == self.twin.may_stand(item, self.time)
        if not self.twin.may_stand(item, self.time):
            assert expected in {Rejection.EXPIRED, Rejection.EXPIRY_TOO_FAR, Rejection.ALREADY_APPLIED}
        else:
            receipt = apply_transaction(self.working, item, context)
            assert simplified(receipt) == self.twin.apply(item, self.time)
            assert receipt.transaction_id == item.id
        self.outcomes[expected] += 1

    def context(self) -> BlockContext:
        """Return the facts about the open block."""
        return BlockContext(CHAIN_ID, self.working.height + 1, self.time)

    # -------------------------------------------------------------------------------------------------- comparison

    def records(self) -> dict[bytes, Record]:
        """Return everything that the real ledger holds, as its ranges give it; single reads must say the same."""
        found = self.working.range(b"", b"\xff", 1_000_000)
        assert [key for key, _ in found] == sorted(key for key, _ in found)
        for key, record in found:
            assert self.working.get(key) is record or self.working.get(key) == record
        for key in self.disk:
            assert (self.working.get(key) is None) == (key not in dict(found))
        return dict(found)

    def compare(self) -> None:
        """Compare everything, and check every invariant."""
        records = self.records()
        check_all(records.items())
        assert self.working.height == len(self.twins) - 1
        self.twin = twin = self.twins[-1]
        expected: dict[bytes, Record] = {}
        for records_of in self.tables:
            expected |= records_of(twin)
        records = {key: record for key, record in records.items() if key[:1] != state.AGENDA}
        marks = {key: records.pop(key) for key in list(records) if key[:1] == state.MARK}
        holdings = {key: records.pop(key) for key in list(records) if key[:1] == state.HOLDING}
        for compare in self.comparisons:
            compare(twin, records)
        assert records == expected
        now = self.times[-1]
        assert {key[9:] for key in marks} == {name for name, expiry in twin.expiries.items() if expiry >= now}
        assert all(isinstance(mark, TransactionMark) and 1 <= mark.height < len(self.twins) for mark in marks.values())
        self.compare_holdings(holdings)

    def compare_holdings(self, holdings: dict[bytes, Record]) -> None:
        """Compare every balance, lot by lot. When the agenda looks at it is checked as an invariant."""
        for account in self.twin.accounts:
            for point_type in self.twin.point_types:
                found = holdings.pop(state.holding_key(account, point_type), EMPTY_HOLDING)
                assert isinstance(found, Holding)
                assert found.available == self.twin.balance(account, point_type)
                assert found.pending == self.twin.waiting(account, point_type)
                assert found.held == sum(lot.points for lot in self.twin.lots_in(account, point_type, "held"))
                assert found.debt == self.twin.debts.get((account, point_type), 0)
                for place, lots in [
                    ("available", found.lots),
                    ("pending", found.pending_lots),
                    ("awaiting", found.awaiting_lots),
                    ("lapsed", found.lapsed),
                ]:
                    naive = self.twin.lots_of(account, point_type, place)
                    assert [shape(lot) for lot in lots] == [(*lot[2:7], lot.paused_days) for lot in naive]
        assert holdings == {}


def as_record(lot: NaiveLot) -> Lot:
    """Return a naive lot as the real ledger writes it."""
    origin = LotOrigin[lot.origin.upper()]
    return Lot(lot.points, origin, lot.available_from, lot.expires_at, lot.renewal_days, lot.paused_days)


def shape(lot: Lot) -> tuple[object, ...]:
    """Return a lot as the twin writes it."""
    return (lot.points, lot.origin.name.lower(), lot.available_from, lot.expires_at, lot.renewal_days, lot.paused_days)


def simplified(receipt: Receipt) -> NaiveReceipt:
    """Return a real receipt in the twin's form."""
    assert (receipt.rejection == 0) == bool(receipt.effects)
    if receipt.rejection:
        return NaiveReceipt(Rejection(receipt.rejection), ())
    return NaiveReceipt(None, tuple(msgspec.structs.astuple(effect) for effect in receipt.effects))
