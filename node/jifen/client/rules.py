"""Earning rules, campaigns and policies as the API tells them, and the way back into a transaction.

`EarningRule.to_ledger` makes of an answer what a transaction carries, so that the rule that holds can be taken, changed
and published as the next version.
"""

from datetime import datetime
from typing import Any, Final

from jifen.client.queries import Operation
from jifen.client.records import Answer, EarnRate
from jifen.ledger.rules import records as ledger
from jifen.ledger.types import POINTS_MAX


class Ratio(Answer, frozen=True, forbid_unknown_fields=True):
    """An exact rational."""

    numerator: int
    denominator: int = 1


class Bracket(Answer, frozen=True, forbid_unknown_fields=True):
    """Amounts from `from_fen` on earn `points` for every `per_fen` fen."""

    points: int
    per_fen: int
    from_fen: int = 0


class ItemRule(Answer, frozen=True, forbid_unknown_fields=True):
    """Lines that earn at a rate of their own."""

    points: int
    per_fen: int
    category: str | None = None
    item: str | None = None


class TierCoefficient(Answer, frozen=True, forbid_unknown_fields=True):
    """What members of a tier earn in place of 1."""

    tier: str
    numerator: int
    denominator: int = 1


class EarningRule(Answer, frozen=True):
    """One version of how purchases earn points of a type; limits that are None do not exist."""

    brackets: tuple[Bracket, ...]
    version: int = 0
    hash: str = ""
    effective_from: datetime | None = None
    ends_at: datetime | None = None
    mode: str = "MARGINAL"
    """`MARGINAL` or `WHOLE_AMOUNT`."""
    basis: str = "PER_ORDER"
    """`PER_ORDER` or `CUMULATIVE`."""
    period: str = "NONE"
    """`NONE`, `DAY`, `MONTH` or `YEAR`."""
    items: tuple[ItemRule, ...] = ()
    visit_points: int = 0
    visits_per_day: int = 0
    regions: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    budget: int | None = None
    order_cap: int | None = None
    member_cap: int | None = None
    rounding: str = "FLOOR"
    """`FLOOR` or `NEAREST`."""
    coefficients: tuple[TierCoefficient, ...] = ()
    stacking: str = "MULTIPLY"
    """`MAX`, `ADD` or `MULTIPLY`."""
    factor_cap: Ratio = Ratio(100)
    earns_on_points_paid: bool = False
    given: int | None = None
    """Charged to the budget so far; None without one."""

    def to_ledger(self, version: int, effective_from: int = 0, ends_at: int = 0) -> ledger.EarningRule:
        """Return the ledger's form as another version, in the order that the ledger asks for.

        Times are block times, ms, 0 meaning from now on and for ever. Raises ValueError for a word that is none.
        """
        coefficients = sorted(self.coefficients, key=lambda item: item.tier)
        return ledger.EarningRule(
            version,
            tuple(ledger.Bracket(item.from_fen, item.points, item.per_fen) for item in self.brackets),
            effective_from,
            ends_at,
            named(ledger.BracketMode, self.mode, "mode"),
            named(ledger.BracketBasis, self.basis, "basis"),
            named(ledger.Period, self.period, "period"),
            tuple(
                ledger.ItemRule(item.category or "", item.item or "", item.points, item.per_fen) for item in self.items
            ),
            self.visit_points,
            self.visits_per_day,
            tuple(sorted(self.regions)),
            tuple(sorted(self.industries)),
            unlimited(self.budget),
            unlimited(self.order_cap),
            unlimited(self.member_cap),
            named(ledger.Rounding, self.rounding, "rounding"),
            tuple(ledger.TierCoefficient(item.tier, item.numerator, item.denominator) for item in coefficients),
            named(ledger.Stacking, self.stacking, "stacking"),
            self.factor_cap.numerator,
            self.factor_cap.denominator,
            self.earns_on_points_paid,
        )


class CampaignLimits(Answer, frozen=True, forbid_unknown_fields=True):
    """What a campaign gives at most, and where; limits that are None do not exist."""

    budget: int | None = None
    member_cap: int | None = None
    regions: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()


class Campaign(Answer, frozen=True):
    """A multiplier for a time; limits that are None do not exist."""

    id: str
    hash: str
    multiplier: Ratio
    starts_at: datetime
    ends_at: datetime
    ended_at: datetime | None
    budget: int | None
    member_cap: int | None
    regions: tuple[str, ...]
    industries: tuple[str, ...]
    given: int | None


class EarningRules(Answer, frozen=True):
    """The rule book of a point type."""

    point_type: str
    current: EarningRule
    scheduled: EarningRule | None
    newest_version: int
    campaigns: tuple[Campaign, ...]
    """Those that have not ended."""
    history: tuple[EarningRule, ...]
    """The first versions published; the flat rate is none of them."""


class EarningPolicy(Answer, frozen=True):
    """What a mall lets the merchants under it promise; limits that are None do not exist."""

    merchants: tuple[str, ...]
    mall: str = ""
    version: int = 0
    hash: str = ""
    signature_required: bool = False
    highest_rate: EarnRate | None = None
    highest_factor: Ratio = Ratio(100)
    order_cap: int | None = None
    member_cap: int | None = None
    period: str = "NONE"

    def to_ledger(self, version: int) -> ledger.EarningPolicy:
        """Return the ledger's form as another version; raises ValueError for a period that is none."""
        before = ledger.EarningPolicy(1, ())
        rate = (self.highest_rate.points, self.highest_rate.per_fen) if self.highest_rate else None
        return ledger.EarningPolicy(
            version,
            tuple(sorted(self.merchants)),
            self.signature_required,
            *(rate or (before.rate_points, before.rate_fen)),
            self.highest_factor.numerator,
            self.highest_factor.denominator,
            unlimited(self.order_cap),
            unlimited(self.member_cap),
            named(ledger.Period, self.period, "period"),
        )


class OrderLine(Answer, frozen=True):
    """A part of an order."""

    amount_fen: int
    category: str = ""
    item: str = ""

    def to_ledger(self) -> ledger.OrderLine:
        """Return the ledger's form."""
        return ledger.OrderLine(self.category, self.item, self.amount_fen)

    def to_input(self) -> dict[str, Any]:
        """Return the API's form."""
        return {"category": self.category, "item": self.item, "amountFen": str(self.amount_fen)}


class BracketStep(Answer, frozen=True):
    """What one bracket contributes."""

    from_fen: int
    amount_fen: int
    points: int
    per_fen: int


class ItemStep(Answer, frozen=True):
    """What one item rule contributes."""

    item_rule: int
    amount_fen: int
    points: int
    per_fen: int


class CampaignStep(Answer, frozen=True):
    """A campaign that held."""

    campaign: str
    multiplier: Ratio
    points: int


class EarningArithmetic(Answer, frozen=True):
    """How a rule made points."""

    holds: bool
    mode: str
    basis: str
    before_fen: int
    brackets: tuple[BracketStep, ...]
    items: tuple[ItemStep, ...]
    visit_points: int
    paid_fen: int
    tier: str | None
    coefficient: Ratio
    campaigns: tuple[CampaignStep, ...]
    stacking: str
    factor_cap: Ratio
    factor: Ratio
    rounding: str
    order_cap: int
    computed: int


class CalculatedLeg(Answer, frozen=True):
    """What an account would earn."""

    account: str
    point_type: str
    rule_version: int
    points: int
    earn_rate: EarnRate | None
    debt_repaid: int
    available_from: datetime | None
    points_expire_at: datetime | None
    arithmetic: EarningArithmetic | None
    """None: the flat rate."""


class EarningCalculation(Answer, frozen=True):
    """What a purchase would earn, or why it could not be credited."""

    legs: tuple[CalculatedLeg, ...]
    rejection: str | None
    reason: str | None


def named(kind: Any, name: str, field: str) -> Any:
    """Return the member of an enum; raises ValueError naming the field and the members."""
    if name not in kind.__members__:
        raise ValueError(f"{field}: {', '.join(kind.__members__)}")
    return kind[name]


def unlimited(points: int | None) -> int:
    """Return a limit as the ledger writes it."""
    return POINTS_MAX if points is None else points


_RATIO: Final = "{ numerator denominator }"
_RULE: Final = (
    "{ version hash effectiveFrom endsAt mode basis period brackets { fromFen points perFen } "
    "items { category item points perFen } visitPoints visitsPerDay regions industries budget orderCap memberCap "
    f"rounding coefficients {{ tier numerator denominator }} stacking factorCap {_RATIO} earnsOnPointsPaid given }}"
)
_CAMPAIGN: Final = (
    f"{{ id hash multiplier {_RATIO} startsAt endsAt endedAt budget memberCap regions industries given }}"
)
ARITHMETIC: Final = (
    "{ holds mode basis beforeFen brackets { fromFen amountFen points perFen } "
    f"items {{ itemRule amountFen points perFen }} visitPoints paidFen tier coefficient {_RATIO} "
    f"campaigns {{ campaign multiplier {_RATIO} points }} stacking factorCap {_RATIO} factor {_RATIO} rounding "
    "orderCap computed }"
)

RULES: Final = Operation[EarningRules | None](
    "query EarningRules($pointType: String!) { earningRules(pointType: $pointType) { pointType "
    f"current {_RULE} scheduled {_RULE} newestVersion campaigns {_CAMPAIGN} history(first: 20) {_RULE} }} }}",
    "earningRules",
    EarningRules | None,
)
POLICY: Final = Operation[EarningPolicy | None](
    "query EarningPolicy($mall: String!) { earningPolicy(mall: $mall) { mall version hash merchants signatureRequired "
    f"highestRate {{ points perFen }} highestFactor {_RATIO} orderCap memberCap period }} }}",
    "earningPolicy",
    EarningPolicy | None,
)
CALCULATION: Final = Operation[EarningCalculation](
    "query CalculatePoints($purchase: PurchaseInput!) { calculatePoints(purchase: $purchase) { rejection reason legs "
    "{ account pointType ruleVersion points earnRate { points perFen } debtRepaid availableFrom pointsExpireAt "
    f"arithmetic {ARITHMETIC} }} }} }}",
    "calculatePoints",
    EarningCalculation,
)
