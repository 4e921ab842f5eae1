"""All faults of all families: what the table of rejections is tested with."""

from typing import Final

from jifen.ledger.rejections import Rejection
from jifen.ledger.transactions import Body
from jifen.testing.auto_faults import GOOD_ORDERS, ORDER_FAULTS, ORDERS_NEVER_MEET
from jifen.testing.bonus_faults import BONUS_FAULTS, BONUSES_NEVER_MEET, GOOD_BONUSES
from jifen.testing.checkpoint_faults import CHECKPOINT_FAULTS, CHECKPOINTS_NEVER_MEET, GOOD_CHECKPOINTS
from jifen.testing.draw_faults import DRAW_FAULTS, DRAWS_NEVER_MEET, GOOD_DRAWS
from jifen.testing.evidence_faults import EVIDENCE_FAULTS, EVIDENCE_NEVER_MEETS, GOOD_EVIDENCE
from jifen.testing.fault_scene import NOW, Fault
from jifen.testing.governance_faults import GOOD_GOVERNANCE, GOVERNANCE_FAULTS, GOVERNANCE_NEVER_MEETS
from jifen.testing.lock_faults import GOOD_LOCKS, LOCK_FAULTS, LOCKS_NEVER_MEET
from jifen.testing.naive_scene import DAY_MS
from jifen.testing.payment_faults import GOOD_PAYMENTS, PAYMENT_FAULTS, PAYMENTS_NEVER_MEET
from jifen.testing.point_faults import GOOD_POINTS, POINT_FAULTS, POINTS_NEVER_MEET
from jifen.testing.reward_faults import CASHBACK_FAULTS, GOOD_REWARDS, REWARD_FAULTS, REWARDS_NEVER_MEET
from jifen.testing.rule_faults import GOOD_RULES, RULE_FAULTS, RULES_NEVER_MEET
from jifen.testing.swap_faults import GOOD_SWAPS, SWAP_FAULTS, SWAPS_NEVER_MEET
from jifen.testing.term_faults import GOOD_TERMS, TERM_FAULTS, TERMS_NEVER_MEET
from jifen.testing.tier_faults import GOOD_TIERS, TIER_FAULTS, TIERS_NEVER_MEET

GOOD: Final[dict[str, tuple[Body, str]]] = {
    **GOOD_POINTS,
    **GOOD_GOVERNANCE,
    **GOOD_CHECKPOINTS,
    **GOOD_TERMS,
    **GOOD_RULES,
    **GOOD_EVIDENCE,
    **GOOD_TIERS,
    **GOOD_LOCKS,
    **GOOD_BONUSES,
    **GOOD_ORDERS,
    **GOOD_REWARDS,
    **GOOD_DRAWS,
    **GOOD_PAYMENTS,
    **GOOD_SWAPS,
}
"""A transaction of every kind that nothing speaks against, and who signs it."""

EXPIRED, TOO_FAR = {"expires_at": NOW - 1}, {"expires_at": NOW + DAY_MS + 1}

FAULTS: Final = (
    *(Fault(kind, Rejection.EXPIRED, EXPIRED) for kind in GOOD),
    *(Fault(kind, Rejection.EXPIRY_TOO_FAR, TOO_FAR) for kind in GOOD),
    *(Fault(kind, Rejection.ALREADY_APPLIED, {}, taken=True) for kind in GOOD),
    *POINT_FAULTS,
    *CHECKPOINT_FAULTS,
    *GOVERNANCE_FAULTS,
    *TERM_FAULTS,
    *RULE_FAULTS,
    *EVIDENCE_FAULTS,
    *TIER_FAULTS,
    *LOCK_FAULTS,
    *BONUS_FAULTS,
    *ORDER_FAULTS,
    *REWARD_FAULTS,
    *CASHBACK_FAULTS,
    *DRAW_FAULTS,
    *PAYMENT_FAULTS,
    *SWAP_FAULTS,
)
"""What can be wrong with each of them."""

NEVER_FIRST_AND_LATER: Final = {
    **POINTS_NEVER_MEET,
    **GOVERNANCE_NEVER_MEETS,
    **CHECKPOINTS_NEVER_MEET,
    **TERMS_NEVER_MEET,
    **RULES_NEVER_MEET,
    **EVIDENCE_NEVER_MEETS,
    **TIERS_NEVER_MEET,
    **LOCKS_NEVER_MEET,
    **BONUSES_NEVER_MEET,
    **ORDERS_NEVER_MEET,
    **REWARDS_NEVER_MEET,
    **DRAWS_NEVER_MEET,
    **PAYMENTS_NEVER_MEET,
    **SWAPS_NEVER_MEET,
}
"""Reasons of one kind of transaction that no transaction can have as its first and a later one, and why."""
