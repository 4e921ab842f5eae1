"""Which checkpoints a validator makes when it cannot make them all."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from jifen.actors.checkpoints import CheckpointActor
from jifen.actors.mempool import Mempool
from jifen.actors.surroundings import Surroundings
from jifen.store.ledger_store import LedgerStore
from jifen.store.records import CommittedBlock, StoreBatch
from jifen.store.scan import StateScan
from jifen.store.snapshots import SnapshotFolder
from jifen.testing.small_alliance import keys_of
from jifen.testing.small_chain import SmallChain


class Checkpoints:
    """A store that passes a checkpoint every second block, and the actor that is handed them."""

    def __init__(self, path: Path) -> None:
        self.chain = SmallChain()
        self.store = LedgerStore(path / "ledger", self.chain.anchor, 32 << 20, checkpoint_blocks=2)
        self.actor = CheckpointActor(
            name="mall",
            chain_id=self.chain.chain_id,
            key=keys_of("mall").validator,
            folder=SnapshotFolder(path / "snapshots"),
            store=self.store,
            mempool=cast("Mempool", None),  # never reached: nothing is attested here
            surroundings=Surroundings(),
            retained_blocks=0,
            compact=lambda _: None,
        )

    def scan(self) -> StateScan:
        """Commit two blocks and return the scan of the second."""
        while True:
            block = self.chain.build([])
            done = CommittedBlock(block, self.chain.certify(block))
            self.store.write([StoreBatch(blocks=((block.tip.height, block.payload),), commits=(done,))])
            self.chain.commit()
            scan = self.store.take_scan()
            if scan is not None:
                return scan


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Checkpoints]:
    found = Checkpoints(tmp_path)
    yield found
    found.store.close()


def held(actor: CheckpointActor) -> list[int]:
    return [scan.tip.height for scan in (actor._scan, actor._next) if scan is not None]


def test_one_that_is_too_slow_keeps_the_roundest_so_that_all_slow_ones_make_the_same(made: Checkpoints) -> None:
    actor, kept = made.actor, []
    for _ in range(8):
        actor.take_scan(made.scan())
        kept.append(held(actor))
    assert kept == [[2], [2, 4], [2, 4], [2, 8], [2, 8], [2, 8], [2, 8], [2, 16]]
    for scan in (actor._scan, actor._next):
        assert scan is not None
        assert scan.next_chunk() is not None, "what is kept is still open"
        scan.close()


def test_one_that_began_with_a_round_one_is_not_disturbed_by_the_next(made: Checkpoints) -> None:
    for scan in (made.scan(), made.scan(), made.scan()):
        scan.close()
    for _ in range(4):
        made.actor.take_scan(made.scan())
    assert held(made.actor) == [8]
    assert made.actor._scan is not None
    made.actor._scan.close()
