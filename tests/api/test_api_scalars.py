"""Scalars: what is written can be read again, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.codec.addresses import encode_account
from jifen.ledger.types import POINTS_MAX
from jifen_graphql.schema.scalars import (
    SCALARS,
    format_time,
    parse_account_id,
    parse_base64,
    parse_hash,
    parse_points,
    parse_signed_points,
    parse_time,
)

LAST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999, where RFC 3339 ends."""


@given(st.binary(min_size=32, max_size=32))
def test_a_hash_is_read_as_it_was_written(value: bytes) -> None:
    assert parse_hash(value.hex()) == value


@given(st.binary(min_size=20, max_size=20))
def test_an_account_is_read_as_it_was_written(value: bytes) -> None:
    assert parse_account_id(encode_account(value)) == value


@given(st.integers(0, POINTS_MAX))
def test_points_are_read_as_they_were_written(value: int) -> None:
    assert parse_points(str(value)) == value == parse_points(value)


@given(st.integers(-POINTS_MAX, POINTS_MAX))
def test_signed_points_are_read_as_they_were_written(value: int) -> None:
    assert parse_signed_points(str(value)) == value == parse_signed_points(value)


@given(st.binary(max_size=200))
def test_base64_is_read_as_it_was_written(value: bytes) -> None:
    written = {definition.name: definition.serialize for definition in SCALARS.values()}["Base64"]
    assert written is not None
    assert parse_base64(written(value)) == value


@given(st.integers(0, LAST_MS))
def test_a_time_is_read_as_it_was_written(value: int) -> None:
    assert parse_time(format_time(value)) == value


@given(st.one_of(st.text(max_size=80), st.integers(), st.floats(), st.none(), st.booleans(), st.lists(st.integers())))
@pytest.mark.parametrize(
    "parse", [parse_hash, parse_account_id, parse_points, parse_signed_points, parse_base64, parse_time]
)
def test_a_scalar_refuses_with_a_sentence_or_reads(parse: object, value: object) -> None:
    assert callable(parse)
    sentence = "read"
    try:
        parse(value)
    except ValueError as error:
        sentence = str(error)
    assert sentence == "read" or len(sentence) > 20
