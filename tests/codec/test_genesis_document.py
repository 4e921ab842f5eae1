"""The genesis document as a file: what comes back, what is refused, and what the chain id covers."""

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given

from jifen.codec.errors import Malformed
from jifen.codec.genesis import GENESIS_BYTES_MAX, chain_id, decode_genesis, encode_genesis
from jifen.ledger.genesis import UNANIMITY, Genesis, Threshold, check_genesis
from jifen.ledger.governance.proposals import Governance
from jifen.ledger.terms.records import PointType
from jifen.ledger.types import Organization
from jifen.testing.naive.scene import scene
from jifen.testing.strategies import values_of


def test_a_document_comes_back_as_it_was_and_is_readable() -> None:
    text = encode_genesis(scene())

    assert decode_genesis(text) == scene()
    assert text.endswith(b"}\n")
    assert b'\n  "name": "Scene",\n' in text


@given(values_of(Genesis))
def test_a_document_within_its_limits_comes_back_or_breaks_a_named_rule(genesis: Genesis) -> None:
    genesis = msgspec.structs.replace(genesis, format=1)
    try:
        check_genesis(genesis)
    except ValueError as error:
        with pytest.raises(Malformed, match=re.escape(str(error))):
            decode_genesis(encode_genesis(genesis))
    else:
        assert decode_genesis(encode_genesis(genesis)) == genesis
    assert len(chain_id(genesis)) == 32


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Another"},
        {"created_at": scene().created_at + 1},
        {"organizations": scene().organizations[::-1]},
        {"point_types": scene().point_types[:-1]},
        {"validators": scene().validators[:-1]},
        {"approval": Threshold(3, 4)},
    ],
    ids=lambda changes: str(next(iter(changes))),
)
def test_the_chain_id_covers_every_field(changes: dict[str, Any]) -> None:
    assert chain_id(msgspec.structs.replace(scene(), **changes)) != chain_id(scene())


def test_the_chain_id_does_not_depend_on_how_the_file_is_laid_out() -> None:
    compact = json.dumps(json.loads(encode_genesis(scene()))).encode()

    assert compact != encode_genesis(scene())
    assert chain_id(decode_genesis(compact)) == chain_id(scene())


def edited(old: bytes, new: bytes) -> bytes:
    """Return the document with one piece of text exchanged."""
    text = encode_genesis(scene())
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", "truncated", id="nothing"),
        pytest.param(b"[]", "Expected `object`", id="a list"),
        pytest.param(b"{}", "missing required field", id="no fields"),
        pytest.param(encode_genesis(scene())[:-20], "truncated", id="cut short"),
        pytest.param(encode_genesis(scene()) + b"x", "trailing", id="something behind it"),
        pytest.param(edited(b'"format": 1', b'"format": 2'), "format 2; this version reads format 1", id="newer"),
        pytest.param(edited(b'"format": 1', b'"format": 0'), ">= 1", id="format zero"),
        pytest.param(edited(b'"name": "Scene"', b'"name": ""'), ">= 1", id="no name"),
        pytest.param(edited(b'"Scene"', b'"Sc\xffne"'), "utf-8", id="no UTF-8"),
        pytest.param(edited(b'"name"', b'"nom"'), "unknown field `nom`", id="unknown field"),
        pytest.param(edited(b'"mall"', b'"Mall"'), "regex", id="capital in an id"),
        pytest.param(edited(b'"mall"', b'"mall\\n"'), "regex", id="line feed in an id"),
        pytest.param(edited(b'"peer_port": 1', b'"peer_port": 70000'), "<= 65535", id="port"),
        pytest.param(edited(b'"peer_port": 1', b'"peer_port": ' + b"9" * 5000), "", id="a number of 5,000 digits"),
        pytest.param(edited(b'"name": ', b'"name": ' + b"[" * 100_000), "Expected `str`", id="deep nesting"),
        pytest.param(b" " * (GENESIS_BYTES_MAX + 1), f"at most {GENESIS_BYTES_MAX} are read", id="too large"),
    ],
)
def test_a_file_that_is_no_genesis_document_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=r"^genesis: ") as caught:
        decode_genesis(data)

    assert reason in str(caught.value)


def test_a_document_that_says_nothing_of_approval_asks_for_unanimity() -> None:
    document = json.loads(encode_genesis(scene()))
    del document["approval"]

    assert decode_genesis(json.dumps(document).encode()).approval == UNANIMITY


@pytest.mark.parametrize(
    ("threshold", "asked", "needed"),
    [
        (UNANIMITY, 1, 1),
        (UNANIMITY, 7, 7),
        (Threshold(2, 3), 3, 2),
        (Threshold(2, 3), 4, 3),
        (Threshold(501, 1000), 2, 2),
    ],
)
def test_a_threshold_is_rounded_up(threshold: Threshold, asked: int, needed: int) -> None:
    assert Governance(threshold.numerator, threshold.denominator, (), ()).needed(asked) == needed


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("peer_host", ""),
        ("peer_host", "[::1]"),
        ("peer_host", "a b"),
        ("peer_host", "mall.example\n"),
        ("public_url", "ftp://mall.example"),
        ("public_url", "http://mall.example:0"),
        ("public_url", "http://mall.example/?a"),
        ("certificate_pem", "x" * 2049),
    ],
)
def test_an_address_that_is_none_is_refused(place: str, value: str) -> None:
    document = json.loads(encode_genesis(scene()))
    document["validators"][0][place] = value

    with pytest.raises(Malformed, match=place):
        decode_genesis(json.dumps(document).encode())


@pytest.mark.parametrize("scopes", [-1, 32, 10**30])
def test_scopes_that_do_not_exist_are_refused(scopes: int) -> None:
    document = json.loads(encode_genesis(scene()))
    document["organizations"][0][4][0][1] = scopes

    with pytest.raises(Malformed, match="Expected `int`"):
        decode_genesis(json.dumps(document).encode())


@pytest.mark.parametrize("version", [0, 10**9 + 1, 10**30])
def test_a_rule_version_out_of_bounds_is_refused(version: int) -> None:
    document = json.loads(encode_genesis(scene()))
    document["point_types"][0][3] = version

    with pytest.raises(Malformed, match="Expected `int`"):
        decode_genesis(json.dumps(document).encode())


def organization(index: int, **changes: Any) -> tuple[Organization, ...]:
    """Return the scene's organizations with one changed."""
    found = list(scene().organizations)
    found[index] = msgspec.structs.replace(found[index], **changes)
    return tuple(found)


def point_type(index: int, **changes: Any) -> tuple[PointType, ...]:
    """Return the scene's point types with one changed."""
    found = list(scene().point_types)
    found[index] = msgspec.structs.replace(found[index], **changes)
    return tuple(found)


MALL, BOOKS, *_ = scene().organizations


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"organizations": organization(1, id="mall")}, "two organizations share", id="ids"),
        pytest.param({"organizations": organization(1, validator_key=MALL.validator_key)}, "used twice", id="vk"),
        pytest.param(
            {"organizations": organization(1, operators=MALL.operators)}, "a key is used twice", id="operator keys"
        ),
        pytest.param(
            {"organizations": organization(1, operators=BOOKS.operators * 2)}, "key is used twice", id="same operator"
        ),
        pytest.param(
            {"organizations": organization(0, validator_key=MALL.operators[0].key)}, "a key is used twice", id="both"
        ),
        pytest.param({"validators": scene().validators[::-1]}, "in the order of `organizations`", id="validator order"),
        pytest.param({"validators": scene().validators[:-1]}, "every organization once", id="validator missing"),
        pytest.param({"validators": scene().validators * 2}, "every organization once", id="validators twice"),
        pytest.param({"approval": Threshold(1, 2)}, "`approval` must be more than a half", id="half approve"),
        pytest.param({"approval": Threshold(3, 2)}, "`approval` must be more than a half", id="more than all"),
        pytest.param({"point_types": scene().point_types * 2}, "two point types share an id", id="point type twice"),
        pytest.param(
            {"point_types": point_type(0, id="zoo/consumer", issuer="zoo")}, "by zoo, which is unknown", id="issuer"
        ),
        pytest.param({"point_types": point_type(0, issuer="books")}, "must be called <issuer>/<role>", id="name"),
        pytest.param({"point_types": point_type(1, id="mall/store")}, "must be called <issuer>/<role>", id="role"),
    ],
)
def test_a_document_that_contradicts_itself_is_refused_with_the_reason(changes: dict[str, Any], reason: str) -> None:
    genesis = msgspec.structs.replace(scene(), **changes)

    with pytest.raises(Malformed) as caught:
        decode_genesis(encode_genesis(genesis))

    assert reason in str(caught.value)
