"""Checkpoints: chunks cut by a fixed rule, and a manifest that proves itself to whoever has genesis."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.chain import checkpoints
from jifen.chain.checkpoints import (
    Manifest,
    SnapshotInvalid,
    ascending,
    check_chunk,
    decode_manifest,
    encode_manifest,
    frontier_before,
    pack,
    unpack,
    verify_manifest,
)
from jifen.chain.sealing import seal
from jifen.codec.merkle import leaf_hash
from jifen.keys.signing import KeyPair
from jifen.ledger.checkpoints.records import AttestCheckpoint
from jifen.testing.small_alliance import CREATED_AT, keys_of
from jifen.testing.small_chain import SmallChain

records = st.dictionaries(st.binary(min_size=1, max_size=40), st.binary(max_size=200), min_size=1, max_size=60)


@given(records, st.integers(1, 600))
def test_chunks_hold_every_record_in_order_and_are_as_full_as_the_rule_lets_them(
    state: dict[bytes, bytes], size: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "CHUNK_BYTES", size)
        chunks = list(pack(sorted(state.items())))
    assert [record for chunk in chunks for record in unpack(chunk)] == sorted(state.items())
    assert [list(part) for part in ascending(chunks)] == [unpack(chunk) for chunk in chunks]
    for chunk, after in itertools.pairwise(chunks):
        assert len(chunk) <= size or len(unpack(chunk)) == 1
        key, value = unpack(after)[0]
        assert len(chunk) + len(key) + len(value) + 8 > size, "one more record would have fitted"


@given(st.binary(max_size=80))
def test_a_chunk_is_records_to_its_last_byte_or_refused(chunk: bytes) -> None:
    try:
        found = unpack(chunk)
    except SnapshotInvalid:
        return
    assert b"".join(pack(found)) == chunk


@pytest.mark.parametrize("keys", [(b"a", b"a"), (b"b", b"a")], ids=["twice", "backwards"])
def test_records_out_of_order_are_refused_within_a_chunk_and_across_two(keys: tuple[bytes, bytes]) -> None:
    one, other = (b"".join(pack([(key, b"x")])) for key in keys)
    for chunks in ([one + other], [one, other]):
        with pytest.raises(SnapshotInvalid, match="order of their keys"):
            list(ascending(chunks))


class Taken:
    """A chain with a checkpoint at height 2, and what anybody could say of it."""

    def __init__(self) -> None:
        self.chain = SmallChain()
        clerk = self.chain.clerk
        for items in ([clerk.register("ann")], [clerk.earn("ann", "o-1")]):
            self.block = self.chain.build(items)
            self.chain.commit()
        self.chunks = list(pack(sorted(self.chain.committed.records.items())))
        self.manifest = Manifest(
            1,
            self.block.tip.header,
            frontier_before(self.block.tip),
            self.chain.certify(self.block),
            tuple(leaf_hash(chunk) for chunk in self.chunks),
        )
        self.manifest = self.attested(("mall", "books", "cafe"))

    def attestation(self, validator: str, key: KeyPair | None = None, **changes: Any) -> bytes:
        body = AttestCheckpoint(CREATED_AT + 1000, bytes(8), validator, 2, self.block.tip.hash, self.manifest.root)
        body = msgspec.structs.replace(body, **changes)
        return seal(self.chain.chain_id, body, key or keys_of(validator).validator).signed

    def attested(self, by: Sequence[str], **changes: Any) -> Manifest:
        attestations = tuple(self.attestation(name, **changes) for name in by)
        return msgspec.structs.replace(self.manifest, attestations=attestations)


@pytest.fixture(scope="module")
def taken() -> Taken:
    return Taken()


def test_a_manifest_proves_itself_and_gives_the_tip_to_go_on_from(taken: Taken) -> None:
    manifest = decode_manifest(encode_manifest(taken.manifest))
    verify_manifest(taken.chain.validators, manifest)
    assert manifest.tip == taken.block.tip
    for index, chunk in enumerate(taken.chunks):
        check_chunk(manifest, index, chunk)


def test_a_chunk_that_is_not_the_attested_one_is_refused(taken: Taken) -> None:
    chunk = taken.chunks[0]
    for index, data in ((0, chunk[:-1] + b"\0"), (0, chunk + b"\0"), (1, chunk), (-1, chunk), (0, b"")):
        with pytest.raises(SnapshotInvalid, match="not the one that was attested"):
            check_chunk(taken.manifest, index, data)


def forged(taken: Taken) -> Manifest:
    good = taken.manifest.attestations
    bad = good[0][:-1] + bytes([good[0][-1] ^ 1])
    return msgspec.structs.replace(taken.manifest, attestations=(bad, *good[1:]))


def with_certificate(taken: Taken, **changes: Any) -> Manifest:
    certificate = msgspec.structs.replace(taken.manifest.certificate, **changes)
    return msgspec.structs.replace(taken.manifest, certificate=certificate)


def with_header(taken: Taken, **changes: Any) -> Manifest:
    return msgspec.structs.replace(taken.manifest, header=msgspec.structs.replace(taken.block.tip.header, **changes))


WRONG: dict[str, tuple[Callable[[Taken], Manifest], str]] = {
    "no attestations": (lambda taken: taken.attested(()), "attested by 0 validators; a quorum is 3 of 4"),
    "one too few": (lambda taken: taken.attested(("mall", "books")), "attested by 2 validators"),
    "one twice": (lambda taken: taken.attested(("mall", "books", "books")), "books attests snapshot 2 twice"),
    "another root": (lambda taken: taken.attested(("mall", "books", "cafe"), root=bytes(32)), "something else"),
    "another block": (lambda taken: taken.attested(("mall", "books", "cafe"), block_hash=bytes(32)), "something else"),
    "another height": (lambda taken: taken.attested(("mall", "books", "cafe"), height=4), "something else"),
    "forged": (forged, "signature that is not genuine"),
    "no transaction": (
        lambda taken: msgspec.structs.replace(taken.manifest, attestations=(b"\0",)),
        "an attestation of the snapshot",
    ),
    "another transaction": (
        lambda taken: msgspec.structs.replace(taken.manifest, attestations=(taken.chain.clerk.register("bob").signed,)),
        "of something else",
    ),
    "an operator's key": (
        lambda taken: msgspec.structs.replace(
            taken.manifest, attestations=(taken.attestation("mall", keys_of("mall").operator),)
        ),
        "not signed with its validator key",
    ),
    "a stranger": (
        lambda taken: msgspec.structs.replace(
            taken.manifest, attestations=(taken.attestation("nobody", keys_of("mall").validator),)
        ),
        "is no voter",
    ),
    "a chunk left out": (
        lambda taken: msgspec.structs.replace(taken.manifest, chunks=(*taken.manifest.chunks, bytes(32))),
        "of something else",
    ),
    "another chain": (lambda taken: with_header(taken, chain_id=bytes(32)), "another alliance"),
    "other validators": (lambda taken: with_header(taken, validator_set_hash=bytes(32)), "another validator set"),
    "another header": (lambda taken: with_header(taken, time=7), "not that of its block 2"),
    "another certificate": (lambda taken: with_certificate(taken, height=1), "not that of its block 2"),
    "an older certificate": (lambda taken: with_certificate(taken, term=0), "not that of its block 2"),
    "too few signers": (
        lambda taken: with_certificate(taken, signers=3, signatures=taken.manifest.certificate.signatures[:2]),
        "has 2 signers",
    ),
    "a forged certificate": (
        lambda taken: with_certificate(taken, signatures=(bytes(64), *taken.manifest.certificate.signatures[1:])),
        "not genuine",
    ),
    "another history": (
        lambda taken: msgspec.structs.replace(taken.manifest, history=(bytes(32),)),
        "does not lead to its block 2",
    ),
    "no history": (lambda taken: msgspec.structs.replace(taken.manifest, history=()), "does not lead to"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_prove_itself_is_refused_with_the_reason(taken: Taken, name: str) -> None:
    make, reason = WRONG[name]
    with pytest.raises(SnapshotInvalid, match=reason):
        verify_manifest(taken.chain.validators, make(taken))


@pytest.mark.parametrize("data", [b"", b"\x90", b"\xff" * 40])
def test_bytes_that_are_no_manifest_are_refused(data: bytes) -> None:
    with pytest.raises(SnapshotInvalid):
        decode_manifest(data)
