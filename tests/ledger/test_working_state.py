"""The working state: undoing is as if it had never been, and nothing unwritten is ever forgotten."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.ledger import state
from jifen.ledger.state import WorkingState, after_prefix
from jifen.ledger.types import Record, TransactionMark
from jifen.testing.memory import Memory

keys = st.integers(0, 9).map(lambda number: b"k%d" % number)
records = st.integers(1, 1000).map(TransactionMark)
disks = st.dictionaries(keys, records, max_size=5)
blocks = st.dictionaries(keys, st.none() | records, max_size=5)
"""What blocks write; None deletes."""


def run(working: WorkingState, *written: Mapping[bytes, Record | None]) -> None:
    """Execute blocks that write these records."""
    for block in written:
        working.begin_block()
        write(working, block)
        working.end_block()


def write(working: WorkingState, block: Mapping[bytes, Record | None]) -> None:
    """Write records into the open block."""
    for key, record in block.items():
        if record is None:
            working.delete(key)
        else:
            working.put(key, record)


def on_disk(*written: Mapping[bytes, Record | None]) -> Memory:
    """Return a state to which these records were written."""
    memory = Memory()
    for block in written:
        for key, record in block.items():
            if record is None:
                memory.delete(key)
            else:
                memory.put(key, record)
    return memory


def view(working: WorkingState) -> dict[bytes, Record | None]:
    """Return every record the tests write; ranges must say the same."""
    found = {b"k%d" % number: working.get(b"k%d" % number) for number in range(10)}
    there = [(key, record) for key, record in found.items() if record is not None]
    assert working.range(b"", b"\xff", 100) == there
    assert working.range(b"k3", b"k7", 2) == [item for item in there if b"k3" <= item[0] < b"k7"][:2]
    return found


@given(disk=disks, kept=st.lists(blocks, max_size=4), undone=st.lists(blocks, max_size=4), after=blocks)
def test_a_rollback_is_as_if_the_blocks_had_never_been(
    disk: dict[bytes, Record],
    kept: list[dict[bytes, Record | None]],
    undone: list[dict[bytes, Record | None]],
    after: dict[bytes, Record | None],
) -> None:
    never, rolled = WorkingState(on_disk(disk), 0), WorkingState(on_disk(disk), 0)
    run(never, *kept)
    run(rolled, *kept, *undone)

    rolled.roll_back_to(len(kept))

    assert rolled.height == len(kept)
    assert view(rolled) == view(never)
    run(never, after)
    run(rolled, after)
    assert view(rolled) == view(never)
    assert [rolled.commit() for _ in range(len(kept) + 1)] == [never.commit() for _ in range(len(kept) + 1)]


@given(disk=disks, kept=st.lists(blocks, max_size=3), abandoned=blocks)
def test_an_abandoned_block_is_as_if_it_had_never_been(
    disk: dict[bytes, Record], kept: list[dict[bytes, Record | None]], abandoned: dict[bytes, Record]
) -> None:
    never, other = WorkingState(on_disk(disk), 5), WorkingState(on_disk(disk), 5)
    run(never, *kept)
    run(other, *kept)

    other.begin_block()
    for key, record in abandoned.items():
        write(other, {key: record})
        assert other.get(key) == record
    other.abandon_block()

    assert other.height == never.height == 5 + len(kept)
    assert view(other) == view(never)


@pytest.mark.parametrize("limit", [0, 1, 3])
@given(written=st.lists(blocks, min_size=1, max_size=8), data=st.data())
def test_eviction_loses_no_write_that_is_not_on_disk(
    limit: int, written: list[dict[bytes, Record | None]], data: st.DataObject
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state, "CACHED_RECORDS_MAX", limit)
        disk = Memory()
        working = WorkingState(disk, 0)
        expected: dict[bytes, Record | None] = {}
        for block in written:
            run(working, block)
            expected |= block
            while working.committed < working.height and data.draw(st.booleans()):
                disk.take_in(working.commit().writes)
            if data.draw(st.booleans()):
                working.forget_flushed(working.committed)
                pending = {key for item in working._blocks for key in item.writes}
                assert len(working._records) <= max(limit, 0) + len(pending)
                assert pending <= working._records.keys()
            assert view(working) == {b"k%d" % number: expected.get(b"k%d" % number) for number in range(10)}


def test_within_the_limit_nothing_is_evicted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "CACHED_RECORDS_MAX", 2)
    reads: list[bytes] = []

    class Counted(Memory):
        def get(self, key: bytes, default: Any = None) -> Any:
            reads.append(key)
            return super().get(key, default)

    working = WorkingState(Counted({b"k%d" % number: TransactionMark(number) for number in (1, 2, 3)}), 0)
    for key in (b"k1", b"k2"):
        working.get(key)
    working.forget_flushed(0)
    for key in (b"k1", b"k2", b"k3"):
        working.get(key)
    assert reads == [b"k1", b"k2", b"k3"]

    working.forget_flushed(0)
    for key in (b"k3", b"k2", b"k1"):
        working.get(key)
    assert reads == [b"k1", b"k2", b"k3", b"k1"], "the one known longest has to go"


def test_a_block_tells_what_it_wrote_last_and_what_was_there_first() -> None:
    working = WorkingState(Memory({b"k1": TransactionMark(1), b"k3": TransactionMark(5)}), 7)
    working.begin_block()
    working.put(b"k2", TransactionMark(2))
    working.put(b"k1", TransactionMark(3))
    working.put(b"k2", TransactionMark(4))
    working.delete(b"k3")
    working.put(b"k0", TransactionMark(6))
    working.delete(b"k0")
    working.delete(b"k9")

    block = working.end_block()

    assert block.height == working.height == 8
    assert list(block.writes.items()) == [(b"k1", TransactionMark(3)), (b"k2", TransactionMark(4)), (b"k3", None)]
    assert list(block.replaced.items()) == [(b"k1", TransactionMark(1)), (b"k2", None), (b"k3", TransactionMark(5))]
    assert block.keys == [b"k1", b"k2", b"k3"]


def test_blocks_are_committed_in_order_and_forgotten_once_they_are_on_disk() -> None:
    disk = Memory()
    working = WorkingState(disk, 0)
    run(working, {b"k1": TransactionMark(1)}, {b"k1": TransactionMark(2)}, {b"k1": TransactionMark(3)})

    first, second = working.commit(), working.commit()

    assert (first.height, second.height) == (1, 2)
    assert (working.flushed, working.committed, working.height) == (0, 2, 3)
    disk.take_in(first.writes)
    working.forget_flushed(1)
    assert (working.flushed, working.committed, working.height) == (1, 2, 3)
    assert working.get(b"k1") == TransactionMark(3)
    working.roll_back_to(2)
    assert working.get(b"k1") == TransactionMark(2)
    disk.take_in(second.writes)
    working.forget_flushed(2)
    assert working.get(b"k1") == TransactionMark(2)
    assert (working.flushed, working.committed, working.height) == (2, 2, 2)


def test_forgetting_an_earlier_height_again_changes_nothing() -> None:
    working = WorkingState(Memory(), 0)
    run(working, {b"k1": TransactionMark(1)}, {b"k2": TransactionMark(2)})
    working.commit()
    working.forget_flushed(1)

    working.forget_flushed(0)

    assert working.flushed == 1


def test_a_record_deleted_and_rolled_back_before_the_disk_knows_stays_deleted() -> None:
    working = WorkingState(Memory({b"k1": TransactionMark(1)}), 0)
    run(working, {b"k1": None}, {b"k1": TransactionMark(2)})

    working.roll_back_to(1)

    assert working.get(b"k1") is None
    assert working.range(b"k", b"l", 9) == []


def test_a_range_sees_the_open_block_and_gives_as_many_as_asked_for() -> None:
    disk = Memory({b"k%d" % number: TransactionMark(number) for number in range(10)})
    working = WorkingState(disk, 0)
    run(working, {b"k1": None, b"k2": None}, {b"k3": None, b"k0": TransactionMark(50)})
    working.begin_block()
    write(working, {b"k4": None, b"k3": TransactionMark(33), b"k2x": TransactionMark(22)})

    assert working.range(b"k0", b"l", 4) == [
        (b"k0", TransactionMark(50)), (b"k2x", TransactionMark(22)), (b"k3", TransactionMark(33)),
        (b"k5", TransactionMark(5)),
    ]  # fmt: skip
    assert working.range(b"k1", b"k3", 4) == [(b"k2x", TransactionMark(22))]
    assert working.range(b"k5", b"k5", 4) == []
    assert working.range(b"k0", b"l", 0) == []


def test_a_range_asked_for_again_and_again_in_a_block_sees_what_was_written_in_between() -> None:
    working = WorkingState(Memory({b"k2": TransactionMark(2)}), 0)
    working.begin_block()
    for number in (5, 1, 9, 3):
        working.put(b"k%d" % number, TransactionMark(number))
        assert view(working)[b"k%d" % number] == TransactionMark(number)
    working.delete(b"k1")
    working.put(b"k3", TransactionMark(33))
    assert [key for key, _ in working.range(b"k", b"l", 9)] == [b"k2", b"k3", b"k5", b"k9"]
    working.abandon_block()
    working.begin_block()
    working.put(b"k4", TransactionMark(4))
    assert [key for key, _ in working.range(b"k", b"l", 9)] == [b"k2", b"k4"]


def test_a_range_is_right_while_the_disk_runs_ahead_of_what_was_forgotten() -> None:
    disk = Memory({b"k1": TransactionMark(1), b"k2": TransactionMark(2)})
    working = WorkingState(disk, 0)
    run(working, {b"k1": None}, {b"k1": TransactionMark(3)}, {b"k2": None})

    disk.take_in(working.commit().writes)
    disk.take_in(working.commit().writes)

    assert working.range(b"k", b"l", 9) == [(b"k1", TransactionMark(3))]
    working.forget_flushed(2)
    assert working.range(b"k", b"l", 9) == [(b"k1", TransactionMark(3))]


@pytest.mark.parametrize(
    ("prefix", "end"),
    [(b"t", b"u"), (b"t\x00", b"t\x01"), (b"ab", b"ac"), (b"t\xff", b"u"), (b"t\x01\xff\xff", b"t\x02")],
)
def test_the_end_of_a_prefix_lies_behind_all_its_keys(prefix: bytes, end: bytes) -> None:
    assert after_prefix(prefix) == end
    assert prefix < prefix + b"\xff" * 9 < end


def opened() -> WorkingState:
    """Return a state with block 1 committed, block 2 executed and block 3 open."""
    working = WorkingState(Memory(), 0)
    run(working, {b"k1": TransactionMark(1)}, {b"k1": TransactionMark(2)})
    working.commit()
    working.begin_block()
    return working


def closed() -> WorkingState:
    """Return a state with block 1 committed and block 2 executed."""
    working = opened()
    working.abandon_block()
    return working


def test_a_call_out_of_order_is_our_own_fault() -> None:
    with pytest.raises(AssertionError, match="a record was written outside a block"):
        closed().put(b"k1", TransactionMark(1))
    with pytest.raises(AssertionError, match="a block is open already"):
        opened().begin_block()
    with pytest.raises(AssertionError, match="no block is open"):
        closed().end_block()
    with pytest.raises(AssertionError, match="no block is open"):
        closed().abandon_block()
    with pytest.raises(AssertionError, match="a block is open"):
        opened().roll_back_to(1)
    with pytest.raises(AssertionError, match="block 1 is committed; going back to 0 would undo it"):
        closed().roll_back_to(0)
    with pytest.raises(AssertionError, match="block 2 was flushed before it was committed"):
        closed().forget_flushed(2)
    working = closed()
    working.commit()
    with pytest.raises(AssertionError, match="there is no executed block to commit"):
        working.commit()


def test_forgetting_while_a_block_is_open_is_our_own_fault() -> None:
    with pytest.raises(AssertionError, match="a block is open"):
        opened().forget_flushed(1)


def test_keys_of_different_tables_and_owners_never_meet() -> None:
    names = ["a", "ab", "b", "mall", "mall-a"]
    accounts = [bytes([number]) * 20 for number in range(3)]
    found = [
        *(make(name) for make in (state.organization_key, state.point_type_key, state.supply_key) for name in names),
        *(state.account_key(account) for account in accounts),
        *(state.holding_key(account, name) for account in accounts for name in names),
        *(state.order_key(merchant, order) for merchant in names for order in names),
        *(state.mark_key(time, bytes(32)) for time in (0, 1, 2**48)),
        *(state.mark_key(5, bytes([number]) * 32) for number in range(3)),
    ]

    assert len(set(found)) == len(found)
    assert state.mark_key(255, b"\xff" * 32) < state.mark_key(256, bytes(32)), "expired marks form one range"
