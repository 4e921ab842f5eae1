"""A store that begins above block 1: compaction in slices, installing a snapshot, scanning at exactly one height."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import lmdb
import pytest

from jifen.chain.checkpoints import Manifest, SnapshotInvalid, ascending, pack
from jifen.chain.executor import ExecutedBlock, Tip
from jifen.codec.canonical import encode
from jifen.consensus.types import HardState, Position
from jifen.store import log_range
from jifen.store.errors import BlockNotHeld, StoreDamaged
from jifen.store.ledger_store import LedgerStore
from jifen.store.records import CommittedBlock, StoreBatch, cut_after
from jifen.testing.small_chain import SmallChain

MAP_BYTES = 32 << 20
BLOCKS = 12


class Filled:
    """A chain of twelve committed blocks, and the state after each as a snapshot's records."""

    def __init__(self) -> None:
        self.chain = SmallChain()
        self.blocks: list[ExecutedBlock] = []
        self.states: list[list[tuple[bytes, bytes]]] = [sorted(self.chain.committed.records.items())]
        clerk = self.chain.clerk
        for number in range(BLOCKS):
            items = [clerk.register(f"member {number}")] + ([clerk.earn("member 0", f"o-{number}")] if number else [])
            self.blocks.append(self.chain.build(items))
            self.chain.commit()
            self.states.append(sorted(self.chain.committed.records.items()))

    def batch(self, first: int = 1, last: int = BLOCKS, *, committed: int = BLOCKS) -> StoreBatch:
        blocks = self.blocks[first - 1 : last]
        done = tuple(
            CommittedBlock(block, self.chain.certify(block)) for block in blocks if block.tip.height <= committed
        )
        return StoreBatch(blocks=tuple((block.tip.height, block.payload) for block in blocks), commits=done)

    def install(self, store: LedgerStore, height: int, chunks: Iterator[bytes] | None = None) -> None:
        store.install(self.manifest(height), ascending(chunks or pack(self.states[height])))

    def manifest(self, height: int) -> Manifest:
        return manifest_of(self.chain, self.blocks[height - 1], self.blocks[height - 2].tip)

    def position(self, height: int) -> Position:
        tip = self.blocks[height - 1].tip
        return Position(height, tip.header.term, tip.hash)


def manifest_of(chain: SmallChain, block: ExecutedBlock, before: Tip) -> Manifest:
    """Return a manifest that the store believes; what proves it is not its business."""
    return Manifest(1, block.tip.header, before.frontier, chain.certify(block), (bytes(32),))


@pytest.fixture(scope="module")
def filled() -> Filled:
    return Filled()


@pytest.fixture
def store(tmp_path: Path, filled: Filled) -> Iterator[LedgerStore]:
    opened = LedgerStore(tmp_path / "ledger", filled.chain.anchor, MAP_BYTES)
    yield opened
    opened.close()


def state_of(store: LedgerStore) -> list[tuple[bytes, bytes]]:
    with store.view() as view:
        return [(key, encode(record)) for key, record in view.items()]


def reopened(store: LedgerStore, filled: Filled) -> LedgerStore:
    path = store._path
    store.close()
    return LedgerStore(path, filled.chain.anchor, MAP_BYTES, may_be_new=False)


# Compacting.


def test_compacting_drops_blocks_with_all_that_belongs_to_them_and_the_state_stays(
    store: LedgerStore, filled: Filled
) -> None:
    store.write([filled.batch()])
    assert store.base == Position(0, 0, filled.chain.anchor.tip.hash)
    assert store.compact(7) is False
    assert (store.base, store.last_height, store.tip.height) == (filled.position(7), BLOCKS, BLOCKS)
    assert [height for height in range(BLOCKS + 1) if store.entry(height) is not None] == list(range(8, BLOCKS + 1))
    assert state_of(store) == filled.states[BLOCKS]
    with store.view() as view:
        assert (view.first_height, view.holds(0), view.holds(7), view.holds(8)) == (8, True, False, True)
        assert view.block(0) is not None
        assert view.block(8) is not None
        with pytest.raises(BlockNotHeld, match="holds blocks from height 8 on; ask one that keeps all"):
            view.block(7)
        assert view.certificate(6) is None
        assert view.certificate(7) is not None, "what stands at the base is provable"
        for block in filled.blocks:
            held = block.tip.height > 7
            for item in block.transactions:
                assert (view.outcome(item.id) is not None) is held
                assert (view.transaction(item.id) is not None) is held


def test_compaction_works_in_slices_each_of_which_is_whole(
    store: LedgerStore, filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_range, "SLICE_BLOCKS_MAX", 3)
    store.write([filled.batch()])
    bases = []
    while store.compact(8):
        bases.append(store.base.height)
        assert store.entry(store.base.height + 1) is not None
    assert (bases, store.base.height) == ([3, 6], 8)
    monkeypatch.setattr(log_range, "SLICE_BLOCKS_MAX", 100)
    monkeypatch.setattr(log_range, "SLICE_TRANSACTIONS_MAX", 3)
    assert store.compact(12) is True
    assert store.base.height == 10, "two blocks of two transactions"


def test_a_compacted_store_opens_again_and_goes_on(store: LedgerStore, filled: Filled) -> None:
    store.write([filled.batch(1, 11, committed=10)])
    store.compact(10)
    again = reopened(store, filled)
    try:
        assert (again.base, again.tip.height, again.last_height) == (filled.position(10), 10, 11)
        assert again.position(10) == filled.position(10)
        block = filled.blocks[10]
        again.write([StoreBatch(commits=(CommittedBlock(block, filled.chain.certify(block)),))])
        assert state_of(again) == filled.states[11]
        assert again.compact(5) is False, "compacting to a lower height changes nothing"
    finally:
        again.close()


def test_what_is_not_committed_is_never_compacted(store: LedgerStore, filled: Filled) -> None:
    store.write([filled.batch(committed=5)])
    with pytest.raises(AssertionError):
        store.compact(6)


@pytest.mark.parametrize("height", [8, 10])
def test_a_hole_in_a_compacted_log_is_found_when_it_is_opened(store: LedgerStore, filled: Filled, height: int) -> None:
    store.write([filled.batch()])
    store.compact(7)
    with store._env.begin(write=True) as transaction:
        transaction.delete(height.to_bytes(8, "big"), db=store._tables[b"log"])
    with pytest.raises(StoreDamaged, match="blocks of the log are missing"):
        reopened(store, filled)


# Installing.


def test_installing_puts_the_snapshots_state_in_place_of_everything(store: LedgerStore, filled: Filled) -> None:
    store.write([filled.batch(1, 4, committed=3)])
    store.write([StoreBatch(hard_state=HardState(5, "mall"))])
    filled.install(store, 9)
    assert state_of(store) == filled.states[9]
    assert (store.tip, store.base, store.last_height) == (filled.blocks[8].tip, filled.position(9), 9)
    assert store.hard_state == HardState(5, "mall"), "a vote is never forgotten"
    with store.view() as view:
        assert [view.holds(height) for height in (0, 1, 9, 10)] == [True, False, False, True]
        assert view.block(0) is not None
        assert view.certificate(9) is not None
        assert view.outcome(filled.blocks[0].transactions[0].id) is None
    again = reopened(store, filled)
    try:
        assert (again.tip.height, again.last_height) == (9, 9)
        again.write([filled.batch(10, 12)])
        assert state_of(again) == filled.states[12]
        with again.view() as view:
            assert view.transaction(filled.blocks[11].transactions[0].id) is not None
    finally:
        again.close()


def test_blocks_that_follow_the_snapshots_own_stay_and_others_go(store: LedgerStore, filled: Filled) -> None:
    store.write([filled.batch(1, 11, committed=2)])
    filled.install(store, 9)
    assert store.last_height == 11
    other = LedgerStore(store._path.parent / "other", filled.chain.anchor, MAP_BYTES)
    try:
        fork = SmallChain()
        blocks = [fork.build([], time=7 + filled.blocks[0].tip.header.time) for _ in range(11)]
        other.write([StoreBatch(blocks=tuple((block.tip.height, block.payload) for block in blocks))])
        filled.install(other, 9)
        assert (other.last_height, other.entry(10)) == (9, None)
    finally:
        other.close()


def test_a_snapshot_of_a_later_term_is_never_below_the_stored_one(tmp_path: Path) -> None:
    chain = SmallChain()
    block = chain.build([], term=4)
    chain.commit()
    records = sorted(chain.committed.records.items())
    store = LedgerStore(tmp_path / "ledger", chain.anchor, MAP_BYTES)
    store.write([StoreBatch(hard_state=HardState(2, "mall"))])
    store.install(manifest_of(chain, block, chain.anchor.tip), [records])
    assert store.hard_state == HardState(4, None)
    store.close()


def test_a_snapshot_that_turns_out_damaged_halfway_leaves_everything_as_it_was(
    store: LedgerStore, filled: Filled
) -> None:
    store.write([filled.batch(1, 4, committed=3)])

    def damaged() -> Iterator[bytes]:
        yield from pack(filled.states[9])
        raise SnapshotInvalid("chunk 1 of snapshot 9 is gone")

    for chunks in (damaged(), iter([b"".join(pack(filled.states[9]))] * 2)):
        with pytest.raises(SnapshotInvalid):
            filled.install(store, 9, chunks)
        assert (store.tip.height, store.base.height, store.last_height) == (3, 0, 4)
        assert state_of(store) == filled.states[3]
    filled.install(store, 9)
    assert state_of(store) == filled.states[9]


def test_a_snapshot_below_the_committed_height_is_never_installed(store: LedgerStore, filled: Filled) -> None:
    store.write([filled.batch(1, 9)])
    for height in (5, 9):
        with pytest.raises(AssertionError):
            filled.install(store, height)
    assert store.tip.height == 9


class Interrupted(Exception):
    """Stands for the power going away: nothing after it happens."""


STEPS: Sequence[str] = ("delete", "drop", "cursor", "put", "get")


@pytest.mark.parametrize("step", range(12))
def test_a_crash_at_any_step_of_installing_leaves_the_old_store_or_the_new_one(
    store: LedgerStore, filled: Filled, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    store.write([filled.batch(1, 4, committed=3)])
    calls = 0

    class Breaking:
        """A transaction that is cut off at its `step`-th call."""

        def __init__(self, transaction: lmdb.Transaction) -> None:
            self._transaction = transaction

        def __getattr__(self, name: str) -> object:
            nonlocal calls
            if name in STEPS:
                calls += 1
                if calls > step:
                    raise Interrupted(name)
            return getattr(self._transaction, name)

    replace = log_range.replace_state
    monkeypatch.setattr(
        log_range,
        "replace_state",
        lambda transaction, *rest: replace(Breaking(transaction), *rest),  # type: ignore[arg-type]
    )
    interrupted = False
    try:
        filled.install(store, 9)
    except Interrupted:
        interrupted = True
    again = reopened(store, filled)
    try:
        height = 3 if interrupted else 9
        assert (again.tip.height, again.base.height) == (height, 0 if interrupted else 9)
        assert state_of(again) == filled.states[height]
    finally:
        again.close()
    assert interrupted == (step < calls)


# Scanning.


def test_the_state_is_scanned_at_exactly_the_height_of_the_checkpoint_whatever_is_written_with_it(
    store: LedgerStore, filled: Filled
) -> None:
    store._checkpoint_blocks = 6
    store.write([filled.batch(1, 9)])
    assert store.tip.height == 9
    scan = store.take_scan()
    assert scan is not None
    store.write([filled.batch(10, 12)])
    assert scan.tip == filled.blocks[5].tip
    assert scan.certificate() == filled.chain.certify(filled.blocks[5])
    chunks = list(iter(scan.next_chunk, None))
    scan.close()
    assert chunks == list(pack(filled.states[6]))
    later = store.take_scan()
    assert later is not None
    assert later.tip.height == 12
    later.close()
    assert store.take_scan() is None


def test_of_several_checkpoints_passed_at_once_the_first_is_scanned_and_the_others_are_not_kept_open(
    store: LedgerStore, filled: Filled
) -> None:
    store._checkpoint_blocks = 2
    store.write([filled.batch()])
    scan = store.take_scan()
    assert scan is not None
    assert scan.tip.height == 2
    scan.close()
    assert store.take_scan() is None


def test_batches_are_cut_right_after_each_checkpoint(filled: Filled) -> None:
    batches = [filled.batch(1, 5), filled.batch(6, 6), filled.batch(7, 12)]
    parts = list(cut_after(batches, 3))
    heights = [[block.executed.tip.height for batch in part for block in batch.commits] for part, _ in parts]
    assert heights == [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]]
    assert [ends for _, ends in parts] == [True] * 4
    assert [number for part, _ in parts for batch in part for number, _ in batch.blocks] == list(range(1, 13))
    assert list(cut_after(batches, 0)) == [(batches, False)]
    assert list(cut_after([], 3)) == []
    empty = StoreBatch(hard_state=HardState(1, None))
    assert list(cut_after([empty], 3)) == [([empty], False)]
