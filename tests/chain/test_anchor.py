"""Block 0: the same document, the same hash, for ever and on every machine."""

import msgspec

from jifen.chain.anchor import genesis_block
from jifen.codec.blocks import decode_block
from jifen.codec.genesis import chain_id, decode_genesis, encode_genesis
from jifen.codec.merkle import EMPTY_ROOT
from jifen.testing.small_alliance import CREATED_AT, small_genesis
from jifen.testing.small_chain import SmallChain

GOLDEN_HASH = "7f53f4df87edfd97feeb0032460af7a353c4ddeedbde6a06895c198b7dcb7960"
"""Of block 0 of the small alliance. A change of it means that no existing data directory can be opened any more."""

GOLDEN_CHAIN = "2e1c394173743130102f543b9052a9b9be3bc43bc67f579f5faab28d81c9a5cb"
"""Of its genesis document."""


def test_block_0_of_the_small_alliance_has_its_golden_hash() -> None:
    chain = SmallChain()
    assert chain.chain_id.hex() == GOLDEN_CHAIN
    assert chain.anchor.tip.hash.hex() == GOLDEN_HASH


def test_the_document_may_be_reindented_without_changing_the_chain() -> None:
    genesis = small_genesis()
    assert chain_id(decode_genesis(encode_genesis(genesis).replace(b"  ", b"\t"))) == chain_id(genesis)


def test_any_change_of_the_document_changes_chain_and_block() -> None:
    genesis = small_genesis()
    replace = msgspec.structs.replace
    mall, *rest = genesis.organizations
    first, *others = genesis.point_types
    variants = [
        genesis,
        replace(genesis, name="Another"),
        replace(genesis, created_at=CREATED_AT + 1),
        replace(genesis, organizations=(replace(mall, name="Other"), *rest)),
        replace(genesis, point_types=(replace(first, earn_fen=11), *others)),
        replace(genesis, point_types=tuple(others)),
    ]
    chains = [chain_id(item) for item in variants]
    blocks = [genesis_block(name, item).tip.hash for item, name in zip(variants, chains, strict=True)]
    assert len({*chains}) == len({*blocks}) == len(variants)


def test_block_0_is_a_block_like_others_without_transactions_term_or_parent() -> None:
    anchor = SmallChain().anchor
    block = decode_block(anchor.payload)
    header = block.header
    assert block.transactions == ()
    assert (header.height, header.term, header.parent_hash, header.proposer) == (0, 0, bytes(32), "")
    assert header.transactions_root == header.receipts_root == header.history_root == EMPTY_ROOT
    assert header.time == CREATED_AT
    assert anchor.tip.frontier == (anchor.tip.hash,)


def test_block_0_writes_all_records_of_genesis_in_key_order() -> None:
    keys = [key for key, _ in SmallChain().anchor.writes]
    assert keys == sorted(keys)
    assert len(keys) == 4 + 4 + 2 + 1 + 4 + 4 + 1 + 4
