"""Bugs that only the glue between the pure cores can have, planted as in `jifen.testing.mutations`.

`python -m jifen.testing.actor_world.mutations`, or `make mutations`, runs worlds of real actors until one notices.
"""

import sys
from functools import partial
from typing import Any, Final

import trio

from jifen.actors import node as wiring
from jifen.actors.consensus import ConsensusActor, Event, Tick
from jifen.actors.mailbox import Mailbox
from jifen.actors.mempool import Mempool
from jifen.actors.node import Node
from jifen.actors.storage import JobDone, StorageActor, StorageJob
from jifen.actors.subscriptions import _Newest
from jifen.chain.executor import Executor
from jifen.store.errors import StoreFailed
from jifen.testing.actor_world.drawing import drawn
from jifen.testing.actor_world.engine import ActorWorld
from jifen.testing.mutations import Mutation, catch, main


def _consensus_of(storage: StorageActor) -> ConsensusActor:
    consensus: ConsensusActor = storage._on_done.__self__  # type: ignore[attr-defined]  # noqa: SLF001
    return consensus


async def _jobs_of(storage: StorageActor) -> list[StorageJob]:
    taken = await storage._mailbox.take_all()  # noqa: SLF001
    return [item for item in taken if isinstance(item, StorageJob)]


async def _answers_at_once(storage: StorageActor, job: StorageJob) -> None:
    for block in job.batch.commits if job.batch else ():
        _consensus_of(storage)._orderable.committed(block.executed)  # noqa: SLF001
    await original_submit(storage, job)


async def _tells_at_once(storage: StorageActor, job: StorageJob) -> None:
    for block in job.batch.commits if job.batch else ():
        _consensus_of(storage)._on_committed(block)  # noqa: SLF001
    await original_submit(storage, job)


async def _acknowledges_at_once(storage: StorageActor) -> None:
    while True:
        jobs = await _jobs_of(storage)
        for job in jobs:
            storage._on_done(JobDone(storage._finish(job).messages, ()))  # noqa: SLF001
        for item in await storage._workers.store(partial(storage._write, jobs, [])):  # noqa: SLF001
            storage._on_done(JobDone((), item.commits))  # noqa: SLF001


async def _goes_on_after_failed_sync(storage: StorageActor) -> None:
    while True:
        jobs = await _jobs_of(storage)
        try:
            done = await storage._workers.store(partial(storage._write, jobs, []))  # noqa: SLF001
        except StoreFailed:
            done = [storage._finish(job) for job in jobs]  # noqa: SLF001
        for item in done:
            storage._on_done(item)  # noqa: SLF001


async def _waits_for_consensus(storage: StorageActor) -> None:
    mailbox = _consensus_of(storage)._mailbox  # noqa: SLF001
    while True:
        jobs = await _jobs_of(storage)
        for item in await storage._workers.store(partial(storage._write, jobs, [])):  # noqa: SLF001
            await mailbox.put(item)


async def _wakes_no_putter(mailbox: Mailbox[Any]) -> list[Any]:
    await mailbox._not_empty.wait()  # noqa: SLF001
    items = list(mailbox._items)  # noqa: SLF001
    mailbox._items.clear()  # noqa: SLF001
    mailbox._not_empty = trio.Event()  # noqa: SLF001
    return items


async def _waits_before_it_looks(slot: _Newest, height: int) -> int:
    while True:
        slot._event = trio.Event()  # noqa: SLF001
        await slot._event.wait()  # noqa: SLF001
        if slot.height > height:
            return slot.height


def _last_tick(actor: ConsensusActor, event: Event) -> None:
    original_take_in(actor, event)
    if isinstance(event, Tick) and actor.raft.last_height > 5:
        actor._tick_waits = True  # noqa: SLF001


def _sends_once(mempool: Mempool, due: list[Any]) -> None:
    original_bring(mempool, [pending for pending in due if pending.sent_at is None])


async def _reads_its_own(node: Node, timeout_seconds: float) -> int | None:
    del timeout_seconds
    await trio.lowlevel.checkpoint()
    return node._hub.height  # noqa: SLF001


def _forgets_tail(store: Any, validators: Any) -> Executor:
    return Executor(validators, store, store.tip)


original_submit = StorageActor.submit
original_take_in = ConsensusActor._take_in  # noqa: SLF001
original_bring = Mempool._bring_to_leader  # noqa: SLF001

ACTOR_MUTATIONS: Final = (
    Mutation("clients are answered before the block is durable", ((StorageActor, "submit", _answers_at_once),)),
    Mutation("listeners are told before the block can be read", ((StorageActor, "submit", _tells_at_once),)),
    Mutation("acknowledgements leave before the write", ((StorageActor, "run", _acknowledges_at_once),)),
    Mutation("the storage actor goes on after a failed sync", ((StorageActor, "run", _goes_on_after_failed_sync),)),
    Mutation("storage and consensus wait for each other", ((StorageActor, "run", _waits_for_consensus),)),
    Mutation("room in a mailbox wakes nobody", ((Mailbox, "take_all", _wakes_no_putter),)),
    Mutation("a listener sleeps although there is news", ((_Newest, "wait_above", _waits_before_it_looks),)),
    Mutation("a tick is the last", ((ConsensusActor, "_take_in", _last_tick),)),
    Mutation("what a leader lost is not sent again", ((Mempool, "_bring_to_leader", _sends_once),)),
    Mutation("a current read asks nobody", ((Node, "read_index", _reads_its_own),)),
    Mutation("a restart forgets the end of the log", ((wiring, "recover", _forgets_tail),)),
)
"""Every bug of this kind that is planted."""


def run(seed: int) -> None:
    """Run the world of a seed; raises InvariantBroken."""
    ActorWorld(drawn(seed)).run()


catch_actor_bug: Final = partial(catch, run=run, seeds_max=40)
"""Runs worlds until one notices a bug: two minutes at most."""

if __name__ == "__main__":
    sys.exit(main(name="jifen.testing.actor_world.mutations", mutations=ACTOR_MUTATIONS, catches=catch_actor_bug))
