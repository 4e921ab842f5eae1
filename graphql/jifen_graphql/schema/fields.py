"""Strawberry's decorators with types: theirs give Any for a decorated resolver, which would switch the checks off."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import strawberry

Resolver = TypeVar("Resolver", bound=Callable[..., Any])


def query_field(description: str) -> Callable[[Resolver], Resolver]:
    """Make a method the resolver of a field."""
    return cast("Callable[[Resolver], Resolver]", strawberry.field(description=description))


def mutation_field(description: str) -> Callable[[Resolver], Resolver]:
    """Make an async method the resolver of a mutation."""
    return cast("Callable[[Resolver], Resolver]", strawberry.mutation(description=description))


def subscription_field(description: str) -> Callable[[Resolver], Resolver]:
    """Make a method the declaration of a subscription."""
    return cast("Callable[[Resolver], Resolver]", strawberry.subscription(description=description))
