"""Swap offers, as members look for them: the board, and an account's own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import strawberry
from graphql import GraphQLError

from jifen.ledger.records import read
from jifen.ledger.state import after_prefix, offer_key
from jifen.ledger.swaps import records as ledger
from jifen.ledger.types import POINT_TYPE_PATTERN, AccountId
from jifen_graphql.limits import SWAPS_PAGE_DEFAULT
from jifen_graphql.schema.context import Info
from jifen_graphql.schema.fields import query_field
from jifen_graphql.schema.pages import check_page_size
from jifen_graphql.schema.scalars import DateTime, Hash, Points
from jifen_graphql.schema.states import AsOf

if TYPE_CHECKING:
    from jifen.actors.node import ReadView

_POINT_TYPE_ID = re.compile(POINT_TYPE_PATTERN)


@strawberry.type(description="An open offer of a member: points of one type for points of another.")
class SwapOffer:
    """Its price is wantPoints for givePoints, exactly, in every part."""

    id: Hash = strawberry.field(description="Of the transaction that made it; what `acceptSwapOffer` names.")
    maker: AccountId
    give_type: str
    give_points: Points = strawberry.field(description="Offered in all.")
    want_type: str
    want_points: Points = strawberry.field(description="Wanted for all of it.")
    value_fen: Points = strawberry.field(description="What both legs of the whole are agreed to be worth.")
    minimum: Points = strawberry.field(description="Fewest points taken at once, unless fewer are left.")
    left: Points = strawberry.field(description="Points that can still be taken.")
    open_until: DateTime
    counterparty: AccountId | None = strawberry.field(description="Who alone can accept it; null: anybody.")
    cursor: str = strawberry.field(description="What `after` of `swapOffers` takes; empty when it is not on the board.")

    @classmethod
    def of(cls, identity: bytes, record: ledger.SwapOffer) -> SwapOffer:
        """Return the API's form of a record."""
        shown = record.counterparty is None
        return cls(
            id=Hash(identity),
            maker=AccountId(record.maker),
            give_type=record.give_type,
            give_points=Points(record.give_points),
            want_type=record.want_type,
            want_points=Points(record.want_points),
            value_fen=Points(record.value_fen),
            minimum=Points(record.minimum),
            left=Points(record.left),
            open_until=DateTime(record.open_until),
            counterparty=None if record.counterparty is None else AccountId(record.counterparty),
            cursor=ledger.board_key(identity, record).hex() if shown else "",
        )


def offer_of(view: ReadView, identity: bytes) -> SwapOffer | None:
    """Return an open offer by its id."""
    record = read(view, offer_key(identity), ledger.SwapOffer)
    return SwapOffer.of(identity, record) if record else None


@strawberry.type(description="The offers of one pair of point types after a block.")
class BoardUpdate:
    """One event of `swapOffers`."""

    give_type: str
    want_type: str

    @query_field("Offers to everybody, the lowest price first, then the oldest.")
    def offers(
        self, info: Info, first: Annotated[int, strawberry.argument(description="At most 50.")] = SWAPS_PAGE_DEFAULT
    ) -> list[SwapOffer]:
        """Read the beginning of the board of the snapshot."""
        check_page_size("BoardUpdate", "offers", first)
        return page_of_board(info.context.view, self.give_type, self.want_type, first, None)

    @strawberry.field
    def as_of(self, info: Info) -> AsOf:
        """Name the snapshot's block."""
        return AsOf.of(info.context.view)


def page_of_board(view: ReadView, give_type: str, want_type: str, first: int, after: str | None) -> list[SwapOffer]:
    """Return offers of a pair behind a cursor; raises GraphQLError (code BAD_PAGE) when that is none of this pair."""
    board = ledger.board_of(give_type, want_type)
    start = board if after is None else _behind(board, after)
    found = view.range(start, after_prefix(board), first)
    offers = (offer_of(view, key[-ledger.ID_BYTES :]) for key, _ in found)
    return [offer for offer in offers if offer is not None]


def are_point_types(*names: str) -> bool:
    """Tell whether these can be ids of point types."""
    return all(_POINT_TYPE_ID.match(name) for name in names)


@strawberry.type
class SwapQueries:
    """What `Query` inherits."""

    @query_field("Offers to everybody of points of one type for another's, the lowest price first, then the oldest.")
    def swap_offers(
        self,
        info: Info,
        give_type: Annotated[str, strawberry.argument(description="What the makers give.")],
        want_type: Annotated[str, strawberry.argument(description="What the makers want.")],
        first: Annotated[int, strawberry.argument(description="At most 50.")] = SWAPS_PAGE_DEFAULT,
        after: Annotated[str | None, strawberry.argument(description="Cursor of the last one you have.")] = None,
    ) -> list[SwapOffer]:
        """Read a page of the board of the snapshot."""
        check_page_size("Query", "swapOffers", first)
        if not are_point_types(give_type, want_type):
            return []
        return page_of_board(info.context.view, give_type, want_type, first, after)

    @query_field("An open offer by its id; null when there is none.")
    def swap_offer(self, info: Info, id: Hash) -> SwapOffer | None:
        """Read an offer of the snapshot."""
        return offer_of(info.context.view, id)

    @query_field("An account's open offers, the oldest first; also those that only one member can accept.")
    def account_swap_offers(self, info: Info, account: AccountId) -> list[SwapOffer]:
        """Read the offers of the snapshot."""
        names = ledger.open_offers_of(info.context.view, account)
        offers = (offer_of(info.context.view, name) for name in names)
        return [offer for offer in offers if offer is not None]


def _behind(board: bytes, after: str) -> bytes:
    """Return the first key behind a cursor of a board; raises GraphQLError (code BAD_PAGE)."""
    size = len(board) + ledger.PRICE_BYTES + 8 + ledger.ID_BYTES
    if len(after) == 2 * size and after.startswith(board.hex()):
        try:
            return bytes.fromhex(after) + b"\0"
        except ValueError:
            pass  # answered below, together with what is no cursor of this board
    raise GraphQLError("after is the cursor of the last one you have", extensions={"code": "BAD_PAGE"})
