"""A purchase of which everything is counted looks at each counter once: looking costs more than reckoning."""

from collections import Counter
from typing import Final
from unittest.mock import patch

from jifen.ledger.dates import DAY_MS
from jifen.ledger.rules.bodies import PublishCampaign, PublishEarningRule
from jifen.ledger.rules.records import Bracket, BracketBasis, Campaign, EarningRule, Period
from jifen.ledger.state import BUDGET, TALLY, WorkingState
from jifen.ledger.types import Record
from jifen.testing.scenes.point_stage import CONSUMER, PointStage

RULE: Final = EarningRule(
    2, (Bracket(0, 1, 100),), basis=BracketBasis.CUMULATIVE, period=Period.MONTH, budget=1000, member_cap=100
)


def test_a_purchase_looks_at_each_budget_and_tally_once() -> None:
    stage = PointStage()
    campaign = Campaign("double", 2, 1, 0, stage.time + DAY_MS, budget=500, member_cap=50)
    stage.take(PublishEarningRule(stage.time, stage.nonce(), "mall", CONSUMER, RULE), "mall admin")
    stage.take(PublishCampaign(stage.time, stage.nonce(), "mall", CONSUMER, campaign), "mall admin")
    reads: Counter[bytes] = Counter()
    right = WorkingState.get

    def counting(state: WorkingState, key: bytes) -> Record | None:
        reads[key] += 1
        return right(state, key)

    with patch.object(PointStage, "check"), patch.object(WorkingState, "get", counting):
        points = [stage.earn(order, 1000).points for order in ("A", "B")]
    assert points == [20, 20]
    counters = {key: times for key, times in reads.items() if key[:1] in (BUDGET, TALLY)}
    assert len(counters) == 3
    assert set(counters.values()) == {2}, "two purchases look twice in all"
