"""The Hello: one encoding, and every way of being wrong has its reason."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.transport.frames import HELLO_BYTES_MAX, PROTOCOL_VERSION, Hello, Refusal, check_hello, encode_hello

CHAIN_ID = b"\x11" * 32
EXPECTED = Hello(PROTOCOL_VERSION, CHAIN_ID, "mall", "north")


def array(*fields: object) -> bytes:
    return msgspec.msgpack.encode(fields)


def test_the_expected_hello_passes() -> None:
    assert check_hello(encode_hello(EXPECTED), EXPECTED) == PROTOCOL_VERSION


def test_a_hello_is_a_msgpack_array_of_four() -> None:
    assert encode_hello(EXPECTED) == b"\x94\x01\xc4\x20" + CHAIN_ID + b"\xa4mall\xa5north"


def test_the_longest_hello_fits_its_limit() -> None:
    assert len(encode_hello(Hello(2**32 - 1, CHAIN_ID, "m" * 32, "n" * 32))) <= HELLO_BYTES_MAX


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        pytest.param(b"", Refusal.MALFORMED, id="nothing"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", Refusal.MALFORMED, id="another protocol"),
        pytest.param(array(), Refusal.MALFORMED, id="no fields"),
        pytest.param(array("1", CHAIN_ID, "mall", "north"), Refusal.MALFORMED, id="version as text"),
        pytest.param(array(-1, CHAIN_ID, "mall", "north"), Refusal.MALFORMED, id="negative version"),
        pytest.param(array(PROTOCOL_VERSION, CHAIN_ID, "mall"), Refusal.MALFORMED, id="a field short"),
        pytest.param(array(PROTOCOL_VERSION, CHAIN_ID, "mall", "north", 0), Refusal.MALFORMED, id="a field over"),
        pytest.param(array(PROTOCOL_VERSION, CHAIN_ID[1:], "mall", "north"), Refusal.MALFORMED, id="short chain id"),
        pytest.param(array(PROTOCOL_VERSION, CHAIN_ID, "Mall!", "north"), Refusal.MALFORMED, id="no organization id"),
        pytest.param(encode_hello(EXPECTED) + b"\x00", Refusal.MALFORMED, id="trailing byte"),
        pytest.param(b"\x94\xcc\x01" + encode_hello(EXPECTED)[2:], Refusal.MALFORMED, id="a longer integer"),
        pytest.param(array(1, CHAIN_ID, "mall", "n" * HELLO_BYTES_MAX), Refusal.MALFORMED, id="too long"),
        pytest.param(array(0, CHAIN_ID, "mall", "north"), Refusal.VERSION, id="too old"),
        pytest.param(array(PROTOCOL_VERSION + 1, {"of": "another shape"}), Refusal.VERSION, id="a later shape"),
        pytest.param(array(PROTOCOL_VERSION + 1, CHAIN_ID, "south", "north"), Refusal.WRONG_PEER, id="newer and wrong"),
        pytest.param(array(PROTOCOL_VERSION, b"\x22" * 32, "mall", "north"), Refusal.WRONG_CHAIN, id="wrong chain"),
        pytest.param(array(PROTOCOL_VERSION, b"\x22" * 32, "x", "y"), Refusal.WRONG_CHAIN, id="chain before peer"),
        pytest.param(array(PROTOCOL_VERSION, CHAIN_ID, "south", "north"), Refusal.WRONG_PEER, id="wrong sender"),
        pytest.param(array(PROTOCOL_VERSION, CHAIN_ID, "mall", "south"), Refusal.WRONG_PEER, id="wrong recipient"),
    ],
)
def test_a_wrong_hello_is_refused_for_the_first_reason(data: bytes, refusal: Refusal) -> None:
    assert check_hello(data, EXPECTED) is refusal


@given(
    st.binary(max_size=HELLO_BYTES_MAX + 10)
    | st.recursive(st.integers(0, 2) | st.sampled_from([CHAIN_ID, "mall", "north"]), st.lists, max_leaves=6).map(
        msgspec.msgpack.encode
    )
)
def test_only_the_expected_bytes_pass(data: bytes) -> None:
    right = {encode_hello(msgspec.structs.replace(EXPECTED, version=version)) for version in (1, 2)}
    assert isinstance(check_hello(data, EXPECTED), int) == (data in right)


@pytest.mark.parametrize(
    ("ours", "theirs", "spoken"),
    [
        ((1, 1), (1, 1), 1),
        ((1, 2), (1, 1), 1),
        ((1, 2), (1, 2), 2),
        ((1, 2), (2, 3), 2),
        ((2, 3), (1, 2), 2),
        ((2, 3), (1, 1), None),
        ((1, 1), (2, 3), None),
    ],
)
def test_two_releases_speak_the_newest_version_that_both_know(
    ours: tuple[int, int], theirs: tuple[int, int], spoken: int | None
) -> None:
    """A release speaks two versions, so an alliance upgrades one validator at a time."""

    def verdict(one: tuple[int, int], other: tuple[int, int]) -> Refusal | int:
        expected = msgspec.structs.replace(EXPECTED, version=one[1])
        return check_hello(encode_hello(msgspec.structs.replace(EXPECTED, version=other[1])), expected, one[0])

    verdicts = [verdict(ours, theirs), verdict(theirs, ours)]
    # Whoever is newer knows its oldest and refuses; the other could not know.
    assert verdicts == [spoken, spoken] if spoken is not None else Refusal.VERSION in verdicts


def test_every_refusal_has_its_own_close_code_for_private_use_and_a_sentence() -> None:
    codes = [refusal.close_code for refusal in Refusal]
    assert len(set(codes)) == len(codes)
    assert all(4000 <= code <= 4999 for code in codes)
    assert all(refusal.sentence.endswith(".") and len(refusal.sentence) <= 123 for refusal in Refusal)
