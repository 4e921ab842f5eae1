"""Paying with points as the API shows it: who takes what, what paid, what is held, who holds whose points."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from jifen.client.queries import Operation
from jifen.client.records import Answer

if TYPE_CHECKING:
    from jifen.client.client import Client

T = TypeVar("T")

PAGE: Final = 100
"""Entries asked for at once, of at most 100."""


class PaymentRate(Answer, frozen=True):
    """`points` points pay `fen` fen, exactly."""

    points: int
    fen: int


class Acceptance(Answer, frozen=True):
    """One version of how an organization takes a point type."""

    version: int
    rate: PaymentRate
    minimum_points: int
    step_points: int
    share_bp: int
    daily_fen: int | None
    """None: no cap."""
    utc_offset_minutes: int
    active: bool


class AcceptedPoints(Answer, frozen=True):
    """An entry of the matrix of who takes what."""

    organization: str
    point_type: str
    acceptance: Acceptance
    taken_fen: int


class PaymentPolicy(Answer, frozen=True):
    """How far an organization lets orders be paid with points."""

    organization: str
    version: int
    share_bp: int
    daily_fen: int | None
    of_mall: bool


class ExaminedPart(Answer, frozen=True):
    """Points of one type that would pay."""

    point_type: str
    points: int
    fen: int
    rate: PaymentRate
    available_after: int


class ExaminedPayment(Answer, frozen=True):
    """What points would pay of an order now, or why they would not."""

    rejection: str | None
    message: str | None
    amount_fen: int
    paid_fen: int
    money_fen: int
    share_bp: int | None
    parts: tuple[ExaminedPart, ...]


class PaymentPart(Answer, frozen=True):
    """Points of one type that paid, or are held."""

    point_type: str
    points: int
    fen: int
    rate: PaymentRate
    points_left: int
    """Of them, those that no refund gave back."""


class OrderPayment(Answer, frozen=True):
    """What points paid for an order."""

    transaction: str
    account: str
    order_hash: str
    amount_fen: int
    refunded_fen: int
    paid_fen: int
    parts: tuple[PaymentPart, ...]


class Hold(Answer, frozen=True):
    """An open hold."""

    id: str
    account: str
    organization: str
    order_id: str
    amount_fen: int
    parts: tuple[PaymentPart, ...]
    runs_out_at: datetime


class PartnerPosition(Answer, frozen=True):
    """Points of another issuer that an organization holds, taken in at one rate."""

    holder: str
    issuer: str
    point_type: str
    rate: PaymentRate
    points: int
    value_fen: int
    cursor: str


_RATE: Final = "rate { points fen }"
_ACCEPTANCE: Final = (
    f"acceptance {{ version {_RATE} minimumPoints stepPoints shareBp dailyFen utcOffsetMinutes active }}"
)
_PARTS: Final = f"parts {{ pointType points fen {_RATE} pointsLeft }}"

ACCEPTANCES: Final = Operation[tuple[AcceptedPoints, ...]](
    "query Acceptances($organization: String, $after: String) { acceptances(organization: $organization, "
    f"first: {PAGE}, after: $after) {{ organization pointType {_ACCEPTANCE} takenFen }} }}",
    "acceptances",
    tuple[AcceptedPoints, ...],
)
POLICIES: Final = Operation[tuple[PaymentPolicy, ...]](
    "query PaymentPolicies($revision: Int) { "
    "paymentPolicies(revision: $revision) { organization version shareBp dailyFen ofMall } }",
    "paymentPolicies",
    tuple[PaymentPolicy, ...],
)
EXAMINE: Final = Operation[ExaminedPayment](
    "query Examine($organization: String!, $account: AccountId!, $amountFen: Points!, $parts: [PaymentPartInput!]!) "
    "{ examineOrderPayment(organization: $organization, account: $account, amountFen: $amountFen, parts: $parts) "
    f"{{ rejection message amountFen paidFen moneyFen shareBp parts {{ pointType points fen {_RATE} availableAfter }} "
    "} }",
    "examineOrderPayment",
    ExaminedPayment,
)
ORDER_PAYMENT: Final = Operation[OrderPayment | None](
    "query OrderPayment($merchant: String!, $order: String!) { orderPayment(merchant: $merchant, orderId: $order) "
    f"{{ transaction account orderHash amountFen refundedFen paidFen {_PARTS} }} }}",
    "orderPayment",
    OrderPayment | None,
)
HOLDS: Final = Operation[tuple[Hold, ...]](
    "query Holds($account: AccountId!) { accountHolds(account: $account) "
    f"{{ id account organization orderId amountFen {_PARTS} runsOutAt }} }}",
    "accountHolds",
    tuple[Hold, ...],
)
POSITIONS: Final = Operation[tuple[PartnerPosition, ...]](
    "query Positions($holder: String, $issuer: String, $after: String) { partnerPositions(holder: $holder, "
    f"issuer: $issuer, first: {PAGE}, after: $after) {{ holder issuer pointType {_RATE} points valueFen cursor }} }}",
    "partnerPositions",
    tuple[PartnerPosition, ...],
)


class PaymentCalls(ABC):
    """Questions about paying with points; lists are asked for page by page until their end."""

    @abstractmethod
    async def _ask(
        self, operation: Operation[T], variables: dict[str, Any], *, timeout_seconds: float | None = None
    ) -> T:
        """Ask and return the answer."""

    async def acceptances(self, organization: str | None = None) -> tuple[AcceptedPoints, ...]:
        """Return who takes which points: of one organization, or of all."""
        found: list[AcceptedPoints] = []
        while True:
            after = f"{found[-1].organization}:{found[-1].point_type}" if found else None
            page = await self._ask(ACCEPTANCES, {"organization": organization, "after": after})
            found += page
            if len(page) < PAGE:
                return tuple(found)

    async def payment_policies(self, revision: int | None = None) -> tuple[PaymentPolicy, ...]:
        """Return how far organizations let orders be paid with points: now, or as of a receipt's revision."""
        return await self._ask(POLICIES, {"revision": revision})

    async def examine_order_payment(
        self, organization: str, account: str, amount_fen: int, parts: Sequence[tuple[str, int]]
    ) -> ExaminedPayment:
        """Work out what points would pay of an order; nothing is written.

        Args:
            organization: where the order is paid.
            account: the member's.
            amount_fen: what the order comes to, fen.
            parts: point types in the order in which they are to pay, each with its points, 0 for as many as possible.
        """
        asked = [{"pointType": point_type, "points": points} for point_type, points in parts]
        variables = {"organization": organization, "account": account, "amountFen": amount_fen, "parts": asked}
        return await self._ask(EXAMINE, variables)

    async def order_payment(self, merchant: str, order_id: str) -> OrderPayment | None:
        """Return what points paid for an order, None when none did."""
        return await self._ask(ORDER_PAYMENT, {"merchant": merchant, "order": order_id})

    async def holds(self, account: str) -> tuple[Hold, ...]:
        """Return an account's open holds."""
        return await self._ask(HOLDS, {"account": account})

    async def partner_positions(
        self, *, holder: str | None = None, issuer: str | None = None
    ) -> tuple[PartnerPosition, ...]:
        """Return who holds whose points: of one holder or all, in one issuer's points or all."""
        found: list[PartnerPosition] = []
        while True:
            variables = {"holder": holder, "issuer": issuer, "after": found[-1].cursor if found else None}
            page = await self._ask(POSITIONS, variables)
            found += page
            if len(page) < PAGE:
                return tuple(found)


class BlockingPaymentCalls(ABC):
    """The same questions, asked from a thread without trio."""

    _client: "Client"

    @abstractmethod
    def _run(self, call: Callable[[], Awaitable[T]]) -> T:
        """Run a call in the client's thread and return what it gives."""

    def acceptances(self, organization: str | None = None) -> tuple[AcceptedPoints, ...]:
        """See `Client.acceptances`."""
        return self._run(lambda: self._client.acceptances(organization))

    def payment_policies(self, revision: int | None = None) -> tuple[PaymentPolicy, ...]:
        """See `Client.payment_policies`."""
        return self._run(lambda: self._client.payment_policies(revision))

    def examine_order_payment(
        self, organization: str, account: str, amount_fen: int, parts: Sequence[tuple[str, int]]
    ) -> ExaminedPayment:
        """See `Client.examine_order_payment`."""
        return self._run(lambda: self._client.examine_order_payment(organization, account, amount_fen, parts))

    def order_payment(self, merchant: str, order_id: str) -> OrderPayment | None:
        """See `Client.order_payment`."""
        return self._run(lambda: self._client.order_payment(merchant, order_id))

    def holds(self, account: str) -> tuple[Hold, ...]:
        """See `Client.holds`."""
        return self._run(lambda: self._client.holds(account))

    def partner_positions(self, *, holder: str | None = None, issuer: str | None = None) -> tuple[PartnerPosition, ...]:
        """See `Client.partner_positions`."""
        return self._run(lambda: self._client.partner_positions(holder=holder, issuer=issuer))
