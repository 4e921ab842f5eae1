"""What surrounds a validator: the time of day, chance, worker threads and the network.

The defaults are the machine's own. A simulation hands in others and so decides everything that could differ between
two runs.
"""

import os
import random
from collections.abc import Callable
from typing import Protocol, TypeVar, final

import msgspec
import trio

from jifen.actors.clock import Clock, system_clock
from jifen.transport import Connector, Listen, listen_on_tcp, open_tcp

T = TypeVar("T")


class Workers(Protocol):
    """Runs calls that compute for long or wait for the disk, beside the event loop.

    Both methods return what the call returns and raise what it raises. Once a call has begun, its end is waited for
    even when the caller is cancelled: the outcome of a sync decides what may be acknowledged.
    """

    @property
    def count(self) -> int:
        """How many calls are worth computing at a time."""
        ...

    async def compute(self, call: Callable[[], T]) -> T:
        """Run a call that computes."""
        ...

    async def store(self, call: Callable[[], T]) -> T:
        """Run a call that writes the store; one at a time, and never behind those that compute."""
        ...


@final
class Threads:
    """Worker threads: those that trio keeps, and of these one at a time for the store."""

    def __init__(self) -> None:
        self._storing = trio.CapacityLimiter(1)

    @property
    def count(self) -> int:
        """The processors of this machine."""
        return os.cpu_count() or 1

    async def compute(self, call: Callable[[], T]) -> T:
        """Run a call that computes."""
        return await trio.to_thread.run_sync(call)

    async def store(self, call: Callable[[], T]) -> T:
        """Run a call that writes the store."""
        return await trio.to_thread.run_sync(call, limiter=self._storing)


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """All that a validator knows of the world outside its data directory; its own for every validator."""

    clock: Clock = system_clock
    """Tells the time of day."""
    draws: random.Random = msgspec.field(default_factory=random.SystemRandom)
    """Draws election time-outs, the jitter of dialling, first ids of reads, and nonces. Nonces must not be guessed."""
    workers: Workers = msgspec.field(default_factory=Threads)
    """Runs what must not stop the event loop."""
    checkers: int = 0
    """Most processes that may be started to check signatures (`jifen.actors.checkers`); without, workers do it all."""
    connect: Connector = open_tcp
    """Opens the byte stream of a link, below TLS."""
    listen: Listen = listen_on_tcp
    """Takes the byte streams of peers, below TLS."""


def whole_machine(clock: Clock = system_clock) -> Surroundings:
    """Return the surroundings of a validator that may use all of this machine."""
    processors = os.cpu_count() or 1
    return Surroundings(clock=clock, checkers=processors if processors > 1 else 0)
