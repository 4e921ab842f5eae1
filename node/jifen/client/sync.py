"""The same client for programs that do not use trio: one background thread runs it."""

import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar, final

import trio

from jifen.chain.sealing import SealedTransaction
from jifen.client.bonuses import BonusPolicy, ClerkDay
from jifen.client.client import PROPOSALS_PAGE_DEFAULT, Client
from jifen.client.draws import Draw, DrawEntry, DrawSummary, MemberDraw
from jifen.client.evidence import Evidence
from jifen.client.governance import Proposal, Validator, ValidatorSet, ValidatorSetPreview
from jifen.client.payments import BlockingPaymentCalls
from jifen.client.records import (
    Account,
    BalanceUpdate,
    Block,
    Checkpoint,
    NodeStatus,
    Organization,
    Overview,
    PointBalance,
    Submission,
    Transaction,
)
from jifen.client.reward_calls import BlockingRewardCalls
from jifen.client.rules import EarningCalculation, EarningPolicy, EarningRules, OrderLine
from jifen.client.standing_orders import StandingOrder
from jifen.client.subscriptions import Subscription
from jifen.client.swaps import BlockingSwapCalls
from jifen.client.terms import ExpiringPoints, PointTypeTerms
from jifen.client.tiers import OrganizationTiers, TierProgress
from jifen.ledger.types import RoleClass

T = TypeVar("T")


@final
class SyncClient(BlockingRewardCalls, BlockingPaymentCalls, BlockingSwapCalls):
    """Blocking twin of `Client`; use it as `with SyncClient([...]) as client`. Safe to share between threads."""

    def __init__(self, urls: Sequence[str], **options: Any) -> None:
        """Take the arguments of `Client`."""
        self._client = Client(urls, **options)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: trio.run(self._main), name="jifen-client", daemon=True)

    def __enter__(self) -> Self:
        """Start the thread."""
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections and end the thread."""
        trio.from_thread.run_sync(self._stop.set, trio_token=self._token)
        self._thread.join()

    def status(self) -> NodeStatus:
        """See `Client.status`."""
        return self._run(self._client.status)

    def organizations(self) -> tuple[Organization, ...]:
        """See `Client.organizations`."""
        return self._run(self._client.organizations)

    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """See `Client.checkpoints`."""
        return self._run(self._client.checkpoints)

    def evidence(self, *, validator: str | None = None) -> tuple[Evidence, ...]:
        """See `Client.evidence`."""
        return self._run(lambda: self._client.evidence(validator=validator))

    def validator_set(self) -> ValidatorSet:
        """See `Client.validator_set`."""
        return self._run(self._client.validator_set)

    def validator(self, identity: str) -> Validator | None:
        """See `Client.validator`."""
        return self._run(lambda: self._client.validator(identity))

    def preview_validator_set(self, *, admit: Sequence[str] = (), remove: Sequence[str] = ()) -> ValidatorSetPreview:
        """See `Client.preview_validator_set`."""
        return self._run(lambda: self._client.preview_validator_set(admit=admit, remove=remove))

    def proposals(self, *, last: int = PROPOSALS_PAGE_DEFAULT, before: int | None = None) -> tuple[Proposal, ...]:
        """See `Client.proposals`."""
        return self._run(lambda: self._client.proposals(last=last, before=before))

    def proposal(self, number: int) -> Proposal | None:
        """See `Client.proposal`."""
        return self._run(lambda: self._client.proposal(number))

    def overview(self) -> Overview:
        """See `Client.overview`."""
        return self._run(self._client.overview)

    def account(self, account: str, *, min_height: int | None = None, current: bool = False) -> Account | None:
        """See `Client.account`."""
        return self._run(lambda: self._client.account(account, min_height=min_height, current=current))

    def balances(
        self, account: str, *, min_height: int | None = None, current: bool = False
    ) -> tuple[PointBalance, ...]:
        """See `Client.balances`."""
        return self._run(lambda: self._client.balances(account, min_height=min_height, current=current))

    def point_type(self, point_type: str) -> PointTypeTerms | None:
        """See `Client.point_type`."""
        return self._run(lambda: self._client.point_type(point_type))

    def expiring_points(self, account: str, *, within_days: int = 30) -> tuple[ExpiringPoints, ...]:
        """See `Client.expiring_points`."""
        return self._run(lambda: self._client.expiring_points(account, within_days=within_days))

    def earning_rules(self, point_type: str) -> EarningRules | None:
        """See `Client.earning_rules`."""
        return self._run(lambda: self._client.earning_rules(point_type))

    def earning_policy(self, mall: str) -> EarningPolicy | None:
        """See `Client.earning_policy`."""
        return self._run(lambda: self._client.earning_policy(mall))

    def calculate_points(
        self,
        *,
        merchant: str,
        account: str,
        amount_fen: int,
        point_type: str | None = None,
        items: Sequence[OrderLine] = (),
        roles: Mapping[RoleClass, str] | None = None,
    ) -> EarningCalculation:
        """See `Client.calculate_points`."""
        return self._run(
            lambda: self._client.calculate_points(
                merchant=merchant,
                account=account,
                amount_fen=amount_fen,
                point_type=point_type,
                items=items,
                roles=roles,
            )
        )

    def tiers(self, organization: str) -> OrganizationTiers | None:
        """See `Client.tiers`."""
        return self._run(lambda: self._client.tiers(organization))

    def tier_progress(self, account: str, organization: str, *, min_height: int | None = None) -> TierProgress | None:
        """See `Client.tier_progress`."""
        return self._run(lambda: self._client.tier_progress(account, organization, min_height=min_height))

    def standing_order(self, account: str, organization: str, *, min_height: int | None = None) -> StandingOrder | None:
        """See `Client.standing_order`."""
        return self._run(lambda: self._client.standing_order(account, organization, min_height=min_height))

    def bonus_policy(self, organization: str) -> BonusPolicy:
        """See `Client.bonus_policy`."""
        return self._run(lambda: self._client.bonus_policy(organization))

    def clerk_day(self, organization: str, clerk: bytes) -> ClerkDay:
        """See `Client.clerk_day`."""
        return self._run(lambda: self._client.clerk_day(organization, clerk))

    def draw(self, organization: str, name: str, *, min_height: int | None = None) -> Draw | None:
        """See `Client.draw`."""
        return self._run(lambda: self._client.draw(organization, name, min_height=min_height))

    def draws(self, organization: str | None = None) -> tuple[DrawSummary, ...]:
        """See `Client.draws`."""
        return self._run(lambda: self._client.draws(organization))

    def draw_entries(self, organization: str, name: str) -> tuple[DrawEntry, ...]:
        """See `Client.draw_entries`."""
        return self._run(lambda: self._client.draw_entries(organization, name))

    def member_draws(self, account: str) -> tuple[MemberDraw, ...]:
        """See `Client.member_draws`."""
        return self._run(lambda: self._client.member_draws(account))

    def transaction(self, identity: bytes, *, min_height: int | None = None) -> Transaction:
        """See `Client.transaction`."""
        return self._run(lambda: self._client.transaction(identity, min_height=min_height))

    def block(self, height: int) -> Block | None:
        """See `Client.block`."""
        return self._run(lambda: self._client.block(height))

    def submit(self, transaction: SealedTransaction, *, wait: bool = True) -> Submission:
        """See `Client.submit`."""
        return self._run(lambda: self._client.submit(transaction, wait=wait))

    def submit_many(self, transactions: Sequence[SealedTransaction], *, wait: bool = True) -> list[Submission]:
        """See `Client.submit_many`."""
        return self._run(lambda: self._client.submit_many(transactions, wait=wait))

    def wait_for_commit(self, identity: bytes, *, timeout_seconds: float | None = None) -> Transaction:
        """See `Client.wait_for_commit`."""
        return self._run(lambda: self._client.wait_for_commit(identity, timeout_seconds=timeout_seconds))

    @contextmanager
    def subscribe_blocks(self, after: int | None = None) -> Iterator[Iterator[Block]]:
        """See `Client.subscribe_blocks`; gives an iterator that blocks."""
        with self._events(lambda: self._client.subscribe_blocks(after)) as events:
            yield events

    @contextmanager
    def subscribe_balance(self, account: str) -> Iterator[Iterator[BalanceUpdate]]:
        """See `Client.subscribe_balance`; gives an iterator that blocks."""
        with self._events(lambda: self._client.subscribe_balance(account)) as events:
            yield events

    def _run(self, call: Callable[[], Awaitable[T]]) -> T:
        return trio.from_thread.run(call, trio_token=self._token)

    @contextmanager
    def _events(self, opened: Callable[[], AbstractAsyncContextManager[Subscription[T]]]) -> Iterator[Iterator[T]]:
        # One event in hand at most: the subscription's own task reads the next when this one is taken.
        sender, receiver = trio.open_memory_channel[T | Exception](0)
        scope = trio.CancelScope()

        async def pump() -> None:
            with scope:
                try:
                    async with opened() as subscription:
                        async for event in subscription:
                            await sender.send(event)
                except Exception as error:  # noqa: BLE001 - raised again in the thread that waits for an event
                    await sender.send(error)

        def events() -> Iterator[T]:
            while True:
                event = self._run(receiver.receive)
                if isinstance(event, Exception):
                    raise event
                yield event

        trio.from_thread.run_sync(self._nursery.start_soon, pump, trio_token=self._token)
        try:
            yield events()
        finally:
            trio.from_thread.run_sync(scope.cancel, trio_token=self._token)

    async def _main(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        self._stop = trio.Event()
        async with self._client, trio.open_nursery() as nursery:
            self._nursery = nursery
            self._ready.set()
            await self._stop.wait()
            nursery.cancel_scope.cancel()
