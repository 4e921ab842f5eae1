"""The schema is a contract: its text is committed, and everything in it leads somewhere."""

import os
import re
import typing
from enum import Enum
from pathlib import Path

import pytest
from graphql import GraphQLEnumType, GraphQLObjectType, GraphQLUnionType

import jifen.ledger.receipts
from jifen.actors.node import SubmitStatus
from jifen.client import queries
from jifen.ledger.rejections import Rejection
from jifen_graphql import schema as schemas
from jifen_graphql.executor import plain_fields
from jifen_graphql.schema import enums
from jifen_graphql.schema.effects import EFFECTS
from jifen_graphql.schema.subscriptions import SOURCES

FILE = Path(schemas.__file__).parents[1] / "schema.graphql"
"""The text of the public schema, for clients' code generators and for review."""


def test_the_committed_text_is_the_schema() -> None:
    """Set JIFEN_WRITE_SCHEMA=1 to write it anew, and review the difference: clients depend on every line."""
    text = schemas.public_schema().as_str() + "\n"
    if os.environ.get("JIFEN_WRITE_SCHEMA"):
        FILE.write_text(text)
    assert FILE.read_text() == text


def test_the_admin_schema_is_the_public_one_with_the_till_s_writes_and_without_subscriptions() -> None:
    public, admin = schemas.public_schema()._schema, schemas.admin_schema()._schema
    assert admin.subscription_type is None
    assert public.mutation_type is not None
    assert admin.mutation_type is not None
    assert set(admin.mutation_type.fields) - set(public.mutation_type.fields) == {
        "confirmOrder",
        "earnPoints",
        "refundOrder",
    }
    assert public.query_type is not None
    assert admin.query_type is not None
    assert set(admin.query_type.fields) == set(public.query_type.fields)


def test_the_ledgers_rejections_go_in_unchanged() -> None:
    type_ = schemas.public_schema()._schema.type_map["Rejection"]
    assert isinstance(type_, GraphQLEnumType)
    assert list(type_.values) == [rejection.name for rejection in Rejection]


def test_every_effect_of_the_ledger_has_its_form_here() -> None:
    assert set(EFFECTS) == set(typing.get_args(jifen.ledger.receipts.AnyEffect))


def test_the_sdk_asks_for_every_effect_by_its_fields() -> None:
    asked = {
        name
        for name, fields in re.findall(r"\.\.\. on (\w+) \{ ([^{}]+)", queries._EFFECTS)
        if set(fields.split()) - {"__typename"}
    }
    union = schemas.public_schema()._schema.type_map["Effect"]
    assert isinstance(union, GraphQLUnionType)
    assert asked == {member.name for member in union.types}, "`jifen tx show` tells of the others by name alone"


def test_effects_can_be_asked_for_together() -> None:
    """A field that two of them share must have one type, or no document could select both (GraphQL 5.3.2)."""
    types = schemas.public_schema()._schema.type_map
    union = types["Effect"]
    assert isinstance(union, GraphQLUnionType)
    found: dict[str, set[str]] = {}
    for member in union.types:
        for name, field in member.fields.items():
            found.setdefault(name, set()).add(str(field.type))
    assert {name: kinds for name, kinds in found.items() if len(kinds) > 1} == {}


def test_every_subscription_has_a_source() -> None:
    subscription = schemas.public_schema()._schema.subscription_type
    assert subscription is not None
    assert set(subscription.fields) == set(SOURCES)


@pytest.mark.parametrize("name", ["NodeStatus", "Organization", "PointType", "Account", "PointBalance", "Transaction"])
def test_every_state_type_says_as_of_which_block_it_is_true(name: str) -> None:
    type_ = schemas.public_schema()._schema.type_map[name]
    assert isinstance(type_, GraphQLObjectType)
    assert str(type_.fields["asOf"].type) == "AsOf!"


def test_the_nodes_answers_have_a_name_here() -> None:
    def names(kind: type[Enum]) -> set[str]:
        return {member.name for member in kind}

    assert names(enums.SubmitStatus) == names(SubmitStatus)
    # the codes are words in the node's source, there is no list of them: look where they are made
    actors = Path(jifen.ledger.receipts.__file__).parents[1] / "actors"
    made = {
        code for path in actors.glob("*.py") for code in re.findall(r'_refused\([^,]+, "([A-Z_]+)"', path.read_text())
    }
    assert made
    assert made <= names(enums.SubmitErrorCode)


def test_the_import_path_asks_for_plain_fields_only() -> None:
    schema = schemas.public_schema()._schema
    payload = schema.type_map["SubmitPayload"]
    assert isinstance(payload, GraphQLObjectType)
    assert {name for type_, name in plain_fields(schema) if type_ == "SubmitPayload"} == set(payload.fields)
