"""Snapshots on their way: fetched part by part from who offers them, over links that lose, repeat and delay.

As in `jifen.actors.snapshots` the recipient asks. The leader's offers, repeated with every heartbeat, are what it wakes
up by: a part that was lost is asked for again, and a fetch that a crash ended begins anew.
"""

from typing import TYPE_CHECKING, Final, NamedTuple, final

from jifen.testing.world.disk import WorldSnapshot

if TYPE_CHECKING:
    from jifen.testing.world.machines import Machines

PARTS: Final = 3
"""Parts of a snapshot: enough for one to be lost, and for its sender to take a newer one, in the middle."""

PATIENCE_MS: Final = 400
"""Time after which a part is asked for again."""


class _Fetch(NamedTuple):
    incarnation: int
    """Life of the recipient in which it began: a crash forgets it."""
    source: str
    height: int
    """Of the snapshot that the parts so far are of; 0 before the first."""
    parts: int
    """Parts that are here."""
    asked_at: int


@final
class Transfers:
    """All transfers of a world; at most one under way for each recipient."""

    def __init__(self, world: "Machines", ids: tuple[str, ...]) -> None:
        self._world = world
        self._fetches: dict[str, _Fetch | None] = dict.fromkeys(ids)

    def offered(self, id: str, source: str) -> None:
        """Begin to fetch, or ask again for the part that did not come."""
        world, fetch = self._world, self._fetches[id]
        incarnation = world.nodes[id].incarnation
        if fetch is None or (fetch.incarnation, fetch.source) != (incarnation, source):
            self._fetches[id] = fetch = _Fetch(incarnation, source, 0, 0, world.now - PATIENCE_MS)
            world.injected["snapshots fetched"] += 1
        if world.now - fetch.asked_at >= PATIENCE_MS:
            self._ask(id, fetch)

    def _ask(self, id: str, fetch: _Fetch) -> None:
        self._fetches[id] = fetch._replace(asked_at=self._world.now)
        self._world.carry((id, fetch.source), self._asked, fetch.source, id, fetch.parts)

    def _asked(self, source: str, recipient: str, part: int) -> None:
        snapshot = self._world.nodes[source].disk.snapshot
        if snapshot is not None:
            self._world.carry((source, recipient), self._came, recipient, source, part, snapshot)

    def _came(self, id: str, source: str, part: int, snapshot: WorldSnapshot) -> None:
        fetch, node = self._fetches[id], self._world.nodes[id]
        if fetch is None or (fetch.incarnation, fetch.source) != (node.incarnation, source) or part != fetch.parts:
            return
        height = snapshot.tip.height
        if part and height != fetch.height:
            self._ask(id, fetch._replace(height=0, parts=0))
        elif part + 1 < PARTS:
            self._ask(id, fetch._replace(height=height, parts=part + 1))
        else:
            self._fetches[id] = None
            self._world.injected["snapshots carried over"] += 1
            node.take_snapshot(snapshot)
