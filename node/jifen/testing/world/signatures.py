"""Signatures of the simulated world: behind one small port, and by default only hashes."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Protocol, final

from jifen.keys.signing import KeyPair
from jifen.keys.verification import SIGNATURE_BYTES, Claim, false_claims


class Signatures(Protocol):
    """Makes and checks signatures."""

    def sign(self, key: KeyPair, message: bytes) -> bytes:
        """Return the 64-byte signature of a 32-byte message."""
        ...

    def false_claims(self, claims: Sequence[Claim]) -> list[int]:
        """Return the indexes of the claims that do not hold."""
        ...


@final
class HashSignatures:
    """A hash keyed with the public key stands for a signature: anybody could make it, nobody confuses two of them.

    In a world of honest validators that is enough: what is never signed is never held, and a signature over another
    term, height or block is false. Sixty times cheaper than the real ones.
    """

    def sign(self, key: KeyPair, message: bytes) -> bytes:
        """Return the hash that stands for `key`'s signature."""
        return _keyed(key.public, message)

    def false_claims(self, claims: Sequence[Claim]) -> list[int]:
        """Return the indexes of the claims that do not hold."""
        return [at for at, claim in enumerate(claims) if claim.signature != _keyed(claim.key, claim.message)]


@final
class SchnorrSignatures:
    """The real ones."""

    def sign(self, key: KeyPair, message: bytes) -> bytes:
        """Sign for real."""
        return key.sign(message)

    def false_claims(self, claims: Sequence[Claim]) -> list[int]:
        """Check for real."""
        return false_claims(claims)


def _keyed(public: bytes, message: bytes) -> bytes:
    return blake2b(message, key=public, digest_size=SIGNATURE_BYTES).digest()
