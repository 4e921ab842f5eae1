"""Terms: what issuers promise about their points."""
