"""Lines of orders, as purchases and refunds name them."""

from __future__ import annotations

import strawberry
from graphql import GraphQLError

from jifen.ledger.rules import records as ledger
from jifen.ledger.types import AMOUNT_FEN_MAX
from jifen_graphql.schema.scalars import Points


@strawberry.input(description="A line of an order.")
class OrderLineInput:
    """A part of an order."""

    category: str = ""
    item: str = ""
    amount_fen: Points

    def to_ledger(self) -> ledger.OrderLine:
        """Return the ledger's form."""
        return ledger.OrderLine(self.category, self.item, self.amount_fen)


def lines_of(amount_fen: int, items: list[OrderLineInput] | None) -> tuple[ledger.OrderLine, ...]:
    """Return the ledger's form of the lines of so large an order; raises GraphQLError for what it cannot write."""
    # Before a transaction is built: a number too large for its encoding would be our error, not the caller's.
    if max([amount_fen, *(item.amount_fen for item in items or ())]) > AMOUNT_FEN_MAX:
        raise GraphQLError(
            f"amountFen must not exceed {AMOUNT_FEN_MAX}; split the order", extensions={"code": "BAD_AMOUNT"}
        )
    if len(items or ()) > ledger.ORDER_LINES_MAX:
        raise GraphQLError(f"items: at most {ledger.ORDER_LINES_MAX}", extensions={"code": "BAD_ARGUMENT"})
    return tuple(item.to_ledger() for item in items or ())
