"""Earning rules, campaigns and the policies of malls."""
