"""Starting again from what the disk holds: the committed state, and the log above it, checked before it counts."""

from collections.abc import Callable
from pathlib import Path

import lmdb
import msgspec
import pytest

from jifen.actors.recovery import position_of, recover
from jifen.chain.executor import ExecutedBlock
from jifen.codec.blocks import Block, decode_block, encode_block
from jifen.codec.transactions import decode_signed, encode_signed
from jifen.consensus.types import HardState
from jifen.ledger.transactions import Signature
from jifen.store.errors import StoreDamaged
from jifen.store.ledger_store import LedgerStore
from jifen.store.records import CommittedBlock, StoreBatch
from jifen.testing.one_validator import OneValidator
from jifen.testing.small_alliance import keys_of
from jifen.testing.small_chain import SmallChain

MAP_BYTES = 8 << 20


def left_behind(path: Path, chain: SmallChain) -> list[ExecutedBlock]:
    """Leave a store with one committed block and two above it."""
    clerk = chain.clerk
    blocks = [
        chain.build([clerk.register("ann"), clerk.register("bob")]),
        chain.build([clerk.earn("ann", "o-1", 500)]),
        chain.build([clerk.transfer("ann", "bob", 20)], term=2),
    ]
    store = LedgerStore(path, chain.anchor, MAP_BYTES)
    payloads = tuple((block.tip.height, block.payload) for block in blocks)
    certified = CommittedBlock(blocks[0], chain.certify(blocks[0]))
    store.write([StoreBatch(HardState(2, None), None, payloads, (certified,))])
    store.close()
    return blocks


def damaged(path: Path, height: int, change: Callable[[bytes], bytes | None]) -> None:
    """Change a block of a closed store's log."""
    environment = lmdb.open(str(path), max_dbs=6, map_size=MAP_BYTES)
    log = environment.open_db(b"log")
    key = height.to_bytes(8, "big")
    with environment.begin(write=True, db=log) as transaction:
        payload = transaction.get(key)
        assert isinstance(payload, bytes)
        changed = change(payload)
        if changed is None:
            transaction.delete(key)
        else:
            transaction.put(key, changed)
    environment.close()


def test_the_log_above_the_committed_height_is_executed_again(tmp_path: Path) -> None:
    chain = SmallChain()
    blocks = left_behind(tmp_path, chain)
    store = LedgerStore(tmp_path, chain.anchor, MAP_BYTES)
    executor = recover(store, chain.chain_id)
    assert executor.tip == blocks[2].tip
    assert (executor.state.committed, executor.state.height) == (1, 3)
    position = position_of(executor)
    assert (position.height, position.term, position.hash) == (3, 2, blocks[2].tip.hash)
    assert [executor.commit().tip for _ in range(2)] == [blocks[1].tip, blocks[2].tip]
    store.close()


def test_a_store_without_a_tail_starts_at_its_tip(tmp_path: Path) -> None:
    chain = SmallChain()
    store = LedgerStore(tmp_path, chain.anchor, MAP_BYTES)
    assert recover(store, chain.chain_id).tip == chain.anchor.tip
    store.close()


async def test_a_restarted_validator_goes_on_where_it_was(tmp_path: Path) -> None:
    chain = SmallChain()
    blocks = left_behind(tmp_path, chain)
    node = OneValidator(tmp_path, chain)
    assert (node.raft.term, node.raft.committed, node.raft.last_height) == (2, 1, 3)
    fourth = chain.build([chain.clerk.earn("bob", "o-2")], term=2)
    certificates = [chain.certify(block, term=2) for block in (*blocks[1:], fourth)]
    async with node.running():
        await node.hear([fourth], certificates=certificates, after=(3, 2, blocks[2].tip.hash))
        assert [item.executed.tip for item in node.committed] == [blocks[1].tip, blocks[2].tip, fourth.tip]
        assert node.store.tip == fourth.tip


async def test_a_restarted_validator_lets_go_of_a_tail_that_another_leader_abandoned(tmp_path: Path) -> None:
    chain = SmallChain()
    left_behind(tmp_path, chain)
    node = OneValidator(tmp_path, chain)
    chain.executor.roll_back_to(1)
    other = chain.build([chain.clerk.register("cyd")], term=5, proposer="music")
    async with node.running():
        await node.hear([other], certificates=[chain.certify(other)], leader="music")
        assert node.store.tip == other.tip
        assert node.store.last_height == 2


def forged(payload: bytes) -> bytes:
    block = decode_block(payload)
    envelope = decode_signed(block.transactions[0])
    [signature] = envelope.signatures
    false = Signature(signature.key, bytes([signature.signature[0] ^ 1]) + signature.signature[1:])
    return encode_block(Block(block.header, (encode_signed(envelope.body, (false,)),), block.proposal))


def later(payload: bytes) -> bytes:
    """Return a block that is as good as the one before, but another: nothing above names it."""
    block = decode_block(payload)
    header = msgspec.structs.replace(block.header, time=block.header.time + 1)
    return encode_block(Block(header, block.transactions, block.proposal))


def emptied(payload: bytes) -> bytes:
    """Return the block without its transactions."""
    return encode_block(msgspec.structs.replace(decode_block(payload), transactions=()))


def unsigned(payload: bytes) -> bytes:
    """Return the block under a signature that is another's."""
    block = decode_block(payload)
    return encode_block(msgspec.structs.replace(block, proposal=keys_of("cafe").validator.sign(bytes(32))))


DAMAGES: dict[str, tuple[int, Callable[[bytes], bytes | None], str]] = {
    "a signature": (2, forged, "its transactions are not its own"),
    "a transaction missing": (2, emptied, "is damaged"),
    "the maker's signature": (2, unsigned, "its maker has not signed it"),
    "rubbish": (2, lambda _: b"\xc1", "damaged"),
    "an end missing": (3, lambda data: data[:-1], "damaged"),
    "rubbish behind": (3, lambda data: data + b"\0", "damaged"),
    "another time": (3, later, "not the one that was written"),
    "a hole": (2, lambda _: None, "missing"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_tail_is_named_before_anything_is_voted_or_acknowledged(tmp_path: Path, damage: str) -> None:
    chain = SmallChain()
    left_behind(tmp_path, chain)
    height, change, reason = DAMAGES[damage]
    damaged(tmp_path, height, change)
    with pytest.raises(StoreDamaged, match=reason):
        start(tmp_path, chain)


def test_a_signature_in_the_tail_that_is_not_genuine_is_named(tmp_path: Path) -> None:
    chain = SmallChain()
    left_behind(tmp_path, chain)
    store = LedgerStore(tmp_path, chain.anchor, MAP_BYTES)
    with pytest.raises(StoreDamaged, match="block 2 of the log holds a signature that is not genuine"):
        recover(store, chain.chain_id, lambda claims: [0] if claims else [])
    store.close()


def test_a_block_of_another_branch_in_the_tail_is_named(tmp_path: Path) -> None:
    chain = SmallChain()
    left_behind(tmp_path, chain)
    chain.executor.roll_back_to(1)
    other = chain.build([chain.clerk.register("cyd")])
    damaged(tmp_path, 2, lambda _: other.payload)
    with pytest.raises(StoreDamaged, match="block 3 of the log"):
        start(tmp_path, chain)


def start(path: Path, chain: SmallChain) -> None:
    """Open a store and recover from it, as a validator does."""
    store = LedgerStore(path, chain.anchor, MAP_BYTES)
    try:
        recover(store, chain.chain_id)
    finally:
        store.close()
