"""Effects of prize draws."""

from __future__ import annotations

import strawberry

from jifen.ledger.draws import effects as ledger
from jifen.ledger.draws.records import DrawStatus, RefundReason
from jifen.ledger.types import AccountId
from jifen_graphql.schema.scalars import DateTime, Hash, Points


@strawberry.type(description="A draw was published: its terms never change.")
class DrawCreated:
    """Effect of `createDraw`."""

    organization: str
    draw: str
    draw_hash: Hash = strawberry.field(description="Of organization, name and terms: what people compare.")
    prize_count: int
    close_height: int = strawberry.field(description="Last block that takes entries.")
    settle_by: DateTime

    @classmethod
    def of(cls, effect: ledger.DrawCreated) -> DrawCreated:
        """Return the API's form of an effect."""
        return cls(
            organization=effect.organization,
            draw=effect.draw,
            draw_hash=Hash(effect.hash),
            prize_count=effect.prizes,
            close_height=effect.close_height,
            settle_by=DateTime(effect.settle_by),
        )


@strawberry.type(description="A committer has committed its secret for a draw.")
class SecretCommitted:
    """Effect of `commitToDraw`."""

    organization: str
    draw: str
    committer: str
    missing_committers: int = strawberry.field(description="Those that have not committed theirs yet.")

    @classmethod
    def of(cls, effect: ledger.SecretCommitted) -> SecretCommitted:
        """Return the API's form of an effect."""
        return cls(
            organization=effect.organization,
            draw=effect.draw,
            committer=effect.committer,
            missing_committers=effect.missing,
        )


@strawberry.type(description="A committer keeps its pieces of all secrets of a draw.")
class SecretsKept:
    """Effect of `keepDrawSecrets`."""

    organization: str
    draw: str
    committer: str
    opened: bool = strawberry.field(description="Whether it was the last one, so that members can enter.")

    @classmethod
    def of(cls, effect: ledger.SecretsKept) -> SecretsKept:
        """Return the API's form of an effect."""
        return cls(organization=effect.organization, draw=effect.draw, committer=effect.committer, opened=effect.opened)


@strawberry.type(description="A member has bought entries of a draw; the points are held until it is settled.")
class DrawEntered:
    """Effect of `enterDraw`."""

    organization: str
    draw: str
    account: AccountId
    first_number: int = strawberry.field(description="Number of the first of the entries; the others follow.")
    entry_count: int
    point_type: str
    points: Points
    available_after: Points
    digest: Hash = strawberry.field(description="Over all entries up to these.")

    @classmethod
    def of(cls, effect: ledger.DrawEntered) -> DrawEntered:
        """Return the API's form of an effect."""
        return cls(
            organization=effect.organization,
            draw=effect.draw,
            account=AccountId(effect.account),
            first_number=effect.first,
            entry_count=effect.entries,
            point_type=effect.point_type,
            points=Points(effect.points),
            available_after=Points(effect.available_after),
            digest=Hash(effect.digest),
        )


@strawberry.type(description="Pieces of a draw's secret were shown.")
class SecretRevealed:
    """Effect of `revealSecret`."""

    organization: str
    draw: str
    committer: str = strawberry.field(description="Whose secret it is.")
    pieces: int = strawberry.field(description="Shown for the first time.")
    missing_pieces: int = strawberry.field(description="Of all secrets; with none the winners are drawn.")

    @classmethod
    def of(cls, effect: ledger.SecretRevealed) -> SecretRevealed:
        """Return the API's form of an effect."""
        return cls(
            organization=effect.organization,
            draw=effect.draw,
            committer=effect.committer,
            pieces=effect.pieces,
            missing_pieces=effect.missing,
        )


@strawberry.type(description="A draw was called off: the points of its entries go back.")
class DrawCancelled:
    """Effect of `cancelDraw`."""

    organization: str
    draw: str
    cancellation: str = strawberry.field(description="The reason that members are told.")
    entry_count: int

    @classmethod
    def of(cls, effect: ledger.DrawCancelled) -> DrawCancelled:
        """Return the API's form of an effect."""
        return cls(
            organization=effect.organization,
            draw=effect.draw,
            cancellation=effect.reason,
            entry_count=effect.entries,
        )


@strawberry.type(description="A prize was handed over.")
class PrizeFulfilled:
    """Effect of `fulfilPrize`."""

    organization: str
    draw: str
    number: int = strawberry.field(description="Of the entry that won.")
    account: AccountId
    prize: int = strawberry.field(description="Which of the draw's prizes, from 0.")

    @classmethod
    def of(cls, effect: ledger.PrizeFulfilled) -> PrizeFulfilled:
        """Return the API's form of an effect."""
        return cls(
            organization=effect.organization,
            draw=effect.draw,
            number=effect.entry,
            account=AccountId(effect.account),
            prize=effect.prize,
        )


@strawberry.type(description="The winners of a draw are drawn; anybody can do it again from what the ledger shows.")
class WinnersDrawn:
    """Effect of the last `revealSecret`."""

    organization: str
    draw: str
    entry_count: int
    digest: Hash = strawberry.field(description="Over all entries.")
    seed: Hash = strawberry.field(description="Of the digest and all pieces of all secrets.")
    winner_count: int = strawberry.field(description="How many have won; the draw itself lists them.")
    withheld: list[str] = strawberry.field(description="Committers that did not show their secrets themselves.")

    @classmethod
    def of(cls, effect: ledger.WinnersDrawn) -> WinnersDrawn:
        """Return the API's form of an effect."""
        return cls(
            organization=effect.organization,
            draw=effect.draw,
            entry_count=effect.entries,
            digest=Hash(effect.digest),
            seed=Hash(effect.seed),
            winner_count=len(effect.winners),
            withheld=list(effect.withheld),
        )


@strawberry.type(description="The points of a member's entries are spent, or given back.")
class EntriesSettled:
    """Effect of time."""

    organization: str
    draw: str
    account: AccountId
    first_number: int
    entry_count: int
    point_type: str
    points: Points
    refunded: bool
    debt_repaid: Points = strawberry.field(description="Part of what was given back that repaid a debt.")

    @classmethod
    def of(cls, effect: ledger.EntriesSettled) -> EntriesSettled:
        """Return the API's form of an effect."""
        return cls(
            organization=effect.organization,
            draw=effect.draw,
            account=AccountId(effect.account),
            first_number=effect.first,
            entry_count=effect.entries,
            point_type=effect.point_type,
            points=Points(effect.points),
            refunded=effect.refunded,
            debt_repaid=Points(effect.debt_repaid),
        )


@strawberry.type(description="All entries of a draw are settled, or given back.")
class DrawEnded:
    """Effect of time."""

    organization: str
    draw: str
    draw_status: DrawStatus
    refund_reason: RefundReason
    entry_count: int
    withheld: list[str] = strawberry.field(
        description="Committers that did not show their secrets, when everything goes back for that."
    )

    @classmethod
    def of(cls, effect: ledger.DrawEnded) -> DrawEnded:
        """Return the API's form of an effect."""
        return cls(
            organization=effect.organization,
            draw=effect.draw,
            draw_status=effect.status,
            refund_reason=effect.reason,
            entry_count=effect.entries,
            withheld=list(effect.withheld),
        )
