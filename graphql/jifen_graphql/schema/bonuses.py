"""Bonuses: the limits within which an organization's operators grant and adjust, and what they have done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import strawberry

from jifen.ledger.bonuses import records as ledger
from jifen.ledger.bonuses.granting import local_day
from jifen.ledger.records import read
from jifen.ledger.state import bonus_book_key, clerk_key
from jifen.ledger.types import POINTS_MAX, AccountId, PublicKey
from jifen_graphql.schema.scalars import Points

if TYPE_CHECKING:
    from jifen.actors.node import ReadView


@strawberry.type(description="The limits within which an organization's operators grant and adjust points.")
class BonusPolicy:
    """A policy, and what bonuses have come to under it."""

    organization: str
    version: int = strawberry.field(description="0: the defaults; the organization has set nothing.")
    grant_max: Points = strawberry.field(description="Most points of one bonus.")
    two_operators_above: Points = strawberry.field(description="More points need a second operator's signature.")
    clerk_points_per_day: Points
    clerk_goodwill_per_day: int
    budget: Points | None = strawberry.field(description="For all bonuses under this version; null: none is set.")
    granted: Points = strawberry.field(description="Points of bonuses under this version.")
    utc_offset_minutes: int = strawberry.field(description="Local time in which an operator's day ends.")
    staff: list[AccountId] = strawberry.field(description="Accounts that can be given nothing.")


@strawberry.type(description="What one operator has granted and adjusted on the day of the snapshot's block.")
class ClerkDay:
    """An operator's day."""

    organization: str
    clerk: PublicKey
    points: Points
    goodwill: int = strawberry.field(description="Grants for goodwill.")
    points_left: Points
    goodwill_left: int


def policy_of(view: ReadView, organization: str) -> BonusPolicy:
    """Return an organization's limits, those that it has set or the defaults."""
    book = read(view, bonus_book_key(organization), ledger.BonusBook) or ledger.DEFAULT_BOOK
    policy = book.policy
    return BonusPolicy(
        organization=organization,
        version=policy.version,
        grant_max=Points(policy.grant_max),
        two_operators_above=Points(policy.two_operators_above),
        clerk_points_per_day=Points(policy.clerk_points_per_day),
        clerk_goodwill_per_day=policy.clerk_goodwill_per_day,
        budget=None if policy.budget == POINTS_MAX else Points(policy.budget),
        granted=Points(book.granted),
        utc_offset_minutes=policy.utc_offset_minutes,
        staff=[AccountId(account) for account in policy.staff],
    )


def clerk_day_of(view: ReadView, organization: str, clerk: PublicKey) -> ClerkDay:
    """Return what an operator has done today; nothing for a key that is nobody's."""
    policy = (read(view, bonus_book_key(organization), ledger.BonusBook) or ledger.DEFAULT_BOOK).policy
    record = read(view, clerk_key(organization, clerk), ledger.ClerkDay)
    today = record is not None and record.day == local_day(view.block_time, policy.utc_offset_minutes)
    points, goodwill = (record.points, record.goodwill) if record is not None and today else (0, 0)
    return ClerkDay(
        organization=organization,
        clerk=clerk,
        points=Points(points),
        goodwill=goodwill,
        points_left=Points(max(0, policy.clerk_points_per_day - points)),
        goodwill_left=max(0, policy.clerk_goodwill_per_day - goodwill),
    )
