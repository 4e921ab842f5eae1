"""A validator's machine: its disk and clock, and its process from start to end, over and over."""

import random
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar, final

import msgspec
import trio

from jifen.actors.node import Node, NodeRetired, NodeStopped, run_node
from jifen.actors.setup import NodeSetup
from jifen.actors.surroundings import Surroundings
from jifen.store.directory import STORE_DIRECTORY
from jifen.store.errors import StoreFailed
from jifen.testing.actor_world.network import Process, SimulatedNetwork
from jifen.testing.actor_world.scheduler import PROCESS, Scheduler
from jifen.testing.small_alliance import CREATED_AT
from jifen.testing.world.scenario import Scenario
from jifen.transport import Address

T = TypeVar("T")

MAP_BYTES = 32 << 20
"""Size of a store: more than any world writes."""

PAGES_LEFT = 1
"""Pages of 4 KiB that a full disk still has, beside those that are free within the store: it fills up while it runs."""

HAND_OVER_SECONDS = 3.0
"""How long a validator that stops waits for another to lead."""

CALLS_WAITING_MAX = 100
"""Requests in front of a validator."""

FAILED_SYNC = "injected: the sync failed"


class Watch(Protocol):
    """Who wants to know what happens to machines."""

    def started(self, machine: "Machine") -> None:
        """A process serves."""
        ...

    def written(self, machine: "Machine") -> None:
        """A write of the store has returned, or was on the disk when the power failed."""
        ...

    def stopped(self, machine: "Machine", reason: str) -> None:
        """A process has ended: by itself, with a reason, or because it was told to, with none."""
        ...

    def broken(self, error: Exception) -> None:
        """Something failed that must not."""
        ...

    def note(self, text: str) -> None:
        """Write down what happened."""
        ...


@final
class Life(Process):
    """A validator's process."""

    def __init__(self, machine: "Machine") -> None:
        super().__init__(machine.name)
        self.machine = machine
        self.scope = trio.CancelScope()
        self.node: Node | None = None
        """Its facade, once it serves."""
        self.reason = ""
        """Why it ended by itself, if it did."""
        self.stops = False
        """Whether it was told to stop, and hands over."""
        self.over = trio.Event()
        """Set when its data directory is free."""
        self._calls, self.calls = trio.open_memory_channel[Callable[[Node], Awaitable[None]]](CALLS_WAITING_MAX)
        self._waits: dict[trio.CancelScope, None] = {}
        """Workers' calls under way, which no cancellation of the process itself may cut short."""

    def call(self, handle: Callable[[Node], Awaitable[None]]) -> None:
        """Let the process handle a request, unless too many wait already."""
        try:
            self._calls.send_nowait(handle)
        except trio.WouldBlock:
            self.machine.watch.note(f"{self.name} takes no more requests")

    def kill(self, *, silent: bool) -> None:
        """End the process at once: nothing that it still does has an effect."""
        if self.ended:
            return
        self.ended, self.silent = True, silent
        for scope in self._waits:
            scope.cancel()
        self.scope.cancel()

    async def wait(self, seconds: float) -> None:
        """Let a worker's call take its time; returns early when the process is killed, and only then."""
        with trio.CancelScope(shield=True) as scope:
            self._waits[scope] = None
            try:
                await trio.sleep(seconds)
            finally:
                del self._waits[scope]


@final
class SimulatedWorkers:
    """Workers whose calls take virtual time and have their effect at its end."""

    count = 1

    def __init__(self, life: Life, draws: random.Random) -> None:
        self._life = life
        self._draws = draws

    async def compute(self, call: Callable[[], T]) -> T:
        """Run a call that computes."""
        busy = self._life.machine.scenario.busy_ms_max
        await self._life.wait(self._draws.uniform(0, busy / 1000))
        if self._life.ended:
            await trio.sleep_forever()  # it is cancelled
        return call()

    async def store(self, call: Callable[[], T]) -> T:
        """Run a call that writes the store: wholly there or not at all when the process ends meanwhile."""
        life, machine = self._life, self._life.machine
        await life.wait(self._draws.uniform(0.0001, machine.sync_seconds_max))
        if life.ended:
            if self._draws.random() < 0.5:
                call()
                machine.watch.written(machine)
            await trio.sleep_forever()
        if machine.sync_is_doomed:
            machine.sync_is_doomed = False
            if self._draws.random() < 0.5:
                call()
                machine.watch.written(machine)
            raise StoreFailed(FAILED_SYNC)
        result = call()
        machine.watch.written(machine)
        return result


@final
class Machine:
    """What one validator runs on; outlives its processes."""

    def __init__(
        self,
        setup: NodeSetup,
        scenario: Scenario,
        network: SimulatedNetwork,
        scheduler: Scheduler,
        watch: Watch,
        draws: random.Random,
    ) -> None:
        self.name = setup.validator
        self.setup = msgspec.structs.replace(setup, store_map_bytes=MAP_BYTES)
        self.scenario = scenario
        self.watch = watch
        self._network = network
        self._scheduler = scheduler
        self._draws = draws
        most = scenario.drift_per_mille
        self.drift = draws.randint(-most, most)
        """What its clock gains, per thousand."""
        self.retired = False
        """Whether the alliance has taken it out, and it knows."""
        self.offset_ms = 0
        self.slow_ms = 0
        self.sync_is_doomed = False
        self.may_fail = False
        """Whether its disk was made to fail or fill up: only then may its process end by itself."""
        self.paused = False
        self.life: Life | None = None
        """The process that runs, or starts, or is about to end."""

    @property
    def store_directory(self) -> Path:
        """Where its store is."""
        return self.setup.directory / STORE_DIRECTORY

    @property
    def sync_seconds_max(self) -> float:
        """Longest sync of the disk, as it is now."""
        return (self.scenario.sync_ms_max + self.slow_ms) / 1000

    @property
    def serving(self) -> Life | None:
        """The process, if it takes requests."""
        life = self.life
        return life if life is not None and not life.ended and life.node is not None else None

    def clock(self) -> int:
        """Tell the time of day by its own clock, ms."""
        return CREATED_AT + 1000 + self.offset_ms + int(trio.current_time() * (1000 + self.drift))

    def calm(self) -> None:
        """Mend everything but the process."""
        self.scenario = self.scenario.calm()
        self.offset_ms = self.slow_ms = self.drift = 0
        self.sync_is_doomed = False
        self.empty_disk()

    def fill_disk(self) -> None:
        """Leave little room on the disk, from the next start on."""
        self.may_fail = True
        used = (self.store_directory / "data.mdb").stat().st_blocks * 512
        self.setup = msgspec.structs.replace(self.setup, store_map_bytes=used + PAGES_LEFT * 4096)

    def empty_disk(self) -> None:
        """Make room again, from the next start on."""
        self.setup = msgspec.structs.replace(self.setup, store_map_bytes=MAP_BYTES)

    async def run(self) -> None:
        """Run the validator's process once, from start to end."""
        assert self.life is None, f"{self.name} runs already"
        self.life = life = Life(self)
        PROCESS.set(self.name)
        self._network.begins(life)
        try:
            with life.scope:
                await self._live(life)
        finally:
            life.ended = True
            self._network.ended(life)
            self.life, self.paused = None, False
            life.over.set()
        self.watch.stopped(self, life.reason)

    async def _live(self, life: Life) -> None:
        name = f"{self.name} {self._draws.random()}"
        surroundings = Surroundings(
            clock=self.clock,
            draws=random.Random(name),
            workers=SimulatedWorkers(life, random.Random(name + " workers")),
            connect=partial(self._network.connect, life),
            listen=partial(_listen, self._network, life),
        )
        async with trio.open_nursery() as nursery:
            # Requests are handled in a nursery of their own, within the process, so that they end with it.
            await nursery.start(self._run_node, life, surroundings)
            assert life.node is not None
            self.watch.started(self)
            async for handle in life.calls:
                nursery.start_soon(self._handle, handle, life.node)

    async def _handle(self, handle: Callable[[Node], Awaitable[None]], node: Node) -> None:
        try:
            await handle(node)
        except Exception as error:
            self.watch.broken(error)  # at once: the process may stand still before it ends
            raise

    async def _run_node(self, life: Life, surroundings: Surroundings, task_status: trio.TaskStatus[None]) -> None:
        try:
            await run_node(self.setup, surroundings=surroundings, task_status=_Serving(life, task_status))
        except NodeRetired as retired:
            self.retired = True
            life.reason = str(retired)
            life.scope.cancel()
        except NodeStopped as stopped:
            if not self.may_fail:
                raise
            life.reason = str(stopped)
            life.scope.cancel()
        if life.node is None:
            await trio.sleep_forever()  # it is cancelled before it has served

    def kill(self, *, silent: bool) -> None:
        """End the process as `kill -9` does, or, silently, as a power failure does."""
        life = self.life
        if life is not None:
            life.kill(silent=silent)
            self._network.ended(life)
            self.resume()
            self._scheduler.forget(self.name)

    def stop(self) -> None:
        """Stop the process as an operator does: it hands leadership over first. It may be killed meanwhile."""
        life = self.serving
        if life is not None:
            life.stops = True
            life.call(partial(_hand_over_and_end, life))

    def pause(self) -> None:
        """Let the process stand still."""
        self.paused = True
        self._scheduler.stop(self.name)

    def resume(self) -> None:
        """Let the process go on."""
        if self.paused:
            self.paused = False
            self._scheduler.go_on(self.name)


@final
class _Serving(trio.TaskStatus[Node]):
    """Takes the facade of a process as soon as it serves."""

    def __init__(self, life: Life, outer: trio.TaskStatus[None]) -> None:
        self._life = life
        self._outer = outer

    def started(self, value: Node | None = None) -> None:
        """As of `trio.TaskStatus`."""
        self._life.node = value
        self._outer.started()


async def _hand_over_and_end(life: Life, node: Node) -> None:
    await node.hand_over(HAND_OVER_SECONDS)
    life.scope.cancel()


async def _listen(
    network: SimulatedNetwork, life: Life, address: Address
) -> list[tuple[trio.abc.Listener[trio.abc.Stream], Address]]:
    await trio.lowlevel.checkpoint()
    return [(network.listen(life, address), address)]
