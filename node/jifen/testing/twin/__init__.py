"""Both ledgers driven by Hypothesis; a family joins by its class of rules."""
