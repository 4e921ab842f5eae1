"""The subscriptions: what they look like, and which events of the node feed them.

The resolvers here never run as Strawberry's own subscriptions do (that path is asyncio's): `jifen_graphql.live` takes
heights from the node, opens one snapshot a height, and executes the operation against an event made here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import strawberry
from graphql import GraphQLError

from jifen.actors.node import BlockNotHeld
from jifen.ledger.types import AccountId
from jifen_graphql.schema.blocks import Block
from jifen_graphql.schema.context import BLOCK_NOT_HELD, RequestContext
from jifen_graphql.schema.fields import subscription_field
from jifen_graphql.schema.states import AsOf, PointBalance, balances_of
from jifen_graphql.schema.swaps import BoardUpdate, are_point_types

if TYPE_CHECKING:
    from jifen.actors.node import Node


@strawberry.type(description="What an account holds after a block.")
class BalanceUpdate:
    """One event of `balance`."""

    account: AccountId
    balances: list[PointBalance]
    as_of: AsOf


@strawberry.type(description="What changes, over WebSocket with the subprotocol graphql-transport-ws.")
class Subscription:
    """The public subscriptions."""

    @subscription_field("An account's balances: at once as they are, then after every change, conflated to the newest.")
    def balance(self, account: AccountId) -> AsyncGenerator[BalanceUpdate, None]:
        """Declare the field; `SOURCES` feeds it."""
        raise AssertionError(f"the balance of {account.hex()} is fed through SOURCES")

    @subscription_field(
        "Offers to everybody of points of one type for another's: at once as they are, then after every change, "
        "conflated to the newest."
    )
    def swap_offers(
        self,
        give_type: Annotated[str, strawberry.argument(description="What the makers give.")],
        want_type: Annotated[str, strawberry.argument(description="What the makers want.")],
    ) -> AsyncGenerator[BoardUpdate, None]:
        """Declare the field; `SOURCES` feeds it."""
        raise AssertionError(f"the offers of {give_type} for {want_type} are fed through SOURCES")

    @subscription_field(
        "Every block in order, without a gap: those above `after`; left out, the newest one and all that follow."
    )
    def blocks(
        self,
        after: Annotated[
            int | None,
            strawberry.argument(description="Height of the last block you have; 0 sends all but genesis."),
        ] = None,
    ) -> AsyncGenerator[Block, None]:
        """Declare the field; `SOURCES` feeds it."""
        raise AssertionError(f"the blocks after {after} are fed through SOURCES")


class Source(NamedTuple):
    """Where the events of a subscription field come from."""

    heights: Callable[[Node, Mapping[str, Any]], AbstractAsyncContextManager[AsyncIterator[int]]]
    """Given the node and the field's coerced arguments: heights at which there is something to tell.

    Raises GraphQLError when the arguments make no sense.
    """
    event: Callable[[RequestContext, Mapping[str, Any], int], BalanceUpdate | BoardUpdate | Block]
    """Given a context whose snapshot includes the height: what the field resolves to."""


def _balance(context: RequestContext, arguments: Mapping[str, Any], _height: int) -> BalanceUpdate:
    account = AccountId(arguments["account"])
    return BalanceUpdate(account=account, balances=balances_of(context.view, account), as_of=AsOf.of(context.view))


def _block(context: RequestContext, _arguments: Mapping[str, Any], height: int) -> Block:
    summary = context.summary(height)
    assert summary is not None, f"the node announced block {height}, which its store does not hold"
    return Block.of(summary)


def _board_heights(node: Node, arguments: Mapping[str, Any]) -> AbstractAsyncContextManager[AsyncIterator[int]]:
    pair = arguments["giveType"], arguments["wantType"]
    if not are_point_types(*pair):
        raise GraphQLError(
            f"{' and '.join(pair)}: write point types like north-music/consumer", extensions={"code": "BAD_ARGUMENT"}
        )
    return node.subscribe_board(*pair)


def _board(_context: RequestContext, arguments: Mapping[str, Any], _height: int) -> BoardUpdate:
    return BoardUpdate(give_type=arguments["giveType"], want_type=arguments["wantType"])


def _block_heights(node: Node, arguments: Mapping[str, Any]) -> AbstractAsyncContextManager[AsyncIterator[int]]:
    after = arguments.get("after")
    if after is not None and after < -1:
        raise GraphQLError("after is a height; -1 begins with genesis", extensions={"code": "BAD_PAGE"})
    if after is not None:
        with node.read() as view:
            missing = max(after + 1, 1)
            if not view.holds(missing):
                raise GraphQLError(str(BlockNotHeld(missing, view.first_height)), extensions={"code": BLOCK_NOT_HELD})
    return node.subscribe_blocks(after)


SOURCES: Final[dict[str, Source]] = {
    "balance": Source(lambda node, arguments: node.subscribe_account(arguments["account"]), _balance),
    "swapOffers": Source(_board_heights, _board),
    "blocks": Source(_block_heights, _block),
}
"""Subscription fields by their GraphQL name. A test holds this table against the schema."""
