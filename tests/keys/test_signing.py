"""Signatures against BIP-340's own test vectors, and what the project's key pairs add to them.

`bip340_vectors.csv` is bip-0340/test-vectors.csv of the repository bitcoin/bips (BIP 340 by Pieter Wuille, Jonas Nick
and Tim Ruffing, BSD-2-Clause), indexes 0 to 14: those whose message has 32 bytes, the only ones used here.
"""

import csv
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from coincurve import PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from jifen.keys import verification
from jifen.keys.signing import KeyPair
from jifen.keys.verification import Claim, false_claims, is_signed


class Vector(NamedTuple):
    """A line of the file."""

    secret: bytes
    public: bytes
    randomness: bytes
    message: bytes
    signature: bytes
    valid: bool


def vectors() -> list[Vector]:
    """Read the file."""
    with Path(__file__).with_name("bip340_vectors.csv").open(encoding="ascii", newline="") as file:
        lines = list(csv.reader(file))[1:]
    found = []
    for line in lines:
        secret, public, randomness, message, signature = (bytes.fromhex(field) for field in line[1:6])
        found.append(Vector(secret, public, randomness, message, signature, line[6] == "TRUE"))
    return found


VECTORS: Final = vectors()
MASTER: Final = bytes(range(32))
ANN: Final = KeyPair.derive(MASTER, "ann")

messages = st.binary(min_size=32, max_size=32)


def test_the_vectors_are_all_there() -> None:
    assert len(VECTORS) == 15
    assert [vector.valid for vector in VECTORS] == [True] * 5 + [False] * 10


@pytest.mark.parametrize("vector", VECTORS, ids=range(15))
def test_a_signature_is_judged_as_bip_340_says(vector: Vector) -> None:
    assert is_signed(Claim(vector.public, vector.message, vector.signature)) is vector.valid


@pytest.mark.parametrize("vector", VECTORS[:4], ids=range(4))
def test_keys_and_signatures_are_those_of_bip_340(vector: Vector) -> None:
    pair = KeyPair(vector.secret)

    assert pair.public == vector.public
    assert pair.secret == vector.secret
    assert PrivateKey(vector.secret).sign_schnorr(vector.message, vector.randomness) == vector.signature
    assert is_signed(Claim(pair.public, vector.message, pair.sign(vector.message)))


def test_all_vectors_at_once_give_the_indexes_of_the_false_ones() -> None:
    claims = [Claim(vector.public, vector.message, vector.signature) for vector in VECTORS]

    assert false_claims(claims) == list(range(5, 15))
    assert false_claims(claims[:5]) == false_claims([]) == []
    assert false_claims(claims[5:] + claims[:5]) == list(range(10))


@given(label=st.text(max_size=20), message=messages)
def test_what_a_key_signs_holds_for_it_and_for_nothing_else(label: str, message: bytes) -> None:
    pair, other = KeyPair.derive(MASTER, label), KeyPair.derive(bytes(32), label)
    signature = pair.sign(message)

    assert len(signature) == 64
    assert is_signed(Claim(pair.public, message, signature))
    assert not is_signed(Claim(other.public, message, signature))
    assert not is_signed(Claim(pair.public, message[:-1] + bytes([message[-1] ^ 1]), signature))
    assert pair.sign(message) == signature, "a block is acknowledged with the same bytes every time"


@given(place=st.integers(0, 63), change=st.integers(1, 255))
def test_a_changed_signature_does_not_hold(place: int, change: int) -> None:
    message = b"m" * 32
    signature = bytearray(ANN.sign(message))
    signature[place] ^= change

    assert not is_signed(Claim(ANN.public, message, bytes(signature)))


def test_a_key_that_is_no_point_of_the_curve_signs_nothing_however_often_it_is_asked() -> None:
    claim = Claim(VECTORS[5].public, VECTORS[5].message, VECTORS[5].signature)

    assert [is_signed(claim), is_signed(claim)] == [False, False]
    for key in (bytes(32), b"\xff" * 32):
        assert not is_signed(Claim(key, claim.message, ANN.sign(claim.message)))


@pytest.mark.parametrize("key", [0, 1, 31, 33, 64])
def test_a_key_of_another_length_signs_nothing(key: int) -> None:
    message = b"m" * 32
    public = (ANN.public * 2)[:key]

    assert not is_signed(Claim(public, message, ANN.sign(message)))


@pytest.mark.parametrize("signature", [0, 1, 63, 65, 128])
def test_a_signature_of_another_length_does_not_hold(signature: int) -> None:
    message = b"m" * 32

    assert not is_signed(Claim(ANN.public, message, (ANN.sign(message) * 2)[:signature]))


def test_the_keys_kept_parsed_are_bounded() -> None:
    assert verification._parse.cache_info().maxsize == verification.PARSED_KEYS_MAX


@pytest.mark.parametrize("length", [0, 31, 33])
def test_only_32_bytes_are_signed(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        ANN.sign(bytes(length))


GROUP_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@pytest.mark.parametrize(
    "secret",
    [
        b"",
        b"\x01",
        b"\x01" * 31,
        b"\x00" + b"\x01" * 32,
        bytes(32),
        b"\xff" * 32,
        GROUP_ORDER.to_bytes(32, "big"),
    ],
    ids=["empty", "one byte", "31 bytes", "33 bytes", "zero", "all ones", "group order"],
)
def test_bytes_that_are_no_private_key_are_refused(secret: bytes) -> None:
    with pytest.raises(ValueError, match=r"secret|Secret"):
        KeyPair(secret)


def test_the_smallest_and_the_largest_private_keys_have_the_same_public_key() -> None:
    smallest, largest = (KeyPair(number.to_bytes(32, "big")) for number in (1, GROUP_ORDER - 1))

    # G and -G share their x coordinate (SEC 2, secp256k1).
    generator = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    assert smallest.public.hex() == largest.public.hex() == generator


def test_derived_keys_are_the_ones_they_always_were() -> None:
    # A change here would take every demo member's points away: the labels and this function are all there is.
    assert KeyPair.derive(MASTER, "member/1").public.hex() == GOLDEN_MEMBER
    assert KeyPair.derive(MASTER, "").public.hex() == GOLDEN_EMPTY


GOLDEN_MEMBER: Final = "77ec72652bab23c2f56356cc547ef4b346adea74b54378db753e6fb46b0bf04d"
GOLDEN_EMPTY: Final = "38bb0f2585223d35f4d42b80054f5a659a6ac7ee841f9116df4fefdfac163ceb"


@given(label=st.text(max_size=10), other=st.text(max_size=10))
def test_every_master_and_label_has_a_key_of_its_own(label: str, other: str) -> None:
    assert KeyPair.derive(MASTER, label).secret == KeyPair.derive(MASTER, label).secret
    assert KeyPair.derive(bytes(32), label).public != KeyPair.derive(MASTER, label).public
    assert (KeyPair.derive(MASTER, label).public == KeyPair.derive(MASTER, other).public) == (label == other)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_master_secret_of_another_length_is_our_own_fault(length: int) -> None:
    with pytest.raises(AssertionError, match="a master secret has 32 bytes"):
        KeyPair.derive(bytes(length), "ann")


def test_generated_keys_differ() -> None:
    assert len({KeyPair.generate().public for _ in range(5)}) == 5


def test_a_key_pair_shows_its_public_half_only() -> None:
    assert repr(ANN) == str(ANN) == f"KeyPair(public={ANN.public.hex()})"
    assert ANN.secret.hex() not in repr(vars(ANN) if hasattr(ANN, "__dict__") else ANN)


def test_an_approval_names_the_key_and_signs_the_id() -> None:
    approval = ANN.approve(b"i" * 32)

    assert approval.key == ANN.public
    assert is_signed(Claim(approval.key, b"i" * 32, approval.signature))
