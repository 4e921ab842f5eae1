"""Documents that are too costly are refused before anything is read, and ordinary ones are not."""

from itertools import pairwise
from typing import Any, cast

import pytest
from graphql import GraphQLList, GraphQLNonNull, GraphQLObjectType, get_introspection_query

from jifen.actors.node import Node
from jifen.testing.fake_node import FakeNode
from jifen_graphql.execution import Engine, RequestRefused
from jifen_graphql.limits import (
    ALIASES_MAX,
    DEPTH_MAX,
    DOCUMENT_BYTES_MAX,
    DOCUMENTS_CACHED_MAX,
    FIELDS_MAX,
    MUTATIONS_MAX,
    NODES_MAX,
    PAGES,
    SAME_NAME_MAX,
    SPREADS_MAX,
    VARIABLES_DEPTH_MAX,
    ListSizes,
)
from jifen_graphql.schema import admin_schema, public_schema


@pytest.fixture
async def engine(node: FakeNode) -> Engine:
    return Engine(public_schema(), cast("Node", node))


async def refusal_of(engine: Engine, query: str, **variables: Any) -> str:
    """Return the code with which a query is refused before it runs."""
    assert engine.node.views_opened == 0  # type: ignore[attr-defined]  # the node is a fake one
    with pytest.raises(RequestRefused) as refused:
        await engine.run(engine.prepare(query).select(None), variables)
    assert engine.node.views_opened == 0, "a refused query has read something"  # type: ignore[attr-defined]
    return str((refused.value.errors[0].extensions or {}).get("code"))


async def answer_to(engine: Engine, query: str, **variables: Any) -> dict[str, Any]:
    return await engine.run(engine.prepare(query).select(None), variables)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{" + "node{" * (DEPTH_MAX + 1) + "role" + "}" * (DEPTH_MAX + 2), "TOO_DEEP"),
        ("{ node { " + "role term height version leader " * (FIELDS_MAX // 5) + "} }", "TOO_COMPLEX"),
        ("{ node { role " + "role " * SAME_NAME_MAX + "} }", "TOO_COMPLEX"),
        ("{" + " ".join(f"a{i}: __typename" for i in range(ALIASES_MAX + 1)) + "}", "TOO_COMPLEX"),
        ("{" + "...f " * (SPREADS_MAX + 1) + "} fragment f on Query { __typename }", "TOO_COMPLEX"),
        ("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }", "TOO_COMPLEX"),
        ("{ ...a } fragment a on Query { node { role } ...a }", "TOO_COMPLEX"),
        ("{ blocks(last: 50) { transactions(first: 100) { id status } } }", "TOO_COSTLY"),
        ("{ " + " ".join(f"b{i}: blocks(last: 50) {{ height hash }}" for i in range(10)) + " }", "TOO_COSTLY"),
        ("query($n: Int!) { blocks(last: $n) { transactions(first: $n) { id status } } }", "TOO_COSTLY"),
        ("{ blocks(last: 1000000) { height } }", "BAD_PAGE"),
        ("{ blocks(last: -5) { height } }", "BAD_PAGE"),
        (
            "{" + " ".join(f"s{i}: __schema {{ types {{ fields {{ args {{ type {{ ofType {{ ofType {{ ofType {{name}} "
                           f"}} }} }} }} }} }} }}" for i in range(22)) + "}",
            "TOO_COSTLY",
        ),
        ("mutation {" + " ".join(f'm{i}: submitTransaction(bytes:"") {{id}}' for i in range(MUTATIONS_MAX + 1)) + "}",
         "TOO_COSTLY"),
        ("{ __typename " + "#" * DOCUMENT_BYTES_MAX + "\n}", "TOO_LARGE"),
    ],
)  # fmt: skip
async def test_a_document_that_could_get_expensive_is_refused_unread(engine: Engine, query: str, code: str) -> None:
    assert await refusal_of(engine, query, n=50) == code


async def test_more_tokens_than_the_limit_are_not_parsed(engine: Engine) -> None:
    prepared = engine.prepare("{" + " a" * 2000 + "}")
    assert "token" in prepared.errors[0].message.lower()


async def test_nesting_does_not_exhaust_the_parsers_stack(engine: Engine) -> None:
    for query in ("{" + "a{" * 330 + "b" + "}" * 331, "{ a(b: " + "[" * 490 + "]" * 490 + ") }"):
        assert "nested too deep" in engine.prepare(query).errors[0].message


async def test_fragments_that_double_each_other_cost_nothing_and_count_in_full(engine: Engine) -> None:
    names = [f"f{index}" for index in range(20)]
    fragments = " ".join(
        f"fragment {name} on Query {{ ...{following} ...{following} }}" for name, following in pairwise(names)
    )
    cheap = f"{{ ...f0 }} {fragments} fragment f19 on Query {{ node {{ role }} }}"
    operation = engine.prepare(cheap).select(None)
    # written out it would be half a million selections: walking them would not end in this test's lifetime
    with pytest.raises(RequestRefused):
        engine.weigh(operation, {})


async def test_overlapping_fields_of_one_name_are_bounded_before_validation(engine: Engine) -> None:
    bomb = "{" + "node{node{role}}" * 100 + "}"
    assert await refusal_of(engine, bomb) == "TOO_COMPLEX"


async def test_variables_may_not_nest_deep(engine: Engine) -> None:
    value: Any = 1
    for _ in range(VARIABLES_DEPTH_MAX + 1):
        value = [value]
    operation = engine.prepare("query($n: Int) { blocks(before: $n) { height } }").select(None)
    with pytest.raises(RequestRefused) as refused:
        engine.check(operation, {"n": value})
    assert (refused.value.errors[0].extensions or {})["code"] == "TOO_DEEP"


async def test_introspection_as_tools_ask_for_it_is_answered(engine: Engine) -> None:
    query = get_introspection_query(
        descriptions=True, specified_by_url=True, directive_is_repeatable=True, input_value_deprecation=True
    )
    answer = await answer_to(engine, query)
    assert "errors" not in answer
    assert {"Query", "Block", "Rejection"} <= {type_["name"] for type_ in answer["data"]["__schema"]["types"]}


async def test_introspection_that_circles_is_refused(engine: Engine) -> None:
    query = "{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }"
    assert "introspection" in engine.prepare(query).errors[0].message.lower()


async def test_a_weight_bounds_the_number_of_values_in_the_answer(engine: Engine) -> None:
    query = """{ node { role peers { id connected } asOf { height hash } }
      organizations { id pointTypes { id supply { issued } } }
      blocks(last: 3) { height transactions(first: 2) { id } } }"""
    operation = engine.prepare(query).select(None)
    answer = await engine.run(operation, {})

    def values(value: Any) -> int:
        if isinstance(value, dict):
            return sum(1 + values(item) for item in value.values())
        if isinstance(value, list):
            return sum(values(item) for item in value)
        return 0

    assert operation.weight is not None
    assert values(answer["data"]) <= operation.weight <= NODES_MAX


async def test_of_what_is_asked_of_several_types_only_the_heaviest_counts(engine: Engine) -> None:
    def weight(*fragments: str) -> int:
        query = f'{{ transaction(id: "{"00" * 32}") {{ receipt {{ effects {{ {" ".join(fragments)} }} }} }} }}'
        operation = engine.prepare(query).select(None)
        engine.check(operation, {})
        assert operation.weight is not None
        return operation.weight

    light, heavy = "... on MemberRegistered { account }", "... on PointsEarned { account points pointType }"
    assert weight(light) < weight(heavy) == weight(light, heavy), "an effect is one or the other"
    assert weight(heavy, "... on PointsEarned { amountFen }") > weight(heavy), "of one type all of it counts"
    assert weight(heavy, "__typename") > weight(heavy), "and what every type has"


async def test_a_page_size_from_a_variable_is_weighed_each_time(engine: Engine) -> None:
    query = "query($n: Int!) { blocks(last: 50) { transactions(first: $n) { id } } }"
    operation = engine.prepare(query).select(None)
    engine.check(operation, {"n": 1})
    assert operation.weight is None
    with pytest.raises(RequestRefused):
        engine.check(operation, {"n": 100})


async def test_documents_are_prepared_once_and_the_cache_is_bounded(engine: Engine) -> None:
    prepared = engine.prepare("{ __typename }")
    assert engine.prepare("{ __typename }") is prepared
    for index in range(DOCUMENTS_CACHED_MAX):
        engine.prepare(f"query Q{index} {{ __typename }}")
    assert engine.prepare("{ __typename }") is not prepared
    assert len(engine._prepared) == DOCUMENTS_CACHED_MAX


def test_every_list_of_both_schemas_has_a_bound() -> None:
    sizes = ListSizes(organizations=4, point_types=4, validators=4)
    for schema in (public_schema()._schema, admin_schema()._schema):
        for type_ in schema.type_map.values():
            if not isinstance(type_, GraphQLObjectType) or type_.name.startswith("__"):
                continue
            for name, field in type_.fields.items():
                nullable = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
                if not isinstance(nullable, GraphQLList):
                    continue
                page = PAGES.get((type_.name, name))
                if page is None:
                    assert sizes.of(type_.name, name) >= 1
                else:
                    assert page.argument in field.args
                    assert page.default <= page.maximum
