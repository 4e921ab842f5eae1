"""Rewards, redemptions and cash back as the API tells them, and the operations that ask for them."""

import secrets
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from jifen.client.queries import Operation
from jifen.client.records import Answer
from jifen.client.terms import SettlementPrice
from jifen.ledger.points.positions import Rate
from jifen.ledger.rewards import records as ledger

PAGE: Final = 50
"""Elements asked for at once."""


class RewardPrice(Answer, frozen=True, forbid_unknown_fields=True):
    """What a reward costs in points of one type."""

    point_type: str
    points: int
    tier: str | None = None
    """Whose price it is; None: everybody's."""
    rate: SettlementPrice = SettlementPrice()
    """At which the organization takes the points in."""
    accepted: bool = True
    """Whether the issuer lets the points be spent there at this rate now."""

    def to_ledger(self) -> ledger.RewardPrice:
        """Return the ledger's form."""
        return ledger.RewardPrice(self.point_type, self.points, self.tier or "", Rate(self.rate.points, self.rate.fen))


class RewardForMember(Answer, frozen=True):
    """What a reward is for one member."""

    tier: str | None
    locked: bool
    """Whether the account is locked: it redeems nothing, whatever it holds."""
    redemptions: int
    limit_reached: bool
    too_many_waiting: bool
    """Whether so many of the member's redemptions wait at the organization that one has to be fetched first."""
    prices: tuple[RewardPrice, ...]
    """What the member pays, one price for each point type."""
    affordable: tuple[str, ...]
    """Point types of which the member has enough to spend."""


class Reward(Answer, frozen=True):
    """A reward as it is."""

    id: str
    organization: str
    version: int
    name: str
    stock: int
    redeemed: int
    open: bool
    withdrawn: bool
    opens_at: datetime | None
    closes_at: datetime | None
    member_limit: int | None
    has_codes: bool
    hold_minutes: int
    prices: tuple[RewardPrice, ...]
    member: RewardForMember | None


class RewardDraft(Answer, frozen=True, forbid_unknown_fields=True):
    """What an organization says of a reward, in the form in which the API shows it."""

    name: str
    prices: tuple[RewardPrice, ...]
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    member_limit: int | None = None
    has_codes: bool = False
    hold_minutes: int = 0

    def to_ledger(self) -> ledger.RewardDetails:
        """Return the ledger's form."""
        return ledger.RewardDetails(
            self.name,
            tuple(price.to_ledger() for price in self.prices),
            _milliseconds(self.opens_at),
            _milliseconds(self.closes_at),
            self.member_limit or 0,
            self.has_codes,
            self.hold_minutes,
        )


class Redemption(Answer, frozen=True):
    """A member's right to a reward, and what it cost."""

    cursor: str
    reward: str
    number: int
    account: str
    reward_version: int
    point_type: str
    points: int
    tier: str | None
    rate: SettlementPrice
    status: str
    """`HELD`, `FULFILLED` or `CANCELLED`."""
    redeemed_at: datetime
    held_until: datetime | None
    ended_at: datetime | None
    commitment: str | None
    """To its code, in hexadecimal; see `is_code_of`."""

    def is_code_of(self, salt: bytes, code: str) -> bool:
        """Tell whether a code with its salt is the one that this redemption got; raises ValueError for no salt."""
        return self.commitment == ledger.code_commitment(self.reward, salt, code).hex()


class CashbackPolicy(Answer, frozen=True):
    """What an issuer pays for points of a type."""

    point_type: str
    version: int
    rate: SettlementPrice
    minimum_points: int
    day_points: int
    month_points: int
    due_days: int
    requests: int


class Cashback(Answer, frozen=True):
    """A member's request for money."""

    cursor: str
    point_type: str
    number: int
    account: str
    points: int
    held_points: int
    amount_fen: int
    rate: SettlementPrice
    policy_version: int
    status: str
    """`REQUESTED`, `PAID` or `REJECTED`."""
    requested_at: datetime
    due_at: datetime
    overdue: bool
    ended_at: datetime | None
    reference_hash: str | None
    reason: str | None


class SecretCode(NamedTuple):
    """A code with its salt, for the winner; and its commitment, for the ledger."""

    code: str
    salt: bytes
    commitment: bytes


def committed_code(reward: str, code: str, salt: bytes | None = None) -> SecretCode:
    """Return a code of a reward with a fresh salt, or the one given, and the commitment to it.

    Keep code and salt secret until the reward is handed over, and keep them: nobody can find them again.
    """
    salt = secrets.token_bytes(ledger.SALT_BYTES) if salt is None else salt
    return SecretCode(code, salt, ledger.code_commitment(reward, salt, code))


def draft_of(text: bytes) -> RewardDraft:
    """Return what a JSON object says of a reward; raises ValueError saying what to mend."""
    try:
        draft = msgspec.json.decode(text, type=RewardDraft, strict=False)
    except msgspec.DecodeError as error:
        raise ValueError(f"this is no reward: {error}") from None
    for moment in (draft.opens_at, draft.closes_at):
        if moment is not None and moment.tzinfo is None:
            raise ValueError("opensAt and closesAt are written like 2027-01-01T00:00:00+08:00")
    return draft


def _milliseconds(moment: datetime | None) -> int:
    return 0 if moment is None else int(moment.timestamp() * 1000)


_RATE: Final = "rate { points fen }"
_PRICE: Final = f"{{ pointType points tier {_RATE} accepted }}"
_REWARD: Final = (
    "{ id organization version name stock redeemed open withdrawn opensAt closesAt memberLimit hasCodes holdMinutes "
    f"prices {_PRICE} member {{ tier locked redemptions limitReached tooManyWaiting prices {_PRICE} affordable }} }}"
)
_REDEMPTION: Final = (
    f"{{ cursor reward number account rewardVersion pointType points tier {_RATE} status redeemedAt heldUntil endedAt "
    "commitment }"
)
_CASHBACK: Final = (
    f"{{ cursor pointType number account points heldPoints amountFen {_RATE} policyVersion status requestedAt dueAt "
    "overdue endedAt referenceHash reason }"
)

REWARDS: Final = Operation[tuple[Reward, ...]](
    "query Rewards($organization: String!, $account: AccountId, $after: String) { examineRewards("
    f"organization: $organization, account: $account, first: 20, after: $after) {_REWARD} }}",
    "examineRewards",
    tuple[Reward, ...],
)
REWARDS_PAGE: Final = 20
REWARD: Final = Operation[Reward | None](
    f"query Reward($id: String!, $account: AccountId) {{ reward(id: $id, account: $account) {_REWARD} }}",
    "reward",
    Reward | None,
)
REDEMPTION: Final = Operation[Redemption | None](
    "query Redemption($reward: String!, $number: Int!) "
    f"{{ redemption(reward: $reward, number: $number) {_REDEMPTION} }}",
    "redemption",
    Redemption | None,
)
ACCOUNT_REDEMPTIONS: Final = Operation[tuple[Redemption, ...]](
    "query AccountRedemptions($account: AccountId!, $after: String) "
    f"{{ accountRedemptions(account: $account, first: {PAGE}, after: $after) {_REDEMPTION} }}",
    "accountRedemptions",
    tuple[Redemption, ...],
)
ORGANIZATION_REDEMPTIONS: Final = Operation[tuple[Redemption, ...]](
    "query OrganizationRedemptions($organization: String!, $reward: String, $after: String) "
    f"{{ organizationRedemptions(organization: $organization, reward: $reward, first: {PAGE}, after: $after) "
    f"{_REDEMPTION} }}",
    "organizationRedemptions",
    tuple[Redemption, ...],
)
CASHBACK_POLICY: Final = Operation[CashbackPolicy | None](
    "query CashbackPolicy($pointType: String!) { cashbackPolicy(pointType: $pointType) { pointType version "
    f"{_RATE} minimumPoints dayPoints monthPoints dueDays requests }} }}",
    "cashbackPolicy",
    CashbackPolicy | None,
)
ACCOUNT_CASHBACKS: Final = Operation[tuple[Cashback, ...]](
    "query AccountCashbacks($account: AccountId!, $after: String) "
    f"{{ accountCashbacks(account: $account, first: {PAGE}, after: $after) {_CASHBACK} }}",
    "accountCashbacks",
    tuple[Cashback, ...],
)
ISSUER_CASHBACKS: Final = Operation[tuple[Cashback, ...]](
    "query IssuerCashbacks($issuer: String!, $after: String) "
    f"{{ issuerCashbacks(issuer: $issuer, first: {PAGE}, after: $after) {_CASHBACK} }}",
    "issuerCashbacks",
    tuple[Cashback, ...],
)
UNPAID_CASHBACKS: Final = Operation[tuple[Cashback, ...]](
    "query UnpaidCashbacks($issuer: String!, $overdue: Boolean!, $after: String) "
    f"{{ unpaidCashbacks(issuer: $issuer, overdue: $overdue, first: {PAGE}, after: $after) {_CASHBACK} }}",
    "unpaidCashbacks",
    tuple[Cashback, ...],
)
