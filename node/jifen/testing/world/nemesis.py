"""The commands of a scenario: what each of its events does to the world.

    crash V...      power fails: what was not synced is gone; a transaction under way is there wholly or not at all
    away V MS       the same, and it does not start for so long, whoever is restarted
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
    equivocate V, double-ack V      it lies from now on (`jifen.testing.world.liars`)
    admit V         the organizations take V in; it votes when it has every block
    remove V        the organizations take V out
    clock V MS      set its clock that much off     transfer V, transfer any    the leader hands over
    upgrade V       restart it with the present release, `downgrade` with the one before

`V` is a validator, `leader` (of the highest term; the first validator if there is none), `followers` or `all`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from jifen.testing.world.afflictions import COMMON, each, named
from jifen.testing.world.releases import OLDER, PRESENT
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


def _frames(act: str) -> Callable[["World", list[str]], None]:
    def acts(world: "World", words: list[str]) -> None:
        one, _, other, count = words
        link = (named(world, [one])[0], named(world, [other])[0])
        getattr(world.network, act)(link, int(count))

    return acts


def _ask(world: "World", _: list[str]) -> None:
    world.ask_once()


def _away(world: "World", words: list[str]) -> None:
    *names, ms = words
    for id in named(world, names):
        world.send_away(id, int(ms))


def _read(world: "World", id: str) -> None:
    if world.nodes[id].running:
        world.ask_read(world.nodes[id])


_COMMANDS: Final[dict[str, Callable[["World", list[str]], None]]] = {
    **COMMON,
    "lose": _frames("lose"),
    "repeat": _frames("repeat"),
    "upgrade": each(lambda world, id: world.change_release(id, PRESENT)),
    "downgrade": each(lambda world, id: world.change_release(id, OLDER)),
    "ask": _ask,
    "read": each(_read),
    "wipe": each(lambda world, id: world.wipe(id)),
    "rot": each(lambda world, id: world.rot(id)),
    "misdirect": each(lambda world, id: world.misdirect(id)),
    "rot-old": each(lambda world, id: world.rot_old(id)),
    "equivocate": each(lambda world, id: world.lie(id, "equivocate")),
    "double-ack": each(lambda world, id: world.lie(id, "double-ack")),
    "rot-state": each(lambda world, id: world.rot_state(id)),
    "away": _away,
    "admit": each(lambda world, id: world.admit(id)),
    "remove": each(lambda world, id: world.remove(id)),
}
