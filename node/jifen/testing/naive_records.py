"""What the naive ledger keeps."""

from dataclasses import dataclass, field
from typing import NamedTuple

from jifen.ledger.changes import Change
from jifen.ledger.rejections import Rejection


class NaiveLot(NamedTuple):
    """Points that came in at once."""

    owner: bytes
    point_type: str
    points: int
    origin: str
    available_from: int
    expires_at: int


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
