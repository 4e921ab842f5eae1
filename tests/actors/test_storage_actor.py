"""The storage actor: one sync for what waits, and nothing leaves before it is on the disk."""

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import trio
import trio.testing

from jifen.actors.storage import JOBS_WAITING_MAX, Acknowledgement, JobDone, StorageActor, StorageJob
from jifen.actors.surroundings import Threads
from jifen.consensus.messages import AppendResponse, Message, VoteRequest
from jifen.consensus.types import HardState
from jifen.keys.verification import is_signed
from jifen.store.errors import StoreFailed
from jifen.store.ledger_store import LedgerStore
from jifen.store.records import CommittedBlock, StoreBatch
from jifen.testing.small_alliance import keys_of
from jifen.testing.small_chain import SmallChain


class Disk:
    """Holds the store's writes up until it is told to go on, and counts them."""

    def __init__(self, store: LedgerStore, monkeypatch: pytest.MonkeyPatch) -> None:
        self.may_go_on = threading.Event()
        self.begun = trio.Event()
        self.batches: list[list[StoreBatch]] = []
        self.fails = False
        self._write: Callable[[Iterable[StoreBatch]], None] = store.write
        self._token = trio.lowlevel.current_trio_token()
        monkeypatch.setattr(store, "write", self.write)

    def write(self, batches: Iterable[StoreBatch]) -> None:
        self.batches.append(list(batches))
        self._token.run_sync_soon(self.begun.set)
        self.may_go_on.wait(20)
        if self.fails:
            raise StoreFailed("the disk is gone")
        self._write(self.batches[-1])


class Bench:
    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.chain = SmallChain()
        self.store = LedgerStore(path, self.chain.anchor, 16 << 20)
        self.disk = Disk(self.store, monkeypatch)
        self.done: list[JobDone] = []
        self.actor = StorageActor(
            self.store, self.chain.chain_id, keys_of("books").validator, self.done.append, Threads()
        )

    @property
    def messages(self) -> list[Message]:
        return [message for item in self.done for message in item.messages]


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def vote(term: int) -> StorageJob:
    request = VoteRequest(term, "books", "mall", 0, 0, False)
    return StorageJob(StoreBatch(hard_state=HardState(term, "books")), (request,))


async def test_nothing_leaves_before_the_write_has_returned(bench: Bench) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.actor.run)
        await bench.actor.submit(vote(1))
        await bench.disk.begun.wait()
        await trio.testing.wait_all_tasks_blocked()
        assert bench.done == []
        assert bench.store.hard_state == HardState(0, None)
        bench.disk.may_go_on.set()
        with trio.fail_after(60):
            while not bench.done:
                await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    assert bench.messages == list(vote(1).messages)


async def test_what_waits_during_a_sync_shares_the_next_one_and_keeps_its_order(bench: Bench) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.actor.run)
        await bench.actor.submit(vote(1))
        await bench.disk.begun.wait()
        for term in range(2, 8):
            await bench.actor.submit(vote(term))
        await bench.actor.submit(StorageJob(None, vote(8).messages))
        bench.disk.may_go_on.set()
        with trio.fail_after(60):
            while len(bench.done) < 8:
                await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    assert [len(batches) for batches in bench.disk.batches] == [1, 6]
    assert [message.term for message in bench.messages] == list(range(1, 9))


async def test_a_job_without_writes_waits_for_those_before_it(bench: Bench) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.actor.run)
        await bench.actor.submit(vote(1))
        await bench.actor.submit(StorageJob(None, vote(2).messages))
        await bench.disk.begun.wait()
        await trio.testing.wait_all_tasks_blocked()
        assert bench.done == []
        bench.disk.may_go_on.set()
        with trio.fail_after(60):
            while len(bench.done) < 2:
                await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()


async def test_whoever_hands_jobs_over_feels_a_slow_disk(bench: Bench) -> None:
    handed_over = 0

    async def hand_over() -> None:
        nonlocal handed_over
        for term in range(1, 100):
            await bench.actor.submit(vote(term))
            handed_over += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.actor.run)
        await bench.actor.submit(vote(1))
        await bench.disk.begun.wait()
        nursery.start_soon(hand_over)
        await trio.testing.wait_all_tasks_blocked()
        assert handed_over == JOBS_WAITING_MAX
        bench.disk.may_go_on.set()
        nursery.cancel_scope.cancel()


async def test_after_a_failed_write_nothing_leaves_and_the_actor_ends_with_the_reason(bench: Bench) -> None:
    bench.disk.fails = True
    bench.disk.may_go_on.set()
    for term in (1, 2):
        await bench.actor.submit(vote(term))
    with trio.fail_after(60), pytest.raises(StoreFailed, match="the disk is gone"):
        await bench.actor.run()
    assert bench.done == []
    assert len(bench.disk.batches) == 1


async def test_a_sync_that_has_begun_is_seen_to_its_end_when_the_validator_is_stopped(bench: Bench) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.actor.run)
        await bench.actor.submit(vote(1))
        await bench.disk.begun.wait()
        nursery.cancel_scope.cancel()
        threading.Timer(0.05, bench.disk.may_go_on.set).start()
    bench.store.close()
    again = LedgerStore(Path(bench.store._path), bench.chain.anchor, 16 << 20)
    assert again.hard_state == HardState(1, "books")
    again.close()


async def test_acknowledgements_are_signed_in_the_term_of_the_response_for_every_height_named(bench: Bench) -> None:
    bench.disk.may_go_on.set()
    blocks = [bench.chain.build([]), bench.chain.build([])]
    tip = blocks[1].tip
    response = AppendResponse(5, "books", "mall", True, 2, tip.hash, 0, 0, 0, 0, ())
    set_hash = bench.chain.validators.hash
    named = tuple((block.tip.height, block.tip.hash, set_hash) for block in blocks)
    batch = StoreBatch(
        blocks=tuple((block.tip.height, block.payload) for block in blocks),
        commits=(CommittedBlock(blocks[0], bench.chain.certify(blocks[0])),),
    )
    await bench.actor.submit(StorageJob(batch, (Acknowledgement(response, named),)))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.actor.run)
        with trio.fail_after(60):
            while not bench.done:
                await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    [done] = bench.done
    assert [item.executed.tip.height for item in done.commits] == [1]
    [message] = done.messages
    assert isinstance(message, AppendResponse)
    assert [(item.height, item.hash) for item in message.signatures] == [item[:2] for item in named]
    for item in message.signatures:
        claim = bench.chain.validators.claim("books", 5, item.height, item.hash, item.signature)
        assert is_signed(claim)
        assert not is_signed(bench.chain.validators.claim("books", 4, item.height, item.hash, item.signature))
