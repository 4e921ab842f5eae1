"""Carrying a plan out: each kind of fault begins, lasts, and is mended.

Whoever is meant by `leader` is asked for when the fault begins, so that a plan from a seed hits leaders without knowing
who they will be.
"""

import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, final

import trio

from jifen.cli.failures import FAILURE
from jifen.client import ClientError
from jifen.testing.nemesis.clients import Clients
from jifen.testing.nemesis.processes import LOG_FILE, Alliance, ValidatorProcess
from jifen.testing.nemesis.proxy import Conditions, Flow, Pair, organization_of
from jifen.testing.nemesis.schedule import KINDS, LEADER, TRACKS, VALIDATORS, Fault, Plan

OnEvent = Callable[[str], None]
"""Told what happens, for people."""

CATCHES_UP_SECONDS: Final = 10.0
"""Longest wait of a rolling restart for one validator before it goes on to the next."""

LEAVES_SECONDS: Final = 20.0
"""Longest wait for a validator that was replaced to end by itself, which it does when it hears of it."""

FILLS_SECONDS: Final = 60.0
"""Longest wait for a full disk to be felt: who is cut off, or has nobody to vote with, writes nothing till then."""

LOOKS_EVERY_SECONDS: Final = 0.2
"""Pause between two looks for validators that ended by themselves."""

PAGE_BYTES: Final = 4096
"""Sizes of a store are whole pages."""

LOG_ROOM_BYTES: Final = 1 << 20
"""What a validator may log while its disk fails: the limit is one for all files."""


@final
class Faults:
    """Carries a plan out."""

    def __init__(self, alliance: Alliance, draws: random.Random, clients: Clients, on_event: OnEvent) -> None:
        self.alliance = alliance
        self.draws = draws
        self.clients = clients
        self.injected: Counter[str] = Counter()
        """Faults that took place, by kind."""
        self.under_way: dict[str, str] = {}
        """What goes wrong now, by track."""
        self._on_event = on_event
        self._begun = trio.current_time()

    async def carry_out(self, plan: Plan) -> None:
        """Carry a plan out; returns when its time is over and all that it broke is mended. Raises DidNotStart."""
        self._begun = trio.current_time()
        async with trio.open_nursery() as watching:
            watching.start_soon(self._watch)
            async with trio.open_nursery() as nursery:
                for track in TRACKS:
                    nursery.start_soon(self._follow, track, plan)
                await trio.sleep_until(self._begun + plan.seconds)
            watching.cancel_scope.cancel()

    def note(self, text: str) -> None:
        """Say what happens."""
        self._on_event(f"{trio.current_time() - self._begun:7.1f} s  {text}")

    async def organization(self, word: str) -> str:
        """Return the organization that a word of a plan means."""
        return (await self.alliance.leader() or VALIDATORS[0]) if word == LEADER else word

    async def validator(self, word: str) -> ValidatorProcess:
        """Return the validator that a word of a plan means."""
        return self.alliance.validators[await self.organization(word)]

    async def _follow(self, track: str, plan: Plan) -> None:
        for fault in plan.faults:
            # On a busy machine mending takes long; a run that is late leaves out what it has had.
            late = trio.current_time() > self._begun + plan.seconds
            if KINDS[fault.kind].track == track and not (late and self.injected[fault.kind]):
                await trio.sleep_until(self._begun + fault.at)
                self.under_way[track] = fault.what
                await self._suffer(fault)
                del self.under_way[track]

    async def _suffer(self, fault: Fault) -> None:
        kind, *words = fault.what.split()
        async with _ACTS[kind](self, words):
            self.injected[kind] += 1
            await trio.sleep(fault.seconds)

    async def _watch(self) -> None:
        """Note validators that end by themselves, and start them again: the run goes on, and fails at its end."""
        while True:
            await trio.sleep(LOOKS_EVERY_SECONDS)
            for validator in self.alliance.validators.values():
                if validator.has_ended_by_itself and not validator.may_end:
                    validator.note_end()
                    self.note(f"ended by itself: {validator.name}: {validator.ends[-1][1]}")
                    await validator.spawn()


_Act = Callable[[Faults, list[str]], AbstractAsyncContextManager[None]]


# ----------------------------------------------------------------------------------------------------------- processes


@asynccontextmanager
async def _kill(faults: Faults, words: list[str]) -> AsyncIterator[None]:
    """Kill validators, by default all; start them again."""
    leader = await faults.alliance.leader()
    names = list(dict.fromkeys([leader or VALIDATORS[0] if word == LEADER else word for word in words or VALIDATORS]))
    faults.note(f"killed: {' '.join(names)}{' (the leader)' if names == [leader] else ''}")
    async with trio.open_nursery() as nursery:
        for name in names:
            nursery.start_soon(faults.alliance.validators[name].kill)
    async with trio.open_nursery() as nursery:
        if names == [leader]:
            nursery.start_soon(faults.clients.time_failover, names[0])
        yield
        await _start(faults, *names)


async def _start(faults: Faults, *names: str) -> None:
    await faults.alliance.start_all(names)
    faults.note(f"started: {' '.join(names)}")


async def _stop(validator: ValidatorProcess, also: tuple[int, ...] = ()) -> None:
    """Ask a validator to stop; any exit code but 0, and those of `also`, is noted against it."""
    code = await validator.stop()
    if code not in (0, *also):
        validator.ends.append((code, f"when asked to stop: {validator.last_line()}"))


@asynccontextmanager
async def _pause(faults: Faults, words: list[str]) -> AsyncIterator[None]:
    validator = await faults.validator(words[0])
    faults.note(f"paused: {validator.name}")
    validator.pause()
    try:
        yield
    finally:
        validator.resume()
    faults.note(f"resumed: {validator.name}")


@asynccontextmanager
async def _fill_disk(faults: Faults, words: list[str]) -> AsyncIterator[None]:
    """Leave a store so many KiB of room until the validator stops, then as much as it wants."""
    validator = await faults.validator(words[0])
    await _stop(validator)
    room = validator.store_bytes + int(words[1]) * 1024
    faults.note(f"disk of {validator.name} has room for {words[1]} KiB more")
    async with _bad_disk(faults, validator, map_bytes=-(-room // PAGE_BYTES) * PAGE_BYTES):
        yield
        with trio.move_on_after(FILLS_SECONDS):
            await validator.ended()


@asynccontextmanager
async def _fail_disk(faults: Faults, words: list[str]) -> AsyncIterator[None]:
    """Let writes beyond so many further KiB of a store fail."""
    validator = await faults.validator(words[0])
    await _stop(validator)
    log = (validator.directory / LOG_FILE).stat().st_size + LOG_ROOM_BYTES
    faults.note(f"disk of {validator.name} fails beyond {words[1]} KiB more")
    async with _bad_disk(faults, validator, file_bytes=max(validator.store_bytes + int(words[1]) * 1024, log)):
        yield


@asynccontextmanager
async def _bad_disk(
    faults: Faults, validator: ValidatorProcess, map_bytes: int | None = None, file_bytes: int | None = None
) -> AsyncIterator[None]:
    validator.may_end = True
    await validator.spawn(map_bytes=map_bytes, file_bytes=file_bytes)
    await validator.serves()  # who is asked to stop before has not heard of signals yet
    yield
    if validator.has_ended_by_itself:
        faults.injected["validators stopped by their disks"] += 1
        faults.note(f"{validator.name} has stopped: {validator.last_line()}")
        if validator.exit_code != FAILURE:
            validator.note_end()
        await validator.kill()
    else:
        # It may be on its way out for its disk's sake at this very moment, and listen to signals no more.
        await _stop(validator, also=(FAILURE, -signal.SIGTERM))
    validator.may_end = False
    await _start(faults, organization_of(validator.name))


@asynccontextmanager
async def _rolling_restart(faults: Faults, _: list[str]) -> AsyncIterator[None]:
    """Restart everybody in turn, politely, as an operator does for a new version."""
    for validator in faults.alliance.validators.values():
        await _stop(validator)
        await _start(faults, organization_of(validator.name))
        with trio.move_on_after(CATCHES_UP_SECONDS):
            await _caught_up(faults.alliance, validator)
    yield


async def _caught_up(alliance: Alliance, validator: ValidatorProcess) -> None:
    leader = await alliance.leader()
    if leader is not None:
        try:
            height = (await alliance.validators[leader].client.status()).height
            await alliance.reaches(validator, height)
        except ClientError:
            return  # the next one is restarted all the same: the network may be what is broken


@asynccontextmanager
async def _replace(faults: Faults, words: list[str]) -> AsyncIterator[None]:
    """Vote a new validator in, in the place of an organization's present one; it starts from nothing."""
    alliance = faults.alliance
    wanted = await faults.organization(words[0])
    organization = next((name for name in (wanted, *alliance.validators) if alliance.may_replace(name)), None)
    if organization is None:
        faults.note("nobody is replaced: everybody has been as often as may be")
    else:
        await _replaced(faults, organization)
    yield


async def _replaced(faults: Faults, organization: str) -> None:
    alliance, old = faults.alliance, faults.alliance.validators[organization]
    new, change = await trio.to_thread.run_sync(alliance.prepare_successor, organization)
    faults.note(
        f"{new.name} is to replace {old.name}{' (the leader)' if await alliance.leader() == organization else ''}"
    )
    await new.join(alliance.urls)
    old.may_end = True
    await faults.clients.decide(organization, change)
    faults.note(f"{new.name} is admitted")
    await faults.clients.see_voter(new.name, new.url)
    faults.note(f"{new.name} votes")
    alliance.take_over(organization, new)
    with trio.move_on_after(LEAVES_SECONDS):
        await old.ended()
    if old.runs:
        faults.note(f"{old.name} has not heard that it is out")
    await _stop(old)
    # From here on it obeys like the others, and shows that it can be restarted.
    await _stop(new)
    await _start(faults, organization)


# ------------------------------------------------------------------------------------------------------------- network


@asynccontextmanager
async def _blocked(faults: Faults, pairs: list[Pair], flow: str) -> AsyncIterator[None]:
    ends = dict.fromkeys(f"{organization_of(pair.sender)}>{organization_of(pair.recipient)}" for pair in pairs)
    faults.note(f"blocked ({flow}): {', '.join(ends)}")
    faults.alliance.network.block(pairs, Flow(flow))
    yield
    faults.alliance.network.mend()
    faults.note("mended: all links")


@asynccontextmanager
async def _shaped(faults: Faults, pairs: list[Pair], conditions: Conditions) -> AsyncIterator[None]:
    faults.alliance.network.shape(pairs, conditions)
    yield
    faults.alliance.network.mend()
    faults.note("mended: all links")


def _groups(faults: Faults, words: list[str]) -> AbstractAsyncContextManager[None]:
    """Let links carry only within a group; a validator in two groups is a bridge."""
    *names, flow = words
    groups = [part.split() for part in " ".join(names).split("|")]
    return _blocked(faults, faults.alliance.network.apart(groups), flow)


def _one_way(faults: Faults, words: list[str]) -> AbstractAsyncContextManager[None]:
    *pairs, flow = words
    network = faults.alliance.network
    return _blocked(faults, [link for pair in pairs for link in network.between(*pair.split(">"))], flow)


def _around(*, sends: bool = False, receives: bool = False) -> _Act:
    @asynccontextmanager
    async def act(faults: Faults, words: list[str]) -> AsyncIterator[None]:
        organization = await faults.organization(words[0])
        links = faults.alliance.network.of(organization, sends=sends, receives=receives)
        async with _blocked(faults, links, words[1]):
            yield

    return act


def _slow(faults: Faults, words: list[str]) -> AbstractAsyncContextManager[None]:
    delay_ms, jitter_ms = words
    faults.note(f"slow: every link {delay_ms} ms and up to {jitter_ms} ms more")
    conditions = Conditions(delay_seconds=int(delay_ms) / 1000, jitter_seconds=int(jitter_ms) / 1000)
    return _shaped(faults, list(faults.alliance.network.links), conditions)


@asynccontextmanager
async def _narrow(faults: Faults, words: list[str]) -> AsyncIterator[None]:
    organization = await faults.organization(words[0])
    faults.note(f"narrow: links of {organization} carry {words[1]} KiB a second")
    conditions = Conditions(bytes_per_second=int(words[1]) * 1024)
    async with _shaped(faults, faults.alliance.network.of(organization), conditions):
        yield


@asynccontextmanager
async def _cut(faults: Faults, words: list[str]) -> AsyncIterator[None]:
    """Reset the connections of some links, again and again."""
    faults.note(f"cut: some connections every {words[0]} ms")
    links = list(faults.alliance.network.links.values())

    async def cut_for_ever() -> None:
        while True:
            for link in faults.draws.sample(links, len(links) // 2):
                faults.injected["connections cut"] += link.cut()
            await trio.sleep(int(words[0]) / 1000)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(cut_for_ever)
        yield
        nursery.cancel_scope.cancel()
    faults.note("no longer cut")


# -------------------------------------------------------------------------------------------------------------- clocks


@asynccontextmanager
async def _clock(faults: Faults, words: list[str]) -> AsyncIterator[None]:
    validator = await faults.validator(words[0])
    faults.note(f"clock of {validator.name} is {words[1]} s off")
    await validator.set_clock(int(words[1]) * 1000)
    yield
    await validator.set_clock(0)
    faults.note(f"clock of {validator.name} is right again")


_ACTS: Final[dict[str, _Act]] = {
    "kill": _kill,
    "kill-two": _kill,
    "kill-all": _kill,
    "pause": _pause,
    "fill-disk": _fill_disk,
    "fail-disk": _fail_disk,
    "rolling-restart": _rolling_restart,
    "replace": _replace,
    "split": _groups,
    "bridge": _groups,
    "isolate": _around(sends=True, receives=True),
    "mute": _around(sends=True),
    "deaf": _around(receives=True),
    "one-way": _one_way,
    "slow": _slow,
    "narrow": _narrow,
    "cut": _cut,
    "clock": _clock,
}
assert _ACTS.keys() == KINDS.keys(), "every kind of fault that may stand in a plan can be carried out"
