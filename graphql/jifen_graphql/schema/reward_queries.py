"""The queries about rewards, redemptions and cash back."""

from __future__ import annotations

from typing import Annotated

import strawberry

from jifen.ledger.cashback import records as cash
from jifen.ledger.records import read
from jifen.ledger.rewards import records as ledger
from jifen.ledger.types import AccountId
from jifen_graphql.limits import REWARDS_PAGE_DEFAULT
from jifen_graphql.schema.context import Info
from jifen_graphql.schema.fields import query_field
from jifen_graphql.schema.pages import check_page_size
from jifen_graphql.schema.rewards import (
    Cashback,
    CashbackPolicy,
    Redemption,
    Reward,
    cashbacks_of_account,
    cashbacks_of_issuer,
    is_point_type_id,
    is_reward_id,
    redemptions_of_account,
    redemptions_of_reward,
    rewards_of,
    unpaid_cashbacks,
)

PageSize = Annotated[int, strawberry.argument(description="At most 50.")]
Cursor = Annotated[str | None, strawberry.argument(description="Cursor of the last one you have.")]


@strawberry.type
class RewardQueries:
    """What `Query` inherits."""

    @query_field("Rewards of an organization with what is left of them, and what a member would pay; in order of id.")
    def examine_rewards(
        self,
        info: Info,
        organization: str,
        account: Annotated[
            AccountId | None, strawberry.argument(description="The member, if it is asked for one.")
        ] = None,
        first: PageSize = REWARDS_PAGE_DEFAULT,
        after: Annotated[str | None, strawberry.argument(description="Id of the last reward you have.")] = None,
    ) -> list[Reward]:
        """Read a page of rewards of the snapshot."""
        check_page_size("Query", "examineRewards", first)
        return rewards_of(info.context.view, organization, account, first, after)

    @query_field("A reward by its id, `<organization>/<reward>`; null when there is none.")
    def reward(self, info: Info, id: str, account: AccountId | None = None) -> Reward | None:
        """Read a reward of the snapshot."""
        record = read(info.context.view, ledger.reward_key(id), ledger.Reward) if is_reward_id(id) else None
        return Reward.of(info.context.view, record, account) if record else None

    @query_field("A redemption by reward and number; null when there is none.")
    def redemption(self, info: Info, reward: str, number: int) -> Redemption | None:
        """Read a redemption of the snapshot."""
        if not (0 < number <= ledger.STOCK_MAX and is_reward_id(reward)):
            return None
        key = ledger.redemption_key(reward, number)
        record = read(info.context.view, key, ledger.Redemption)
        return Redemption.of(key, record) if record else None

    @query_field("What an account has redeemed, the oldest first.")
    def account_redemptions(
        self, info: Info, account: AccountId, first: PageSize = REWARDS_PAGE_DEFAULT, after: Cursor = None
    ) -> list[Redemption]:
        """Read a page of redemptions of the snapshot."""
        check_page_size("Query", "accountRedemptions", first)
        return redemptions_of_account(info.context.view, account, first, after)

    @query_field("What was redeemed at an organization, by reward and number; of one reward, or of all.")
    def organization_redemptions(
        self,
        info: Info,
        organization: str,
        reward: Annotated[str | None, strawberry.argument(description="Id of one of its rewards.")] = None,
        first: PageSize = REWARDS_PAGE_DEFAULT,
        after: Cursor = None,
    ) -> list[Redemption]:
        """Read a page of redemptions of the snapshot."""
        check_page_size("Query", "organizationRedemptions", first)
        name = f"{organization}/" if reward is None else reward
        return redemptions_of_reward(info.context.view, name, first, after)

    @query_field("What an issuer pays for points of a type; null while it pays nothing.")
    def cashback_policy(self, info: Info, point_type: str) -> CashbackPolicy | None:
        """Read a policy of the snapshot."""
        if not is_point_type_id(point_type):
            return None
        record = read(info.context.view, cash.cashback_policy_key(point_type), cash.CashbackPolicy)
        return CashbackPolicy.of(point_type, record) if record else None

    @query_field("What an account has asked money for, the oldest first.")
    def account_cashbacks(
        self, info: Info, account: AccountId, first: PageSize = REWARDS_PAGE_DEFAULT, after: Cursor = None
    ) -> list[Cashback]:
        """Read a page of requests of the snapshot."""
        check_page_size("Query", "accountCashbacks", first)
        return cashbacks_of_account(info.context.view, account, first, after)

    @query_field("What an issuer was asked money for, by point type and number.")
    def issuer_cashbacks(
        self, info: Info, issuer: str, first: PageSize = REWARDS_PAGE_DEFAULT, after: Cursor = None
    ) -> list[Cashback]:
        """Read a page of requests of the snapshot."""
        check_page_size("Query", "issuerCashbacks", first)
        return cashbacks_of_issuer(info.context.view, issuer, first, after)

    @query_field("What an issuer has not paid yet, by point type and by when it is due; or overdue requests only.")
    def unpaid_cashbacks(
        self,
        info: Info,
        issuer: str,
        overdue: Annotated[bool, strawberry.argument(description="Only what is due at the snapshot's block.")] = False,
        first: PageSize = REWARDS_PAGE_DEFAULT,
        after: Cursor = None,
    ) -> list[Cashback]:
        """Read a page of requests of the snapshot."""
        check_page_size("Query", "unpaidCashbacks", first)
        return unpaid_cashbacks(info.context.view, issuer, overdue, first, after)
