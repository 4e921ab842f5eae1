"""Several consensus cores moved by hand: every message, tick, write and crash happens when a test says so.

Nothing is drawn at random and no time passes by itself, so that an exact race can be set up and read. After every step
all that must always hold is checked against everything seen since the start. `jifen.testing.script` gives it words;
`jifen.testing.world` is the place for whole validators and for chance.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final, final

import msgspec

from jifen.consensus import invariants
from jifen.consensus.configuration import Configuration
from jifen.consensus.invariants import InvariantBroken
from jifen.consensus.messages import Certificate, Entry, Message
from jifen.consensus.output import Output
from jifen.consensus.types import HardState, Position, Role
from jifen.testing.consensus_host import Host, configuration_of, make_chain, make_host, sign

Link = tuple[str, str]
"""Sender and recipient."""

ROUNDS_MAX: Final = 500
"""Rounds of deliveries after which messages that beget messages count as a storm."""

SETTLE_TICKS: Final = 200
"""Ticks within which healed cores must agree: several elections."""


class Draws:
    """Election timeouts: one and the same for everybody while a test decides who stands, else different ones.

    It is longer than the shortest, so that a leader can be forgotten (Raft 6, thesis 4.2.3) before anybody stands.
    """

    def __init__(self, place: int) -> None:
        self._place = place
        self.apart = False
        """Whether timeouts differ, so that an election ends without anybody's help."""

    def randrange(self, start: int, stop: int) -> int:
        """Return the middle, or with `apart` a value that differs between validators."""
        return start + self._place % (stop - start) if self.apart else (start + stop) // 2


class _Memory:
    """What must not be forgotten about one validator, whatever it forgets itself."""

    def __init__(self) -> None:
        self.hard_state = HardState(0, None)
        self.log: list[bytes] = []
        """Hashes of the blocks that are durable, from height 1 on, compacted ones included."""
        self.lead = (0, 0)
        """Term and last height when it was last seen leading."""
        self.asked: dict[int, int] = {}
        """Height committed anywhere when a read was asked, by its id."""


@final
class Cores:
    """Some validators' cores with their disks, and the links between them.

    Disks work at once unless stalled. Links keep what was sent, in order, until it is delivered or lost.
    """

    def __init__(self, voters: Sequence[str], others: Sequence[str] = (), **limits: int) -> None:
        """Start `voters`, and `others` who are in no configuration yet; `limits` are those of RaftConfig."""
        self.voters = tuple(voters)
        self.ids = (*voters, *others)
        self.hosts: dict[str, Host] = {}
        self.links: dict[Link, deque[Message]] = {
            (one, other): deque() for one in self.ids for other in self.ids if one != other
        }
        """What is on the way."""
        self.cut: set[Link] = set()
        """Links that lose what is sent."""
        self.held: set[Link] = set()
        """Links that deliver only when asked by name."""
        self.stalled: set[str] = set()
        """Validators whose disk does not get done."""
        self.down: set[str] = set()
        self.first_blocks = True
        """Whether a new leader proposes at once, as hosts must."""
        self.leaves = True
        """Whether a leader proposes to leave a joint configuration as soon as that is due, as hosts must."""
        self.duties = dict.fromkeys(self.ids, "no duty")
        """What the newest output told a validator: `must leave` the joint configuration, is `retired`, or neither."""
        self.transcript: list[str] = []
        """What happened, for people."""
        self.sent = 0
        """Messages put on links."""
        self.reads: dict[str, int] = dict.fromkeys(self.ids, 0)
        """Reads confirmed, by validator."""
        self.reads_lost: dict[str, int] = dict.fromkeys(self.ids, 0)
        self.committed: dict[int, bytes] = {}
        """Hash of every block that was ever committed anywhere, by height."""
        self._limits = limits
        self._reads_asked = 0
        self._unwritten: dict[str, list[Output]] = {id: [] for id in self.ids}
        self._memory = {id: _Memory() for id in self.ids}
        self._leaders: dict[int, str] = {}
        self._entries: dict[tuple[int, int], bytes] = {}
        self._configurations: dict[bytes, Configuration] = {}
        """What entries set, by their hash."""
        for id in self.ids:
            self.given(id, (), 0, None)

    def given(self, id: str, terms: Sequence[int], committed: int, term: int | None) -> None:
        """Let a validator start with a log of these terms; equal terms from the start make equal logs."""
        log = make_chain(terms)
        host = make_host(id, self.voters, log=log, committed=committed, term=term, vote=None, **self._limits)
        host.random = Draws(self.ids.index(id))
        host.boot()
        self.hosts[id] = host
        memory = self._memory[id]
        memory.hard_state, memory.log = host.disk.hard_state, [entry.hash for entry in host.disk.log]
        for entry in host.disk.log:
            self._note_entry(entry)
        self.committed.update(enumerate(memory.log[:committed], 1))

    # Driving.

    def tick(self, id: str, times: int = 1) -> None:
        """Let time pass for one validator."""
        for _ in range(times):
            if id in self.down:
                return
            self.hosts[id].raft.tick()
            self._work_off(id)

    def silence(self, id: str) -> None:
        """Let so much time pass for one validator that a leader unheard is forgotten, or one unanswered steps down."""
        state = self.hosts[id].raft._state  # noqa: SLF001 -- nobody else needs to know how long it has been quiet
        heard = 0 if state.leadership is not None else state.election_elapsed
        self.tick(id, max(state.config.election_ticks_min - heard, 0))

    def stand(self, id: str) -> None:
        """Let so much time pass for one validator that it stands, or that an unanswered leader steps down."""
        state = self.hosts[id].raft._state  # noqa: SLF001 -- as above
        if state.leadership is None:
            self.tick(id, max(state.election_timeout - state.election_elapsed, 1))
        for _ in range(2 * state.config.election_ticks_min):
            if state.leadership is not None:
                self.tick(id)

    def propose(self, id: str, payload: bytes = b"") -> None:
        """Let a leader propose a block; raises what the core raises."""
        self.hosts[id].propose(payload)
        self._work_off(id)

    def reconfigure(self, id: str, configuration: Configuration) -> None:
        """Let a leader propose a block that sets a configuration; raises what the core raises."""
        self.hosts[id].reconfigure(configuration)
        self._work_off(id)

    def compact(self, id: str, height: int) -> None:
        """Let a validator drop the blocks up to a height, as far as it may."""
        self.hosts[id].compact(height)
        self._work_off(id)

    def install(self, id: str, source: str) -> None:
        """Let a validator go on from a snapshot of another's oldest block; raises what the core raises."""
        disk, memory = self.hosts[source].disk, self._memory[id]
        certificate, position = disk.certificates[disk.base.height], disk.base
        host = self.hosts[id]
        host.raft.check_install(position)
        host.disk.install(certificate, position)
        memory.log = self._memory[source].log[: position.height] + [entry.hash for entry in host.disk.log]
        host.first = self.hosts[source].first
        host.raft.install(position, host.disk.last, host.first)
        self._work_off(id)

    def transfer(self, id: str, to: str | None) -> None:
        """Let a leader hand over; raises what the core raises."""
        self.hosts[id].raft.transfer_leadership(to)
        self._work_off(id)

    def read(self, id: str) -> None:
        """Ask a validator for a linearizable read."""
        self._reads_asked += 1
        self._memory[id].asked[self._reads_asked] = max(self.committed, default=0)
        self.hosts[id].raft.read_index(self._reads_asked)
        self._work_off(id)

    def wake(self, id: str, taken: Sequence[tuple[Link, Message]], ticks: int) -> None:
        """Let a validator take in some messages that are on the way, and then ticks, before its output is looked at."""
        for link, message in taken:
            self.links[link].remove(message)
        if id in self.down:
            return
        for _, message in taken:
            self._say(f"  {summary(message)}")
            self.hosts[id].raft.step(message)
        for _ in range(ticks):
            self.hosts[id].raft.tick()
        self._work_off(id)

    def deliver(self, link: Link, message: Message) -> None:
        """Hand over one message that is on the way."""
        self.links[link].remove(message)
        if link[1] in self.down:
            return
        self._say(f"  {summary(message)}")
        self.hosts[link[1]].raft.step(message)
        self._work_off(link[1])

    def deliver_round(self) -> bool:
        """Deliver what is on the way now, link by link; False when there was nothing."""
        waiting = [(link, tuple(queue)) for link, queue in self.links.items() if link not in self.held]
        for link, messages in waiting:
            for message in messages:
                self.deliver(link, message)
        return any(messages for _, messages in waiting)

    def deliver_all(self) -> None:
        """Deliver until nothing is on the way but on held links."""
        for _ in range(ROUNDS_MAX):
            if not self.deliver_round():
                return
        raise InvariantBroken("a storm of messages")

    def sync(self, id: str, count: int | None = None) -> None:
        """Let a disk get done with what waits, or with the first `count` outputs."""
        outputs = self._unwritten[id]
        for _ in range(len(outputs) if count is None else count):
            self._write(id, outputs.pop(0))
        self._work_off(id)

    def crash(self, id: str, *, unseen: int = 0) -> None:
        """Let the power fail; the first `unseen` waiting outputs reach the disk without anybody's knowing."""
        host = self.hosts[id]
        for output in self._unwritten[id][:unseen]:
            host.disk.write(output)
            self._memory[id].log[host.disk.base.height :] = [entry.hash for entry in host.disk.log]
        self._unwritten[id].clear()
        self.stalled.discard(id)
        self.down.add(id)

    def restart(self, id: str) -> None:
        """Start a validator again from what its disk holds."""
        if id not in self.down:
            return
        self.down.discard(id)
        memory, host = self._memory[id], self.hosts[id]
        memory.asked.clear()
        invariants.check_hard_state_step(memory.hard_state, host.disk.hard_state)
        host.boot()
        self._work_off(id)

    def settle(self) -> None:
        """End all faults; then one must lead, all logs be equal, and a new block be committed everywhere."""
        self._say("settle")
        self.cut.clear()
        self.held.clear()
        for id in self.ids:
            self.stalled.discard(id)
            self.restart(id)
            self.sync(id)
            draws = self.hosts[id].random
            assert isinstance(draws, Draws)
            draws.apart = True
        self.first_blocks = self.leaves = True
        self._tick_until_agreed()
        leader = self.leader()
        assert leader is not None
        self.propose(leader)
        self._tick_until_agreed()

    def _tick_until_agreed(self) -> None:
        self.deliver_all()
        for _ in range(SETTLE_TICKS):
            leader = self.leader()
            # One that is about to leave a joint configuration takes no other block before.
            if leader is not None and self.agreed() and self.hosts[leader].raft.has_room:
                return
            for id in self.ids:
                self.tick(id)
            self.deliver_all()
        raise InvariantBroken("no agreement after healing", self.summary())

    # Looking.

    def leader(self) -> str | None:
        """Return the leader of the highest term, or None."""
        leading = [id for id in self.ids if id not in self.down and self.hosts[id].raft.role is Role.LEADER]
        return max(leading, key=lambda id: self.hosts[id].raft.term, default=None)

    def agreed(self) -> bool:
        """Whether all members follow one leader of their term, with equal logs that are committed to their end."""
        leader = self.leader()
        members = self.voters if leader is None else self.hosts[leader].raft.configuration.members
        rafts = [self.hosts[id].raft for id in members]
        tips = {(raft.term, raft.leader, raft.last_hash, raft.committed) for raft in rafts}
        return len(tips) == 1 and rafts[0].leader is not None and rafts[0].committed == rafts[0].last_height

    def terms(self, id: str) -> tuple[int, ...]:
        """Return the term of each entry of a core's log, durable or not, above where it begins."""
        raft = self.hosts[id].raft
        found = (raft.position(height) for height in range(raft.base.height + 1, raft.last_height + 1))
        return tuple(position.term for position in found if position is not None)

    def summary(self) -> list[str]:
        """Describe every validator in a line."""
        lines = []
        for id in self.ids:
            raft = self.hosts[id].raft
            how = "down" if id in self.down else str(raft.role)
            log = " ".join(map(str, self.terms(id)))
            lines.append(f"{id}: {how}, term {raft.term}, log {log or '-'}, committed {raft.committed}")
        return lines

    # Carrying out.

    def _work_off(self, id: str) -> None:
        host = self.hosts[id]
        while id not in self.down:
            output = host.raft.take_output()
            self._check(id, output)
            for entry in output.entries:
                configuration = configuration_of(entry)
                if configuration is not None:
                    host.raft.configured(entry.height, configuration)
            proposes = True
            if output.leave_joint and self.leaves:
                host.leave()
            elif output.became_leader and self.first_blocks:
                host.propose()
            else:
                proposes = False
            self._send(output.messages)
            if output.truncate_from is not None or output.messages_after_persist or _to_write(output):
                self._unwritten[id].append(output)
            elif not proposes and not output.became_leader:
                return
            while self._unwritten[id] and id not in self.stalled:
                self._write(id, self._unwritten[id].pop(0))

    def _write(self, id: str, output: Output) -> None:
        host, memory = self.hosts[id], self._memory[id]
        host.disk.write(output)
        memory.log[host.disk.base.height :] = [entry.hash for entry in host.disk.log]
        invariants.check_hard_state_step(memory.hard_state, host.disk.hard_state)
        memory.hard_state = host.disk.hard_state
        after = [host.signed(message) for message in output.messages_after_persist]
        host.disk.apply(output)
        for certificate in output.commits:
            self._check_commit(id, certificate)
        for message in after:
            if message.recipient == id:
                host.raft.step(message)
        self._send([message for message in after if message.recipient != id])

    def _send(self, messages: Sequence[Message]) -> None:
        for message in messages:
            link = (message.sender, message.recipient)
            _require(link in self.links, "what goes to oneself must wait for the disk", summary(message))
            self.sent += 1
            if link not in self.cut:
                self.links[link].append(message)

    # Checks.

    def _check(self, id: str, output: Output) -> None:
        raft, memory = self.hosts[id].raft, self._memory[id]
        raft.check_invariants()
        _require(not output.suspicions, "a correct validator is suspected", output.suspicions)
        self.duties[id] = "must leave" if output.leave_joint else "retired" if output.retired else "no duty"
        if not self._configurations:
            # With changes of voters there are answers from those whom a leader has let go.
            _require(raft.ignored_messages == 0, "a correct validator's message was ignored", id)
        if raft.leader is not None:
            invariants.check_election_safety(self._leaders, raft.term, raft.leader)
        if raft.role is Role.LEADER:
            self._check_leader(id)
        for entry in output.entries:
            self._note_entry(entry)
        for request_id, height in output.reads:
            committed = memory.asked.pop(request_id)
            _require(height >= committed, "a stale read", id, height, committed)
            self.reads[id] += 1
        for request_id in output.reads_lost:
            del memory.asked[request_id]
            self.reads_lost[id] += 1

    def _check_leader(self, id: str) -> None:
        raft, memory = self.hosts[id].raft, self._memory[id]
        if self._leaders.setdefault(raft.term, id) == id and memory.lead[0] != raft.term:
            for height, hash in self.committed.items():
                position = raft.position(height)
                # One that wins a term that is over by then knows nothing of what later terms committed.
                later = max(self._leaders) > raft.term
                _require(later or (position is not None and position.hash == hash), "a leader lacks a block", id)
        elif memory.lead[0] == raft.term:
            _require(raft.last_height >= memory.lead[1], "a leader shortened its own log", id)
        memory.lead = (raft.term, raft.last_height)

    def _check_commit(self, id: str, certificate: Certificate) -> None:
        height, term, hash = certificate.height, certificate.term, certificate.hash
        configuration = self._configuration_at(id, height)
        genuine = tuple(sign(signer, term, height, hash) for signer in configuration.signers(certificate))
        _require(genuine == certificate.signatures, "a certificate with a false signature", height)
        invariants.check_certificate(configuration, certificate)
        invariants.check_committed_unchanged(self.committed, height, hash)
        if height not in self.committed:
            logs = {id: memory.log for id, memory in self._memory.items()}
            invariants.check_durable_on_quorum(configuration, logs, height, hash)
            self.committed[height] = hash

    def _configuration_at(self, id: str, height: int) -> Configuration:
        below = reversed(self._memory[id].log[:height])
        return next(
            (self._configurations[hash] for hash in below if hash in self._configurations), Configuration(self.voters)
        )

    def _note_entry(self, entry: Entry) -> None:
        known = self._entries.setdefault((entry.term, entry.height), entry.hash)
        _require(known == entry.hash, "log matching is broken", entry.term, entry.height)
        configuration = configuration_of(entry)
        if configuration is not None:
            self._configurations[entry.hash] = configuration

    def check_logs(self) -> None:
        """Check all logs against each other, entry by entry, those of stopped validators included."""
        places = {hash: Position(height, term, hash) for (term, height), hash in self._entries.items()}
        logs = [[places[hash] for hash in memory.log] for memory in self._memory.values()]
        for place, one in enumerate(logs):
            for other in logs[place + 1 :]:
                invariants.check_log_matching(one, other)

    def _say(self, text: str) -> None:
        self.transcript.append(text)


def summary(message: Message) -> str:
    """Return a message in a few words: `a > b VoteRequest term 2 pre last 1 at 3`."""
    fields: Mapping[str, object] = {
        name: value for name, value in msgspec.structs.asdict(message).items() if name not in {"sender", "recipient"}
    }
    words = [f"{message.sender} > {message.recipient} {type(message).__name__}"]
    for name, value in fields.items():
        if isinstance(value, bool):
            words.append(name if value else f"not {name}")
        elif isinstance(value, tuple):
            words += [f"{name} {value[0].height}..{value[-1].height}"] if value else []
        elif isinstance(value, int):
            words.append(f"{name} {value}")
    return " ".join(words)


def _to_write(output: Output) -> bool:
    return output.hard_state is not None or bool(output.entries or output.commits)


def _require(condition: bool, *facts: object) -> None:
    if not condition:
        raise InvariantBroken(*facts)
