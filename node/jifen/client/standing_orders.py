"""Standing orders as the API tells them."""

from datetime import datetime
from typing import Final

from jifen.client.queries import Operation
from jifen.client.records import Answer


class StandingOrder(Answer, frozen=True):
    """What a member has asked to be redeemed after purchases at an organization."""

    account: str
    organization: str
    reward: str
    threshold: int
    """Points that must be there to be spent, and the highest price."""
    per_day: int
    until: datetime
    transaction: str
    """By which the member asked for it."""


STANDING_ORDER: Final = Operation[StandingOrder | None](
    "query StandingOrder($account: AccountId!, $organization: String!, $minHeight: Int) { standingOrder(account: "
    "$account, organization: $organization, minHeight: $minHeight) { account organization reward threshold perDay "
    "until transaction } }",
    "standingOrder",
    StandingOrder | None,
)
