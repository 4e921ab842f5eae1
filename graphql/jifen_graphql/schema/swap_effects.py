"""Effects of swap offers."""

from __future__ import annotations

import strawberry

from jifen.ledger.swaps import bodies as ledger
from jifen.ledger.swaps.records import OfferEnd
from jifen.ledger.types import AccountId
from jifen_graphql.schema.scalars import DateTime, Hash, Points


@strawberry.type(description="Points were offered for points of another type, and set aside.")
class SwapOffered:
    """Effect of `createSwapOffer`."""

    offer: Hash
    maker: AccountId
    give_type: str
    give_points: Points
    want_type: str
    want_points: Points
    value_fen: Points = strawberry.field(description="What both legs are agreed to be worth.")
    open_until: DateTime = strawberry.field(description="As asked for, or when the first of the points expires.")
    available_after: Points = strawberry.field(description="The maker's available points of the type given.")

    @classmethod
    def of(cls, effect: ledger.SwapOffered) -> SwapOffered:
        """Return the API's form of an effect."""
        return cls(
            offer=Hash(effect.offer),
            maker=AccountId(effect.maker),
            give_type=effect.give_type,
            give_points=Points(effect.give_points),
            want_type=effect.want_type,
            want_points=Points(effect.want_points),
            value_fen=Points(effect.value_fen),
            open_until=DateTime(effect.open_until),
            available_after=Points(effect.available_after),
        )


@strawberry.type(description="Points changed hands both ways at once, in the offer's ratio exactly.")
class PointsSwapped:
    """Effect of `acceptSwapOffer`."""

    offer: Hash
    maker: AccountId
    taker: AccountId
    give_type: str
    points: Points = strawberry.field(description="From the maker to the taker.")
    want_type: str
    pays: Points = strawberry.field(description="From the taker to the maker.")
    value_fen: Points = strawberry.field(description="What either leg is agreed to be worth.")
    left: Points = strawberry.field(description="Points that can still be taken; 0: the offer is closed.")
    maker_available_after: Points = strawberry.field(description="The maker's available points of the type wanted.")
    taker_available_after: Points = strawberry.field(description="The taker's available points of the type given.")
    taker_available_left: Points = strawberry.field(description="The taker's available points of the type wanted.")

    @classmethod
    def of(cls, effect: ledger.PointsSwapped) -> PointsSwapped:
        """Return the API's form of an effect."""
        return cls(
            offer=Hash(effect.offer),
            maker=AccountId(effect.maker),
            taker=AccountId(effect.taker),
            give_type=effect.give_type,
            points=Points(effect.points),
            want_type=effect.want_type,
            pays=Points(effect.pays),
            value_fen=Points(effect.value_fen),
            left=Points(effect.left),
            maker_available_after=Points(effect.maker_available_after),
            taker_available_after=Points(effect.taker_available_after),
            taker_available_left=Points(effect.taker_available_left),
        )


@strawberry.type(description="An offer has ended that was not accepted in full; what was left of it has come back.")
class SwapOfferClosed:
    """Effect of `cancelSwapOffer`, of `lockAccount`, or of time."""

    offer: Hash
    maker: AccountId
    end: OfferEnd
    give_type: str
    points: Points = strawberry.field(description="What was left.")
    debt_repaid: Points = strawberry.field(description="Part of the points that repaid what refunds had left owing.")
    available_after: Points

    @classmethod
    def of(cls, effect: ledger.SwapOfferClosed) -> SwapOfferClosed:
        """Return the API's form of an effect."""
        return cls(
            offer=Hash(effect.offer),
            maker=AccountId(effect.maker),
            end=effect.end,
            give_type=effect.give_type,
            points=Points(effect.points),
            debt_repaid=Points(effect.debt_repaid),
            available_after=Points(effect.available_after),
        )
