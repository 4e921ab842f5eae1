"""Earning rules, campaigns and the policies of malls: what a purchase earns beyond a flat rate.

The first rule of a point type is its flat rate; it stands in the point type's own record. Further ones are published
as versions, like terms: each with the time from which it holds, hashed, kept for ever. What the rules say is computed
in `reckoning.py`.
"""

from enum import IntEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from jifen.hashing import CAMPAIGN, EARNING_POLICY, EARNING_RULE
from jifen.ledger.types import (
    COEFFICIENT_DENOMINATOR_MAX,
    COEFFICIENT_NUMERATOR_MAX,
    POINTS_MAX,
    RATE_TERM_MAX,
    AmountFen,
    HashBytes,
    Quantity,
    RateOrNone,
    RateTerm,
    Record,
    RuleVersion,
    Slug,
    TimeMs,
)

BRACKETS_MAX: Final = 8
"""Most brackets of a rule: more than people can be told at a till."""

ITEM_RULES_MAX: Final = 16
"""Most item rules of a rule: every line of an order is held against each."""

COEFFICIENTS_MAX: Final = 20
"""Most tiers that a rule knows."""

CAMPAIGNS_MAX: Final = 4
"""Most campaigns of a point type that have not ended: all of them are looked at by every purchase."""

TAGS_MAX: Final = 8
"""Most regions, or industries, of an organization or rule."""

BOUND_MERCHANTS_MAX: Final = 64
"""Most merchants under a mall's policy: all of an alliance."""

VISITS_MAX: Final = 100
"""Most visits of a day that are rewarded."""

ORDER_LINES_MAX: Final = 32
"""Most lines of an order: a long receipt; what is beyond goes into one line of no category."""

Numerator = Annotated[int, Meta(ge=1, le=COEFFICIENT_NUMERATOR_MAX)]
Denominator = Annotated[int, Meta(ge=1, le=COEFFICIENT_DENOMINATOR_MAX)]
Tag = Annotated[str, Meta(min_length=1, max_length=32)]
LineName = Annotated[str, Meta(max_length=32)]
Tags = Annotated[tuple[Tag, ...], Meta(max_length=TAGS_MAX)]


class BracketMode(IntEnum):
    """What the rate of a bracket is applied to."""

    MARGINAL = 1
    """Each bracket's rate to the part of the amount that lies in it."""
    WHOLE_AMOUNT = 2
    """The rate of the bracket that the amount reaches to the whole of it."""


class BracketBasis(IntEnum):
    """Which amount decides about brackets."""

    PER_ORDER = 1
    CUMULATIVE = 2
    """What the account has spent in the period, the order included."""


class Period(IntEnum):
    """A stretch of the issuer's local time, beginning with a day."""

    NONE = 0
    DAY = 1
    MONTH = 2
    YEAR = 3


class Rounding(IntEnum):
    """How the exact points become a whole number, once for a leg of an order."""

    FLOOR = 1
    NEAREST = 2
    """A half goes up."""


class Stacking(IntEnum):
    """How the coefficient of the tier and the multipliers of campaigns make one factor."""

    MAX = 1
    """The largest of them."""
    ADD = 2
    """1 and what each is above 1."""
    MULTIPLY = 3


class Bracket(Record, frozen=True):
    """Amounts from `from_fen` on, up to the next bracket's, earn `points` for every `fen` fen."""

    from_fen: AmountFen
    """The first amount that is in it."""
    points: RateOrNone
    fen: RateTerm


class ItemRule(Record, frozen=True):
    """Lines of an order that earn at a rate of their own in place of the brackets; 0 points: nothing."""

    category: LineName
    """Category of the lines; empty: of any."""
    item: LineName
    """Item of the lines; empty: any."""
    points: RateOrNone
    fen: RateTerm


class TierCoefficient(Record, frozen=True):
    """What members of a tier earn in place of 1."""

    tier: Slug
    numerator: Numerator
    denominator: Denominator


class EarningRule(Record, frozen=True):
    """One version of how purchases earn points of a type.

    Invariant: brackets begin at 0 and ascend, their rates too where they are for the whole amount; item rules, tiers
    and tags name nothing twice, tiers and tags are sorted; sums over a period name one; the factor's cap is at least 1.
    """

    version: RuleVersion
    brackets: Annotated[tuple[Bracket, ...], Meta(min_length=1, max_length=BRACKETS_MAX)]
    effective_from: TimeMs = 0
    """Block time, ms, from which it holds. In a transaction 0 means: from its block on."""
    ends_at: TimeMs = 0
    """Block time, ms, from which it earns nothing any more; 0: never."""
    mode: BracketMode = BracketMode.MARGINAL
    basis: BracketBasis = BracketBasis.PER_ORDER
    period: Period = Period.NONE
    """Period over which the cumulative basis and `member_cap` count."""
    items: Annotated[tuple[ItemRule, ...], Meta(max_length=ITEM_RULES_MAX)] = ()
    """Of those that a line fits the first one holds."""
    visit_points: Quantity = 0
    """Points for coming, whatever the order comes to ..."""
    visits_per_day: Annotated[int, Meta(ge=0, le=VISITS_MAX)] = 0
    """... at most so often in a local day."""
    regions: Tags = ()
    """It holds for merchants with one of these; empty: for all."""
    industries: Tags = ()
    """As `regions`; where both are named, one of each is asked."""
    budget: Quantity = POINTS_MAX
    """Most points that this version gives in all, less what refunds take back; POINTS_MAX: no limit."""
    order_cap: Quantity = POINTS_MAX
    """Most points that one order earns."""
    member_cap: Quantity = POINTS_MAX
    """Most points that one account earns in a period."""
    rounding: Rounding = Rounding.FLOOR
    coefficients: Annotated[tuple[TierCoefficient, ...], Meta(max_length=COEFFICIENTS_MAX)] = ()
    stacking: Stacking = Stacking.MULTIPLY
    factor_numerator: Numerator = COEFFICIENT_DENOMINATOR_MAX
    """The factor of tier and campaigns together is at most this ..."""
    factor_denominator: Denominator = 1
    """... over this."""
    earns_on_points_paid: bool = False
    """Whether what was paid with points earns too."""


class Campaign(Record, frozen=True):
    """A multiplier on what a point type's rule earns, for a time.

    Invariant: at least 1; it ends after it starts; tags are sorted and name nothing twice.
    """

    id: Slug
    """Unique among the campaigns that the point type ever had."""
    numerator: Numerator
    denominator: Denominator
    starts_at: TimeMs
    """Block time, ms. In a transaction 0 means: from its block on."""
    ends_at: TimeMs
    """Block time, ms, from which it holds no more."""
    budget: Quantity = POINTS_MAX
    """Most points that it gives in all, less what refunds give back; POINTS_MAX: no limit."""
    member_cap: Quantity = POINTS_MAX
    """Most points that it gives to one account."""
    regions: Tags = ()
    industries: Tags = ()


class EarningPolicy(Record, frozen=True):
    """What a mall lets the merchants under it promise: their rules may be tighter, never looser."""

    version: RuleVersion
    merchants: Annotated[tuple[Slug, ...], Meta(max_length=BOUND_MERCHANTS_MAX)]
    """Who is under it, sorted; everybody has signed to come under it."""
    signature_required: bool = False
    """Whether an operator of the mall with scope ADMIN has to sign their rules and campaigns too."""
    rate_points: RateOrNone = RATE_TERM_MAX
    """No bracket and no item earns more than `rate_points` ..."""
    rate_fen: RateTerm = 1
    """... for every `rate_fen` fen."""
    factor_numerator: Numerator = COEFFICIENT_DENOMINATOR_MAX
    """No campaign and no factor of tier and campaigns is above this ..."""
    factor_denominator: Denominator = 1
    """... over this."""
    order_cap: Quantity = POINTS_MAX
    member_cap: Quantity = POINTS_MAX
    period: Period = Period.NONE
    """Shortest period over which a rule may count `member_cap`, if there is one."""


class OrderLine(Record, frozen=True):
    """A part of an order."""

    category: LineName
    item: LineName
    amount_fen: AmountFen


class RuleBook(Record, frozen=True):
    """What holds now of a point type that has more than its flat rate, and what will.

    Invariant: the agenda names it at `due`, the first time at which anything of it begins to hold or ends.
    """

    rule: EarningRule
    """In force, unless `scheduled` has come into force since; ask `rule_in_force`."""
    scheduled: EarningRule | None
    campaigns: Annotated[tuple[Campaign, ...], Meta(max_length=CAMPAIGNS_MAX)]
    """Those that have not ended, by id."""
    due: TimeMs = 0


class RuleRecord(Record, frozen=True):
    """A version of an earning rule for the history: it stays for ever."""

    rule: EarningRule
    hash: HashBytes
    published_at: TimeMs
    transaction_id: HashBytes


class CampaignRecord(Record, frozen=True):
    """A campaign for the history: it stays for ever."""

    campaign: Campaign
    hash: HashBytes
    published_at: TimeMs
    transaction_id: HashBytes
    ended_at: TimeMs = 0
    """When it was ended before its time, ms; 0: it was not."""


class PolicyRecord(Record, frozen=True):
    """The policy of a mall."""

    policy: EarningPolicy
    hash: HashBytes
    published_at: TimeMs
    transaction_id: HashBytes


class OrganizationTags(Record, frozen=True):
    """Where an organization does business, and in what."""

    regions: Tags = ()
    industries: Tags = ()


class Budget(Record, frozen=True):
    """Points that a rule's version or a campaign has given so far, less what refunds gave back."""

    points: Quantity


class CampaignTally(Record, frozen=True):
    """Points that a campaign has given to an account."""

    campaign: Slug
    until: TimeMs
    points: Quantity


class MemberTally(Record, frozen=True):
    """What of an account counts against the limits of a point type's rules and campaigns.

    Invariant: the agenda names it at `due`, after everything in it has lost its meaning, and deletes it.
    """

    until: TimeMs
    """End of the period in which `spent_fen` and `points` were counted, ms; 0: none was counted."""
    spent_fen: Quantity
    points: Quantity
    day_until: TimeMs
    """End of the day in which `visits` were counted, ms."""
    visits: Annotated[int, Meta(ge=0, le=VISITS_MAX)]
    campaigns: Annotated[tuple[CampaignTally, ...], Meta(max_length=CAMPAIGNS_MAX)]
    due: TimeMs


EMPTY_TALLY: Final = MemberTally(0, 0, 0, 0, 0, (), 0)
EMPTY_BUDGET: Final = Budget(0)
NO_TAGS: Final = OrganizationTags()

_encode: Final = msgspec.msgpack.Encoder().encode


def rule_hash(point_type: str, rule: EarningRule) -> bytes:
    """Return the 32-byte hash of a version: of the canonical msgpack of point type and rule."""
    return EARNING_RULE(_encode((point_type, rule)))


def campaign_hash(point_type: str, campaign: Campaign) -> bytes:
    """Return the 32-byte hash of a campaign: of the canonical msgpack of point type and campaign."""
    return CAMPAIGN(_encode((point_type, campaign)))


def policy_hash(mall: str, policy: EarningPolicy) -> bytes:
    """Return the 32-byte hash of a policy: of the canonical msgpack of mall and policy."""
    return EARNING_POLICY(_encode((mall, policy)))


def rule_in_force(book: RuleBook, time: int) -> EarningRule:
    """Return the rule that holds at a block time, ms; the agenda may not have got to a scheduled version yet."""
    scheduled = book.scheduled
    if scheduled is not None and scheduled.effective_from <= time:
        return scheduled
    return book.rule


def reaches(regions: tuple[str, ...], industries: tuple[str, ...], tags: OrganizationTags) -> bool:
    """Tell whether what names these regions and industries holds for an organization with these tags."""
    if regions and not any(region in tags.regions for region in regions):
        return False
    return not industries or any(industry in tags.industries for industry in industries)
