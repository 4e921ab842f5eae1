"""Prize draws: everything by which anybody can compute the winners again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import strawberry

from jifen.ledger.draws import records as ledger
from jifen.ledger.draws.records import DrawStatus, RefundReason, prize_of, read_draw, read_tally
from jifen.ledger.draws.settling import entry_with, withheld_in
from jifen.ledger.state import DRAW, DRAW_MEMBER, after_prefix, draw_entry_key, draw_key, draw_member_key
from jifen.ledger.types import AccountId
from jifen_graphql.schema.context import Info
from jifen_graphql.schema.fields import query_field
from jifen_graphql.schema.scalars import DateTime, Hash, Points

if TYPE_CHECKING:
    from jifen.actors.node import ReadView

LAST_NUMBER = 2**63
"""Above the number of every entry."""


@strawberry.type(description="One kind of prize of a draw.")
class DrawPrize:
    """Drawn in their order."""

    name: str
    value_fen: Points
    count: int


@strawberry.type(description="What one entry costs in points of one type.")
class EntryPrice:
    """Points of other issuers pass to the organization, `ratePoints` of them for `rateFen` fen."""

    point_type: str
    points: Points
    rate_points: Points
    rate_fen: Points


@strawberry.type(description="What a draw promises. It never changes.")
class DrawTerms:
    """The terms of a draw."""

    rules_hash: Hash = strawberry.field(description="SHA-256 of the rules in words, as members are shown them.")
    prizes: list[DrawPrize]
    prices: list[EntryPrice]
    entries_min: int = strawberry.field(description="With fewer everything goes back.")
    entries_max: int
    member_entries_max: int
    close_height: int = strawberry.field(description="Last block that takes entries.")
    reveal_by: DateTime = strawberry.field(description="Until then committers show their secrets themselves.")
    settle_by: DateTime = strawberry.field(description="If the winners are not drawn by then, everything goes back.")
    committers: list[str]
    excluded: list[AccountId]

    @classmethod
    def of(cls, terms: ledger.DrawTerms) -> DrawTerms:
        """Return the API's form of terms."""
        return cls(
            rules_hash=Hash(terms.rules_hash),
            prizes=[
                DrawPrize(name=prize.name, value_fen=Points(prize.value_fen), count=prize.count)
                for prize in terms.prizes
            ],
            prices=[
                EntryPrice(
                    point_type=price.point_type,
                    points=Points(price.points),
                    rate_points=Points(price.rate.points),
                    rate_fen=Points(price.rate.fen),
                )
                for price in terms.prices
            ],
            entries_min=terms.entries_min,
            entries_max=terms.entries_max,
            member_entries_max=terms.member_entries_max,
            close_height=terms.close_height,
            reveal_by=DateTime(terms.reveal_by),
            settle_by=DateTime(terms.settle_by),
            committers=list(terms.committers),
            excluded=[AccountId(account) for account in terms.excluded],
        )


@strawberry.type(description="A committer's secret, as far as it is known.")
class DrawSecret:
    """In the order of the committers."""

    committer: str
    kept: bool = strawberry.field(description="Whether the committer has confirmed that it keeps its pieces of all.")
    shown: bool = strawberry.field(description="Whether the committer itself has shown its secret.")
    hashes: list[Hash] = strawberry.field(description="Of its pieces; none before it is committed.")
    pieces: list[Hash | None] = strawberry.field(description="What was shown of it; null for what was not.")


@strawberry.type(description="An entry that has won.")
class DrawWinner:
    """In the order of the prizes."""

    number: int
    prize: int = strawberry.field(description="Which of the prizes, from 0.")
    account: AccountId
    fulfilled: bool = strawberry.field(description="Whether the prize was handed over.")


@strawberry.type(description="A prize draw.")
class Draw:
    """Read when it is asked for."""

    record: strawberry.Private[ledger.Draw]
    organization: str
    name: str
    hash: Hash = strawberry.field(
        description="Of organization, name and terms; the digest over the entries begins with it."
    )
    status: DrawStatus
    refund_reason: RefundReason = strawberry.field(description="Why everything goes back; NONE when it does not.")
    settled_entries: int = strawberry.field(description="Entries up to this number are settled, or given back.")

    @classmethod
    def of(cls, record: ledger.Draw) -> Draw:
        """Return the API's form of a draw."""
        return cls(
            record=record,
            organization=record.organization,
            name=record.name,
            hash=Hash(record.hash),
            status=record.status,
            refund_reason=record.reason,
            settled_entries=record.settled,
        )

    @query_field("What it promises.")
    def terms(self) -> DrawTerms:
        """Return the terms."""
        return DrawTerms.of(self.record.terms)

    @query_field("How many entries it has; the odds of each are the number of prizes to this.")
    def entry_count(self, info: Info) -> int:
        """Read the tally."""
        return read_tally(info.context.view, self.record).entries

    @query_field("Over all entries, each chained to the one before.")
    def digest(self, info: Info) -> Hash:
        """Read the tally."""
        return Hash(read_tally(info.context.view, self.record).digest)

    @query_field("The secrets that decide it.")
    def secrets(self) -> list[DrawSecret]:
        """Return the commitments."""
        pairs = zip(self.record.terms.committers, self.record.commitments, strict=True)
        return [
            DrawSecret(
                committer=committer,
                kept=item.kept,
                shown=item.shown,
                hashes=[Hash(digest) for digest in item.hashes],
                pieces=[Hash(piece) if piece else None for piece in item.pieces],
            )
            for committer, item in pairs
        ]

    @query_field("Committers that have not shown their secrets themselves.")
    def withheld(self) -> list[str]:
        """Return their ids."""
        return list(withheld_in(self.record))

    @query_field("Who has won; empty before the winners are drawn.")
    def winners(self, info: Info) -> list[DrawWinner]:
        """Read the winning entries."""
        return [
            DrawWinner(
                number=number,
                prize=prize_of(self.record.terms, place),
                account=AccountId(entry_with(info.context.view, self.record, number).account),
                fulfilled=number in self.record.fulfilled,
            )
            for place, number in enumerate(self.record.winners)
        ]


@strawberry.type(description="Entries of one member, bought by one transaction.")
class DrawEntry:
    """In the order of their numbers."""

    first_number: int
    last_number: int
    account: AccountId
    point_type: str
    points: Points
    transaction: Hash
    held: bool = strawberry.field(description="Whether the points are still held.")


@strawberry.type(description="What one member has in one draw.")
class MemberDraw:
    """In the order of organization and draw."""

    organization: str
    draw: str
    status: DrawStatus
    entry_count: int
    last_numbers: list[int] = strawberry.field(description="Last number of each purchase of entries.")
    won_numbers: list[int]


def draws_page(view: ReadView, organization: str | None, first: int, after: str | None) -> list[Draw]:
    """Return a page of draws, after one named `<organization>/<draw>`."""
    start = DRAW if organization is None else draw_key(organization, "")
    stop = after_prefix(start) if organization is None else start[:-1] + b"\x01"
    if after is not None:
        owner, _, name = after.partition("/")
        start = max(start, draw_key(owner, name) + b"\0")
    records = [record for _, record in view.range(start, stop, first)]
    return [Draw.of(record) for record in records if isinstance(record, ledger.Draw)]


def draw_of(view: ReadView, organization: str, name: str) -> Draw | None:
    """Return a draw."""
    record = read_draw(view, organization, name)
    return Draw.of(record) if record else None


def entries_page(view: ReadView, organization: str, name: str, first: int, after: int) -> list[DrawEntry]:
    """Return a page of a draw's entries, beyond a number."""
    found = view.range(
        draw_entry_key(organization, name, after + 1), draw_entry_key(organization, name, LAST_NUMBER), first
    )
    return [
        DrawEntry(
            first_number=record.first,
            last_number=record.first + record.count - 1,
            account=AccountId(record.account),
            point_type=record.point_type,
            points=Points(record.points),
            transaction=Hash(record.transaction_id),
            held=bool(record.lots),
        )
        for _, record in found
        if isinstance(record, ledger.DrawEntry)
    ]


def member_draws(view: ReadView, account: bytes, first: int, after: str | None) -> list[MemberDraw]:
    """Return a page of the draws that a member has entered, after one named `<organization>/<draw>`."""
    start = DRAW_MEMBER + account
    if after is not None:
        owner, _, name = after.partition("/")
        start = draw_member_key(account, owner, name) + b"\0"
    found = []
    for key, record in view.range(start, DRAW_MEMBER + account + b"\xff", first):
        assert isinstance(record, ledger.MemberEntries), f"{key.hex()} holds a {type(record).__name__}"
        organization, name = key[21:].decode().split("\0")
        draw = read_draw(view, organization, name)
        assert draw is not None, f"{key.hex()} names a draw that does not exist"
        won = [number for number in draw.winners if entry_with(view, draw, number).account == account]
        found.append(
            MemberDraw(
                organization=organization,
                draw=name,
                status=draw.status,
                entry_count=record.entries,
                last_numbers=list(record.numbers),
                won_numbers=won,
            )
        )
    return found
