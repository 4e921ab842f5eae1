"""Checkpoints, in both ledgers."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from jifen.ledger import state
from jifen.ledger.checkpoints.records import Attestation, AttestCheckpoint, Checkpoint, Checkpoints
from jifen.ledger.types import Record
from jifen.testing.naive import checkpoints as naive_checkpoints
from jifen.testing.naive.ledger import NaiveLedger
from jifen.testing.naive.scene import key_of
from jifen.testing.twin.draws import lives, nonces
from jifen.testing.twin.machine import TwinMachine

VALIDATORS = ("mall", "books", "attic", "mall", "books", "nobody")


class CheckpointRules(TwinMachine):
    """Rules of checkpoints."""

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        validator=st.sampled_from(VALIDATORS),
        signer=st.sampled_from(("", "", "", "mall validator", "mall till")),
        below=st.integers(-1, 14),
        root=st.sampled_from((1, 1, 1, 2)),
    )
    def attest(self, *, life: int, nonce: bytes, validator: str, signer: str, below: int, root: int) -> None:
        """Attest some height near this one, mostly in the way it should be."""
        height = max(1, len(self.twins) - below)
        body = AttestCheckpoint(self.time + life, nonce, validator, height, bytes(32), bytes([root] * 32))
        self.submit(body, key_of(signer or f"{validator} validator"))


def checkpoints(twin: NaiveLedger) -> dict[bytes, Record]:
    """Return the record of the checkpoints."""
    recent = []
    for height in naive_checkpoints.remembered(twin):
        attestations = tuple(
            Attestation(body.validator, body.block_hash, body.root, identity)
            for body, identity in twin.attested
            if body.height == height
        )
        root, block_hash, certified_at = twin.certified.get(height, (None, None, 0))
        recent.append(Checkpoint(height, attestations, root, block_hash, certified_at))
    return {state.CHECKPOINTS_KEY: Checkpoints(twin.checkpoint_blocks, tuple(recent))}


TwinMachine.tables += [checkpoints]
