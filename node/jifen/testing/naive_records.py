"""What the naive ledger keeps."""

from dataclasses import dataclass, field
from typing import NamedTuple

from jifen.ledger.changes import Change
from jifen.ledger.rejections import Rejection
from jifen.ledger.terms import Terms
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


class NaiveOrder(NamedTuple):
    """A credited order."""

    identity: bytes
    body: EarnPoints
    terms: Terms
    """Those that gave its points their dates."""
    available_from: int
    expires_at: int
    renewal_days: int
    awaiting: bool


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
