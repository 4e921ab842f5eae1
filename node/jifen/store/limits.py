"""The limit of a store that settings name, apart from the store: reading a node.toml needs no LMDB."""

from typing import Final

MAP_BYTES_DEFAULT: Final = 64 << 30
"""Largest size of the store. The file grows as needed, so this costs address space only."""
