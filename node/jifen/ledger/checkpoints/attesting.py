"""Attesting checkpoints."""

import msgspec

from jifen.ledger.checkpoints.records import (
    CHECKPOINTS_KEPT,
    Attestation,
    AttestCheckpoint,
    Checkpoint,
    CheckpointAttested,
    Checkpoints,
    with_checkpoint,
)
from jifen.ledger.context import BlockContext
from jifen.ledger.governance.validators import ValidatorSet, read_validator, read_validator_set
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import CHECKPOINTS_KEY, StateReader, StateWriter
from jifen.ledger.transactions import Transaction


def read_checkpoints(state: StateReader) -> Checkpoints:
    """Return the checkpoints as the state has them; genesis wrote the record."""
    found = read(state, CHECKPOINTS_KEY, Checkpoints)
    assert found is not None, "the state has no record of checkpoints: it does not begin with genesis"
    return found


def check_attestation(
    state: StateReader, body: AttestCheckpoint, transaction: Transaction, context: BlockContext
) -> Rejection | Checkpoint:
    """Return why the attestation does not count, or the checkpoint it adds to. Order: `rejections.py`."""
    members = read_validator_set(state)
    if body.validator not in (*members.voters, *members.outgoing):
        return Rejection.NOT_A_VOTER
    if read_validator(state, body.validator).key not in transaction.signers:
        return Rejection.NOT_AUTHORIZED
    checkpoints = read_checkpoints(state)
    if body.height % checkpoints.every or body.height >= context.height:
        return Rejection.NOT_A_CHECKPOINT
    found = checkpoints.at(body.height)
    if found is None:
        recent = checkpoints.recent
        if len(recent) == CHECKPOINTS_KEPT and body.height < recent[-1].height:
            return Rejection.CHECKPOINT_TOO_OLD
        return Checkpoint(body.height, ())
    if any(item.validator == body.validator for item in found.attestations):
        return Rejection.CHECKPOINT_ALREADY_ATTESTED
    return found


def attest(
    state: StateWriter, body: AttestCheckpoint, transaction: Transaction, found: Checkpoint, context: BlockContext
) -> tuple[CheckpointAttested]:
    """Count the attestation; a quorum certifies. While the set is joint it takes quorums of both sets of voters."""
    attestation = Attestation(body.validator, body.block_hash, body.root, transaction.id)
    after = msgspec.structs.replace(found, attestations=(*found.attestations, attestation))
    agreeing = after.agreeing(body.block_hash, body.root)
    certified = after.certified_root is None and _is_quorum(read_validator_set(state), agreeing)
    if certified:
        after = msgspec.structs.replace(
            after, certified_root=body.root, certified_hash=body.block_hash, certified_at=context.height
        )
    state.put(CHECKPOINTS_KEY, with_checkpoint(read_checkpoints(state), after))
    effect = CheckpointAttested(
        body.validator, body.height, body.block_hash, body.root, len(agreeing), certified=certified
    )
    return (effect,)


def _is_quorum(members: ValidatorSet, names: list[str]) -> bool:
    return all(
        2 * sum(name in names for name in voters) > len(voters)
        for voters in (members.voters, members.outgoing)
        if voters
    )
