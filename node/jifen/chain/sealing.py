"""Sealing: from a transaction body to signed bytes, by one signer or by several who are not in one place.

The id of a transaction covers the keys of all its signers, so they are named before anybody signs. Who is not there
when it is written stands in it with an empty signature; he adds his own later, over the same id.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple, Protocol, final

from jifen.chain.wrong_field import name_the_fault
from jifen.codec.errors import Malformed
from jifen.codec.transactions import decode_body, decode_signed, encode_body, encode_signed, transaction_id
from jifen.keys.signing import KeyPair
from jifen.ledger.transactions import Body, Signature
from jifen.ledger.types import PublicKey, TransactionId

UNSIGNED: Final = bytes(64)
"""Stands where a signature is still missing; no key's signature is zero (BIP-340: R would be no point of the curve)."""


class NotASigner(ValueError):
    """A key was to sign a transaction that does not name it."""


class Signer(Protocol):
    """Who approves a transaction: a key pair, or somebody who will."""

    public: PublicKey

    def approve(self, transaction_id: bytes) -> Signature:
        """Return the signature of a transaction, or what stands for it."""
        ...


@final
class AbsentSigner:
    """Somebody who is to sign later."""

    __slots__ = ("public",)

    def __init__(self, public: PublicKey) -> None:
        self.public = public

    def approve(self, transaction_id: bytes) -> Signature:  # noqa: ARG002 - he has not seen it
        """Return what stands for the signature until it comes."""
        return Signature(self.public, UNSIGNED)


class SealedTransaction(NamedTuple):
    """A transaction ready to be submitted, unless `missing_signers` names somebody."""

    id: TransactionId
    signed: bytes
    """Signed bytes."""


def seal(chain_id: bytes, body: Body, *signers: Signer) -> SealedTransaction:
    """Sign a body by everybody given; raises Malformed naming the field that is out of range.

    Constructing a body in code checks nothing, so it is decoded as every validator will decode it.
    """
    try:
        data = encode_body(body)
    except (OverflowError, UnicodeEncodeError) as error:
        raise Malformed(f"transaction: {name_the_fault(body, str(error))}") from None
    try:
        decoded = decode_body(data)
    except Malformed as error:
        raise Malformed(f"transaction: {name_the_fault(body, str(error))}") from None
    if decoded != body:
        raise Malformed("transaction: a field has a value that its encoding does not keep")
    identity = transaction_id(chain_id, [signer.public for signer in signers], data)
    return SealedTransaction(identity, encode_signed(data, tuple(signer.approve(identity) for signer in signers)))


def missing_signers(signed: bytes) -> tuple[PublicKey, ...]:
    """Return the keys whose signatures are still missing; raises Malformed."""
    return tuple(PublicKey(item.key) for item in decode_signed(signed).signatures if item.signature == UNSIGNED)


def add_signatures(chain_id: bytes, signed: bytes, pairs: Iterable[KeyPair]) -> SealedTransaction:
    """Return a transaction with the signatures of some of its signers added.

    Args:
        chain_id: 32 bytes; a signature for another chain is worth nothing.
        signed: signed bytes, of which signatures may be missing.
        pairs: who signs; what has been signed before is signed anew, with the same bytes.

    Raises:
        Malformed: the bytes are no transaction.
        NotASigner: the transaction does not name the key.
    """
    envelope = decode_signed(signed)
    body = decode_body(envelope.body)
    assert encode_body(body) == envelope.body, "strict decoding let a second form of a body pass"
    signers = [item.key for item in envelope.signatures]
    identity = transaction_id(chain_id, signers, envelope.body)
    found = list(envelope.signatures)
    for pair in pairs:
        if pair.public not in signers:
            known = ", ".join(key.hex() for key in signers)
            raise NotASigner(f"the transaction is to be signed by {known}, not by {pair.public.hex()}")
        found[signers.index(pair.public)] = pair.approve(identity)
    return SealedTransaction(identity, encode_signed(envelope.body, tuple(found)))
