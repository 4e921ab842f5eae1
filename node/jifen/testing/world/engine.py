"""Time passes: the world of a scenario, its clients, the checks of every step, and what must come after healing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from typing import Final, final

from jifen.chain.executor import BlockInvalid
from jifen.consensus.invariants import InvariantBroken
from jifen.consensus.types import NotLeader, PipelineFull, Role, TransferInProgress
from jifen.store.errors import StoreDamaged, StoreFailed
from jifen.store.records import Outcome
from jifen.testing.naive.scene import CHAIN_ID
from jifen.testing.world import nemesis
from jifen.testing.world.clients import Clients
from jifen.testing.world.council import Council
from jifen.testing.world.figures import Figures
from jifen.testing.world.machines import TICK_MS, Machines
from jifen.testing.world.scenario import Event, Scenario
from jifen.testing.world.signatures import Signatures
from jifen.testing.world.validator import SimulatedValidator
from jifen.transport import PeerFault

CHECK_MS: Final = 1000
"""How often whole states are compared: the dearest check."""

LIVENESS_MS: Final = 30_000
"""Time after healing within which all must agree, twice: a dozen election timeouts and every client's patience; and a
block that a clock far ahead has written last is taken by nobody for twenty seconds."""

ACTIVATION_MS: Final = 250
"""How often an observer looks whether it has caught up."""

CALM_COMMITS: Final = 12
"""Transactions that must commit after healing: more than a tight window holds."""

STABLE_MS: Final = 3000
"""Time after that in which nobody may call an election: nothing is wrong."""

EVENTS_MAX: Final = 1 << 40
"""More events than any scenario has: they are numbered below everything else, and so come first at their time."""

BROKEN: Final = (
    AssertionError,
    LookupError,
    ValueError,
    StoreDamaged,
    StoreFailed,
    PeerFault,
    BlockInvalid,
    NotLeader,
    PipelineFull,
    TransferInProgress,
)
"""What must not happen among honest validators: failed checks, faults of a peer, calls that a host must not make."""


class WorldBroken(InvariantBroken):
    """Something broke; the text is a whole report."""


@final
class World(Machines):
    """Validators, clients, and the checks of every step."""

    def __init__(self, scenario: Scenario, signatures: Signatures | None = None) -> None:
        super().__init__(scenario, signatures)
        self._read_draws = self._draws("reads")
        self._scheduled = 0
        """Events of the scenario so far."""
        auditor = self.checks.auditor
        self.clients = Clients(self.ids, CHAIN_ID, scenario, self._draws("clients"), auditor)
        self._council = Council(self.ids, self.clients, auditor)
        self._schedule_all()

    def _schedule_all(self) -> None:
        start = self._draws("start")
        for id in self.ids:
            self._at(start.randrange(TICK_MS), self._tick, id)
        if self.scenario.read_ms:
            self._at(start.randrange(100), self._read)
        for client in range(self.scenario.clients):
            self.call_client(start.randrange(100), client)
        for event in self.scenario.events:
            self.schedule(event)
        self._at(CHECK_MS, self._check_states)
        if self.scenario.spares:
            self._at(ACTIVATION_MS, self._activate)

    def schedule(self, event: Event) -> None:
        """Let something happen, before everything else of its millisecond, whenever this is called."""
        self._scheduled += 1
        heappush(self._heap, (event.at_ms, self._scheduled - EVENTS_MAX, self.nemesis, (event.command,)))

    # Running.

    def run_until(self, time: int) -> None:
        """Let time pass until `time`, ms; raises InvariantBroken with a report."""
        heap = self._heap
        with self.reported():
            while heap and heap[0][0] <= time:
                self.now, _, act, arguments = heappop(heap)
                act(*arguments)
            self.now = time

    def run_for(self, duration: int) -> None:
        """Let some ms pass."""
        self.run_until(self.now + duration)

    def run(self) -> None:
        """Run the whole scenario: the phase with faults, healing, and what must come then."""
        self.run_until(self.scenario.duration_ms)
        self.settle()

    @contextmanager
    def reported(self) -> Iterator[None]:
        """Turn whatever breaks inside into one InvariantBroken with a report."""
        try:
            yield
        except WorldBroken:
            raise
        except BROKEN as error:
            raise WorldBroken(self.report(error)) from error

    def report(self, error: BaseException) -> str:
        """Describe a failure, and what came before it."""
        head = f"seed {self.scenario.seed}, {self.now} ms: {type(error).__name__}: {error}"
        return "\n".join((head, self.summary(), *self.trace))

    def settle(self) -> None:
        """Liveness: after healing all agree, then new transactions commit everywhere, then nothing stirs."""
        with self.reported():
            self.heal()
            self.clients.resting = True
            # Idle, not only unanswered: the organizations' last vote may be still to come, and take the leader out.
            self._wait(lambda: self.agreed() and self.clients.idle, "no agreement after healing")
            for count in range(CALM_COMMITS):
                self.clients.begin(self.scenario.clients + count, self)
                self._wait(lambda: not self.clients.waiting, "a new transaction does not commit")
            self._wait(lambda: self.agreed() and self._composed(), "no agreement after new transactions")
            term = self.checks.auditor.term
            self.run_for(STABLE_MS)
            if self.checks.auditor.term != term:
                raise InvariantBroken("an election although nothing was wrong", term, self.checks.auditor.term)
            self._check_states()
            for node in self._members():
                self.checks.auditor.check_promises(node.disk)

    def heal(self) -> None:
        """End all faults; whoever can start, starts."""
        self.note("! all faults end")
        self.network.heal()
        self.scenario = self.scenario.calm()
        self._doomed_sync.clear()
        self.empty_disks()
        for id in self.ids:
            self.slow_ms[id] = self.offset_ms[id] = self._drift[id] = self.away_until[id] = 0
            self.restart(id)
            self.resume(id)

    def agreed(self) -> bool:
        """Whether one leader is followed and all logs are equal, durable, and committed to their end."""
        nodes = self._members()
        if not all(node.running for node in nodes):
            return False
        tips = {(node.raft.term, node.raft.leader, node.raft.last_hash, node.raft.committed) for node in nodes}
        durable = {(node.disk.last_height, node.disk.tip.height) for node in nodes}
        first = nodes[0].raft
        one = len(tips) == 1 and first.leader is not None and first.committed == first.last_height
        return one and durable == {(first.last_height, first.last_height)}

    def _composed(self) -> bool:
        """Whether no change of the voters is under way, and who was taken out knows and is gone."""
        auditor = self.checks.auditor
        gone = (auditor.status_of(id) != "RETIRED" or not node.running for id, node in self.nodes.items())
        return not auditor.outgoing and all(gone)

    def _members(self) -> list[SimulatedValidator]:
        """Return whom the alliance counts on: those in its set that can still start."""
        present = {"VOTER", "OBSERVER"}
        status_of = self.checks.auditor.status_of
        return [node for node in self.nodes.values() if not node.lost and status_of(node.id) in present]

    # Validators that come and go.

    def admit(self, id: str) -> None:
        """Have the organizations take a validator in."""
        self.injected["validators admitted"] += 1
        self._council.admit(id, self)

    def remove(self, id: str) -> None:
        """Have the organizations take a validator out."""
        self._council.remove(id, self)

    def caught_up(self, id: str) -> bool:
        """Whether a validator runs and has every block."""
        node = self.nodes[id]
        return node.running and node.disk.tip.height == self.height

    def _activate(self) -> None:
        self._at(self.now + ACTIVATION_MS, self._activate)
        if not self.clients.resting:
            self._council.activate(self)

    def _wait(self, done: Callable[[], bool], complaint: str) -> None:
        deadline = self.now + LIVENESS_MS
        while not done():
            if self.now >= deadline:
                raise InvariantBroken(complaint)
            self.run_for(TICK_MS)

    def nemesis(self, command: str) -> None:
        """Carry out a command of `jifen.testing.world.nemesis` now."""
        nemesis.execute(self, command)

    @property
    def height(self) -> int:
        """Highest height committed anywhere."""
        return self.checks.auditor.height

    def figures(self) -> Figures:
        """Return what it came to."""
        checks = self.checks
        told = self.clients.counts["told"]
        return Figures(
            checks.steps, len(checks.leaders), self.height, told, checks.reads_confirmed, checks.auditor.woken
        )

    # Clients.

    def answer(self, id: str, client: int, transaction: bytes, outcome: Outcome) -> None:
        """Carry an answer to a client, over a network that loses some."""
        for due in self.network.arrivals((id, "client"), self.now):
            self._at(due, self.clients.told, client, transaction, outcome, self)

    def ask(self, client: int, validator: str, signed: bytes) -> None:
        """Carry a client's request to a validator."""
        for due in self.network.arrivals(("client", validator), self.now):
            self._at(due, self._submit, client, validator, signed)

    def is_beyond_telling(self, name: bytes, mark: bytes) -> bool:
        """Whether a transaction is taken, and nobody who keeps the ledger has the block that says what came of it."""
        disks = [node.disk for node in self._members()]
        return any(disk.state.get(mark) for disk in disks) and not any(name in disk.outcomes for disk in disks)

    def ask_once(self) -> None:
        """Let somebody who is no client of the scenario ask for one thing."""
        self.clients.begin(self.scenario.clients + self.clients.counts["begun"], self)

    def call_client(self, at: int, client: int) -> None:
        """Give a client its turn at a time."""
        self._at(at, self.clients_turn, client)

    def clients_turn(self, client: int) -> None:
        """Let a client act; those of the last phase begin nothing by themselves."""
        self.clients.turn(client, self)

    def _submit(self, client: int, validator: str, signed: bytes) -> None:
        node = self.nodes[validator]
        if node.running and not node.paused:
            self._work(validator, node.submit, signed, client)

    def _read(self) -> None:
        draws = self._read_draws
        self._at(self.now + draws.randrange(1, self.scenario.read_ms + 1), self._read)
        leading = [id for id, node in self.nodes.items() if node.running and node.raft.role is Role.LEADER]
        node = self.nodes[draws.choice(leading if leading and draws.random() < 0.5 else self.ids)]
        if node.running:
            self.ask_read(node)

    def _check_states(self) -> None:
        nodes = [node for node in self.nodes.values() if not node.disk.wiped]
        self.checks.auditor.check_disks([node.disk for node in nodes if not node.rotten])
        self.checks.check_logs([node.disk for node in nodes])
        if self.now < self.scenario.duration_ms:
            self._at(self.now + CHECK_MS, self._check_states)
