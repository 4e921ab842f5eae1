"""The validator set: who acknowledges blocks, and what a certificate of theirs proves."""

from typing import Final, final

from jifen.codec.canonical import encode
from jifen.consensus.messages import Certificate
from jifen.hashing import ACKNOWLEDGEMENT, VALIDATOR_SET
from jifen.keys.verification import Claim, false_claims
from jifen.ledger.genesis import Genesis

ACKNOWLEDGEMENT_DURABLE: Final = b"\1"
"""Kind of acknowledgement: the block is on the signer's disk. The Byzantine profile will add a second kind."""


class CertificateInvalid(Exception):
    """A certificate that does not prove what it says; the text tells why."""


@final
class Validators:
    """The validators in the order of genesis, which the bits of a certificate follow."""

    def __init__(self, chain_id: bytes, genesis: Genesis) -> None:
        self.chain_id = chain_id
        self.ids = tuple(organization.id for organization in genesis.organizations)
        self.keys = tuple(organization.validator_key for organization in genesis.organizations)
        self.hash = VALIDATOR_SET(encode(list(zip(self.ids, self.keys, strict=True))))
        self.quorum = len(self.ids) // 2 + 1

    def acknowledgement(self, term: int, height: int, block_hash: bytes) -> bytes:
        """Return the 32-byte message that a validator signs, in `term`, when the block is on its disk.

        It names everything that could be confused: chain, validator set, kind, term, height, hash.
        """
        numbers = term.to_bytes(8, "big") + height.to_bytes(8, "big")
        return ACKNOWLEDGEMENT(self.chain_id, self.hash, ACKNOWLEDGEMENT_DURABLE, numbers, block_hash)

    def claim(self, validator: str, term: int, height: int, block_hash: bytes, signature: bytes) -> Claim:
        """Return the claim that `validator` acknowledged the block in `term`; raises KeyError for a stranger."""
        if validator not in self.ids:
            raise KeyError(validator)
        key = self.keys[self.ids.index(validator)]
        return Claim(key, self.acknowledgement(term, height, block_hash), signature)

    def claims_of(self, certificate: Certificate) -> list[Claim]:
        """Return the claims that a certificate rests on; raises CertificateInvalid when its form is wrong."""
        count = certificate.signers.bit_count()
        if certificate.signers >> len(self.ids):
            raise CertificateInvalid(f"the certificate of block {certificate.height} names signers that do not exist")
        if count != len(certificate.signatures):
            raise CertificateInvalid(f"the certificate of block {certificate.height} has a signature too many or few")
        if count < self.quorum:
            raise CertificateInvalid(
                f"the certificate of block {certificate.height} has {count} signers; a quorum is {self.quorum}"
            )
        message = self.acknowledgement(certificate.term, certificate.height, certificate.hash)
        keys = (key for index, key in enumerate(self.keys) if certificate.signers >> index & 1)
        return [Claim(key, message, item) for key, item in zip(keys, certificate.signatures, strict=True)]

    def check_certificate(self, certificate: Certificate) -> None:
        """Raise CertificateInvalid unless a quorum of this set signed the certificate's block."""
        if false_claims(self.claims_of(certificate)):
            raise CertificateInvalid(f"a signature in the certificate of block {certificate.height} is not genuine")

    def signers_of(self, certificate: Certificate) -> list[str]:
        """Return the ids of a certificate's signers."""
        return [name for index, name in enumerate(self.ids) if certificate.signers >> index & 1]
