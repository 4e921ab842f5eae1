"""What happens when: a plan of faults, drawn from a seed, readable as text.

    # seed 7, 600 s
    4.2 +3.1 kill leader
    9.0 +6.5 split mall books | music cafe stall

Each line says when a fault begins, for how long it lasts (both in seconds), and what it is; docs/testing.md lists the
words. Faults of processes, of the network and of clocks follow one another each on a track of their own, so that they
overlap, but never two of one kind of thing.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from jifen.testing.nemesis.proxy import Flow

VALIDATORS: Final = ("mall", "books", "music", "cafe")
"""Organizations that take part, and their first validators: four, so that one may be down and three are a quorum."""

LEADER: Final = "leader"
"""Stands for whoever leads when the fault begins."""

CALM_AT_THE_START_SECONDS: Final = 2.0
CALM_AT_THE_END_SECONDS: Final = 2.0
"""Nothing begins so shortly after the start, and nothing lasts into the last moments."""


class Fault(msgspec.Struct, frozen=True, order=True):
    """One thing that goes wrong, and is mended."""

    at: float
    """Seconds after the start of the run."""
    seconds: float
    """How long until it is mended."""
    what: str
    """Kind, and its words."""

    @property
    def kind(self) -> str:
        """First word."""
        return self.what.split()[0]


class Plan(msgspec.Struct, frozen=True):
    """All of a run that is decided beforehand."""

    seed: int
    """Decides the clients' draws and the jitter of links, too."""
    seconds: float
    """Length of the phase with faults."""
    faults: tuple[Fault, ...]


class PlanUnreadable(Exception):
    """Text that is no plan; says which line, and how a line looks."""


class _Kind(NamedTuple):
    track: str
    shortest: float
    longest: float
    """Seconds; a fault lasts between the two."""
    draw: Callable[[random.Random], str]
    """Words after the kind."""


def drawn(seed: int, seconds: float, kinds: Iterable[str] = (), *, haste: float = 1.0) -> Plan:
    """Return the plan of a seed: every kind (or those named) once, in a random order, then again, until time is over.

    Args:
        seed: decides everything.
        seconds: length of the phase with faults; some two minutes hold every kind once.
        kinds: of `KINDS`; all by default.
        haste: divides how long faults last and how far they are apart.
    """
    chosen = [kind for kind in KINDS if kind in set(kinds)] if kinds else list(KINDS)
    faults: list[Fault] = []
    for track in TRACKS:
        draw = random.Random(f"{seed} {track}")
        faults += _drawn_track(draw, seconds, [kind for kind in chosen if KINDS[kind].track == track], haste)
    return Plan(seed, seconds, tuple(sorted(faults)))


def _drawn_track(draw: random.Random, seconds: float, kinds: list[str], haste: float) -> Iterator[Fault]:
    at = CALM_AT_THE_START_SECONDS + draw.uniform(0, 2) / haste
    deck: list[str] = []
    while kinds:
        deck = deck or draw.sample(kinds, len(kinds))
        name = deck.pop()
        kind = KINDS[name]
        lasts = draw.uniform(kind.shortest, kind.longest) / haste
        if at + lasts > seconds - CALM_AT_THE_END_SECONDS:
            return
        yield Fault(round(at, 1), round(lasts, 1), f"{name} {kind.draw(draw)}".rstrip())
        at += lasts + draw.uniform(1, 5) / haste


def to_text(plan: Plan) -> str:
    """Return the plan as text that `from_text` reads back."""
    lines = [f"# seed {plan.seed}, {plan.seconds:g} s"]
    lines += [f"{fault.at:g} +{fault.seconds:g} {fault.what}" for fault in plan.faults]
    return "\n".join(lines) + "\n"


def from_text(text: str) -> Plan:
    """Return the plan of a text; raises PlanUnreadable."""
    first, *lines = text.splitlines() or [""]
    try:
        seed, seconds = first.removeprefix("# seed ").removesuffix(" s").split(", ")
        faults = [_fault(line) for line in lines if line.strip()]
        return Plan(int(seed), float(seconds), tuple(sorted(faults)))
    except ValueError as error:
        raise PlanUnreadable(
            f"{error}; a plan begins with '# seed 7, 600 s', then lines like '4.2 +3 kill leader'"
        ) from None


def _fault(line: str) -> Fault:
    at, lasts, *words = line.split()
    if not words or words[0] not in KINDS or not lasts.startswith("+"):
        raise ValueError(f"{line!r} is no fault; the kinds are {', '.join(KINDS)}")
    return Fault(float(at), float(lasts), " ".join(words))


def _who(draw: random.Random) -> str:
    return LEADER if draw.random() < 0.5 else draw.choice(VALIDATORS)


def _two(draw: random.Random) -> str:
    return " ".join([LEADER, draw.choice(VALIDATORS)] if draw.random() < 0.5 else draw.sample(VALIDATORS, 2))


def _blocked(draw: random.Random) -> str:
    return draw.choice([Flow.STALL, Flow.DROP, Flow.REFUSE]).value


def _split(draw: random.Random) -> str:
    names = draw.sample(VALIDATORS, len(VALIDATORS))
    place = draw.choice([1, 2])
    return f"{' '.join(names[:place])} | {' '.join(names[place:])} {_blocked(draw)}"


def _bridge(draw: random.Random) -> str:
    first, via, *others = draw.sample(VALIDATORS, len(VALIDATORS))
    return f"{first} {via} | {via} {' '.join(others)} {_blocked(draw)}"


def _one_way(draw: random.Random) -> str:
    pairs = [f"{one}>{other}" for one in VALIDATORS for other in VALIDATORS if one != other]
    return f"{' '.join(draw.sample(pairs, draw.randint(2, 6)))} {_blocked(draw)}"


KINDS: Final[dict[str, _Kind]] = {
    "kill": _Kind("processes", 1.0, 6.0, _who),
    "kill-two": _Kind("processes", 2.0, 5.0, _two),
    "kill-all": _Kind("processes", 1.0, 3.0, lambda _: ""),
    "pause": _Kind("processes", 1.0, 8.0, _who),
    "fill-disk": _Kind("processes", 5.0, 9.0, lambda draw: f"{_who(draw)} {draw.randint(4, 64)}"),
    "fail-disk": _Kind("processes", 5.0, 9.0, lambda draw: f"{_who(draw)} {draw.randint(0, 32)}"),
    "rolling-restart": _Kind("processes", 12.0, 16.0, lambda _: ""),
    "replace": _Kind("processes", 1.0, 2.0, _who),
    "split": _Kind("network", 3.0, 9.0, _split),
    "isolate": _Kind("network", 3.0, 9.0, lambda draw: f"{_who(draw)} {_blocked(draw)}"),
    "mute": _Kind("network", 3.0, 8.0, lambda draw: f"{_who(draw)} {_blocked(draw)}"),
    "deaf": _Kind("network", 3.0, 8.0, lambda draw: f"{_who(draw)} {_blocked(draw)}"),
    "one-way": _Kind("network", 3.0, 8.0, _one_way),
    "bridge": _Kind("network", 3.0, 9.0, _bridge),
    "slow": _Kind("network", 3.0, 8.0, lambda draw: f"{draw.randint(20, 250)} {draw.randint(0, 150)}"),
    "narrow": _Kind("network", 3.0, 8.0, lambda draw: f"{_who(draw)} {draw.choice([8, 24, 64])}"),
    "cut": _Kind("network", 2.0, 6.0, lambda draw: f"{draw.randint(200, 900)}"),
    "clock": _Kind("clocks", 3.0, 9.0, lambda draw: f"{_who(draw)} {draw.choice([-600, -30, -3, 3, 8, 30, 600])}"),
}
"""Every kind of fault, by its word. `jifen.testing.nemesis.faults` carries each out."""

TRACKS: Final = tuple(dict.fromkeys(kind.track for kind in KINDS.values()))
