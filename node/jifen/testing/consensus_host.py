"""A host for one consensus core: a disk in memory, signatures that are only hashes, and the host's duties in order.

Unit tests drive one core by hand with it; the simulated world in `jifen.testing.world` runs whole validators.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from jifen.consensus.configuration import Configuration
from jifen.consensus.messages import (
    AckSignature,
    AppendRequest,
    AppendResponse,
    Certificate,
    Entry,
    Message,
    VoteResponse,
)
from jifen.consensus.output import Output
from jifen.consensus.raft import Raft
from jifen.consensus.types import HardState, Position, RaftConfig, RandomDraws, Role

GENESIS_HASH = hashlib.sha256(b"genesis").digest()
"""Hash of block 0 in tests."""


def make_entry(parent: Position, term: int, payload: bytes = b"") -> Entry:
    """Make the entry of `term` that follows `parent`; different arguments give different hashes."""
    height = parent.height + 1
    digest = hashlib.sha256(msgspec.msgpack.encode((height, term, parent.hash, payload))).digest()
    return Entry(height=height, term=term, hash=digest, parent_hash=parent.hash, payload=payload)


CONFIGURATION_MARK = b"configuration "
"""Begins the payload of an entry that sets a configuration."""


def payload_of(configuration: Configuration) -> bytes:
    """Return the payload of an entry that sets `configuration`, which hosts understand and cores do not."""
    return CONFIGURATION_MARK + msgspec.msgpack.encode(configuration)


def configuration_of(entry: Entry) -> Configuration | None:
    """Return the configuration that `entry` sets, or None when it sets none."""
    if not entry.payload.startswith(CONFIGURATION_MARK):
        return None
    return msgspec.msgpack.decode(entry.payload[len(CONFIGURATION_MARK) :], type=Configuration)


def make_chain(terms: Sequence[int], *, payload: bytes = b"", after: Position | None = None) -> list[Entry]:
    """Make consecutive entries of the given terms, from height 1 or after `after`."""
    parent = after or Position(0, 0, GENESIS_HASH)
    chain: list[Entry] = []
    for term in terms:
        entry = make_entry(parent, term, payload)
        chain.append(entry)
        parent = position_of(entry)
    return chain


def position_of(entry: Entry) -> Position:
    """Return where `entry` stands."""
    return Position(entry.height, entry.term, entry.hash)


def sign(signer: str, term: int, height: int, hash: bytes) -> bytes:
    """Stand in for a signature: anyone can make it, nobody confuses two of them."""
    return hashlib.sha512(msgspec.msgpack.encode((signer, term, height, hash))).digest()


def make_certificate(entry: Entry, validators: Sequence[str], signers: Sequence[str], term: int) -> Certificate:
    """Make the certificate that `signers` would give for `entry` in `term`."""
    places = sorted(validators.index(signer) for signer in signers)
    return Certificate(
        height=entry.height,
        term=term,
        hash=entry.hash,
        signers=sum(1 << place for place in places),
        signatures=tuple(sign(validators[place], term, entry.height, entry.hash) for place in places),
    )


class MemoryDisk:
    """What a validator has made durable; a LogReader."""

    def __init__(self) -> None:
        self.hard_state = HardState(0, None)
        self.base = Position(0, 0, GENESIS_HASH)
        """Where the log begins."""
        self.log: list[Entry] = []
        """Entries above `base`."""
        self.certificates: dict[int, Certificate] = {}
        self.committed = 0

    def entry(self, height: int) -> Entry | None:
        """Return the durable entry at `height`, if any."""
        index = height - self.base.height - 1
        return self.log[index] if 0 <= index < len(self.log) else None

    def certificate(self, height: int) -> Certificate | None:
        """Return the stored certificate of `height`, if any."""
        return self.certificates.get(height)

    @property
    def last(self) -> Position:
        """Position of the last durable entry."""
        return position_of(self.log[-1]) if self.log else self.base

    def position(self, height: int) -> Position | None:
        """Return the position of the durable entry at `height`, if any."""
        if height == self.base.height:
            return self.base
        entry = self.entry(height)
        return None if entry is None else position_of(entry)

    def write(self, output: Output) -> None:
        """Make one output durable, all or nothing."""
        if output.hard_state is not None:
            assert output.hard_state.term >= self.hard_state.term
            self.hard_state = output.hard_state
        if output.truncate_from is not None:
            assert output.truncate_from > self.committed, "truncation below a committed height"
            del self.log[output.truncate_from - self.base.height - 1 :]
        for entry in output.entries:
            assert entry.height == self.last.height + 1, "entries out of order"
            assert entry.parent_hash == self.last.hash, "entries that do not link"
            self.log.append(entry)

    def compact(self, height: int) -> None:
        """Drop the entries and certificates up to `height`."""
        base = self.position(height)
        assert base is not None, height
        del self.log[: height - self.base.height]
        self.base = base
        self.certificates = {above: item for above, item in self.certificates.items() if above >= height}

    def install(self, certificate: Certificate, position: Position) -> None:
        """Put a snapshot in place of the log up to `position`, whose certificate comes with it."""
        keeps = self.position(position.height) == position
        self.log = self.log[position.height - self.base.height :] if keeps else []
        self.base = position
        self.committed = position.height
        self.certificates = {position.height: certificate}
        if self.hard_state.term < position.term:
            self.hard_state = HardState(position.term, None)

    def apply(self, output: Output) -> None:
        """Store what was committed; its entries are durable by now."""
        for certificate in output.commits:
            assert certificate.height == self.committed + 1, "commits out of order"
            durable = self.entry(certificate.height)
            assert durable is not None, "committed before it is durable here"
            assert durable.hash == certificate.hash, "certificate of another block"
            self.certificates[certificate.height] = certificate
            self.committed = certificate.height


class Host:
    """One validator: a core, its disk, and the duties that Output lists."""

    def __init__(
        self, config: RaftConfig, first: Configuration, random: RandomDraws, disk: MemoryDisk | None = None
    ) -> None:
        self.config = config
        self.first = first
        """The configuration in force where the log begins."""
        self.random = random
        self.disk = disk or MemoryDisk()
        self.raft = self.boot()
        self.outputs: list[Output] = []
        """Every output that `drain` worked off."""

    def boot(self) -> Raft:
        """Make a core from what is durable."""
        self.raft = Raft(
            config=self.config,
            hard_state=self.disk.hard_state,
            base=self.disk.base,
            last=self.disk.last,
            committed=self.disk.committed,
            configurations=self._configurations(),
            reader=self.disk,
            random=self.random,
        )
        return self.raft

    def _configurations(self) -> tuple[tuple[int, Configuration], ...]:
        known = [(0, self.first)]
        for entry in self.disk.log:
            configuration = configuration_of(entry)
            if configuration is not None:
                known = [*([] if entry.height <= self.disk.committed else known), (entry.height, configuration)]
        return tuple(known)

    @property
    def others(self) -> tuple[str, ...]:
        """The other validators whose word counts at the end of the log."""
        return tuple(id for id in self.raft.configuration.signing if id != self.config.id)

    def signed(self, message: Message) -> Message:
        """Fill in signatures; check that nothing is promised that the disk does not hold."""
        if isinstance(message, VoteResponse) and message.granted and not message.pre:
            durable = self.disk.hard_state
            assert (durable.term, durable.vote) == (message.term, message.recipient), "vote sent before it is durable"
        if not isinstance(message, AppendResponse) or not message.success:
            return message
        held = self.disk.position(message.height)
        assert held is not None, "acknowledged before it is durable"
        assert held.hash == message.hash, "acknowledged another block than the durable one"
        signatures = []
        for height in range(message.leader_commit + 1, message.height + 1):
            entry = self.disk.entry(height)
            assert entry is not None, f"asked to sign for block {height}, which is compacted"
            signature = sign(self.config.id, message.term, entry.height, entry.hash)
            signatures.append(AckSignature(height=entry.height, hash=entry.hash, signature=signature))
        state, signed = self.disk.hard_state, message.height if signatures else 0
        assert (state.term, state.acknowledged) >= (message.term, signed), "signed without remembering it durably"
        return msgspec.structs.replace(message, signatures=tuple(signatures))

    def propose(self, payload: bytes = b"") -> Entry:
        """Propose the next block as leader."""
        raft = self.raft
        parent = Position(raft.last_height, raft.last_term, raft.last_hash)
        entry = make_entry(parent, raft.term, payload)
        raft.propose(entry, configuration_of(entry))
        return entry

    def reconfigure(self, configuration: Configuration) -> Entry:
        """Propose, as leader, a block that sets `configuration`."""
        return self.propose(payload_of(configuration))

    def leave(self) -> Entry:
        """Propose, as leader, the block that leaves the joint configuration."""
        joint = self.raft.configuration
        return self.reconfigure(Configuration(joint.voters, (), joint.observers))

    def drain(self, *, empty_block: bool = True) -> list[Message]:
        """Work off outputs, with a disk that never waits, until there is none; return what goes to other validators.

        With `empty_block` a new leader proposes the first block of its term, as hosts must.
        """
        sent: list[Message] = []
        while True:
            output = self.raft.take_output()
            if output.became_leader and empty_block:
                self.propose()
            self.disk.write(output)
            for entry in output.entries:
                configuration = configuration_of(entry)
                if configuration is not None:
                    self.raft.configured(entry.height, configuration)
            after = [self.signed(message) for message in output.messages_after_persist]
            self.disk.apply(output)
            self.outputs.append(output)
            for message in (*output.messages, *after):
                if message.recipient == self.config.id:
                    self.raft.step(message)
                else:
                    sent.append(message)
            self.raft.check_invariants()
            if not (after or output.became_leader):
                return sent

    def compact(self, height: int) -> None:
        """Compact the log up to `height`, the core first."""
        for entry in self.disk.log[: height - self.disk.base.height]:
            self.first = configuration_of(entry) or self.first
        self.raft.compact(height)
        self.disk.compact(height)

    def install(
        self, certificate: Certificate, position: Position, configuration: Configuration | None = None
    ) -> list[Message]:
        """Install a snapshot, the disk first, and drain; `configuration` is the first one unless it says another."""
        self.first = configuration or self.first
        self.raft.check_install(position)
        self.disk.install(certificate, position)
        self.raft.install(position, self.disk.last, self.first)
        return self.drain()

    def step(self, message: Message) -> list[Message]:
        """Step a message and drain."""
        self.raft.step(message)
        return self.drain()

    def tick(self, times: int = 1) -> list[Message]:
        """Tick and drain."""
        sent: list[Message] = []
        for _ in range(times):
            self.raft.tick()
            sent += self.drain()
        return sent


class FixedDraws:
    """Random draws that always take the smallest value, so that timeouts are known."""

    def randrange(self, start: int, stop: int) -> int:  # noqa: ARG002 -- the protocol's signature
        """Return `start`."""
        return start


def make_config(id: str = "a", **limits: int) -> RaftConfig:
    """Make the settings of a validator, with short timeouts: election 10 to 20, heartbeat 2; `limits` override."""
    defaults = {
        "election_ticks_min": 10,
        "election_ticks_max": 20,
        "heartbeat_ticks": 2,
        "append_bytes_max": 10_000,
        "inflight_messages_max": 8,
        "inflight_bytes_max": 100_000,
    }
    return RaftConfig(id=id, **(defaults | limits))


def make_host(
    id: str = "a",
    validators: Sequence[str] | Configuration = "abcd",
    *,
    log: Sequence[Entry] = (),
    committed: int = 0,
    term: int | None = None,
    vote: str | None = None,
    **limits: int,
) -> Host:
    """Make a validator that has restarted with `log`, of which `committed` heights are certified; timeouts are 10.

    It knows `validators`, the voters unless it is a configuration, from the genesis block, and what the log sets.
    """
    first = validators if isinstance(validators, Configuration) else Configuration(tuple(validators))
    disk = MemoryDisk()
    disk.log = list(log)
    disk.committed = committed
    configuration = first
    for entry in log[:committed]:
        configuration = configuration_of(entry) or configuration
        signing = configuration.signing
        signers = signing if configuration.joint else signing[: len(signing) // 2 + 1]
        disk.certificates[entry.height] = make_certificate(entry, signing, signers, entry.term)
    disk.hard_state = HardState(disk.last.term if term is None else term, vote)
    return Host(make_config(id, **limits), first, FixedDraws(), disk)


def elect(host: Host, *, empty_block: bool = True) -> list[Message]:
    """Let `host` win an election with every other validator's vote; return what it sends as leader."""
    sent: list[Message] = []
    for pre in (True, False):
        if pre:
            host.tick(host.config.election_ticks_min)
        term = host.raft.term + 1 if pre else host.raft.term
        for id in host.others:
            host.raft.step(VoteResponse(term=term, sender=id, recipient=host.config.id, granted=True, pre=pre))
        sent = host.drain(empty_block=empty_block)
    assert host.raft.role is Role.LEADER, host.raft.role
    return sent


def acknowledge(host: Host, sender: str, height: int, **changes: object) -> AppendResponse:
    """Make the acknowledgement that `sender` would give to leader `host` up to `height`, signatures included."""
    raft = host.raft
    signatures = []
    for below in range(raft.committed + 1, height + 1):
        position = raft.position(below)
        assert position is not None, below
        signature = sign(sender, raft.term, below, position.hash)
        signatures.append(AckSignature(height=below, hash=position.hash, signature=signature))
    last = raft.position(height)
    response = AppendResponse(
        term=raft.term,
        sender=sender,
        recipient=host.config.id,
        success=True,
        height=height,
        hash=b"" if last is None else last.hash,
        commit=raft.committed,
        hint_height=0,
        hint_term=0,
        leader_commit=raft.committed,
        signatures=tuple(signatures),
    )
    return msgspec.structs.replace(response, **changes)


def append(
    recipient: Host,
    entries: Sequence[Entry] = (),
    *,
    previous: Entry | None = None,
    sender: str = "b",
    term: int | None = None,
    certificates: Sequence[Certificate] = (),
    commit: int | None = None,
) -> AppendRequest:
    """Make an append request to `recipient` with `entries` after `previous` (genesis when None)."""
    position = Position(0, 0, GENESIS_HASH) if previous is None else position_of(previous)
    return AppendRequest(
        term=recipient.raft.term if term is None else term,
        sender=sender,
        recipient=recipient.config.id,
        prev_height=position.height,
        prev_term=position.term,
        prev_hash=position.hash,
        entries=tuple(entries),
        commit=(certificates[-1].height if certificates else 0) if commit is None else commit,
        certificates=tuple(certificates),
    )
