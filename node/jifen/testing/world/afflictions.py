"""What can befall worlds of either kind: the commands that cores alone and whole actors both understand."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, Protocol, TypeVar

from jifen.testing.world.scenario import ScenarioUnreadable


class AfflictedNetwork(Protocol):
    """Links that can be cut and held back."""

    cut: set[tuple[str, str]]
    """Links, as (sender, recipient), that carry nothing."""

    def clog(self, link: tuple[str, str], until: int) -> None:
        """Hold everything on a link back until then, ms."""
        ...

    def partition(self, groups: list[list[str]], ids: tuple[str, ...]) -> None:
        """Cut every link between validators that share no group."""
        ...


class Afflicted(Protocol):
    """A world that all this can befall."""

    ids: tuple[str, ...]
    injected: Counter[str]

    @property
    def now(self) -> int:
        """Time since the start, ms."""
        ...

    @property
    def network(self) -> AfflictedNetwork:
        """What lies between the validators."""
        ...

    def leader_id(self) -> str | None:
        """Return the running leader of the highest term, or None."""
        ...

    def links(self) -> Iterator[tuple[str, str]]:
        """Yield every link as (sender, recipient)."""
        ...

    def note(self, text: str) -> None:
        """Write down what happens."""
        ...

    def crash(self, id: str) -> None:
        """Let the power fail."""
        ...

    def restart(self, id: str) -> None:
        """Start a stopped validator."""
        ...

    def pause(self, id: str) -> None:
        """Stop a process; what is sent to it waits."""
        ...

    def resume(self, id: str) -> None:
        """Let a process go on."""
        ...

    def slow_disk(self, id: str, ms: int) -> None:
        """Let syncs take up to so much longer."""
        ...

    def fail_sync(self, id: str) -> None:
        """Let the next sync of a validator fail."""
        ...

    def fill_disk(self, id: str) -> None:
        """Leave no room on a disk."""
        ...

    def empty_disks(self) -> None:
        """Make room on every disk."""
        ...

    def set_clock(self, id: str, ms: int) -> None:
        """Set a clock that much off."""
        ...

    def transfer(self, to: str | None) -> None:
        """Let the leader hand over."""
        ...


W = TypeVar("W", bound=Afflicted)


def named(world: Afflicted, words: list[str]) -> list[str]:
    """Return the validators that the words of a command mean; raises ScenarioUnreadable."""
    names: list[str] = []
    for word in words:
        if word == "all":
            names += world.ids
        elif word in {"leader", "followers"}:
            leader = world.leader_id() or world.ids[0]
            names += [leader] if word == "leader" else [id for id in world.ids if id != leader]
        elif word in world.ids:
            names.append(word)
        else:
            raise ScenarioUnreadable(f"{word!r}: no such validator")
    return names


def each(act: Callable[[W, str], None]) -> Callable[[W, list[str]], None]:
    """Return the command that does something to each validator that its words name."""

    def acts(world: W, words: list[str]) -> None:
        for id in named(world, words):
            act(world, id)

    return acts


def _partition(world: Afflicted, words: list[str]) -> None:
    groups = [named(world, part.split()) for part in " ".join(words).split("|")]
    world.network.partition(groups, world.ids)


def _cut(world: Afflicted, words: list[str]) -> None:
    one, other = (named(world, part.split()) for part in " ".join(words).split(">"))
    world.network.cut |= {(sender, recipient) for sender in one for recipient in other if sender != recipient}
    world.injected["one-way cuts"] += 1


def _isolate(world: Afflicted, words: list[str]) -> None:
    for id in named(world, words):
        world.network.cut |= {link for link in world.links() if id in link}
        world.injected["partitions"] += 1


def _deaf(world: Afflicted, words: list[str]) -> None:
    for id in named(world, words):
        world.network.cut |= {link for link in world.links() if link[1] == id}
        world.injected["one-way cuts"] += 1


def _mute(world: Afflicted, words: list[str]) -> None:
    for id in named(world, words):
        world.network.cut |= {link for link in world.links() if link[0] == id}
        world.injected["one-way cuts"] += 1


def _clog(world: Afflicted, words: list[str]) -> None:
    one, _, other, ms = words
    world.network.clog((named(world, [one])[0], named(world, [other])[0]), world.now + int(ms))


def _slow_disk(world: Afflicted, words: list[str]) -> None:
    world.slow_disk(named(world, words[:1])[0], int(words[1]))


def _transfer(world: Afflicted, words: list[str]) -> None:
    world.transfer(None if words == ["any"] else named(world, words)[0])


def _clock(world: Afflicted, words: list[str]) -> None:
    world.set_clock(named(world, words[:1])[0], int(words[1]))


def _heal(world: Afflicted, _: list[str]) -> None:
    world.network.cut = set()


def _empty_disks(world: Afflicted, _: list[str]) -> None:
    world.empty_disks()


COMMON: Final[dict[str, Callable[[Afflicted, list[str]], None]]] = {
    "crash": each(lambda world, id: world.crash(id)),
    "restart": each(lambda world, id: world.restart(id)),
    "pause": each(lambda world, id: world.pause(id)),
    "resume": each(lambda world, id: world.resume(id)),
    "partition": _partition,
    "cut": _cut,
    "isolate": _isolate,
    "deaf": _deaf,
    "mute": _mute,
    "clog": _clog,
    "heal": _heal,
    "slow-disk": _slow_disk,
    "fail-sync": each(lambda world, id: world.fail_sync(id)),
    "fill-disk": each(lambda world, id: world.fill_disk(id)),
    "empty-disks": _empty_disks,
    "clock": _clock,
    "transfer": _transfer,
}
"""What each verb does; `jifen.testing.world.nemesis` explains them."""
