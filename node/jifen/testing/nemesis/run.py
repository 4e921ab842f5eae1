"""A run from beginning to end: an alliance is made, suffers by plan while clients work, is mended, and is checked."""

import random
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec
import trio

from jifen.testing.nemesis import checks
from jifen.testing.nemesis.clients import Clients
from jifen.testing.nemesis.faults import Faults, OnEvent
from jifen.testing.nemesis.history import Violation
from jifen.testing.nemesis.processes import Alliance, DidNotStart, make_alliance
from jifen.testing.nemesis.schedule import Plan, to_text

CLIENTS: Final = 6
"""Clients at once."""

PAUSE_SECONDS: Final = 0.1
"""Longest pause of a client between two calls: some hundred calls a second, so that two processors are not the fault
that everything else hides behind."""

SETTLES_SECONDS: Final = 90.0
"""Longest time for clients to learn what became of their last transactions once everything is mended."""

GAP_SECONDS: Final = 1.0
"""From so many seconds without a commit on, the ledger counts as unavailable."""

PLAN_FILE: Final = "plan.txt"
HISTORY_FILE: Final = "history.jsonl"
EVENTS_FILE: Final = "events.txt"


class Outcome(msgspec.Struct, kw_only=True):
    """What a run came to."""

    plan: Plan
    injected: Counter[str]
    outcomes: Counter[str]
    """What clients were told."""
    seconds: float = 0.0
    """How long the phase with faults was; longer than planned when mending took its time."""
    gaps: list[float]
    """Lengths of the times without a commit, seconds, in their order."""
    failovers: list[float]
    """Seconds from the death of a leader to the next commit."""
    height: int = 0
    transactions: int = 0
    """In the chain at the end."""
    agreed_seconds: float = 0.0
    """From the end of all faults until everybody stood at one height in one state."""
    violations: list[str]


class Progress(msgspec.Struct):
    """A run as it goes on, for whoever watches."""

    seconds: float
    committed: int
    under_way: str


async def run(
    plan: Plan, home: Path, *, on_event: OnEvent = lambda _: None, on_progress: Callable[[Progress], None] | None = None
) -> Outcome:
    """Carry a plan out on an alliance made below `home`, and check everything.

    Plan, events, history and the validators' directories with their logs are left in `home`.
    """
    alliance = await trio.to_thread.run_sync(_prepare, plan, home)
    with (home / EVENTS_FILE).open("w", encoding="utf-8") as events:

        def tell(text: str) -> None:
            events.write(text + "\n")
            events.flush()
            on_event(text)

        session = _Session(plan, alliance, tell, on_progress)
        try:
            return await session.run()
        finally:
            with trio.CancelScope(shield=True):
                await alliance.close()
            session.clients.history.save(home / HISTORY_FILE)


def _prepare(plan: Plan, home: Path) -> Alliance:
    home.mkdir(parents=True)
    (home / PLAN_FILE).write_text(to_text(plan), encoding="utf-8")
    return make_alliance(home / "alliance", random.Random(f"{plan.seed} network"))


class _Session:
    """One run. Invariant: `violations` holds all that was found so far; the run goes on as far as it can."""

    def __init__(
        self,
        plan: Plan,
        alliance: Alliance,
        tell: OnEvent,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self.clients = Clients(alliance, plan.seed)
        self._plan = plan
        self._alliance = alliance
        self._tell = tell
        self._on_progress = on_progress
        self._faults = Faults(alliance, random.Random(f"{plan.seed} faults"), self.clients, tell)
        self._outcome = Outcome(
            plan=plan,
            injected=self._faults.injected,
            outcomes=self.clients.history.outcomes,
            gaps=[],
            failovers=self.clients.failovers,
            violations=[],
        )

    async def run(self) -> Outcome:
        """Run, and return what it came to."""
        try:
            await self._suffer()
            await self._check()
        except* (Violation, DidNotStart) as group:
            self._outcome.violations += [str(error) for error in _leaves(group)]
        return self._outcome

    async def _suffer(self) -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(self._alliance.network.run)
            self._alliance.route()
            await self._alliance.start_all()
            await self.clients.register()
            stop = trio.Event()
            async with trio.open_nursery() as working:
                for number in range(CLIENTS):
                    working.start_soon(self.clients.work, number, stop, PAUSE_SECONDS)
                if self._on_progress is not None:
                    nursery.start_soon(self._show, self._on_progress)
                begun = trio.current_time()
                await self._faults.carry_out(self._plan)
                mended = trio.current_time()
                self._outcome.seconds = mended - begun
                self._outcome.gaps = gaps_of(self.clients.history.committed_at, begun, mended)
                stop.set()
                working.cancel_scope.deadline = mended + SETTLES_SECONDS
            if working.cancel_scope.cancelled_caught:
                raise Violation(f"clients learn nothing of their transactions {SETTLES_SECONDS:g} s after the mending")
            self._outcome.height = await checks.agree(self._alliance)
            self._outcome.agreed_seconds = trio.current_time() - mended
            self._tell(
                f"agreed at height {self._outcome.height}, {self._outcome.agreed_seconds:.1f} s after the mending"
            )
            await checks.go_on(self._alliance, self.clients)
            self._outcome.height = await checks.agree(self._alliance)
            self._outcome.violations += await checks.stop_all(self._alliance)
            nursery.cancel_scope.cancel()

    async def _check(self) -> None:
        self._tell("stopped; verifying")
        self._outcome.violations += checks.faults_in_logs(self._alliance)
        self._outcome.transactions = await trio.to_thread.run_sync(checks.verify, self._alliance)
        history = self.clients.history
        await trio.to_thread.run_sync(checks.bear_out, self._alliance, history)

    async def _show(self, on_progress: Callable[[Progress], None]) -> None:
        begun = trio.current_time()
        while True:
            under_way = "; ".join(self._faults.under_way.values())
            committed = len(self.clients.history.committed_at)
            on_progress(Progress(trio.current_time() - begun, committed, under_way))
            await trio.sleep(0.25)


def gaps_of(committed_at: list[float], begun: float, ended: float) -> list[float]:
    """Return the lengths of the times between two commits that are longer than `GAP_SECONDS`, seconds."""
    times = [begun, *(time for time in committed_at if begun < time < ended), ended]
    return [later - earlier for earlier, later in pairwise(times) if later - earlier > GAP_SECONDS]


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
