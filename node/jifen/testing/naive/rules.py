"""Naive rules of earning rules, campaigns, policies and tags: which of them hold when, and for whom."""

from fractions import Fraction
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import msgspec

from jifen.ledger.rejections import Rejection
from jifen.ledger.rules.bodies import (
    EndCampaign,
    PublishCampaign,
    PublishEarningRule,
    SetEarningPolicy,
    SetOrganizationTags,
)
from jifen.ledger.rules.records import Bracket, BracketBasis, Campaign, EarningPolicy, EarningRule, Period, RuleBook
from jifen.ledger.terms.records import Terms
from jifen.ledger.transactions import EarnPoints, Transaction
from jifen.ledger.types import OrganizationKind, OrganizationStatus, RoleClass, Scope
from jifen.testing.naive import earning as naive_earning
from jifen.testing.naive.records import NaiveCampaign, NaiveLeg
from jifen.testing.naive.terms import Effects, local_date, midnight, signed_by

if TYPE_CHECKING:
    from jifen.testing.naive.ledger import NaiveLedger

NO_LIMIT: Final = 9_007_199_254_740_991
ONE_YEAR: Final = 366 * 86_400_000


def digest(tag: str, name: str, item: EarningRule | Campaign | EarningPolicy) -> bytes:
    """Return the hash of a rule, campaign or policy: of its canonical msgpack behind the domain's tag."""
    start = sha256(f"jifen/{tag}/1".encode()).digest()
    return sha256(start + start + msgspec.msgpack.encode([name, item])).digest()


def first_rule(ledger: "NaiveLedger", name: str) -> EarningRule:
    """Return the flat rate of a point type as a rule."""
    kind = ledger.point_types[name]
    return EarningRule(kind.rule_version, (Bracket(0, kind.earn_points, kind.earn_fen),))


def rule_at(ledger: "NaiveLedger", name: str, time: int) -> EarningRule:
    """Return the rule that holds: of those whose time has come the last that was not replaced before that."""
    found, versions = first_rule(ledger, name), ledger.rules.get(name, [])
    for place, (rule, _, _) in enumerate(versions):
        if rule.effective_from <= time:
            if any(published < rule.effective_from for _, published, _ in versions[place + 1 :]):
                continue
            found = rule
    return found


def newest_version(ledger: "NaiveLedger", name: str) -> int:
    """Return the version published last."""
    return max([ledger.point_types[name].rule_version, *(rule.version for rule, _, _ in ledger.rules.get(name, []))])


def running(ledger: "NaiveLedger", name: str, time: int) -> list[Campaign]:
    """Return the campaigns of a type that have not ended, by id; they may not have begun."""
    known = [item for (kind, _), item in sorted(ledger.campaigns.items()) if kind == name]
    return [item.campaign for item in known if not item.ended_at and item.campaign.ends_at > time]


def come_due(ledger: "NaiveLedger", time: int) -> list[tuple[object, ...]]:
    """Tell of the rules that hold and the campaigns that are over since the last block."""
    names = dict.fromkeys([*ledger.rules, *(name for name, _ in ledger.campaigns)])
    return [effect for name in names for effect in tell_of(ledger, name, time)]


def tell_of(ledger: "NaiveLedger", name: str, time: int) -> list[tuple[object, ...]]:
    """Tell of the rule of a type that holds and of its campaigns that are over, as far as that has not been told."""
    told: list[tuple[object, ...]] = []
    rule = rule_at(ledger, name, time)
    if not is_told(ledger, name, rule):
        ledger.told_rules.add((name, rule.version))
        told.append((name, rule.version, digest("earning-rule", name, rule)))
    for campaign in untold(ledger, name):
        if campaign.ends_at <= time:
            ledger.told_over.add((name, campaign.id))
            told.append((name, campaign.id, given_of(ledger, name, campaign)))
    return told


def is_told(ledger: "NaiveLedger", name: str, rule: EarningRule) -> bool:
    """Tell whether a rule is known to hold, or to have held."""
    return rule.version == ledger.point_types[name].rule_version or (name, rule.version) in ledger.told_rules


def untold(ledger: "NaiveLedger", name: str) -> list[Campaign]:
    """Return the campaigns of a type of which it was not told that they are over, by id."""
    known = [item for (kind, _), item in sorted(ledger.campaigns.items()) if kind == name]
    return [item.campaign for item in known if not item.ended_at and (name, item.campaign.id) not in ledger.told_over]


def given_of(ledger: "NaiveLedger", name: str, campaign: Campaign) -> int:
    """Return what a campaign has given, as far as anybody counts."""
    return 0 if campaign.budget == NO_LIMIT else naive_earning.campaign_given(ledger, name, campaign.id)


def is_there(ledger: "NaiveLedger", merchant: str, item: EarningRule | Campaign) -> bool:
    """Tell whether a rule or campaign is meant for a merchant."""
    regions, industries = ledger.tags.get(merchant, ((), ()))
    here = not item.regions or bool(set(item.regions) & set(regions))
    return here and (not item.industries or bool(set(item.industries) & set(industries)))


def reckoned(
    ledger: "NaiveLedger", body: EarnPoints, leg: NaiveLeg, terms: Terms, time: int
) -> tuple[NaiveLeg, naive_earning.Result]:
    """Return a leg with what its rule makes of it."""
    name, account = leg.point_type, leg.account
    payment = ledger.payments.get((body.merchant, body.order_id))
    paid = sum(part.fen for part in payment.parts) if payment else 0
    leg = leg._replace(paid_fen=paid)
    if not paid and name not in ledger.rules and not any(kind == name for kind, _ in ledger.campaigns):
        points = naive_earning.flat_points(ledger, leg, body.amount_fen)
        return leg, naive_earning.Result(points, points, (), points)
    rule = rule_at(ledger, name, time)
    leg = leg._replace(rule=rule)
    if (rule.ends_at and rule.ends_at <= time) or not is_there(ledger, body.merchant, rule):
        return leg._replace(holds=False), naive_earning.Result(0, 0, (), 0)
    campaigns = [item for item in running(ledger, name, time) if item.starts_at <= time]
    campaigns = [item for item in campaigns if is_there(ledger, body.merchant, item)]
    if rule.basis is BracketBasis.CUMULATIVE or rule.member_cap < NO_LIMIT:
        until, spent, given = naive_earning.in_period(ledger, name, account, time)
        leg = leg._replace(until=until or naive_earning.end_of(rule.period, terms, time))
        if rule.basis is BracketBasis.CUMULATIVE:
            leg = leg._replace(before_fen=spent)
    else:
        given = 0
    day, seen = naive_earning.visits(ledger, name, account, time)
    if seen < rule.visits_per_day:
        today = local_date(time, terms)
        leg = leg._replace(visited_until=day or midnight(today.fromordinal(today.toordinal() + 1), terms))
    if rule.coefficients and name.endswith("/consumer"):
        tier = ledger.tiers.tier_of(body.merchant, account)
        for item in rule.coefficients:
            if item.tier == tier:
                leg = leg._replace(tier=tier, coefficient=(item.numerator, item.denominator))
    room = rule.member_cap - given
    if rule.budget < NO_LIMIT:
        room = min(room, rule.budget - naive_earning.rule_given(ledger, name, rule.version))
    room = max(0, room)
    limits = [
        min(
            item.budget - (naive_earning.campaign_given(ledger, name, item.id) if item.budget < NO_LIMIT else 0),
            item.member_cap - (naive_earning.campaign_given(ledger, name, item.id, account) if is_capped(item) else 0),
        )
        for item in campaigns
    ]
    leg = leg._replace(grants=tuple((item, 0) for item in campaigns))
    value = naive_earning.exact(leg, body, body.amount_fen)
    result = naive_earning.shared(leg, value, room, limits, room)
    grants = tuple(zip(campaigns, result.charges, strict=True))
    return leg._replace(base=result.base, grants=grants), result


def is_capped(campaign: Campaign) -> bool:
    """Tell whether a campaign limits what it gives to one account."""
    return campaign.member_cap < NO_LIMIT


def against_issuer(ledger: "NaiveLedger", issuer: str, name: str, item: Transaction) -> set[Rejection]:
    """Return what speaks against who publishes something about a point type."""
    found = against_administrator(ledger, issuer, item)
    if name not in ledger.point_types:
        found.add(Rejection.POINT_TYPE_UNKNOWN)
    elif name.split("/", maxsplit=1)[0] != issuer:
        found.add(Rejection.NOT_THE_ISSUER)
    return found


def against_administrator(ledger: "NaiveLedger", name: str, item: Transaction) -> set[Rejection]:
    """Return what speaks against an organization and who signed for it."""
    if name not in ledger.organizations:
        return {Rejection.ORGANIZATION_UNKNOWN}
    found = set()
    if ledger.organizations[name].status == OrganizationStatus.SUSPENDED:
        found.add(Rejection.ORGANIZATION_NOT_ACTIVE)
    if not signed_by(ledger, name, Scope.ADMIN, item):
        found.add(Rejection.NOT_AUTHORIZED)
    return found


def against_malls(ledger: "NaiveLedger", issuer: str, promised: Any, item: Transaction) -> set[Rejection]:
    """Return what malls have against a rule or campaign."""
    found = set()
    for mall, versions in ledger.policies.items():
        policy = versions[-1][0]
        suspended = ledger.organizations[mall].status == OrganizationStatus.SUSPENDED
        if issuer not in policy.merchants or suspended:
            continue
        factor = Fraction(policy.factor_numerator, policy.factor_denominator)
        if isinstance(promised, Campaign):
            wrong = Fraction(promised.numerator, promised.denominator) > factor
        else:
            rates = [Fraction(rate.points, rate.fen) for rate in (*promised.brackets, *promised.items)]
            wrong = max(rates) > Fraction(policy.rate_points, policy.rate_fen)
            wrong |= Fraction(promised.factor_numerator, promised.factor_denominator) > factor
            wrong |= promised.order_cap > policy.order_cap or promised.member_cap > policy.member_cap
            wrong |= policy.member_cap < NO_LIMIT and promised.period < policy.period
        if wrong:
            found.add(Rejection.RULE_AGAINST_POLICY)
        if policy.signature_required and not signed_by(ledger, mall, Scope.ADMIN, item):
            found.add(Rejection.MALL_NOT_SIGNED)
    return found


def disordered(names: tuple[str, ...]) -> bool:
    """Tell whether names are not in order, or stand twice."""
    return list(names) != sorted(set(names))


def against_rule(ledger: "NaiveLedger", body: PublishEarningRule, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against a version of a rule."""
    rule, name = body.rule, body.point_type
    found = against_issuer(ledger, body.issuer, name, item) | against_malls(ledger, body.issuer, rule, item)
    if name in ledger.point_types and rule.version - newest_version(ledger, name) != 1:
        found.add(Rejection.RULE_VERSION_WRONG)
    if 0 < rule.effective_from < time:
        found.add(Rejection.RULE_BACK_DATED)
    if rule.effective_from > time + ONE_YEAR:
        found.add(Rejection.RULE_TOO_FAR)
    if is_contradictory(rule) or 0 < rule.ends_at <= max(rule.effective_from, time):
        found.add(Rejection.RULE_CONTRADICTORY)
    return found


def is_contradictory(rule: EarningRule) -> bool:
    """Tell whether a rule makes no sense."""
    starts = [bracket.from_fen for bracket in rule.brackets]
    rates = [Fraction(bracket.points, bracket.fen) for bracket in rule.brackets]
    fits = [f"{item.category}\0{item.item}" for item in rule.items]
    counts = rule.basis is BracketBasis.CUMULATIVE or rule.member_cap < NO_LIMIT
    return (
        starts != sorted({0, *starts})
        or (rule.mode == 2 and rates != sorted(rates))
        or "\0" in fits
        or len(set(fits)) < len(fits)
        or disordered(tuple(item.tier for item in rule.coefficients))
        or disordered(rule.regions)
        or disordered(rule.industries)
        or (counts and rule.period is Period.NONE)
        or bool(rule.visit_points) != bool(rule.visits_per_day)
        or Fraction(rule.factor_numerator, rule.factor_denominator) < 1
    )


def publish_rule(ledger: "NaiveLedger", body: PublishEarningRule, item: Transaction, time: int) -> Effects:
    """Add a version; the one before may hold, and not have been told of yet."""
    rule, name = body.rule, body.point_type
    late = tell_of(ledger, name, time)
    if rule.effective_from == 0:
        rule = msgspec.structs.replace(rule, effective_from=time)
    ledger.rules.setdefault(name, []).append((rule, time, item.id))
    if rule.effective_from <= time:
        ledger.told_rules.add((name, rule.version))
    return (*late, (name, rule.version, digest("earning-rule", name, rule), rule.effective_from))


def against_campaign(ledger: "NaiveLedger", body: PublishCampaign, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against a campaign."""
    campaign, name = body.campaign, body.point_type
    found = against_issuer(ledger, body.issuer, name, item) | against_malls(ledger, body.issuer, campaign, item)
    if (name, campaign.id) in ledger.campaigns:
        found.add(Rejection.CAMPAIGN_EXISTS)
    if 0 < campaign.starts_at < time:
        found.add(Rejection.RULE_BACK_DATED)
    if campaign.starts_at > time + ONE_YEAR:
        found.add(Rejection.RULE_TOO_FAR)
    lasts = campaign.ends_at - max(campaign.starts_at, time)
    wrong = lasts <= 0 or lasts > ONE_YEAR or disordered(campaign.regions) or disordered(campaign.industries)
    if wrong or Fraction(campaign.numerator, campaign.denominator) < 1:
        found.add(Rejection.RULE_CONTRADICTORY)
    if name in ledger.point_types:
        holds = rule_at(ledger, name, time)
        together = Fraction(campaign.numerator, campaign.denominator)
        for other in running(ledger, name, time):
            together *= Fraction(other.numerator, other.denominator)
        for mall, versions in ledger.policies.items():
            policy = versions[-1][0]
            most = Fraction(policy.factor_numerator, policy.factor_denominator)
            binds = body.issuer in policy.merchants
            if binds and ledger.organizations[mall].status != OrganizationStatus.SUSPENDED:
                capped = Fraction(holds.factor_numerator, holds.factor_denominator) <= most
                if not capped and together > most:
                    found.add(Rejection.RULE_AGAINST_POLICY)
    if len(running(ledger, name, time)) >= 4:
        found.add(Rejection.TOO_MANY_CAMPAIGNS)
    return found


def publish_campaign(ledger: "NaiveLedger", body: PublishCampaign, item: Transaction, time: int) -> Effects:
    """Add a campaign."""
    campaign, name = body.campaign, body.point_type
    late = tell_of(ledger, name, time)
    if campaign.starts_at == 0:
        campaign = msgspec.structs.replace(campaign, starts_at=time)
    ledger.campaigns[name, campaign.id] = NaiveCampaign(campaign, time, item.id)
    return (*late, (name, campaign.id, digest("campaign", name, campaign), campaign.starts_at, campaign.ends_at))


def against_end(ledger: "NaiveLedger", body: EndCampaign, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against ending a campaign."""
    found = against_issuer(ledger, body.issuer, body.point_type, item)
    if body.campaign not in [campaign.id for campaign in running(ledger, body.point_type, time)]:
        found.add(Rejection.CAMPAIGN_NOT_RUNNING)
    return found


def end_campaign(ledger: "NaiveLedger", body: EndCampaign, _item: Transaction, time: int) -> Effects:
    """End a campaign."""
    known = ledger.campaigns[body.point_type, body.campaign]
    late = tell_of(ledger, body.point_type, time)
    known.ended_at = time
    return (*late, (body.point_type, body.campaign, given_of(ledger, body.point_type, known.campaign)))


def against_policy(ledger: "NaiveLedger", body: SetEarningPolicy, item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against a policy."""
    policy = body.policy
    found = against_administrator(ledger, body.mall, item)
    if any(name not in ledger.organizations for name in policy.merchants):
        found.add(Rejection.ORGANIZATION_UNKNOWN)
    if body.mall in ledger.organizations and ledger.organizations[body.mall].kind is not OrganizationKind.MALL:
        found.add(Rejection.NOT_A_MALL)
    versions = ledger.policies.get(body.mall, [])
    if policy.version != len(versions) + 1:
        found.add(Rejection.POLICY_VERSION_WRONG)
    wrong = disordered(policy.merchants) or body.mall in policy.merchants
    if wrong or Fraction(policy.factor_numerator, policy.factor_denominator) < 1:
        found.add(Rejection.RULE_CONTRADICTORY)
    new = set(policy.merchants) - set(versions[-1][0].merchants if versions else ())
    known = [name for name in new if name in ledger.organizations]
    if not all(signed_by(ledger, name, Scope.ADMIN, item) for name in known):
        found.add(Rejection.POLICY_NOT_ACCEPTED)
    return found


def set_policy(ledger: "NaiveLedger", body: SetEarningPolicy, item: Transaction, time: int) -> Effects:
    """Set a policy."""
    ledger.policies.setdefault(body.mall, []).append((body.policy, time, item.id))
    return ((body.mall, body.policy.version, digest("earning-policy", body.mall, body.policy)),)


def against_tags(ledger: "NaiveLedger", body: SetOrganizationTags, item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against tags."""
    found = against_administrator(ledger, body.organization, item)
    if disordered(body.regions) or disordered(body.industries):
        found.add(Rejection.RULE_CONTRADICTORY)
    return found


def set_tags(ledger: "NaiveLedger", body: SetOrganizationTags, _item: Transaction, _time: int) -> Effects:
    """Set the tags of an organization."""
    ledger.tags[body.organization] = (body.regions, body.industries)
    return ((body.organization, body.regions, body.industries),)


def book_of(ledger: "NaiveLedger", name: str, time: int) -> RuleBook:
    """Return the rule book of a type at a block time: what has changed is not written before it was told."""
    versions = [first_rule(ledger, name), *(rule for rule, _, _ in ledger.rules.get(name, []))]
    holds = rule_at(ledger, name, time)
    if not is_told(ledger, name, holds):
        holds = [rule for rule in versions if is_told(ledger, name, rule)][-1]
    later = versions[-1] if versions[-1].version > holds.version else None
    campaigns = untold(ledger, name)
    moments = [item.ends_at for item in campaigns] + ([later.effective_from] if later else [])
    return RuleBook(holds, later, tuple(campaigns), min(moments, default=0))


def others_of(body: EarnPoints) -> list[tuple[RoleClass, bytes]]:
    """Return who beside the customer earns on an order."""
    named = {RoleClass.GUIDE: body.guide, RoleClass.STORE: body.store, RoleClass.DISTRIBUTOR: body.distributor}
    return [(role, account) for role, account in named.items() if account is not None and account != body.account]
