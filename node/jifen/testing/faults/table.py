"""All faults of all families: what the table of rejections is tested with."""

from typing import Final

from jifen.ledger.rejections import Rejection
from jifen.ledger.transactions import Body
from jifen.testing.faults.auto import GOOD_ORDERS, ORDER_FAULTS, ORDERS_NEVER_MEET
from jifen.testing.faults.bonus import BONUS_FAULTS, BONUSES_NEVER_MEET, GOOD_BONUSES
from jifen.testing.faults.checkpoint import CHECKPOINT_FAULTS, CHECKPOINTS_NEVER_MEET, GOOD_CHECKPOINTS
from jifen.testing.faults.draw import DRAW_FAULTS, DRAWS_NEVER_MEET, GOOD_DRAWS
from jifen.testing.faults.evidence import EVIDENCE_FAULTS, EVIDENCE_NEVER_MEETS, GOOD_EVIDENCE
from jifen.testing.faults.governance import GOOD_GOVERNANCE, GOVERNANCE_FAULTS, GOVERNANCE_NEVER_MEETS
from jifen.testing.faults.lock import GOOD_LOCKS, LOCK_FAULTS, LOCKS_NEVER_MEET
from jifen.testing.faults.payment import GOOD_PAYMENTS, PAYMENT_FAULTS, PAYMENTS_NEVER_MEET
from jifen.testing.faults.point import GOOD_POINTS, POINT_FAULTS, POINTS_NEVER_MEET
from jifen.testing.faults.reward import CASHBACK_FAULTS, GOOD_REWARDS, REWARD_FAULTS, REWARDS_NEVER_MEET
from jifen.testing.faults.rule import GOOD_RULES, RULE_FAULTS, RULES_NEVER_MEET
from jifen.testing.faults.scene import NOW, Fault
from jifen.testing.faults.swap import GOOD_SWAPS, SWAP_FAULTS, SWAPS_NEVER_MEET
from jifen.testing.faults.term import GOOD_TERMS, TERM_FAULTS, TERMS_NEVER_MEET
from jifen.testing.faults.tier import GOOD_TIERS, TIER_FAULTS, TIERS_NEVER_MEET
from jifen.testing.naive.scene import DAY_MS

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
