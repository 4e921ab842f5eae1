"""Jifen (积分): a consortium ledger for the loyalty points of a mall and its merchants.

This package is the validator node, its client SDK and its command line; `docs/architecture.md` is the map.
"""

__version__ = "0.1.0"
"""Version of the software, as the package metadata and `jifen --version` state it."""
