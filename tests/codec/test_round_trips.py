"""Everything that is hashed, stored or sent comes back as it was, and no second spelling of it does."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.codec.blocks import Block, decode_block, decode_certificate, decode_receipts, encode_block
from jifen.codec.canonical import encode
from jifen.codec.errors import Malformed
from jifen.codec.messages import decode_peer_message, encode_peer_message
from jifen.codec.records import decode_record
from jifen.codec.transactions import (
    SignedTransaction,
    decode_body,
    decode_signed,
    encode_body,
    encode_signed,
)
from jifen.consensus.messages import Certificate
from jifen.ledger import state
from jifen.ledger.governance.proposals import Governance, Proposal
from jifen.ledger.governance.validators import Validator, ValidatorSet
from jifen.ledger.receipts import Receipt
from jifen.ledger.terms.records import PointType
from jifen.ledger.transactions import Body
from jifen.ledger.types import (
    Account,
    Holding,
    OrderRecord,
    Organization,
    Record,
    Supply,
    TransactionMark,
)
from jifen.testing.strategies import damaged, holdings, peer_messages, values_of


class Format(NamedTuple):
    """One thing with canonical bytes."""

    values: st.SearchStrategy[Any]
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]


def stored(prefix: bytes, kind: type[Record]) -> Format:
    """Return the format of a record under keys of a table."""
    return Format(values_of(kind), encode, lambda data: decode_record(prefix + b"any", data))


FORMATS: Final = {
    "body": Format(values_of(Body), encode_body, decode_body),  # type: ignore[arg-type]  # a union is no type to mypy
    "signed transaction": Format(
        values_of(SignedTransaction), lambda value: encode_signed(value.body, value.signatures), decode_signed
    ),
    "block": Format(values_of(Block), encode_block, decode_block),
    "receipts": Format(st.lists(values_of(Receipt), max_size=4).map(tuple), encode, decode_receipts),
    "certificate": Format(values_of(Certificate), encode, decode_certificate),
    "peer message": Format(peer_messages(), encode_peer_message, decode_peer_message),
    "organization": stored(state.ORGANIZATION, Organization),
    "point type": stored(state.POINT_TYPE, PointType),
    "supply": stored(state.SUPPLY, Supply),
    "account": stored(state.ACCOUNT, Account),
    "holding": stored(state.HOLDING, Holding),
    "holding that is whole": Format(holdings(), encode, lambda data: decode_record(state.HOLDING, data)),
    "order": stored(state.ORDER, OrderRecord),
    "mark": stored(state.MARK, TransactionMark),
    "validator": stored(state.VALIDATOR, Validator),
    "validator set": stored(state.VALIDATOR_SET, ValidatorSet),
    "proposal": stored(state.PROPOSAL, Proposal),
    "governance": stored(state.GOVERNANCE, Governance),
}

each_format = pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS.keys())


@each_format
@given(data=st.data())
def test_a_value_comes_back_as_it_was(form: Format, data: st.DataObject) -> None:
    value = data.draw(form.values)

    encoded = form.encode(value)

    assert form.decode(encoded) == value
    assert form.encode(form.decode(encoded)) == encoded


@each_format
@given(data=st.data())
def test_damaged_bytes_are_refused_or_are_the_bytes_of_another_value(form: Format, data: st.DataObject) -> None:
    encoded = form.encode(data.draw(form.values))
    other = data.draw(damaged(encoded))

    try:
        value = form.decode(other)
    except Malformed:
        return
    assert form.encode(value) == other


@each_format
@given(data=st.data())
def test_every_shortening_and_every_trailing_byte_is_refused(form: Format, data: st.DataObject) -> None:
    encoded = form.encode(data.draw(form.values))
    end = data.draw(st.integers(0, len(encoded) - 1))

    for other in (encoded[:end], encoded + data.draw(st.binary(min_size=1, max_size=4))):
        with pytest.raises(Malformed):
            form.decode(other)


@each_format
@given(noise=st.binary(max_size=200))
def test_noise_is_refused_or_is_canonical(form: Format, noise: bytes) -> None:
    try:
        value = form.decode(noise)
    except Malformed:
        return
    assert form.encode(value) == noise


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=40)
    | st.sampled_from(["mall", "mall/consumer", bytes(20), bytes(32), bytes(64)])
    | st.binary(max_size=70),
    lambda inner: st.lists(inner, max_size=13) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=14,
)
"""Well-formed msgpack of any shape."""


@each_format
@given(value=plain)
def test_well_formed_msgpack_of_another_shape_is_refused_or_is_canonical(form: Format, value: object) -> None:
    noise = msgspec.msgpack.encode(value)

    try:
        decoded = form.decode(noise)
    except Malformed:
        return
    assert form.encode(decoded) == noise


@each_format
def test_nothing_at_all_is_refused(form: Format) -> None:
    with pytest.raises(Malformed, match=r"truncated"):
        form.decode(b"")


@each_format
def test_deep_nesting_is_refused_without_harm(form: Format) -> None:
    for deep in (b"\x91" * 4000, b"\x92\x91" * 2000, b"\xdc\xff\xff" * 1000, b"\x81\x00" * 2000):
        with pytest.raises(Malformed):
            form.decode(deep)
