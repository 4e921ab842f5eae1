"""A process killed in the middle of writing leaves a store in which everything agrees, at some height."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from jifen.chain.executor import Executor
from jifen.codec.blocks import decode_block
from jifen.codec.canonical import encode
from jifen.store.ledger_store import LedgerStore
from jifen.testing.small_chain import SmallChain, opened

MAP_BYTES = 64 << 20

WRITER = """
import pathlib, sys
from jifen.consensus.types import HardState
from jifen.store.ledger_store import LedgerStore
from jifen.store.records import CommittedBlock, StoreBatch
from jifen.testing.small_chain import SmallChain

chain = SmallChain()
store = LedgerStore(pathlib.Path(sys.argv[1]), chain.anchor, 64 << 20)
clerk, waiting = chain.clerk, []
block = chain.build([clerk.register(name) for name in ("ann", "bob")])
for number in range(100_000):
    waiting.append(block)
    state = HardState(number + 1, "mall")
    commits = ()
    if len(waiting) == 3:
        first = waiting.pop(0)
        commits = (CommittedBlock(first, chain.certify(first, term=number + 1)),)
    store.write([StoreBatch(hard_state=state, blocks=((block.tip.height, block.payload),), commits=commits)])
    print(number + 1, flush=True)
    if commits:
        chain.commit()
    earns = [clerk.earn("ann", f"o-{number}-{part}", 70) for part in range(5)]
    block = chain.build([*earns, clerk.transfer("ann", "bob", 3)])
"""


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_writer_leaves_one_height_everywhere_and_loses_nothing_it_reported(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        reported = [int(writer.stdout.readline()) for _ in range(draw.randrange(5, 40))]
        # Somewhere within the next write: a busy loop of drawn length; a wait by the clock would always hit the sync.
        sum(range(draw.randrange(50_000)))
        writer.kill()
        reported += [int(line) for line in writer.stdout]
    chain = SmallChain()
    store = LedgerStore(tmp_path, chain.anchor, MAP_BYTES)
    try:
        assert store.hard_state.term == store.last_height >= reported[-1]
        assert store.tip.height == store.last_height - 2
        replay_and_compare(store, chain)
    finally:
        store.close()


def replay_and_compare(store: LedgerStore, chain: SmallChain) -> None:
    """Execute the stored log from block 0 and compare tip, state, receipts and certificates at the stored height."""
    executor: Executor = chain.executor
    with store.view() as view:
        assert view.height == store.tip.height
        for height in range(1, store.last_height + 1):
            entry = store.entry(height)
            assert entry is not None
            block = decode_block(entry.payload)
            done = executor.execute(block, [opened(chain.chain_id, item) for item in block.transactions])
            if height > view.height:
                assert view.certificate(height) is None
                assert all(view.outcome(item.id) is None for item in done.transactions)
                continue
            chain.commit()
            record = view.block(height)
            assert record is not None
            assert record.receipts == done.receipts
            assert record.certificate is not None
            chain.validators.check_certificate(record.certificate)
            assert record.certificate.hash == done.tip.hash
        assert {key: encode(item) for key, item in view.items()} == chain.committed.records
    assert store.tip.hash == executor.hash_at(store.tip.height)
