"""What the naive ledger keeps."""

from dataclasses import dataclass, field
from typing import NamedTuple

from jifen.ledger.governance.changes import Change
from jifen.ledger.locks.records import LockReason
from jifen.ledger.rejections import Rejection
from jifen.ledger.rules.records import Campaign, EarningRule
from jifen.ledger.swaps.bodies import CreateSwapOffer
from jifen.ledger.terms.records import Terms
from jifen.ledger.transactions import EarnPoints


class NaiveLot(NamedTuple):
    """Points that came in at once."""

    owner: bytes
    point_type: str
    points: int
    origin: str
    available_from: int
    expires_at: int
    renewal_days: int = 0
    place: str = "available"
    """`available`, `pending` until its day, `awaiting` confirmation, `held`, or `lapsed`: expired, only remembered."""
    held_for: bytes = b""
    """Of a held one: the state key of the record that keeps it."""
    paused_days: int = 0
    """Days by which its date has moved while its owner was locked, if an order may look for it."""


class NaiveLeg(NamedTuple):
    """What an order gave to one account."""

    account: bytes
    point_type: str
    terms: Terms
    """Those that gave its points their dates."""
    available_from: int
    expires_at: int
    renewal_days: int
    awaiting: bool
    rule: EarningRule | None = None
    """None: the flat rate."""
    holds: bool = True
    before_fen: int = 0
    visited_until: int = 0
    """End of the day in which it was rewarded as a visit, ms; 0: it was not."""
    tier: str = ""
    coefficient: tuple[int, int] = (1, 1)
    paid_fen: int = 0
    base: int = 0
    """Points granted without campaigns."""
    grants: tuple[tuple[Campaign, int], ...] = ()
    """Every campaign that held, and what it was charged."""
    until: int = 0
    """End of the period that it counts in, ms; 0: in none."""


class NaiveOrder(NamedTuple):
    """A credited order."""

    identity: bytes
    body: EarnPoints
    legs: tuple[NaiveLeg, ...]
    """The customer's first."""
    counts: bool = False
    """Whether it counts for a tier: there were tiers on the day."""


@dataclass
class NaiveCampaign:
    """A campaign that was published."""

    campaign: Campaign
    published_at: int
    identity: bytes
    ended_at: int = 0


class NaiveLock(NamedTuple):
    """The newest lock of an account."""

    reason: LockReason
    organizations: tuple[str, ...]
    locked_at: int
    until: int | None
    """None: until it is unlocked."""
    identity: bytes
    ended_at: int = 0


class NaiveMove(NamedTuple):
    """Points that a member has passed on."""

    day_end: int
    sender: bytes
    recipient: bytes
    point_type: str
    points: int


class NaiveOffer(NamedTuple):
    """An open swap offer."""

    identity: bytes
    body: CreateSwapOffer
    open_until: int
    made_at: int


class NaiveReceipt(NamedTuple):
    """Outcome of a transaction: a reason, or what the fields of each effect should be, in their order."""

    rejection: Rejection | None
    effects: tuple[tuple[object, ...], ...]


@dataclass
class NaiveProposal:
    """A change that was proposed."""

    id: bytes
    organization: str
    change: Change
    open_until: int
    proposed_at: int
    status: str = "OPEN"
    ended_at: int = 0
    votes: list[tuple[str, bool, int]] = field(default_factory=list)
    """Who said what, at which height."""
