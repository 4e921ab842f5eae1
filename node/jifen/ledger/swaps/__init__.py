"""Swaps of points between members."""
