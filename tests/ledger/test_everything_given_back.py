"""Whoever gives everything back has nothing left: no order of purchases, refunds and new rules gains a point."""

from typing import Final

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from jifen.ledger.dates import DAY_MS
from jifen.ledger.rejections import Rejection
from jifen.ledger.rules.bodies import PublishCampaign, PublishEarningRule
from jifen.ledger.rules.records import (
    Bracket,
    BracketBasis,
    BracketMode,
    Budget,
    Campaign,
    EarningRule,
    ItemRule,
    MemberTally,
    OrderLine,
    Period,
    Rounding,
    Stacking,
    TierCoefficient,
)
from jifen.ledger.state import BUDGET, HOLDING, TALLY, after_prefix, membership_key
from jifen.ledger.terms.bodies import PublishTerms
from jifen.ledger.terms.records import AvailableAfterDays, AvailableOnConfirmation, ImmediatelyAvailable, Terms
from jifen.ledger.tiers.bodies import PublishTiers
from jifen.ledger.tiers.records import Membership, Tier, TierProgramme
from jifen.ledger.transactions import EarnPoints
from jifen.ledger.types import POINTS_MAX, Holding
from jifen.testing.scenes.point_stage import ANN, BO, CONSUMER, PointStage

limits: Final = st.sampled_from((POINTS_MAX, POINTS_MAX, 7, 40))

rules: Final = st.builds(
    EarningRule,
    version=st.just(0),
    brackets=st.sampled_from(
        ((Bracket(0, 1, 10),), (Bracket(0, 1, 30), Bracket(100, 1, 9)), (Bracket(0, 0, 1), Bracket(1, 2, 7)))
    ),
    mode=st.sampled_from(BracketMode),
    basis=st.sampled_from(BracketBasis),
    period=st.sampled_from((Period.DAY, Period.MONTH)),
    items=st.sampled_from(((), (ItemRule("shoes", "", 1, 3),))),
    visits_per_day=st.just(2),
    visit_points=st.just(3),
    budget=limits,
    order_cap=limits,
    member_cap=limits,
    rounding=st.sampled_from(Rounding),
    coefficients=st.sampled_from(((), (TierCoefficient("gold", 7, 3),), (TierCoefficient("gold", 1, 3),))),
    stacking=st.sampled_from(Stacking),
)

steps: Final = st.one_of(
    st.tuples(st.just("sell"), st.integers(1, 400), st.booleans()),
    st.tuples(st.just("sell"), st.integers(1, 400), st.booleans()),
    st.tuples(st.just("refund"), st.integers(0, 99), st.integers(1, 400)),
    st.tuples(st.just("refund"), st.integers(0, 99), st.just(1)),
    st.tuples(st.just("rule"), rules, st.none()),
    st.tuples(st.just("campaign"), st.sampled_from((2, 3)), limits),
    st.tuples(st.just("tiers"), st.none(), st.none()),
    st.tuples(st.just("wait"), st.sampled_from((DAY_MS // 3, DAY_MS, 40 * DAY_MS)), st.none()),
    st.tuples(st.just("pending"), st.integers(0, 2), st.none()),
    st.tuples(st.just("confirm"), st.integers(0, 99), st.none()),
    st.tuples(st.just("pass on"), st.integers(1, 50), st.none()),
)


class Customer:
    """Ann, who buys of the mall and gives back, while it publishes what comes to its mind."""

    def __init__(self) -> None:
        self.stage = PointStage()
        self.orders: dict[str, list[int]] = {}
        """Amount, fen, and what of it was refunded."""
        self.rules = self.terms = self.tiers = 1
        self.campaigns = self.refunds = 0

    def step(self, kind: str, one: object, other: object) -> None:
        """Do one thing."""
        stage, count = self.stage, len(self.orders)
        head = (stage.time, stage.nonce(), "mall")
        if kind == "sell":
            assert isinstance(one, int)
            lines = (OrderLine("shoes", "", one // 2),) if other else ()
            body = EarnPoints(*head, f"O{count}", ANN, CONSUMER, one, 7, lines, BO if other else None)
            assert not isinstance(stage.effects_of(body, "mall till"), Rejection)
            self.orders[f"O{count}"] = [one, 0]
        elif kind == "refund" and count:
            assert isinstance(one, int)
            assert isinstance(other, int)
            self.refund(f"O{one % count}", other)
        elif kind == "rule":
            assert isinstance(one, EarningRule)
            rule = msgspec.structs.replace(one, version=self.rules + 1)
            if not isinstance(stage.take(PublishEarningRule(*head, CONSUMER, rule), "mall admin"), Rejection):
                self.rules += 1
        elif kind == "campaign":
            assert isinstance(one, int)
            assert isinstance(other, int)
            self.campaigns += 1
            end = stage.time + 10 * DAY_MS
            campaign = Campaign(f"c{self.campaigns}", one, 1, 0, end, budget=other, member_cap=other)
            stage.take(PublishCampaign(*head, CONSUMER, campaign), "mall admin")
        elif kind == "tiers" and self.tiers == 1:
            programme = TierProgramme(1, (Tier("gold", "Gold", 30),))
            assert not isinstance(stage.take(PublishTiers(*head, programme), "mall admin"), Rejection)
            self.tiers += 1
        elif kind == "wait":
            assert isinstance(one, int)
            stage.wait(one)
        else:
            self.move(kind, one)

    def move(self, kind: str, one: object) -> None:
        """Let points wait, come, or go to somebody else."""
        assert isinstance(one, int | None)
        stage = self.stage
        if kind == "pending" and one is not None:
            pending = (ImmediatelyAvailable(), AvailableAfterDays(2), AvailableOnConfirmation())[one]
            self.terms += 1
            body = PublishTerms(stage.time, stage.nonce(), "mall", CONSUMER, Terms(version=self.terms, pending=pending))
            assert not isinstance(stage.take(body, "mall admin"), Rejection)
        elif kind == "confirm" and self.orders and one is not None:
            stage.confirm(f"O{one % len(self.orders)}")
        elif kind == "pass on" and one is not None and stage.holding().available >= one:
            stage.give_away(one)

    def refund(self, order: str, amount: int) -> None:
        """Give a part of an order back, as far as there is any left."""
        whole, refunded = self.orders[order]
        part = min(amount, whole - refunded)
        if part:
            self.refunds += 1
            body = self.stage.refund_body(order, f"R{self.refunds}", part)
            assert not isinstance(self.stage.effects_of(body, "mall till"), Rejection)
            self.orders[order][1] += part


def worth(stage: PointStage) -> dict[str, int]:
    """Return what all accounts have of each type, less what they owe."""
    found: dict[str, int] = {}
    for key, holding in stage.state.range(HOLDING, after_prefix(HOLDING), 99):
        assert isinstance(holding, Holding)
        name = key[21:].decode()
        found[name] = found.get(name, 0) + holding.available + holding.pending - holding.debt
    return found


@given(st.lists(steps, min_size=3, max_size=16))
def test_x1_who_gives_everything_back_has_nothing_left_and_every_limit_is_as_it_was(
    done: list[tuple[str, object, object]],
) -> None:
    customer = Customer()
    for step in done:
        customer.step(*step)

    for order in customer.orders:
        customer.refund(order, 1)
    for order, (amount, _) in customer.orders.items():
        customer.refund(order, amount)

    stage, state = customer.stage, customer.stage.state
    assert not any(worth(stage).values())
    for _, budget in state.range(BUDGET, after_prefix(BUDGET), 99):
        assert budget == Budget(0)
    for _, tally in state.range(TALLY, after_prefix(TALLY), 9):
        assert isinstance(tally, MemberTally)
        assert tally.until <= stage.time or (tally.spent_fen, tally.points) == (0, 0)
        assert all(item.until <= stage.time or item.points == 0 for item in tally.campaigns)
    member = state.get(membership_key(ANN, "mall"))
    assert member is None or (isinstance(member, Membership) and member.points <= member.lifetime == 0)
