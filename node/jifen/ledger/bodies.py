"""What every transaction body is made of; each family of kinds defines its bodies in a module of its own."""

from typing import Annotated

import msgspec
from msgspec import Meta

from jifen.ledger.types import TimeMs

Nonce = Annotated[bytes, Meta(min_length=8, max_length=16)]
MemoHash = Annotated[bytes, Meta(max_length=32)]


class TransactionBody(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """Fields that every transaction has."""

    expires_at: TimeMs
    """Last block time, ms, at which it may be taken."""
    nonce: Nonce
    """Client's random bytes: two otherwise equal requests stay two transactions."""
