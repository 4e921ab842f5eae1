"""Test kit: fakes, simulators, checkers and strategies. Shipped and importable, never imported by production."""
