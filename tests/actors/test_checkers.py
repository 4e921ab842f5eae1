"""Long lists of signatures go to processes, which come and go; whatever becomes of them, the answer is right."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from jifen.actors import checkers as subject
from jifen.actors.checkers import LONG_LIST_CLAIMS, Checkers
from jifen.actors.surroundings import Threads
from jifen.keys.signing import KeyPair
from jifen.keys.verification import Claim

KEY = KeyPair.derive(bytes(32), "key")
LIES = [0, 700, LONG_LIST_CLAIMS - 1]


@pytest.fixture(scope="module")
def long_list() -> list[Claim]:
    """Return claims of which `LIES` do not hold."""
    messages = [place.to_bytes(32, "big") for place in range(LONG_LIST_CLAIMS)]
    signed = [Claim(KEY.public, message, KEY.sign(message)) for message in messages]
    for place in LIES:
        signed[place] = signed[place]._replace(message=b"\xff" * 32)
    return signed


@asynccontextmanager
async def running(idle_seconds: float = 60) -> AsyncIterator[Checkers]:
    checkers = Checkers(2, Threads(), idle_seconds=idle_seconds)
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(checkers.run)
            yield checkers
            nursery.cancel_scope.cancel()


async def until_running(checkers: Checkers, count: int) -> None:
    while checkers.running != count:  # noqa: ASYNC110 - processes start and end in their own time
        await trio.sleep(0.01)


async def until_gone(pid: int) -> None:
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        await trio.sleep(0.01)


def pids(checkers: Checkers) -> list[int]:
    return [checker._process.pid for checker in checkers._running]


async def test_the_first_long_list_starts_processes_and_those_after_it_are_checked_by_them(
    long_list: list[Claim], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running() as checkers:
        assert await checkers.find_false(long_list) == LIES
        await until_running(checkers, 2)
        monkeypatch.delattr(subject, "find_false")
        assert await checkers.find_false(long_list) == LIES
        assert await checkers.find_false([*long_list, long_list[0]]) == [*LIES, LONG_LIST_CLAIMS]


async def test_short_lists_need_no_process(long_list: list[Claim]) -> None:
    async with running() as checkers:
        assert await checkers.find_false(long_list[:-1]) == LIES[:-1]
        await trio.testing.wait_all_tasks_blocked()
        assert checkers.running == 0


async def test_what_a_killed_process_leaves_undone_is_checked_by_threads(long_list: list[Claim]) -> None:
    async with running() as checkers:
        await checkers.find_false(long_list)
        await until_running(checkers, 2)
        os.kill(pids(checkers)[0], signal.SIGKILL)
        assert await checkers.find_false(long_list) == LIES
        await until_running(checkers, 0)


async def test_processes_that_have_nothing_to_do_are_stopped_and_started_again_when_needed(
    long_list: list[Claim],
) -> None:
    async with running(idle_seconds=1) as checkers:
        for _ in range(2):
            await checkers.find_false(long_list)
            await until_running(checkers, 2)
            first = pids(checkers)
            await until_running(checkers, 0)
            for pid in first:
                await until_gone(pid)


async def test_a_claim_of_another_length_holds_for_nobody(long_list: list[Claim]) -> None:
    async with running() as checkers:
        await checkers.find_false(long_list)
        await until_running(checkers, 2)
        short = [long_list[1]._replace(key=KEY.public[:-1]), *long_list[1:]]
        assert await checkers.find_false(short) == LIES
