"""The order of trio's tasks, decided by a seed; and processes that stand still, as after SIGSTOP.

trio runs what is runnable in batches and orders each batch by chance. It keeps a door open for a repeatable order: with
`_ALLOW_DETERMINISTIC_SCHEDULING` it first sorts a batch by the age of the tasks and then shuffles it with its module's
own generator `_r` (trio issue 840, pull request 890; what Hypothesis uses). Here both are replaced during a run. Ties
of deadlines, which trio breaks by memory address, then do not matter: who is woken at once is in one batch.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, final
from unittest.mock import patch

import trio
import trio.testing
from trio._core import _run

PROCESS: Final[ContextVar[str]] = ContextVar("process", default="")
"""Which validator's process a task belongs to; empty for the world's own. Tasks inherit it from who starts them."""

BATCHES_AT_ONCE_MAX: Final = 20_000
"""Batches within one moment: a hundred times the longest chain of wake-ups; more is tasks that wake each other for
ever, and time would never go on."""


@final
class Scheduler:
    """Stands in for trio's random generator."""

    def __init__(self, draws: random.Random, clock: trio.testing.MockClock, on_stuck: Callable[[], None]) -> None:
        """`on_stuck` is called when time does not go on any more."""
        self._draws = draws
        self._clock = clock
        self._on_stuck = on_stuck
        self._moment = (-1.0, 0)
        """Time, and batches run at that time."""
        self._held: dict[str, list[trio.lowlevel.Task]] = {}
        """Tasks of the processes that stand still, though they could run."""
        self._countdowns: dict[str, tuple[int, Callable[[], None]]] = {}
        self.steps: Counter[str] = Counter()
        """Steps of tasks, by process."""

    def random(self) -> float:
        """Draw from [0, 1), as trio does where it does not shuffle."""
        return self._draws.random()

    def shuffle(self, batch: list[trio.lowlevel.Task]) -> None:
        """Order a batch, and leave out those who must not run now."""
        self._watch_time()
        if self._held:
            for process, held in self._held.items():
                held += [task for task in batch if _process_of(task) == process]
            batch[:] = [task for task in batch if _process_of(task) not in self._held]
        for task in batch:
            self.steps[_process_of(task)] += 1
        for process, (step, act) in list(self._countdowns.items()):
            if self.steps[process] >= step:
                del self._countdowns[process]
                act()
        self._draws.shuffle(batch)

    def stop(self, process: str) -> None:
        """Let no task of a process run until `go_on`."""
        self._held.setdefault(process, [])

    def go_on(self, process: str) -> None:
        """Let a process run again; what could run meanwhile runs next."""
        _run.GLOBAL_RUN_CONTEXT.runner.runq.extend(self._held.pop(process, ()))

    def after_steps(self, process: str, count: int, act: Callable[[], None]) -> None:
        """Call `act` between two batches, once the tasks of a process have made `count` more steps."""
        self._countdowns[process] = (self.steps[process] + count, act)

    def forget(self, process: str) -> bool:
        """Drop what `after_steps` has planned for a process; tell whether there was something."""
        return self._countdowns.pop(process, None) is not None

    def _watch_time(self) -> None:
        now, (then, batches) = self._clock.current_time(), self._moment
        self._moment = (now, batches + 1 if now == then else 0)
        if self._moment[1] == BATCHES_AT_ONCE_MAX:
            self._on_stuck()


def _process_of(task: trio.lowlevel.Task) -> str:
    return task.context.get(PROCESS, "")


@contextmanager
def in_charge(scheduler: Scheduler) -> Iterator[None]:
    """Let the scheduler order the tasks of a trio run that begins and ends inside."""
    with patch.object(_run, "_r", scheduler), patch.object(_run, "_ALLOW_DETERMINISTIC_SCHEDULING", new=True):
        yield
