"""What a canonical decoder must refuse, byte by byte, on bytes written out by hand."""

from collections.abc import Callable
from typing import Final

import msgspec
import pytest

from jifen.codec.blocks import BLOCK_BYTES_MAX, BLOCK_TRANSACTIONS_MAX, FORMAT_VERSION, decode_block, decode_certificate
from jifen.codec.canonical import StrictDecoder, encode
from jifen.codec.errors import Malformed
from jifen.codec.messages import (
    FORWARDED_TRANSACTIONS_MAX,
    PEER_MESSAGE_BYTES_MAX,
    ForwardTransactions,
    decode_peer_message,
)
from jifen.codec.records import decode_record
from jifen.codec.transactions import (
    SIGNATURES_MAX,
    TRANSACTION_BYTES_MAX,
    decode_body,
    decode_signed,
    encode_body,
    encode_signed,
)
from jifen.consensus.messages import AckSignature, AppendRequest, AppendResponse, Certificate, Entry
from jifen.ledger.evidence.records import RecordEvidence
from jifen.ledger.evidence.statements import Evidence, SignedHash, StatementKind
from jifen.ledger.transactions import Body, EarnPoints, RefundOrder, RegisterMember, Signature, TransferPoints
from jifen.ledger.types import AMOUNT_FEN_MAX, POINTS_MAX

BODY: Final = (
    b"\x98\x03"  # eight elements, of which the first is the kind
    b"\x05"  # expires_at
    b"\xc4\x08nnnnnnnn"  # nonce
    b"\xc4\x14" + b"s" * 20 + b"\xc4\x14" + b"r" * 20 + b"\xadmall/consumer"  # sender, recipient, point type
    b"\x07"  # points
    b"\xc4\x00"  # memo_hash
)
"""A transfer, written by hand."""


def test_the_bytes_written_by_hand_are_canonical() -> None:
    body = TransferPoints(5, b"nnnnnnnn", b"s" * 20, b"r" * 20, "mall/consumer", 7, b"")

    assert decode_body(BODY) == body
    assert encode_body(body) == BODY


def changed(old: bytes, new: bytes) -> bytes:
    """Return BODY with one piece exchanged."""
    assert BODY.count(old) == 1
    return BODY.replace(old, new)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"\x98\x7f" + BODY[2:], "Invalid value 127", id="unknown kind"),
        pytest.param(b"\x98\x00" + BODY[2:], "Invalid value 0", id="kind zero"),
        pytest.param(b"\x98\x02" + BODY[2:], "Expected", id="fields of another kind"),
        pytest.param(b"\x98\xcc\x03" + BODY[2:], "not the canonical", id="kind in two bytes"),
        pytest.param(b"\x98\xa13" + BODY[2:], "Expected `int`, got `str`", id="kind as text"),
        pytest.param(b"\x90", "length", id="empty array"),
        pytest.param(b"\x03", "Expected `array`, got `int`", id="no array"),
        pytest.param(b"\xc0", "Expected `array`, got `None`", id="nil"),
        pytest.param(b"\x87" + BODY[1:], "Expected `array`, got `object`", id="a map"),
        pytest.param(BODY + b"\x00", "trailing", id="a trailing byte"),
        pytest.param(BODY + BODY, "trailing", id="twice"),
        pytest.param(b"\x97" + BODY[1:-2], "length", id="a field missing"),
        pytest.param(b"\x99" + BODY[1:] + b"\xc0", "length", id="a field too many"),
        pytest.param(b"\xdc\x00\x08" + BODY[1:], "not the canonical", id="array header of three bytes"),
        pytest.param(b"\xdd\x00\x00\x00\x08" + BODY[1:], "not the canonical", id="array header of five bytes"),
        pytest.param(changed(b"\x03\x05", b"\x03\xcc\x05"), "not the canonical", id="uint8 for 5"),
        pytest.param(changed(b"\x03\x05", b"\x03\xcd\x00\x05"), "not the canonical", id="uint16 for 5"),
        pytest.param(changed(b"\x03\x05", b"\x03\xce\x00\x00\x00\x05"), "not the canonical", id="uint32 for 5"),
        pytest.param(changed(b"\x03\x05", b"\x03\xcf" + bytes(7) + b"\x05"), "not the canonical", id="uint64 for 5"),
        pytest.param(changed(b"\x03\x05", b"\x03\xd0\x05"), "not the canonical", id="int8 for 5"),
        pytest.param(changed(b"\x03\x05", b"\x03\xd3" + bytes(7) + b"\x05"), "not the canonical", id="int64 for 5"),
        pytest.param(changed(b"\x03\x05", b"\x03\xca\x40\xa0\x00\x00"), "", id="float32 for 5"),
        pytest.param(changed(b"\x03\x05", b"\x03\xcb\x40\x14" + bytes(6)), "", id="float64 for 5"),
        pytest.param(changed(b"\x03\x05", b"\x03\xcb\x7f\xf8" + bytes(6)), "Expected `int`, got `float`", id="NaN"),
        pytest.param(changed(b"\x03\x05", b"\x03\xc0"), "Expected `int`, got `None`", id="nil for a number"),
        pytest.param(changed(b"\x03\x05", b"\x03\xc3"), "Expected `int`, got `bool`", id="true for a number"),
        pytest.param(changed(b"\x03\x05", b"\x03\xa15"), "Expected `int`, got `str`", id="text for a number"),
        pytest.param(changed(b"\x03\x05", b"\x03\xff"), ">= 0", id="a negative number"),
        pytest.param(changed(b"\x03\x05", b"\x03\xc1"), "", id="the byte that msgpack never uses"),
        pytest.param(changed(b"\x03\x05", b"\x03\xd4\x01\x05"), "", id="an extension type"),
        pytest.param(changed(b"\xc4\x08n", b"\xc5\x00\x08n"), "not the canonical", id="bin16 for 8 bytes"),
        pytest.param(changed(b"\xc4\x08n", b"\xc6\x00\x00\x00\x08n"), "not the canonical", id="bin32 for 8 bytes"),
        pytest.param(changed(b"\xc4\x08n", b"\xa8n"), "Expected `bytes`, got `str`", id="text for bytes"),
        pytest.param(changed(b"\xc4\x00", b"\xc0"), "Expected `bytes`, got `None`", id="nil for bytes"),
        pytest.param(changed(b"\xadmall", b"\xd9\x0dmall"), "not the canonical", id="str8 for 13 letters"),
        pytest.param(changed(b"\xadmall", b"\xda\x00\x0dmall"), "not the canonical", id="str16 for 13 letters"),
        pytest.param(changed(b"\xadmall", b"\xdb\x00\x00\x00\x0dmall"), "not the canonical", id="str32"),
        pytest.param(changed(b"\xadmall", b"\xc4\x0dmall"), "Expected `str`, got `bytes`", id="bytes for text"),
        pytest.param(changed(b"\xadmall", b"\xadm\xffll"), "utf-8", id="text that is no UTF-8"),
        pytest.param(changed(b"\xadmall", b"\xad\xed\xa0\x80l"), "utf-8", id="a surrogate in UTF-8"),
        pytest.param(changed(b"\xadmall", b"\xadMall"), "regex", id="a capital letter"),
        pytest.param(changed(b"\xadmall/consumer", b"\xaemall/consumer\n"), "regex", id="a line feed at the end"),
        pytest.param(changed(b"\xc4\x08nnnnnnnn", b"\xc4\x07nnnnnnn"), ">= 8", id="a short nonce"),
        pytest.param(changed(b"\xc4\x08nnnnnnnn", b"\xc4\x11" + b"n" * 17), "<= 16", id="a long nonce"),
        pytest.param(changed(b"\xc4\x14" + b"s" * 20, b"\xc4\x13" + b"s" * 19), ">= 20", id="a short account"),
        pytest.param(changed(b"\xc4\x14" + b"s" * 20, b"\xc4\x15" + b"s" * 21), "<= 20", id="a long account"),
        pytest.param(changed(b"\x07\xc4\x00", b"\x00\xc4\x00"), ">= 1", id="no points"),
        pytest.param(
            changed(b"\x07\xc4\x00", b"\xcf\x00\x20" + bytes(6) + b"\xc4\x00"), f"<= {POINTS_MAX}", id="too many points"
        ),
        pytest.param(
            changed(b"\x07\xc4\x00", b"\xcf" + b"\xff" * 8 + b"\xc4\x00"), f"<= {POINTS_MAX}", id="2**64 - 1 points"
        ),
        pytest.param(BODY.ljust(TRANSACTION_BYTES_MAX + 1, b"\0"), "4097 bytes; at most 4096", id="oversized"),
    ],
)
def test_bytes_that_are_not_canonical_are_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode_body(data)

    assert str(caught.value).startswith("transaction: ")
    assert reason in str(caught.value)


def earning(**changes: object) -> bytes:
    """Return the bytes of an earn with some fields exchanged."""
    body = EarnPoints(5, b"nnnnnnnn", "mall", "A1", b"a" * 20, "mall/consumer", 100, 7)
    return encode_body(msgspec.structs.replace(body, **changes))


@pytest.mark.parametrize(
    "field",
    [
        {"merchant": ""},
        {"merchant": "Mall"},
        {"merchant": "-mall"},
        {"merchant": "mall-"},
        {"merchant": "mall\n"},
        {"merchant": "ma ll"},
        {"merchant": "m\u00e4ll"},
        {"merchant": "m" * 33},
        {"order_id": ""},
        {"order_id": "A 1"},
        {"order_id": "A1\n"},
        {"order_id": "A1\0"},
        {"order_id": "\u00c41"},
        {"order_id": "A" * 65},
        {"point_type": "mall"},
        {"point_type": "mall/owner"},
        {"point_type": "mall/consumer\n"},
        {"point_type": "/consumer"},
        {"amount_fen": -1},
        {"amount_fen": AMOUNT_FEN_MAX + 1},
        {"purchased_at": 2**48 + 1},
        {"expires_at": -1},
        {"expires_at": 2**48 + 1},
    ],
    ids=str,
)
def test_an_earn_out_of_bounds_is_refused(field: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        decode_body(earning(**field))


@pytest.mark.parametrize(
    "field",
    [
        {"merchant": "m"},
        {"merchant": "0-9"},
        {"merchant": "m" * 32, "point_type": "m" * 32 + "/distributor"},
        {"order_id": "~" * 64},
        {"order_id": "!"},
        {"amount_fen": 0},
        {"amount_fen": AMOUNT_FEN_MAX},
        {"purchased_at": 2**48},
        {"expires_at": 0},
    ],
    ids=str,
)
def test_an_earn_at_its_bounds_is_taken(field: dict[str, object]) -> None:
    data = earning(**field)

    assert encode_body(decode_body(data)) == data


def test_a_signed_transaction_has_one_to_four_signatures() -> None:
    signature = Signature(b"k" * 32, b"s" * 64)

    for count in (0, SIGNATURES_MAX + 1):
        with pytest.raises(Malformed, match="length"):
            decode_signed(encode_signed(BODY, (signature,) * count))
    for count in (1, SIGNATURES_MAX):
        assert decode_signed(encode_signed(BODY, (signature,) * count)).signatures == (signature,) * count


@pytest.mark.parametrize(("key", "signature"), [(31, 64), (33, 64), (32, 63), (32, 65), (0, 0)])
def test_keys_and_signatures_have_their_length(key: int, signature: int) -> None:
    with pytest.raises(Malformed, match="length"):
        decode_signed(encode_signed(BODY, (Signature(bytes(key), bytes(signature)),)))


SIDE: Final = SignedHash(bytes(32), bytes(32), bytes(64))


def test_the_largest_transaction_of_every_kind_fits_its_limit_with_every_signature() -> None:
    issuer = "m" * 32
    bodies: list[Body] = [
        RegisterMember(2**48, bytes(16), bytes(32)),
        EarnPoints(2**48, bytes(16), issuer, "o" * 64, bytes(20), f"{issuer}/distributor", AMOUNT_FEN_MAX, 2**48),
        TransferPoints(2**48, bytes(16), bytes(20), bytes(20), f"{issuer}/distributor", POINTS_MAX, bytes(32)),
        RefundOrder(2**48, bytes(16), issuer, "o" * 64, "r" * 64, AMOUNT_FEN_MAX),
        RecordEvidence(2**48, bytes(16), Evidence(issuer, bytes(32), StatementKind.PROPOSAL, 2**53, 2**53, SIDE, SIDE)),
    ]

    for body in bodies:
        signed = encode_signed(encode_body(body), (Signature(bytes(32), bytes(64)),) * SIGNATURES_MAX)
        assert decode_body(decode_signed(signed).body) == body
        assert 4 * len(signed) < TRANSACTION_BYTES_MAX


def test_a_block_holds_no_more_transactions_than_its_limit() -> None:
    header = [1, bytes(32), 1, 1, *([bytes(32)] * 6), "mall", 7]
    most = msgspec.msgpack.encode([header, [b""] * BLOCK_TRANSACTIONS_MAX, bytes(64)])
    more = msgspec.msgpack.encode([header, [b""] * (BLOCK_TRANSACTIONS_MAX + 1), bytes(64)])

    assert len(decode_block(most).transactions) == BLOCK_TRANSACTIONS_MAX
    with pytest.raises(Malformed, match="length"):
        decode_block(more)


def test_a_block_of_a_version_to_come_is_refused() -> None:
    header = [FORMAT_VERSION + 1, bytes(32), 1, 1, *([bytes(32)] * 6), "mall", 7]

    with pytest.raises(Malformed, match=f"<= {FORMAT_VERSION}"):
        decode_block(msgspec.msgpack.encode([header, [], bytes(64)]))


def test_a_block_without_a_place_for_its_proposers_signature_is_refused() -> None:
    header = [1, bytes(32), 1, 1, *([bytes(32)] * 6), "mall", 7]

    assert decode_block(msgspec.msgpack.encode([header, [], b""])).proposal == b""
    with pytest.raises(Malformed, match="canonical"):
        decode_block(msgspec.msgpack.encode([header, []]))
    with pytest.raises(Malformed, match="length"):
        decode_block(msgspec.msgpack.encode([header, [], bytes(65)]))


def test_a_certificate_of_the_most_signers_fits_and_one_more_does_not() -> None:
    most = Certificate(2**53 - 1, 2**53 - 1, bytes(32), 2**64 - 1, (bytes(64),) * 64)

    assert decode_certificate(encode(most)) == most
    with pytest.raises(Malformed, match="length"):
        decode_certificate(encode(msgspec.structs.replace(most, signatures=(bytes(64),) * 65)))


@pytest.mark.parametrize(
    ("decode", "bytes_max"), [(decode_block, BLOCK_BYTES_MAX), (decode_peer_message, PEER_MESSAGE_BYTES_MAX)]
)
def test_an_oversized_input_is_refused_before_it_is_decoded(decode: Callable[[bytes], object], bytes_max: int) -> None:
    with pytest.raises(Malformed, match=f"{bytes_max + 1} bytes; at most {bytes_max} are allowed"):
        decode(bytes(bytes_max + 1))


def test_a_decoder_takes_exactly_as_many_bytes_as_it_says() -> None:
    decode: StrictDecoder[bytes] = StrictDecoder(bytes, what="blob", bytes_max=5)

    assert decode(b"\xc4\x03abc") == b"abc"
    with pytest.raises(Malformed, match="blob: 6 bytes; at most 5 are allowed"):
        decode(b"\xc4\x04abcd")


def test_a_record_is_decoded_as_what_its_key_says() -> None:
    supply = msgspec.msgpack.encode([5, 2, 0])

    assert type(decode_record(b"small/consumer", supply)).__name__ == "Supply"
    with pytest.raises(Malformed, match=r"^Account: "):
        decode_record(b"a" + bytes(20), supply)
    with pytest.raises(KeyError):
        decode_record(b"?", supply)
    with pytest.raises(KeyError):
        decode_record(b"", supply)


HASH: Final = bytes(32)
SIGNATURE: Final = bytes(64)


def request(**changes: object) -> AppendRequest:
    """Return a request with two entries and a certificate, some fields exchanged."""
    entries = (Entry(5, 2, b"e" * 32, HASH, b"block"), Entry(6, 2, b"f" * 32, b"e" * 32, b"block"))
    certificates = (Certificate(5, 2, b"e" * 32, 7, (SIGNATURE,) * 3),)
    return msgspec.structs.replace(AppendRequest(2, "mall", "books", 4, 1, HASH, entries, 5, certificates), **changes)


def response(*heights: int) -> AppendResponse:
    """Return a response that signs these heights."""
    signatures = tuple(AckSignature(height, HASH, SIGNATURE) for height in heights)
    return AppendResponse(2, "books", "mall", True, 6, HASH, 4, 0, 0, 4, signatures)


@pytest.mark.parametrize(
    "message",
    [
        request(),
        request(entries=(), certificates=(), commit=0),
        response(5, 6),
        response(),
        ForwardTransactions("mall", "books", (b"x",) * FORWARDED_TRANSACTIONS_MAX),
    ],
    ids=["entries", "heartbeat", "acknowledgement", "bare", "forwarding"],
)
def test_a_consistent_peer_message_is_taken(message: object) -> None:
    assert decode_peer_message(msgspec.msgpack.encode(message)) == message


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        pytest.param(request(prev_height=3), "entry of height 5 where 4 was due", id="gap"),
        pytest.param(request(prev_term=3), "has term 2, below its parent's 3", id="falling term"),
        pytest.param(request(prev_hash=b"x" * 32), "does not name its parent", id="wrong parent"),
        pytest.param(request(term=1), "above the message's 1", id="entry of a later term"),
        pytest.param(request(commit=7), "above the last height", id="commit too high"),
        pytest.param(request(commit=6), "certificate of height 5 where 6 was due", id="certificate elsewhere"),
        pytest.param(response(6, 5), "signature of height 5 is out of order", id="signatures in disorder"),
        pytest.param(response(5, 5), "signature of height 5 is out of order", id="signature twice"),
        pytest.param(response(7), "signature of height 7 is out of order", id="signature above the height"),
        pytest.param(ForwardTransactions("mall", "books", ()), "length", id="nothing forwarded"),
        pytest.param(
            ForwardTransactions("mall", "books", (b"x",) * (FORWARDED_TRANSACTIONS_MAX + 1)),
            "length",
            id="too much forwarded",
        ),
        pytest.param([99, "mall", "books", [b"x"]], "Invalid value 99", id="unknown kind"),
        pytest.param([32, "mall", "Books!", [b"x"]], "regex", id="no validator's name"),
    ],
)
def test_a_peer_message_that_contradicts_itself_is_refused(message: object, reason: str) -> None:
    with pytest.raises(Malformed, match=r"^peer message: ") as caught:
        decode_peer_message(msgspec.msgpack.encode(message))

    assert reason in str(caught.value)


def test_a_peer_message_with_text_that_is_no_utf8_is_refused() -> None:
    data = msgspec.msgpack.encode(ForwardTransactions("mall", "books", (b"x",)))

    with pytest.raises(Malformed, match="utf-8"):
        decode_peer_message(data.replace(b"books", b"b\xff\xffks"))
