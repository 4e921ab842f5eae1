"""The formats of earning rules and of orders with legs, byte by byte; as for all formats, none ever changes."""

from typing import Any, Final

import pytest

from jifen.codec.canonical import encode
from jifen.codec.transactions import encode_body
from jifen.ledger.receipts import PointsEarned, Receipt
from jifen.ledger.rules.bodies import (
    EndCampaign,
    PublishCampaign,
    PublishEarningRule,
    SetEarningPolicy,
    SetOrganizationTags,
)
from jifen.ledger.rules.effects import (
    Arithmetic,
    BracketStep,
    CampaignEnded,
    CampaignPublished,
    CampaignStep,
    EarningPolicySet,
    EarningRuleInForce,
    EarningRulePublished,
    ItemStep,
    OrganizationTagged,
)
from jifen.ledger.rules.records import (
    Bracket,
    BracketBasis,
    BracketMode,
    Budget,
    Campaign,
    CampaignRecord,
    CampaignTally,
    EarningPolicy,
    EarningRule,
    ItemRule,
    MemberTally,
    OrderLine,
    OrganizationTags,
    Period,
    PolicyRecord,
    Rounding,
    RuleBook,
    RuleRecord,
    Stacking,
    TierCoefficient,
    campaign_hash,
    policy_hash,
    rule_hash,
)
from jifen.ledger.state import (
    campaign_budget_key,
    campaign_key,
    earning_policy_key,
    rule_book_key,
    rule_budget_key,
    rule_key,
    tags_key,
    tally_key,
)
from jifen.ledger.transactions import EarnPoints
from jifen.ledger.types import CampaignGrant, Credit, ItemPart, Leg, OrderRecord

NONCE: Final = bytes.fromhex("0001020304050607")
ACCOUNT: Final = b"\xaa" * 20
HASH: Final = b"\x1d" * 32
TIME: Final = 1_790_000_000_000
TYPE: Final = "mall/consumer"

RULE: Final = EarningRule(
    2,
    (Bracket(0, 1, 100), Bracket(100_000, 2, 100)),
    TIME,
    TIME + 9,
    BracketMode.WHOLE_AMOUNT,
    BracketBasis.CUMULATIVE,
    Period.MONTH,
    (ItemRule("tea", "oolong", 1, 3),),
    5,
    2,
    ("北京",),
    ("餐饮",),
    10_000,
    500,
    900,
    Rounding.NEAREST,
    (TierCoefficient("gold", 3, 2),),
    Stacking.ADD,
    5,
    2,
    True,
)
CAMPAIGN: Final = Campaign("fair", 3, 2, TIME, TIME + 9, 1000, 50, ("北京",), ())
POLICY: Final = EarningPolicy(1, ("books",), True, 3, 100, 5, 2, 500, 900, Period.MONTH)
CREDIT: Final = Credit(7, 400, (ItemPart(0, 100),), 5, 3, 2, 60, (CampaignGrant("fair", 30),), TIME + 9)
LEG: Final = Leg(ACCOUNT, "mall/guide", 4, 3, 7, 1, TIME, 0, 0, False, None)
ARITHMETIC: Final = Arithmetic(
    True,
    BracketMode.MARGINAL,
    BracketBasis.PER_ORDER,
    7,
    (BracketStep(0, 400, 1, 100),),
    (ItemStep(ItemPart(0, 100), 1, 3),),
    5,
    20,
    "gold",
    3,
    2,
    (CampaignStep("fair", 3, 2, 30),),
    Stacking.MULTIPLY,
    5,
    2,
    9,
    4,
    Rounding.FLOOR,
    500,
    95,
)

VALUES: Final[dict[str, Any]] = {
    "rule": RULE,
    "least rule": EarningRule(1, (Bracket(0, 1, 10),)),
    "campaign": CAMPAIGN,
    "policy": POLICY,
    "rule book": RuleBook(RULE, RULE, (CAMPAIGN,), TIME),
    "rule record": RuleRecord(RULE, HASH, TIME, HASH),
    "campaign record": CampaignRecord(CAMPAIGN, HASH, TIME, HASH, TIME + 1),
    "policy record": PolicyRecord(POLICY, HASH, TIME, HASH),
    "tags": OrganizationTags(("北京",), ("餐饮",)),
    "budget": Budget(77),
    "tally": MemberTally(TIME, 500, 60, TIME + 1, 2, (CampaignTally("fair", TIME, 30),), TIME + 5),
    "order": OrderRecord(HASH, ACCOUNT, TYPE, 2, 0, 0, 500, 0, 1, TIME, 0, 0, False, CREDIT, (LEG,)),
    "sale": EarnPoints(
        TIME, NONCE, "mall", "A-1", ACCOUNT, TYPE, 500, TIME, (OrderLine("tea", "oolong", 100),), ACCOUNT, None, ACCOUNT
    ),
    "publish": PublishEarningRule(TIME, NONCE, "mall", TYPE, RULE),
    "set policy": SetEarningPolicy(TIME, NONCE, "mall", POLICY),
    "publish campaign": PublishCampaign(TIME, NONCE, "mall", TYPE, CAMPAIGN),
    "end campaign": EndCampaign(TIME, NONCE, "mall", TYPE, "fair"),
    "set tags": SetOrganizationTags(TIME, NONCE, "mall", ("北京",), ("餐饮",)),
    "earned": Receipt(
        HASH, 0, (PointsEarned("mall", ACCOUNT, TYPE, 2, 500, 0, 0, 95, 95, 0, 1, TIME, 0, 0, ARITHMETIC),)
    ),
    "effects": Receipt(
        HASH,
        0,
        (
            EarningRulePublished(TYPE, 2, HASH, TIME),
            EarningRuleInForce(TYPE, 2, HASH),
            EarningPolicySet("mall", 1, HASH),
            CampaignPublished(TYPE, "fair", HASH, TIME, TIME + 9),
            CampaignEnded(TYPE, "fair", 77),
            OrganizationTagged("mall", ("北京",), ("餐饮",)),
        ),
    ),
}

GOLDEN: Final[dict[str, str]] = {
    "rule": (
        "dc001502929300016493ce000186a00264cf000001a0c4506c00cf000001a0c4506c090202029194a3746561a66f6f6c"
        "6f6e670103050291a6e58c97e4baac91a6e9a490e9a5aecd2710cd01f4cd0384029193a4676f6c640302020502c3"
    ),
    "least rule": (
        "dc001501919300010a00000101009000009090cf001fffffffffffffcf001fffffffffffffcf001fffffffffffff0190036401c2"
    ),
    "campaign": "99a4666169720302cf000001a0c4506c00cf000001a0c4506c09cd03e83291a6e58c97e4baac90",
    "policy": "9a0191a5626f6f6b73c303640502cd01f4cd038402",
    "rule book": (
        "94dc001502929300016493ce000186a00264cf000001a0c4506c00cf000001a0c4506c090202029194a3746561a66f6f"
        "6c6f6e670103050291a6e58c97e4baac91a6e9a490e9a5aecd2710cd01f4cd0384029193a4676f6c640302020502c3dc"
        "001502929300016493ce000186a00264cf000001a0c4506c00cf000001a0c4506c090202029194a3746561a66f6f6c6f"
        "6e670103050291a6e58c97e4baac91a6e9a490e9a5aecd2710cd01f4cd0384029193a4676f6c640302020502c39199a4"
        "666169720302cf000001a0c4506c00cf000001a0c4506c09cd03e83291a6e58c97e4baac90cf000001a0c4506c00"
    ),
    "rule record": (
        "94dc001502929300016493ce000186a00264cf000001a0c4506c00cf000001a0c4506c090202029194a3746561a66f6f"
        "6c6f6e670103050291a6e58c97e4baac91a6e9a490e9a5aecd2710cd01f4cd0384029193a4676f6c640302020502c3c4"
        "201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1dcf000001a0c4506c00c4201d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
    ),
    "campaign record": (
        "9599a4666169720302cf000001a0c4506c00cf000001a0c4506c09cd03e83291a6e58c97e4baac90c4201d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1dcf000001a0c4506c00c4201d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1dcf000001a0c4506c01"
    ),
    "policy record": (
        "949a0191a5626f6f6b73c303640502cd01f4cd038402c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1dcf000001a0c4506c00c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d"
    ),
    "tags": "9291a6e58c97e4baac91a6e9a490e9a5ae",
    "budget": "914d",
    "tally": ("97cf000001a0c4506c00cd01f43ccf000001a0c4506c01029193a466616972cf000001a0c4506c001ecf000001a0c4506c05"),
    "order": (
        "dc0010c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1dc414aaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaad6d616c6c2f636f6e73756d6572020000cd01f40001cf000001a0c4506c000000c29b07cd"
        "0190919200640503023c9192a4666169721ecf000001a0c4506c099090919bc414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaa6d616c6c2f677569646504030701cf000001a0c4506c000000c2c0c2"
    ),
    "sale": (
        "9d02cf000001a0c4506c00c4080001020304050607a46d616c6ca3412d31c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaad6d616c6c2f636f6e73756d6572cd01f4cf000001a0c4506c009193a3746561a66f6f6c6f6e6764c414aaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac0c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    ),
    "publish": (
        "9623cf000001a0c4506c00c4080001020304050607a46d616c6cad6d616c6c2f636f6e73756d6572dc00150292930001"
        "6493ce000186a00264cf000001a0c4506c00cf000001a0c4506c090202029194a3746561a66f6f6c6f6e670103050291"
        "a6e58c97e4baac91a6e9a490e9a5aecd2710cd01f4cd0384029193a4676f6c640302020502c3"
    ),
    "set policy": "9524cf000001a0c4506c00c4080001020304050607a46d616c6c9a0191a5626f6f6b73c303640502cd01f4cd038402",
    "publish campaign": (
        "9625cf000001a0c4506c00c4080001020304050607a46d616c6cad6d616c6c2f636f6e73756d657299a4666169720302"
        "cf000001a0c4506c00cf000001a0c4506c09cd03e83291a6e58c97e4baac90"
    ),
    "end campaign": "9626cf000001a0c4506c00c4080001020304050607a46d616c6cad6d616c6c2f636f6e73756d6572a466616972",
    "set tags": "9627cf000001a0c4506c00c4080001020304050607a46d616c6c91a6e58c97e4baac91a6e9a490e9a5ae",
    "earned": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d0091dc001002a46d616c6cc414"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad6d616c6c2f636f6e73756d657202cd01f400005f5f0001cf000001"
        "a0c4506c000000dc0014c3010107919400cd01900164919392006401030514a4676f6c6403029194a46661697203021e"
        "030502090401cd01f45f"
    ),
    "effects": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00969523ad6d616c6c2f636f6e"
        "73756d657202c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1dcf000001a0c4506c"
        "009428ad6d616c6c2f636f6e73756d657202c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d9424a46d616c6c01c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d9625"
        "ad6d616c6c2f636f6e73756d6572a466616972c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1dcf000001a0c4506c00cf000001a0c4506c099426ad6d616c6c2f636f6e73756d6572a4666169724d9427a4"
        "6d616c6c91a6e58c97e4baac91a6e9a490e9a5ae"
    ),
    "rule hash": "4b3a114c5ca03ac3748ce5d45ae4da974e50903a0fdbcd8771652fe106039571",
    "campaign hash": "c4d06d49e0983616f0c603b083cacd925031e48d057e844158e16652dfc8a9f7",
    "policy hash": "0c069a1d0b3758d39ca778fc47e15023160bc7cdd7571670ec19309804ea5de4",
    "rule book key": "756d616c6c2f636f6e73756d6572",
    "rule key": "556d616c6c2f636f6e73756d65720000000002",
    "campaign key": "4d6d616c6c2f636f6e73756d65720066616972",
    "policy key": "456d616c6c",
    "tags key": "5a6d616c6c",
    "budget of a rule, key": "426d616c6c2f636f6e73756d6572007200000002",
    "budget of a campaign, key": "426d616c6c2f636f6e73756d6572006366616972",
    "tally key": "4eaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa6d616c6c2f636f6e73756d6572",
}
"""Bytes in hex, by name."""


def computed() -> dict[str, bytes]:
    """Return the bytes of everything above, what is hashed of them, and the keys."""
    found = {name: encode(value) for name, value in VALUES.items()}
    for name in ("sale", "publish", "set policy", "publish campaign", "end campaign", "set tags"):
        assert encode_body(VALUES[name]) == found[name]
    found["rule hash"] = rule_hash(TYPE, RULE)
    found["campaign hash"] = campaign_hash(TYPE, CAMPAIGN)
    found["policy hash"] = policy_hash("mall", POLICY)
    found["rule book key"] = rule_book_key(TYPE)
    found["rule key"] = rule_key(TYPE, 2)
    found["campaign key"] = campaign_key(TYPE, "fair")
    found["policy key"] = earning_policy_key("mall")
    found["tags key"] = tags_key("mall")
    found["budget of a rule, key"] = rule_budget_key(TYPE, 2)
    found["budget of a campaign, key"] = campaign_budget_key(TYPE, "fair")
    found["tally key"] = tally_key(ACCOUNT, TYPE)
    return found


def test_every_format_has_a_golden_vector() -> None:
    assert computed().keys() == GOLDEN.keys()


@pytest.mark.parametrize("name", GOLDEN)
def test_a_format_is_what_it_always_was(name: str) -> None:
    assert computed()[name].hex() == GOLDEN[name]
