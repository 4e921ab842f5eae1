"""The two schemas: what everybody may ask, and what the organization's own back end may ask besides.

They are two objects on two listeners, not one with permissions: nothing that the public port parses can name an
administrative field.
"""

import strawberry
from strawberry.schema.config import StrawberryConfig

from jifen_graphql.schema.mutations import AdminMutation, Mutation
from jifen_graphql.schema.queries import Query
from jifen_graphql.schema.scalars import SCALARS
from jifen_graphql.schema.subscriptions import Subscription

__all__ = ["admin_schema", "public_schema"]


def public_schema() -> strawberry.Schema:
    """Return the schema of the public port."""
    return strawberry.Schema(
        query=Query, mutation=Mutation, subscription=Subscription, config=StrawberryConfig(scalar_map=SCALARS)
    )


def admin_schema() -> strawberry.Schema:
    """Return the administrative listener's schema: queries and mutations of the public one, and the till's own."""
    return strawberry.Schema(query=Query, mutation=AdminMutation, config=StrawberryConfig(scalar_map=SCALARS))
