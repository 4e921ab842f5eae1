"""Sealing: from a transaction body to signed bytes."""

from typing import NamedTuple

from jifen.codec.errors import Malformed
from jifen.codec.transactions import decode_body, encode_body, encode_signed, transaction_id
from jifen.keys.signing import KeyPair
from jifen.ledger.transactions import Body
from jifen.ledger.types import TransactionId


class SealedTransaction(NamedTuple):
    """A transaction ready to be submitted."""

    id: TransactionId
    signed: bytes
    """Signed bytes."""


def seal(chain_id: bytes, body: Body, *keys: KeyPair) -> SealedTransaction:
    """Sign a body with every key given; raises Malformed when a field is out of range.

    Constructing a body in code checks nothing, so it is decoded as every validator will decode it.
    """
    try:
        data = encode_body(body)
    except (OverflowError, UnicodeEncodeError) as error:
        raise Malformed(f"transaction: a field has a value that no transaction holds: {error}") from None
    if decode_body(data) != body:
        raise Malformed("transaction: a field has a value that its encoding does not keep")
    identity = transaction_id(chain_id, [key.public for key in keys], data)
    return SealedTransaction(identity, encode_signed(data, tuple(key.approve(identity) for key in keys)))
