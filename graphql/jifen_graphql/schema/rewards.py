"""Rewards, redemptions and cash back, as members and organizations look at them."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

import strawberry
from graphql import GraphQLError

from jifen.ledger.cashback import records as cash
from jifen.ledger.locks.records import points_wait
from jifen.ledger.points.lots import points_of
from jifen.ledger.records import read
from jifen.ledger.rewards import records as ledger
from jifen.ledger.rewards.redeeming import is_open, may_have_another, may_wait, price_for
from jifen.ledger.rewards.stocking import is_taken
from jifen.ledger.state import (
    CASHBACK,
    CASHBACKS_OF_ACCOUNT,
    CASHBACKS_OPEN,
    REDEMPTION,
    REDEMPTIONS_OF_ACCOUNT,
    REWARD,
    account_key,
    after_prefix,
    holding_key,
)
from jifen.ledger.tiers.qualifying import tier_of
from jifen.ledger.types import POINT_TYPE_PATTERN, SLUG_PATTERN, Account, AccountId, Holding, Record, RoleClass
from jifen_graphql.schema.reward_effects import TradeRate
from jifen_graphql.schema.scalars import DateTime, Hash, Points

if TYPE_CHECKING:
    from jifen.actors.node import ReadView

R = TypeVar("R", bound=Record)

_SLUG, _REWARD_ID = re.compile(SLUG_PATTERN), re.compile(ledger.REWARD_PATTERN)
_POINT_TYPE_ID = re.compile(POINT_TYPE_PATTERN)

CURSOR_CHARACTERS_MAX = 400
"""Longest cursor: a state key in hexadecimal."""


@strawberry.enum(description="Where a redemption stands.")
class RedemptionStatus(Enum):
    """HELD goes to one of the others, for good."""

    HELD = strawberry.enum_value("HELD", description="Paid with points that are held; it waits for its hand-over.")
    FULFILLED = strawberry.enum_value("FULFILLED", description="Handed over; the points are gone.")
    CANCELLED = strawberry.enum_value("CANCELLED", description="By the organization or by time; the points came back.")


@strawberry.enum(description="Where a cash back stands.")
class CashbackStatus(Enum):
    """REQUESTED goes to one of the others, for good."""

    REQUESTED = strawberry.enum_value("REQUESTED", description="The points are held; the issuer has not answered.")
    PAID = strawberry.enum_value("PAID", description="The issuer says that it has paid; the points are burned.")
    REJECTED = strawberry.enum_value("REJECTED", description="The issuer does not pay; the points came back.")


@strawberry.type(description="What a reward costs in points of one type.")
class RewardPrice:
    """One of a reward's prices."""

    point_type: str
    points: Points
    tier: str | None = strawberry.field(description="Whose price it is; null: everybody's without one of his own.")
    rate: TradeRate = strawberry.field(description="At which the organization takes the points in.")
    accepted: bool = strawberry.field(
        description="Whether the issuer lets the points be spent there at this rate now, by its terms in force."
    )

    @classmethod
    def of(cls, view: ReadView, organization: str, price: ledger.RewardPrice) -> RewardPrice:
        """Return the API's form of a price."""
        return cls(
            point_type=price.point_type,
            points=Points(price.points),
            tier=price.tier or None,
            rate=TradeRate.of(price.rate),
            accepted=is_taken(view, organization, price, view.block_time),
        )


@strawberry.type(description="What a reward is for one member.")
class RewardForMember:
    """A member's prices and standing."""

    tier: str | None = strawberry.field(description="The member's tier at the organization; null without one.")
    locked: bool = strawberry.field(description="Whether the account is locked: it redeems nothing, whatever it holds.")
    redemptions: int = strawberry.field(description="Of this member, cancelled ones not counted.")
    limit_reached: bool = strawberry.field(description="Whether the reward's limit for a member is reached.")
    too_many_waiting: bool = strawberry.field(
        description="Whether as many of the member's redemptions wait at the organization as may: fetch one first."
    )
    prices: list[RewardPrice] = strawberry.field(description="What the member pays, one price for each point type.")
    affordable: list[str] = strawberry.field(description="Point types of which the member has enough to spend.")

    @classmethod
    def of(cls, view: ReadView, reward: ledger.Reward, account: bytes) -> RewardForMember:
        """Return what a reward is for a member."""
        tier = tier_of(view, reward.organization, account, view.block_time)
        types = list(dict.fromkeys(price.point_type for price in reward.details.prices))
        mine = [price for name in types if (price := price_for(reward.details, name, tier)) is not None]
        standing = read(view, ledger.reward_standing_key(account, reward.id), ledger.RewardStanding)
        holdings = {name: read(view, holding_key(account, name), Holding) for name in types}
        payer = read(view, account_key(account), Account)
        return cls(
            tier=tier or None,
            locked=payer is not None and points_wait(payer),
            redemptions=standing.redemptions if standing else 0,
            limit_reached=not may_have_another(view, reward, account),
            too_many_waiting=not may_wait(view, reward, account),
            prices=[RewardPrice.of(view, reward.organization, price) for price in mine],
            affordable=[
                price.point_type
                for price in mine
                if (holding := holdings[price.point_type]) is not None and holding.available >= price.points
            ],
        )


@strawberry.type(description="A reward as it is.")
class Reward:
    """What an organization gives for points."""

    id: str = strawberry.field(description="`<organization>/<reward>`.")
    organization: str
    version: int
    name: str
    stock: int = strawberry.field(description="How many can be redeemed.")
    redeemed: int = strawberry.field(description="Redemptions there ever were, cancelled ones too.")
    open: bool = strawberry.field(
        description="Whether its window is open at the snapshot's block and it is not withdrawn."
    )
    withdrawn: bool
    opens_at: DateTime | None
    closes_at: DateTime | None
    member_limit: int | None = strawberry.field(description="Most redemptions of one member; null: any number.")
    has_codes: bool
    hold_minutes: int = strawberry.field(description="How long a redemption waits for its hand-over; 0: it needs none.")
    prices: list[RewardPrice]
    member: RewardForMember | None = strawberry.field(description="What it is for the account asked for.")

    @classmethod
    def of(cls, view: ReadView, record: ledger.Reward, account: bytes | None = None) -> Reward:
        """Return the API's form of a reward, and what it is for an account."""
        details = record.details
        return cls(
            id=record.id,
            organization=record.organization,
            version=record.version,
            name=details.name,
            stock=record.stock,
            redeemed=record.redeemed,
            open=is_open(record, view.block_time),
            withdrawn=record.withdrawn,
            opens_at=DateTime(details.opens_at) if details.opens_at else None,
            closes_at=DateTime(details.closes_at) if details.closes_at else None,
            member_limit=details.member_limit or None,
            has_codes=details.has_codes,
            hold_minutes=details.hold_minutes,
            prices=[RewardPrice.of(view, record.organization, price) for price in details.prices],
            member=None if account is None else RewardForMember.of(view, record, account),
        )


@strawberry.type(description="A member's right to a reward, and what it cost.")
class Redemption:
    """A redemption as it is."""

    cursor: str = strawberry.field(description="Where to go on behind it.")
    reward: str
    number: int = strawberry.field(description="Among the redemptions of the reward.")
    account: AccountId
    reward_version: int
    point_type: str
    points: Points
    tier: str | None = strawberry.field(description="Whose price it was; null: everybody's.")
    rate: TradeRate
    status: RedemptionStatus
    redeemed_at: DateTime
    held_until: DateTime | None = strawberry.field(description="When it is cancelled unless it is fulfilled.")
    ended_at: DateTime | None
    commitment: Hash | None = strawberry.field(
        description="To its code: the tagged hash of reward, salt and code, which the winner checks the code against."
    )

    @classmethod
    def of(cls, cursor: bytes, record: ledger.Redemption) -> Redemption:
        """Return the API's form of a redemption found under a key."""
        return cls(
            cursor=cursor.hex(),
            reward=record.reward,
            number=record.number,
            account=AccountId(record.account),
            reward_version=record.version,
            point_type=record.price.point_type,
            points=Points(record.price.points),
            tier=record.price.tier or None,
            rate=TradeRate.of(record.price.rate),
            status=RedemptionStatus[record.status.name],
            redeemed_at=DateTime(record.redeemed_at),
            held_until=DateTime(record.due) if record.due else None,
            ended_at=DateTime(record.ended_at) if record.ended_at else None,
            commitment=Hash(record.commitment) if record.commitment else None,
        )


@strawberry.type(description="What an issuer pays for points of a type.")
class CashbackPolicy:
    """The policy for requests from now on."""

    point_type: str
    version: int
    rate: TradeRate
    minimum_points: Points
    day_points: Points = strawberry.field(description="Most points of a member in a day of the issuer's; 0: none now.")
    month_points: Points
    due_days: int
    requests: Points = strawberry.field(description="Requests there ever were.")

    @classmethod
    def of(cls, point_type: str, record: cash.CashbackPolicy) -> CashbackPolicy:
        """Return the API's form of a policy."""
        return cls(
            point_type=point_type,
            version=record.version,
            rate=TradeRate.of(record.price),
            minimum_points=Points(record.minimum_points),
            day_points=Points(record.day_points),
            month_points=Points(record.month_points),
            due_days=record.due_days,
            requests=Points(record.requests),
        )


@strawberry.type(description="A member's request for money in place of points.")
class Cashback:
    """A request as it is."""

    cursor: str = strawberry.field(description="Where to go on behind it.")
    point_type: str
    number: int = strawberry.field(description="Among the requests for the point type.")
    account: AccountId
    points: Points
    held_points: Points = strawberry.field(description="What of them is still held.")
    amount_fen: Points
    rate: TradeRate
    policy_version: int
    status: CashbackStatus
    requested_at: DateTime
    due_at: DateTime
    overdue: bool = strawberry.field(description="Whether it was unpaid when it was due.")
    ended_at: DateTime | None
    reference_hash: Hash | None = strawberry.field(description="Of the bank's reference, once it is paid.")
    reason: str | None = strawberry.field(description="Why it was rejected.")

    @classmethod
    def of(cls, cursor: bytes, record: cash.Cashback) -> Cashback:
        """Return the API's form of a request found under a key."""
        return cls(
            cursor=cursor.hex(),
            point_type=record.point_type,
            number=record.number,
            account=AccountId(record.account),
            points=Points(record.points),
            held_points=Points(points_of(record.lots)),
            amount_fen=Points(record.amount_fen),
            rate=TradeRate.of(record.price),
            policy_version=record.policy_version,
            status=CashbackStatus[record.status.name],
            requested_at=DateTime(record.requested_at),
            due_at=DateTime(record.due_at),
            overdue=record.overdue,
            ended_at=DateTime(record.ended_at) if record.ended_at else None,
            reference_hash=Hash(record.reference_hash) if record.reference_hash else None,
            reason=record.reason or None,
        )


def rewards_of(view: ReadView, organization: str, account: bytes | None, first: int, after: str | None) -> list[Reward]:
    """Return a page of an organization's rewards, in order of id, behind the id `after`."""
    if not _is_slug(organization):
        return []
    start = prefix = REWARD + f"{organization}/".encode()
    if after is not None and is_reward_id(after):
        start = max(prefix, REWARD + after.encode() + b"\0")
    stop = after_prefix(prefix)
    found = view.range(start, stop, first) if start < stop else []
    return [Reward.of(view, record, account) for _, record in found if isinstance(record, ledger.Reward)]


def redemptions_of_account(view: ReadView, account: bytes, first: int, after: str | None) -> list[Redemption]:
    """Return a page of an account's redemptions, the oldest first."""
    listed = _keys(view, REDEMPTIONS_OF_ACCOUNT + account, first, after)
    return [Redemption.of(key, _found(view, REDEMPTION + key[29:], ledger.Redemption)) for key in listed]


def redemptions_of_reward(view: ReadView, reward: str, first: int, after: str | None) -> list[Redemption]:
    """Return a page of a reward's redemptions, in their order; of all rewards of an organization for `<id>/`."""
    if not (is_reward_id(reward) or (reward.endswith("/") and _is_slug(reward[:-1]))):
        return []
    start = REDEMPTION + reward.encode() + (b"" if reward.endswith("/") else b"\0")
    return [Redemption.of(key, _found(view, key, ledger.Redemption)) for key in _keys(view, start, first, after)]


def cashbacks_of_account(view: ReadView, account: bytes, first: int, after: str | None) -> list[Cashback]:
    """Return a page of an account's requests, the oldest first."""
    listed = _keys(view, CASHBACKS_OF_ACCOUNT + account, first, after)
    return [Cashback.of(key, _found(view, CASHBACK + key[29:], cash.Cashback)) for key in listed]


def cashbacks_of_issuer(view: ReadView, issuer: str, first: int, after: str | None) -> list[Cashback]:
    """Return a page of the requests to an issuer, by point type and number."""
    if not _is_slug(issuer):
        return []
    start = CASHBACK + f"{issuer}/".encode()
    return [Cashback.of(key, _found(view, key, cash.Cashback)) for key in _keys(view, start, first, after)]


def unpaid_cashbacks(view: ReadView, issuer: str, overdue: bool, first: int, after: str | None) -> list[Cashback]:
    """Return a page of an issuer's unpaid requests, by point type and when they are due; perhaps overdue ones only."""
    if not _is_slug(issuer):
        return []
    found: list[Cashback] = []
    until = view.block_time + 1 if overdue else 2**63
    behind = _cursor(after)
    for role in sorted(role.name.lower() for role in RoleClass):
        prefix = CASHBACKS_OPEN + f"{issuer}/{role}".encode() + b"\0"
        start = max(prefix, behind)
        stop = prefix + until.to_bytes(8, "big")
        if start < stop:
            for key, _ in view.range(start, stop, first - len(found)):
                name = cash.cashback_key(f"{issuer}/{role}", int.from_bytes(key[-8:], "big"))
                found.append(Cashback.of(key, _found(view, name, cash.Cashback)))
        if len(found) == first:
            break
    return found


def is_reward_id(text: str) -> bool:
    """Tell whether a text can be the id of a reward: any other has no key, and some not even bytes."""
    return _REWARD_ID.match(text) is not None


def is_point_type_id(text: str) -> bool:
    """Tell whether a text can be the id of a point type."""
    return _POINT_TYPE_ID.match(text) is not None


def _is_slug(text: str) -> bool:
    return _SLUG.match(text) is not None


def _keys(view: ReadView, prefix: bytes, first: int, after: str | None) -> list[bytes]:
    start = max(prefix, _cursor(after))
    stop = after_prefix(prefix)
    return [key for key, _ in view.range(start, stop, first)] if start < stop else []


def _cursor(after: str | None) -> bytes:
    """Return the first key behind a cursor; raises GraphQLError (code BAD_PAGE)."""
    if after is None:
        return b""
    try:
        if len(after) <= CURSOR_CHARACTERS_MAX:
            return bytes.fromhex(after) + b"\0"
    except ValueError:
        pass  # answered below, together with what is too long
    raise GraphQLError("after is the cursor of the last one you have", extensions={"code": "BAD_PAGE"})


def _found(view: ReadView, key: bytes, kind: type[R]) -> R:
    record = read(view, key, kind)
    assert record is not None, f"a list names {key.hex()}, which does not exist"
    return record
