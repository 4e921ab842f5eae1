"""The naive twin of the ledger: the same rules, written independently, slow and obvious."""
