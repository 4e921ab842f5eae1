"""The agenda when what is due to one record changes when another is due."""

from typing import Final
from unittest.mock import patch

import pytest

from jifen.ledger import agenda
from jifen.ledger.agenda import work_off
from jifen.ledger.context import BlockContext
from jifen.ledger.dates import DAY_MS
from jifen.ledger.points.held import hold_points, release_points
from jifen.ledger.receipts import AnyEffect
from jifen.ledger.scheduling import ENTRY, next_due, schedule
from jifen.ledger.state import AGENDA, StateWriter, agenda_key, holding_key, supply_key
from jifen.ledger.terms.effects import ExpiryAnnounced, PointsExpired
from jifen.ledger.types import Holding, Lot, LotOrigin, Supply
from jifen.testing.memory import Memory
from jifen.testing.naive.scene import CHAIN_ID, account_of, key_of

ANN, TYPE = account_of(key_of("ann")), "mall/consumer"
KEY: Final = holding_key(ANN, TYPE)
EARLY = Lot(40, LotOrigin.EARNED, 0, 50 * DAY_MS)
LATE = Lot(60, LotOrigin.EARNED, 0, 99 * DAY_MS)
GIVER: Final = b"!giver"


def held_state(due: int) -> tuple[Memory, tuple[Lot, ...]]:
    """Return a state in which EARLY is held, to be given back at `due`, and LATE can be spent."""
    holding = Holding(100, (EARLY, LATE), due=60 * DAY_MS)
    state = Memory({KEY: holding, supply_key(TYPE): Supply(100, 0), agenda_key(60 * DAY_MS, KEY): ENTRY})
    lots = hold_points(state, ANN, TYPE, 40, 0)
    schedule(state, GIVER, 0, due)
    return state, lots


@pytest.mark.parametrize("due", [1, 95 * DAY_MS, 100 * DAY_MS])
def test_points_that_come_back_past_their_date_expire_once_and_leave_one_entry_at_most(due: int) -> None:
    state, lots = held_state(due)

    def give_back(writer: StateWriter, _key: bytes, context: BlockContext) -> tuple[AnyEffect, ...]:
        return release_points(writer, ANN, TYPE, lots, context.time).expired

    with patch.dict(agenda.WAKES, {b"!": give_back}):
        expired = []
        for height in (1, 2):
            receipts = work_off(state, BlockContext(CHAIN_ID, height, 100 * DAY_MS))
            effects = [effect for receipt in receipts for effect in receipt.effects]
            found = [effect for effect in effects if isinstance(effect, PointsExpired)]
            expired.append([(effect.points, effect.expires_at) for effect in found])
            named = [key for key in state if key[:1] == AGENDA and key[9:] == KEY]
            holding = state[KEY]
            assert isinstance(holding, Holding)
            assert named == [agenda_key(holding.due, KEY)]
    assert expired == [[(60, 99 * DAY_MS), (40, 50 * DAY_MS)], []], "the holding is settled first, whatever its time"
    assert next_due(state) != 100 * DAY_MS


def test_what_was_announced_is_not_announced_again_when_points_come_back_past_their_date() -> None:
    state, lots = held_state(0)
    told = [work_off(state, BlockContext(CHAIN_ID, day, day * DAY_MS)) for day in range(70, 80)]
    assert [receipt.effects for receipts in told for receipt in receipts] == [
        (ExpiryAnnounced(ANN, TYPE, 60, 99 * DAY_MS, 30),)
    ]
    assert len(release_points(state, ANN, TYPE, lots, 79 * DAY_MS).expired) == 1
    assert work_off(state, BlockContext(CHAIN_ID, 80, 80 * DAY_MS)) == []
