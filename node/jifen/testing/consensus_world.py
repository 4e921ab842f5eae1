"""A small seeded world of validators: real consensus cores, simulated network, disks and crashes.

One `random.Random` decides everything, so a seed is a run. Time goes in steps; in each step faults strike, due messages
and disk writes arrive, and every validator's clock ticks or stays behind. After every call into a core all invariants
of `jifen.consensus.invariants` are checked against everything the world has ever seen.
"""

import random
from collections import deque
from contextlib import suppress
from heapq import heappop, heappush

import msgspec

from jifen.consensus import invariants
from jifen.consensus.certificates import ValidatorSet
from jifen.consensus.invariants import InvariantBroken
from jifen.consensus.messages import AppendRequest, AppendResponse, Certificate, Message, TransferVoteRequest
from jifen.consensus.output import Output
from jifen.consensus.types import HardState, NotLeader, Position, RaftConfig, Role, TransferRefused
from jifen.testing.consensus_host import Host, sign

TRACE_EVENTS_MAX = 60
"""Events kept for the report of a failure: enough to see the last election."""

PAUSE_STEPS_MAX = 150
"""Longest pause: many election timeouts, so that a leader wakes up deposed."""

HEARD_LATE_STEPS_MAX = 10
"""Steps within which a process that goes on has read what waited for it."""

LIVENESS_STEPS_MAX = 600
"""Steps after healing within which all must agree: a dozen election timeouts."""

_decoder = msgspec.msgpack.Decoder(Message)


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """How bad the world is; probabilities are per message or per step."""

    loss: float = 0.0
    duplicate: float = 0.0
    delay_steps_max: int = 1
    write_steps_max: int = 0
    crash: float = 0.0
    restart: float = 0.0
    partition: float = 0.0
    heal: float = 0.0
    slow_clock: float = 0.0
    late_block: float = 0.0
    pause: float = 0.0
    transfer: float = 0.0
    read: float = 0.0
    proposal: float = 0.3

    @classmethod
    def drawn(cls, draws: random.Random) -> "Faults":
        """Draw a mixture; each fault is absent in some worlds, so that others show."""
        return cls(
            loss=draws.choice((0.0, 0.05, 0.2)),
            duplicate=draws.choice((0.0, 0.1)),
            delay_steps_max=draws.choice((1, 3, 8)),
            write_steps_max=draws.choice((0, 2, 6)),
            crash=draws.choice((0.0, 0.005, 0.02)),
            restart=0.1,
            partition=draws.choice((0.0, 0.02)),
            heal=0.05,
            slow_clock=draws.choice((0.0, 0.2)),
            late_block=draws.choice((0.0, 0.7)),
            pause=draws.choice((0.0, 0.005)),
            transfer=draws.choice((0.0, 0.01)),
            read=draws.choice((0.0, 0.2)),
            proposal=draws.choice((0.1, 0.5)),
        )


class Node:
    """One validator in the world: a host, whether it runs, and what its disk is busy with."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.running = True
        self.paused_until = 0
        """Step at which a stopped process goes on."""
        self.deaf_until = 0
        """Step at which it has read what waited for it; until then it acts on what it knew: the hour of stale reads."""
        self.reads: dict[int, int] = {}
        """Reads under way: request id, then the highest height committed anywhere when it was asked."""
        self.incarnation = 0
        self.writes: deque[tuple[int, Output]] = deque()
        """(step when durable, output), in order; the head is being written."""
        self.owes_block = 0
        """Term in which it must still propose its first block as leader, or 0."""
        self.led = (0, 0)
        """(term, committed height) when it was last seen leading."""
        self.seen = HardState(0, None)
        """Latest durable hard state, for comparing over restarts."""


class World:
    """The validators, what is on its way between them, and everything ever committed, elected or signed."""

    def __init__(self, seed: int, *, validators: int = 0, faults: Faults | None = None) -> None:
        self.seed = seed
        self.draws = random.Random(seed)
        self.faults = faults or Faults.drawn(self.draws)
        count = validators or self.draws.choice((3, 4, 5))
        self.ids = tuple("abcdefg"[:count])
        self.validators = ValidatorSet(self.ids)
        tight = self.draws.random() < 0.5
        """Small limits reach their edges; generous ones reach depth."""
        self.nodes = {id: Node(Host(self._config(id, tight=tight), self.draws)) for id in self.ids}
        self.now = 0
        self.steps = 0
        """Calls into cores."""
        self.blocked: set[tuple[str, str]] = set()
        """Links, as (from, to), that lose everything."""
        self.trace: deque[str] = deque(maxlen=TRACE_EVENTS_MAX)
        self.leaders: dict[int, str] = {}
        self.committed: dict[int, bytes] = {}
        self.committed_in: dict[int, int] = {}
        """Term of the first certificate of each committed height."""
        self.entries: dict[tuple[int, int], bytes] = {}
        """Hash of every entry ever seen, by (term, height); with linked hashes this is log matching."""
        self.signed: dict[tuple[str, int, int], bytes] = {}
        """Hash that a validator ever signed, by (validator, term, height)."""
        self.injected = dict.fromkeys(("lost", "duplicated", "crashes", "partitions", "lost writes", "pauses"), 0)
        self.outcomes = dict.fromkeys(("reads", "reads lost", "transfers"), 0)
        """What came of reads and transfers of leadership."""
        self.handed_over = 0
        """Latest term that a validator stood for because the leader said so."""
        self._read_id = 0
        self._heap: list[tuple[int, int, Message]] = []
        self._sent = 0
        self._proposed = 0

    def _config(self, id: str, *, tight: bool) -> RaftConfig:
        return RaftConfig(
            id=id,
            validators=self.ids,
            election_ticks_min=10,
            election_ticks_max=20,
            heartbeat_ticks=2,
            append_bytes_max=40 if tight else 10_000,
            inflight_messages_max=2 if tight else 16,
            inflight_bytes_max=60 if tight else 100_000,
            certificates_per_message_max=2 if tight else 64,
            uncommitted_heights_max=6 if tight else 1024,
            cache_bytes_max=1 if tight else 1_000_000,
            certificates_cached_max=1 if tight else 1000,
        )

    # Running.

    def run(self, steps: int) -> None:
        """Let `steps` steps pass; on a violation say how to replay it and what happened last."""
        try:
            for _ in range(steps):
                self.step()
        except AssertionError as error:
            raise InvariantBroken(self.report(error)) from error

    def report(self, error: AssertionError) -> str:
        """Describe a failure and how to see it again."""
        return "\n".join(
            (
                f"seed {self.seed}, step {self.now}: {error!r}",
                f"replay: World({self.seed}).run({self.now + 1}), or pytest -k 'seed and {self.seed}'",
                f"{self.faults}",
                *self.trace,
            )
        )

    def step(self) -> None:
        """Let one step of time pass."""
        self.now += 1
        self._strike()
        while self._heap and self._heap[0][0] <= self.now:
            self._deliver(heappop(self._heap)[2])
        for id, node in self.nodes.items():
            if node.paused_until > self.now:
                continue
            self._finish_writes(id, node)
            if node.running and self.draws.random() < self.faults.read:
                self.read(id)
            if node.running and self.draws.random() < self.faults.transfer:
                self.transfer(id, self.draws.choice((None, *self.ids)))
            if node.running and self.draws.random() >= self.faults.slow_clock:
                node.host.raft.tick()
                self._after_call(id, node)
            due = node.owes_block == node.host.raft.term and self.draws.random() < 0.2
            if node.running and (due or self.draws.random() < self.faults.proposal):
                self._propose(id, node)

    def settle(self) -> None:
        """Heal everything and require that all come to agree and that new blocks commit: liveness."""
        self.faults = Faults(proposal=0.0)
        self.blocked.clear()
        for id in self.ids:
            self.restart(id)
            self.nodes[id].paused_until = self.nodes[id].deaf_until = 0
        for phase in range(2):
            deadline = self.now + LIVENESS_STEPS_MAX
            before = max(self.committed, default=0)
            self.run(1)
            while not self.agreed(beyond=before if phase else -1):
                if self.now > deadline:
                    raise InvariantBroken(self.report(AssertionError("no agreement after healing", self.summary())))
                leader = self.leader()
                if phase and leader is not None and leader.host.raft.last_height <= before:
                    self._propose(leader.host.config.id, leader)
                self.run(1)
        self.check_logs()

    def agreed(self, beyond: int) -> bool:
        """Whether there is one leader, and all logs are equal, durable, and committed to the end, above `beyond`."""
        cores = [node.host.raft for node in self.nodes.values()]
        tips = {(core.last_height, core.last_hash, core.committed, core.term, core.leader) for core in cores}
        durable = {(node.host.disk.last.height, node.host.disk.committed) for node in self.nodes.values()}
        height = cores[0].last_height
        one = len(tips) == 1 and cores[0].leader is not None and cores[0].committed == height
        return one and durable == {(height, height)} and height > beyond

    def leader(self) -> Node | None:
        """Return the running leader of the highest term, if any."""
        leading = [node for node in self.nodes.values() if node.running and node.host.raft.role is Role.LEADER]
        return max(leading, key=lambda node: node.host.raft.term, default=None)

    def summary(self) -> str:
        """Describe every validator in a line."""
        lines = []
        for id, node in self.nodes.items():
            core = node.host.raft
            lines.append(f"{id}: {core.role} t{core.term} last {core.last_height} committed {core.committed}")
        return "; ".join(lines)

    def read(self, id: str) -> int:
        """Ask a running validator for a height that includes everything committed by now; return the request's id."""
        self._read_id += 1
        node, request_id = self.nodes[id], self._read_id
        node.reads[request_id] = max(self.committed, default=0)
        node.host.raft.read_index(request_id)
        self._after_call(id, node)
        return request_id

    def transfer(self, id: str, to: str | None) -> None:
        """Ask a running validator to hand leadership over; nothing happens where that makes no sense."""
        node = self.nodes[id]
        with suppress(NotLeader, TransferRefused):
            node.host.raft.transfer_leadership(to)
            self._note(f"{id} hands over to {node.host.raft.transferring}")
            self._after_call(id, node)

    # Faults.

    def crash(self, id: str, *, write_survives: bool = False) -> None:
        """Stop a validator: what its core knew is gone, and so is every write that was not finished.

        With `write_survives` the write under way reached the disk, although nobody was told.
        """
        node = self.nodes[id]
        if not node.running:
            return
        self._note(f"{id} crashes")
        self.injected["crashes"] += 1
        if node.writes and write_survives:
            self._write(node, node.writes[0][1])
        else:
            self.injected["lost writes"] += bool(node.writes)
        node.writes.clear()
        node.reads.clear()
        node.running = False
        node.paused_until = node.deaf_until = 0

    def restart(self, id: str) -> None:
        """Start a crashed validator from its disk."""
        node = self.nodes[id]
        if node.running:
            return
        self._note(f"{id} restarts")
        node.running = True
        node.incarnation += 1
        node.host.boot()

    def partition(self, *groups: str) -> None:
        """Cut every link between different groups; a validator in no group is alone."""
        self._note(f"partition {groups}")
        self.injected["partitions"] += 1
        group = {id: number for number, ids in enumerate(groups) for id in ids}
        self.blocked = {
            (one, other)
            for one in self.ids
            for other in self.ids
            if one != other and group.get(one, one) != group.get(other, other)
        }

    def pause(self, id: str, steps: int) -> None:
        """Stop a validator's process for some steps; it notices nothing and finds its messages waiting."""
        self._note(f"{id} pauses for {steps}")
        self.injected["pauses"] += 1
        node = self.nodes[id]
        node.paused_until = self.now + steps
        node.deaf_until = node.paused_until + self.draws.randrange(0, HEARD_LATE_STEPS_MAX)

    def _strike(self) -> None:
        faults, draws = self.faults, self.draws
        for id, node in self.nodes.items():
            if node.running and draws.random() < faults.pause:
                self.pause(id, draws.randrange(1, PAUSE_STEPS_MAX))
            if node.running and draws.random() < faults.crash:
                self.crash(id, write_survives=draws.random() < 0.5)
            elif not node.running and draws.random() < faults.restart:
                self.restart(id)
        if not self.blocked and draws.random() < faults.partition:
            shuffled = "".join(draws.sample(self.ids, len(self.ids)))
            cut = draws.randrange(1, len(shuffled))
            self.partition(shuffled[:cut], shuffled[cut:])
            if draws.random() < 0.4:
                # One direction only: the cruelest partitions are asymmetric.
                one = set(shuffled[:cut])
                self.blocked = {link for link in sorted(self.blocked) if link[0] in one}
        elif self.blocked and draws.random() < faults.heal:
            self._note("partition heals")
            self.blocked = set()

    # The host's duties, with a network and a disk that take their time.

    def _propose(self, id: str, node: Node) -> None:
        raft = node.host.raft
        if raft.role is Role.LEADER and node.owes_block == raft.term:
            node.owes_block = 0
            node.host.propose()
            self._after_call(id, node)
        elif raft.role is not Role.LEADER or raft.transferring is not None:
            return
        elif raft.last_term == raft.term and raft.proposals_in_flight < 5:
            self._proposed += 1
            node.host.propose(b"block %d" % self._proposed)
            self._after_call(id, node)

    def _after_call(self, id: str, node: Node) -> None:
        """Check the core that was just called, then take its output unless its disk is busy (outputs then merge)."""
        self.steps += 1
        self._check(id, node)
        if node.writes and node.writes[-1][0] - self.now > 1:
            return
        output = node.host.raft.take_output()
        if output.became_leader:
            self._note(f"{id} leads term {output.term}")
            self.outcomes["transfers"] += self.handed_over == output.term
            node.owes_block = output.term
        for message in output.messages:
            self._send(node.host.signed(message))
        self._check_output(node, output)
        self._check_reads(node, output)
        if output.hard_state or output.entries or output.messages_after_persist or output.commits:
            ready = self.now + self.draws.randrange(0, self.faults.write_steps_max + 1)
            node.writes.append((max(ready, node.writes[-1][0] if node.writes else 0), output))
            self._finish_writes(id, node)
        if output.became_leader and self.draws.random() >= self.faults.late_block:
            self._propose(id, node)

    def _finish_writes(self, id: str, node: Node) -> None:
        while node.running and node.writes and node.writes[0][0] <= self.now:
            output = node.writes.popleft()[1]
            sent = self._write(node, output)
            for message in sent:
                if message.recipient == id:
                    node.host.raft.step(message)
                    self._after_call(id, node)
                else:
                    self._send(message)

    def _write(self, node: Node, output: Output) -> list[Message]:
        """Make an output durable and return what may be sent now, signed."""
        disk = node.host.disk
        if output.truncate_from is not None:
            for entry in disk.log[output.truncate_from - 1 :]:
                lost = self.committed.get(entry.height) == entry.hash
                assert not lost, f"{node.host.config.id} drops committed {entry.height}"
        disk.write(output)
        invariants.check_hard_state_step(node.seen, disk.hard_state)
        node.seen = disk.hard_state
        disk.apply(output)
        sent = [node.host.signed(message) for message in output.messages_after_persist]
        for message in sent:
            self._record_signatures(message)
        return sent

    def _record_signatures(self, message: Message) -> None:
        if isinstance(message, AppendResponse):
            for signature in message.signatures:
                key = (message.sender, message.term, signature.height)
                assert self.signed.setdefault(key, signature.hash) == signature.hash, f"signed twice: {key}"

    # The network.

    def _send(self, message: Message) -> None:
        faults, draws = self.faults, self.draws
        if (message.sender, message.recipient) in self.blocked or draws.random() < faults.loss:
            self.injected["lost"] += 1
            return
        copies = 1
        if draws.random() < faults.duplicate:
            self.injected["duplicated"] += 1
            copies = 2
        for _ in range(copies):
            self._sent += 1
            due = self.now + draws.randrange(1, faults.delay_steps_max + 1)
            heappush(self._heap, (due, self._sent, message))

    def _deliver(self, message: Message) -> None:
        node = self.nodes[message.recipient]
        if not node.running or (message.sender, message.recipient) in self.blocked:
            return
        if node.deaf_until > self.now:
            self._sent += 1
            heappush(self._heap, (node.deaf_until, self._sent, message))
            return
        if isinstance(message, TransferVoteRequest):
            self.handed_over = message.term
        received = _decoder.decode(msgspec.msgpack.encode(message))
        assert received == message, "a message does not survive encoding"
        if isinstance(received, AppendRequest):
            for certificate in received.certificates:
                self._check_certificate(certificate)
        node.host.raft.step(received)
        self._after_call(message.recipient, node)

    # Checking.

    def _check(self, id: str, node: Node) -> None:
        raft = node.host.raft
        raft.check_invariants()
        assert raft.ignored_messages == 0, "a correct peer's message was ignored"
        if raft.leader is not None:
            invariants.check_election_safety(self.leaders, raft.term, raft.leader)
        if raft.role is Role.LEADER:
            if node.led[0] == raft.term and node.led[1] < raft.committed:
                known = raft.position(raft.committed)
                assert known is None or known.term == raft.term, "a leader committed an older term's entry by counting"
            node.led = (raft.term, raft.committed)
            invariants.check_election_safety(self.leaders, raft.term, id)
            if raft.term not in self.leaders:
                self.leaders[raft.term] = id
                # One that was paused may win a term that is over; of what later terms committed it knows nothing.
                earlier = {
                    height: hash for height, hash in self.committed.items() if self.committed_in[height] < raft.term
                }
                invariants.check_leader_completeness(earlier, self.log(node), id)

    def _check_output(self, node: Node, output: Output) -> None:
        assert not output.evidence, f"evidence against a correct validator: {output.evidence}"
        for entry in output.entries:
            key = (entry.term, entry.height)
            assert self.entries.setdefault(key, entry.hash) == entry.hash, f"log matching is broken at {key}"
        for certificate in output.commits:
            self._check_certificate(certificate)
            height, hash = certificate.height, certificate.hash
            invariants.check_committed_unchanged(self.committed, height, hash)
            known = node.host.raft.position(height)
            assert known is None or known.hash == hash, "committed another block than the log's"
            if height not in self.committed:
                self.committed[height] = hash
                self.committed_in[height] = certificate.term
                disks = ([entry.hash for entry in other.host.disk.log] for other in self.nodes.values())
                invariants.check_durable_on_quorum(self.validators, disks, height, hash)

    def _check_reads(self, node: Node, output: Output) -> None:
        """Check that reads are linearizable: what was committed anywhere when one was asked is within its height."""
        for request_id, height in output.reads:
            committed = node.reads.pop(request_id)
            assert height >= committed, f"stale read {request_id}: height {height}, committed {committed}"
            self.outcomes["reads"] += 1
        for request_id in output.reads_lost:
            del node.reads[request_id]
            self.outcomes["reads lost"] += 1

    def _check_certificate(self, certificate: Certificate) -> None:
        """Check that a quorum signed, and that each of them really did."""
        invariants.check_certificate(self.validators, certificate)
        signers = self.validators.signers(certificate)
        for signer, signature in zip(signers, certificate.signatures, strict=True):
            key = (signer, certificate.term, certificate.height)
            assert self.signed.get(key) == certificate.hash, f"certificate with a signature never given: {key}"
            assert signature == sign(signer, certificate.term, certificate.height, certificate.hash), "forged"

    def log(self, node: Node) -> list[Position]:
        """Return a running validator's log as its core sees it; entries still being written come from the queue."""
        raft = node.host.raft
        waiting = {entry.height: entry for _, output in node.writes for entry in output.entries}
        log: list[Position] = []
        for height in range(raft.last_height + 1):
            known = raft.position(height)
            if known is None:
                entry = waiting[height]
                known = Position(entry.height, entry.term, entry.hash)
            log.append(known)
        return log

    def check_logs(self) -> None:
        """Compare all logs with each other, entry by entry."""
        logs = [self.log(node) for node in self.nodes.values() if node.running]
        for one in logs:
            for other in logs:
                invariants.check_log_matching(one, other)

    def _note(self, event: str) -> None:
        self.trace.append(f"{self.now:5} {event}")
