"""Checkpoints as the ledger knows them: who attested which root of which height.

A checkpoint is the whole state after a block, as one root (`jifen.chain.checkpoints`). Computing it takes longer than a
block may, so no header carries it: every voter computes it in its own time and attests it with an ordinary transaction.
What a quorum attests is certified.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from jifen.ledger.bodies import TransactionBody
from jifen.ledger.effects import Effect
from jifen.ledger.governance.validators import VALIDATORS_MAX
from jifen.ledger.types import HashBytes, Height, Record, Slug

CHECKPOINTS_KEPT = 4
"""Checkpoints on the ledger: the newest certified one and some that are being attested, so that a validator whose disk
is slow still counts. Older ones go, and the state does not grow."""

CHECKPOINT_BLOCKS_DEFAULT = 1000
"""Blocks from one checkpoint to the next, unless genesis says otherwise."""

CHECKPOINT_BLOCKS_MAX = 10_000_000
"""Most blocks from one checkpoint to the next: more would be never."""

CheckpointBlocks = Annotated[int, Meta(ge=2, le=CHECKPOINT_BLOCKS_MAX, multiple_of=2)]
"""Blocks from one checkpoint to the next. Even, so that the frontier of the history before such a block follows from
the one after it, and a snapshot need carry only one of them."""

CheckpointHeight = Annotated[int, Meta(ge=1, le=2**53)]


class AttestCheckpoint(TransactionBody, frozen=True, tag=21):
    """Say what root the state had after a block; signed by a voter with the key that signs its acknowledgements."""

    validator: Slug
    """The voter."""
    height: CheckpointHeight
    """Height of the block."""
    block_hash: HashBytes
    """Hash of the block."""
    root: HashBytes
    """Root of the state's chunks after it."""


class CheckpointAttested(Effect, frozen=True, tag=21):
    """A voter has attested a checkpoint."""

    validator: Slug
    height: CheckpointHeight
    block_hash: HashBytes
    root: HashBytes
    agreeing: Annotated[int, Meta(ge=1, le=VALIDATORS_MAX)]
    """Voters, outgoing ones included, that have attested this block and root by now, this one included."""
    certified: bool
    """Whether this attestation completed the quorum."""


class Attestation(Record, frozen=True):
    """What one voter attested."""

    validator: Slug
    block_hash: HashBytes
    root: HashBytes
    transaction_id: HashBytes
    """Transaction that did it; its signature is part of a snapshot's proof."""


class Checkpoint(Record, frozen=True):
    """One height and what was attested of it.

    Invariant: no validator stands twice. Roots may differ: then somebody's state or software is wrong, and stands here
    by name. `certified_root` is set when a quorum agrees and never changes.
    """

    height: CheckpointHeight
    attestations: Annotated[tuple[Attestation, ...], Meta(max_length=VALIDATORS_MAX)]
    """In the order in which they came."""
    certified_root: HashBytes | None = None
    certified_hash: HashBytes | None = None
    """Hash of the block that was certified with it. Invariant: set exactly when `certified_root` is."""
    certified_at: Height = 0
    """Height of the block in which the quorum was complete; 0 while it is not."""

    def agreeing(self, block_hash: bytes, root: bytes) -> list[str]:
        """Return who attested this block and root."""
        return [item.validator for item in self.attestations if (item.block_hash, item.root) == (block_hash, root)]


class Checkpoints(Record, frozen=True):
    """The newest checkpoints. There is one such record.

    Invariant: heights descend, are multiples of `every`, and are at most `CHECKPOINTS_KEPT`.
    """

    every: CheckpointBlocks
    """Blocks from one checkpoint to the next."""
    recent: Annotated[tuple[Checkpoint, ...], Meta(max_length=CHECKPOINTS_KEPT)] = ()

    def at(self, height: int) -> Checkpoint | None:
        """Return the checkpoint of a height, or None."""
        return next((item for item in self.recent if item.height == height), None)

    @property
    def certified(self) -> Checkpoint | None:
        """The newest certified one, or None."""
        return next((item for item in self.recent if item.certified_root is not None), None)


def with_checkpoint(checkpoints: Checkpoints, changed: Checkpoint) -> Checkpoints:
    """Return the checkpoints with one put in, in place of that of its height or of the oldest when there are enough."""
    others = [item for item in checkpoints.recent if item.height != changed.height]
    recent = sorted([*others, changed], key=lambda item: -item.height)[:CHECKPOINTS_KEPT]
    return msgspec.structs.replace(checkpoints, recent=tuple(recent))
