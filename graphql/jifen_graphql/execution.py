"""From a document to an answer: parse, check, validate and weigh once; execute against one snapshot.

graphql-core's asyncio is never reached: the resolvers of queries and events are synchronous, and a mutation's await
exactly one thing, one field after the other.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import structlog
import trio
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    execute,
    parse,
    specified_rules,
    validate,
)
from graphql.execution.values import get_argument_values, get_variable_values
from graphql.validation import MaxIntrospectionDepthRule

from jifen.actors.node import StoreClosed
from jifen.ledger.governance.proposals import read_governance
from jifen.ledger.governance.validators import VALIDATORS_MAX
from jifen_graphql.cost import (
    Weigher,
    check_structure,
    nesting_depth,
    refusal,
    root_fields,
    variable_or_literal,
)
from jifen_graphql.executor import PlainFieldExecutor, plain_fields
from jifen_graphql.limits import (
    CURRENT_HEIGHT_SECONDS_MAX,
    DOCUMENT_BYTES_MAX,
    DOCUMENT_TOKENS_MAX,
    DOCUMENTS_CACHED_MAX,
    MIN_HEIGHT_SECONDS_MAX,
    MUTATIONS_MAX,
    VARIABLES_DEPTH_MAX,
    ListSizes,
)
from jifen_graphql.schema.context import BlockSummaries, RequestContext
from jifen_graphql.schema.enums import Consistency

if TYPE_CHECKING:
    import strawberry

    from jifen.actors.node import Node, ReadView

_log = structlog.get_logger(__name__)

_RULES: Final = (*specified_rules, MaxIntrospectionDepthRule)
_VALIDATION_ERRORS_MAX: Final = 5
"""Errors after which validation stops: enough to mend a query with, few enough to make a flood of them cheap."""

_WAITING: Final = frozenset({"minHeight", "consistency"})
"""Arguments that may ask for a wait."""

STOPPING: Final = "STOPPING"
"""Error code of a validator whose store is closed already: ask another one. Clients take it for transient."""

Answer = dict[str, Any]
"""`data`, `errors` and `extensions` of a GraphQL response, ready to be written as JSON."""


class RequestRefused(Exception):
    """The request got no execution: the caller's fault, as GraphQL errors, or a wait that ran out."""

    def __init__(self, *errors: GraphQLError) -> None:
        super().__init__(*(error.message for error in errors))
        self.errors = errors

    @property
    def answer(self) -> Answer:
        """The response: errors and no data."""
        return {"errors": [dict(error.formatted) for error in self.errors]}


@dataclass(slots=True)
class Operation:
    """One operation of a document that has passed every check that needs no variables."""

    document: DocumentNode
    node: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    roots: tuple[FieldNode, ...]
    waits: bool
    """Whether an argument of a root field may ask for a wait before the snapshot is opened."""
    weight: int | None = field(default=None)
    """Its weight, when no variable changes it: None until it was worked out."""
    sizes: ListSizes | None = field(default=None)
    """Sizes that its weight was worked out for."""

    @property
    def kind(self) -> OperationType:
        """Query, mutation or subscription."""
        return self.node.operation

    @property
    def name(self) -> str | None:
        """Its name, if it has one."""
        return self.node.name.value if self.node.name else None


@dataclass(slots=True)
class Prepared:
    """A document's operations by name, or why it has none."""

    operations: Mapping[str | None, Operation]
    errors: tuple[GraphQLError, ...] = ()

    def select(self, name: str | None) -> Operation:
        """Return the operation to run (GraphQL specification 6.1, GetOperation); raises RequestRefused."""
        if self.errors:
            raise RequestRefused(*self.errors)
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name is None:
            raise RequestRefused(refusal("BAD_REQUEST", "the document has several operations; name one: operationName"))
        if name not in self.operations:
            raise RequestRefused(refusal("BAD_REQUEST", f"the document has no operation named {name}"))
        return self.operations[name]


class Engine:
    """Executes documents against one schema and one node."""

    def __init__(self, schema: strawberry.Schema, node: Node) -> None:
        self.schema: GraphQLSchema = schema._schema  # noqa: SLF001  Strawberry offers no other way to its core schema
        self.node = node
        self.sizes = ListSizes(
            organizations=len(node.genesis.organizations),
            point_types=len(node.genesis.point_types),
            validators=len(node.genesis.validators),
        )
        self._sized_at = 0
        """Height that `sizes` were read at."""
        self.summaries = BlockSummaries()
        self._plain = plain_fields(self.schema)
        self._prepared: OrderedDict[str, Prepared] = OrderedDict()
        """Least recently used first. Invariant: at most DOCUMENTS_CACHED_MAX."""

    def prepare(self, text: str) -> Prepared:
        """Return a document's operations, parsed and validated at most once while it stays in the cache."""
        prepared = self._prepared.get(text)
        if prepared is not None:
            self._prepared.move_to_end(text)
            return prepared
        if len(text) > DOCUMENT_BYTES_MAX or len(text.encode()) > DOCUMENT_BYTES_MAX:
            error = refusal("TOO_LARGE", f"the document is larger than {DOCUMENT_BYTES_MAX} bytes; use variables")
            return Prepared({}, (error,))  # not kept: its text alone would be the memory
        prepared = self._analyse(text)
        self._prepared[text] = prepared
        if len(self._prepared) > DOCUMENTS_CACHED_MAX:
            self._prepared.popitem(last=False)
        return prepared

    def _analyse(self, text: str) -> Prepared:
        try:
            document = parse(text, max_tokens=DOCUMENT_TOKENS_MAX)
            check_structure(document)
        except GraphQLError as error:
            return Prepared({}, (error,))
        except RecursionError:
            return Prepared({}, (refusal("TOO_DEEP", "the document nests too deep to be read"),))
        errors = validate(self.schema, document, _RULES, max_errors=_VALIDATION_ERRORS_MAX)
        if errors:
            return Prepared({}, tuple(errors))
        fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        operations = [
            self._operation(document, node, fragments)
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode)
        ]
        return Prepared({operation.name: operation for operation in operations})

    def _operation(
        self, document: DocumentNode, node: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
    ) -> Operation:
        roots = tuple(root_fields(node, fragments))
        waits = any(argument.name.value in _WAITING for root in roots for argument in root.arguments or ())
        return Operation(document, node, fragments, roots, waits)

    def weigh(self, operation: Operation, variables: Mapping[str, Any]) -> None:
        """Raise RequestRefused when the answer could get too large."""
        if operation.weight is not None and operation.sizes == self.sizes:
            return
        if operation.kind is OperationType.MUTATION and len(operation.roots) > MUTATIONS_MAX:
            raise RequestRefused(refusal("TOO_COSTLY", f"at most {MUTATIONS_MAX} mutations run in one request"))
        weigher = Weigher(self.schema, operation.fragments, self.sizes, variables)
        try:
            weight = weigher.check(operation.node)
        except GraphQLError as error:
            raise RequestRefused(error) from error
        if not weigher.used_variables:
            operation.weight, operation.sizes = weight, self.sizes

    def _learn_sizes(self, view: ReadView) -> None:
        # What the alliance grew by shows in the weights from the next request on: they bound, they need not be exact.
        if view.height > self._sized_at:
            governance = read_governance(view)
            self._sized_at = view.height
            sizes = ListSizes(
                organizations=len(governance.organizations),
                point_types=len(view.point_types()),
                validators=min(len(governance.validators), VALIDATORS_MAX),
            )
            if sizes != self.sizes:
                self.sizes = sizes
                self._prepared.clear()  # each document keeps the weight it was found to have

    async def run(self, operation: Operation, variables: Mapping[str, Any]) -> Answer:
        """Execute a query or a mutation; raises RequestRefused when it may not start."""
        self.check(operation, variables)
        if operation.kind is OperationType.MUTATION:
            return await self._mutate(operation, variables)
        if operation.waits:
            await self._wait_for_height(operation, variables)
        await trio.lowlevel.checkpoint()  # one breath for consensus before up to 50 ms of work
        try:
            with self.node.read() as view:
                self._learn_sizes(view)
                return self.evaluate(operation, variables, RequestContext(self.node, self.summaries, view))
        except StoreClosed as closed:
            raise RequestRefused(stopping(closed)) from None

    def check(self, operation: Operation, variables: Mapping[str, Any]) -> None:
        """Raise RequestRefused when the operation with these variables passes a limit."""
        if variables and nesting_depth(variables, VARIABLES_DEPTH_MAX) > VARIABLES_DEPTH_MAX:
            raise RequestRefused(refusal("TOO_DEEP", f"the variables nest deeper than {VARIABLES_DEPTH_MAX} levels"))
        self.weigh(operation, variables)

    def evaluate(
        self, operation: Operation, variables: Mapping[str, Any], context: RequestContext, root: Any = None
    ) -> Answer:
        """Execute a query, or one event of a subscription whose root field resolves to `root`, without awaiting."""
        result = self._execute(operation, variables, context, root)
        assert isinstance(result, ExecutionResult), "a resolver of a query or an event awaited something"
        return _answer(result)

    async def _mutate(self, operation: Operation, variables: Mapping[str, Any]) -> Answer:
        context = RequestContext(self.node, self.summaries)
        result = self._execute(operation, variables, context, None)
        return _answer(result if isinstance(result, ExecutionResult) else await result)

    def _execute(
        self, operation: Operation, variables: Mapping[str, Any], context: RequestContext, root: Any
    ) -> ExecutionResult | Awaitable[ExecutionResult]:
        return execute(
            self.schema,
            operation.document,
            root,
            context,
            dict(variables),
            operation.name,
            executor_class=PlainFieldExecutor,
            hide_suggestions=True,
            plain=self._plain,
        )

    async def _wait_for_height(self, operation: Operation, variables: Mapping[str, Any]) -> None:
        heights = [variable_or_literal(root, "minHeight", variables) for root in operation.roots]
        height = max((height for height in heights if height is not None), default=0)
        if self._must_be_current(operation, variables):
            current = await self.node.read_index(CURRENT_HEIGHT_SECONDS_MAX)
            if current is None:
                message = "no leader with a quorum vouches for a current height; ask again, or ask for LOCAL"
                raise RequestRefused(refusal("NOT_CURRENT", message))
            height = max(height, current)
        if height and not await self.node.wait_for_height(height, MIN_HEIGHT_SECONDS_MAX):
            message = (
                f"this validator has not reached height {height} within {MIN_HEIGHT_SECONDS_MAX:g} seconds; "
                "ask again, or ask another validator"
            )
            raise RequestRefused(refusal("HEIGHT_NOT_REACHED", message))

    def _must_be_current(self, operation: Operation, variables: Mapping[str, Any]) -> bool:
        """Tell whether a root field asks for it; what cannot be coerced is left to the execution to complain about."""
        coerced = get_variable_values(
            self.schema, operation.node.variable_definitions or (), dict(variables), hide_suggestions=True
        )
        query = self.schema.query_type
        if isinstance(coerced, list) or query is None:
            return False
        for root in operation.roots:
            with suppress(GraphQLError):
                arguments = get_argument_values(query.fields[root.name.value], root, coerced)
                if arguments.get("consistency") is Consistency.LINEARIZABLE:
                    return True
        return False

    def subscription_arguments(self, operation: Operation, variables: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the one root field of a subscription and its coerced arguments; raises RequestRefused."""
        coerced = get_variable_values(
            self.schema, operation.node.variable_definitions or (), dict(variables), hide_suggestions=True
        )
        if isinstance(coerced, list):
            raise RequestRefused(*coerced)
        root = operation.roots[0]
        subscription = self.schema.subscription_type
        assert subscription is not None, "validation lets no subscription through a schema that has none"
        try:
            return root.name.value, get_argument_values(subscription.fields[root.name.value], root, coerced)
        except GraphQLError as error:
            raise RequestRefused(error) from error


def stopping(closed: StoreClosed) -> GraphQLError:
    """Return what a request is told that meets a store closed by stopping."""
    return refusal(STOPPING, str(closed))


def _answer(result: ExecutionResult) -> Answer:
    """Return the response of an execution; errors of ours are logged in full and told as one code."""
    answer: Answer = {"data": result.data}
    if result.errors:
        answer["errors"] = [_formatted(error) for error in result.errors]
    return answer


def _formatted(error: GraphQLError) -> dict[str, Any]:
    original = error.original_error
    if original is None or isinstance(original, GraphQLError):
        return dict(error.formatted)
    if isinstance(original, StoreClosed):
        return {**error.formatted, "message": str(original), "extensions": {"code": STOPPING}}
    _log.error("resolver failed", path=error.path, exc_info=original)
    masked = {**error.formatted, "message": "this validator failed to answer; its log says why"}
    masked["extensions"] = {"code": "INTERNAL"}
    return masked
