"""The real ledger and a naive second one take the same transactions; after every block nothing may differ.

Blocks are opened, closed, abandoned, rolled back, committed, written to a pretended disk and forgotten at random, with
so small a cache that records are evicted all the time.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, ClassVar, Final
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from jifen.ledger import apply, earning, lots, moving, state
from jifen.ledger.apply import apply_transaction, is_taken, preflight
from jifen.ledger.context import BlockContext
from jifen.ledger.genesis import write_genesis
from jifen.ledger.invariants import check_all
from jifen.ledger.receipts import Receipt
from jifen.ledger.rejections import PRECEDENCE, Rejection
from jifen.ledger.state import WorkingState
from jifen.ledger.transactions import Body, EarnPoints, RefundOrder, RegisterMember, Transaction, TransferPoints
from jifen.ledger.types import Account, Holding, Lot, OrderRecord, Record, RefundRecord, Supply, TransactionMark
from jifen.ledger.validators import ValidatorSet
from jifen.testing.naive_ledger import (
    CHAIN_ID,
    DAY_MS,
    START,
    NaiveLedger,
    NaiveReceipt,
    account_of,
    key_of,
    scene,
    transaction,
)

MEMBERS: Final = ("ann", "bo", "cy", "stranger")
"""The first three register at the start; the last one may or may not."""

TILLS: Final = ("mall till", "mall till", "mall issuer", "mall admin", "books till", "attic till", "ann")
POINT_TYPES: Final = ("mall/consumer", "mall/guide", "books/consumer", "attic/consumer", "mall/store")
MERCHANTS: Final = ("mall", "mall", "books", "mall", "attic", "nobody")

members = st.sampled_from(MEMBERS)
lives = st.sampled_from((3_600_000, 1, 2, 60_000, 3, 4, 0, DAY_MS, -1, DAY_MS + 1))
"""Time from the block to a transaction's expiry, ms; most are good."""
nonces = st.integers(0, 40).map(lambda number: number.to_bytes(8, "big"))
"""Few, so that one and the same transaction comes again, sometimes under other signatures."""


class LedgerMachine(RuleBasedStateMachine):
    """Drives both ledgers."""

    outcomes: ClassVar[Counter[Rejection | None]] = Counter()
    """What became of the transactions of all runs."""

    def __init__(self) -> None:
        super().__init__()
        self.cleanup = ExitStack()
        self.cleanup.enter_context(patch.object(state, "CACHED_RECORDS_MAX", 3))
        self.disk: dict[bytes, Record] = {}
        genesis = scene()
        self.working = WorkingState(self.disk.get, 0)
        self.working.begin_block()
        write_genesis(self.working, genesis)
        self.disk.update(self.working.end_block().writes)
        self.working = WorkingState(self.disk.get, 0)
        self.keys = set(self.disk)
        self.twins = [NaiveLedger(genesis)]
        """The twin after every block, by height."""
        self.twin = self.twins[0]
        """The twin in the open block, or the last one."""
        self.times = [START]
        self.time = START
        self.open = False
        self.unstored: list[tuple[int, dict[bytes, Record]]] = []
        self.stored = 0
        self.known: list[Transaction] = []

    def teardown(self) -> None:
        """Give the cache's limit back."""
        self.cleanup.close()

    # ------------------------------------------------------------------------------------------------------ blocks

    @initialize()
    def register_members(self) -> None:
        self.begin(1)
        for name in MEMBERS[:3]:
            self.submit(RegisterMember(self.time + 1, bytes(8), key_of(name)), key_of(name))
        self.end()
        # Lots of two days from the start: which of them goes first then shows in whatever is spent next.
        for day, number in enumerate((201, 202)):
            self.begin(day * (DAY_MS + 1))
            self.earn_anything(1, bytes(8), "mall", number, "ann", "mall/consumer", 500, ["mall till"])
            self.end()

    @precondition(lambda self: not self.open)
    @rule(step=st.sampled_from((0, 1, 60_000, DAY_MS // 2, DAY_MS + 1)))
    def begin(self, step: int) -> None:
        self.working.begin_block()
        self.twin = self.twins[-1].copy()
        self.time = self.times[-1] + step
        self.open = True

    @precondition(lambda self: self.open)
    @rule()
    def end(self) -> None:
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
        self.working.abandon_block()
        self.open = False
        self.compare()

    @precondition(lambda self: not self.open and self.working.committed < self.working.height)
    @rule(steps=st.integers(0, 3))
    def roll_back(self, steps: int) -> None:
        height = max(self.working.height - steps, self.working.committed)
        self.working.roll_back_to(height)
        del self.twins[height + 1 :], self.times[height + 1 :]
        self.compare()

    @precondition(lambda self: not self.open and self.working.committed < self.working.height)
    @rule()
    def commit(self) -> None:
        block = self.working.commit()
        assert block.height == self.working.committed
        self.unstored.append((block.height, block.writes))

    @precondition(lambda self: self.unstored)
    @rule()
    def store(self) -> None:
        height, writes = self.unstored.pop(0)
        self.disk.update(writes)
        self.stored = height

    @precondition(lambda self: not self.open and self.working.flushed < self.stored)
    @rule()
    def forget(self) -> None:
        self.working.forget_flushed(self.stored)
        self.compare()

    # ------------------------------------------------------------------------------------------------ transactions

    @precondition(lambda self: self.open)
    @rule(life=lives, nonce=nonces, member=members, signer=members)
    def register(self, life: int, nonce: bytes, member: str, signer: str) -> None:
        self.submit(RegisterMember(self.time + life, nonce, key_of(member)), key_of(signer))

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        merchant=st.sampled_from(MERCHANTS),
        order=st.integers(0, 12),
        account=members,
        point_type=st.sampled_from(POINT_TYPES),
        amount=st.integers(0, 1000) | st.sampled_from((6, 7, 9_000_000, 10**12)),
        signers=st.lists(st.sampled_from(TILLS), min_size=1, max_size=2),
    )
    def earn_anything(
        self,
        life: int,
        nonce: bytes,
        merchant: str,
        order: int,
        account: str,
        point_type: str,
        amount: int,
        signers: list[str],
    ) -> None:
        body = EarnPoints(
            self.time + life, nonce, merchant, f"no{order}", account_of(key_of(account)), point_type, amount, 7
        )
        self.submit(body, *map(key_of, dict.fromkeys(signers)))

    @precondition(lambda self: self.open)
    @rule(
        purchases=st.lists(
            st.tuples(
                nonces,
                st.sampled_from(POINT_TYPES[:3]),
                st.integers(0, 200),
                st.sampled_from(MEMBERS[:3]),
                st.integers(0, 1000) | st.just(5_000_000),
            ),
            min_size=1,
            max_size=6,
        )
    )
    def earn_properly(self, purchases: list[tuple[bytes, str, int, str, int]]) -> None:
        for nonce, point_type, order, account, amount in purchases:
            merchant = point_type.split("/", maxsplit=1)[0]
            self.earn_anything(DAY_MS, nonce, merchant, order, account, point_type, amount, [f"{merchant} till"])

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        sender=members,
        recipient=members,
        point_type=st.sampled_from(POINT_TYPES),
        points=st.integers(1, 60),
        signer=members,
    )
    def transfer_anything(
        self, life: int, nonce: bytes, sender: str, recipient: str, point_type: str, points: int, signer: str
    ) -> None:
        source, target = account_of(key_of(sender)), account_of(key_of(recipient))
        body = TransferPoints(self.time + life, nonce, source, target, point_type, points, b"")
        self.submit(body, key_of(signer))

    @precondition(lambda self: self.open and self.twin.lots)
    @rule(
        moves=st.lists(
            st.tuples(nonces, st.integers(0, 99), members, st.integers(1, 4), st.integers(-1, 1)),
            min_size=1,
            max_size=5,
        )
    )
    def transfer_held_points(self, moves: list[tuple[bytes, int, str, int, int]]) -> None:
        for nonce, pick, recipient, share, more in moves:
            lot = self.twin.lots[pick % len(self.twin.lots)]
            points = max(1, self.twin.balance(lot.owner, lot.point_type) // share + more)
            target = account_of(key_of(recipient))
            body = TransferPoints(self.time + DAY_MS, nonce, lot.owner, target, lot.point_type, points, b"")
            self.submit(body, self.twin.accounts[lot.owner][0])

    @precondition(lambda self: self.open)
    @rule(
        refunds=st.lists(
            st.tuples(
                lives, nonces, st.sampled_from(MERCHANTS), st.integers(0, 12), st.integers(0, 20), st.integers(1, 600)
            ),
            min_size=1,
            max_size=4,
        ),
        till=st.sampled_from((*TILLS, "mall till", "mall till")),
    )
    def refund_anything(self, refunds: list[tuple[int, bytes, str, int, int, int]], till: str) -> None:
        for life, nonce, merchant, order, number, amount in refunds:
            body = RefundOrder(self.time + life, nonce, merchant, f"no{order}", f"r{number}", amount)
            self.submit(body, key_of(till))

    @precondition(lambda self: self.open and self.twin.orders)
    @rule(
        refunds=st.lists(
            st.tuples(nonces, st.integers(0, 99), st.integers(0, 1000), st.integers(1, 4), st.integers(0, 1)),
            min_size=1,
            max_size=5,
        )
    )
    def refund_credited_orders(self, refunds: list[tuple[bytes, int, int, int, int]]) -> None:
        for nonce, pick, number, share, more in refunds:
            merchant, order = sorted(self.twin.orders)[pick % len(self.twin.orders)]
            left = self.twin.orders[merchant, order][1].amount_fen - self.twin.refunded_of(merchant, order)
            amount = max(1, left // share + more)
            body = RefundOrder(self.time + DAY_MS, nonce, merchant, order, f"r{number}", amount)
            self.submit(body, key_of(f"{merchant} till"))

    @precondition(lambda self: self.open and self.known)
    @rule(pick=st.integers(0, 999))
    def resubmit(self, pick: int) -> None:
        item = self.known[pick % len(self.known)]
        self.submit(item.body, *item.signers)

    def submit(self, body: Body, *signers: bytes) -> None:
        """Offer a transaction to both ledgers; both must say the same, before and after."""
        item = transaction(body, *signers)
        self.known.append(item)
        context = BlockContext(CHAIN_ID, self.working.height + 1, self.time)
        expected = min(self.twin.reasons(item, self.time), default=None, key=PRECEDENCE.__getitem__)
        assert preflight(self.working, item, context) == expected
        assert is_taken(self.working, item) == self.twin.is_taken(item)
        if self.twin.is_taken(item):
            assert expected in {Rejection.EXPIRED, Rejection.EXPIRY_TOO_FAR, Rejection.ALREADY_APPLIED}
        else:
            receipt = apply_transaction(self.working, item, context)
            assert simplified(receipt) == self.twin.apply(item, self.time)
            assert receipt.transaction_id == item.id
        self.outcomes[expected] += 1

    # -------------------------------------------------------------------------------------------------- comparison

    def records(self) -> Iterator[tuple[bytes, Record]]:
        """Yield everything that the real ledger holds."""
        for key in sorted(self.keys | self.disk.keys()):
            record = self.working.get(key)
            if record is not None:
                yield key, record

    def compare(self) -> None:
        """Compare everything, and check every invariant."""
        for block in self.working._blocks:
            self.keys |= block.writes.keys()
        records = dict(self.records())
        check_all(records.items())
        assert self.working.height == len(self.twins) - 1
        self.twin = twin = self.twins[-1]
        expected: dict[bytes, Record] = {state.organization_key(item.id): item for item in twin.organizations.values()}
        for name, kind in twin.point_types.items():
            expected[state.point_type_key(name)] = kind
            expected[state.supply_key(name)] = Supply(twin.issued[name], twin.burned[name])
        for account, (key, time) in twin.accounts.items():
            expected[state.account_key(account)] = Account(account, key, time)
        for (merchant, order), (identity, body) in twin.orders.items():
            kind = twin.point_types[body.point_type]
            rate = (kind.rule_version, kind.earn_points, kind.earn_fen)
            gone = twin.refunded_of(merchant, order)
            expected[state.order_key(merchant, order)] = OrderRecord(
                identity, body.account, body.point_type, *rate, body.amount_fen, gone
            )
        for (merchant, number), (identity, _) in twin.refunds.items():
            expected[state.refund_key(merchant, number)] = RefundRecord(identity)
        for validator in twin.validators:
            expected[state.validator_key(validator.id)] = validator
        expected[state.VALIDATOR_SET_KEY] = ValidatorSet(tuple(twin.voters))
        marks = {key: records.pop(key) for key in list(records) if key[:1] == state.MARK}
        holdings = {key: records.pop(key) for key in list(records) if key[:1] == state.HOLDING}
        assert records == expected
        assert {key[9:] for key in marks} == twin.receipts.keys()
        assert all(isinstance(mark, TransactionMark) and 1 <= mark.height < len(self.twins) for mark in marks.values())
        self.compare_holdings(holdings)

    def compare_holdings(self, holdings: dict[bytes, Record]) -> None:
        """Compare every balance, lot by lot; one that was spent to the last point may or may not be there."""
        for account in self.twin.accounts:
            for point_type in self.twin.point_types:
                found = holdings.pop(state.holding_key(account, point_type), Holding(0, ()))
                assert isinstance(found, Holding)
                naive = self.twin.lots_of(account, point_type)
                assert found.available == sum(lot.points for lot in naive)
                assert found.debt == self.twin.debts.get((account, point_type), 0)
                assert [
                    (lot.points, lot.origin.name.lower(), lot.available_from, lot.expires_at) for lot in found.lots
                ] == [lot[2:] for lot in naive]
        assert holdings == {}


def simplified(receipt: Receipt) -> NaiveReceipt:
    """Return a real receipt in the twin's form."""
    assert (receipt.rejection == 0) == (len(receipt.effects) == 1)
    if receipt.rejection:
        return NaiveReceipt(Rejection(receipt.rejection), ())
    return NaiveReceipt(None, msgspec.structs.astuple(receipt.effects[0]))


TestLedgerAgainstItsTwin = LedgerMachine.TestCase
TestLedgerAgainstItsTwin.settings = settings(stateful_step_count=60)
"""The examples' number comes from the profile: HYPOTHESIS_PROFILE=nightly makes it a long run."""


def newest_first(holding: Holding, points: int) -> tuple[Holding, list[Lot]]:
    """Take lots from the wrong end."""
    rest, taken = lots.take_lots(Holding(holding.available, holding.lots[::-1]), points)
    return Holding(rest.available, rest.lots[::-1]), taken


def rounded_up(point_type: Any, amount_fen: int) -> int:
    """Earn a point more than is due whenever the amount does not divide."""
    return -(-amount_fen * int(point_type.earn_points) // int(point_type.earn_fen))


def half_restored(self: WorkingState, replaced: dict[bytes, Record | None]) -> None:
    """Undo a block's writes, but leave what it created."""
    self._records.update({key: record for key, record in replaced.items() if record is not None})


@pytest.mark.parametrize(
    ("where", "name", "wrong"),
    [
        pytest.param(moving, "take_lots", newest_first, id="newest lots are spent first"),
        pytest.param(earning, "points_for", rounded_up, id="points are rounded up"),
        pytest.param(WorkingState, "_restore", half_restored, id="created records survive a rollback"),
        pytest.param(WorkingState, "_evict", lambda self, excess: self._records.clear(), id="eviction takes all"),
        pytest.param(apply, "TRANSACTION_LIFETIME_MS_MAX", 2 * DAY_MS, id="transactions live for two days"),
    ],
)
def test_the_comparison_finds_a_wrong_rule(where: object, name: str, wrong: Callable[..., object]) -> None:
    few = settings(
        max_examples=400,
        stateful_step_count=60,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
    )

    with patch.object(where, name, wrong), pytest.raises(AssertionError):
        run_state_machine_as_test(LedgerMachine, settings=few)
