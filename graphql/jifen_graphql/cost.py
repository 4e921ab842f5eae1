"""The rules that measure a document against the limits.

Three gates in a row, cheapest first, because each protects the next: tokens (the parser's own limit), structure
(`check_structure`, before validation, whose worst case grows with the square of repeated fields), and weight
(`Weigher`, after validation, before anything is read).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    is_list_type,
)

from jifen_graphql.limits import (
    ALIASES_MAX,
    DEPTH_MAX,
    FIELDS_MAX,
    INTROSPECTION_LIST_GUESS,
    INTROSPECTION_WEIGHT_MAX,
    NODES_MAX,
    PAGES,
    SAME_NAME_MAX,
    SPREADS_MAX,
    SURCHARGES,
    ListSizes,
    Page,
)


def refusal(code: str, message: str) -> GraphQLError:
    """Return the error of a document that passes a limit."""
    return GraphQLError(message, extensions={"code": code})


# ------------------------------------------------------------------------------------------------------------ structure


class _Counts:
    """What `check_structure` has met so far in the whole document."""

    def __init__(self) -> None:
        self.fields = self.aliases = self.spreads = 0
        self.names: Counter[str] = Counter()

    def add(self, node: FieldNode | InlineFragmentNode | FragmentSpreadNode) -> None:
        """Count a selection; raises GraphQLError past a limit."""
        if isinstance(node, FieldNode):
            self.fields += 1
            self.aliases += node.alias is not None
            name = (node.alias or node.name).value
            self.names[name] += 1
            if self.names[name] > SAME_NAME_MAX:
                raise refusal("TOO_COMPLEX", f"{name} stands more than {SAME_NAME_MAX} times; ask in several requests")
        elif isinstance(node, FragmentSpreadNode):
            self.spreads += 1
        for what, count, limit in (
            ("fields", self.fields, FIELDS_MAX),
            ("aliases", self.aliases, ALIASES_MAX),
            ("fragment spreads", self.spreads, SPREADS_MAX),
        ):
            if count > limit:
                raise refusal("TOO_COMPLEX", f"the document has more than {limit} {what}; ask in several requests")


def check_structure(document: DocumentNode) -> None:
    """Raise GraphQLError when a parsed document is too wide or too deep to be validated safely.

    Depth counts fields with fragments written out; a fragment's depth is worked out once, so that fragments which
    double each other cost nothing, and a fragment inside itself is refused here.
    """
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    counts = _Counts()
    depths: dict[str, int | None] = {}
    for definition in document.definitions:
        if isinstance(definition, FragmentDefinitionNode):
            _fragment_depth(definition.name.value, fragments, depths, counts, 0)
        elif isinstance(definition, OperationDefinitionNode):
            _depth(definition.selection_set, fragments, depths, counts, 0)


def _fragment_depth(
    name: str,
    fragments: Mapping[str, FragmentDefinitionNode],
    depths: dict[str, int | None],
    counts: _Counts,
    above: int,
) -> int:
    if name not in fragments:
        return 0  # validation will say so
    if name not in depths:
        depths[name] = None  # on the way: meeting it again inside itself finds this
        depths[name] = _depth(fragments[name].selection_set, fragments, depths, counts, 0)
    depth = depths[name]
    if depth is None:
        raise refusal("TOO_COMPLEX", f"fragment {name} is spread inside itself; write it out as far as you need it")
    _check_depth(above + depth)
    return depth


def _check_depth(depth: int) -> None:
    if depth > DEPTH_MAX:
        raise refusal("TOO_DEEP", f"the document nests deeper than {DEPTH_MAX} levels; ask in several requests")


def _depth(
    selections: SelectionSetNode | None,
    fragments: Mapping[str, FragmentDefinitionNode],
    depths: dict[str, int | None],
    counts: _Counts,
    above: int,
) -> int:
    """Return how many levels of fields `selections` adds; `above` are those around it in this definition."""
    _check_depth(above)
    deepest = 0
    for node in selections.selections if selections else ():
        counts.add(node)  # type: ignore[arg-type]  # graphql-core types selections as their base class
        if isinstance(node, FieldNode):
            deepest = max(deepest, 1 + _depth(node.selection_set, fragments, depths, counts, above + 1))
        elif isinstance(node, InlineFragmentNode):
            deepest = max(deepest, _depth(node.selection_set, fragments, depths, counts, above))
        elif isinstance(node, FragmentSpreadNode):
            deepest = max(deepest, _fragment_depth(node.name.value, fragments, depths, counts, above))
    return deepest


# ----------------------------------------------------------------------------------------------------------------- cost


class Weigher:
    """Weighs one operation of a validated document: how many values its answer may hold at most.

    A list multiplies what stands below it by its page size, which may come from a variable; a fragment is weighed once
    for each type it is spread in; of fragments on several object types the heaviest counts.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        sizes: ListSizes,
        variables: Mapping[str, Any],
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._sizes = sizes
        self._variables = variables
        self._weighed: dict[tuple[str, str], int] = {}
        self.used_variables = False
        """Whether a page size came from a variable: if not, the weight is the document's for good."""
        self.introspection = 0
        """Weight of `__schema` and `__type`, which has a budget of its own."""

    def weigh(self, operation: OperationDefinitionNode) -> int:
        """Return the operation's weight without introspection, which is left in `introspection`."""
        root = self._schema.get_root_type(operation.operation)
        assert root is not None, "validation lets only operations through that the schema has"
        return self._selections(operation.selection_set, root)

    def check(self, operation: OperationDefinitionNode) -> int:
        """Return the operation's weight; raises GraphQLError (code TOO_COSTLY) when it passes a budget."""
        weight = self.weigh(operation)
        if weight > NODES_MAX:
            raise refusal(
                "TOO_COSTLY",
                f"the answer may hold {weight} values, more than {NODES_MAX}; ask for smaller pages or fewer fields",
            )
        if self.introspection > INTROSPECTION_WEIGHT_MAX:
            raise refusal("TOO_COSTLY", "the schema query is too costly; ask for the schema in several requests")
        return weight

    def _selections(self, selections: SelectionSetNode | None, parent: GraphQLNamedType) -> int:
        always, of_type = 0, dict[str, int]()
        for node in selections.selections if selections else ():
            weight, condition = self._selection(node, parent), self._condition(node)
            if isinstance(self._schema.type_map.get(condition), GraphQLObjectType):
                of_type[condition] = of_type.get(condition, 0) + weight
            else:
                always += weight
        # A value is of one object type: of what is asked for of several, the answer holds the heaviest at most.
        return always + max(of_type.values(), default=0)

    def _condition(self, node: Any) -> str:
        """Return the name of the type that a selection is for; empty: for whatever stands there."""
        if isinstance(node, FragmentSpreadNode):
            return str(self._fragments[node.name.value].type_condition.name.value)
        condition = node.type_condition if isinstance(node, InlineFragmentNode) else None
        return str(condition.name.value) if condition else ""

    def _selection(self, node: Any, parent: GraphQLNamedType) -> int:
        if isinstance(node, FieldNode):
            return self._field(node, parent)
        if isinstance(node, InlineFragmentNode):
            condition = node.type_condition
            inner = self._schema.type_map[condition.name.value] if condition else parent
            return self._selections(node.selection_set, inner)
        assert isinstance(node, FragmentSpreadNode)
        fragment = self._fragments[node.name.value]
        key = node.name.value, parent.name
        if key not in self._weighed:
            inner = self._schema.type_map[fragment.type_condition.name.value]
            self._weighed[key] = self._selections(fragment.selection_set, inner)
        return self._weighed[key]

    def _field(self, node: FieldNode, parent: GraphQLNamedType) -> int:
        name = node.name.value
        if name in ("__schema", "__type"):
            meta = self._schema.type_map["__Schema" if name == "__schema" else "__Type"]
            self.introspection += self._selections(node.selection_set, meta)
            return 1
        if name == "__typename" or not isinstance(parent, GraphQLObjectType):
            return 1
        field = parent.fields[name]
        below = 0
        if is_composite_type(get_named_type(field.type)):
            below = self._selections(node.selection_set, get_named_type(field.type)) + 1
        each = below + SURCHARGES.get((parent.name, name), 0)
        return each * self._elements(node, parent.name, field.type) if each else 1

    def _elements(self, node: FieldNode, parent: str, type_: GraphQLOutputType) -> int:
        nullable = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if not is_list_type(nullable):
            return 1
        if parent.startswith("__"):
            return INTROSPECTION_LIST_GUESS
        page = PAGES.get((parent, node.name.value))
        if page is None:
            return max(1, self._sizes.of(parent, node.name.value))
        return self._page_size(node, page)

    def _page_size(self, node: FieldNode, page: Page) -> int:
        for argument in node.arguments or ():
            if argument.name.value == page.argument:
                value: Any = argument.value
                if isinstance(value, IntValueNode):
                    return self._checked(int(value.value), page)
                if isinstance(value, VariableNode):
                    self.used_variables = True
                    given = self._variables.get(value.name.value)
                    # anything but an int is refused by coercion; a variable left out may have a default in the document
                    return self._checked(given, page) if isinstance(given, int) else page.maximum
        return page.default

    @staticmethod
    def _checked(size: int, page: Page) -> int:
        if not 1 <= size <= page.maximum:
            raise refusal(
                "BAD_PAGE", f"{page.argument} must lie between 1 and {page.maximum}, not {size}; ask for several pages"
            )
        return size


def variable_or_literal(node: FieldNode, name: str, variables: Mapping[str, Any]) -> int | None:
    """Return an integer argument of a field before coercion: its literal or its variable; None when it is neither."""
    for argument in node.arguments or ():
        if argument.name.value == name:
            if isinstance(argument.value, IntValueNode):
                return int(argument.value.value)
            if isinstance(argument.value, VariableNode):
                value = variables.get(argument.value.name.value)
                return value if isinstance(value, int) else None
    return None


def root_fields(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[FieldNode]:
    """Yield the root fields of an operation of a validated document, fragments written out."""
    pending: list[Any] = [*operation.selection_set.selections]
    seen: set[str] = set()
    while pending:
        node = pending.pop(0)
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            pending += node.selection_set.selections
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
            seen.add(node.name.value)  # each fragment once: doubling fragments must cost nothing
            pending += fragments[node.name.value].selection_set.selections


def nesting_depth(value: Any, limit: int) -> int:
    """Return how deep lists and dictionaries nest in a decoded JSON value, looking no deeper than `limit` + 1."""
    if not isinstance(value, list | dict) or limit < 0:
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max((nesting_depth(item, limit - 1) for item in inner), default=0)
