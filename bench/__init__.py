"""Measurements. Nothing here is a test: figures depend on the machine, so they are given as ratios of one run."""
