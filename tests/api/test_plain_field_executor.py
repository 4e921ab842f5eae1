"""The short way of the executor gives what graphql-core's long way gives: answers, nulls and errors alike."""

from typing import Any, cast

import pytest
from graphql import ExecutionResult, execute, parse

from jifen.actors.node import Node
from jifen.testing.fake_node import FakeNode
from jifen_graphql.execution import Engine
from jifen_graphql.executor import PlainFieldExecutor
from jifen_graphql.schema import public_schema, queries
from jifen_graphql.schema.context import RequestContext

QUERIES = """
{ __typename node { __typename role term leader asOf { height hash time } peers { id connected } } }
{ organizations { id kind status publicUrl pointTypes { id role earnRate { points } supply { issued } } } }
{ blocks(last: 3) { height proposer certificate { term signers } transactions { id kind receipt { outcome } } } }
{ a: node { r: role role } b: node { ...f @include(if: true) } } fragment f on NodeStatus { role @skip(if: true) }
query($no: Boolean = false) { node { role term @include(if: $no) } }
{ transaction(id: "0000000000000000000000000000000000000000000000000000000000000000") { id status height bytes kind } }
{ block(height: 99) { hash } }
{ block(height: 0) { transactions(first: 5) { id } certificate { term } proposer asOf { height } } }
{ __schema { queryType { name fields { name } } } }
""".strip().splitlines()
"""One query a line: plain fields, others, aliases, fragments, directives, nulls, empty lists, introspection."""


@pytest.fixture
async def engine(node: FakeNode) -> Engine:
    for _ in range(3):
        node.commit()
    return Engine(public_schema(), cast("Node", node))


def both_ways(engine: Engine, query: str) -> tuple[ExecutionResult, ExecutionResult]:
    """Return the answers of graphql-core's executor and of ours."""
    results = []
    for options in ({}, {"executor_class": PlainFieldExecutor, "plain": engine._plain}):
        with engine.node.read() as view:
            context = RequestContext(engine.node, engine.summaries, view)
            result = execute(engine.schema, parse(query), context_value=context, **cast("dict[str, Any]", options))
        assert isinstance(result, ExecutionResult)
        results.append(result)
    return results[0], results[1]


@pytest.mark.parametrize("query", QUERIES)
async def test_both_ways_give_the_same_answer(engine: Engine, query: str) -> None:
    theirs, ours = both_ways(engine, query)
    assert theirs.errors is None
    assert ours == theirs
    assert list(cast("dict[str, Any]", ours.data)) == list(cast("dict[str, Any]", theirs.data))


@pytest.mark.parametrize("attribute", ["term", "role", "leader", "state_digest", "peers"])
@pytest.mark.parametrize("value", [None, object(), "x" * 5, -(2**40), [], [None]])
async def test_both_ways_report_the_same_faults(
    engine: Engine, attribute: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = queries.NodeStatus

    def damaged(**fields: Any) -> Any:
        return real(**{**fields, attribute: value})

    monkeypatch.setattr(queries, "NodeStatus", damaged)
    theirs, ours = both_ways(engine, "{ node { term role leader stateDigest peers { id } } organizations { id } }")
    assert ours.data == theirs.data
    assert [error.formatted for error in ours.errors or []] == [error.formatted for error in theirs.errors or []]
