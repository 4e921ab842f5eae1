"""Transactions about earning rules, campaigns, policies and tags."""

from jifen.ledger.bodies import TransactionBody
from jifen.ledger.rules.records import Campaign, EarningPolicy, EarningRule, Tags
from jifen.ledger.types import PointTypeName, Slug


class PublishEarningRule(TransactionBody, frozen=True, tag=35):
    """Publish the next version of a point type's earning rule; signed by an operator of the issuer with scope ADMIN.

    Where the policy of a mall asks for it, an operator of the mall with scope ADMIN signs too.
    """

    issuer: Slug
    point_type: PointTypeName
    rule: EarningRule
    """`version` is the newest one's and 1; `effective_from` 0 means: from this block on."""


class SetEarningPolicy(TransactionBody, frozen=True, tag=36):
    """Say what the merchants under a mall may promise; signed by an operator of the mall with scope ADMIN.

    Whoever comes under the policy by it signs too, with scope ADMIN. Rules that hold already stay as they are.
    """

    mall: Slug
    policy: EarningPolicy
    """`version` is the newest one's and 1, or 1."""


class PublishCampaign(TransactionBody, frozen=True, tag=37):
    """Publish a campaign; signed as an earning rule is."""

    issuer: Slug
    point_type: PointTypeName
    campaign: Campaign


class EndCampaign(TransactionBody, frozen=True, tag=38):
    """End a campaign before its time; signed by an operator of the issuer with scope ADMIN.

    Points that it has given stay; orders that it counted for keep it in their refunds.
    """

    issuer: Slug
    point_type: PointTypeName
    campaign: Slug


class SetOrganizationTags(TransactionBody, frozen=True, tag=39):
    """Say where an organization does business, and in what; signed by an operator of it with scope ADMIN.

    Rules and campaigns may hold for some regions or industries only.
    """

    organization: Slug
    regions: Tags
    """Sorted, nothing twice."""
    industries: Tags
    """Sorted, nothing twice."""
