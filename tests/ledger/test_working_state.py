"""The working state: undoing is as if it had never been, and nothing unwritten is ever forgotten."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.ledger import state
from jifen.ledger.state import WorkingState
from jifen.ledger.types import Record, TransactionMark

keys = st.integers(0, 9).map(lambda number: b"k%d" % number)
blocks = st.dictionaries(keys, st.integers(1, 1000).map(TransactionMark), max_size=5)


def run(working: WorkingState, *written: Mapping[bytes, Record]) -> None:
    """Execute blocks that write these records."""
    for block in written:
        working.begin_block()
        for key, record in block.items():
            working.put(key, record)
        working.end_block()


def view(working: WorkingState) -> dict[bytes, Record | None]:
    """Return every record the tests write."""
    return {b"k%d" % number: working.get(b"k%d" % number) for number in range(10)}


@given(disk=blocks, kept=st.lists(blocks, max_size=4), undone=st.lists(blocks, max_size=4), after=blocks)
def test_a_rollback_is_as_if_the_blocks_had_never_been(
    disk: dict[bytes, Record],
    kept: list[dict[bytes, Record]],
    undone: list[dict[bytes, Record]],
    after: dict[bytes, Record],
) -> None:
    never, rolled = WorkingState(disk.get, 0), WorkingState(disk.get, 0)
    run(never, *kept)
    run(rolled, *kept, *undone)

    rolled.roll_back_to(len(kept))

    assert rolled.height == len(kept)
    assert view(rolled) == view(never)
    run(never, after)
    run(rolled, after)
    assert view(rolled) == view(never)
    assert [rolled.commit() for _ in range(len(kept) + 1)] == [never.commit() for _ in range(len(kept) + 1)]


@given(disk=blocks, kept=st.lists(blocks, max_size=3), abandoned=blocks)
def test_an_abandoned_block_is_as_if_it_had_never_been(
    disk: dict[bytes, Record], kept: list[dict[bytes, Record]], abandoned: dict[bytes, Record]
) -> None:
    never, other = WorkingState(disk.get, 5), WorkingState(disk.get, 5)
    run(never, *kept)
    run(other, *kept)

    other.begin_block()
    for key, record in abandoned.items():
        other.put(key, record)
        assert other.get(key) == record
    other.abandon_block()

    assert other.height == never.height == 5 + len(kept)
    assert view(other) == view(never)


@pytest.mark.parametrize("limit", [0, 1, 3])
@given(written=st.lists(blocks, min_size=1, max_size=8), data=st.data())
def test_eviction_loses_no_write_that_is_not_on_disk(
    limit: int, written: list[dict[bytes, Record]], data: st.DataObject
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state, "CACHED_RECORDS_MAX", limit)
        disk: dict[bytes, Record] = {}
        working = WorkingState(disk.get, 0)
        expected: dict[bytes, Record] = {}
        for block in written:
            run(working, block)
            expected |= block
            while working.committed < working.height and data.draw(st.booleans()):
                disk.update(working.commit().writes)
            if data.draw(st.booleans()):
                working.forget_flushed(working.committed)
                pending = {key for item in working._blocks for key in item.writes}
                assert len(working._records) <= max(limit, 0) + len(pending)
                assert pending <= working._records.keys()
            assert view(working) == {b"k%d" % number: expected.get(b"k%d" % number) for number in range(10)}


def test_within_the_limit_nothing_is_evicted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "CACHED_RECORDS_MAX", 2)
    reads: list[bytes] = []
    disk: dict[bytes, Record] = {b"k1": TransactionMark(1), b"k2": TransactionMark(2), b"k3": TransactionMark(3)}

    def load(key: bytes) -> Record | None:
        reads.append(key)
        return disk.get(key)

    working = WorkingState(load, 0)
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
    working = WorkingState({b"k1": TransactionMark(1)}.get, 7)
    working.begin_block()
    working.put(b"k2", TransactionMark(2))
    working.put(b"k1", TransactionMark(3))
    working.put(b"k2", TransactionMark(4))

    block = working.end_block()

    assert block.height == working.height == 8
    assert list(block.writes.items()) == [(b"k2", TransactionMark(4)), (b"k1", TransactionMark(3))]
    assert block.replaced == {b"k2": None, b"k1": TransactionMark(1)}


def test_blocks_are_committed_in_order_and_forgotten_once_they_are_on_disk() -> None:
    disk: dict[bytes, Record] = {}
    working = WorkingState(disk.get, 0)
    run(working, {b"k1": TransactionMark(1)}, {b"k1": TransactionMark(2)}, {b"k1": TransactionMark(3)})

    first, second = working.commit(), working.commit()

    assert (first.height, second.height) == (1, 2)
    assert (working.flushed, working.committed, working.height) == (0, 2, 3)
    disk.update(first.writes)
    working.forget_flushed(1)
    assert (working.flushed, working.committed, working.height) == (1, 2, 3)
    assert working.get(b"k1") == TransactionMark(3)
    working.roll_back_to(2)
    assert working.get(b"k1") == TransactionMark(2)
    disk.update(second.writes)
    working.forget_flushed(2)
    assert working.get(b"k1") == TransactionMark(2)
    assert (working.flushed, working.committed, working.height) == (2, 2, 2)


def test_forgetting_an_earlier_height_again_changes_nothing() -> None:
    working = WorkingState({}.get, 0)  # type: ignore[arg-type]  # mypy picks the overload of get with a default
    run(working, {b"k1": TransactionMark(1)}, {b"k2": TransactionMark(2)})
    working.commit()
    working.forget_flushed(1)

    working.forget_flushed(0)

    assert working.flushed == 1


def opened() -> WorkingState:
    """Return a state with block 1 committed, block 2 executed and block 3 open."""
    working = WorkingState(lambda _: None, 0)
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
