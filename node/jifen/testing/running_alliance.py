"""A small alliance that runs: real validators in one process, over real TLS on the loopback."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar, final

import trio

from jifen.actors.clock import system_clock
from jifen.actors.node import Node, NodeRetired, SubmitResult, run_node
from jifen.actors.setup import Timing
from jifen.codec.genesis import chain_id
from jifen.testing.small_alliance import SmallAlliance, small_alliance
from jifen.testing.small_chain import LIFETIME_MS, Clerk

T = TypeVar("T")

PATIENCE_SECONDS: Final = 90
"""How long a test waits for something that must happen: far longer than it takes, on slow and busy machines too."""

QUICK: Final = Timing(tick_ms=20, heartbeat_ticks=2, election_ticks_min=15, election_ticks_max=30)
"""Elections within a second, and still patient enough for two busy cores."""


@final
class RunningAlliance:
    """Validators that can be started and stopped one by one; each keeps its data directory."""

    def __init__(self, alliance: SmallAlliance, nursery: trio.Nursery, clerk: Clerk) -> None:
        self.alliance = alliance
        self.clerk = clerk
        self.nodes: dict[str, Node] = {}
        """Those that run."""
        self._nursery = nursery
        self._stops: dict[str, trio.CancelScope] = {}
        self._stopped: dict[str, trio.Event] = {}

    @property
    def names(self) -> list[str]:
        """Every validator, running or not."""
        return list(self.alliance.setups)

    async def start(self, *names: str) -> None:
        """Start validators, by default all; returns when they serve."""
        for name in names or self.names:
            self._stopped[name] = trio.Event()
            self.nodes[name] = await self._nursery.start(self._run, name)

    async def stop(self, *names: str) -> None:
        """Stop validators, by default all that run; returns when their data directories are free."""
        for name in names or list(self.nodes):
            del self.nodes[name]
            self._stops.pop(name).cancel()
            await self._stopped[name].wait()

    async def retired(self, name: str) -> None:
        """Wait until a validator has stopped because the alliance took it out."""
        with trio.fail_after(PATIENCE_SECONDS):
            await self._stopped[name].wait()
        assert name not in self.nodes

    async def leader(self, among: Iterable[str] = ()) -> str:
        """Wait until the running validators, or those named, agree on a leader that runs, and return its name."""
        names = list(among) or list(self.nodes)

        def agreed() -> str | None:
            leaders = {self.nodes[name].status().leader for name in names}
            leader = leaders.pop() if len(leaders) == 1 else None
            return leader if leader in self.nodes else None

        return await self.found(agreed)

    async def follower(self) -> str:
        """Wait for a leader and return somebody else."""
        leader = await self.leader()
        return next(name for name in self.nodes if name != leader)

    async def height(self, height: int) -> None:
        """Wait until every running validator has committed `height`."""
        for name, node in self.nodes.items():
            assert await node.wait_for_height(height, PATIENCE_SECONDS), f"{name} stays below {height}"

    async def digest(self) -> bytes:
        """Wait until all running validators stand at one height, and return the state digest they share."""

        def one_height() -> int | None:
            heights = {node.status().height for node in self.nodes.values()}
            return heights.pop() if len(heights) == 1 else None

        await self.found(one_height)
        digests = {node.status().state_digest for node in self.nodes.values()}
        assert len(digests) == 1, "validators at one height have different states"
        return digests.pop()

    async def found(self, look: Callable[[], T | None]) -> T:
        """Look once a tick until there is something."""
        with trio.fail_after(PATIENCE_SECONDS):
            while (thing := look()) is None:  # noqa: ASYNC110 - who leads is a state, it comes with no event
                await trio.sleep(QUICK.tick_ms / 1000)
            return thing

    async def submit(self, name: str, *signed: bytes) -> list[SubmitResult]:
        """Submit through a validator and wait for the outcome."""
        return await self.nodes[name].submit(signed, wait=True, timeout_seconds=PATIENCE_SECONDS)

    async def _run(self, name: str, task_status: trio.TaskStatus[Node]) -> None:
        try:
            with trio.CancelScope() as self._stops[name]:
                await run_node(self.alliance.setups[name], task_status=task_status)
        except NodeRetired:
            del self.nodes[name], self._stops[name]
        finally:
            self._stopped[name].set()


@asynccontextmanager
async def running_alliance(
    home: Path, names: tuple[str, ...] = ("mall", "books", "music", "cafe"), *, alliance: SmallAlliance | None = None
) -> AsyncIterator[RunningAlliance]:
    """Make an alliance below `home`, or take one made before, and let the body start its validators.

    They are stopped when the body ends; one that fails cancels the body.
    """
    made = alliance or small_alliance(home, names, QUICK)
    async with trio.open_nursery() as nursery:
        yield RunningAlliance(made, nursery, Clerk(chain_id(made.genesis), system_clock() + LIFETIME_MS))
        nursery.cancel_scope.cancel()
