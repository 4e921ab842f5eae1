"""The validator set of a block: who acknowledges it, and what a certificate of theirs proves."""

from collections.abc import Mapping
from typing import final

from jifen.chain.statements import acknowledgement
from jifen.codec.canonical import encode
from jifen.consensus.configuration import Configuration
from jifen.consensus.messages import Certificate
from jifen.consensus.quorum import quorum_size
from jifen.hashing import VALIDATOR_SET
from jifen.keys.verification import Claim, false_claims
from jifen.ledger.governance.validators import read_validator, read_validator_set, voting_sets
from jifen.ledger.state import StateReader


class CertificateInvalid(Exception):
    """A certificate that does not prove what it says; the text tells why."""


@final
class Validators:
    """One configuration with the keys of those who sign in it.

    Invariant: `ids` is the configuration's `signing`, which the bits of a certificate follow.
    """

    def __init__(self, chain_id: bytes, configuration: Configuration, keys: Mapping[str, bytes]) -> None:
        """`keys` gives the validator key of everybody in `configuration.signing`."""
        self.chain_id = chain_id
        self.configuration = configuration
        self.ids = configuration.signing
        self.keys = tuple(keys[name] for name in self.ids)
        named = [[(name, keys[name]) for name in part] for part in (configuration.voters, configuration.outgoing)]
        self.hash = VALIDATOR_SET(encode(named))
        """32 bytes: names voters and outgoing voters with their keys; observers sign nothing and are not in it."""

    @classmethod
    def of_state(cls, chain_id: bytes, state: StateReader) -> "Validators":
        """Return the set that the state names: the one that certifies the block after which it is the state."""
        current = read_validator_set(state)
        configuration = Configuration(current.voters, current.outgoing, current.observers)
        return cls(chain_id, configuration, {name: read_validator(state, name).key for name in configuration.signing})

    @classmethod
    def of_height(cls, chain_id: bytes, state: StateReader, height: int) -> "Validators":
        """Return the set that certified a block long past, as a later state remembers it; nobody observes in it."""
        past = [members for members in voting_sets(state) if members.changed_at <= height]
        configuration = Configuration(past[-1].voters, past[-1].outgoing)
        return cls(chain_id, configuration, {name: read_validator(state, name).key for name in configuration.signing})

    def __eq__(self, other: object) -> bool:
        """Whether both are the same voters with the same keys, on the same chain, and the same observers."""
        if not isinstance(other, Validators):
            return NotImplemented
        return (self.chain_id, self.hash, self.configuration) == (other.chain_id, other.hash, other.configuration)

    def __hash__(self) -> int:
        """Goes with `__eq__`."""
        return hash((self.chain_id, self.hash))

    def left(self) -> "Validators":
        """Return the set that stands when the change under way is over: the new voters alone."""
        configuration = Configuration(self.configuration.voters, (), self.configuration.observers)
        return Validators(self.chain_id, configuration, dict(zip(self.ids, self.keys, strict=True)))

    def acknowledgement(self, term: int, height: int, block_hash: bytes) -> bytes:
        """Return what a validator of this set signs; see `acknowledgement`."""
        return acknowledgement(self.chain_id, self.hash, term, height, block_hash)

    def claim(self, validator: str, term: int, height: int, block_hash: bytes, signature: bytes) -> Claim:
        """Return the claim that `validator` acknowledged the block in `term`; raises KeyError for a stranger."""
        return Claim(self._key_of(validator), self.acknowledgement(term, height, block_hash), signature)

    def _key_of(self, validator: str) -> bytes:
        if validator not in self.ids:
            raise KeyError(validator)
        return self.keys[self.ids.index(validator)]

    def claims_of(self, certificate: Certificate) -> list[Claim]:
        """Return the claims that a certificate rests on; raises CertificateInvalid when its form is wrong."""
        count = certificate.signers.bit_count()
        if certificate.signers >> len(self.ids):
            raise CertificateInvalid(f"the certificate of block {certificate.height} names signers that do not exist")
        if count != len(certificate.signatures):
            raise CertificateInvalid(f"the certificate of block {certificate.height} has a signature too many or few")
        if not self.configuration.has_quorum(self.signers_of(certificate)):
            groups = " and ".join(f"{quorum_size(len(group))} of {len(group)}" for group in self.configuration.groups)
            raise CertificateInvalid(
                f"the certificate of block {certificate.height} has {count} signers; a quorum is {groups}"
            )
        message = self.acknowledgement(certificate.term, certificate.height, certificate.hash)
        keys = (key for index, key in enumerate(self.keys) if certificate.signers >> index & 1)
        return [Claim(key, message, item) for key, item in zip(keys, certificate.signatures, strict=True)]

    def check_certificate(self, certificate: Certificate) -> None:
        """Raise CertificateInvalid unless the quorums of this set signed the certificate's block."""
        if false_claims(self.claims_of(certificate)):
            raise CertificateInvalid(f"a signature in the certificate of block {certificate.height} is not genuine")

    def signers_of(self, certificate: Certificate) -> tuple[str, ...]:
        """Return the ids of a certificate's signers, in the order of its signatures."""
        return self.configuration.signers(certificate)
