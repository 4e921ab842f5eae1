"""All families of transactions at once, offered to both ledgers."""

from jifen.testing.twin_points import PointRules
from jifen.testing.twin_validators import ValidatorRules


class LedgerMachine(PointRules, ValidatorRules):
    """Drives both ledgers through everything there is; a family joins by its class of rules."""
