"""Tiers: what members reach by their own purchases."""
