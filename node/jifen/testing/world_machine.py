"""Hypothesis drives the simulated world: rule by rule, so that what fails shrinks to the few rules that matter.

Chance has little part in it: frames arrive in order and none is lost unless a rule says so, and the seed is a small
number. Every rule is an event of a scenario, at the time at which it was carried out; so a run is a scenario, and a
failing one is saved as a file that `python -m jifen.testing.simulate --scenario FILE` replays.
"""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from jifen.consensus.invariants import InvariantBroken
from jifen.testing.simulate import DIRECTORY, Failure, save
from jifen.testing.world.engine import World
from jifen.testing.world.scenario import VALIDATORS, Event, Scenario

WHO = st.sampled_from(("leader", *VALIDATORS[:3]))
"""Those that every world has; who leads may be any other."""

FOREVER_MS = 1 << 40
"""Length of a phase with faults that ends when Hypothesis is done."""


class WorldMachine(RuleBasedStateMachine):
    """One world, and what befalls it."""

    directory: ClassVar[Path] = DIRECTORY
    """Where the failing scenario is saved, under the name `hypothesis`; the last one saved is the smallest."""

    start: Scenario
    """The world as it began."""
    world: World
    events: list[Event]
    """What befell it."""
    ended: int
    """Time until which rules have let it run, ms: where healing begins."""
    broken: bool
    """Whether it failed, and no healing is to be expected."""

    @initialize(
        seed=st.integers(1, 20),
        validators=st.sampled_from((3, 4, 5)),
        tight=st.booleans(),
        ordered=st.booleans(),
        delay_ms=st.sampled_from((0, 20)),
        sync_ms=st.sampled_from((2, 60)),
    )
    def begin(self, seed: int, validators: int, tight: bool, ordered: bool, delay_ms: int, sync_ms: int) -> None:
        """Make the world, and let somebody lead."""
        self.start = Scenario(
            seed=seed,
            validators=validators,
            duration_ms=FOREVER_MS,
            tight=tight,
            clients=1,
            delay_ms_mean=delay_ms,
            ordered=ordered,
            sync_ms_max=sync_ms,
        )
        self.world, self.events = World(self.start), []
        self.broken = False
        self._run(1500)

    # Time and work.

    @rule(ms=st.sampled_from((1, 10, 100, 700)))
    def deliver_and_tick(self, ms: int) -> None:
        """Let time pass: what is on the way arrives, clocks tick, disks get done."""
        self._run(ms)

    @rule(count=st.integers(1, 3))
    def propose(self, count: int) -> None:
        """Let somebody ask for transactions."""
        for _ in range(count):
            self._happens("ask")

    @rule(who=WHO)
    def read(self, who: str) -> None:
        """Ask for a current read."""
        self._happens(f"read {who}")

    @rule(who=st.sampled_from(("any", *VALIDATORS[:3])))
    def transfer(self, who: str) -> None:
        """Let the leader hand over."""
        self._happens(f"transfer {who}")

    # The network.

    @rule(one=WHO, other=WHO, count=st.integers(1, 5), how=st.sampled_from(("lose", "repeat")))
    def drop_or_duplicate(self, one: str, other: str, count: int, how: str) -> None:
        """Lose or repeat the next frames of a link."""
        self._happens(f"{how} {one} > {other} {count}")

    @rule(one=WHO, other=WHO, ms=st.sampled_from((50, 600)))
    def clog(self, one: str, other: str, ms: int) -> None:
        """Hold a link back."""
        self._happens(f"clog {one} > {other} {ms}")

    @rule(who=WHO, how=st.sampled_from(("isolate", "deaf", "mute")))
    def cut_off(self, who: str, how: str) -> None:
        """Cut somebody off."""
        self._happens(f"{how} {who}")

    @rule(size=st.integers(1, 3), bridge=st.booleans())
    def partition(self, size: int, bridge: bool) -> None:
        """Divide the validators, with or without one that reaches both sides."""
        ids = self.world.ids
        self._happens(f"partition {' '.join(ids[: size + bridge])} | {' '.join(ids[size:]) or ids[0]}")

    @rule()
    def heal(self) -> None:
        """Let all links carry again."""
        self._happens("heal")

    # Machines.

    @rule(who=st.sampled_from(("leader", *VALIDATORS[:3], "all")))
    def crash(self, who: str) -> None:
        """Let the power fail."""
        self._happens(f"crash {who}")

    @rule()
    def restart(self) -> None:
        """Start all that are down."""
        self._happens("restart all")

    @rule(who=WHO, ms=st.sampled_from((200, 1200)))
    def pause(self, who: str, ms: int) -> None:
        """Stop a process for a while."""
        self._happens(f"pause {who}")
        self._run(ms)
        self._happens("resume all")

    @rule(who=WHO, how=st.sampled_from(("fail-sync", "fill-disk", "slow-disk")))
    def hurt_disk(self, who: str, how: str) -> None:
        """Let a disk fail, fill up or become slow."""
        self._happens(f"{how} {who} 300" if how == "slow-disk" else f"{how} {who}")

    @rule(who=WHO, ms=st.sampled_from((-60_000, -500, 900)))
    def clock(self, who: str, ms: int) -> None:
        """Set a clock off."""
        self._happens(f"clock {who} {ms}")

    def teardown(self) -> None:
        """Heal; then all must agree, and everything promised be there."""
        if hasattr(self, "world") and not self.broken:
            self._guarded(self.world.settle)

    # Carrying out.

    def _happens(self, command: str) -> None:
        event = Event(self.world.now + 1, command)
        self.events.append(event)
        self.world.schedule(event)
        self._run(1)

    def _run(self, ms: int) -> None:
        self.ended = self.world.now + ms
        self._guarded(lambda: self.world.run_for(ms))

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except InvariantBroken as error:
            self.broken = True
            scenario = msgspec.structs.replace(self.start, duration_ms=self.ended, events=tuple(self.events))
            path = save(Failure(scenario, str(error)), self.directory, "hypothesis")
            error.add_note(f"replay:  python -m jifen.testing.simulate --scenario {path}")
            raise
