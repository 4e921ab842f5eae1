"""What time does to the ledger, in blocks: the same on all validators, in their receipts, and in nobody's way."""

from pathlib import Path

import msgspec
import pytest

from jifen.chain.executor import BlockInvalid, ExecutedBlock
from jifen.codec.blocks import decode_block, encode_block
from jifen.codec.canonical import encode
from jifen.codec.merkle import leaf_hash, merkle_root
from jifen.ledger import agenda
from jifen.ledger.agenda import AGENDA_ID
from jifen.ledger.dates import DAY_MS, day_end
from jifen.ledger.receipts import Receipt
from jifen.ledger.state import MARK, holding_key
from jifen.ledger.terms.effects import ExpiryAnnounced, PointsExpired
from jifen.ledger.terms.records import RollingExpiry, Terms
from jifen.store.ledger_store import LedgerStore
from jifen.store.records import CommittedBlock, StoreBatch
from jifen.testing.small_alliance import CREATED_AT, genesis_with
from jifen.testing.small_chain import LIFETIME_MS, SmallChain

BOOKS = "books/consumer"
END = day_end(CREATED_AT, 2)
"""When points expire that are earned on the first day."""


def chains(count: int) -> list[SmallChain]:
    """Return as many validators' views of one chain, on which books' points live for two days."""
    return [SmallChain(genesis_with(Terms(expiry=RollingExpiry(2)))) for _ in range(count)]


def two_purchases(chain: SmallChain) -> ExecutedBlock:
    """Build a block in which Ann and Bob earn what will expire."""
    clerk = chain.clerk
    return chain.build(
        [clerk.register("ann"), clerk.register("bob"), clerk.earn("ann", "o-1", 500), clerk.earn("bob", "o-2", 700)]
    )


def expired(chain: SmallChain, name: str, points: int) -> Receipt:
    """Return the receipt of somebody's expiry."""
    return Receipt(AGENDA_ID, 0, (PointsExpired(chain.clerk.member(name).account, BOOKS, points, END, 0, 0),))


def test_an_empty_block_does_what_is_due_and_everybody_who_executes_it_does_the_same() -> None:
    leader, follower = chains(2)
    follower.execute(two_purchases(leader).payload)

    built = leader.build(time=END)

    accounts = {name: leader.clerk.member(name).account for name in ("ann", "bob")}
    in_order = sorted([("ann", 50), ("bob", 70)], key=lambda item: accounts[item[0]])
    assert built.agenda == tuple(expired(leader, name, points) for name, points in in_order)
    assert (built.transactions, built.receipts) == ((), ())
    assert follower.execute(built.payload) == built
    assert leader.executor.state.get(holding_key(accounts["ann"], BOOKS)) == follower.executor.state.get(
        holding_key(accounts["ann"], BOOKS)
    )


def test_the_receipts_root_is_over_the_receipts_of_the_transactions_and_then_of_the_agenda() -> None:
    [chain] = chains(1)
    two_purchases(chain)
    chain.clerk.expires_at = END + LIFETIME_MS

    built = chain.build([chain.clerk.earn("ann", "o-3", 900)], time=END)

    assert (len(built.receipts), len(built.agenda)) == (1, 2)
    everything = [encode(receipt) for receipt in (*built.receipts, *built.agenda)]
    assert list(built.encoded_receipts) == everything
    assert built.tip.header.receipts_root == merkle_root([leaf_hash(item) for item in everything])


def test_the_agenda_comes_before_the_transactions_of_its_block() -> None:
    [chain] = chains(1)
    two_purchases(chain)
    chain.clerk.expires_at = END + LIFETIME_MS

    built = chain.build([chain.clerk.transfer("ann", "bob", 50)], time=END)

    assert [receipt.rejection for receipt in built.receipts] != [0], "what has expired cannot be passed on"


def test_a_follower_refuses_a_block_that_leaves_out_what_is_due() -> None:
    leader, follower = chains(2)
    follower.execute(two_purchases(leader).payload)
    before = follower.executor.tip
    honest = leader.build(time=END - 1)
    header = msgspec.structs.replace(decode_block(honest.payload).header, time=END)
    false = msgspec.structs.replace(decode_block(honest.payload), header=header)

    with pytest.raises(BlockInvalid, match="its receipts_root is"):
        follower.execute(encode_block(false))
    assert follower.executor.tip == before
    assert follower.build(time=END).agenda, "and it is still due"


def test_what_was_done_is_undone_with_its_block_and_done_again() -> None:
    [chain] = chains(1)
    two_purchases(chain)
    key = holding_key(chain.clerk.member("ann").account, BOOKS)
    held = chain.executor.state.get(key)
    first = chain.build(time=END)

    chain.executor.roll_back_to(1)
    assert chain.executor.state.get(key) == held
    assert chain.executor.is_due(END)

    assert chain.build(time=END) == first


def test_something_is_due_from_its_time_on_until_a_block_has_done_it() -> None:
    [chain] = chains(1)
    assert not chain.executor.is_due(2**48)
    two_purchases(chain)
    warned = END - DAY_MS

    assert [chain.executor.is_due(time) for time in (warned - 1, warned, END)] == [False, True, True]
    told = chain.build(time=warned).agenda
    assert {type(receipt.effects[0]) for receipt in told} == {ExpiryAnnounced}
    assert [chain.executor.is_due(time) for time in (warned, END - 1, END)] == [False, False, True]


def test_what_does_not_fit_a_block_is_still_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agenda, "AGENDA_MAX", 1)
    [chain] = chains(1)
    two_purchases(chain)

    counts = []
    while chain.executor.is_due(END):
        counts.append(len(chain.build(time=END).agenda))

    assert counts == [1, 1]


def test_a_transaction_that_has_expired_stands_in_no_block() -> None:
    leader, follower = chains(2)
    late = leader.clerk.register("ann")
    time = CREATED_AT + LIFETIME_MS

    assert leader.build([late], time=time + 1).transactions == ()
    leader.executor.roll_back_to(0)
    built = leader.build([late], time=time)
    assert len(built.transactions) == 1
    header = msgspec.structs.replace(built.tip.header, time=time + 1)
    false = msgspec.structs.replace(decode_block(built.payload), header=header)
    with pytest.raises(BlockInvalid, match="was taken before or has expired"):
        follower.execute(encode_block(false))


def test_a_mark_is_kept_as_long_as_its_transaction_could_come_again() -> None:
    [chain] = chains(1)
    first = chain.clerk.register("ann")
    chain.build([first])
    time = CREATED_AT + LIFETIME_MS

    assert chain.build([first], time=time).transactions == ()
    assert len(chain.executor.state.range(MARK, b"y", 10)) == 1
    assert chain.build([first], time=time + 1).transactions == ()
    assert chain.executor.state.range(MARK, b"y", 10) == []


def test_the_store_keeps_the_agenda_s_receipts_apart_and_the_state_without_what_is_gone(tmp_path: Path) -> None:
    [chain] = chains(1)
    store = LedgerStore(tmp_path / "ledger", chain.anchor, 32 << 20)
    for block in (two_purchases(chain), chain.build(time=END)):
        store.write([StoreBatch(blocks=((block.tip.height, block.payload),))])
        store.write([StoreBatch(commits=(CommittedBlock(block, chain.certify(block)),))])
        chain.commit()

    with store.view() as view:
        record = view.block(2)
        assert record is not None
        assert (len(record.receipts), len(record.agenda)) == (0, 2)
        assert {key: encode(item) for key, item in view.items()} == chain.committed.records
        assert view.range(MARK, b"y", 10) == []
        assert view.holdings(chain.clerk.member("ann").account) == [], "what only lapsed is no balance"
    store.close()
