"""Where tests of the ledger begin: who there is and what they have."""
