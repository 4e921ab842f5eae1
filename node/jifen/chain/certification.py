"""Which validator set a peer's certificate is to be checked under.

A certificate counts under the set of its own block, and that set is known for certain only once the block is executed.
Blocks and certificates arrive ahead of that; what cannot be checked yet is left out, and comes again.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import final

import msgspec

from jifen.chain.evidence import acknowledgement_statements
from jifen.chain.executor import Executor
from jifen.chain.validators import Validators
from jifen.codec.blocks import Block
from jifen.consensus.messages import AppendRequest, Certificate
from jifen.keys.verification import Claim
from jifen.ledger.evidence.statements import Statement

BLOCKS_REMEMBERED_MAX = 4096
"""Blocks whose set hash is remembered between arrival and certificate: more than a leader lets be uncommitted."""


@final
class CertificateSets:
    """Finds the validator sets of certificates.

    What a header says of its set is believed only as far as the executor knows that very set, and the executor compares
    it again when it executes the block: a wrong word can delay a commit here, never bring one about.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._set_hashes: OrderedDict[bytes, bytes] = OrderedDict()

    def arrived(self, block_hash: bytes, block: Block) -> None:
        """Remember which set a block names; the oldest make room."""
        self._set_hashes[block_hash] = block.header.validator_set_hash
        if len(self._set_hashes) > BLOCKS_REMEMBERED_MAX:
            self._set_hashes.popitem(last=False)

    def checkable(self, request: AppendRequest, committed: int) -> tuple[AppendRequest, list[Claim]]:
        """Return the request with its certificates up to the first that cannot be checked yet, and what they rest on.

        Those up to the committed height prove nothing new and rest on no claim. Raises CertificateInvalid for one whose
        form is wrong.
        """
        kept, claims = self.checkable_of(request.certificates, committed)
        if len(kept) < len(request.certificates):
            commit = max(request.commit - len(request.certificates) + len(kept), 0)
            request = msgspec.structs.replace(request, commit=commit, certificates=kept)
        return request, claims

    def checkable_of(
        self, certificates: tuple[Certificate, ...], committed: int
    ) -> tuple[tuple[Certificate, ...], list[Claim]]:
        """Return the same of certificates by themselves."""
        claims: list[Claim] = []
        for place, certificate in enumerate(certificates):
            if certificate.height > committed:
                validators = self._set_of(certificate)
                if validators is None:
                    return certificates[:place], claims
                claims += validators.claims_of(certificate)
        return certificates, claims

    def statements(self, certificates: Sequence[Certificate], committed: int) -> list[Statement]:
        """Return what the signers of certificates above the committed height have said; all of them were checked."""
        said: list[Statement] = []
        for certificate in certificates:
            validators = self._set_of(certificate) if certificate.height > committed else None
            if validators is not None:
                said += acknowledgement_statements(validators, certificate)
        return said

    def odd(
        self, certificates: Sequence[Certificate], committed_hash: Callable[[int], bytes | None]
    ) -> list[tuple[Certificate, Validators]]:
        """Return the certificates of other blocks than those committed here, each with the set of its height.

        No honest validator sends one: it would be proof, if genuine, that a quorum has signed two blocks of one height.
        """
        executor, found = self._executor, []
        for certificate in certificates:
            if 0 < certificate.height <= executor.state.committed:
                known = committed_hash(certificate.height)
                if known is not None and known != certificate.hash:
                    members = Validators.of_height(executor.chain_id, executor.state, certificate.height)
                    found.append((certificate, members))
        return found

    def _set_of(self, certificate: Certificate) -> Validators | None:
        executor, height = self._executor, certificate.height
        if executor.state.committed < height <= executor.tip.height and executor.hash_at(height) == certificate.hash:
            return executor.validators_at(height)
        named = self._set_hashes.get(certificate.hash)
        return None if named is None else executor.set_named(named)
