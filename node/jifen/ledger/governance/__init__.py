"""Who keeps the ledger, and who decides about it."""
