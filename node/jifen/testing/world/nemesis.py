"""The commands of a scenario: what each of its events does to the world.

    crash V...      power fails: what was not synced is gone; a transaction under way is there wholly or not at all
    restart V...    start it again                  pause V... / resume V...    stop the process, let it go on
    partition A B | C D     links only within a group; a validator in two groups is a bridge
    cut A B > C D   one direction only              isolate V, deaf V, mute V   all its links, or one direction of them
    clog A > B MS   hold a link back                heal                        all links carry again
    lose A > B N    the next N frames are lost      repeat A > B N              the next N frames come twice
    ask             somebody asks for a transaction read V                      somebody asks it for a current read
    slow-disk V MS  a sync takes up to so long more fail-sync V                 the next sync fails
    fill-disk V     no room left                    empty-disks                 room again
    wipe V          its store is lost               rot V                       a bit of its log flips while it is down
    misdirect V     a block lands on another's place in its log while it is down
    rot-old V       a bit of an old block flips while it runs
    rot-state V     a bit of its ledger state flips while it runs
    admit V         the organizations take V in; it votes when it has every block
    remove V        the organizations take V out
    clock V MS      set its clock that much off         transfer V, transfer any    the leader hands over

`V` is a validator, `leader` (of the highest term; the first validator if there is none), `followers` or `all`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from jifen.testing.world.scenario import ScenarioUnreadable

if TYPE_CHECKING:
    from jifen.testing.world.engine import World


def execute(world: "World", command: str) -> None:
    """Carry a command out; raises ScenarioUnreadable when there is no such command."""
    verb, *words = command.split()
    act = _COMMANDS.get(verb)
    if act is None:
        raise ScenarioUnreadable(f"{command!r}: no such command")
    world.note(f"! {command}")
    act(world, words)


def _named(world: "World", words: list[str]) -> list[str]:
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


def _each(act: Callable[["World", str], None]) -> Callable[["World", list[str]], None]:
    def acts(world: "World", words: list[str]) -> None:
        for id in _named(world, words):
            act(world, id)

    return acts


def _partition(world: "World", words: list[str]) -> None:
    groups = [_named(world, part.split()) for part in " ".join(words).split("|")]
    world.network.partition(groups, world.ids)


def _cut(world: "World", words: list[str]) -> None:
    one, other = (_named(world, part.split()) for part in " ".join(words).split(">"))
    world.network.cut |= {(sender, recipient) for sender in one for recipient in other if sender != recipient}
    world.injected["one-way cuts"] += 1


def _isolate(world: "World", words: list[str]) -> None:
    for id in _named(world, words):
        world.network.cut |= {link for link in world.links() if id in link}
        world.injected["partitions"] += 1


def _deaf(world: "World", words: list[str]) -> None:
    for id in _named(world, words):
        world.network.cut |= {link for link in world.links() if link[1] == id}
        world.injected["one-way cuts"] += 1


def _mute(world: "World", words: list[str]) -> None:
    for id in _named(world, words):
        world.network.cut |= {link for link in world.links() if link[0] == id}
        world.injected["one-way cuts"] += 1


def _clog(world: "World", words: list[str]) -> None:
    one, _, other, ms = words
    world.network.clog((_named(world, [one])[0], _named(world, [other])[0]), world.now + int(ms))


def _frames(act: str) -> Callable[["World", list[str]], None]:
    def acts(world: "World", words: list[str]) -> None:
        one, _, other, count = words
        link = (_named(world, [one])[0], _named(world, [other])[0])
        getattr(world.network, act)(link, int(count))

    return acts


def _ask(world: "World", _: list[str]) -> None:
    world.ask_once()


def _read(world: "World", id: str) -> None:
    if world.nodes[id].running:
        world.ask_read(world.nodes[id])


def _slow_disk(world: "World", words: list[str]) -> None:
    world.slow_ms[_named(world, words[:1])[0]] = int(words[1])
    world.injected["slow disks"] += int(words[1]) > 0


def _transfer(world: "World", words: list[str]) -> None:
    world.transfer(None if words == ["any"] else _named(world, words)[0])


def _clock(world: "World", words: list[str]) -> None:
    world.offset_ms[_named(world, words[:1])[0]] = int(words[1])
    world.injected["clock steps"] += 1


def _heal(world: "World", _: list[str]) -> None:
    world.network.cut.clear()


def _empty_disks(world: "World", _: list[str]) -> None:
    world.empty_disks()


_COMMANDS: Final[dict[str, Callable[["World", list[str]], None]]] = {
    "crash": _each(lambda world, id: world.crash(id)),
    "restart": _each(lambda world, id: world.restart(id)),
    "pause": _each(lambda world, id: world.pause(id)),
    "resume": _each(lambda world, id: world.resume(id)),
    "partition": _partition,
    "cut": _cut,
    "isolate": _isolate,
    "deaf": _deaf,
    "mute": _mute,
    "clog": _clog,
    "heal": _heal,
    "lose": _frames("lose"),
    "repeat": _frames("repeat"),
    "ask": _ask,
    "read": _each(_read),
    "slow-disk": _slow_disk,
    "fail-sync": _each(lambda world, id: world.fail_sync(id)),
    "fill-disk": _each(lambda world, id: world.fill_disk(id)),
    "empty-disks": _empty_disks,
    "wipe": _each(lambda world, id: world.wipe(id)),
    "rot": _each(lambda world, id: world.rot(id)),
    "misdirect": _each(lambda world, id: world.misdirect(id)),
    "rot-old": _each(lambda world, id: world.rot_old(id)),
    "rot-state": _each(lambda world, id: world.rot_state(id)),
    "clock": _clock,
    "admit": _each(lambda world, id: world.admit(id)),
    "remove": _each(lambda world, id: world.remove(id)),
    "transfer": _transfer,
}
