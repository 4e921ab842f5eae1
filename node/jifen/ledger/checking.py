"""What the checks of invariants share; each family of rules has its checks in a module of its own."""

from collections.abc import Iterable

from jifen.ledger.points.positions import Position, Rate, holder_and_type_of, rate_of_key
from jifen.ledger.state import HOLDING, POSITION
from jifen.ledger.types import Holding, Record

Items = Iterable[tuple[bytes, Record]]


class InvariantBroken(AssertionError):
    """The state contradicts a rule that no transaction may break: a fault of the software or of the disk."""


def require(holds: bool, text: str) -> None:
    """Raise InvariantBroken with the text unless it holds."""
    if not holds:
        raise InvariantBroken(text)


def holdings_of(items: Items) -> Iterable[tuple[bytes, str, Holding]]:
    """Yield account, point type and record of every holding."""
    for key, record in items:
        if key[:1] == HOLDING:
            assert isinstance(record, Holding)
            yield key[1:21], key[21:].decode(), record


def positions_of(items: Items) -> Iterable[tuple[str, str, Rate, Position]]:
    """Yield organization, point type, rate and record of every position."""
    for key, record in items:
        if key[:1] == POSITION:
            assert isinstance(record, Position)
            yield *holder_and_type_of(key), rate_of_key(key), record
