"""Supplies in the state: how many points of a type exist."""

from jifen.ledger.records import read
from jifen.ledger.state import StateWriter, supply_key
from jifen.ledger.types import EMPTY_SUPPLY, Supply


def take_out(state: StateWriter, point_type: str, *, burned: int = 0, expired: int = 0) -> None:
    """Count points that are gone; the caller has taken them out of where they were."""
    if burned or expired:
        supply = read(state, supply_key(point_type), Supply) or EMPTY_SUPPLY
        state.put(supply_key(point_type), Supply(supply.issued, supply.burned + burned, supply.expired + expired))


def burn(state: StateWriter, point_type: str, points: int) -> None:
    """Count points as burned."""
    take_out(state, point_type, burned=points)


def unburn(state: StateWriter, point_type: str, points: int) -> None:
    """Undo a burning: the caller gives these very points back to whom they were taken from.

    Nothing is issued by that, so no cap applies; they were burned in a trade that has been undone.
    """
    supply = read(state, supply_key(point_type), Supply) or EMPTY_SUPPLY
    assert points <= supply.burned, f"{points} of {supply.burned} burned {point_type} points cannot come back"
    state.put(supply_key(point_type), Supply(supply.issued, supply.burned - points, supply.expired))
