"""The limit of an actor that settings name, apart from the actors: reading a node.toml needs none of them."""

from typing import Final

BYTES_PER_SECOND_DEFAULT: Final = 8 << 20
"""Default bound on the snapshots served to all peers together: a gigabyte in two minutes, and a line of 100 Mbit/s
keeps a third of itself for consensus and clients."""
