"""What a transaction did, in words for people; scripts ask `jifen tx show --json`."""

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from jifen.cli.options import asked

if TYPE_CHECKING:
    from jifen.client.records import Submission


class _Parts(NamedTuple):
    """A list of parts in an effect, each some points of a type, and what they come to."""

    field: str
    line: str
    """How the line about them is called."""
    total: str = ""
    """Field with what they come to, fen; empty: there is none."""


_MOVED: Final = {"PointsEarned": "earned", "PointsRevoked": "taken back", "RewardRedeemed": "redeemed"}
"""Effects that move points of one type, and how the line about them is called. An earning purchase may redeem, too."""

_PARTS: Final = (
    _Parts("paidParts", "points pay", "paidFen"),
    _Parts("heldParts", "held", "heldFen"),
    _Parts("returnedParts", "given back"),
)


def effects_of(submission: "Submission", home: Path | None, url: list[str] | None) -> list[dict[str, object]]:
    """Return what a committed transaction did; nothing where no validator that was asked can say yet."""
    from jifen.client.errors import ClientError

    assert submission.id is not None, "what was committed has an id"
    name = bytes.fromhex(submission.id)
    try:
        found = asked(lambda client: client.transaction(name), home, url)
    except ClientError:
        # It is committed: a command that failed now would be repeated.
        return []
    return found.effects()


def what_happened(submission: "Submission", home: Path | None, url: list[str] | None, as_json: bool) -> dict[str, str]:
    """Return a line for each way in which points moved, by its name."""
    lines: dict[str, list[str]] = {}
    for effect in [] if as_json else effects_of(submission, home, url):
        moved = _MOVED.get(str(effect.get("__typename")))
        if moved is not None:
            lines.setdefault(moved, []).append(_quantity(effect))
        for kind in _PARTS:
            parts = effect.get(kind.field)
            if isinstance(parts, list):
                worth = f"{_number(effect[kind.total])} fen with " if kind.total else ""
                lines[kind.line] = [worth + (", ".join(_quantity(part) for part in parts) or "nothing")]
        if effect.get("moneyFen") is not None:
            lines["money"] = [f"{_number(effect['moneyFen'])} fen"]
    return {name: ", ".join(found) for name, found in lines.items()}


def words_of(value: object) -> str:
    """Return a value of an effect: parts one after the other, rates as fen for points."""
    match value:
        case list():
            return "; ".join(words_of(item) for item in value) or "none"
        case {"points": points, "fen": fen, **more} if not more:
            return f"{fen} fen for {points}"
        case dict():
            return ", ".join(f"{name} {words_of(item)}" for name, item in value.items() if item is not None)
        case bool():
            return "yes" if value else "no"
    return str(value)


def _quantity(part: dict[str, object]) -> str:
    return f"{_number(part['points'])} {part['pointType']}"


def _number(value: object) -> str:
    return f"{int(str(value)):,}"
