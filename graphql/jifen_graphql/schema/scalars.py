"""The scalars: how bytes, points and times are written in an answer and read from an argument.

A scalar's parser is a gateway: it raises ValueError with one sentence that says what is wrong, which the client reads.
"""

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Any, Final, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from jifen.codec.addresses import decode_account, encode_account
from jifen.codec.errors import Malformed
from jifen.ledger.types import POINTS_MAX, AccountId, PublicKey

Hash = NewType("Hash", bytes)
"""Thirty-two bytes: the name of a transaction, block or chain, a root, or a state digest."""

Points = NewType("Points", int)
"""A quantity of points, or an amount of money in fen: 0 to 2**53 - 1."""

SignedPoints = NewType("SignedPoints", int)
"""A quantity of points that may be owed: -(2**53 - 1) to 2**53 - 1."""

Base64 = NewType("Base64", bytes)
"""Bytes of any length."""

DateTime = NewType("DateTime", int)
"""A block time: milliseconds since the epoch."""

_HASH = re.compile(r"[0-9a-f]{64}")
_POINTS = re.compile(r"0|[1-9][0-9]{0,15}")


def parse_hash(value: Any) -> Hash:
    """Return the 32 bytes of 64 lowercase hexadecimal digits; raises ValueError."""
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise ValueError("a Hash is a string of 64 lowercase hexadecimal digits")
    return Hash(bytes.fromhex(value))


def parse_public_key(value: Any) -> PublicKey:
    """Return the 32 bytes of an x-only public key in hexadecimal; raises ValueError."""
    return PublicKey(parse_hash(value))


def parse_account_id(value: Any) -> AccountId:
    """Return the 20 bytes of a bech32m account id; raises ValueError naming the mistake."""
    if not isinstance(value, str):
        raise ValueError("an AccountId is a string that begins with jf1")  # noqa: TRY004  graphql-core wants ValueError
    try:
        return decode_account(value)
    except Malformed as error:
        raise ValueError(str(error)) from error


def parse_points(value: Any) -> Points:
    """Return the integer of a decimal string, or of an integer literal; raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= POINTS_MAX:
        return Points(value)
    if isinstance(value, str) and _POINTS.fullmatch(value) and int(value) <= POINTS_MAX:
        return Points(int(value))
    raise ValueError(f'Points are a decimal string such as "120", from "0" to "{POINTS_MAX}"')


def parse_signed_points(value: Any) -> SignedPoints:
    """Return the integer of a decimal string, or of an integer literal; raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool) and -POINTS_MAX <= value <= POINTS_MAX:
        return SignedPoints(value)
    if isinstance(value, str) and _POINTS.fullmatch(value.removeprefix("-")) and abs(int(value)) <= POINTS_MAX:
        return SignedPoints(int(value))
    raise ValueError(f'SignedPoints are a decimal string such as "-120", from "-{POINTS_MAX}" to "{POINTS_MAX}"')


def parse_base64(value: Any) -> Base64:
    """Return the bytes of standard base64 with padding (RFC 4648 section 4); raises ValueError."""
    if isinstance(value, str):
        try:
            return Base64(binascii.a2b_base64(value, strict_mode=True))
        except (binascii.Error, ValueError):
            pass  # answered below, together with what is no string at all
    raise ValueError("Base64 is a string in standard base64 with padding (RFC 4648 section 4)")


def format_time(value: int) -> str:
    """Return a block time as RFC 3339 in UTC with milliseconds."""
    moment = datetime.fromtimestamp(value // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{value % 1000:03d}Z"


def parse_time(value: Any) -> DateTime:
    """Return the milliseconds of an RFC 3339 time with a zone; raises ValueError."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError('a DateTime is written like "2026-01-31T08:00:00.000Z"')
    return DateTime(int(moment.timestamp()) * 1000 + moment.microsecond // 1000)


def _hex(value: bytes) -> str:
    return value.hex()


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


SCALARS: Final[dict[object, ScalarDefinition]] = {
    Hash: strawberry.scalar(
        name="Hash",
        description="Thirty-two bytes in lowercase hexadecimal: a transaction, block or chain id, a root or a digest.",
        serialize=_hex,
        parse_value=parse_hash,
    ),
    PublicKey: strawberry.scalar(
        name="PublicKey",
        description="An x-only public key (BIP-340) in lowercase hexadecimal.",
        serialize=_hex,
        parse_value=parse_public_key,
    ),
    AccountId: strawberry.scalar(
        name="AccountId",
        description="A member's account in bech32m (BIP-350) with the prefix jf; its checksum finds typing mistakes.",
        serialize=encode_account,
        parse_value=parse_account_id,
    ),
    Points: strawberry.scalar(
        name="Points",
        description="A whole number of points, or of fen, as a decimal string: GraphQL's Int ends at 2147483647.",
        serialize=str,
        parse_value=parse_points,
    ),
    SignedPoints: strawberry.scalar(
        name="SignedPoints",
        description="A whole number of points that may lie below zero, as a decimal string.",
        serialize=str,
        parse_value=parse_signed_points,
    ),
    Base64: strawberry.scalar(
        name="Base64",
        description="Bytes in standard base64 with padding (RFC 4648 section 4).",
        serialize=_base64,
        parse_value=parse_base64,
    ),
    DateTime: strawberry.scalar(
        name="DateTime",
        description="A block time: RFC 3339, UTC, milliseconds.",
        serialize=format_time,
        parse_value=parse_time,
    ),
}
"""What Strawberry is told about each of the above."""
