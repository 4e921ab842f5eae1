"""All families of transactions at once, offered to both ledgers."""

from jifen.testing.twin_auto import AutoRules
from jifen.testing.twin_bonuses import BonusRules
from jifen.testing.twin_checkpoints import CheckpointRules
from jifen.testing.twin_evidence import EvidenceRules
from jifen.testing.twin_locks import LockRules
from jifen.testing.twin_payments import PaymentRules
from jifen.testing.twin_prize_draws import DrawRules
from jifen.testing.twin_rules import RuleRules
from jifen.testing.twin_swaps import SwapRules
from jifen.testing.twin_terms import TermRules
from jifen.testing.twin_tiers import TierRules
from jifen.testing.twin_validators import ValidatorRules


class LedgerMachine(
    DrawRules,
    LockRules,
    TermRules,
    ValidatorRules,
    CheckpointRules,
    EvidenceRules,
    TierRules,
    BonusRules,
    AutoRules,
    RuleRules,
    PaymentRules,
    SwapRules,
):
    """Drives both ledgers through everything there is; a family joins by its class of rules."""
