"""Every fault of earning rules and budgets that can be planted into a state is found by a check."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
import pytest

from jifen.ledger.checking import InvariantBroken
from jifen.ledger.invariants import CHECKS, check_all
from jifen.ledger.rules import checks as rule_checks
from jifen.ledger.rules.bodies import PublishCampaign, PublishEarningRule
from jifen.ledger.rules.checks import check_budgets_are_what_orders_took as counted
from jifen.ledger.rules.checks import check_every_version_of_rules_is_kept as kept
from jifen.ledger.rules.checks import check_no_more_is_returned_than_was_bought as returned
from jifen.ledger.rules.records import Bracket, Budget, Campaign, CampaignRecord, EarningRule, RuleBook, RuleRecord
from jifen.ledger.state import (
    campaign_budget_key,
    campaign_key,
    order_key,
    rule_book_key,
    rule_budget_key,
    rule_key,
)
from jifen.ledger.types import OrderRecord, Record
from jifen.testing.naive.scene import DAY_MS
from jifen.testing.scenes.point_stage import CONSUMER, PointStage

State = dict[bytes, Record | None]


def sound() -> dict[bytes, Record]:
    """Return a state with a rule, a campaign, both with budgets, and two orders, one of them refunded in part."""
    stage = PointStage()
    rule = EarningRule(2, (Bracket(0, 1, 10),), budget=100)
    campaign = Campaign("gala", 2, 1, 0, stage.time + DAY_MS, 30)
    for body in (
        PublishEarningRule(stage.time, stage.nonce(), "mall", CONSUMER, rule),
        PublishCampaign(stage.time, stage.nonce(), "mall", CONSUMER, campaign),
    ):
        stage.take(body, "mall admin")
    stage.earn("A", 200)
    stage.earn("B", 300)
    stage.refund("B", "R", 150)
    return dict(stage.state.range(b"", b"\xff", 100_000))


def changed(key: bytes, **fields: Any) -> Callable[[dict[bytes, Record]], State]:
    """Return what replaces fields of the record under a key."""
    return lambda state: {key: msgspec.structs.replace(state[key], **fields)}


def book(**fields: Any) -> Callable[[dict[bytes, Record]], State]:
    """Return what replaces fields of the rule book."""
    return changed(rule_book_key(CONSUMER), **fields)


def credit(**fields: Any) -> Callable[[dict[bytes, Record]], State]:
    """Return what replaces fields of what the rule made of order B, of 300 fen, 150 of them refunded."""

    def change(state: dict[bytes, Record]) -> State:
        key = order_key("mall", "B")
        order = state[key]
        assert isinstance(order, OrderRecord)
        assert order.credit is not None
        return {key: msgspec.structs.replace(order, credit=msgspec.structs.replace(order.credit, **fields))}

    return change


RULE, CAMPAIGN, BOOK = rule_key(CONSUMER, 2), campaign_key(CONSUMER, "gala"), rule_book_key(CONSUMER)
OTHER: Final = EarningRule(2, (Bracket(0, 9, 10),))

FAULTS: Final = [
    pytest.param(kept, changed(RULE, hash=bytes(32)), "I10: rule mall/consumer 2", id="another hash"),
    pytest.param(kept, lambda _: {RULE: None}, "is missing", id="a version is lost"),
    pytest.param(kept, changed(RULE, rule=OTHER), "I10: rule", id="a rule changed after the fact"),
    pytest.param(kept, book(rule=OTHER), "that its history lacks", id="another rule holds"),
    pytest.param(kept, changed(CAMPAIGN, ended_at=7), "or that was ended", id="an ended campaign goes on"),
    pytest.param(kept, lambda _: {CAMPAIGN: None}, "or that was ended", id="a campaign is lost"),
    pytest.param(kept, changed(CAMPAIGN, hash=bytes(32)), "I10: campaign", id="another hash of a campaign"),
    pytest.param(
        kept, lambda state: {rule_book_key("mall/store"): state[BOOK]}, "does not exist", id="rules of nothing"
    ),
    pytest.param(
        counted, lambda _: {rule_budget_key(CONSUMER, 2): Budget(64)}, "is charged 64", id="a point not counted"
    ),
    pytest.param(
        counted, lambda _: {campaign_budget_key(CONSUMER, "gala"): None}, "is charged 0", id="nothing counted"
    ),
    pytest.param(returned, credit(returned=(151,)), "I3: order", id="more returned than refunded"),
    pytest.param(returned, credit(bracket_fen=100, returned=(101,)), "I3: order", id="more returned than bought"),
    pytest.param(returned, credit(returned=(50, 0)), "I3: order", id="more parts returned than there are"),
    pytest.param(
        counted, lambda _: {rule_budget_key(CONSUMER, 3): Budget(1)}, "that do not exist", id="a budget of nothing"
    ),
]


def test_a_sound_state_passes_and_every_check_has_a_fault_that_shows_it_to_bite() -> None:
    state = sound()
    check_all(state.items())
    assert state[rule_budget_key(CONSUMER, 2)] == Budget(65)
    assert isinstance(state[RULE], RuleRecord)
    assert isinstance(state[CAMPAIGN], CampaignRecord)
    assert isinstance(state[BOOK], RuleBook)
    mine = {check for check in CHECKS if check.__module__ == rule_checks.__name__}
    assert {fault.values[0] for fault in FAULTS} == mine


@pytest.mark.parametrize(("check", "change", "reason"), FAULTS)
def test_a_planted_fault_of_rules_is_found(
    check: Any, change: Callable[[dict[bytes, Record]], State], reason: str
) -> None:
    state = sound()
    planted: State = {**state, **change(state)}
    with pytest.raises(InvariantBroken) as caught:
        check([(key, record) for key, record in planted.items() if record is not None])
    assert reason in str(caught.value)
