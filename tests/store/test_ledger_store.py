"""What the store keeps, and how it is read back: everything at one height."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from jifen.chain.executor import ExecutedBlock
from jifen.codec.blocks import decode_receipts
from jifen.codec.canonical import encode
from jifen.consensus.types import HardState, LogReader
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import SUPPLY, mark_key
from jifen.ledger.types import TransactionMark
from jifen.store import ledger_store
from jifen.store.ledger_store import LedgerStore
from jifen.store.records import CommittedBlock, Outcome, StoreBatch
from jifen.store.view import ReadView
from jifen.testing.small_alliance import CREATED_AT
from jifen.testing.small_chain import SmallChain, entry_of

MAP_BYTES = 32 << 20


@pytest.fixture
def chain() -> SmallChain:
    return SmallChain()


@pytest.fixture
def store(tmp_path: Path, chain: SmallChain) -> Iterator[LedgerStore]:
    opened = LedgerStore(tmp_path / "ledger", chain.anchor, MAP_BYTES)
    yield opened
    opened.close()


def appended(*blocks: ExecutedBlock, truncate_from: int | None = None) -> StoreBatch:
    payloads = tuple((block.tip.height, block.payload) for block in blocks)
    return StoreBatch(truncate_from=truncate_from, blocks=payloads)


def committed(chain: SmallChain, *blocks: ExecutedBlock) -> StoreBatch:
    return StoreBatch(commits=tuple(CommittedBlock(block, chain.certify(block)) for block in blocks))


def history(chain: SmallChain) -> list[ExecutedBlock]:
    clerk = chain.clerk
    return [
        chain.build([clerk.register("ann"), clerk.register("bob"), clerk.earn("ann", "o-1", 500)]),
        chain.build([]),
        chain.build(
            [clerk.earn("ann", "o-1"), clerk.transfer("ann", "bob", 20), clerk.earn("bob", "m-1", merchant="music")]
        ),
    ]


def state_of(view: ReadView) -> dict[bytes, bytes]:
    return {key: encode(record) for key, record in view.items()}


def test_a_new_store_stands_at_block_0(store: LedgerStore, chain: SmallChain) -> None:
    assert store.tip == chain.anchor.tip
    assert store.last_height == 0
    assert store.hard_state == HardState(0, None)
    with store.view() as view:
        assert (view.height, view.block_hash) == (0, chain.anchor.tip.hash)
        assert view.state_digest == chain.anchor.tip.header.state_digest
        assert [item.id for item in view.organizations()] == ["books", "cafe", "mall", "music"]
        assert [item.id for item in view.point_types()] == [
            f"{name}/consumer" for name in ("books", "cafe", "mall", "music")
        ]
        block = view.block(0)
        assert block is not None
        assert (block.transactions, block.receipts, block.certificate) == ((), (), None)


def test_appended_blocks_are_in_the_log_and_nowhere_else(store: LedgerStore, chain: SmallChain) -> None:
    blocks = history(chain)
    store.write([appended(*blocks)])
    assert store.last_height == 3
    assert [store.entry(height) for height in (1, 2, 3)] == [entry_of(block) for block in blocks]
    assert store.tip.height == 0
    with store.view() as view:
        assert view.height == 0
        assert view.block(1) is None
        assert view.outcome(blocks[0].receipts[0].transaction_id) is None
        assert view.account(chain.clerk.member("ann").account) is None


def test_committed_blocks_read_back_whole(store: LedgerStore, chain: SmallChain) -> None:
    blocks = history(chain)
    store.write([appended(*blocks), committed(chain, *blocks)])
    ann, bob = chain.clerk.member("ann"), chain.clerk.member("bob")
    with store.view() as view:
        for block in blocks:
            record = view.block(block.tip.height)
            assert record is not None
            assert (record.header, record.hash, record.receipts) == (block.tip.header, block.tip.hash, block.receipts)
            assert record.transactions == tuple(item.signed for item in block.transactions)
            assert record.certificate == chain.certify(block) == view.certificate(block.tip.height)
        assert view.block(4) is None
        assert view.block(-1) is None
        account = view.account(ann.account)
        assert account is not None
        assert account.key == ann.key.public
        assert [(name, item.available) for name, item in view.holdings(ann.account)] == [("books/consumer", 30)]
        assert [(name, item.available) for name, item in view.holdings(bob.account)] == [
            ("books/consumer", 20),
            ("music/consumer", 100),
        ]
        assert view.holdings(bytes(20)) == []
        assert view.supply("books/consumer").issued == 50
        with pytest.raises(KeyError):
            view.supply("nobody/consumer")


def test_a_holding_that_was_emptied_is_not_shown(store: LedgerStore, chain: SmallChain) -> None:
    clerk = chain.clerk
    block = chain.build(
        [clerk.register("ann"), clerk.register("bob"), clerk.earn("ann", "o-1", 500), clerk.transfer("ann", "bob", 50)]
    )
    store.write([appended(block), committed(chain, block)])
    with store.view() as view:
        assert view.holdings(clerk.member("ann").account) == []


def test_transactions_are_found_by_id_with_place_outcome_and_receipt(store: LedgerStore, chain: SmallChain) -> None:
    blocks = history(chain)
    store.write([appended(*blocks), committed(chain, *blocks)])
    with store.view() as view:
        for block in blocks:
            for index, (transaction, receipt) in enumerate(zip(block.transactions, block.receipts, strict=True)):
                record = view.transaction(transaction.id)
                assert record is not None
                assert (record.height, record.index) == (block.tip.height, index)
                assert (record.id, record.bytes, record.receipt) == (transaction.id, transaction.signed, receipt)
                assert view.outcome(transaction.id) == Outcome(block.tip.height, receipt.rejection)
        assert view.outcome(blocks[2].transactions[0].id) == Outcome(3, Rejection.ORDER_ALREADY_CREDITED)
        assert view.transaction(bytes(32)) is None
        assert view.outcome(bytes(32)) is None


def test_the_stored_state_is_the_executed_state(store: LedgerStore, chain: SmallChain) -> None:
    for block in history(chain):
        store.write([appended(block), committed(chain, block)])
        chain.commit()
        with store.view() as view:
            assert state_of(view) == chain.committed.records
            taken = block.transactions[0] if block.transactions else None
            if taken is not None:
                assert view.get(mark_key(taken.body.expires_at, taken.id)) == TransactionMark(view.height)


def test_a_view_stays_at_its_height_while_others_are_written(store: LedgerStore, chain: SmallChain) -> None:
    first, second, third = history(chain)
    store.write([appended(first, second), committed(chain, first)])
    with store.view() as view:
        before = state_of(view)
        store.write([appended(third), committed(chain, second, third)])
        assert (view.height, state_of(view)) == (1, before)
        assert view.block(2) is None
        with store.view() as newer:
            assert newer.height == 3
            assert state_of(newer) != before


async def test_views_in_one_thread_see_whole_blocks_while_another_thread_writes(
    store: LedgerStore, chain: SmallChain
) -> None:
    clerk = chain.clerk
    first = chain.build([clerk.register("ann")])
    blocks = [chain.build([clerk.earn("ann", f"o-{number}", 10)]) for number in range(40)]
    store.write([appended(first), committed(chain, first)])
    seen: list[int] = []
    done = False

    def write() -> None:
        for block in blocks:
            store.write([appended(block), committed(chain, block)])

    async def look() -> None:
        while not done:
            with store.view() as view:
                issued = view.supply("books/consumer").issued
                held = sum(item.available for _, item in view.holdings(clerk.member("ann").account))
                assert issued == held == view.height - 1
                assert view.block(view.height) is not None
                seen.append(view.height)
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(look)
        await trio.to_thread.run_sync(write)
        done = True
    assert seen == sorted(seen)
    assert store.tip.height == 41


def test_a_conflicting_tail_is_replaced_in_the_same_write(store: LedgerStore, chain: SmallChain) -> None:
    blocks = history(chain)
    store.write([appended(*blocks), committed(chain, blocks[0])])
    chain.executor.roll_back_to(1)
    other = chain.build([chain.clerk.register("cyd")], term=2)
    store.write([appended(other, truncate_from=2)])
    assert store.last_height == 2
    assert store.entry(2) == entry_of(other)
    assert store.entry(3) is None
    store.write([committed(chain, other)])
    assert store.tip == other.tip


def test_cutting_the_log_alone_leaves_the_committed_part(store: LedgerStore, chain: SmallChain) -> None:
    blocks = history(chain)
    store.write([appended(*blocks), committed(chain, blocks[0])])
    store.write([StoreBatch(truncate_from=2)])
    assert store.last_height == 1
    store.write([StoreBatch(truncate_from=2)])
    assert store.last_height == 1


@pytest.mark.parametrize("height", [0, 1])
def test_committed_blocks_cannot_be_cut_off(store: LedgerStore, chain: SmallChain, height: int) -> None:
    blocks = history(chain)
    store.write([appended(*blocks), committed(chain, blocks[0])])
    with pytest.raises(AssertionError, match="committed and stays"):
        store.write([StoreBatch(truncate_from=height)])
    assert store.last_height == 3


def test_blocks_cannot_be_committed_out_of_order(store: LedgerStore, chain: SmallChain) -> None:
    blocks = history(chain)
    store.write([appended(*blocks)])
    with pytest.raises(AssertionError, match="out of order"):
        store.write([committed(chain, blocks[1])])
    assert store.tip.height == 0


def test_term_and_vote_survive_reopening_with_the_log_they_came_with(tmp_path: Path, chain: SmallChain) -> None:
    blocks = history(chain)
    path = tmp_path / "ledger"
    store = LedgerStore(path, chain.anchor, MAP_BYTES)
    for state in (HardState(1, None), HardState(1, "mall"), HardState(7, None), HardState(7, "books")):
        store.write([StoreBatch(hard_state=state)])
    store.write([appended(*blocks), committed(chain, *blocks[:2])])
    store.close()
    again = LedgerStore(path, chain.anchor, MAP_BYTES)
    try:
        assert again.hard_state == HardState(7, "books")
        assert again.tip == blocks[1].tip
        assert again.last_height == 3
        assert again.certificate(2) == chain.certify(blocks[1])
    finally:
        again.close()


def test_the_store_is_a_log_reader(store: LedgerStore, chain: SmallChain) -> None:
    def uses(reader: LogReader) -> None:
        blocks = history(chain)
        assert reader.entry(1) is None
        assert reader.certificate(1) is None
        store.write([appended(*blocks), committed(chain, blocks[0])])
        assert [reader.entry(block.tip.height) for block in blocks] == [entry_of(block) for block in blocks]
        assert reader.certificate(1) == chain.certify(blocks[0])
        assert reader.certificate(2) is None
        assert reader.entry(4) is None

    uses(store)


@given(plan=st.lists(st.sampled_from(("append", "commit", "branch")), max_size=12))
@settings(max_examples=15)
def test_any_sequence_of_writes_reads_back_like_a_naive_twin(
    plan: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    chain = SmallChain()
    store = LedgerStore(tmp_path_factory.mktemp("twin"), chain.anchor, MAP_BYTES)
    log: list[ExecutedBlock] = []
    done = 0
    try:
        for number, step in enumerate(plan):
            if step == "append":
                log.append(chain.build([chain.clerk.register(f"m-{number}")]))
                store.write([appended(log[-1])])
            elif step == "commit" and done < len(log):
                store.write([committed(chain, log[done])])
                chain.commit()
                done += 1
            elif step == "branch" and done < len(log):
                chain.executor.roll_back_to(done)
                log[done:] = [chain.build([chain.clerk.register(f"b-{number}")], term=number + 2)]
                store.write([appended(log[done], truncate_from=done + 1)])
            assert [store.entry(height) for height in range(1, len(log) + 2)] == [*map(entry_of, log), None]
            assert (store.last_height, store.tip.height) == (len(log), done)
            with store.view() as view:
                assert state_of(view) == chain.committed.records
    finally:
        store.close()


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 255, 256, 4096, 65_535])
def test_receipts_are_joined_to_the_list_that_the_decoder_reads(count: int) -> None:
    receipt = SmallChain().build([SmallChain().clerk.register("ann")]).receipts[0]
    rejected = type(receipt)(receipt.transaction_id, Rejection.EXPIRED, ())
    receipts = (rejected,) * count
    joined = ledger_store._joined(tuple(encode(item) for item in receipts))
    assert joined == encode(receipts)
    assert decode_receipts(joined) == receipts


def test_more_receipts_than_a_list_can_count_are_our_own_fault() -> None:
    with pytest.raises(AssertionError, match="65536 receipts"):
        ledger_store._joined((b"\0",) * 65_536)


def test_the_state_is_listed_in_key_order_by_kind(store: LedgerStore, chain: SmallChain) -> None:
    block = history(chain)[0]
    store.write([appended(block), committed(chain, block)])
    with store.view() as view:
        keys = [key for key, _ in view.items()]
        assert keys == sorted(keys)
        assert len([key for key in keys if key.startswith(SUPPLY)]) == 4


def changing(block: ExecutedBlock, *writes: tuple[bytes, bytes | None]) -> ExecutedBlock:
    """Return a block as if it had changed these keys."""
    return msgspec.structs.replace(block, writes=list(writes))


def test_a_deleted_record_is_gone_for_readers_of_both_kinds(store: LedgerStore, chain: SmallChain) -> None:
    made, gone = chain.build(), chain.build(time=CREATED_AT + 1)
    name, other = mark_key(1, bytes(32)), mark_key(2, bytes(32))
    data = encode(TransactionMark(1))
    store.write([appended(made), committed(chain, changing(made, (name, data), (other, data)))])
    store.write([appended(gone), committed(chain, changing(gone, (name, None)))])

    assert (store.get(name), store.get(other)) == (None, TransactionMark(1))
    with store.view() as view:
        assert (view.get(name), view.get(other)) == (None, TransactionMark(1))


def test_a_block_that_deletes_what_is_not_there_is_not_written(store: LedgerStore, chain: SmallChain) -> None:
    block = chain.build()

    with pytest.raises(AssertionError, match=r"deletes the record 78.*which is not there"):
        store.write([appended(block), committed(chain, changing(block, (mark_key(1, bytes(32)), None)))])
    assert store.tip.height == 0


def test_ranges_give_keys_in_order_from_the_first_to_the_last(store: LedgerStore, chain: SmallChain) -> None:
    block = chain.build()
    data = encode(TransactionMark(1))
    names = [mark_key(time, bytes([time % 256]) * 32) for time in (1, 255, 256, 300, 70_000)]
    store.write([appended(block), committed(chain, changing(block, *((name, data) for name in names)))])
    everything = [(name, TransactionMark(1)) for name in names]

    with store.view() as view:
        for reader in (store, view):
            assert reader.range(b"x", b"y", 100) == everything
            assert reader.range(b"x", b"y", 3) == everything[:3]
            assert reader.range(b"x", b"y", 0) == []
            assert reader.range(names[1], names[3], 100) == everything[1:3]
            assert reader.range(names[3] + b"\0", b"y", 100) == everything[4:]
            assert reader.range(b"y", b"z", 100) == []
            assert len(reader.range(b"", b"\xff", 1000)) == len(everything) + len(chain.committed.records)
