"""A world of real actors: what befalls it, and what must come after healing."""

import random
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NoReturn, final
from unittest.mock import patch

import structlog
import trio
import trio.testing
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jifen.actors import consensus, links, mempool, storage
from jifen.actors import node as wiring
from jifen.actors.node import Node, NodeStatus
from jifen.chain.anchor import genesis_block
from jifen.codec.genesis import chain_id
from jifen.consensus.invariants import InvariantBroken
from jifen.ledger.governance.changes import AdmitValidator
from jifen.testing.actor_world.checks import ActorChecks
from jifen.testing.actor_world.machine import FAILED_SYNC, HAND_OVER_SECONDS, Machine
from jifen.testing.actor_world.network import SimulatedNetwork
from jifen.testing.actor_world.scheduler import PROCESS, Scheduler, in_charge
from jifen.testing.actor_world.visitors import READ_SECONDS, Visitors
from jifen.testing.small_alliance import SmallAlliance, newcomer_setup, small_alliance
from jifen.testing.world.afflictions import COMMON, each, named
from jifen.testing.world.engine import WorldBroken
from jifen.testing.world.figures import Figures
from jifen.testing.world.scenario import Scenario, ScenarioUnreadable
from jifen.transport.identity import TlsIdentity, self_signed

LIVENESS_SECONDS: Final = 20
"""Time after healing within which all must agree: a dozen election time-outs, all of the transport's too, and every
client's patience."""

CALM_COMMITS: Final = 6
"""Transactions that must commit after healing."""

STABLE_SECONDS: Final = 3
"""Time after that in which nobody may call an election."""

CRASH_STEPS_MAX: Final = 40
"""A crash comes after up to so many further steps of the validator's tasks: anywhere within the handling of a frame."""

TRACE_LINES_MAX: Final = 400
"""Lines kept for the report of a failure."""

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - stores are made below it in a directory of one's own
"""A file system in memory, where there is one: syncs then cost nothing."""

FULL_DISK: Final = "has reached its limit"
"""What a full store says."""

TIGHT: Final = (
    (consensus, "EVENTS_WAITING_MAX", 2),
    (consensus, "BLOCKS_IN_FLIGHT_MAX", 2),
    (consensus, "BATCH_GROWS_TO", 2),
    (consensus, "BLOCK_TRANSACTIONS_TARGET", 2),
    (storage, "JOBS_WAITING_MAX", 1),
    (links, "FRAMES_WAITING_MAX", 4),
    (links, "FORWARDED_FRAMES_WAITING_MAX", 1),
    (mempool, "PENDING_MAX", 4),
    (mempool, "QUEUED_MAX", 2),
    (wiring, "APPEND_BYTES_MAX", 900),
    (wiring, "INFLIGHT_MESSAGES_MAX", 2),
)
"""Limits in a tight world: every queue is full now and then."""


KEEPS_LITTLE: Final[dict[str, Any]] = {"retained_blocks": 2, "uncommitted_heights_max": 3}
"""Settings where old blocks are dropped: whoever was away for a second needs a snapshot."""


@final
class ActorWorld:
    """Validators, visitors, and the checks of whatever they do. Runs once."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.ids = scenario.ids
        self.injected: Counter[str] = Counter()
        """Faults, by kind."""
        self.trace: deque[str] = deque(maxlen=TRACE_LINES_MAX)
        """What happened last."""
        self.lines = sha256()
        """Hash over every line of the trace."""
        self._clock = trio.testing.MockClock(autojump_threshold=0)
        self._scheduler = Scheduler(self._draws("scheduler"), self._clock, self._stuck)
        self._crash_draws = self._draws("crashes")
        self._failure: BaseException | None = None
        self._scope = trio.CancelScope()
        self.machines: dict[str, Machine] = {}
        self._admissions: dict[str, AdmitValidator] = {}
        """What the organizations vote on, by validators that are to join."""
        self.network: SimulatedNetwork
        self.checks: ActorChecks
        self.visitors: Visitors
        self._nursery: trio.Nursery

    def _draws(self, part: str) -> random.Random:
        return random.Random(f"{self.scenario.seed} {part}")

    # What reports look at.

    @property
    def now(self) -> int:
        """Time since the start, ms."""
        return round(self._clock.current_time() * 1000)

    @property
    def steps(self) -> int:
        """Steps of all tasks."""
        return self._scheduler.steps.total()

    @property
    def height(self) -> int:
        """Highest height committed anywhere."""
        return self.checks.height

    def figures(self) -> Figures:
        """Return what it came to."""
        if not self.machines:
            return Figures(0, 0, 0, 0, 0, 0)
        told = self.visitors.clients.counts["told"]
        read, woken = self.checks.reads_confirmed, self.checks.auditor.woken
        return Figures(self.steps, len(self.checks.leaders), self.height, told, read, woken)

    def note(self, text: str) -> None:
        """Write down what happened."""
        line = f"{self.now:6} {text}"
        self.trace.append(line)
        self.lines.update(line.encode())

    def report(self, error: BaseException) -> str:
        """Describe a failure, and what came before it."""
        said = "; ".join(f"{type(leaf).__name__}: {leaf}" for leaf in _leaves(error))
        return "\n".join((f"seed {self.scenario.seed}, {self.now} ms: {said}", *self.trace))

    # Running.

    def run(self) -> None:
        """Run the whole scenario: the phase with faults, healing, and what must come then; raises WorldBroken."""
        with tempfile.TemporaryDirectory(prefix="jifen-", dir=MEMORY if MEMORY.is_dir() else None) as home:
            try:
                with in_charge(self._scheduler), self._limits(), self._logs():
                    trio.run(self._main, Path(home), clock=self._clock)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is raised below, with a report
                self._failure = self._failure or error
            if self._failure is not None:
                raise WorldBroken(self.report(self._failure)) from self._failure

    async def _main(self, home: Path) -> None:
        every = self.scenario.checkpoint_blocks
        settings = {"checkpoint_blocks": every, **KEEPS_LITTLE} if every else {}
        founders = self.scenario.founders
        alliance = small_alliance(home, founders, ports=range(1, len(founders) + 1), identify=_identity, **settings)
        for port, id in enumerate(self.ids[len(founders) :], len(founders) + 1):
            made = newcomer_setup(home, alliance, id, id, port=port, identify=_identity)
            alliance.setups[id], self._admissions[id] = made
        with self._scope:
            async with trio.open_nursery() as self._nursery:
                self._make(alliance)
                for id in self.ids:
                    self.restart(id)
                self.visitors.begin()
                for event in self.scenario.events:
                    if event.at_ms < self.scenario.duration_ms:
                        self._nursery.start_soon(self._befall, event.at_ms, event.command)
                await trio.sleep(self.scenario.duration_ms / 1000)
                await self._settle()
                self._nursery.cancel_scope.cancel()

    def _make(self, alliance: SmallAlliance) -> None:
        chain = chain_id(alliance.genesis)
        genesis = genesis_block(chain, alliance.genesis)
        self.checks = ActorChecks(alliance.genesis, genesis.tip.hash, chain, self.ids)
        names = {setup.peer_port: name for name, setup in alliance.setups.items()}
        self.network = SimulatedNetwork(self.scenario, self._draws("network"), self.injected, names)
        self.machines.update(
            (name, Machine(setup, self.scenario, self.network, self._scheduler, self, self._draws(f"machine {name}")))
            for name, setup in alliance.setups.items()
        )
        self.visitors = Visitors(
            self.scenario, self.machines, self.checks, chain, self._nursery, self._draws("visitors")
        )

    @contextmanager
    def _limits(self) -> Iterator[None]:
        with ExitStack() as stack:
            for module, name, value in TIGHT if self.scenario.tight else ():
                stack.enter_context(patch.object(module, name, value))
            yield

    @contextmanager
    def _logs(self) -> Iterator[None]:
        """Take what the validators log into the trace."""
        before = structlog.get_config()
        structlog.configure(processors=[self._log], wrapper_class=structlog.BoundLogger)
        try:
            yield
        finally:
            structlog.configure(**before)

    def _log(self, _: object, __: str, entry: MutableMapping[str, Any]) -> NoReturn:
        validator = PROCESS.get()
        words = [f"{key}={value}" for key, value in entry.items() if key != "event"]
        self.note(" ".join((validator, entry["event"], *words)))
        with self._noticed():
            self.checks.said(validator, entry)
        raise structlog.DropEvent

    @contextmanager
    def _noticed(self) -> Iterator[None]:
        """Remember a failure and end the world, wherever in a validator's code it is found and whatever that does."""
        try:
            yield
        except InvariantBroken as error:
            self.broken(error)
            raise

    def broken(self, error: Exception) -> None:
        """Something failed: the world ends."""
        self._failure = self._failure or error
        self._scope.cancel()
        for machine in self.machines.values():
            machine.resume()  # who stands still cannot end

    def _stuck(self) -> None:
        self.broken(InvariantBroken("tasks wake each other for ever"))

    # What machines tell.

    def started(self, machine: Machine) -> None:
        """A process serves."""
        self.note(f"{machine.name} serves")
        with self._noticed():
            self.checks.started(machine)
        self.visitors.started(machine)

    def written(self, machine: Machine) -> None:
        """A write is durable."""
        with self._noticed():
            self.checks.written(machine)

    def stopped(self, machine: Machine, reason: str) -> None:
        """A process has ended."""
        self.note(f"{machine.name} has ended{': ' if reason else ''}{reason}")
        if FAILED_SYNC in reason:
            self.injected["failed syncs"] += 1
        elif FULL_DISK in reason:
            self.injected["full disks"] += 1
        elif machine.retired:
            if self.checks.auditor.status_of(machine.name) != "RETIRED":
                self.broken(InvariantBroken(f"{machine.name} takes itself for retired", reason))
        elif reason:
            self.broken(InvariantBroken(f"{machine.name} ends for another reason than what befell it", reason))

    # What can befall them.

    async def _befall(self, at_ms: int, command: str) -> None:
        await trio.sleep_until(at_ms / 1000)
        verb, *words = command.split()
        act = _COMMANDS.get(verb)
        if act is None:
            raise ScenarioUnreadable(f"{command!r}: no such command in a world of actors")
        self.note(f"! {command}")
        act(self, words)

    def leader_id(self) -> str | None:
        """Return the serving leader of the highest term, or None."""
        leading = [status for status in self._statuses(self.machines.values()) if status.role == "leader"]
        return max(leading, key=lambda status: status.term).organization if leading else None

    def _statuses(self, machines: Iterable[Machine]) -> list[NodeStatus]:
        lives = [machine.serving for machine in machines]
        return [life.node.status() for life in lives if life is not None and life.node is not None]

    def links(self) -> Iterator[tuple[str, str]]:
        """Yield every link as (sender, recipient)."""
        yield from ((one, other) for one in self.ids for other in self.ids if one != other)

    def crash(self, id: str) -> None:
        """Let the process be killed, or the power fail, somewhere in what it does next."""
        machine, draws = self.machines[id], self._crash_draws
        if machine.serving is not None:
            silent = draws.random() < 0.5
            self.injected["power failures" if silent else "kills"] += 1
            steps = draws.randrange(CRASH_STEPS_MAX)
            self._scheduler.after_steps(id, steps, lambda: machine.kill(silent=silent))

    def restart(self, id: str) -> None:
        """Start a validator, once its last process has ended."""
        self._nursery.start_soon(self._run, self.machines[id])

    async def _run(self, machine: Machine) -> None:
        if self._scheduler.forget(machine.name):
            machine.kill(silent=False)  # it did not come so far as to where it was to be killed
        if machine.life is not None:
            if not machine.life.ended and not machine.life.stops:
                return
            await machine.life.over.wait()
        if machine.life is None and not machine.retired:
            self.note(f"{machine.name} starts")
            try:
                await machine.run()
            except Exception as error:
                self.broken(error)
                raise

    def stop(self, id: str) -> None:
        """Stop a validator as an operator does."""
        self.injected["clean stops"] += 1
        self.machines[id].stop()

    def pause(self, id: str) -> None:
        """Stop the process; what is sent to it waits."""
        machine = self.machines[id]
        if machine.serving is not None and not machine.paused:
            self.injected["pauses"] += 1
            machine.pause()

    def resume(self, id: str) -> None:
        """Let the process go on."""
        self.machines[id].resume()

    def transfer(self, to: str | None) -> None:
        """Let the leader hand over, to whom it chooses: the facade lets nobody else choose."""
        leader = self.leader_id()
        life = self.machines[leader].serving if leader is not None else None
        if life is not None:
            self.injected["transfers"] += 1
            life.call(_hand_over)
        del to

    def slow_disk(self, id: str, ms: int) -> None:
        """Let a validator's syncs take up to so much longer."""
        self.machines[id].slow_ms = ms
        self.injected["slow disks"] += ms > 0

    def set_clock(self, id: str, ms: int) -> None:
        """Set a validator's clock that much off."""
        self.machines[id].offset_ms = ms
        self.injected["clock steps"] += 1

    def fail_sync(self, id: str) -> None:
        """Let the next sync of a validator fail."""
        machine = self.machines[id]
        machine.sync_is_doomed = machine.may_fail = True

    def fill_disk(self, id: str) -> None:
        """Leave little room on a validator's disk."""
        machine = self.machines[id]
        machine.kill(silent=False)
        machine.fill_disk()
        self.restart(id)

    def empty_disks(self) -> None:
        """Make room on every disk."""
        for machine in self.machines.values():
            machine.empty_disk()

    def admit(self, id: str) -> None:
        """Have the organizations take a validator in."""
        if self.checks.auditor.status_of(id) is None and id in self._admissions:
            self.injected["validators admitted"] += 1
            self.visitors.council.decide(self._admissions[id], self.visitors)

    def remove(self, id: str) -> None:
        """Have the organizations take a validator out, unless too few would be left."""
        self.injected["validators removed"] += 1
        self.visitors.council.remove(id, self.visitors)

    # Liveness.

    async def _settle(self) -> None:
        """After healing all agree, then new transactions commit everywhere, then nothing stirs."""
        self._heal()
        clients = self.visitors.clients
        clients.resting = True
        await self._wait(lambda: self._agreed() and clients.idle, "no agreement after healing")
        for count in range(CALM_COMMITS):
            clients.begin(self.scenario.clients + count, self.visitors)
            await self._wait(lambda: not clients.waiting, "a new transaction does not commit")
        await self._wait(self._agreed, "no agreement after new transactions")
        term, confirmed = self._term(), self.checks.reads_confirmed
        members = self._members()
        for machine in members:
            self.visitors.read(machine.name)
        await trio.sleep(max(STABLE_SECONDS, READ_SECONDS))
        if self._term() != term:
            raise InvariantBroken("an election although nothing was wrong", term, self._term())
        if self.checks.reads_confirmed < confirmed + len(members):
            raise InvariantBroken("a read is not answered", self.checks.reads_confirmed - confirmed)
        self.visitors.check_heard(members)
        self.checks.check_equal(members)

    def _heal(self) -> None:
        self.note("! all faults end")
        self.scenario = self.scenario.calm()
        self.visitors.scenario = self.scenario
        self.network.heal()
        for id, machine in self.machines.items():
            full = machine.serving is not None and machine.may_fail
            machine.calm()
            self.resume(id)
            if full:
                machine.kill(silent=False)  # its store is as small as it was when it was opened
            self.restart(id)

    def _term(self) -> int:
        return max(status.term for status in self._statuses(self._members()))

    def _members(self) -> list[Machine]:
        """Return the validators that are in the alliance."""
        status_of = self.checks.auditor.status_of
        return [machine for name, machine in self.machines.items() if status_of(name) in {"VOTER", "OBSERVER"}]

    def _composed(self) -> bool:
        """Whether no change of the voters is under way, who was admitted votes, and who was taken out is gone."""
        auditor = self.checks.auditor
        statuses = {name: auditor.status_of(name) for name in self.ids}
        gone = all(self.machines[name].life is None for name, status in statuses.items() if status == "RETIRED")
        return not auditor.outgoing and "OBSERVER" not in statuses.values() and gone

    def _agreed(self) -> bool:
        members = self._members()
        statuses = self._statuses(members)
        one = {(status.term, status.leader, status.log_height, status.block_hash) for status in statuses}
        first = statuses[0] if statuses else None
        return (
            self._composed()
            and len(statuses) == len(members)
            and len(one) == 1
            and first is not None
            and first.leader is not None
            and all(status.height == status.log_height for status in statuses)
        )

    async def _wait(self, done: Callable[[], bool], complaint: str) -> None:
        with trio.move_on_after(LIVENESS_SECONDS):
            while not done():  # noqa: ASYNC110 - what all agree on comes with no event
                await trio.sleep(0.05)
            return
        raise InvariantBroken(complaint, *(_in_short(status) for status in self._statuses(self.machines.values())))


def _in_short(status: NodeStatus) -> str:
    lost = [f"{peer.id} ({peer.detail})" for peer in status.peers if not peer.connected]
    heights = f"{status.height} of {status.log_height}, {status.pending_transactions} pending"
    return f"{status.organization}: {status.role}, term {status.term}, {heights}, cut off from {lost}"


def _reset(world: ActorWorld, words: list[str]) -> None:
    one, other = named(world, words)
    world.network.reset(one, other)


_COMMANDS: Final[dict[str, Callable[[ActorWorld, list[str]], None]]] = {
    **COMMON,
    "stop": each(lambda world, id: world.stop(id)),
    "reset": _reset,
    "admit": each(lambda world, id: world.admit(id)),
    "remove": each(lambda world, id: world.remove(id)),
}
"""What befalls worlds of either kind; `admit` and `remove` as in the other; besides, `stop V...`, as operators do, and
`reset A B`: their connections break, and what is under way on them is lost."""


async def _hand_over(node: Node) -> None:
    await node.hand_over(HAND_OVER_SECONDS)


def _identity(organization: str, not_before: datetime) -> TlsIdentity:
    """Return the identity of a validator, the same in every run: the certificate is part of the chain id."""
    key = Ed25519PrivateKey.from_private_bytes(sha256(organization.encode()).digest())
    return self_signed(organization, not_before, key, serial_number=1)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
