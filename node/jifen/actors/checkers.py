"""Checking long lists of signatures in processes of their own, as a validator needs that catches up.

Threads check as quickly while nothing else runs. But between two checks a thread has to take Python's lock, and an
event loop that executes block after block lets it go only every few milliseconds: checking and executing would take
turns (docs/decisions/checker-processes.md has figures). So processes are started when a long list comes, and stopped
when none has come for a while: a validator that keeps up needs none.
"""

import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from typing import Final, final

import structlog
import trio

from jifen.actors.surroundings import Workers
from jifen.actors.verifier import find_false
from jifen.keys.checker import NUMBER_BYTES, are_askable, decode_number, encode_question
from jifen.keys.verification import Claim

LONG_LIST_CLAIMS: Final = 1024
"""From so many claims on, 40 ms of work, a list is long. No block holds so many: messages do that make up for many."""

IDLE_SECONDS: Final = 30.0
"""Time without a long list after which the processes are stopped: each keeps some 20 MB."""

ANSWER_SECONDS_MAX: Final = 30.0
"""Longest wait for an answer, a hundred times what one takes on a machine with better things to do."""

RESTART_SECONDS: Final = 5.0
"""Pause before processes are started anew after one has failed."""

COUNT_MAX: Final = 4
"""More processes check more than one event loop can execute."""

log = structlog.get_logger()


class _Failed(Exception):
    """A process gave no answer; the text says why."""


@final
class _Checker:
    """One process. Invariant: it has been asked nothing that it has not answered, unless `_turn` is held."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self._turn = trio.Lock()

    async def ask(self, claims: Sequence[Claim]) -> list[int]:
        """Return the ascending indexes of the claims that do not hold; raises _Failed."""
        async with self._turn:
            try:
                with trio.fail_after(ANSWER_SECONDS_MAX):
                    return await self._exchange(encode_question(claims))
            except trio.TooSlowError:
                raise _Failed("it does not answer") from None
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                raise _Failed("it has ended") from None

    async def _exchange(self, question: bytes) -> list[int]:
        assert self._process.stdin is not None
        await self._process.stdin.send_all(question)
        count = decode_number(await self._read(NUMBER_BYTES))
        numbers = await self._read(count * NUMBER_BYTES)
        return [decode_number(numbers[at : at + NUMBER_BYTES]) for at in range(0, len(numbers), NUMBER_BYTES)]

    async def _read(self, size: int) -> bytes:
        assert self._process.stdout is not None
        data = b""
        while len(data) < size:
            more = await self._process.stdout.receive_some(size - len(data))
            if not more:
                raise trio.BrokenResourceError
            data += bytes(more)
        return data

    async def stop(self) -> None:
        """End the process. Whoever waits for an answer is told that it has ended."""
        self._process.kill()
        with trio.CancelScope(shield=True):
            await self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    await stream.aclose()


@final
class Checkers:
    """Processes that check signatures. `run` starts, stops and replaces them; `find_false` asks them."""

    def __init__(self, count: int, workers: Workers, *, idle_seconds: float = IDLE_SECONDS) -> None:
        """Start `count` processes when they are needed; before, and for what they fail to do, there are `workers`."""
        self._count = min(count, COUNT_MAX)
        self._workers = workers
        self._idle_seconds = idle_seconds
        self._running: list[_Checker] = []
        """Those that can be asked."""
        self._wanted = trio.Event()
        self._failed = trio.Event()
        self._asked_at = 0.0

    @property
    def running(self) -> int:
        """Processes that can be asked now."""
        return len(self._running)

    async def find_false(self, claims: Sequence[Claim]) -> list[int]:
        """Return the ascending indexes of the claims that do not hold."""
        if len(claims) < LONG_LIST_CLAIMS:
            return await find_false(claims, self._workers)
        self._asked_at = trio.current_time()
        self._wanted.set()
        checkers = tuple(self._running)
        if not checkers or not are_askable(claims):
            return await find_false(claims, self._workers)
        size = -(-len(claims) // len(checkers))
        found: list[list[int]] = [[] for _ in checkers]
        async with trio.open_nursery() as nursery:
            for place, checker in enumerate(checkers):
                nursery.start_soon(self._check, checker, claims[place * size : (place + 1) * size], found[place])
        return [place * size + index for place, part in enumerate(found) for index in part]

    async def _check(self, checker: _Checker, claims: Sequence[Claim], found: list[int]) -> None:
        try:
            found += await checker.ask(claims)
        except _Failed as failure:
            log.warning("a process that checks signatures is of no use; threads do its work", reason=str(failure))
            self._failed.set()
            found += await find_false(claims, self._workers)

    async def run(self) -> None:
        """Start processes when they are wanted, stop them when they are not or one fails; for ever."""
        while True:
            await self._wanted.wait()
            started: list[_Checker] = []
            try:
                await self._start(started)
                self._running = started
                await self._until_idle_or_failed()
            finally:
                failed, self._running = self._failed.is_set(), []
                # Before anything is waited for: a long list that comes now is to find events that will be looked at.
                self._wanted, self._failed = trio.Event(), trio.Event()
                for checker in started:
                    await checker.stop()
            if failed:
                await trio.sleep(RESTART_SECONDS)

    async def _start(self, started: list[_Checker]) -> None:
        try:
            for _ in range(self._count):
                command = [sys.executable, "-P", "-m", "jifen.keys.checker"]
                open_process = partial(trio.lowlevel.open_process, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                started.append(_Checker(await open_process(command)))
            for checker in started:
                await checker.ask(())  # it answers once it is ready
        except (OSError, _Failed) as error:
            log.warning("processes that check signatures cannot be started; threads do their work", reason=str(error))
            self._failed.set()

    async def _until_idle_or_failed(self) -> None:
        self._asked_at = trio.current_time()  # starting may have taken long
        while not self._failed.is_set():
            until = self._asked_at + self._idle_seconds
            if trio.current_time() >= until:
                return
            with trio.move_on_at(until):
                await self._failed.wait()
