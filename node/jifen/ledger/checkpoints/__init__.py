"""Checkpoints of the whole state."""
