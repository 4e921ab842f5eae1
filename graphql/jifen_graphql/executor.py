"""A graphql-core executor that takes the short way for plain fields.

Most fields of an answer only hand on an attribute of the object above: for those, building resolve information, a path
and an argument dictionary is nine tenths of the work. The import path asks for seven such fields of each of thousands
of transactions a second. Whatever is not plain, and every error, goes graphql-core's own way.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from graphql import (
    GraphQLEnumType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    Undefined,
    is_list_type,
)
from graphql.execution.executor import Executor
from graphql.pyutils import Path


class PlainField(NamedTuple):
    """A field without arguments and resolver."""

    attribute: str
    """Python name of the attribute that holds the value."""
    coerce: Callable[[Any], Any] | None
    """How a leaf is written; None for a list, which is plain only while it is empty."""
    nullable: bool


PlainFields = dict[tuple[str, str], PlainField]
"""Plain fields by type name and GraphQL field name."""

_Step = tuple[str, Any, PlainField | None]
"""Response name, graphql-core's field details, and the plain field, if it is one."""


def plain_fields(schema: GraphQLSchema) -> PlainFields:
    """Return the plain fields of a schema that Strawberry made."""
    return {
        (type_.name, name): plain
        for type_ in schema.type_map.values()
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__")
        for name, field in type_.fields.items()
        if getattr(field.resolve, "_is_default", False) and (plain := _plain(field)) is not None
    }


def _plain(field: Any) -> PlainField | None:
    attribute = field.extensions["strawberry-definition"].python_name
    nullable = not isinstance(field.type, GraphQLNonNull)
    inner = field.type if nullable else field.type.of_type
    if isinstance(inner, GraphQLScalarType | GraphQLEnumType):
        return PlainField(attribute, inner.coerce_output_value, nullable)
    if is_list_type(inner):
        return PlainField(attribute, None, nullable)
    return None


class PlainFieldExecutor(Executor[Any]):
    """Executes plain fields by itself and leaves the rest to graphql-core."""

    def __init__(self, *args: Any, plain: PlainFields, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._plain = plain
        self._steps: dict[int, tuple[Any, list[_Step]]] = {}
        """Steps by identity of the field set. Invariant: holds the set itself, so that its identity is not reused."""

    def execute_fields(
        self, parent_type: GraphQLObjectType, source_value: Any, path: Path | None, grouped_field_set: Any, context: Any
    ) -> Any:
        """Return the fields of one object; graphql-core's contract, see the base class."""
        steps = self._steps_of(parent_type, grouped_field_set)
        results: dict[str, Any] = {}
        for response_name, details, plain in steps:
            if plain is not None:
                value = getattr(source_value, plain.attribute)
                written = self._written(plain, value)
                if written is not Undefined:
                    results[response_name] = written
                    continue
            field_path = Path(path, response_name, parent_type.name)
            result = self.execute_field(parent_type, source_value, details, field_path, context)
            assert not self.is_awaitable(result), f"{parent_type.name}.{response_name} awaits; only mutations may"
            if result is not Undefined:
                results[response_name] = result
        return results

    def _steps_of(self, parent_type: GraphQLObjectType, grouped_field_set: Any) -> list[_Step]:
        known = self._steps.get(id(grouped_field_set))
        if known is None:
            name = parent_type.name
            steps: list[_Step] = [
                (response_name, details, self._plain.get((name, details[0].node.name.value)))
                for response_name, details in grouped_field_set.items()
            ]
            known = self._steps[id(grouped_field_set)] = (grouped_field_set, steps)
        return known[1]

    @staticmethod
    def _written(plain: PlainField, value: Any) -> Any:
        """Return the value as it is written, or Undefined to let graphql-core see to it."""
        if value is None:
            return None if plain.nullable else Undefined
        if plain.coerce is None:
            return [] if isinstance(value, list) and not value else Undefined
        try:
            written = plain.coerce(value)
        except Exception:  # noqa: BLE001  graphql-core meets it again and reports it with its path
            return Undefined
        return Undefined if written is None else written
