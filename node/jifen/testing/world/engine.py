"""Time passes: one heap of events, one seed, no wall clock.

Every part draws from its own stream of random numbers, split from the seed, so that leaving out an event of the
scenario changes as little as possible elsewhere.
"""

import random
from collections import Counter, deque
from collections.abc import Callable, Iterator
from functools import lru_cache
from heapq import heappop, heappush
from typing import Any, Final, final

from jifen.chain.anchor import genesis_block
from jifen.chain.executor import ExecutedBlock
from jifen.chain.validators import Validators
from jifen.consensus.invariants import InvariantBroken
from jifen.consensus.types import RaftConfig, Role
from jifen.ledger.genesis import Genesis
from jifen.store.errors import StoreFailed
from jifen.store.records import Outcome
from jifen.testing.naive_ledger import CHAIN_ID
from jifen.testing.small_alliance import CREATED_AT, keys_of, small_genesis
from jifen.testing.world import nemesis
from jifen.testing.world.auditor import Auditor
from jifen.testing.world.checks import Checks
from jifen.testing.world.clients import Clients
from jifen.testing.world.disk import CAPACITY_BYTES
from jifen.testing.world.network import Network
from jifen.testing.world.scenario import Scenario
from jifen.testing.world.signatures import HashSignatures, Signatures
from jifen.testing.world.validator import SimulatedValidator

TICK_MS: Final = 50
ELECTION_TICKS: Final = (10, 20)
HEARTBEAT_TICKS: Final = 2
"""The clockwork of real validators."""

CHECK_MS: Final = 1000
"""How often whole states are compared: the dearest check."""

LIVENESS_MS: Final = 20_000
"""Time after healing within which all must agree, twice: a dozen election timeouts and every client's patience."""

CALM_COMMITS: Final = 12
"""Transactions that must commit after healing: more than a tight window holds."""

STABLE_MS: Final = 3000
"""Time after that in which nobody may call an election: nothing is wrong."""

TRACE_EVENTS_MAX: Final = 200
"""Events kept for the report of a failure: enough to see the last elections."""


@lru_cache(maxsize=8)
def _chain(ids: tuple[str, ...]) -> tuple[Genesis, Validators, ExecutedBlock]:
    genesis = small_genesis(ids)
    validators = Validators(CHAIN_ID, genesis)
    return genesis, validators, genesis_block(genesis, validators)


@final
class World:
    """Validators, what lies between them, clients, and the checks of every step."""

    def __init__(self, scenario: Scenario, signatures: Signatures | None = None) -> None:
        self.scenario = scenario
        self.signatures: Signatures = signatures or HashSignatures()
        self.ids = scenario.ids
        genesis, self.validators, self.genesis = _chain(self.ids)
        self.now = 0
        """Time since the start, ms."""
        self.injected: Counter[str] = Counter()
        """Faults, by kind."""
        self.trace: deque[str] = deque(maxlen=TRACE_EVENTS_MAX)
        self.checks = Checks(self.validators, self.signatures, Auditor(genesis, self.genesis.tip.hash))
        self.network = Network(scenario, self._draws("network"), self.injected)
        self.slow_ms = dict.fromkeys(self.ids, 0)
        self.offset_ms = dict.fromkeys(self.ids, 0)
        self._drift = self._draw_drifts()
        self._doomed_sync: set[str] = set()
        self._read_draws = self._draws("reads")
        self._disk_draws, self._turn_draws = self._draws("disks"), self._draws("turns")
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._events = 0
        self.reads = 0
        """Linearizable reads asked for."""
        self._turn_due: set[str] = set()
        self._held: dict[str, list[bytes]] = {id: [] for id in self.ids}
        """Frames that wait in front of a paused validator."""
        self._held_reads: dict[str, list[int]] = {id: [] for id in self.ids}
        """Reads that do; clients come by other doors, and may be let in first."""
        self.nodes: dict[str, SimulatedValidator] = {}
        for id in self.ids:
            draws = self._draws(f"elections of {id}")
            self.nodes[id] = SimulatedValidator(self._config(id), keys_of(id).validator, draws, self)
        self.clients = Clients(self.ids, CHAIN_ID, scenario.think_ms, self._draws("clients"), self.checks.auditor)
        self._schedule_all()

    def _draws(self, part: str) -> random.Random:
        return random.Random(f"{self.scenario.seed} {part}")

    def _draw_drifts(self) -> dict[str, int]:
        draws, most = self._draws("clocks"), self.scenario.drift_per_mille
        return {id: draws.randint(-most, most) for id in self.ids}

    def _config(self, id: str) -> RaftConfig:
        tight = self.scenario.tight
        return RaftConfig(
            id=id,
            validators=self.ids,
            election_ticks_min=ELECTION_TICKS[0],
            election_ticks_max=ELECTION_TICKS[1],
            heartbeat_ticks=HEARTBEAT_TICKS,
            append_bytes_max=900 if tight else 64_000,
            inflight_messages_max=2 if tight else 16,
            inflight_bytes_max=1500 if tight else 1_000_000,
            certificates_per_message_max=2 if tight else 64,
            uncommitted_heights_max=6 if tight else 1024,
            cache_bytes_max=1 if tight else 1_000_000,
            certificates_cached_max=1 if tight else 1000,
        )

    def _schedule_all(self) -> None:
        start = self._draws("start")
        for id in self.ids:
            self._at(start.randrange(TICK_MS), self._tick, id)
        if self.scenario.read_ms:
            self._at(start.randrange(100), self._read)
        for client in range(self.scenario.clients):
            self.call_client(start.randrange(100), client)
        for event in self.scenario.events:
            self._at(event.at_ms, self.nemesis, event.command)
        self._at(CHECK_MS, self._check_states)

    # Running.

    def run_until(self, time: int) -> None:
        """Let time pass until `time`, ms; raises InvariantBroken with a report."""
        heap = self._heap
        try:
            while heap and heap[0][0] <= time:
                self.now, _, act, arguments = heappop(heap)
                act(*arguments)
            self.now = time
        except (AssertionError, LookupError, ValueError, StoreFailed) as error:
            raise InvariantBroken(self.report(error)) from error

    def run_for(self, duration: int) -> None:
        """Let some ms pass."""
        self.run_until(self.now + duration)

    def run(self) -> None:
        """Run the whole scenario: the phase with faults, healing, and what must come then."""
        self.run_until(self.scenario.duration_ms)
        self.settle()

    def report(self, error: BaseException) -> str:
        """Describe a failure, and what came before it."""
        head = f"seed {self.scenario.seed}, {self.now} ms: {type(error).__name__}: {error}"
        return "\n".join((head, self.summary(), *self.trace))

    def settle(self) -> None:
        """Liveness: after healing all agree, then new transactions commit everywhere, then nothing stirs."""
        self.heal()
        self.clients.resting = True
        self._wait(lambda: self.agreed() and not self.clients.waiting, "no agreement after healing")
        begun = self.clients.counts["told"]
        for count in range(CALM_COMMITS):
            self.clients.begin(1000 + count % 4, self)
            self._wait(lambda: not self.clients.waiting, "a new transaction does not commit")
        self._wait(self.agreed, "no agreement after new transactions")
        term = self.checks.auditor.term
        self.run_for(STABLE_MS)
        try:
            if self.checks.auditor.term != term:
                raise InvariantBroken("an election although nothing was wrong", term, self.checks.auditor.term)
            assert self.clients.counts["told"] == begun + CALM_COMMITS, self.clients.counts
            self._check_states()
            for node in self.nodes.values():
                if not node.lost:
                    self.checks.auditor.check_promises(node.disk)
        except AssertionError as error:
            raise InvariantBroken(self.report(error)) from error

    def heal(self) -> None:
        """End all faults; whoever can start, starts."""
        self.note("! all faults end")
        self.network.heal()
        self.scenario = self.scenario.calm()
        self._doomed_sync.clear()
        self.empty_disks()
        for id in self.ids:
            self.slow_ms[id] = self.offset_ms[id] = self._drift[id] = 0
            self.restart(id)
            self.resume(id)

    def agreed(self) -> bool:
        """Whether one leader is followed and all logs are equal, durable, and committed to their end."""
        nodes = [node for node in self.nodes.values() if not node.lost]
        if not all(node.running for node in nodes):
            return False
        tips = {(node.raft.term, node.raft.leader, node.raft.last_hash, node.raft.committed) for node in nodes}
        durable = {(node.disk.last_height, node.disk.tip.height) for node in nodes}
        first = nodes[0].raft
        one = len(tips) == 1 and first.leader is not None and first.committed == first.last_height
        return one and durable == {(first.last_height, first.last_height)}

    def _wait(self, done: Callable[[], bool], complaint: str) -> None:
        deadline = self.now + LIVENESS_MS
        while not done():
            if self.now >= deadline:
                raise InvariantBroken(self.report(InvariantBroken(complaint)))
            self.run_for(TICK_MS)

    def nemesis(self, command: str) -> None:
        """Carry out a command of `jifen.testing.world.nemesis` now."""
        nemesis.execute(self, command)

    # What tests and reports look at.

    def leader_id(self) -> str | None:
        """Return the running leader of the highest term, paused or not, or None."""
        leading = [node for node in self.nodes.values() if node.running and node.raft.role is Role.LEADER]
        return max(leading, key=lambda node: node.raft.term).id if leading else None

    @property
    def height(self) -> int:
        """Highest height committed anywhere."""
        return self.checks.auditor.height

    def links(self) -> Iterator[tuple[str, str]]:
        """Yield every link as (sender, recipient)."""
        yield from ((one, other) for one in self.ids for other in self.ids if one != other)

    def summary(self) -> str:
        """Describe every validator in a few words."""
        words = []
        for id, node in self.nodes.items():
            core = node.raft
            how = node.lost or ("" if node.running else "down") or ("paused" if node.paused else str(core.role))
            words.append(f"{id}: {how}, term {core.term}, log {core.last_height}, committed {core.committed}")
        return "; ".join(words)

    def note(self, text: str) -> None:
        """Write down what happened."""
        self.trace.append(f"{self.now:6} {text}")

    # Faults that the nemesis asks for.

    def crash(self, id: str) -> None:
        """Let the power fail."""
        node = self.nodes[id]
        if not node.running:
            return
        self.injected["crashes"] += 1
        if node.syncing:
            self.injected["torn syncs"] += 1
            if self._disk_draws.random() < 0.5:
                node.write_unseen()
        self._stop(node)

    def _stop(self, node: SimulatedValidator) -> None:
        node.stop()
        self._held[node.id].clear()
        self._held_reads[node.id].clear()
        self._doomed_sync.discard(node.id)

    def restart(self, id: str) -> None:
        """Start a stopped validator, if it can start."""
        node = self.nodes[id]
        if not node.running and not node.lost:
            self.note(f"{id} starts")
            node.start()

    def pause(self, id: str) -> None:
        """Stop the process; what is sent to it waits."""
        node = self.nodes[id]
        if node.running and not node.paused:
            self.injected["pauses"] += 1
            node.paused = True

    def resume(self, id: str) -> None:
        """Let the process go on: what waits in front of it comes in."""
        node = self.nodes[id]
        if not node.paused:
            return
        frames, self._held[id] = self._held[id], []
        reads, self._held_reads[id] = self._held_reads[id], []
        for frame in frames:
            self._work(id, node.take_frame, frame)
        node.paused = False
        for request_id in reads:
            self._work(id, node.read, request_id)
        self.wake(id)

    def fail(self, node: SimulatedValidator) -> None:
        """Let a sync fail: the process ends, and the transaction never was."""
        self.note(f"{node.id} stops: its sync failed")
        self._stop(node)

    def fail_sync(self, id: str) -> None:
        """Let the next sync of a validator fail."""
        self._doomed_sync.add(id)

    def transfer(self, to: str | None) -> None:
        """Let the leader hand over, to somebody or to whom it chooses."""
        leader = self.leader_id()
        if leader is not None and not self.nodes[leader].paused:
            self.injected["transfers"] += 1
            self._work(leader, self.nodes[leader].transfer, to)

    def fill_disk(self, id: str) -> None:
        """Leave no room on a validator's disk."""
        self.injected["full disks"] += 1
        self.nodes[id].disk.capacity_bytes = self.nodes[id].disk.used_bytes

    def empty_disks(self) -> None:
        """Make room on every disk."""
        for node in self.nodes.values():
            node.disk.capacity_bytes = CAPACITY_BYTES

    def wipe(self, id: str) -> None:
        """Lose a validator's store for good, unless too many are lost already."""
        if self._may_lose(id):
            self.injected["wiped disks"] += 1
            self.crash(id)
            self.nodes[id].disk.wipe()

    def rot(self, id: str) -> None:
        """Flip a bit in what a validator's start must check: a block it has not committed, else its committed tip."""
        disk = self.nodes[id].disk
        if disk.last_height == 0 or not self._may_lose(id):
            return
        self.injected["rotten blocks"] += 1
        self.crash(id)
        if disk.last_height > disk.tip.height:
            disk.rot(self._disk_draws.randint(disk.tip.height + 1, disk.last_height), self._disk_draws.randrange(4096))
        else:
            disk.rot(disk.tip.height, 40)  # within the header: a body at or below the tip is not read at the start

    def _may_lose(self, id: str) -> bool:
        lost = [node for node in self.nodes.values() if node.lost or node.disk.wiped]
        return not self.nodes[id].lost and len(lost) < len(self.ids) - self.validators.quorum

    # What validators and clients ask of the world.

    def clock(self, id: str) -> int:
        """Return a validator's own time, ms since the epoch."""
        return CREATED_AT + self.now + self.now * self._drift[id] // 1000 + self.offset_ms[id]

    def send(self, sender: str, recipient: str, frame: bytes) -> None:
        """Put a frame on a link."""
        for due in self.network.arrivals((sender, recipient), self.now):
            self._at(due, self._arrive, (sender, recipient), frame)

    def start_sync(self, id: str) -> None:
        """Let a validator's disk work on what waits."""
        most = self.scenario.sync_ms_max + self.slow_ms[id]
        due = self.now + self._disk_draws.randrange(most + 1)
        self._at(due, self._synced, id, self.nodes[id].incarnation)

    def wake(self, id: str) -> None:
        """Give a validator its turn, at once or after a while."""
        if self.scenario.busy_ms_max == 0:
            self._turn(id)
        elif id not in self._turn_due:
            self._turn_due.add(id)
            self._at(self.now + self._turn_draws.randrange(self.scenario.busy_ms_max + 1), self._turn, id)

    def answer(self, id: str, client: int, transaction: bytes, outcome: Outcome) -> None:
        """Carry an answer to a client, over a network that loses some."""
        for due in self.network.arrivals((id, "client"), self.now):
            self._at(due, self.clients.told, client, transaction, outcome, self)

    def ask(self, client: int, validator: str, signed: bytes) -> None:
        """Carry a client's request to a validator."""
        for due in self.network.arrivals(("client", validator), self.now):
            self._at(due, self._submit, client, validator, signed)

    def call_client(self, at: int, client: int) -> None:
        """Give a client its turn at a time."""
        self._at(at, self.clients_turn, client)

    # Events.

    def _at(self, due: int, act: Callable[..., None], *arguments: Any) -> None:
        self._events += 1
        heappush(self._heap, (due, self._events, act, arguments))

    def clients_turn(self, client: int) -> None:
        """Let a client act; those of the last phase begin nothing by themselves."""
        self.clients.turn(client, self)

    def _tick(self, id: str) -> None:
        self._at(self.now + TICK_MS - TICK_MS * self._drift[id] // 1000, self._tick, id)
        if self.nodes[id].running:
            self._work(id, self.nodes[id].tick)

    def _arrive(self, link: tuple[str, str], frame: bytes) -> None:
        node = self.nodes[link[1]]
        if not node.running or link in self.network.cut:
            return
        if node.paused:
            self._held[node.id].append(frame)
            return
        self._work(node.id, node.take_frame, frame)

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

    def ask_read(self, node: SimulatedValidator) -> None:
        """Ask a running validator for a linearizable read."""
        self.reads += 1
        request_id = self.read_id(node, self.reads)
        self.checks.asked_read(node, request_id)
        if node.paused:
            self._held_reads[node.id].append(request_id)
        else:
            self._work(node.id, node.read, request_id)

    def read_id(self, node: SimulatedValidator, count: int) -> int:
        """Return the id of a read, which nobody ever used before: the world's count of reads serves."""
        assert node.running
        return count

    def _turn(self, id: str) -> None:
        self._turn_due.discard(id)
        self._work(id, self.nodes[id].turn)

    def _synced(self, id: str, incarnation: int) -> None:
        node = self.nodes[id]
        if not node.running or node.incarnation != incarnation:
            return
        if id in self._doomed_sync:
            self._doomed_sync.discard(id)
            self.injected["failed syncs"] += 1
            self._work(id, lambda: self.fail(node))
            return
        self._work(id, node.synced)

    def _work(self, id: str, act: Callable[..., None], *arguments: Any) -> None:
        try:
            act(*arguments)
        except StoreFailed as error:
            self.note(f"{id} stops: {error}")
            self._stop(self.nodes[id])

    def _check_states(self) -> None:
        disks = [node.disk for node in self.nodes.values() if not node.disk.wiped]
        self.checks.auditor.check_disks(disks)
        self.checks.check_logs(disks)
        if self.now < self.scenario.duration_ms:
            self._at(self.now + CHECK_MS, self._check_states)
