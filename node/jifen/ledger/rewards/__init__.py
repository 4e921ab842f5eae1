"""Rewards: what points are redeemed for, by hand or by a standing order."""
