"""Asking about rewards, redemptions and cash back; `Client` and `SyncClient` take these in."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from jifen.client import rewards
from jifen.client.queries import Operation
from jifen.client.rewards import Cashback, CashbackPolicy, Redemption, Reward

if TYPE_CHECKING:
    from jifen.client.client import Client

T = TypeVar("T")
C = TypeVar("C", Redemption, Cashback)


class RewardCalls(ABC):
    """Questions about rewards, redemptions and cash back; lists are asked for page by page until their end."""

    @abstractmethod
    async def _ask(
        self, operation: Operation[T], variables: dict[str, Any], *, timeout_seconds: float | None = None
    ) -> T:
        """Ask and return the answer."""

    async def _whole(self, operation: Operation[tuple[C, ...]], variables: dict[str, Any]) -> tuple[C, ...]:
        """Ask for page after page and return everything."""
        found: list[C] = []
        while True:
            page = await self._ask(operation, variables | {"after": found[-1].cursor if found else None})
            found += page
            if len(page) < rewards.PAGE:
                return tuple(found)

    async def rewards(self, organization: str, *, account: str | None = None) -> tuple[Reward, ...]:
        """Return an organization's rewards in order of id, and what each is for an account."""
        found: list[Reward] = []
        while True:
            variables = {"organization": organization, "account": account, "after": found[-1].id if found else None}
            page = await self._ask(rewards.REWARDS, variables)
            found += page
            if len(page) < rewards.REWARDS_PAGE:
                return tuple(found)

    async def reward(self, reward: str, *, account: str | None = None) -> Reward | None:
        """Return a reward by its id, and what it is for an account; None when there is none."""
        return await self._ask(rewards.REWARD, {"id": reward, "account": account})

    async def redemption(self, reward: str, number: int) -> Redemption | None:
        """Return a redemption by reward and number, or None."""
        return await self._ask(rewards.REDEMPTION, {"reward": reward, "number": number})

    async def account_redemptions(self, account: str) -> tuple[Redemption, ...]:
        """Return what an account has redeemed, the oldest first."""
        return await self._whole(rewards.ACCOUNT_REDEMPTIONS, {"account": account})

    async def organization_redemptions(self, organization: str, *, reward: str | None = None) -> tuple[Redemption, ...]:
        """Return what was redeemed at an organization, by reward and number; of one reward, or of all."""
        variables = {"organization": organization, "reward": reward}
        return await self._whole(rewards.ORGANIZATION_REDEMPTIONS, variables)

    async def cashback_policy(self, point_type: str) -> CashbackPolicy | None:
        """Return what an issuer pays for points of a type; None while it has never said."""
        return await self._ask(rewards.CASHBACK_POLICY, {"pointType": point_type})

    async def account_cashbacks(self, account: str) -> tuple[Cashback, ...]:
        """Return what an account has asked money for, the oldest first."""
        return await self._whole(rewards.ACCOUNT_CASHBACKS, {"account": account})

    async def issuer_cashbacks(self, issuer: str) -> tuple[Cashback, ...]:
        """Return what an issuer was asked money for, by point type and number."""
        return await self._whole(rewards.ISSUER_CASHBACKS, {"issuer": issuer})

    async def unpaid_cashbacks(self, issuer: str, *, overdue: bool = False) -> tuple[Cashback, ...]:
        """Return what an issuer has not paid yet, by point type and when it is due; or only what is overdue."""
        return await self._whole(rewards.UNPAID_CASHBACKS, {"issuer": issuer, "overdue": overdue})


class BlockingRewardCalls(ABC):
    """The same questions, asked from a thread without trio."""

    _client: "Client"

    @abstractmethod
    def _run(self, call: Callable[[], Awaitable[T]]) -> T:
        """Run a call in the client's thread and return what it gives."""

    def rewards(self, organization: str, *, account: str | None = None) -> tuple[Reward, ...]:
        """See `Client.rewards`."""
        return self._run(lambda: self._client.rewards(organization, account=account))

    def reward(self, reward: str, *, account: str | None = None) -> Reward | None:
        """See `Client.reward`."""
        return self._run(lambda: self._client.reward(reward, account=account))

    def redemption(self, reward: str, number: int) -> Redemption | None:
        """See `Client.redemption`."""
        return self._run(lambda: self._client.redemption(reward, number))

    def account_redemptions(self, account: str) -> tuple[Redemption, ...]:
        """See `Client.account_redemptions`."""
        return self._run(lambda: self._client.account_redemptions(account))

    def organization_redemptions(self, organization: str, *, reward: str | None = None) -> tuple[Redemption, ...]:
        """See `Client.organization_redemptions`."""
        return self._run(lambda: self._client.organization_redemptions(organization, reward=reward))

    def cashback_policy(self, point_type: str) -> CashbackPolicy | None:
        """See `Client.cashback_policy`."""
        return self._run(lambda: self._client.cashback_policy(point_type))

    def account_cashbacks(self, account: str) -> tuple[Cashback, ...]:
        """See `Client.account_cashbacks`."""
        return self._run(lambda: self._client.account_cashbacks(account))

    def issuer_cashbacks(self, issuer: str) -> tuple[Cashback, ...]:
        """See `Client.issuer_cashbacks`."""
        return self._run(lambda: self._client.issuer_cashbacks(issuer))

    def unpaid_cashbacks(self, issuer: str, *, overdue: bool = False) -> tuple[Cashback, ...]:
        """See `Client.unpaid_cashbacks`."""
        return self._run(lambda: self._client.unpaid_cashbacks(issuer, overdue=overdue))
