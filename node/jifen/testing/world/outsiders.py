"""How validators hear that they were taken out while they were away: by links, and by what those who stayed can prove.

As `jifen.actors.peers` does, everybody keeps up links to those who were taken out, and these take a link from whomever
their own ledger knows; who leads sends them blocks. As in `jifen.actors.snapshots`, one that votes by its own ledger
and hears no leader for long asks the others for proof of the present voters. There a checkpoint proves them; here every
block may be one.
"""

from typing import TYPE_CHECKING, Final, final

from jifen.ledger.governance.validators import Validator, ValidatorStatus, read_validator_set
from jifen.ledger.records import read
from jifen.ledger.state import StateReader, validator_key

if TYPE_CHECKING:
    from jifen.testing.world.machines import Machines

LOOKS_MS: Final = 3000
"""Pause between two looks whether a leader is heard: several elections long."""


@final
class Outsiders:
    """Those who were taken out and may not know."""

    def __init__(self, world: "Machines", ids: tuple[str, ...]) -> None:
        self._world = world
        self._ids = ids
        self._looked_at = dict.fromkeys(ids, 0)
        """When each last heard a leader, or asked for proof."""

    def linked_from(self, id: str) -> list[str]:
        """Return who is out by a validator's ledger, runs, and knows that validator, so that it takes its link."""
        own = self._world.nodes[id].disk
        gone = [other for other in self._ids if _status(own, other) is ValidatorStatus.RETIRED]
        return [other for other in gone if self._links(id, other)]

    def _links(self, id: str, other: str) -> bool:
        node = self._world.nodes[other]
        return node.running and (id, other) not in self._world.network.cut and _status(node.disk, id) is not None

    def look(self, id: str) -> None:
        """Let a running validator ask whether it is out, when it has heard no leader for long."""
        world, node = self._world, self._world.nodes[id]
        if node.raft.leader is not None or id not in read_validator_set(node.disk).signing:
            self._looked_at[id] = world.now
        elif world.now - self._looked_at[id] >= LOOKS_MS:
            self._looked_at[id] = world.now
            for other in self._ids:
                if other != id and _status(node.disk, other) is not None:
                    world.carry((id, other), self._asked, other, id)

    def _asked(self, id: str, asker: str) -> None:
        disk = self._world.nodes[id].disk
        voters = read_validator_set(disk).signing
        self._world.carry((id, asker), self._answered, asker, disk.tip.height, voters)

    def _answered(self, id: str, height: int, voters: tuple[str, ...]) -> None:
        node = self._world.nodes[id]
        # Nobody becomes a voter twice: who votes by an older ledger and not by a newer is out for good.
        votes = id in read_validator_set(node.disk).signing
        if node.raft.leader is None and votes and height > node.disk.tip.height and id not in voters:
            self._world.retire(node)


def _status(ledger: StateReader, id: str) -> ValidatorStatus | None:
    record = read(ledger, validator_key(id), Validator)
    return None if record is None else record.status
