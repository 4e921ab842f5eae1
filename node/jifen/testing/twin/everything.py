"""All families of transactions at once, offered to both ledgers."""

from jifen.testing.twin.auto import AutoRules
from jifen.testing.twin.bonuses import BonusRules
from jifen.testing.twin.checkpoints import CheckpointRules
from jifen.testing.twin.evidence import EvidenceRules
from jifen.testing.twin.locks import LockRules
from jifen.testing.twin.paid_lines import PaidLineRules
from jifen.testing.twin.prize_draws import DrawRules
from jifen.testing.twin.swaps import SwapRules
from jifen.testing.twin.terms import TermRules
from jifen.testing.twin.tiers import TierRules
from jifen.testing.twin.validators import ValidatorRules


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
    PaidLineRules,
    SwapRules,
):
    """Drives both ledgers through everything there is; a family joins by its class of rules."""
