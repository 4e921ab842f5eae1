"""Everything that must hold among the machines of a world, looked at from outside: on disks and at the facade.

This memory survives crashes. What it knows it reads from the stores, as they are after every write, and from the log
lines of the validators; each failure raises InvariantBroken.
"""

from collections import Counter
from collections.abc import MutableMapping
from typing import Any, final

from jifen.actors.node import Node, ReadView, SubmitResult, SubmitStatus
from jifen.chain.gateway import open_transaction
from jifen.consensus import invariants
from jifen.consensus.invariants import InvariantBroken
from jifen.consensus.types import HardState
from jifen.ledger import invariants as ledger_invariants
from jifen.ledger.genesis import Genesis
from jifen.ledger.rejections import Rejection
from jifen.store.ledger_store import LedgerStore
from jifen.store.records import Outcome
from jifen.testing.actor_world.machine import Machine
from jifen.testing.world.auditor import Auditor


class _Disk:
    """What is remembered of one validator's disk."""

    def __init__(self) -> None:
        self.hard_state = HardState(0, None)
        self.log: list[bytes] = []
        """Hashes of the durable blocks, from height 1 on."""
        self.committed = 0


@final
class ActorChecks:
    """Watches all validators of one world."""

    def __init__(self, genesis: Genesis, genesis_hash: bytes, chain_id: bytes, ids: tuple[str, ...]) -> None:
        self.auditor = Auditor(genesis, genesis_hash, chain_id)
        self.reads_confirmed = 0
        self.leaders: dict[int, str] = {}
        """Who said that it leads, by term."""
        self.events: Counter[str] = Counter()
        """How often validators logged what."""
        self._chain_id = chain_id
        self._disks = {id: _Disk() for id in ids}
        self._refused: set[bytes] = set()
        """Transactions that a client was told will never be applied."""

    @property
    def height(self) -> int:
        """Highest committed height."""
        return self.auditor.height

    # What processes do.

    def started(self, machine: Machine) -> None:
        """A process serves from exactly what was durable: nothing forgotten, nothing made up."""
        assert machine.life is not None
        assert machine.life.node is not None
        store, disk, known = _store_of(machine), self._disks[machine.name], machine.life.node.status().log_height
        log = self._log_of(store, 1)
        _require(log == disk.log, f"{machine.name} starts from another log than its own", len(log), len(disk.log))
        _require(known == len(log), f"{machine.name} starts without the end of its log", known, len(log))
        _require(store.hard_state == disk.hard_state, f"{machine.name} forgets its term or vote", store.hard_state)
        _require(store.tip.height == disk.committed, f"{machine.name} forgets what it had committed", store.tip.height)

    def written(self, machine: Machine) -> None:
        """A write is durable: take it in, and the blocks that it committed."""
        store, disk = _store_of(machine), self._disks[machine.name]
        invariants.check_hard_state_step(disk.hard_state, store.hard_state)
        disk.hard_state = store.hard_state
        committed, last = store.tip.height, store.last_height
        disk.log[disk.committed :] = self._log_of(store, disk.committed + 1)
        _require(disk.committed <= committed <= last, f"{machine.name} commits backwards", committed)
        with store.view() as view:
            for height in range(max(disk.committed, store.base.height) + 1, committed + 1):
                self._committed(height, view)
        disk.committed = committed

    def _log_of(self, store: LedgerStore, first: int) -> list[bytes]:
        """Return the hashes of a log from a height on; of blocks that it does not hold any more, the committed ones."""
        base, blocks = store.base, self.auditor.blocks
        _require(blocks.get(base.height) == base.hash, "a log begins at a block that was never committed", base)
        dropped = [blocks[height] for height in range(first, base.height + 1)]
        return dropped + [_hash_at(store, height) for height in range(first + len(dropped), store.last_height + 1)]

    def _committed(self, height: int, view: ReadView) -> None:
        block = view.block(height)
        assert block is not None
        invariants.check_committed_unchanged(self.auditor.blocks, height, block.hash)
        if height > self.auditor.height:
            opened = [open_transaction(self._chain_id, signed)[0] for signed in block.transactions]
            self.auditor.enter(block.header, block.hash, opened, block.receipts, block.agenda)
            for voters in (self.auditor.voters, self.auditor.outgoing):
                holders = sum(self._disks[name].log[height - 1 : height] == [block.hash] for name in voters)
                enough = holders > len(voters) // 2 or not voters
                _require(enough, "committed but not durable on a quorum", height, holders)
            for name in self._refused & self.auditor.places.keys():
                _require(self.auditor.places[name].rejection != 0, "what was refused is applied", name.hex())

    def said(self, validator: str, entry: MutableMapping[str, Any]) -> None:
        """A validator wrote a line into its log."""
        self.events[entry["event"]] += 1
        if entry["event"] == "leader":
            self.auditor.note_term(entry["term"])
            invariants.check_election_safety(self.leaders, entry["term"], validator)
            self.leaders[entry["term"]] = validator

    # What clients see.

    def answered(self, node: Node, result: SubmitResult) -> Outcome | None:
        """Check an answer at the moment when a validator gives it; return the outcome it tells, if any."""
        if result.status is SubmitStatus.COMMITTED:
            assert result.id is not None
            assert result.height is not None
            told = Outcome(result.height, int(result.rejection or 0))
            with node.read() as view:
                _require(view.outcome(result.id) == told, f"{node.organization} answers what it cannot show", told)
            return told
        if result.rejection is Rejection.ALREADY_APPLIED:
            _require(result.id in self.auditor.places, f"{node.organization} takes for committed what is not", result)
        elif result.status is SubmitStatus.REFUSED and result.rejection is not None:
            assert result.id is not None
            self._refused.add(result.id)
            place = self.auditor.places.get(result.id)
            _require(place is None or place.rejection != 0, "what is applied is refused", result.id.hex())
        return None

    def read(self, node: Node, height: int, committed: int) -> None:
        """Check a linearizable read that began when `committed` was the highest committed height."""
        _require(height >= committed, "a stale read", node.organization, height, committed)
        with node.read() as view:
            _require(view.height >= height, "a read goes back", node.organization, view.height, height)
            self._check_tip(view)
        self.reads_confirmed += 1

    def listened(self, node: Node, height: int, last: int) -> None:
        """Check the height that a listener for blocks is told after `last`."""
        _require(height == last + 1, f"{node.organization} leaves a gap in its blocks", height, last)
        with node.read() as view:
            _require(
                not view.holds(height) or view.block(height) is not None,
                f"{node.organization} tells of a block that it cannot show",
                height,
            )

    # At the end.

    def check_equal(self, machines: list[Machine]) -> None:
        """All have the same state, everything promised is in it, and the books' invariants hold."""
        states = []
        for machine in machines:
            with _store_of(machine).view() as view:
                self._check_tip(view)
                states.append((machine.name, view.height, list(view.items())))
                for name, outcome in self.auditor.told.items():
                    if view.holds(outcome.height):
                        lost = f"{machine.name} has lost an acknowledged transaction"
                        _require(view.outcome(name) == outcome, lost, name.hex(), outcome)
        first = states[0]
        for other in states[1:]:
            _require(first[1:] == other[1:], "two states at one height", first[:2], other[:2])
        ledger_invariants.check_all(first[2])

    def _check_tip(self, view: ReadView) -> None:
        _require(self.auditor.blocks.get(view.height) == view.block_hash, "a tip that was never committed", view.height)


def _store_of(machine: Machine) -> LedgerStore:
    assert machine.life is not None
    assert machine.life.node is not None
    return machine.life.node._store  # noqa: SLF001 - the disk behind the facade


def _hash_at(store: LedgerStore, height: int) -> bytes:
    entry = store.entry(height)
    assert entry is not None, f"block {height} is missing"
    return entry.hash


def _require(condition: bool, *facts: object) -> None:
    if not condition:
        raise InvariantBroken(*facts)
