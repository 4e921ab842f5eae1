"""Earning rules, campaigns, policies, tags, and purchases with lines and roles, offered to both ledgers."""

from typing import Any, Final

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from jifen.ledger import state
from jifen.ledger.rules.bodies import (
    EndCampaign,
    PublishCampaign,
    PublishEarningRule,
    SetEarningPolicy,
    SetOrganizationTags,
)
from jifen.ledger.rules.records import (
    Bracket,
    BracketBasis,
    BracketMode,
    Budget,
    Campaign,
    CampaignRecord,
    EarningPolicy,
    EarningRule,
    ItemRule,
    MemberTally,
    OrderLine,
    OrganizationTags,
    Period,
    PolicyRecord,
    Rounding,
    RuleRecord,
    Stacking,
    TierCoefficient,
)
from jifen.ledger.transactions import EarnPoints, RefundOrder
from jifen.ledger.types import POINTS_MAX, Record
from jifen.testing.naive import earning as naive_earning
from jifen.testing.naive.ledger import NaiveLedger
from jifen.testing.naive.rules import book_of, digest, newest_version, running
from jifen.testing.naive.scene import DAY_MS, account_of, key_of
from jifen.testing.twin.draws import MERCHANTS, POINT_TYPES, lives, members, nonces
from jifen.testing.twin.machine import TwinMachine
from jifen.testing.twin.points import PointRules

ADMINS: Final = ("mall admin", "books admin", "mall admin", "attic admin", "mall till")
RULED_TYPES: Final = ("mall/consumer", "mall/guide", "books/store", "mall/distributor", "books/guide")

LIMITS: Final = (POINTS_MAX, POINTS_MAX, 0, 7, 40, 120)

brackets = st.sampled_from(
    (
        (Bracket(0, 1, 10),),
        (Bracket(0, 1, 10), Bracket(300, 2, 10), Bracket(700, 3, 10)),
        (Bracket(0, 3, 7), Bracket(100, 0, 1), Bracket(101, 5, 11)),
        (Bracket(0, 0, 1), Bracket(250, 3, 13)),
        (Bracket(0, 1, 9), Bracket(400, 1, 7)),
        (Bracket(5, 1, 9),),
    )
)
items = st.sampled_from(
    (
        (),
        (ItemRule("tea", "", 1, 3),),
        (ItemRule("tea", "oolong", 2, 3), ItemRule("tea", "", 0, 1), ItemRule("", "gift", 1, 7)),
    )
)
lines = st.lists(
    st.builds(OrderLine, st.sampled_from(("", "tea", "wine")), st.sampled_from(("", "oolong")), st.integers(0, 250)),
    max_size=4,
).map(tuple)
tags = st.sampled_from(((), (), (), ("north",), ("north", "south"), ("south", "north")))
coefficients = st.sampled_from(
    ((), (TierCoefficient("gold", 3, 2),), (TierCoefficient("gold", 4, 3), TierCoefficient("silver", 1, 2)))
)
rules = st.builds(
    EarningRule,
    version=st.just(1),
    brackets=brackets,
    mode=st.sampled_from(BracketMode),
    basis=st.sampled_from(BracketBasis),
    period=st.sampled_from((Period.DAY, Period.MONTH, Period.MONTH, Period.YEAR, Period.NONE)),
    items=items,
    visit_points=st.sampled_from((0, 0, 5)),
    visits_per_day=st.sampled_from((0, 0, 1, 2)),
    regions=tags,
    industries=tags,
    budget=st.sampled_from(LIMITS),
    order_cap=st.sampled_from(LIMITS),
    member_cap=st.sampled_from(LIMITS),
    rounding=st.sampled_from(Rounding),
    coefficients=coefficients,
    stacking=st.sampled_from(Stacking),
    factor_numerator=st.sampled_from((100, 5, 3, 1)),
    factor_denominator=st.sampled_from((1, 2)),
)
campaigns = st.builds(
    Campaign,
    id=st.sampled_from(("fair", "gala", "one", "two", "three", "four")),
    numerator=st.sampled_from((2, 3, 5, 4)),
    denominator=st.sampled_from((1, 2, 3)),
    starts_at=st.just(0),
    ends_at=st.just(1),
    budget=st.sampled_from(LIMITS),
    member_cap=st.sampled_from(LIMITS),
    regions=tags,
    industries=st.just(()),
)
starts = st.sampled_from((0, 0, 0, 0, 1, DAY_MS, 6 * DAY_MS, -1, 367 * DAY_MS))
"""From when something holds, ms after its block; 0: at once, and mostly good."""
lengths = st.sampled_from((DAY_MS, 3 * DAY_MS, 30 * DAY_MS, 366 * DAY_MS, 0, 367 * DAY_MS))


class RuleRules(PointRules):
    """Rules of earning rules and of what goes with them."""

    def furnish(self) -> None:
        """A rule with everything, a budget too; a campaign soon used up, and one that a policy is against."""
        super().furnish()
        self.begin(1)
        rich = EarningRule(
            2,
            (Bracket(0, 1, 10), Bracket(300, 2, 10)),
            basis=BracketBasis.CUMULATIVE,
            period=Period.MONTH,
            member_cap=300,
            items=(ItemRule("tea", "oolong", 0, 1), ItemRule("tea", "", 1, 3)),
            visit_points=5,
            visits_per_day=2,
            factor_numerator=4,
            factor_denominator=3,
            budget=5000,
        )
        self.publish("mall/consumer", rich, 0, bytes(8), ["mall admin"])
        gala = Campaign("gala", 3, 2, 0, self.time + 2 * DAY_MS, 40, 30)
        elsewhere = Campaign("fair", 5, 4, 0, self.time + 9 * DAY_MS, regions=("south",))
        for campaign in (gala, elsewhere):
            body = PublishCampaign(self.time + DAY_MS, bytes(8), "mall", "mall/consumer", campaign)
            self.submit(body, key_of("mall admin"))
        fourfold = EarningRule(2, (Bracket(0, 1, 10),), factor_numerator=4)
        self.publish("books/store", fourfold, 0, bytes(8), ["books admin"])
        modest = EarningPolicy(1, ("books",), False, 10**9, 1, 4, 1, POINTS_MAX, POINTS_MAX, Period.MONTH)
        binding = SetEarningPolicy(self.time + DAY_MS, bytes(8), "mall", modest)
        self.submit(binding, key_of("mall admin"), key_of("books admin"))
        fivefold = Campaign("fair", 5, 1, 0, self.time + DAY_MS, 40, 30)
        body = PublishCampaign(self.time + DAY_MS, bytes(8), "books", "books/store", fivefold)
        self.submit(body, key_of("books admin"))
        for order, amount in ((231, 250), (232, 333)):
            bought = (OrderLine("tea", "", 50), OrderLine("tea", "oolong", 40))
            self.sell("mall/consumer", order, "ann", amount, bought, ("bo", None, "cy"))
        self.refund_anything(refunds=[(DAY_MS, bytes(8), "mall", 232, 1, 100)], till="mall till")
        for number, (item, amount) in enumerate((("oolong", 30), ("", 20), ("", 30), ("", 1), ("oolong", 10))):
            self.bring_back(("mall", "no231"), number, (OrderLine("tea", item, amount),), amount + 5)
        self.end()

    def bring_back(self, where: tuple[str, str], number: int, items: tuple[OrderLine, ...], amount: int) -> None:
        """Refund lines of an order."""
        merchant, order = where
        body = RefundOrder(self.time + DAY_MS, bytes(8), merchant, order, f"l{number}", max(1, amount), items)
        self.submit(body, key_of(f"{merchant} till"))

    @precondition(lambda self: self.open and self.twin.orders)
    @rule(
        refunds=st.lists(
            st.tuples(
                st.integers(0, 99),
                st.integers(0, 1000),
                st.integers(1, 3),
                st.sampled_from((0, 0, 0, 1, -1)),
                st.sampled_from((0, 0, 40, -1)),
                lines,
            ),
            min_size=1,
            max_size=5,
        )
    )
    def return_lines(self, refunds: list[tuple[int, int, int, int, int, tuple[OrderLine, ...]]]) -> None:
        """Refund lines that were bought, or a part of each, or others; and more or less money than they came to."""
        known = sorted(self.twin.orders, key=lambda where: (not self.twin.orders[where].body.items, where))
        for pick, number, share, more, extra, others in refunds:
            where = known[pick % len(known)]
            bought = self.twin.orders[where].body.items or others
            named = tuple(
                OrderLine(line.category, line.item, max(0, line.amount_fen // share + more)) for line in bought
            )
            self.bring_back(where, number, named, sum(line.amount_fen for line in named) + extra)

    def publish(self, name: str, drawn: EarningRule, start: int, nonce: bytes, signers: list[str]) -> None:
        """Publish a rule as the next version."""
        version = newest_version(self.twin, name) + 1 if name in self.twin.point_types else 2
        begin = self.time + start if start else 0
        changed = msgspec.structs.replace(drawn, version=version, effective_from=begin)
        body = PublishEarningRule(self.time + DAY_MS, nonce, name.split("/", maxsplit=1)[0], name, changed)
        self.submit(body, *map(key_of, dict.fromkeys(signers)))

    def sell(
        self,
        point_type: str,
        order: int,
        account: str,
        amount: int,
        bought: tuple[OrderLine, ...],
        roles: tuple[str | None, str | None, str | None],
    ) -> None:
        """Credit a purchase with lines and roles."""
        merchant = point_type.split("/", maxsplit=1)[0]
        others = [None if name is None else account_of(key_of(name)) for name in roles]
        customer = account_of(key_of(account))
        head = (self.time + DAY_MS, bytes(8), merchant, f"no{order}", customer, point_type, amount, 7)
        self.submit(EarnPoints(*head, bought, *others), key_of(f"{merchant} till"))

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        point_type=st.sampled_from(POINT_TYPES),
        issuer=st.sampled_from((None, None, None, *MERCHANTS)),
        drawn=rules,
        start=starts,
        length=st.sampled_from((0, 0, 1, DAY_MS, -1)),
        newest=st.integers(0, 5),
        signers=st.lists(st.sampled_from(ADMINS), min_size=1, max_size=3),
    )
    def publish_any_rule(
        self,
        *,
        life: int,
        nonce: bytes,
        point_type: str,
        issuer: str | None,
        drawn: EarningRule,
        start: int,
        length: int,
        newest: int,
        signers: list[str],
    ) -> None:
        """Publish a rule that may be wrong in any way."""
        version = newest_version(self.twin, point_type) + 1 if point_type in self.twin.point_types and newest else 3
        begin = self.time + start if start else 0
        drawn = msgspec.structs.replace(
            drawn,
            version=version,
            effective_from=begin,
            ends_at=max(begin, self.time) + length if length else 0,
        )
        owner = issuer or point_type.split("/", maxsplit=1)[0]
        body = PublishEarningRule(self.time + life, nonce, owner, point_type, drawn)
        self.submit(body, *map(key_of, dict.fromkeys(signers)))

    @precondition(lambda self: self.open)
    @rule(nonce=nonces, point_type=st.sampled_from(RULED_TYPES), drawn=rules, start=starts)
    def publish_a_rule_properly(self, nonce: bytes, point_type: str, drawn: EarningRule, start: int) -> None:
        """Publish a rule that nothing need speak against."""
        sound = msgspec.structs.replace(
            drawn,
            brackets=tuple(sorted(drawn.brackets, key=lambda item: item.from_fen))
            if drawn.mode is BracketMode.MARGINAL
            else (Bracket(0, 1, 10), Bracket(300, 2, 10)),
            period=drawn.period or Period.DAY,
            visit_points=5 if drawn.visits_per_day else 0,
            regions=tuple(sorted(drawn.regions)),
            industries=(),
            factor_denominator=1,
        )
        self.publish(point_type, sound, max(start, 0), nonce, ["mall admin", "books admin"])

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        point_type=st.sampled_from((*RULED_TYPES, "attic/consumer", "mall/store")),
        drawn=campaigns,
        start=starts,
        length=lengths,
        signers=st.lists(st.sampled_from(ADMINS), min_size=1, max_size=2),
    )
    def publish_any_campaign(
        self,
        *,
        life: int,
        nonce: bytes,
        point_type: str,
        drawn: Campaign,
        start: int,
        length: int,
        signers: list[str],
    ) -> None:
        """Publish a campaign that may be wrong in any way."""
        drawn = msgspec.structs.replace(
            drawn, starts_at=self.time + start if start else 0, ends_at=max(0, self.time + start + length)
        )
        owner = point_type.split("/", maxsplit=1)[0]
        body = PublishCampaign(self.time + life, nonce, owner, point_type, drawn)
        self.submit(body, *map(key_of, dict.fromkeys(signers)))

    @precondition(lambda self: self.open)
    @rule(
        nonce=nonces,
        point_type=st.sampled_from(RULED_TYPES),
        campaign=st.sampled_from(("fair", "gala", "one", "two")),
        signer=st.sampled_from(("mall admin", "books admin")),
    )
    def end_any_campaign(self, nonce: bytes, point_type: str, campaign: str, signer: str) -> None:
        """End a campaign that may not run."""
        issuer = point_type.split("/", maxsplit=1)[0]
        self.submit(EndCampaign(self.time + DAY_MS, nonce, issuer, point_type, campaign), key_of(signer))

    @precondition(lambda self: self.open)
    @rule(
        nonce=nonces,
        mall=st.sampled_from(("mall", "mall", "mall", "books")),
        merchants=st.sampled_from((("books",), (), ("attic", "books"), ("mall",), ("nobody",))),
        signature_required=st.booleans(),
        rate=st.sampled_from((10**9, 1)),
        factor=st.sampled_from((100, 3)),
        order_cap=st.sampled_from((POINTS_MAX, 100)),
        member_cap=st.sampled_from((POINTS_MAX, 40)),
        version=st.integers(0, 9),
        signers=st.lists(st.sampled_from(ADMINS), min_size=1, max_size=3),
    )
    def set_any_earning_policy(
        self,
        *,
        nonce: bytes,
        mall: str,
        merchants: tuple[str, ...],
        signature_required: bool,
        rate: int,
        factor: int,
        order_cap: int,
        member_cap: int,
        version: int,
        signers: list[str],
    ) -> None:
        """Set a policy that may be wrong in any way."""
        number = len(self.twin.policies.get(mall, [])) + 1 if version else 9
        policy = EarningPolicy(
            number, merchants, signature_required, rate, 4, factor, 1, order_cap, member_cap, Period.MONTH
        )
        body = SetEarningPolicy(self.time + DAY_MS, nonce, mall, policy)
        self.submit(body, *map(key_of, dict.fromkeys(signers)))

    @precondition(lambda self: self.open)
    @rule(nonce=nonces, point_type=st.sampled_from(("books/store", "books/guide")), drawn=rules, campaign=campaigns)
    def publish_under_a_policy(self, nonce: bytes, point_type: str, drawn: EarningRule, campaign: Campaign) -> None:
        """Hold a merchant to a policy, and have it publish a rule and a campaign."""
        policy = EarningPolicy(
            len(self.twin.policies.get("mall", [])) + 1, ("books",), False, 1, 4, 3, 1, 100, 40, Period.MONTH
        )
        body = SetEarningPolicy(self.time + DAY_MS, nonce, "mall", policy)
        self.submit(body, key_of("mall admin"), key_of("books admin"))
        self.publish_a_rule_properly(nonce=nonce, point_type=point_type, drawn=drawn, start=0)
        campaign = msgspec.structs.replace(campaign, starts_at=0, ends_at=self.time + DAY_MS)
        published = PublishCampaign(self.time + DAY_MS, nonce, "books", point_type, campaign)
        self.submit(published, key_of("books admin"))

    @precondition(lambda self: self.open)
    @rule(
        nonce=nonces,
        organization=st.sampled_from(MERCHANTS),
        regions=tags,
        industries=tags,
        signer=st.sampled_from(ADMINS),
    )
    def set_any_tags(
        self, nonce: bytes, organization: str, regions: tuple[str, ...], industries: tuple[str, ...], signer: str
    ) -> None:
        """Set tags that may be in disorder."""
        body = SetOrganizationTags(self.time + DAY_MS, nonce, organization, regions, industries)
        self.submit(body, key_of(signer))

    @precondition(lambda self: self.open)
    @rule(
        sales=st.lists(
            st.tuples(
                st.sampled_from(("mall/consumer", "mall/consumer", "mall/consumer", "books/consumer", "mall/guide")),
                st.integers(0, 200),
                members,
                st.integers(0, 1000),
                lines,
                st.tuples(*[st.sampled_from((None, None, "ann", "bo", "cy", "stranger"))] * 3),
            ),
            min_size=1,
            max_size=5,
        )
    )
    def sell_anything(self, sales: list[tuple[str, int, str, int, tuple[OrderLine, ...], Any]]) -> None:
        """Credit purchases with lines and roles."""
        for point_type, order, account, amount, bought, roles in sales:
            self.sell(point_type, order, account, amount, bought, roles)


def rules_and_campaigns(twin: NaiveLedger) -> dict[bytes, Record]:
    """Return the records of rules, campaigns, policies and tags."""
    expected: dict[bytes, Record] = {}
    for name in {*twin.rules, *(kind for kind, _ in twin.campaigns)}:
        expected[state.rule_book_key(name)] = book_of(twin, name, twin.time)
    for name, versions in twin.rules.items():
        for item, published_at, identity in versions:
            record = RuleRecord(item, digest("earning-rule", name, item), published_at, identity)
            expected[state.rule_key(name, item.version)] = record
    for (name, number), known in twin.campaigns.items():
        expected[state.campaign_key(name, number)] = CampaignRecord(
            known.campaign,
            digest("campaign", name, known.campaign),
            known.published_at,
            known.identity,
            known.ended_at,
        )
    for mall, policies in twin.policies.items():
        policy, published_at, identity = policies[-1]
        record_of_it = PolicyRecord(policy, digest("earning-policy", mall, policy), published_at, identity)
        expected[state.earning_policy_key(mall)] = record_of_it
    for organization, (regions, industries) in twin.tags.items():
        expected[state.tags_key(organization)] = OrganizationTags(regions, industries)
    return expected


def compare_counters(twin: NaiveLedger, records: dict[bytes, Record]) -> None:
    """Compare budgets and what still matters of tallies with everything counted anew; take them out of `records`."""
    budgets = {key: records.pop(key) for key in list(records) if key[:1] == state.BUDGET}
    tallies = {key: records.pop(key) for key in list(records) if key[:1] == state.TALLY}
    for name, versions in twin.rules.items():
        for item, _, _ in versions:
            found = budgets.pop(state.rule_budget_key(name, item.version), Budget(0))
            given = naive_earning.rule_given(twin, name, item.version) if item.budget < POINTS_MAX else 0
            assert found == Budget(given)
            assert given <= item.budget
    for (name, number), known in twin.campaigns.items():
        found = budgets.pop(state.campaign_budget_key(name, number), Budget(0))
        limited = known.campaign.budget < POINTS_MAX
        assert found == Budget(naive_earning.campaign_given(twin, name, number) if limited else 0)
    assert not budgets
    for account in twin.accounts:
        for name in twin.point_types:
            tally = tallies.pop(state.tally_key(account, name), None)
            assert tally is None or isinstance(tally, MemberTally)
            compare_tally(twin, account, name, tally)
    assert not tallies


def compare_tally(twin: NaiveLedger, account: bytes, name: str, tally: MemberTally | None) -> None:
    """Compare what a tally says of periods, days and campaigns that are not over."""
    until, spent, points = naive_earning.in_period(twin, name, account, twin.time)
    day, visits = naive_earning.visits(twin, name, account, twin.time)
    found = tally or MemberTally(0, 0, 0, 0, 0, (), 0)
    live = (found.until, found.spent_fen, found.points) if found.until > twin.time else (0, 0, 0)
    assert live == (until, spent, points)
    assert ((found.day_until, found.visits) if found.day_until > twin.time else (0, 0)) == (day, visits)
    given = {item.campaign: item.points for item in found.campaigns if item.points}
    for campaign in running(twin, name, twin.time):
        expected = 0
        if campaign.member_cap < POINTS_MAX:
            expected = naive_earning.campaign_given(twin, name, campaign.id, account)
        assert given.get(campaign.id, 0) == expected
    assert tally is None or tally.due > twin.time or twin.is_late


TwinMachine.tables += [rules_and_campaigns]
TwinMachine.comparisons += [compare_counters]
