"""What the naive ledger keeps."""

from typing import NamedTuple

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
