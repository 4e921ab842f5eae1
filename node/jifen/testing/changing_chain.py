"""A small chain whose voters change, and the manifests of its checkpoints, whoever may have signed them."""

from collections.abc import Sequence
from typing import Final, final

import msgspec

from jifen.chain.checkpoints import ConfigurationChange, Manifest, frontier_before, pack
from jifen.chain.executor import ExecutedBlock
from jifen.chain.sealing import SealedTransaction, seal
from jifen.codec.merkle import leaf_hash
from jifen.ledger.checkpoints.records import AttestCheckpoint
from jifen.ledger.governance.bodies import ActivateValidator, ProposeChange, VoteOnProposal
from jifen.ledger.governance.changes import AdmitValidator, Change, RemoveValidator
from jifen.testing.small_alliance import CREATED_AT, keys_of
from jifen.testing.small_chain import SmallChain

ORGANIZATIONS: Final = ("mall", "books", "music", "cafe")
"""Who has to approve every change."""

PEM: Final = "-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n"
"""What the ledger takes for a certificate; nobody links with anybody here."""

HOUR_MS: Final = 3_600_000


@final
class ChangingChain:
    """Commits changes of the voters one after another and keeps what proves each."""

    def __init__(self) -> None:
        self.chain = SmallChain()
        self.genesis = self.chain.validators
        self.changes: list[ConfigurationChange] = []
        self.blocks: list[ExecutedBlock] = []
        self.states: list[list[tuple[bytes, bytes]]] = [sorted(self.chain.committed.records.items())]

    def commit(self, *sealed: SealedTransaction, leave_joint: bool = False) -> ExecutedBlock:
        """Commit a block; one that begins a change is remembered as its proof."""
        block = self.chain.build(sealed, leave_joint=leave_joint)
        self.chain.commit()
        self.blocks.append(block)
        self.states.append(sorted(self.chain.committed.records.items()))
        if block.new_configuration is not None and block.new_configuration.joint:
            self.changes.append(ConfigurationChange.of(block, self.chain.certify(block)))
        return block

    def decide(self, change: Change) -> ExecutedBlock:
        """Commit a change that everybody approves, in one block."""
        return self.commit(*self.votes_on(change))

    def votes_on(self, change: Change) -> list[SealedTransaction]:
        """Return a proposal and everybody's approval of it."""
        first, *others = ORGANIZATIONS
        clerk, nonce = self.chain.clerk, f"change {len(self.blocks):05}".encode()
        proposal = clerk.sealed(
            ProposeChange(clerk.expires_at, nonce, first, change, CREATED_AT + HOUR_MS), keys_of(first).operator
        )
        votes = (
            clerk.sealed(VoteOnProposal(clerk.expires_at, nonce, name, proposal.id, True), keys_of(name).operator)
            for name in others
        )
        return [proposal, *votes]

    def remove(self, validator: str, *, leave: bool = True) -> None:
        """Take a voter out; the joint configuration is left at once, unless that is put off."""
        self.decide(RemoveValidator(validator))
        if leave:
            self.commit(leave_joint=True)

    def admit(self, validator: str, organization: str, *, replaces: str | None = None) -> None:
        """Let a newcomer in and make it a voter."""
        key = keys_of(validator).validator
        admission = AdmitValidator(
            organization=organization,
            newcomer=None,
            validator=validator,
            key=key.public,
            certificate_pem=PEM,
            peer_host="127.0.0.1",
            peer_port=1024 + len(self.blocks),
            public_url=f"http://127.0.0.1:{1024 + len(self.blocks)}",
            replaces=replaces,
        )
        self.decide(admission)
        clerk = self.chain.clerk
        self.commit(clerk.sealed(ActivateValidator(clerk.expires_at, bytes(12), validator), key))
        self.commit(leave_joint=True)

    def even(self) -> ExecutedBlock:
        """Commit a block of an even height, where a checkpoint may be, and return it."""
        clerk = self.chain.clerk
        while True:
            block = self.commit(clerk.register(f"member {len(self.blocks)}"))
            if block.tip.height % 2 == 0:
                return block

    def manifest(self, block: ExecutedBlock, by: Sequence[str] | None = None) -> Manifest:
        """Return the proof of the state after a block, attested `by` these, by default all who certify it."""
        chunks = tuple(leaf_hash(chunk) for chunk in pack(self.states[block.tip.height]))
        manifest = Manifest(
            1, block.tip.header, frontier_before(block.tip), self.chain.certify(block), chunks, tuple(self.changes)
        )
        names = block.validators.ids if by is None else by
        return msgspec.structs.replace(manifest, attestations=tuple(self.attestation(manifest, name) for name in names))

    def attestation(self, manifest: Manifest, validator: str) -> bytes:
        """Return a validator's attestation of a manifest's state."""
        body = AttestCheckpoint(
            CREATED_AT + HOUR_MS, bytes(12), validator, manifest.height, manifest.tip.hash, manifest.root
        )
        return seal(self.chain.chain_id, body, keys_of(validator).validator).signed
