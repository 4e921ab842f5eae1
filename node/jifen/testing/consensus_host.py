"""A host for one consensus core: a disk in memory, signatures that are only hashes, and the host's duties in order.

Unit tests drive one core by hand with it; the simulated world in `consensus_world` runs several.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from jifen.consensus.messages import AckSignature, AppendResponse, Certificate, Entry, Message, VoteResponse
from jifen.consensus.output import Output
from jifen.consensus.raft import Raft
from jifen.consensus.types import HardState, Position, RaftConfig, RandomDraws

GENESIS_HASH = hashlib.sha256(b"genesis").digest()
"""Hash of block 0 in tests."""


def make_entry(parent: Position, term: int, payload: bytes = b"") -> Entry:
    """Make the entry of `term` that follows `parent`; different arguments give different hashes."""
    height = parent.height + 1
    digest = hashlib.sha256(msgspec.msgpack.encode((height, term, parent.hash, payload))).digest()
    return Entry(height=height, term=term, hash=digest, parent_hash=parent.hash, payload=payload)


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
        self.log: list[Entry] = []
        """Entries from height 1 on."""
        self.certificates: dict[int, Certificate] = {}
        self.committed = 0

    def entry(self, height: int) -> Entry | None:
        """Return the durable entry at `height`, if any."""
        return self.log[height - 1] if 1 <= height <= len(self.log) else None

    def certificate(self, height: int) -> Certificate | None:
        """Return the stored certificate of `height`, if any."""
        return self.certificates.get(height)

    @property
    def last(self) -> Position:
        """Position of the last durable entry."""
        return position_of(self.log[-1]) if self.log else Position(0, 0, GENESIS_HASH)

    def position(self, height: int) -> Position | None:
        """Return the position of the durable entry at `height`, if any."""
        if height == 0:
            return Position(0, 0, GENESIS_HASH)
        entry = self.entry(height)
        return None if entry is None else position_of(entry)

    def write(self, output: Output) -> None:
        """Make one output durable, all or nothing."""
        if output.hard_state is not None:
            assert output.hard_state.term >= self.hard_state.term
            self.hard_state = output.hard_state
        if output.truncate_from is not None:
            assert output.truncate_from > self.committed, "truncation below a committed height"
            del self.log[output.truncate_from - 1 :]
        for entry in output.entries:
            assert entry.height == len(self.log) + 1, "entries out of order"
            assert entry.parent_hash == self.last.hash, "entries that do not link"
            self.log.append(entry)

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

    def __init__(self, config: RaftConfig, random: RandomDraws, disk: MemoryDisk | None = None) -> None:
        self.config = config
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
            genesis_hash=GENESIS_HASH,
            last=self.disk.last,
            committed=self.disk.committed,
            reader=self.disk,
            random=self.random,
        )
        return self.raft

    def signed(self, message: Message) -> Message:
        """Fill in signatures; check that nothing is promised that the disk does not hold."""
        if isinstance(message, VoteResponse) and message.granted and not message.pre:
            assert self.disk.hard_state == HardState(message.term, message.recipient), "vote sent before it is durable"
        if not isinstance(message, AppendResponse) or not message.success:
            return message
        durable = self.disk.position(message.height)
        assert durable is not None, "acknowledged before it is durable"
        assert durable.hash == message.hash, "acknowledged another block than the durable one"
        assert self.disk.hard_state.term >= message.term, "acknowledged in a term that is not durable"
        signatures = []
        for entry in self.disk.log[message.leader_commit : message.height]:
            signature = sign(self.config.id, message.term, entry.height, entry.hash)
            signatures.append(AckSignature(height=entry.height, hash=entry.hash, signature=signature))
        return msgspec.structs.replace(message, signatures=tuple(signatures))

    def propose(self, payload: bytes = b"") -> Entry:
        """Propose the next block as leader."""
        raft = self.raft
        parent = Position(raft.last_height, raft.last_term, raft.last_hash)
        entry = make_entry(parent, raft.term, payload)
        raft.propose(entry)
        return entry

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
