"""Tiers: programmes, whom they recognise, and how far an account has come."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import strawberry

from jifen.ledger.records import read
from jifen.ledger.state import tier_book_key
from jifen.ledger.tiers import qualifying as rules
from jifen.ledger.tiers import records as ledger
from jifen.ledger.tiers.records import Downgrade
from jifen.ledger.types import AccountId
from jifen_graphql.schema.scalars import DateTime, Points, SignedPoints

if TYPE_CHECKING:
    from jifen.actors.node import ReadView


@strawberry.enum(description="In which span of time qualifying points count together.")
class TierPeriodMode(Enum):
    """The three kinds of periods."""

    YEARS = strawberry.enum_value("YEARS", description="Calendar years of the programme's local time.")
    MONTHS = strawberry.enum_value("MONTHS", description="Calendar months of the programme's local time.")
    ROLLING = strawberry.enum_value("ROLLING", description="`days` local days from a member's own purchase on.")


@strawberry.type(description="A rank of an organization's tiers.")
class Tier:
    """A tier."""

    id: str
    name: str
    threshold: Points = strawberry.field(description="Qualifying points of one period that reach it.")


@strawberry.type(description="One version of an organization's tiers.")
class TierProgramme:
    """A programme."""

    version: int
    tiers: list[Tier] = strawberry.field(description="The lowest first.")
    period: TierPeriodMode
    period_days: int | None = strawberry.field(description="Of a ROLLING period.")
    utc_offset_minutes: int
    downgrade: Downgrade
    grace_days: int

    @classmethod
    def of(cls, programme: ledger.TierProgramme) -> TierProgramme:
        """Return the API's form of a programme."""
        period = programme.period
        if isinstance(period, ledger.RollingPeriod):
            mode, days = TierPeriodMode.ROLLING, period.days
        else:
            mode, days = TierPeriodMode.MONTHS if period.monthly else TierPeriodMode.YEARS, None
        return cls(
            version=programme.version,
            tiers=[Tier(id=tier.id, name=tier.name, threshold=Points(tier.threshold)) for tier in programme.tiers],
            period=mode,
            period_days=days,
            utc_offset_minutes=programme.utc_offset_minutes,
            downgrade=programme.downgrade,
            grace_days=programme.grace_days,
        )


@strawberry.type(description="Whoever has `tier` of `organization` is treated as having `countsAs` here.")
class RecognisedTier:
    """An entry of a map of recognition."""

    organization: str
    tier: str
    counts_as: str


@strawberry.type(description="One version of the map by which an organization recognises the tiers of others.")
class Recognition:
    """A map."""

    version: int
    entries: list[RecognisedTier]

    @classmethod
    def of(cls, recognition: ledger.Recognition) -> Recognition:
        """Return the API's form of a map."""
        return cls(
            version=recognition.version,
            entries=[
                RecognisedTier(organization=entry.organization, tier=entry.tier, counts_as=entry.counts_as)
                for entry in recognition.entries
            ],
        )


@strawberry.type(description="The tiers of an organization and its map of recognition.")
class OrganizationTiers:
    """What `tiers` gives."""

    organization: str
    programme: TierProgramme | None
    recognition: Recognition | None


@strawberry.type(
    description="Why an account has a tier: it was reached at an organization, and the receipts of a block prove it."
)
class TierPath:
    """The proof of a tier."""

    organization: str = strawberry.field(description="Where it was earned.")
    earned_tier: str = strawberry.field(description="Which tier it is there.")
    map_version: int | None = strawberry.field(description="Version of the map that recognises it; null: it is own.")
    since: DateTime
    height: int = strawberry.field(description="The receipts of this block tell of it (`TierChanged`).")


@strawberry.type(description="How far an account has come in an organization's tiers.")
class TierProgress:
    """What `tierProgress` gives."""

    organization: str
    account: AccountId
    tier: str | None = strawberry.field(description="The best one that it has here, recognised ones included.")
    path: TierPath | None = strawberry.field(description="Why it has that tier; null without one.")
    own_tier: str | None = strawberry.field(description="The one that was reached here.")
    qualifying_points: SignedPoints = strawberry.field(
        description="Of the running period; below zero when more of an earlier one was refunded than bought since."
    )
    lifetime: Points
    period_end: DateTime | None = strawberry.field(description="Null while no period runs.")
    next_tier: str | None
    points_to_next: Points | None
    evaluated_at: DateTime | None = strawberry.field(description="When the own tier is judged next; null without one.")
    grace_until: DateTime | None
    at_risk: bool = strawberry.field(description="Whether the own tier would fall, were it judged by now.")
    points_to_keep: Points = strawberry.field(description="What has to be bought until then to keep it; 0: nothing.")


def tiers_of(view: ReadView, organization: str) -> OrganizationTiers | None:
    """Return an organization's tiers and map, None when it has neither."""
    book = read(view, tier_book_key(organization), ledger.TierBook)
    if book is None or (book.programme is None and book.recognition is None):
        return None
    return OrganizationTiers(
        organization=organization,
        programme=TierProgramme.of(book.programme) if book.programme else None,
        recognition=Recognition.of(book.recognition) if book.recognition else None,
    )


def progress_of(view: ReadView, organization: str, account: AccountId) -> TierProgress | None:
    """Return how far an account has come, None where there are no tiers."""
    book = read(view, tier_book_key(organization), ledger.TierBook)
    if book is None or book.programme is None:
        return None
    programme = book.programme
    standing = rules.standing_of(view, organization, account, view.block_time)
    member = standing.member
    rank = rules.rank_of(programme, member.tier)
    counted = member.judged if member.grace_until else member.points
    keep = max(0, programme.tiers[rank - 1].threshold - counted) if rank else 0
    falls = programme.downgrade is not Downgrade.NEVER
    following = programme.tiers[rank] if rank < len(programme.tiers) else None
    path = standing.path
    return TierProgress(
        organization=organization,
        account=account,
        tier=standing.tier or None,
        path=TierPath(
            organization=path.organization,
            earned_tier=path.tier,
            map_version=path.map_version or None,
            since=DateTime(path.member.since),
            height=path.member.height,
        )
        if path
        else None,
        own_tier=member.tier or None,
        qualifying_points=SignedPoints(member.points),
        lifetime=Points(member.lifetime),
        period_end=DateTime(member.period_end) if member.period_end else None,
        next_tier=following.id if following else None,
        points_to_next=Points(max(0, following.threshold - member.points)) if following else None,
        evaluated_at=DateTime(member.due) if member.due else None,
        grace_until=DateTime(member.grace_until) if member.grace_until else None,
        at_risk=bool(keep) and falls,
        points_to_keep=Points(keep if falls else 0),
    )
