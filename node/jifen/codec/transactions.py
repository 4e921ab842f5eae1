"""Bytes of transactions.

Signed bytes are a msgpack array `[body, [[key, signature], ...]]` whose first element holds the body's own bytes, so
the id can be taken without encoding anything again.
"""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from jifen.codec.canonical import StrictDecoder, encode
from jifen.hashing import TRANSACTION
from jifen.ledger.transactions import Body, Signature
from jifen.ledger.types import TransactionId

TRANSACTION_BYTES_MAX: Final = 4096
"""Largest signed transaction: every kind with four signers fits several times over, a block still holds many."""

SIGNATURES_MAX: Final = 4
"""Signers of one transaction: both parties of a trade and two operators."""


class SignedTransaction(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """A body's canonical bytes and who signed them."""

    body: Annotated[bytes, Meta(min_length=1, max_length=TRANSACTION_BYTES_MAX)]
    signatures: Annotated[tuple[Signature, ...], Meta(min_length=1, max_length=SIGNATURES_MAX)]


decode_body: Final[StrictDecoder[Body]] = StrictDecoder(Body, what="transaction", bytes_max=TRANSACTION_BYTES_MAX)
"""Return the body of canonical bytes; raises Malformed."""

decode_signed: Final[StrictDecoder[SignedTransaction]] = StrictDecoder(
    SignedTransaction, what="signed transaction", bytes_max=TRANSACTION_BYTES_MAX
)
"""Return the signed transaction of canonical bytes; raises Malformed. The body inside is not decoded."""


def encode_body(body: Body) -> bytes:
    """Return the canonical bytes of a body."""
    return encode(body)


def encode_signed(body: bytes, signatures: tuple[Signature, ...]) -> bytes:
    """Return the signed bytes of a body's bytes."""
    return encode(SignedTransaction(body, signatures))


def transaction_id(chain_id: bytes, signers: Sequence[bytes], body: bytes) -> TransactionId:
    """Return the id of a body's bytes, signed by these keys, on a chain: the message that every signer signs (BIP-340).

    The keys are part of it, in the order of the signatures: whoever sees a body on its way and signs it himself has
    made another transaction, and cannot use up the id of this one.
    """
    return TransactionId(TRANSACTION(chain_id, bytes([len(signers)]), *signers, body))
