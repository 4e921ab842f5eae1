"""Earning rules by table: brackets in both modes, coefficients and campaigns, roles, refunds, budgets."""

from fractions import Fraction
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.ledger.dates import DAY_MS
from jifen.ledger.payments.bodies import (
    CaptureHold,
    HoldPoints,
    PaymentPart,
    PayOrder,
    PublishAcceptance,
    SetPaymentPolicy,
)
from jifen.ledger.payments.records import Acceptance
from jifen.ledger.receipts import AnyEffect, PointsEarned, PointsRevoked
from jifen.ledger.rejections import Rejection
from jifen.ledger.rules.bodies import (
    EndCampaign,
    PublishCampaign,
    PublishEarningRule,
    SetEarningPolicy,
    SetOrganizationTags,
)
from jifen.ledger.rules.effects import Arithmetic, CampaignEnded, EarningRuleInForce
from jifen.ledger.rules.records import (
    Bracket,
    BracketBasis,
    BracketMode,
    Campaign,
    EarningPolicy,
    EarningRule,
    ItemRule,
    MemberTally,
    OrderLine,
    Period,
    Rounding,
    Stacking,
    TierCoefficient,
)
from jifen.ledger.state import TALLY, after_prefix, tally_key
from jifen.ledger.terms.bodies import CreatePointType, PublishTerms
from jifen.ledger.terms.effects import PointsActivated
from jifen.ledger.terms.records import AvailableOnConfirmation, Terms
from jifen.ledger.tiers.bodies import PublishTiers
from jifen.ledger.tiers.records import Tier, TierProgramme
from jifen.ledger.transactions import EarnPoints
from jifen.ledger.types import AMOUNT_FEN_MAX, POINTS_MAX, RoleClass
from jifen.testing.naive.scene import account_of, key_of
from jifen.testing.scenes.point_stage import ANN, BO, CONSUMER, PointStage

YUAN: Final = 100
BRACKETS: Final = (Bracket(0, 1, YUAN), Bracket(1000 * YUAN, 2, YUAN), Bracket(3000 * YUAN, 3, YUAN))
"""A point a yuan, from 1000 yuan on two, from 3000 on three: 1, 2 and 3 % in points worth a fen."""


class Shop:
    """The mall on a stage, with rules of its own for consumer points."""

    def __init__(self, rule: EarningRule | None = None, *campaigns: Campaign) -> None:
        self.stage = PointStage()
        self.count = 0
        if rule is not None:
            self.publish(rule)
        for campaign in campaigns:
            self.campaign(campaign)

    def publish(self, rule: EarningRule, name: str = CONSUMER, *signers: str) -> AnyEffect | Rejection:
        """Publish a rule."""
        issuer = name.split("/", maxsplit=1)[0]
        body = PublishEarningRule(self.stage.time, self.stage.nonce(), issuer, name, rule)
        return self.stage.take(body, *(signers or (f"{issuer} admin",)))

    def campaign(self, campaign: Campaign, name: str = CONSUMER) -> AnyEffect | Rejection:
        """Publish a campaign."""
        body = PublishCampaign(self.stage.time, self.stage.nonce(), "mall", name, campaign)
        return self.stage.take(body, "mall admin")

    def sell(
        self,
        amount: int,
        items: tuple[OrderLine, ...] = (),
        account: bytes = ANN,
        order: str = "",
        guide: bytes | None = None,
        store: bytes | None = None,
        distributor: bytes | None = None,
    ) -> tuple[PointsEarned, ...]:
        """Credit a purchase and return what every leg earns."""
        self.count += 1
        head = (self.stage.time, self.stage.nonce(), "mall", order or f"S{self.count}", account, CONSUMER, amount, 7)
        effects = self.stage.effects_of(EarnPoints(*head, items, guide, store, distributor), "mall till")
        assert not isinstance(effects, Rejection), effects
        return tuple(effect for effect in effects if isinstance(effect, PointsEarned))

    def points(self, amount: int, items: tuple[OrderLine, ...] = ()) -> int:
        """Credit a purchase of Ann's and return her points."""
        return self.sell(amount, items)[0].points

    def refund(self, order: str, refund: str, amount: int) -> tuple[PointsRevoked, ...]:
        """Refund a part of an order and return what every leg loses."""
        effects = self.stage.effects_of(self.stage.refund_body(order, refund, amount), "mall till")
        assert not isinstance(effects, Rejection), effects
        return tuple(effect for effect in effects if isinstance(effect, PointsRevoked))


def rule(*brackets: Bracket, **fields: object) -> EarningRule:
    """Return version 2 of a rule."""
    return msgspec.structs.replace(EarningRule(2, brackets or (Bracket(0, 1, YUAN),)), **fields)


def lasting(name: str, numerator: int, denominator: int = 1, **fields: object) -> Campaign:
    """Return a campaign that holds for a day from now on."""
    stage = PointStage()
    return msgspec.structs.replace(Campaign(name, numerator, denominator, 0, stage.time + DAY_MS), **fields)


AMOUNTS: Final = (
    # yuan and fen, marginal, whole amount
    (0, 0, 0),
    (99, 0, 0),
    (100, 1, 1),
    (50_000, 500, 500),
    (99_999, 999, 999),
    (100_000, 1000, 2000),
    (100_050, 1001, 2001),
    (150_000, 2000, 3000),
    (299_999, 4999, 5999),
    (300_000, 5000, 9000),
    (300_001, 5000, 9000),
    (1_000_000, 26_000, 30_000),
)


@pytest.mark.parametrize(("amount", "marginal", "whole"), AMOUNTS)
def test_f11_an_order_earns_by_brackets_in_both_modes(amount: int, marginal: int, whole: int) -> None:
    assert Shop(rule(*BRACKETS, mode=BracketMode.MARGINAL)).points(amount) == marginal
    assert Shop(rule(*BRACKETS, mode=BracketMode.WHOLE_AMOUNT)).points(amount) == whole


@pytest.mark.parametrize("mode", BracketMode)
@pytest.mark.parametrize("refunded", [1, 9_999, 100_000, 150_000, 299_999, 350_000])
def test_f11_after_a_refund_the_points_are_those_of_the_net_amount(mode: BracketMode, refunded: int) -> None:
    shop, net = Shop(rule(*BRACKETS, mode=mode)), Shop(rule(*BRACKETS, mode=mode))
    shop.sell(350_000, order="A")
    [revoked] = shop.refund("A", "R", refunded)
    kept = net.points(350_000 - refunded)
    assert revoked.kept == shop.stage.holding().available == kept


def test_f11_a_rule_of_a_merchant_needs_its_mall_and_may_only_be_tighter() -> None:
    shop = Shop()
    policy = EarningPolicy(1, ("books",), signature_required=True, rate_points=3, rate_fen=100, order_cap=500)
    body = SetEarningPolicy(shop.stage.time, shop.stage.nonce(), "mall", policy)
    assert shop.stage.take(body, "mall admin") is Rejection.POLICY_NOT_ACCEPTED
    assert not isinstance(shop.stage.take(body, "mall admin", "books admin"), Rejection)
    mine = rule(Bracket(0, 3, 100), order_cap=500)
    both = ("books admin", "mall admin")
    assert shop.publish(mine, "books/store", "books admin") is Rejection.MALL_NOT_SIGNED
    loose = msgspec.structs.replace(mine, brackets=(Bracket(0, 1, 100), Bracket(1, 31, 1000)))
    assert shop.publish(loose, "books/store", *both) is Rejection.RULE_AGAINST_POLICY
    assert shop.publish(rule(Bracket(0, 3, 100)), "books/store", *both) is Rejection.RULE_AGAINST_POLICY
    assert not isinstance(shop.publish(mine, "books/store", *both), Rejection)
    assert shop.stage.earn("B1", 1000, "books/store").points == 30


def test_f11_a_cumulative_rule_counts_what_was_spent_in_the_month_before() -> None:
    shop = Shop(rule(*BRACKETS, basis=BracketBasis.CUMULATIVE, period=Period.MONTH))
    assert [shop.points(amount) for amount in (80_000, 40_000, 200_000)] == [800, 600, 4200]
    shop.stage.wait(40 * DAY_MS)
    assert shop.points(100_000) == 1000


@pytest.mark.parametrize(("mode", "points"), [(BracketMode.MARGINAL, 3000), (BracketMode.WHOLE_AMOUNT, 4000)])
def test_f11_who_climbs_the_brackets_and_gives_everything_back_earns_from_the_bottom_again(
    mode: BracketMode, points: int
) -> None:
    shop = Shop(rule(*BRACKETS, mode=mode, basis=BracketBasis.CUMULATIVE, period=Period.MONTH))
    shop.sell(5000 * YUAN, order="climb")
    shop.refund("climb", "R1", 4000 * YUAN)
    shop.refund("climb", "R2", 1000 * YUAN)
    assert shop.points(2000 * YUAN) == points
    assert shop.stage.holding().available == points


def test_f11_sums_of_the_period_count_what_was_kept_under_any_version_and_after_the_period_no_more() -> None:
    monthly = rule(*BRACKETS, basis=BracketBasis.CUMULATIVE, period=Period.MONTH)
    shop = Shop(monthly)
    shop.sell(1000 * YUAN, order="first")
    daily = msgspec.structs.replace(monthly, version=3, period=Period.DAY)
    assert not isinstance(shop.publish(daily), Rejection)
    shop.refund("first", "R1", 500 * YUAN)
    [earned] = shop.sell(500 * YUAN, order="second")
    assert earned.arithmetic is not None
    assert earned.arithmetic.before_fen == 500 * YUAN
    shop.stage.wait(62 * DAY_MS)
    shop.sell(300 * YUAN)
    shop.refund("first", "R2", 500 * YUAN)
    [earned] = shop.sell(100 * YUAN)
    assert earned.arithmetic is not None
    assert earned.arithmetic.before_fen == 300 * YUAN, "a refund of an earlier period takes nothing out of this one"


def test_f11_a_sum_beyond_the_largest_quantity_never_falls_below_nothing_when_it_is_given_back() -> None:
    shop = Shop(rule(Bracket(0, 0, 1), basis=BracketBasis.CUMULATIVE, period=Period.MONTH))
    shop.sell(AMOUNT_FEN_MAX, order="first")
    shop.sell(AMOUNT_FEN_MAX, order="second")
    [(key, tally)] = shop.stage.state.range(TALLY, after_prefix(TALLY), 9)
    assert isinstance(tally, MemberTally)
    # As after nine thousand more of them: what is beyond the largest quantity is not counted.
    shop.stage.state.put(key, msgspec.structs.replace(tally, spent_fen=AMOUNT_FEN_MAX))
    shop.refund("first", "R1", AMOUNT_FEN_MAX)
    shop.refund("second", "R2", AMOUNT_FEN_MAX)
    left = shop.stage.state.get(key)
    assert isinstance(left, MemberTally)
    assert left.spent_fen == 0


def test_p6_refunds_let_nobody_pass_the_cap_of_a_member_by_any_number_of_orders() -> None:
    shop = Shop(rule(Bracket(0, 1, YUAN), member_cap=100, period=Period.MONTH))
    held = []
    for number in range(6):
        shop.sell(90 * YUAN, order=f"A{number}")
        held.append(shop.stage.holding().available)
        shop.refund(f"A{number}", f"R{number}", 45 * YUAN)
    assert max(held) <= 100
    assert shop.stage.holding().available <= 100


def test_f11_points_are_rounded_once_as_the_rule_says() -> None:
    lines = (OrderLine("a", "", 75), OrderLine("b", "", 75))
    items = (ItemRule("a", "", 1, 100), ItemRule("b", "", 1, 100))
    assert Shop(rule(items=items)).points(150, lines) == 1
    assert Shop(rule(items=items, rounding=Rounding.NEAREST)).points(150, lines) == 2
    assert Shop(rule(rounding=Rounding.NEAREST)).points(149) == 1


def test_f11_lines_earn_at_the_rate_of_their_category_or_item() -> None:
    items = (ItemRule("tea", "oolong", 5, 100), ItemRule("tea", "", 2, 100), ItemRule("", "card", 0, 1))
    shop = Shop(rule(items=items))
    lines = (OrderLine("tea", "oolong", 1000), OrderLine("tea", "", 1000), OrderLine("", "card", 5000))
    [earned] = shop.sell(8000, lines, order="A")
    assert earned.points == 50 + 20 + 0 + 10
    assert [revoked.points for revoked in shop.refund("A", "R", 4000)] == [40]


def test_f11_visits_earn_at_most_so_often_a_day() -> None:
    shop = Shop(rule(visit_points=5, visits_per_day=2))
    assert [shop.points(0) for _ in range(3)] == [5, 5, 0]
    shop.stage.wait(DAY_MS)
    assert shop.points(100) == 6


def test_what_a_visit_without_a_purchase_earns_waits_for_its_confirmation_and_stays_charged_to_the_budget() -> None:
    shop = Shop(rule(visit_points=5, visits_per_day=2, budget=100))
    terms = Terms(2, pending=AvailableOnConfirmation())
    body = PublishTerms(shop.stage.time, shop.stage.nonce(), "mall", CONSUMER, terms)
    assert not isinstance(shop.stage.take(body, "mall admin"), Rejection)

    shop.sell(0, order="A")
    confirmed = shop.stage.confirm("A")

    assert isinstance(confirmed, PointsActivated)
    assert (confirmed.points, shop.stage.holding().available) == (5, 5)
    assert shop.stage.confirm("A") == Rejection.ORDER_NOT_PENDING


def gold(shop: Shop) -> None:
    """Let Ann be gold."""
    programme = TierProgramme(1, (Tier("gold", "Gold", 1),))
    body = PublishTiers(shop.stage.time, shop.stage.nonce(), "mall", programme)
    assert not isinstance(shop.stage.take(body, "mall admin"), Rejection)
    shop.sell(100, order="first")


@pytest.mark.parametrize(
    ("stacking", "factor", "points"),
    [(Stacking.MAX, Fraction(2), 200), (Stacking.ADD, Fraction(5, 2), 250), (Stacking.MULTIPLY, Fraction(5, 2), 250)],
)
def test_f17_gold_and_a_campaign_are_stacked_and_capped(stacking: Stacking, factor: Fraction, points: int) -> None:
    mine = rule(
        coefficients=(TierCoefficient("gold", 3, 2),), stacking=stacking, factor_numerator=5, factor_denominator=2
    )
    shop = Shop(mine)
    gold(shop)
    assert shop.points(10_000) == 150
    shop.campaign(lasting("double", 2))
    [earned] = shop.sell(10_000, order="A")
    told = earned.arithmetic
    assert told is not None
    assert (told.tier, told.tier_numerator, told.tier_denominator) == ("gold", 3, 2)
    assert Fraction(told.factor_numerator, told.factor_denominator) == factor
    assert earned.points == points
    assert sum(shop.refund("A", f"R{number}", 1000)[0].points for number in range(10)) == points


def test_f17_without_a_cap_the_three_ways_of_stacking_differ() -> None:
    for stacking, points in ((Stacking.MAX, 200), (Stacking.ADD, 250), (Stacking.MULTIPLY, 300)):
        shop = Shop(rule(coefficients=(TierCoefficient("gold", 3, 2),), stacking=stacking))
        gold(shop)
        shop.campaign(lasting("double", 2))
        assert shop.points(10_000) == points


def with_roles() -> Shop:
    """Return a shop that gives 1 % to customers, 0.3 % to guides, 0.2 % to stores and 0.1 % to distributors."""
    shop = Shop(rule(Bracket(0, 1, 100)))
    stage = shop.stage
    terms = Terms()
    body = CreatePointType(stage.time, stage.nonce(), "mall", RoleClass.STORE, 2, 1000, terms)
    assert not isinstance(stage.take(body, "mall admin"), Rejection)
    shop.publish(msgspec.structs.replace(rule(Bracket(0, 3, 1000)), version=5), "mall/guide")
    shop.publish(rule(Bracket(0, 1, 1000)), "mall/distributor")
    stage.register("cy")
    return shop


CY: Final = account_of(key_of("cy"))


def test_f23_one_sale_credits_every_role_and_half_a_refund_takes_half_of_each() -> None:
    shop = with_roles()
    earned = shop.sell(1000, order="A", guide=BO, store=CY, distributor=CY)
    assert [(effect.account, effect.points) for effect in earned] == [(ANN, 10), (BO, 3), (CY, 2), (CY, 1)]
    taken = shop.refund("A", "R1", 500)
    assert [effect.points for effect in taken] == [5, 2, 1, 1]
    assert [effect.kept for effect in taken] == [5, 1, 1, 0]
    assert [effect.kept for effect in shop.refund("A", "R2", 500)] == [0, 0, 0, 0]


def test_f23_of_a_sale_of_2000_half_a_refund_takes_exactly_half_of_every_leg() -> None:
    shop = with_roles()
    earned = shop.sell(2000, order="A", guide=BO, store=CY, distributor=CY)
    taken = shop.refund("A", "R1", 1000)
    assert [effect.points for effect in earned] == [20, 6, 4, 2]
    assert [effect.points for effect in taken] == [10, 3, 2, 1]


def test_f23_a_guide_who_buys_for_himself_gets_only_the_customer_s_leg() -> None:
    shop = with_roles()
    earned = shop.sell(1000, account=BO, guide=BO, store=CY)
    assert [(effect.account, effect.point_type) for effect in earned] == [(BO, CONSUMER), (CY, "mall/store")]


def test_f23_a_guide_is_capped_by_the_month_and_the_customer_is_not() -> None:
    shop = with_roles()
    capped = msgspec.structs.replace(rule(Bracket(0, 3, 1000), member_cap=5, period=Period.MONTH), version=6)
    shop.publish(capped, "mall/guide")
    assert [[leg.points for leg in shop.sell(1000, guide=BO)] for _ in range(3)] == [[10, 3], [10, 2], [10, 0]]


def test_p6_a_campaign_with_a_budget_of_1000_never_gives_1001_however_many_orders() -> None:
    shop = Shop(None, lasting("double", 2, budget=1000))
    extra = [shop.points(90) - 9 for _ in range(200)]
    assert sum(extra) == 1000
    assert extra[:111] == [9] * 111
    assert extra[111:] == [1] + [0] * 88


def test_p6_what_a_refund_gives_back_another_order_may_have() -> None:
    shop = Shop(None, lasting("double", 2, budget=20))
    shop.sell(200, order="A")
    assert shop.points(100) == 10
    shop.refund("A", "R", 100)
    assert shop.points(200) == 30
    assert shop.points(200) == 20


def test_p6_a_campaign_gives_an_account_no_more_than_its_cap() -> None:
    shop = Shop(None, lasting("double", 2, member_cap=15))
    assert [shop.points(100) for _ in range(3)] == [20, 15, 10]
    assert shop.sell(100, account=BO)[0].points == 20


def test_a_campaign_without_a_cap_for_accounts_writes_nothing_down_about_them() -> None:
    shop = Shop(rule(Bracket(0, 1, 10), member_cap=1000, period=Period.MONTH), lasting("double", 2))
    assert shop.points(100) == 20
    tally = shop.stage.state.get(tally_key(ANN, CONSUMER))
    assert isinstance(tally, MemberTally)
    assert tally.campaigns == ()


def test_f1_a_rule_for_an_industry_and_region_holds_only_there() -> None:
    shop = Shop(rule(Bracket(0, 1, 10), regions=("北京",), industries=("餐饮",)))
    assert shop.points(100) == 0
    for regions, industries, points in [
        (("上海",), ("餐饮",), 0),
        (("北京",), ("书店",), 0),
        (("北京",), ("餐饮",), 10),
    ]:
        body = SetOrganizationTags(shop.stage.time, shop.stage.nonce(), "mall", regions, industries)
        assert not isinstance(shop.stage.take(body, "mall admin"), Rejection)
        assert shop.points(100) == points


@pytest.mark.parametrize("tagged", [{"regions": ("北京",)}, {"industries": ("餐饮",)}], ids=["region", "industry"])
def test_f1_one_of_both_is_enough_to_say_where_a_rule_or_a_campaign_holds(tagged: dict[str, Any]) -> None:
    ruled, doubled = Shop(rule(Bracket(0, 1, 10), **tagged)), Shop(None, lasting("double", 2, **tagged))
    assert (ruled.points(100), doubled.points(100)) == (0, 10)
    for shop in (ruled, doubled):
        marks = (tagged.get("regions", ()), tagged.get("industries", ()))
        body = SetOrganizationTags(shop.stage.time, shop.stage.nonce(), "mall", *marks)
        assert not isinstance(shop.stage.take(body, "mall admin"), Rejection)
    assert (ruled.points(100), doubled.points(100)) == (10, 20)


@given(
    st.integers(1, 5000),
    st.lists(st.integers(1, 900), max_size=6),
    st.sampled_from(BracketMode),
    st.sampled_from(Rounding),
    st.sampled_from(Stacking),
    st.sampled_from((POINTS_MAX, 40, 7)),
    st.sampled_from((POINTS_MAX, 300)),
)
def test_x1_any_parts_of_a_refund_take_what_the_whole_would_take(
    amount: int,
    parts: list[int],
    mode: BracketMode,
    rounding: Rounding,
    stacking: Stacking,
    budget: int,
    order_cap: int,
) -> None:
    mine = rule(
        Bracket(0, 1, 7),
        Bracket(700, 2, 9),
        mode=mode,
        rounding=rounding,
        stacking=stacking,
        order_cap=order_cap,
        items=(ItemRule("tea", "", 3, 11),),
        visit_points=3,
        visits_per_day=9,
    )
    campaigns = (lasting("a", 3, 2, budget=budget), lasting("b", 7, 3, budget=50, member_cap=33))
    whole, split = Shop(mine, *campaigns), Shop(mine, *campaigns)
    lines = (OrderLine("tea", "", amount // 3),)
    for shop in (whole, split):
        shop.sell(amount, lines, order="A")
    total = 0
    for number, part in enumerate(parts):
        if total + part <= amount:
            split.refund("A", f"R{number}", part)
            total += part
    if total:
        whole.refund("A", "R", total)
    assert split.stage.holding() == whole.stage.holding()
    assert split.stage.supply().outstanding == whole.stage.supply().outstanding
    split.refund("A", "last", amount - total) if total < amount else None
    assert split.stage.supply().outstanding == 0


def test_a_receipt_says_how_its_points_came_about() -> None:
    mine = rule(
        *BRACKETS, items=(ItemRule("tea", "", 1, 3),), visit_points=7, visits_per_day=1, factor_numerator=3, budget=100
    )
    shop = Shop(mine, lasting("double", 2))
    [earned] = shop.sell(150_000, (OrderLine("tea", "", 10_000),), order="A")
    told = earned.arithmetic
    assert told is not None
    assert [msgspec.structs.astuple(step) for step in told.brackets] == [
        (0, 100_000, 1, 100),
        (100_000, 40_000, 2, 100),
    ]
    assert [(step.part.amount_fen, step.points, step.fen) for step in told.items] == [(10_000, 1, 3)]
    assert told.computed == recomputed(told) == 2 * (7 + 1000 + 800) + 6666
    assert (earned.rule_version, earned.points) == (2, 100)
    assert (earned.earn_points, earned.earn_fen) == (0, 0)


def recomputed(told: Arithmetic) -> int:
    """Return the points that a receipt's arithmetic comes to."""
    value = Fraction(told.visit_points)
    value += sum(Fraction(step.amount_fen * step.points, step.fen) for step in told.brackets)
    value += sum(Fraction(step.part.amount_fen * step.points, step.fen) for step in told.items)
    value *= Fraction(told.factor_numerator, told.factor_denominator)
    return min(int(value + (Fraction(1, 2) if told.rounding is Rounding.NEAREST else 0)), told.order_cap)


def test_a_version_published_for_later_holds_from_its_time_on_and_old_orders_keep_theirs() -> None:
    shop = Shop()
    shop.sell(1000, order="A")
    shop.publish(rule(Bracket(0, 5, 100), effective_from=shop.stage.time + DAY_MS))
    shop.sell(1000, order="B")
    effects = shop.stage.wait(DAY_MS)
    assert [type(effect) for effect in effects] == [EarningRuleInForce]
    [earned] = shop.sell(1000, order="C")
    assert (earned.rule_version, earned.points) == (2, 50)
    assert [shop.refund(order, f"R{order}", 1000)[0].points for order in "ABC"] == [100, 100, 50]


def test_a_campaign_ends_by_time_or_by_its_issuer_and_refunds_remember_it() -> None:
    shop = Shop(None, lasting("double", 2, budget=500), lasting("triple", 3, budget=500))
    shop.sell(100, order="A")
    body = EndCampaign(shop.stage.time, shop.stage.nonce(), "mall", CONSUMER, "triple")
    assert shop.stage.take(body, "mall admin") == CampaignEnded(CONSUMER, "triple", 40)
    assert shop.points(100) == 20
    assert shop.stage.wait(2 * DAY_MS) == [CampaignEnded(CONSUMER, "double", 20)]
    assert shop.points(100) == 10
    assert shop.refund("A", "R", 100)[0].points == 60


def test_tallies_are_deleted_when_they_count_nothing_any_more() -> None:
    shop = Shop(rule(basis=BracketBasis.CUMULATIVE, period=Period.DAY, visit_points=1, visits_per_day=1))
    shop.sell(100)
    assert shop.stage.state.range(TALLY, TALLY + b"\xff", 9)
    shop.stage.wait(DAY_MS)
    shop.stage.wait(DAY_MS)
    assert not shop.stage.state.range(TALLY, TALLY + b"\xff", 9)


def test_outside_its_time_a_rule_earns_nothing_and_says_so() -> None:
    stage = PointStage()
    shop = Shop(rule(ends_at=stage.time + DAY_MS))
    assert shop.points(100) == 1
    shop.stage.wait(DAY_MS)
    [earned] = shop.sell(100)
    assert earned.points == 0
    assert earned.arithmetic is not None
    assert not earned.arithmetic.holds


def paid_with_points(shop: Shop) -> None:
    """Let Ann pay 400 of the 1000 fen of order X with points."""
    stage = shop.stage
    shop.sell(100_000)
    acceptance = PublishAcceptance(stage.time, stage.nonce(), "mall", CONSUMER, Acceptance(1, 1, 1, 1, 1, 6_000, 5_000))
    steps = (
        (SetPaymentPolicy(stage.time, stage.nonce(), "mall", 1, 8_000, 9_000), ("mall admin",)),
        (acceptance, ("mall admin",)),
        (
            PayOrder(stage.time, stage.nonce(), "mall", "X", bytes(32), ANN, 1000, (PaymentPart(CONSUMER, 400),)),
            ("ann", "mall till"),
        ),
    )
    for body, signers in steps:
        assert not isinstance(stage.effects_of(body, *signers), Rejection)


def test_f11_what_points_have_paid_earns_nothing_unless_the_rule_says_so() -> None:
    for shop, points in (
        (Shop(), 60),
        (Shop(rule(Bracket(0, 1, 10))), 60),
        (Shop(rule(Bracket(0, 1, 10), earns_on_points_paid=True)), 100),
    ):
        paid_with_points(shop)
        [earned] = shop.sell(1000, order="X")
        assert earned.points == points
        assert [shop.refund("X", f"R{number}", 250)[0].points for number in range(4)] == [points // 4] * 4


def test_f11_points_cannot_earn_points_by_paying_after_the_order_was_credited() -> None:
    shop = Shop()
    paid_with_points(shop)
    shop.sell(1000, order="Y")
    stage = shop.stage
    late = PayOrder(stage.time, stage.nonce(), "mall", "Y", bytes(32), ANN, 1000, (PaymentPart(CONSUMER, 400),))
    assert stage.take(late, "ann", "mall till") is Rejection.ORDER_ALREADY_CREDITED
    parts, until = (PaymentPart(CONSUMER, 400),), stage.time + DAY_MS
    hold = HoldPoints(stage.time, stage.nonce(), "mall", "Z", bytes(32), ANN, 1000, parts, until)
    assert not isinstance(stage.take(hold, "ann"), Rejection)
    held = stage.last.id
    shop.sell(1000, order="Z")
    capture = CaptureHold(stage.time, stage.nonce(), "mall", ANN, held, 1000)
    assert stage.take(capture, "mall till") is Rejection.ORDER_ALREADY_CREDITED


def test_f11_campaigns_of_a_merchant_together_stay_within_its_mall_s_policy() -> None:
    shop = Shop()
    policy = EarningPolicy(1, ("books",), factor_numerator=3)
    body = SetEarningPolicy(shop.stage.time, shop.stage.nonce(), "mall", policy)
    assert not isinstance(shop.stage.take(body, "mall admin", "books admin"), Rejection)
    for name, expected in (("one", False), ("two", True)):
        campaign = PublishCampaign(shop.stage.time, shop.stage.nonce(), "books", "books/store", lasting(name, 2))
        assert (shop.stage.take(campaign, "books admin") is Rejection.RULE_AGAINST_POLICY) == expected
