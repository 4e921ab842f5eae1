"""The whole state at one height as chunks under one root, and what proves that root.

A checkpoint is taken at every height that `checkpoint_blocks` of genesis divides. Its chunks are the records of the
state in key order, packed by a fixed rule, so every honest validator cuts the same ones; its root is the RFC 6962 root
over them. A quorum attests the root on the ledger, and with these attestations a snapshot proves itself to anybody who
has the genesis document: nobody who passes it on has to be trusted.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from jifen.chain.executor import ExecutedBlock, Tip
from jifen.chain.gateway import open_transaction
from jifen.chain.validators import CertificateInvalid, Validators
from jifen.codec.blocks import Header, block_hash
from jifen.codec.canonical import StrictDecoder, encode
from jifen.codec.errors import Malformed
from jifen.codec.merkle import append_leaf, frontier_root, leaf_hash, merkle_root
from jifen.codec.records import RECORD_BYTES_MAX
from jifen.consensus.configuration import Configuration
from jifen.consensus.messages import VALIDATORS_MAX, Certificate, ValidatorId
from jifen.consensus.quorum import quorum_size
from jifen.keys.verification import Claim, false_claims
from jifen.ledger.checkpoints.records import AttestCheckpoint
from jifen.ledger.types import HashBytes, KeyBytes

SNAPSHOT_FORMAT: Final = 1
"""Version of chunks and manifest."""

CHUNK_BYTES: Final = 256 << 10
"""A chunk ends before the record that would take it above this. On a line of 10 Mbit/s one takes a fifth of a second,
so a chunk on its way does not hold a heartbeat up for as long as an election time-out."""

KEY_BYTES_MAX: Final = 511
"""Longest key that the store takes."""

CHUNK_BYTES_MAX: Final = RECORD_BYTES_MAX + KEY_BYTES_MAX + 8
"""Largest chunk: one record of the largest size."""

CHUNKS_MAX: Final = 100_000
"""Most chunks of a snapshot: 25 GB of state, and a manifest that still fits one message between validators."""

MANIFEST_BYTES_MAX: Final = 4 << 20
"""Largest manifest: the hashes of the most chunks, and the attestations of the most validators."""


CONFIGURATION_CHANGES_MAX: Final = 256
"""Most changes of the voters that a manifest proves: decades of an alliance, at some five kilobytes each."""


class SnapshotInvalid(Exception):
    """A snapshot that does not prove itself, or is not what it proves; whoever gave it is at fault."""


class ConfigurationChange(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Proof that one set of voters gave way to another: the block that began the joint configuration.

    Its certificate holds a quorum of the outgoing voters, so whoever knows them knows the new ones, too.
    """

    header: Header
    certificate: Certificate
    voters: Annotated[tuple[tuple[ValidatorId, KeyBytes], ...], Meta(min_length=1, max_length=VALIDATORS_MAX)]
    """The new voters with their keys; with the outgoing ones this is what the header's validator-set hash is of."""
    outgoing: Annotated[tuple[tuple[ValidatorId, KeyBytes], ...], Meta(min_length=1, max_length=VALIDATORS_MAX)]

    @classmethod
    def of(cls, executed: ExecutedBlock, certificate: Certificate) -> "ConfigurationChange":
        """Return the proof that a committed block gives, which has set a joint configuration."""
        validators = executed.validators
        keys = dict(zip(validators.ids, validators.keys, strict=True))
        voters, outgoing = (
            tuple((name, keys[name]) for name in group)
            for group in (validators.configuration.voters, validators.configuration.outgoing)
        )
        return cls(executed.tip.header, certificate, voters, outgoing)

    def validators(self, chain_id: bytes) -> Validators:
        """Return the joint set; raises ValueError for one that could not be."""
        names = [tuple(name for name, _ in group) for group in (self.voters, self.outgoing)]
        return Validators(chain_id, Configuration(*names), dict(self.outgoing + self.voters))


class Manifest(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a snapshot is made of and what proves it.

    Invariant, once `verify_manifest` has passed: `header` is certified, `history` leads to its history root, and a
    quorum has attested the root over `chunks`.
    """

    format: Annotated[int, Meta(ge=SNAPSHOT_FORMAT, le=SNAPSHOT_FORMAT)]
    header: Header
    """Header of the block after which the state stood so."""
    history: Annotated[tuple[HashBytes, ...], Meta(max_length=64)]
    """Frontier of the history log over all blocks before this one, largest subtree first."""
    certificate: Certificate
    """Certificate of the block."""
    chunks: Annotated[tuple[HashBytes, ...], Meta(min_length=1, max_length=CHUNKS_MAX)]
    """Leaf hash of every chunk, in order."""
    configurations: Annotated[tuple[ConfigurationChange, ...], Meta(max_length=CONFIGURATION_CHANGES_MAX)] = ()
    """Every change of the voters since genesis, up to the attestations, in the order of their heights."""
    attestations: Annotated[tuple[bytes, ...], Meta(max_length=VALIDATORS_MAX)] = ()
    """Signed `attestCheckpoint` transactions of a quorum, in the order of the validator set; empty until there are."""

    @property
    def height(self) -> int:
        """Height of the block."""
        return self.header.height

    @property
    def root(self) -> bytes:
        """Root over the chunks."""
        return merkle_root(self.chunks)

    @property
    def tip(self) -> Tip:
        """The block as the tip that the next one is built on."""
        name = block_hash(self.header)
        return Tip(self.header, name, tuple(append_leaf(self.history, self.height, name)))


_decode_manifest: Final[StrictDecoder[Manifest]] = StrictDecoder(
    Manifest, what="snapshot manifest", bytes_max=MANIFEST_BYTES_MAX
)


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the canonical bytes of a manifest."""
    return encode(manifest)


def decode_manifest(data: bytes) -> Manifest:
    """Return the manifest of canonical bytes; raises SnapshotInvalid."""
    try:
        return _decode_manifest(data)
    except Malformed as error:
        raise SnapshotInvalid(str(error)) from None


def frontier_before(tip: Tip) -> tuple[bytes, ...]:
    """Return the frontier of the history log without the tip's own block, whose height must be even.

    An even number of blocks before it means that it fills no subtree but its own; heights of checkpoints are even.
    """
    assert tip.height % 2 == 0, f"the frontier before block {tip.height} does not follow from the one after it"
    return tip.frontier[:-1]


# Chunks.


def pack(records: Iterable[tuple[bytes, bytes]]) -> Generator[bytes, None, None]:
    """Yield the chunks of a state, given its (key, record bytes) pairs in ascending order of keys.

    Records follow one another, each as key and value with their lengths in front as four-byte numbers. A chunk holds as
    many as fit `CHUNK_BYTES`, and at least one.
    """
    parts: list[bytes] = []
    size = 0
    for key, value in records:
        length = len(key) + len(value) + 8
        if parts and size + length > CHUNK_BYTES:
            yield b"".join(parts)
            parts, size = [], 0
        parts += (len(key).to_bytes(4, "big"), key, len(value).to_bytes(4, "big"), value)
        size += length
    if parts:
        yield b"".join(parts)


def unpack(chunk: bytes) -> list[tuple[bytes, bytes]]:
    """Return the (key, record bytes) pairs of a chunk; raises SnapshotInvalid when they do not fill it exactly."""
    records: list[tuple[bytes, bytes]] = []
    place, end = 0, len(chunk)
    while place < end:
        key, place = _item(chunk, place)
        value, place = _item(chunk, place)
        records.append((key, value))
    return records


def _item(chunk: bytes, place: int) -> tuple[bytes, int]:
    start = place + 4
    end = start + int.from_bytes(chunk[place:start], "big")
    if end > len(chunk):
        raise SnapshotInvalid("a chunk of the snapshot ends within a record")
    return chunk[start:end], end


def check_chunk(manifest: Manifest, index: int, chunk: bytes) -> None:
    """Raise SnapshotInvalid unless this is the chunk that the manifest names at `index`."""
    if not 0 <= index < len(manifest.chunks) or leaf_hash(chunk) != manifest.chunks[index]:
        raise SnapshotInvalid(f"chunk {index} of snapshot {manifest.height} is not the one that was attested")


# Proof.


def verify_manifest(genesis: Validators, manifest: Manifest) -> None:
    """Raise SnapshotInvalid unless the manifest proves itself to somebody who knows only the voters of genesis."""
    header, name = manifest.header, block_hash(manifest.header)
    if header.chain_id != genesis.chain_id:
        raise SnapshotInvalid("the snapshot belongs to another alliance; use one of this alliance's validators")
    sets = _follow_changes(genesis, manifest.configurations)
    before = [validators for since, validators in sets if since <= header.height]
    validators = next((item for item in before[-2:] if item.hash == header.validator_set_hash), None)
    if validators is None:
        raise SnapshotInvalid(
            f"block {header.height} of the snapshot names another validator set than those that its proofs of "
            f"{len(manifest.configurations)} changes of the voters lead to; take it from another validator"
        )
    _check_certificate(validators, header, manifest.certificate)
    if len(manifest.history) != header.height.bit_count() or frontier_root(manifest.history) != header.history_root:
        raise SnapshotInvalid(f"the history of the snapshot does not lead to its block {header.height}")
    attesting = [*before[-2:], *(item for since, item in sets if since > header.height)]
    _check_attestations(validators, attesting, manifest, name)


def voters_proved(genesis: Validators, manifest: Manifest) -> tuple[str, ...] | None:
    """Return who voted after the block of a verified manifest, or None when a change was under way there."""
    named = manifest.header.validator_set_hash
    sets = _follow_changes(genesis, manifest.configurations)
    found = next(validators for _, validators in reversed(sets) if validators.hash == named)
    return None if found.configuration.joint else found.ids


def _follow_changes(genesis: Validators, changes: Sequence[ConfigurationChange]) -> list[tuple[int, Validators]]:
    """Return every set there was with the height from which it may certify, joint ones each before what follows."""
    sets = [(0, genesis)]
    for change in changes:
        height, current = change.header.height, sets[-1][1]
        try:
            joint = change.validators(genesis.chain_id)
        except ValueError as error:
            raise SnapshotInvalid(f"the change of voters in block {height} cannot be: {error}") from None
        leaving = tuple(zip(current.ids, current.keys, strict=True))
        if change.outgoing != leaving or height <= sets[-1][0] or joint.hash != change.header.validator_set_hash:
            raise SnapshotInvalid(f"the change of voters in block {height} does not follow from the one before it")
        _check_certificate(joint, change.header, change.certificate)
        sets += [(height, joint), (height, joint.left())]
    return sets


def _check_certificate(validators: Validators, header: Header, certificate: Certificate) -> None:
    named = (certificate.height, certificate.hash) == (header.height, block_hash(header))
    if not named or certificate.term < header.term or header.chain_id != validators.chain_id:
        raise SnapshotInvalid(f"the certificate of the snapshot is not that of its block {header.height}")
    try:
        validators.check_certificate(certificate)
    except CertificateInvalid as error:
        raise SnapshotInvalid(str(error)) from None


def _check_attestations(own: Validators, sets: Sequence[Validators], manifest: Manifest, name: bytes) -> None:
    """Check that the block's `own` set or one of `sets`, those after it, has attested: that takes time, sets change."""
    keys = {id: key for validators in sets for id, key in zip(validators.ids, validators.keys, strict=True)}
    claims: list[Claim] = []
    seen: set[str] = set()
    wanted = (manifest.height, name, manifest.root)
    for signed in manifest.attestations:
        try:
            transaction, its = open_transaction(own.chain_id, signed)
        except Malformed as error:
            raise SnapshotInvalid(f"an attestation of the snapshot: {error}") from None
        body = transaction.body
        if not isinstance(body, AttestCheckpoint) or (body.height, body.block_hash, body.root) != wanted:
            raise SnapshotInvalid(f"an attestation of snapshot {manifest.height} is of something else")
        if body.validator not in keys or body.validator in seen:
            raise SnapshotInvalid(f"{body.validator} attests snapshot {manifest.height} twice, or is no voter")
        if keys[body.validator] not in transaction.signers:
            raise SnapshotInvalid(f"an attestation of {body.validator} is not signed with its validator key")
        seen.add(body.validator)
        claims += its
    if not any(validators.configuration.has_quorum(seen) for validators in sets):
        groups = " and ".join(f"{quorum_size(len(group))} of {len(group)}" for group in own.configuration.groups)
        raise SnapshotInvalid(f"snapshot {manifest.height} is attested by {len(seen)} validators; a quorum is {groups}")
    if false_claims(claims):
        raise SnapshotInvalid(f"an attestation of snapshot {manifest.height} has a signature that is not genuine")


def ascending(chunks: Iterable[bytes]) -> Iterator[Sequence[tuple[bytes, bytes]]]:
    """Yield the records of checked chunks, one chunk at a time; raises SnapshotInvalid when the keys do not ascend."""
    last = b""
    for chunk in chunks:
        records = unpack(chunk)
        for key, _ in records:
            if key <= last:
                raise SnapshotInvalid("the records of the snapshot do not stand in the order of their keys")
            last = key
        yield records
