"""Policies of malls: what the merchants under them may promise, and the tags of organizations."""

from itertools import pairwise
from typing import Final

from jifen.ledger.context import BlockContext
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.rules.bodies import SetEarningPolicy, SetOrganizationTags
from jifen.ledger.rules.effects import EarningPolicySet, OrganizationTagged
from jifen.ledger.rules.records import (
    Campaign,
    EarningPolicy,
    EarningRule,
    OrganizationTags,
    PolicyRecord,
    policy_hash,
)
from jifen.ledger.state import (
    EARNING_POLICY,
    StateReader,
    StateWriter,
    after_prefix,
    earning_policy_key,
    organization_key,
    tags_key,
)
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import POINTS_MAX, Organization, OrganizationKind, OrganizationStatus, Scope

POLICIES_MAX: Final = 64
"""Most policies there can be: one for every organization of an alliance."""

ADMINISTRATOR: Final = int(Scope.ADMIN)


def policies_over(state: StateReader, merchant: str) -> list[tuple[Organization, EarningPolicy]]:
    """Return the active malls that a merchant is under, each with its policy, by id.

    A suspended mall has no say: it could not sign.
    """
    found = []
    for key, record in state.range(EARNING_POLICY, after_prefix(EARNING_POLICY), POLICIES_MAX):
        assert isinstance(record, PolicyRecord)
        if merchant in record.policy.merchants:
            mall = read(state, organization_key(key[1:].decode()), Organization)
            if mall is not None and mall.status is OrganizationStatus.ACTIVE:
                found.append((mall, record.policy))
    return found


def against_policies(
    state: StateReader, merchant: str, promised: EarningRule | Campaign, transaction: Transaction
) -> Rejection | None:
    """Return why a rule or campaign of a merchant is more than the malls that it is under let it promise, or None."""
    policies = policies_over(state, merchant)
    for _, policy in policies:
        fits = is_tighter(promised, policy) if isinstance(promised, EarningRule) else is_smaller(promised, policy)
        if not fits:
            return Rejection.RULE_AGAINST_POLICY
    for mall, policy in policies:
        if policy.signature_required and not signs(mall, transaction):
            return Rejection.MALL_NOT_SIGNED
    return None


def against_new_type(
    state: StateReader, merchant: str, rate: tuple[int, int], transaction: Transaction
) -> Rejection | None:
    """Return why a merchant may not begin to issue points at a flat rate, points for so many fen, or None.

    Caps are not asked for: its rules bring them, and the terms have a cap of their own.
    """
    points, fen = rate
    policies = policies_over(state, merchant)
    if any(points * policy.rate_fen > policy.rate_points * fen for _, policy in policies):
        return Rejection.RULE_AGAINST_POLICY
    if any(policy.signature_required and not signs(mall, transaction) for mall, policy in policies):
        return Rejection.MALL_NOT_SIGNED
    return None


def is_tighter(rule: EarningRule, policy: EarningPolicy) -> bool:
    """Tell whether a rule promises nothing that a policy does not allow."""
    rates = [(bracket.points, bracket.fen) for bracket in rule.brackets]
    rates += [(item.points, item.fen) for item in rule.items]
    if any(points * policy.rate_fen > policy.rate_points * fen for points, fen in rates):
        return False
    if rule.factor_numerator * policy.factor_denominator > policy.factor_numerator * rule.factor_denominator:
        return False
    if rule.order_cap > policy.order_cap or rule.member_cap > policy.member_cap:
        return False
    return policy.member_cap == POINTS_MAX or rule.period >= policy.period


def is_smaller(campaign: Campaign, policy: EarningPolicy) -> bool:
    """Tell whether a campaign multiplies by no more than a policy allows."""
    return campaign.numerator * policy.factor_denominator <= policy.factor_numerator * campaign.denominator


def signs(organization: Organization, transaction: Transaction) -> bool:
    """Tell whether an operator with scope ADMIN has signed for an organization."""
    return any(organization.scopes_of(key) & ADMINISTRATOR for key in transaction.signers)


def check_earning_policy(
    state: StateReader, body: SetEarningPolicy, transaction: Transaction, _context: BlockContext
) -> Rejection | EarningPolicy:
    """Return why the policy cannot be set, or the policy. Order: `rejections.py`."""
    policy = body.policy
    mall = read(state, organization_key(body.mall), Organization)
    merchants = {name: read(state, organization_key(name), Organization) for name in policy.merchants}
    if mall is None or None in merchants.values():
        return Rejection.ORGANIZATION_UNKNOWN
    if mall.status is not OrganizationStatus.ACTIVE:
        return Rejection.ORGANIZATION_NOT_ACTIVE
    if not signs(mall, transaction):
        return Rejection.NOT_AUTHORIZED
    if mall.kind is not OrganizationKind.MALL:
        return Rejection.NOT_A_MALL
    before = read(state, earning_policy_key(body.mall), PolicyRecord)
    if policy.version != (before.policy.version + 1 if before else 1):
        return Rejection.POLICY_VERSION_WRONG
    sound = is_sorted(policy.merchants) and body.mall not in policy.merchants
    if not sound or policy.factor_numerator < policy.factor_denominator:
        return Rejection.RULE_CONTRADICTORY
    bound = before.policy.merchants if before else ()
    for name, merchant in merchants.items():
        if merchant is not None and name not in bound and not signs(merchant, transaction):
            return Rejection.POLICY_NOT_ACCEPTED
    return policy


def set_earning_policy(
    state: StateWriter, body: SetEarningPolicy, transaction: Transaction, policy: EarningPolicy, context: BlockContext
) -> tuple[EarningPolicySet]:
    """Set the policy; rules that hold already stay as they are."""
    digest = policy_hash(body.mall, policy)
    state.put(earning_policy_key(body.mall), PolicyRecord(policy, digest, context.time, transaction.id))
    return (EarningPolicySet(body.mall, policy.version, digest),)


def check_tags(
    state: StateReader, body: SetOrganizationTags, transaction: Transaction, _context: BlockContext
) -> Rejection | OrganizationTags:
    """Return why the tags cannot be set, or the tags. Order: `rejections.py`."""
    organization = read(state, organization_key(body.organization), Organization)
    if organization is None:
        return Rejection.ORGANIZATION_UNKNOWN
    if organization.status is not OrganizationStatus.ACTIVE:
        return Rejection.ORGANIZATION_NOT_ACTIVE
    if not signs(organization, transaction):
        return Rejection.NOT_AUTHORIZED
    if not (is_sorted(body.regions) and is_sorted(body.industries)):
        return Rejection.RULE_CONTRADICTORY
    return OrganizationTags(body.regions, body.industries)


def set_tags(
    state: StateWriter,
    body: SetOrganizationTags,
    _transaction: Transaction,
    tags: OrganizationTags,
    _context: BlockContext,
) -> tuple[OrganizationTagged]:
    """Set the tags."""
    state.put(tags_key(body.organization), tags)
    return (OrganizationTagged(body.organization, tags.regions, tags.industries),)


def is_sorted(names: tuple[str, ...]) -> bool:
    """Tell whether names stand in ascending order, none of them twice."""
    return all(one < other for one, other in pairwise(names))
