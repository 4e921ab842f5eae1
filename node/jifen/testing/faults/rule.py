"""Faults of earning rules, campaigns, policies, tags, and of purchases with lines and roles."""

from typing import Final

from jifen.ledger.rejections import Rejection
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
    Campaign,
    EarningPolicy,
    EarningRule,
    ItemRule,
    OrderLine,
    TierCoefficient,
)
from jifen.ledger.transactions import Body, EarnPoints
from jifen.ledger.types import RoleClass
from jifen.testing.faults.scene import ANN, BO, NOW, STRANGER, Fault, Scene
from jifen.testing.naive.scene import DAY_MS, key_of, transaction

NONCE: Final = b"nonce000"
TYPE: Final = "books/guide"
RULE: Final = EarningRule(2, (Bracket(0, 1, 10),), NOW + 5, order_cap=500, factor_numerator=2)
SALE: Final = EarnPoints(
    NOW + 1, NONCE, "mall", "S1", ANN, "mall/consumer", 100, 7, (OrderLine("tea", "", 40),), guide=BO
)
POLICY: Final = EarningPolicy(
    1, ("books",), signature_required=True, rate_points=1, rate_fen=5, factor_numerator=4, order_cap=500
)

GOOD_RULES: Final[dict[str, tuple[Body, str]]] = {
    "rule": (PublishEarningRule(NOW + 1, NONCE, "books", TYPE, RULE), "books admin"),
    "earning policy": (SetEarningPolicy(NOW + 1, NONCE, "mall", EarningPolicy(1, ())), "mall admin"),
    "campaign": (
        PublishCampaign(NOW + 1, NONCE, "books", TYPE, Campaign("fair", 2, 1, NOW + 5, NOW + 9)),
        "books admin",
    ),
    "end": (EndCampaign(NOW + 1, NONCE, "books", TYPE, "gala"), "books admin"),
    "tags": (SetOrganizationTags(NOW + 1, NONCE, "mall", ("Beijing",), ("food",)), "mall admin"),
    "sale": (SALE, "mall till"),
}
"""A transaction of every kind that nothing speaks against, and who signs it."""


def under_policy(scene: Scene) -> None:
    """Bring books under a policy of the mall's."""
    body = SetEarningPolicy(NOW, bytes(8), "mall", POLICY)
    assert scene.take(transaction(body, key_of("mall admin"), key_of("books admin"))) == 0


def crowded(scene: Scene) -> None:
    """Let three more campaigns be published."""
    for name in ("one", "two", "three"):
        campaign = Campaign(name, 1, 1, 0, NOW + DAY_MS)
        body = PublishCampaign(NOW, bytes(8), "books", TYPE, campaign)
        assert scene.take(transaction(body, key_of("books admin"), key_of("mall admin"))) == 0


def of_issuer(kind: str) -> tuple[Fault, ...]:
    """Return the faults of who publishes something about a point type."""
    return (
        Fault(kind, Rejection.ORGANIZATION_UNKNOWN, {"issuer": "nobody"}),
        Fault(
            kind,
            Rejection.ORGANIZATION_NOT_ACTIVE,
            {"issuer": "attic", "point_type": "attic/consumer"},
            "attic admin",
        ),
        Fault(kind, Rejection.ORGANIZATION_NOT_ACTIVE, {"issuer": "attic"}),
        Fault(kind, Rejection.POINT_TYPE_UNKNOWN, {"point_type": "mall/store"}),
        Fault(kind, Rejection.NOT_AUTHORIZED, {}, "books till"),
        Fault(kind, Rejection.NOT_AUTHORIZED, {}, "mall admin"),
        Fault(kind, Rejection.NOT_THE_ISSUER, {"point_type": "mall/guide"}),
    )


def contradictory(**fields: object) -> Fault:
    """Return the fault of a rule with such fields."""
    return Fault("rule", Rejection.RULE_CONTRADICTORY, {f"rule.{name}": value for name, value in fields.items()})


def against_policy(**fields: object) -> Fault:
    """Return the fault of a rule that promises more than the policy allows."""
    changes = {f"rule.{name}": value for name, value in fields.items()}
    return Fault("rule", Rejection.RULE_AGAINST_POLICY, changes, stage=under_policy)


BOUND: Final = {"issuer": "books", "role": RoleClass.DISTRIBUTOR}
FALLING: Final = (Bracket(0, 1, 10), Bracket(100, 1, 11))

RULE_FAULTS: Final = (
    *(fault for kind in ("rule", "campaign", "end") for fault in of_issuer(kind)),
    Fault("rule", Rejection.RULE_VERSION_WRONG, {"rule.version": 1}),
    Fault("rule", Rejection.RULE_VERSION_WRONG, {"rule.version": 3}),
    Fault("rule", Rejection.RULE_BACK_DATED, {"rule.effective_from": NOW - 1}),
    Fault("rule", Rejection.RULE_TOO_FAR, {"rule.effective_from": NOW + 366 * DAY_MS + 1}),
    contradictory(brackets=(Bracket(1, 1, 10),)),
    contradictory(brackets=(Bracket(0, 1, 10), Bracket(0, 1, 9))),
    contradictory(brackets=FALLING, mode=BracketMode.WHOLE_AMOUNT),
    contradictory(ends_at=1),
    contradictory(basis=BracketBasis.CUMULATIVE),
    contradictory(member_cap=9),
    contradictory(visit_points=1),
    contradictory(visits_per_day=1),
    contradictory(items=(ItemRule("", "", 1, 1),)),
    contradictory(items=(ItemRule("tea", "", 1, 1), ItemRule("tea", "", 2, 1))),
    contradictory(coefficients=(TierCoefficient("b", 1, 1), TierCoefficient("a", 1, 1))),
    contradictory(regions=("b", "a")),
    contradictory(industries=("a", "a")),
    contradictory(factor_numerator=1, factor_denominator=2),
    against_policy(brackets=(Bracket(0, 1, 10), Bracket(7, 1, 4))),
    against_policy(items=(ItemRule("tea", "", 3, 1),)),
    against_policy(factor_numerator=5),
    against_policy(order_cap=501),
    Fault("rule", Rejection.MALL_NOT_SIGNED, {}, stage=under_policy),
    Fault("create", Rejection.RULE_AGAINST_POLICY, BOUND | {"earn_points": 3}, "books admin", stage=under_policy),
    Fault("create", Rejection.MALL_NOT_SIGNED, BOUND, "books admin", stage=under_policy),
    Fault("campaign", Rejection.CAMPAIGN_EXISTS, {"campaign.id": "gala"}),
    Fault("campaign", Rejection.RULE_BACK_DATED, {"campaign.starts_at": NOW - 1}),
    Fault("campaign", Rejection.RULE_TOO_FAR, {"campaign.starts_at": NOW + 366 * DAY_MS + 1}),
    Fault("campaign", Rejection.RULE_CONTRADICTORY, {"campaign.numerator": 1, "campaign.denominator": 2}),
    Fault("campaign", Rejection.RULE_CONTRADICTORY, {"campaign.ends_at": NOW + 5}),
    Fault("campaign", Rejection.RULE_CONTRADICTORY, {"campaign.ends_at": NOW + 367 * DAY_MS}),
    Fault("campaign", Rejection.RULE_CONTRADICTORY, {"campaign.regions": ("b", "a")}),
    Fault("campaign", Rejection.RULE_CONTRADICTORY, {"campaign.industries": ("b", "a")}),
    Fault("campaign", Rejection.TOO_MANY_CAMPAIGNS, {}, stage=crowded),
    Fault("campaign", Rejection.RULE_AGAINST_POLICY, {"campaign.numerator": 3}, stage=under_policy),
    Fault("campaign", Rejection.MALL_NOT_SIGNED, {}, stage=under_policy),
    Fault("end", Rejection.CAMPAIGN_NOT_RUNNING, {"campaign": "never"}),
    Fault("earning policy", Rejection.ORGANIZATION_UNKNOWN, {"mall": "nobody"}),
    Fault("earning policy", Rejection.ORGANIZATION_UNKNOWN, {"policy.merchants": ("nobody",)}),
    Fault("earning policy", Rejection.ORGANIZATION_NOT_ACTIVE, {"mall": "attic"}, "attic admin"),
    Fault("earning policy", Rejection.NOT_AUTHORIZED, {}, "mall till"),
    Fault("earning policy", Rejection.NOT_AUTHORIZED, {}, "books admin"),
    Fault("earning policy", Rejection.NOT_A_MALL, {"mall": "books"}, "books admin"),
    Fault("earning policy", Rejection.POLICY_VERSION_WRONG, {"policy.version": 2}),
    Fault("earning policy", Rejection.RULE_CONTRADICTORY, {"policy.merchants": ("cafe", "books")}),
    Fault("earning policy", Rejection.RULE_CONTRADICTORY, {"policy.merchants": ("mall",)}),
    Fault(
        "earning policy",
        Rejection.RULE_CONTRADICTORY,
        {"policy.factor_denominator": 100, "policy.factor_numerator": 99},
    ),
    Fault("earning policy", Rejection.POLICY_NOT_ACCEPTED, {"policy.merchants": ("cafe",)}),
    Fault("tags", Rejection.ORGANIZATION_UNKNOWN, {"organization": "nobody"}),
    Fault("tags", Rejection.ORGANIZATION_NOT_ACTIVE, {"organization": "attic"}, "attic admin"),
    Fault("tags", Rejection.NOT_AUTHORIZED, {}, "mall till"),
    Fault("tags", Rejection.RULE_CONTRADICTORY, {"regions": ("b", "a")}),
    Fault("tags", Rejection.RULE_CONTRADICTORY, {"industries": ("a", "a")}),
    Fault("sale", Rejection.ACCOUNT_UNKNOWN, {"account": STRANGER}),
    Fault("sale", Rejection.ROLE_ACCOUNT_UNKNOWN, {"guide": STRANGER}),
    Fault("sale", Rejection.ROLE_ACCOUNT_UNKNOWN, {"distributor": STRANGER}),
    Fault("sale", Rejection.POINT_TYPE_UNKNOWN, {"store": BO}),
    Fault("sale", Rejection.NOT_AUTHORIZED, {}, "books till"),
    Fault("sale", Rejection.NOT_CONSUMER_POINTS, {"point_type": "mall/guide"}),
    Fault("sale", Rejection.ITEMS_EXCEED_ORDER, {"items": (OrderLine("", "", 60), OrderLine("", "", 41))}),
    Fault("sale", Rejection.ISSUE_CAP_REACHED, {"distributor": BO, "amount_fen": 9_505}),
)

RULES_NEVER_MEET: Final = {
    ("ITEMS_EXCEED_ORDER", "ISSUE_CAP_REACHED"): "what cannot be reckoned reaches no cap",
    ("NOT_THE_ISSUER", "CAMPAIGN_EXISTS"): "the scene's campaign is of another type than its",
    ("NOT_THE_ISSUER", "TOO_MANY_CAMPAIGNS"): "so are the many",
    ("POINT_TYPE_UNKNOWN", "CAMPAIGN_EXISTS"): "an unknown type has no campaigns",
    ("POINT_TYPE_UNKNOWN", "TOO_MANY_CAMPAIGNS"): "nor many of them",
    ("POINT_TYPE_UNKNOWN", "RULE_VERSION_WRONG"): "nor rules",
    ("BACKING_TOO_SMALL", "RULE_AGAINST_POLICY"): "the scene's guarantor is the issuer itself, which comes first",
    ("BACKING_TOO_SMALL", "MALL_NOT_SIGNED"): "for the same reason",
    ("ORGANIZATION_NOT_ACTIVE", "RULE_AGAINST_POLICY"): "the scene's was suspended from the start, under no policy",
    ("ORGANIZATION_NOT_ACTIVE", "MALL_NOT_SIGNED"): "and asked by none",
    ("RULE_BACK_DATED", "RULE_TOO_FAR"): "it lies on one side of the block's time",
}
"""Reasons of one of these kinds that no transaction can have as its first and a later one."""
