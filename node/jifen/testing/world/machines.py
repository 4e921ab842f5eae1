"""The machines of a world: validators with their disks, clocks and links, and everything that can befall them.

Time is one heap of events and no wall clock. Every part draws from its own stream of random numbers, split from the
seed, so that leaving out an event of the scenario changes as little as possible elsewhere.
"""

import random
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Iterator
from functools import lru_cache
from heapq import heappush
from typing import Any, Final

import msgspec

from jifen.chain.anchor import genesis_block
from jifen.chain.executor import BlockInvalid, ExecutedBlock
from jifen.codec.blocks import decode_block
from jifen.codec.messages import PeerMessage, is_spoken
from jifen.consensus.messages import Entry, SnapshotOffer
from jifen.consensus.quorum import quorum_size
from jifen.consensus.types import RaftConfig, Role
from jifen.ledger.genesis import Genesis
from jifen.ledger.terms.records import CalendarExpiry, Terms
from jifen.store.errors import StoreDamaged, StoreFailed
from jifen.store.records import Outcome
from jifen.testing.naive.scene import CHAIN_ID
from jifen.testing.small_alliance import CREATED_AT, keys_of, small_genesis
from jifen.testing.world.auditor import Auditor
from jifen.testing.world.checks import Checks
from jifen.testing.world.disk import CAPACITY_BYTES
from jifen.testing.world.liars import Liar
from jifen.testing.world.network import Network
from jifen.testing.world.outsiders import Outsiders
from jifen.testing.world.releases import LATER, OLDER, PRESENT
from jifen.testing.world.scenario import Scenario
from jifen.testing.world.signatures import HashSignatures, Signatures
from jifen.testing.world.transfers import Transfers
from jifen.testing.world.validator import SimulatedValidator
from jifen.transport import PeerFault

TICK_MS: Final = 50
ELECTION_TICKS: Final = (10, 20)
HEARTBEAT_TICKS: Final = 2
"""The clockwork of real validators."""

EVENTS_WAITING_MAX: Final = 2000
"""Events that may be due at a time: many times what clogged links hold back; more is a storm that feeds itself."""

OLD_BLOCKS: Final = 6
"""Committed blocks that rot at a time: the latest, which those who lag a little will need."""

COMPACTING_HEIGHTS_MAX: Final = 4
"""Uncommitted heights in a world that compacts: few enough for its short logs to be cut."""

TRACE_EVENTS_MAX: Final = 200
"""Events kept for the report of a failure: enough to see the last elections."""


START: Final = CREATED_AT + 34_000
"""What a right clock shows at the start, ms: six seconds before the day ends at which points of one issuer expire."""

DYING: Final = Terms(expiry=CalendarExpiry(month=0, day=21, periods=0), utc_offset_minutes=9 * 60 + 46)
"""Terms of the last founder's points: the world's first day is a 21st, and ends forty seconds after block 0."""


@lru_cache(maxsize=8)
def _chain(ids: tuple[str, ...]) -> tuple[Genesis, ExecutedBlock]:
    base = small_genesis(ids)
    *others, last = base.point_types
    dying = msgspec.structs.replace(last, terms=DYING)
    genesis = msgspec.structs.replace(base, point_types=(*others, dying))
    return genesis, genesis_block(CHAIN_ID, genesis)


class Machines(ABC):
    """Validators and what lies between them."""

    def __init__(self, scenario: Scenario, signatures: Signatures | None = None) -> None:
        self.scenario = scenario
        self.signatures: Signatures = signatures or HashSignatures()
        self.ids = scenario.ids
        genesis, self.genesis = _chain(scenario.founders)
        self.now = 0
        """Time since the start, ms."""
        self.injected: Counter[str] = Counter()
        """Faults, by kind."""
        self.trace: deque[str] = deque(maxlen=TRACE_EVENTS_MAX)
        self.checks = Checks(self.ids, self.signatures, Auditor(genesis, self.genesis.tip.hash))
        self.network = Network(scenario, self._draws("network"), self.injected)
        self.slow_ms = dict.fromkeys(self.ids, 0)
        self.offset_ms = dict.fromkeys(self.ids, 0)
        self._drift = self._draw_drifts()
        self.away_until = dict.fromkeys(self.ids, 0)
        """Time before which a validator does not start again, ms."""
        self._doomed_sync: set[str] = set()
        self._disk_draws, self._turn_draws = self._draws("disks"), self._draws("turns")
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._events = 0
        self.reads = 0
        """Linearizable reads asked for."""
        self.frames = self.frame_bytes = 0
        """What validators have put on links to each other, arrived or not."""
        self._turn_due: set[str] = set()
        self._held: dict[str, list[bytes]] = {id: [] for id in self.ids}
        """Frames that wait in front of a paused validator."""
        self._held_reads: dict[str, list[int]] = {id: [] for id in self.ids}
        """Reads that do; clients come by other doors, and may be let in first."""
        self.releases = {id: OLDER if place < scenario.old else PRESENT for place, id in enumerate(self.ids)}
        """What each validator runs."""
        self.transfers = Transfers(self, scenario.ids)
        self._outsiders = Outsiders(self, scenario.ids)
        self._changes = dict.fromkeys(self.ids, 0)
        """How often each has changed it: a link of before does not outlive that."""
        self.injected["older releases"] += scenario.old
        self.liars: dict[str, Liar] = {}
        self.nodes: dict[str, SimulatedValidator] = {}
        for id in self.ids:
            draws = self._draws(f"elections of {id}")
            self.nodes[id] = SimulatedValidator(self._config(id), keys_of(id).validator, draws, self)

    def _draws(self, part: str) -> random.Random:
        return random.Random(f"{self.scenario.seed} {part}")

    def _draw_drifts(self) -> dict[str, int]:
        draws, most = self._draws("clocks"), self.scenario.drift_per_mille
        drifts = {id: draws.randint(-most, most) for id in self.ids}
        self.injected["drifting clocks"] += sum(drift != 0 for drift in drifts.values())
        return drifts

    def _config(self, id: str) -> RaftConfig:
        tight = self.scenario.tight
        # What may be compacted lies twice so far below the committed height.
        heights = 6 if tight else 1024
        if self.compact_every:
            heights = COMPACTING_HEIGHTS_MAX
        return RaftConfig(
            id=id,
            election_ticks_min=ELECTION_TICKS[0],
            election_ticks_max=ELECTION_TICKS[1],
            heartbeat_ticks=HEARTBEAT_TICKS,
            append_bytes_max=900 if tight else 64_000,
            inflight_messages_max=2 if tight else 16,
            inflight_bytes_max=1500 if tight else 1_000_000,
            certificates_per_message_max=2 if tight else 64,
            uncommitted_heights_max=heights,
            uncommitted_bytes_max=2000 if tight else 64_000_000,
            cache_bytes_max=1 if tight else 1_000_000,
            certificates_cached_max=1 if tight else 1000,
        )

    # What tests and reports look at.

    def leader_id(self) -> str | None:
        """Return the running leader of the highest term, paused or not, or None."""
        leading = [node for node in self.nodes.values() if node.running and node.raft.role is Role.LEADER]
        return max(leading, key=lambda node: node.raft.term).id if leading else None

    def leader(self) -> SimulatedValidator:
        """Return the running leader of the highest term; raises LookupError when nobody leads."""
        name = self.leader_id()
        if name is None:
            raise LookupError(f"nobody leads: {self.summary()}")
        return self.nodes[name]

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

    # What can befall them.

    def crash(self, id: str) -> None:
        """Let the power fail."""
        node = self.nodes[id]
        if not node.running:
            return
        self.injected["crashes"] += 1
        if node.syncing:
            self.injected["torn syncs"] += 1
            if self._disk_draws.random() < 0.5:
                self.injected["unseen syncs"] += 1
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
        if not node.running and not node.lost and self.now >= self.away_until[id]:
            self.note(f"{id} starts")
            self.injected["restarts"] += 1
            node.start()

    def send_away(self, id: str, ms: int) -> None:
        """Let the power fail for so long; whoever starts everybody meanwhile does not start this one."""
        self.injected["long absences"] += 1
        self.crash(id)
        self.away_until[id] = self.now + ms
        self._at(self.away_until[id], self.restart, id)

    def retire(self, node: SimulatedValidator) -> None:
        """Take in that a validator was taken out and has stopped for that reason."""
        self.note(f"{node.id} is out")
        self.injected["validators retired"] += 1
        self._stop(node)

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

    def slow_disk(self, id: str, ms: int) -> None:
        """Let a validator's syncs take up to so much longer."""
        self.slow_ms[id] = ms
        self.injected["slow disks"] += ms > 0

    def set_clock(self, id: str, ms: int) -> None:
        """Set a validator's clock that much off."""
        self.offset_ms[id] = ms
        self.injected["clock steps"] += 1

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
        if not disk.log or not self._may_lose(id):
            return
        self.injected["rotten blocks"] += 1
        self.crash(id)
        lowest = min(disk.tip.height + 1, disk.last_height)
        disk.rot(self._disk_draws.randint(lowest, disk.last_height), self._disk_draws.randrange(4096))

    def misdirect(self, id: str) -> None:
        """Let a write meant for another block land on what a validator's start must check, as `rot` does."""
        disk = self.nodes[id].disk
        if len(disk.log) < 2 or not self._may_lose(id):
            return
        self.injected["misdirected writes"] += 1
        self.crash(id)
        height = self._disk_draws.randint(min(disk.tip.height + 1, disk.last_height), disk.last_height)
        first = disk.base.height + 1
        others = [other for other in (height - 1, first) if other != height and other >= first] or [height + 1]
        disk.misdirect(height, self._disk_draws.choice(others))

    def rot_old(self, id: str) -> None:
        """Flip a bit of some of the latest committed blocks, unnoticed until somebody needs one of them."""
        disk, draws = self.nodes[id].disk, self._disk_draws
        if disk.tip.height > disk.base.height + 1 and self._may_lose(id):
            self.injected["rotten old blocks"] += 1
            for height in range(max(disk.tip.height - OLD_BLOCKS, disk.base.height + 1), disk.tip.height):
                disk.rot(height, draws.randrange(4096))

    def change_release(self, id: str, release: int) -> None:
        """Stop a validator, and start it again with another release."""
        if self.releases[id] == release:
            return
        self.injected["releases changed"] += 1
        self.crash(id)
        self.releases[id] = release
        self._changes[id] += 1
        self.restart(id)

    def is_spoken(self, message: PeerMessage, *ids: str) -> bool:
        """Tell whether the releases that these validators run know this kind of message."""
        return type(message) not in LATER or is_spoken(message, min(self.releases[id] for id in ids), LATER)

    def lie(self, id: str, how: str) -> None:
        """Let a validator lie from now on: `equivocate` or `double-ack`."""
        liar = self.liars.get(id)
        if liar is None:
            victim = [other for other in self.ids if other != id][-1]
            node = self.nodes[id]
            liar = self.liars[id] = Liar(node.key, self.signatures, victim, node.executor.validators.hash)
            self.checks.liars.add(id)
        self.injected["lies"] += 1
        liar.equivocates |= how == "equivocate"
        liar.acknowledges_twice |= how == "double-ack"

    def rot_state(self, id: str) -> None:
        """Flip a bit of a validator's ledger state, on its disk and in its memory, unnoticed."""
        if self._may_lose(id):
            self.injected["rotten states"] += 1
            self.nodes[id].rot_state()

    def refused(self, id: str, entry: Entry, error: BlockInvalid) -> None:
        """Learn that a validator cannot reproduce an uncommitted block: one of the two is damaged."""
        proposer = decode_block(entry.payload).header.proposer
        self.note(f"{id} refuses {proposer}'s block: {error}")
        if not (self.nodes[id].rotten or self.nodes[proposer].rotten):
            raise error
        self.injected["refused blocks"] += 1

    def _may_lose(self, id: str) -> bool:
        lost = [node for node in self.nodes.values() if node.lost or node.disk.wiped or node.disk.rotten or node.rotten]
        return not self.nodes[id].lost and len(lost) < len(self.ids) - quorum_size(len(self.ids))

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

    # What validators ask of the world.

    def clock(self, id: str) -> int:
        """Return a validator's own time, ms since the epoch."""
        return START + self.now + self.now * self._drift[id] // 1000 + self.offset_ms[id]

    def send(self, sender: str, recipient: str, frame: bytes) -> None:
        """Put a frame on a link."""
        self.frames += 1
        self.frame_bytes += len(frame)
        liar = self.liars.get(sender)
        for told in [frame] if liar is None else liar.frames(frame):
            for due in self.network.arrivals((sender, recipient), self.now):
                self._at(due, self._arrive, (sender, recipient), told, self._changes[recipient])

    @property
    def compact_every(self) -> int:
        """Blocks after which a validator compacts its log; 0 for never."""
        return self.scenario.compact_every

    def fetch(self, id: str, offer: SnapshotOffer) -> None:
        """Have a snapshot fetched from who offers it."""
        self.transfers.offered(id, offer.sender)

    def outsiders(self, id: str) -> list[str]:
        """Return who was taken out and has a link from a validator."""
        return self._outsiders.linked_from(id) if self.scenario.spares else []

    def carry(self, link: tuple[str, str], act: Callable[..., None], *arguments: Any) -> None:
        """Carry a part of a snapshot over a link, or what asks for it, to a validator that runs by then."""
        for due in self.network.arrivals(link, self.now):
            self._at(due, self._carried, link, self._changes[link[1]], act, arguments)

    def _carried(
        self, link: tuple[str, str], changes: int, act: Callable[..., None], arguments: tuple[Any, ...]
    ) -> None:
        node = self.nodes[link[1]]
        if node.running and not node.paused and link not in self.network.cut and changes == self._changes[link[1]]:
            self._work(node.id, act, *arguments)

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

    @abstractmethod
    def answer(self, id: str, client: int, transaction: bytes, outcome: Outcome) -> None:
        """Carry an answer to a client."""

    # Events.

    def _at(self, due: int, act: Callable[..., None], *arguments: Any) -> None:
        self._events += 1
        assert len(self._heap) < EVENTS_WAITING_MAX, "a storm of messages"
        heappush(self._heap, (due, self._events, act, arguments))

    def _tick(self, id: str) -> None:
        self._at(self.now + TICK_MS - TICK_MS * self._drift[id] // 1000, self._tick, id)
        if self.nodes[id].running:
            self._work(id, self.nodes[id].tick)
        if self.scenario.spares and self.nodes[id].running and not self.nodes[id].paused:
            self._outsiders.look(id)

    def _arrive(self, link: tuple[str, str], frame: bytes, changes: int) -> None:
        node = self.nodes[link[1]]
        if not node.running or link in self.network.cut or changes != self._changes[link[1]]:
            return
        if node.paused:
            self._held[node.id].append(frame)
            return
        try:
            self._work(node.id, node.take_frame, frame)
        except PeerFault as fault:
            if link[0] not in self.liars:
                raise
            self.note(f"{node.id} refuses what {link[0]} sent: {fault}")

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
        except (BlockInvalid, StoreDamaged) as error:
            node = self.nodes[id]
            if not (node.rotten or node.disk.rotten):
                raise
            self.note(f"{id} stops: {error}")
            node.lost = str(error)
            self._stop(node)
