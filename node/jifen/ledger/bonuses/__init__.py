"""Bonuses and adjustments: points by hand, within limits."""
