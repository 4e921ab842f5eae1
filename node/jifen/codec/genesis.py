"""Bytes of the genesis document: JSON for people, msgpack for the hash."""

from typing import Final

import msgspec

from jifen.codec.canonical import encode
from jifen.codec.errors import Malformed
from jifen.hashing import CHAIN_ID
from jifen.ledger.genesis import Genesis, check_genesis

GENESIS_FORMAT: Final = 1
"""Format written by this version."""

GENESIS_BYTES_MAX: Final = 1 << 20
"""Largest genesis file read: 64 organizations with certificates take a tenth of it."""


def encode_genesis(genesis: Genesis) -> bytes:
    """Return the document as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(genesis), indent=2) + b"\n"


def decode_genesis(data: bytes) -> Genesis:
    """Return the checked document; raises Malformed saying what to mend."""
    if len(data) > GENESIS_BYTES_MAX:
        raise Malformed(f"genesis: {len(data)} bytes; at most {GENESIS_BYTES_MAX} are read")
    try:
        genesis = msgspec.json.decode(data, type=Genesis)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"genesis: {error}") from None
    if genesis.format != GENESIS_FORMAT:
        raise Malformed(f"genesis: format {genesis.format}; this version reads format {GENESIS_FORMAT}")
    try:
        check_genesis(genesis)
    except ValueError as error:
        raise Malformed(str(error)) from None
    return genesis


def chain_id(genesis: Genesis) -> bytes:
    """Return the 32-byte id of the chain that a genesis document starts: a hash of its canonical msgpack."""
    return CHAIN_ID(encode(genesis))
