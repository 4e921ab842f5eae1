"""What happens in a world and when: as a record, as readable text, and drawn from a seed.

A scenario is everything that a run depends on, so its text replays it exactly. Small things (which frame is lost, how
long a sync takes) follow from its seed and its rates; large ones (crashes, partitions, faults of disks and clocks) are
listed as events, so that they can be read, edited, and left out one by one to see which of them matter.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec

VALIDATORS: Final = ("mall", "books", "music", "cafe", "tea", "toys", "silk")
"""Names of the validators; a world of n has the first n."""

SAFETY_MS: Final = 12_000
"""Length of the phase with faults: a dozen election timeouts."""


LOSSES: Final = ("wipe", "rot", "misdirect", "rot-old", "rot-old", "rot-state")
"""Faults of a disk after which its validator does not come back."""

ABSENCES_MS: Final = (3000, 5000)
"""Absences in worlds that compact: the others commit more meanwhile than their logs keep."""

FAR_AHEAD_MS: Final = 30_000
"""A clock that is so far ahead has its blocks refused by all whose clocks are right."""


class Event(msgspec.Struct, frozen=True, order=True):
    """Something large that happens."""

    at_ms: int
    """Time since the start of the world."""
    command: str
    """What happens, in the words of `jifen.testing.world.nemesis`."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One world. Rates are per thousand, times in milliseconds."""

    seed: int = 1
    """Decides everything small."""
    validators: int = 4
    """How many vote from the start."""
    spares: int = 0
    """Validators besides that run and wait to be admitted."""
    duration_ms: int = SAFETY_MS
    """Length of the phase with faults."""
    tight: bool = False
    """Small limits reach their edges; generous ones reach depth."""
    clients: int = 3
    think_ms: int = 100
    """Longest pause of a client between two transactions."""
    read_ms: int = 0
    """Longest pause between two linearizable reads, each asked of anybody, or of who thinks to lead; 0 for none."""
    delay_ms_min: int = 1
    delay_ms_mean: int = 0
    """Mean of what is added to the shortest delay, distributed exponentially."""
    loss_per_mille: int = 0
    duplicate_per_mille: int = 0
    ordered: bool = True
    """Whether a link keeps the order of its frames, as TLS does."""
    clog_ms: int = 0
    """Longest time for which a link, now and then, holds everything back."""
    sync_ms_max: int = 2
    """Longest sync of a healthy disk."""
    busy_ms_max: int = 0
    """Longest time that a validator lets what arrives wait for its turn."""
    old: int = 0
    """How many validators, the first ones, run the older of two releases at the start."""
    drift_per_mille: int = 0
    """Most by which a validator's clock runs fast or slow."""
    checkpoint_blocks: int = 0
    """Blocks between checkpoints, of which few are kept; 0 keeps all. In worlds of actors only."""
    compact_every: int = 0
    """Blocks after which a validator compacts its log, so that who lacks more needs a snapshot; 0 for never. In worlds
    of cores only."""
    events: tuple[Event, ...] = ()

    def calm(self) -> "Scenario":
        """Return the same world without its small faults."""
        return msgspec.structs.replace(
            self,
            delay_ms_min=1,
            delay_ms_mean=0,
            loss_per_mille=0,
            duplicate_per_mille=0,
            clog_ms=0,
            sync_ms_max=2,
            busy_ms_max=0,
        )

    @property
    def ids(self) -> tuple[str, ...]:
        """The validators, spares last."""
        return VALIDATORS[: self.validators + self.spares]

    @property
    def founders(self) -> tuple[str, ...]:
        """Those that vote from the start."""
        return VALIDATORS[: self.validators]


class ScenarioUnreadable(ValueError):
    """A scenario file with a line that says nothing; the text tells which."""


def to_text(scenario: Scenario) -> str:
    """Return the readable form: one `name value` a line where it differs from the default, then events in order."""
    standard = Scenario()
    lines = [f"seed {scenario.seed}"]
    for name in Scenario.__struct_fields__:
        value = getattr(scenario, name)
        if name not in {"seed", "events"} and value != getattr(standard, name):
            lines.append(f"{name} {int(value)}")
    lines += [f"at {event.at_ms} {event.command}" for event in scenario.events]
    return "\n".join(lines) + "\n"


def from_text(text: str) -> Scenario:
    """Read the readable form; `#` begins a remark. Raises ScenarioUnreadable."""
    values: dict[str, int | bool] = {}
    events: list[Event] = []
    for number, raw in enumerate(text.splitlines(), 1):
        words = raw.split("#")[0].split()
        try:
            if words and words[0] == "at":
                events.append(Event(int(words[1]), " ".join(words[2:])))
            elif words:
                name, value = words
                kind = type(getattr(Scenario(), name))
                values[name] = kind(int(value))
        except (ValueError, IndexError, AttributeError) as error:
            raise ScenarioUnreadable(f"line {number}, {raw!r}: {error}") from None
    return msgspec.structs.replace(Scenario(), events=tuple(sorted(events)), **values)


def drawn(seed: int) -> Scenario:
    """Draw a world, in the manner of a swarm: each fault is absent from many worlds, so that others show."""
    draws = random.Random(seed)
    pick = draws.choice
    scenario = Scenario(
        seed=seed,
        validators=pick((3, 4, 4, 5)),
        tight=draws.random() < 0.5,
        clients=pick((2, 4)),
        think_ms=pick((50, 400)),
        read_ms=pick((0, 20, 300)),
        delay_ms_min=pick((1, 5)),
        delay_ms_mean=pick((0, 5, 40, 150)),
        loss_per_mille=pick((0, 0, 30, 200)),
        duplicate_per_mille=pick((0, 0, 100)),
        ordered=draws.random() < 0.4,
        clog_ms=pick((0, 0, 1500)),
        sync_ms_max=pick((1, 10, 120)),
        busy_ms_max=pick((0, 0, 20)),
        drift_per_mille=pick((0, 0, 80)),
        old=pick((0, 0, 1, 2)),
    )
    events = sorted(_events(scenario, draws))
    if any(event.command.startswith(LOSSES) for event in events):
        # Whoever lost its disk cannot help to outvote a clock that is ahead.
        events = [event for event in events if not event.command.endswith(f" {FAR_AHEAD_MS}")]
    scenario = _with_changes(msgspec.structs.replace(scenario, events=tuple(events)), random.Random(f"{seed} changes"))
    return _with_snapshots(scenario, random.Random(f"{seed} snapshots"))


def _with_snapshots(scenario: Scenario, draws: random.Random) -> Scenario:
    """Let logs be compacted in half of the worlds, and somebody be away while they are, from draws of its own: the
    other worlds stay as they are."""
    if draws.random() < 0.5:
        return scenario
    events = list(scenario.events)
    for _ in range(draws.choice((2, 3, 4))):
        at, target = draws.randrange(500, scenario.duration_ms * 2 // 3), _target(scenario, draws)
        events.append(Event(at, f"away {target} {draws.choice(ABSENCES_MS)}"))
    return msgspec.structs.replace(
        scenario, compact_every=draws.choice((1, 1, 4, 15)), events=tuple(sorted(events)), think_ms=50
    )


def _with_changes(scenario: Scenario, draws: random.Random) -> Scenario:
    """Let validators come and go in a third of the worlds, from draws of its own: the other worlds stay as they are."""
    if draws.random() < 2 / 3:
        return scenario
    spares = draws.choice((1, 2))
    scenario = msgspec.structs.replace(scenario, spares=spares)
    # A loss for good and a removal together may leave no quorum, and so may a clock that is ahead.
    kept = [event for event in scenario.events if not event.command.startswith((*LOSSES, "clock"))]
    newcomers = scenario.ids[scenario.validators :]
    kept += [Event(draws.randrange(scenario.duration_ms // 2), f"admit {newcomer}") for newcomer in newcomers]
    for _ in range(draws.choice((1, 2, 3))):
        whom = draws.choice(("leader", *scenario.ids))
        kept.append(Event(draws.randrange(scenario.duration_ms // 6, scenario.duration_ms), f"remove {whom}"))
    return msgspec.structs.replace(scenario, events=tuple(sorted(kept)))


def _events(scenario: Scenario, draws: random.Random) -> Iterator[Event]:
    for makes, mean_ms in (
        (_crash, 1800),
        (_crash_all, 6000),
        (_pause, 2500),
        (_partition, 1800),
        (_slow_disk, 4000),
        (_fail_disk, 6000),
        (_lose_disk, 6000),
        (_clock, 3000),
        (_transfer, 1500),
        (_change_release, 3000),
    ):
        if draws.random() < 0.5:
            continue
        at = int(draws.expovariate(1 / mean_ms))
        while at < scenario.duration_ms:
            yield from makes(scenario, draws, at)
            at += 200 + int(draws.expovariate(1 / mean_ms))


def _target(scenario: Scenario, draws: random.Random) -> str:
    return "leader" if draws.random() < 0.4 else draws.choice(scenario.ids)


def _crash(scenario: Scenario, draws: random.Random, at: int) -> Iterator[Event]:
    yield Event(at, f"crash {_target(scenario, draws)}")
    yield Event(at + draws.choice((20, 300, 1500)), "restart all")


def _crash_all(_: Scenario, draws: random.Random, at: int) -> Iterator[Event]:
    yield Event(at, "crash all")
    yield Event(at + draws.choice((20, 600)), "restart all")


def _pause(scenario: Scenario, draws: random.Random, at: int) -> Iterator[Event]:
    yield Event(at, f"pause {_target(scenario, draws)}")
    yield Event(at + draws.choice((100, 800, 2000)), "resume all")


def _partition(scenario: Scenario, draws: random.Random, at: int) -> Iterator[Event]:
    ids = draws.sample(scenario.ids, len(scenario.ids))
    size = draws.randrange(1, len(ids))
    one, other = ids[:size], ids[size:]
    kind = draws.choice(("split", "split", "one way", "isolate", "deaf", "mute", "bridge"))
    if kind == "bridge":
        yield Event(at, f"partition {' '.join(ids[: size + 1])} | {' '.join(other)}")
    elif kind == "split":
        yield Event(at, f"partition {' '.join(one)} | {' '.join(other)}")
    elif kind == "one way":
        yield Event(at, f"cut {' '.join(one)} > {' '.join(other)}")
    else:
        yield Event(at, f"{kind} {_target(scenario, draws)}")
    yield Event(at + draws.choice((150, 700, 2500)), "heal")


def _slow_disk(scenario: Scenario, draws: random.Random, at: int) -> Iterator[Event]:
    target = draws.choice(scenario.ids)
    yield Event(at, f"slow-disk {target} {draws.choice((50, 400))}")
    yield Event(at + draws.choice((500, 3000)), f"slow-disk {target} 0")


def _fail_disk(scenario: Scenario, draws: random.Random, at: int) -> Iterator[Event]:
    target = _target(scenario, draws)
    yield Event(at, f"{draws.choice(('fail-sync', 'fill-disk'))} {target}")
    yield Event(at + draws.choice((500, 2000)), "empty-disks")
    yield Event(at + 2001, "restart all")


def _lose_disk(scenario: Scenario, draws: random.Random, at: int) -> Iterator[Event]:
    target = _target(scenario, draws)
    yield Event(at, f"{draws.choice(LOSSES)} {target}")
    yield Event(at + 300, "restart all")


def _clock(scenario: Scenario, draws: random.Random, at: int) -> Iterator[Event]:
    if draws.random() < 0.3:
        # Far ahead only where a quorum of right clocks is left: without one nothing commits until time has caught up.
        ahead = scenario.ids[: (len(scenario.ids) - 1) // 2]
        yield Event(at, f"clock {draws.choice(ahead)} {FAR_AHEAD_MS}")
    else:
        yield Event(at, f"clock {_target(scenario, draws)} {draws.choice((-60_000, -500, 900))}")


def _transfer(scenario: Scenario, draws: random.Random, at: int) -> Iterator[Event]:
    yield Event(at, f"transfer {draws.choice(('any', *scenario.ids))}")


def _change_release(scenario: Scenario, draws: random.Random, at: int) -> Iterator[Event]:
    yield Event(at, f"{draws.choice(('upgrade', 'upgrade', 'downgrade'))} {_target(scenario, draws)}")


def shrunk(scenario: Scenario, fails: Callable[[Scenario], bool], *, runs_max: int = 60) -> Scenario:
    """Leave out events, by halves and then one by one, as long as it still fails; at most `runs_max` runs."""
    events, size = list(scenario.events), max(len(scenario.events) // 2, 1)
    runs = 0
    while events and runs < runs_max:
        for start in _starts(len(events), size):
            rest = events[:start] + events[start + size :]
            runs += 1
            if fails(msgspec.structs.replace(scenario, events=tuple(rest))):
                events = rest
                break
            if runs >= runs_max:
                break
        else:
            if size == 1:
                break
            size //= 2
        size = min(size, max(len(events), 1))
    return msgspec.structs.replace(scenario, events=tuple(events))


def _starts(count: int, size: int) -> Iterable[int]:
    return range(0, count, size)
