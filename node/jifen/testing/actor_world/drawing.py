"""Drawing a world of actors from a seed."""

import random
from collections.abc import Iterator
from typing import Final

import msgspec

from jifen.testing.world import scenario as world
from jifen.testing.world.afflictions import COMMON
from jifen.testing.world.scenario import Event, Scenario

SAFETY_MS: Final = 6_000
"""Length of the phase with faults: half a dozen election time-outs, and longer than most of the transport's."""


def drawn(seed: int) -> Scenario:
    """Draw a world: the faults of `jifen.testing.world`, and those that only processes and connections have."""
    draws = random.Random(f"actors {seed}")
    base = world.drawn(draws.randrange(1 << 32))
    scenario = msgspec.structs.replace(
        base,
        seed=seed,
        duration_ms=SAFETY_MS,
        think_ms=draws.choice((30, 200, 800)),
        read_ms=draws.choice((0, 150, 600)),
        loss_per_mille=draws.choice((0, 0, 20, 100)),
        duplicate_per_mille=0,
        checkpoint_blocks=draws.choice((0, 10, 20)),
        ordered=True,
    )
    kept = [event for event in base.events if event.command.split()[0] in (*COMMON, "admit", "remove")]
    events = sorted(event for event in (*kept, *_events(scenario, draws)) if event.at_ms < SAFETY_MS)
    return msgspec.structs.replace(scenario, events=tuple(events))


def _events(scenario: Scenario, draws: random.Random) -> Iterator[Event]:
    if draws.random() < 0.5:
        for at in _moments(draws, 2500):
            yield Event(at, f"stop {draws.choice(scenario.ids)}")
            yield Event(at + draws.choice((50, 1000, 4000)), "restart all")
    if draws.random() < 0.5:
        for at in _moments(draws, 1000):
            yield Event(at, f"reset {' '.join(draws.sample(scenario.ids, 2))}")


def _moments(draws: random.Random, mean_ms: int) -> Iterator[int]:
    at = int(draws.expovariate(1 / mean_ms))
    while at < SAFETY_MS:
        yield at
        at += 100 + int(draws.expovariate(1 / mean_ms))
