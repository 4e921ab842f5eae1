"""Rewards: what an organization gives for points, its stock and its codes, and who has redeemed what.

A code is worth something to whoever knows it, so the ledger knows its commitment only: a hash of the code and a salt.
Without the salt a code of a few digits could be found by trying all of them.
"""

from enum import IntEnum
from typing import Annotated, Final

from msgspec import Meta

from jifen.hashing import REWARD_CODE as CODE_HASH
from jifen.ledger.points.positions import Rate
from jifen.ledger.state import (
    REDEMPTION,
    REDEMPTIONS_OF_ACCOUNT,
    REWARD,
    REWARD_CODE,
    REWARD_CODE_INDEX,
    REWARD_STANDING,
    REWARD_VERSION,
)
from jifen.ledger.types import AccountBytes, HashBytes, Lot, PointTypeName, PositiveQuantity, Record, TimeMs

PRICES_MAX: Final = 32
"""Most prices of a reward: eight point types in four tiers, which fills a transaction."""

STOCK_MAX: Final = 10**9
"""Most units of a reward in stock, and most that it can ever have been redeemed."""

CODES_MAX: Final = 100
"""Most codes in one transaction: its 4 KiB hold no more."""

HOLD_MINUTES_MAX: Final = 90 * 24 * 60
"""Longest time that a reward waits for its hand-over: ninety days."""

REWARD_VERSION_MAX: Final = 10**6
"""Largest version of a reward: far beyond any number of changes."""

MEMBER_LIMIT_MAX: Final = 10**6
"""Largest limit of redemptions per member."""

SALT_BYTES: Final = 16
"""Of a code's salt: nobody finds 128 bits by trying."""

CODE_CHARACTERS_MAX: Final = 256
"""Longest code, in characters: a long link still fits."""

REWARD_PATTERN: Final = r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?/[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?\Z"

RewardName = Annotated[str, Meta(pattern=REWARD_PATTERN, max_length=65)]
"""`<organization>/<reward>`, for example `north-mall/mug`."""
PriceTier = Annotated[str, Meta(max_length=32)]
"""Name of a tier of the organization, or nothing."""
RewardVersionNumber = Annotated[int, Meta(ge=1, le=REWARD_VERSION_MAX)]
Units = Annotated[int, Meta(ge=0, le=STOCK_MAX)]
RedemptionNumber = Annotated[int, Meta(ge=1, le=STOCK_MAX)]
Commitment = Annotated[bytes, Meta(max_length=32)]
"""Thirty-two bytes, or none for a reward without codes."""
ReasonText = Annotated[str, Meta(min_length=1, max_length=200)]


class RewardPrice(Record, frozen=True):
    """What a reward costs in points of one type."""

    point_type: PointTypeName
    points: PositiveQuantity
    tier: PriceTier = ""
    """Whose price it is: members of this tier of the organization; empty: everybody for whose tier there is none."""
    rate: Rate = Rate(1, 0)
    """At which the organization takes the points in; at most the issuer's settlement price."""


class RewardDetails(Record, frozen=True):
    """What one version of a reward promises."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    """What people call it."""
    prices: Annotated[tuple[RewardPrice, ...], Meta(min_length=1, max_length=PRICES_MAX)]
    """Invariant: of a point type and a tier there is one. Their order is that in which automatic redemption tries."""
    opens_at: TimeMs = 0
    """Block time from which it can be redeemed, ms."""
    closes_at: TimeMs = 0
    """Block time from which it cannot any more, ms; 0: it stays open."""
    member_limit: Annotated[int, Meta(ge=0, le=MEMBER_LIMIT_MAX)] = 0
    """Most redemptions of one member that are not cancelled; 0: any number."""
    has_codes: bool = False
    """Whether who redeems it gets a code; the same in all versions. Its stock are its codes then."""
    hold_minutes: Annotated[int, Meta(ge=0, le=HOLD_MINUTES_MAX)] = 0
    """How long a redemption waits for its hand-over before it is cancelled; 0: it needs none, and is fulfilled at
    once."""


class Reward(Record, frozen=True):
    """A reward as it is.

    Invariant: its redemptions are numbered from 1 to `redeemed`, its codes from 1 to `codes`; redemption n has code n.
    With codes `stock` is `codes` less `redeemed`.
    """

    id: RewardName
    version: RewardVersionNumber
    details: RewardDetails
    stock: Units
    """How many can be redeemed."""
    redeemed: Units = 0
    """Redemptions there ever were, cancelled ones too."""
    codes: Units = 0
    """Codes there ever were."""
    withdrawn: bool = False

    @property
    def organization(self) -> str:
        """Who gives it."""
        return self.id.partition("/")[0]


class RewardVersion(Record, frozen=True):
    """A version of a reward for the history: it stays for ever (invariant I10)."""

    details: RewardDetails
    published_at: TimeMs
    transaction_id: HashBytes


class RewardCode(Record, frozen=True):
    """The commitment to a code, under its number."""

    commitment: HashBytes


class RewardCodeNumber(Record, frozen=True):
    """The number of a code, under its commitment: no commitment stands twice among a reward's."""

    number: RedemptionNumber


class RedemptionStatus(IntEnum):
    """Where a redemption stands; from HELD it goes to one of the others, for good."""

    HELD = 1
    FULFILLED = 2
    CANCELLED = 3


class Redemption(Record, frozen=True):
    """The right to a reward, and what it cost.

    Invariant: while HELD, `lots` are the points and the agenda names it at `due`; after that there are no lots.
    """

    reward: RewardName
    number: RedemptionNumber
    account: AccountBytes
    version: RewardVersionNumber
    """Of the reward."""
    price: RewardPrice
    """What was paid."""
    redeemed_at: TimeMs
    status: RedemptionStatus
    due: TimeMs = 0
    """Block time at which it is cancelled unless it is fulfilled, ms; 0: it is over."""
    lots: tuple[Lot, ...] = ()
    commitment: Commitment = b""
    """To the code; nobody else ever gets that one."""
    ended_at: TimeMs = 0
    """Block time at which it was fulfilled or cancelled, ms."""

    @property
    def organization(self) -> str:
        """Who gives the reward."""
        return self.reward.partition("/")[0]


class RewardStanding(Record, frozen=True):
    """How many of a member's redemptions of a reward are not cancelled."""

    redemptions: RedemptionNumber


class ListEntry(Record, frozen=True):
    """Says by its key all there is to say: an entry of a list that is read in the order of its keys."""


LISTED: Final = ListEntry()


def code_commitment(reward: str, salt: bytes, code: str) -> bytes:
    """Return the commitment to a code of a reward: what stands on the ledger.

    Args:
        reward: its id; of no more than 255 bytes, which every id is.
        salt: SALT_BYTES secret random bytes, given to the winner with the code.
        code: the code, up to CODE_CHARACTERS_MAX characters.

    Raises ValueError for a salt of another length, or for no code or too long a one.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt is {SALT_BYTES} bytes, not {len(salt)}: give the one that came with the code")
    if not 0 < len(code) <= CODE_CHARACTERS_MAX:
        raise ValueError(f"a code has 1 to {CODE_CHARACTERS_MAX} characters, not {len(code)}")
    name = reward.encode()
    return CODE_HASH(bytes([len(name)]), name, salt, code.encode())


def reward_key(reward: str) -> bytes:
    """State key of a reward; those of one organization stand together."""
    return REWARD + reward.encode()


def reward_version_key(reward: str, version: int) -> bytes:
    """State key of a version of a reward; NUL cannot occur in an id."""
    return REWARD_VERSION + reward.encode() + b"\0" + version.to_bytes(4, "big")


def reward_code_key(reward: str, number: int) -> bytes:
    """State key of a code; they stand in the order in which they are given out."""
    return REWARD_CODE + reward.encode() + b"\0" + number.to_bytes(8, "big")


def reward_code_index_key(reward: str, commitment: bytes) -> bytes:
    """State key under which a commitment of a reward is found."""
    return REWARD_CODE_INDEX + reward.encode() + b"\0" + commitment


def redemption_key(reward: str, number: int) -> bytes:
    """State key of a redemption; those of one organization stand together, each reward's in their order."""
    return REDEMPTION + reward.encode() + b"\0" + number.to_bytes(8, "big")


def redemption_of_account_key(account: bytes, redeemed_at: int, reward: str, number: int) -> bytes:
    """State key of an entry of an account's list of redemptions, which is in order of time."""
    name = redemption_key(reward, number)[1:]
    return REDEMPTIONS_OF_ACCOUNT + account + redeemed_at.to_bytes(8, "big") + name


def reward_standing_key(account: bytes, reward: str) -> bytes:
    """State key of a member's standing with a reward."""
    return REWARD_STANDING + account + reward.encode()
