"""How much organizations and members have open at once, which is bounded."""
