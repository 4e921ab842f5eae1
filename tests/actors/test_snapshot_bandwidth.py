"""What a validator serves of snapshots is bounded, whoever asks and however fast."""

from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec
import pytest
import trio
import trio.testing

from jifen.actors.snapshots import SnapshotExchange, Standing
from jifen.chain.checkpoints import Manifest
from jifen.codec.merkle import leaf_hash
from jifen.codec.messages import SnapshotChunk, SnapshotRequest
from jifen.store.snapshots import SnapshotFolder
from jifen.testing.small_chain import SmallChain

T = TypeVar("T")

CHUNK_BYTES = 50_000
HEIGHT = 40
CHUNKS = [bytes([index]) * CHUNK_BYTES for index in range(8)]


class AtOnce:
    """Workers that take no time."""

    count = 1

    async def compute(self, call: Callable[[], T]) -> T:
        await trio.lowlevel.checkpoint()
        return call()

    async def store(self, call: Callable[[], T]) -> T:
        return await self.compute(call)


class Sent(NamedTuple):
    """Something that was served."""

    at: float
    """Seconds since the start."""
    peer: str
    size: int


class Served:
    """An exchange that serves one snapshot to peers, each of which asks again as soon as it is answered."""

    def __init__(self, folder: SnapshotFolder, bytes_per_second: int, peers: tuple[str, ...]) -> None:
        self.sent: list[Sent] = []
        self._begun = trio.current_time()
        self._next = {peer: count(1) for peer in peers}
        chain = SmallChain()
        self.exchange = SnapshotExchange(
            name="mall",
            genesis=chain.validators,
            folder=folder,
            send=self._answer,
            connected=lambda: list(peers),
            install=self._install,
            standing=lambda: Standing(votes=True, height=0, leader="mall"),
            workers=AtOnce(),
            bytes_per_second=bytes_per_second,
        )
        for peer in peers:
            self.exchange.take_request(SnapshotRequest(peer, "mall", HEIGHT, 0))

    def _answer(self, message: SnapshotRequest | SnapshotChunk) -> None:
        assert isinstance(message, SnapshotChunk)
        peer = message.recipient
        self.sent.append(Sent(trio.current_time() - self._begun, peer, len(message.data)))
        chunk = next(self._next[peer]) % len(CHUNKS)
        self.exchange.take_request(SnapshotRequest(peer, "mall", HEIGHT, chunk))

    async def _install(self, *_: object) -> str | None:
        raise AssertionError("nothing was offered")


@pytest.fixture
def folder(tmp_path: Path) -> SnapshotFolder:
    """A folder with one certified snapshot."""
    made = SnapshotFolder(tmp_path / "snapshots")
    made.prepare()
    writer = made.make(HEIGHT)
    for chunk in CHUNKS:
        writer.add(chunk)
    chain = SmallChain()
    block = chain.build([])
    header = msgspec.structs.replace(block.tip.header, height=HEIGHT)
    draft = Manifest(1, header, (), chain.certify(block), tuple(map(leaf_hash, CHUNKS)), (), ())
    writer.finish(draft)
    made.certify(msgspec.structs.replace(draft, attestations=(b"signed",)))
    return made


async def served(folder: SnapshotFolder, bytes_per_second: int, peers: tuple[str, ...], seconds: float) -> list[Sent]:
    found = Served(folder, bytes_per_second, peers)
    with trio.move_on_after(seconds):
        await found.exchange.run()
    return found.sent


@pytest.mark.parametrize("bytes_per_second", [16 << 10, 120_000, 1 << 20])
@pytest.mark.parametrize("peers", [("books",), ("books", "cafe"), ("books", "cafe", "music")])
async def test_never_more_than_the_bound_and_one_chunk_is_served_in_any_stretch_of_time(
    folder: SnapshotFolder, peers: tuple[str, ...], bytes_per_second: int, autojump_clock: trio.testing.MockClock
) -> None:
    del autojump_clock
    seconds = 60.0
    sent = await served(folder, bytes_per_second, peers, seconds)

    for begin, first in enumerate(sent):
        size = 0
        for item in sent[begin:]:
            size += item.size
            most = bytes_per_second * (item.at - first.at) + CHUNK_BYTES
            assert size <= most + 1, (first.at, item.at, size)
    total = sum(item.size for item in sent)
    assert total >= bytes_per_second * seconds - CHUNK_BYTES, "the line is used as far as it may be"


async def test_peers_that_ask_at_the_same_time_share_the_line(
    folder: SnapshotFolder, autojump_clock: trio.testing.MockClock
) -> None:
    del autojump_clock
    sent = await served(folder, 100_000, ("books", "cafe"), 60.0)

    shares = Counter(item.peer for item in sent)
    assert abs(shares["books"] - shares["cafe"]) <= 1
    assert sum(shares.values()) in {120, 121}


async def test_refusals_cost_no_time(folder: SnapshotFolder, autojump_clock: trio.testing.MockClock) -> None:
    del autojump_clock
    found = Served(folder, 16 << 10, ("books",))
    asked = [SnapshotRequest("books", "mall", HEIGHT + 2, None), SnapshotRequest("books", "mall", HEIGHT + 2, 3)]
    answers: list[int] = []
    for request in asked:
        found.exchange.take_request(request)
        with trio.move_on_after(0.5):
            await found.exchange.run()
        answers.append(found.sent[0].size)
        found.sent.clear()
    assert answers == [0, 0]
