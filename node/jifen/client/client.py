"""The asynchronous client."""

import base64
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Final, Self, TypeVar, final

import httpx
import msgspec
import trio

from jifen.chain.sealing import SealedTransaction
from jifen.client import bonuses, draws, evidence, governance, queries, rules, standing_orders, terms, tiers
from jifen.client.bonuses import BonusPolicy, ClerkDay
from jifen.client.draws import Draw, DrawEntry, DrawSummary, MemberDraw
from jifen.client.endpoints import RETRY_SECONDS_MAX, RETRY_SECONDS_MIN, Endpoints
from jifen.client.errors import ProtocolFault, Refused, Unavailable
from jifen.client.evidence import Evidence
from jifen.client.governance import Proposal, Validator, ValidatorSet, ValidatorSetPreview
from jifen.client.payments import PaymentCalls
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
from jifen.client.reward_calls import RewardCalls
from jifen.client.rules import EarningCalculation, EarningPolicy, EarningRules, OrderLine
from jifen.client.standing_orders import StandingOrder
from jifen.client.subscriptions import Subscription, subscribe
from jifen.client.swaps import BOARD_SUBSCRIPTION, BoardUpdate, SwapCalls
from jifen.client.terms import ExpiringPoints, PointTypeTerms
from jifen.client.tiers import OrganizationTiers, TierProgress
from jifen.ledger.rejections import Rejection
from jifen.ledger.types import RoleClass

T = TypeVar("T")

BATCH_TRANSACTIONS_MAX: Final = 256
"""Transactions of one request: some 80 KB, half of what a validator takes at once, many requests to a block."""

TIMEOUT_SECONDS_DEFAULT: Final = 30.0
"""How long a call keeps trying: outlasts an election and a validator's restart."""

PROPOSALS_PAGE_DEFAULT: Final = 20
"""Proposals asked for at once, of at most 50."""

TRANSIENT_ERRORS: Final = frozenset({"BUSY", "NO_LEADER", "TIMED_OUT"})
"""Submission errors after which the same bytes are sent again."""


@final
class Client(RewardCalls, PaymentCalls, SwapCalls):
    """Talks to the validators of an alliance; use it as `async with Client([...]) as client`.

    Calls fail over between the URLs and keep trying until their timeout. Many calls may run at once.
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        token: str | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS_DEFAULT,
        transport: httpx.AsyncBaseTransport | None = None,
        on_wait: Callable[[Mapping[str, str]], object] | None = None,
    ) -> None:
        """Prefer the first URL.

        Args:
            urls: base URLs of validators, for example `http://127.0.0.1:8080`.
            token: bearer token of an admin listener.
            timeout_seconds: how long a call keeps trying.
            transport: replaces the network in tests.
            on_wait: called whenever no validator has answered a call, before all are asked again: URL -> why not.
        """
        self.endpoints = Endpoints(urls, token=token, transport=transport, on_wait=on_wait)
        self._timeout_seconds = timeout_seconds

    async def __aenter__(self) -> Self:
        """Return the client; connections are made when they are needed."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self.endpoints.close()

    async def status(self) -> NodeStatus:
        """Return what the preferred validator says of itself."""
        return await self._ask(queries.NODE, {})

    async def organizations(self) -> tuple[Organization, ...]:
        """Return the malls and merchants, sorted by id."""
        return await self._ask(queries.ORGANIZATIONS, {})

    async def checkpoints(self) -> tuple[Checkpoint, ...]:
        """Return the newest checkpoints of the whole state, newest first, and who attested them."""
        return await self._ask(queries.CHECKPOINTS, {})

    async def evidence(self, *, validator: str | None = None) -> tuple[Evidence, ...]:
        """Return which validators have contradicted themselves, one or all, sorted by validator, term and height."""
        found: list[Evidence] = []
        while True:
            variables = {
                "validator": validator,
                "first": evidence.EVIDENCE_PAGE,
                "after": len(found) - 1 if found else None,
            }
            page = await self._ask(evidence.EVIDENCE, variables)
            found += page
            if len(page) < evidence.EVIDENCE_PAGE:
                return tuple(found)

    async def validator_set(self) -> ValidatorSet:
        """Return who decides at present, and who listens."""
        return await self._ask(governance.VALIDATOR_SET, {})

    async def validator(self, identity: str) -> Validator | None:
        """Return a validator by its id, retired ones too; None when nobody has had it."""
        return await self._ask(governance.VALIDATOR, {"id": identity})

    async def preview_validator_set(
        self, *, admit: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> ValidatorSetPreview:
        """Return what it would do to the quorums to make voters of some and take others out. Proposes nothing."""
        return await self._ask(governance.PREVIEW, {"admit": list(admit), "remove": list(remove)})

    async def proposals(self, *, last: int = PROPOSALS_PAGE_DEFAULT, before: int | None = None) -> tuple[Proposal, ...]:
        """Return the newest proposals to change the validators, newest first; `before` is the number to go on below."""
        return await self._ask(governance.PROPOSALS, {"last": last, "before": before})

    async def proposal(self, number: int) -> Proposal | None:
        """Return a proposal by its number, or None."""
        return await self._ask(governance.PROPOSAL, {"number": number})

    async def overview(self) -> Overview:
        """Return a validator's status and the organizations at one and the same height."""
        return await self._ask(queries.OVERVIEW, {})

    async def account(self, account: str, *, min_height: int | None = None, current: bool = False) -> Account | None:
        """Return an account, None when it is not registered.

        `min_height` waits for the block you have written; `current` for whatever anybody has been told is committed.
        """
        variables = {"id": account, "minHeight": min_height, "consistency": _consistency(current)}
        return await self._ask(queries.ACCOUNT, variables)

    async def balances(
        self, account: str, *, min_height: int | None = None, current: bool = False
    ) -> tuple[PointBalance, ...]:
        """Return what an account holds, sorted by point type; empty for an unknown account. Waits as `account` does."""
        variables = {"account": account, "minHeight": min_height, "consistency": _consistency(current)}
        return await self._ask(queries.BALANCES, variables)

    async def point_type(self, point_type: str) -> PointTypeTerms | None:
        """Return a point type with its supply, its terms and their history; None when there is none."""
        return await self._ask(terms.POINT_TYPE, {"id": point_type})

    async def expiring_points(self, account: str, *, within_days: int = 30) -> tuple[ExpiringPoints, ...]:
        """Return what of an account expires within so many days, the earliest first."""
        found: list[ExpiringPoints] = []
        while True:
            variables = {"account": account, "days": within_days, "after": len(found) - 1 if found else None}
            page = await self._ask(terms.EXPIRING, variables)
            found += page
            if len(page) < terms.EXPIRING_PAGE:
                return tuple(found)

    async def earning_rules(self, point_type: str) -> EarningRules | None:
        """Return what purchases earn of a point type; None when there is no such point type."""
        return await self._ask(rules.RULES, {"pointType": point_type})

    async def earning_policy(self, mall: str) -> EarningPolicy | None:
        """Return what the merchants under a mall may promise; None when it has said nothing."""
        return await self._ask(rules.POLICY, {"mall": mall})

    async def calculate_points(
        self,
        *,
        merchant: str,
        account: str,
        amount_fen: int,
        point_type: str | None = None,
        items: Sequence[OrderLine] = (),
        roles: Mapping[RoleClass, str] | None = None,
    ) -> EarningCalculation:
        """Return what a purchase would earn now, with its arithmetic; nothing is written."""
        purchase = {
            "merchant": merchant,
            "account": account,
            "amountFen": str(amount_fen),
            "pointType": point_type,
            "items": [item.to_input() for item in items],
            **{role.name.lower(): other for role, other in (roles or {}).items()},
        }
        return await self._ask(rules.CALCULATION, {"purchase": purchase})

    async def tiers(self, organization: str) -> OrganizationTiers | None:
        """Return an organization's tiers and whose it recognises; None when it has published neither."""
        return await self._ask(tiers.TIERS, {"organization": organization})

    async def tier_progress(
        self, account: str, organization: str, *, min_height: int | None = None
    ) -> TierProgress | None:
        """Return how far an account has come in an organization's tiers; None where there are none."""
        variables = {"account": account, "organization": organization, "minHeight": min_height}
        return await self._ask(tiers.PROGRESS, variables)

    async def standing_order(
        self, account: str, organization: str, *, min_height: int | None = None
    ) -> StandingOrder | None:
        """Return what an account has asked to be redeemed after purchases at an organization; None: nothing."""
        variables = {"account": account, "organization": organization, "minHeight": min_height}
        return await self._ask(standing_orders.STANDING_ORDER, variables)

    async def bonus_policy(self, organization: str) -> BonusPolicy:
        """Return the limits within which an organization's operators grant and adjust, the defaults if it set none."""
        return await self._ask(bonuses.BONUS_POLICY, {"organization": organization})

    async def clerk_day(self, organization: str, clerk: bytes) -> ClerkDay:
        """Return what the operator with this key has granted and adjusted today."""
        return await self._ask(bonuses.CLERK_DAY, {"organization": organization, "clerk": clerk.hex()})

    async def draw(self, organization: str, name: str, *, min_height: int | None = None) -> Draw | None:
        """Return a prize draw; None when the organization has published none of that name."""
        variables = {"organization": organization, "name": name, "minHeight": min_height}
        return await self._ask(draws.DRAW, variables)

    async def draws(self, organization: str | None = None) -> tuple[DrawSummary, ...]:
        """Return all prize draws, or those of one organization."""
        found: list[DrawSummary] = []
        while True:
            after = f"{found[-1].organization}/{found[-1].name}" if found else None
            page = await self._ask(draws.DRAWS, {"organization": organization, "after": after})
            found += page
            if len(page) < draws.DRAWS_PAGE:
                return tuple(found)

    async def draw_entries(self, organization: str, name: str) -> tuple[DrawEntry, ...]:
        """Return all entries of a draw, in the order of their numbers."""
        found: list[DrawEntry] = []
        while True:
            after = found[-1].last_number if found else 0
            page = await self._ask(draws.ENTRIES, {"organization": organization, "name": name, "after": after})
            found += page
            if len(page) < draws.ENTRIES_PAGE:
                return tuple(found)

    async def member_draws(self, account: str) -> tuple[MemberDraw, ...]:
        """Return the draws that an account has entered, with the numbers that won."""
        found: list[MemberDraw] = []
        while True:
            after = f"{found[-1].organization}/{found[-1].draw}" if found else None
            page = await self._ask(draws.MEMBER_DRAWS, {"account": account, "after": after})
            found += page
            if len(page) < draws.MEMBER_DRAWS_PAGE:
                return tuple(found)

    async def transaction(self, identity: bytes, *, min_height: int | None = None) -> Transaction:
        """Return a transaction by its id; its status is UNKNOWN when the validator does not have it."""
        variables = {"id": identity.hex(), "minHeight": min_height}
        return await self._ask(queries.TRANSACTION, variables)

    async def block(self, height: int) -> Block | None:
        """Return a committed block, None above the validator's height."""
        return await self._ask(queries.BLOCK, {"height": height})

    async def submit(self, transaction: SealedTransaction, *, wait: bool = True) -> Submission:
        """Submit one transaction and return what became of it; with `wait`, once it is in a final block.

        Raises:
            Refused: it did not take effect; `rejection` has the ledger's reason.
            Unavailable: nobody could say in time. It may still be committed: submit the same bytes again.
        """
        [submission] = await self.submit_many([transaction], wait=wait)
        raise_unless_taken(submission)
        return submission

    async def submit_many(
        self, transactions: Sequence[SealedTransaction], *, wait: bool = True, timeout_seconds: float | None = None
    ) -> list[Submission]:
        """Submit transactions in order and return what became of each, refusals included, in the same order.

        What a validator could not take or finish is sent again, the same bytes, to the next one.

        Raises:
            Unavailable: some of them found no validator in time. Submitting all of them again is harmless.
        """
        timeout = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        found: dict[int, Submission] = {}
        last = "no answer yet"
        pause = RETRY_SECONDS_MIN
        with trio.move_on_after(timeout):
            while True:
                missing = [index for index in range(len(transactions)) if index not in found]
                if not missing:
                    return [found[index] for index in range(len(transactions))]
                url = self.endpoints.current
                part = missing[:BATCH_TRANSACTIONS_MAX]
                answers = await self._submit_batch([transactions[index].signed for index in part], wait, timeout)
                retry = [answer for answer in answers if answer.error_code in TRANSIENT_ERRORS]
                found |= {
                    index: await self._settled(transactions[index], answer)
                    for index, answer in zip(part, answers, strict=True)
                    if answer.error_code not in TRANSIENT_ERRORS
                }
                if retry:
                    last = retry[0].message
                    self.endpoints.pass_over(url)
                    await trio.sleep(pause)
                    pause = min(pause * 2, RETRY_SECONDS_MAX)
                else:
                    pause = RETRY_SECONDS_MIN
        lacking = len(transactions) - len(found)
        raise Unavailable(f"{lacking} of {len(transactions)} transactions found no validator in time: {last}")

    async def wait_for_commit(self, identity: bytes, *, timeout_seconds: float | None = None) -> Transaction:
        """Return a transaction once it is in a final block; raises Unavailable when that takes too long."""
        timeout = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        with trio.move_on_after(timeout):
            # Blocks are subscribed to before the first look, so that none can pass between look and wait.
            height = (await self.status()).height
            async with self.subscribe_blocks(after=height) as blocks:
                while True:
                    known = await self.transaction(identity, min_height=height)
                    if known.status == "COMMITTED":
                        return known
                    height = (await blocks.receive()).height
        raise Unavailable(f"transaction {identity.hex()} was not committed within {timeout:g} seconds")

    async def earn_points(
        self,
        *,
        order_id: str,
        account: str,
        amount_fen: int,
        point_type: str | None = None,
        items: Sequence[OrderLine] = (),
        roles: Mapping[RoleClass, str] | None = None,
    ) -> Submission:
        """Have the organization's own node credit a purchase; only on its admin listener, with its token.

        The node signs anew on every try; the order id keeps a purchase from being credited twice.
        """
        variables = {
            "order": order_id,
            "account": account,
            "amount": str(amount_fen),
            "type": point_type,
            "items": [item.to_input() for item in items],
            **{role.name.lower(): other for role, other in (roles or {}).items()},
        }
        submission = await self._ask(queries.EARN, variables)
        raise_unless_taken(submission)
        return submission

    async def refund_order(
        self, *, order_id: str, refund_id: str, amount_fen: int, items: Sequence[OrderLine] = ()
    ) -> Submission:
        """Have the organization's own node take a refund in; only on its admin listener, with its token.

        The node signs anew on every try; the refund id keeps a refund from being taken in twice.
        """
        returned = [item.to_input() for item in items]
        variables = {"order": order_id, "refund": refund_id, "amount": str(amount_fen), "items": returned}
        submission = await self._ask(queries.REFUND, variables)
        raise_unless_taken(submission)
        return submission

    async def confirm_order(self, *, order_id: str) -> Submission:
        """Have the organization's own node confirm an order; only on its admin listener, with its token."""
        submission = await self._ask(queries.CONFIRM, {"order": order_id})
        raise_unless_taken(submission)
        return submission

    def subscribe_blocks(self, after: int | None = None) -> AbstractAsyncContextManager[Subscription[Block]]:
        """Follow the chain: `async with client.subscribe_blocks(after=0) as blocks: async for block in blocks`.

        Without a gap: after a failure it goes on behind the last block, on whichever validator answers.
        """

        def variables(last: Block | None) -> dict[str, Any]:
            return {"after": after if last is None else last.height}

        return subscribe(self.endpoints, queries.BLOCKS_SUBSCRIPTION, variables)

    def subscribe_balance(self, account: str) -> AbstractAsyncContextManager[Subscription[BalanceUpdate]]:
        """Follow an account: first what it holds, then every change, conflated to the newest."""

        def variables(_last: BalanceUpdate | None) -> dict[str, Any]:
            return {"account": account}

        return subscribe(self.endpoints, queries.BALANCE_SUBSCRIPTION, variables)

    def subscribe_swap_offers(
        self, give_type: str, want_type: str
    ) -> AbstractAsyncContextManager[Subscription[BoardUpdate]]:
        """Follow the offers of a pair to everybody: first as they are, then every change, conflated to the newest."""

        def variables(_last: BoardUpdate | None) -> dict[str, Any]:
            return {"give": give_type, "want": want_type}

        return subscribe(self.endpoints, BOARD_SUBSCRIPTION, variables)

    async def _submit_batch(self, batch: list[bytes], wait: bool, timeout_seconds: float) -> tuple[Submission, ...]:
        variables = {
            "bytes": [base64.b64encode(signed).decode() for signed in batch],
            "waitFor": "COMMITTED" if wait else "ACCEPTED",
        }
        answers = await self._ask(queries.SUBMIT, variables, timeout_seconds=timeout_seconds)
        if len(answers) != len(batch):
            raise ProtocolFault(self.endpoints.current, f"gives {len(answers)} answers to {len(batch)} transactions")
        return answers

    async def _settled(self, transaction: SealedTransaction, answer: Submission) -> Submission:
        """Replace "taken before" by what became of it: an earlier try of these very bytes did it.

        A validator that came by a snapshot knows that it was taken but not how it went; the others are asked in turn.
        """
        if answer.reason is not Rejection.ALREADY_APPLIED:
            return answer
        for _ in self.endpoints.urls:
            url = self.endpoints.current
            known = await self.transaction(transaction.id, min_height=answer.height)
            if known.status == "COMMITTED":
                return msgspec.structs.replace(
                    answer, status="COMMITTED", outcome=known.outcome, rejection=known.rejection, height=known.height,
                    user_errors=() if known.rejection is None else answer.user_errors,
                )  # fmt: skip
            self.endpoints.pass_over(url)
        return answer

    async def _ask(
        self, operation: queries.Operation[T], variables: dict[str, Any], *, timeout_seconds: float | None = None
    ) -> T:
        timeout = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        url, data = await self.endpoints.ask(operation.document, variables, timeout_seconds=timeout)
        return operation.decode(url, data)


def _consistency(current: bool) -> str:
    return "LINEARIZABLE" if current else "LOCAL"


def raise_unless_taken(submission: Submission) -> None:
    """Raise Refused when a submission was refused or rejected, Unavailable when nobody knows what becomes of it."""
    reason = submission.reason
    if reason is not None:
        raise Refused("REJECTED", submission.message, reason, submission.height)
    if submission.error_code in TRANSIENT_ERRORS:
        raise Unavailable(submission.message)
    if submission.status == "REFUSED":
        raise Refused(submission.error_code or "REFUSED", submission.message)
