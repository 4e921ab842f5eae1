"""What the checks of invariants share; each family of rules has its checks in a module of its own."""

from collections.abc import Iterable

from jifen.ledger.state import HOLDING
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
