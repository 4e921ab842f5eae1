"""The bytes that validators sign about blocks, and what a block's own signature claims."""

from collections.abc import Callable, Sequence

import msgspec

from jifen.codec.blocks import Block, Header, block_hash
from jifen.consensus.messages import AppendRequest
from jifen.hashing import STATEMENT
from jifen.keys.verification import Claim
from jifen.ledger.evidence.statements import Evidence, Statement, StatementKind, statements_of


def statement_message(
    chain_id: bytes, set_hash: bytes, kind: StatementKind, term: int, height: int, block_hash: bytes
) -> bytes:
    """Return the 32-byte message that a validator signs to say `kind` of a block: all that could be confused is in it.

    Args:
        chain_id: 32 bytes.
        set_hash: 32 bytes; names the validator set that certifies the block.
        kind: what is said.
        term: of a proposal, the block's own; of an acknowledgement, that of the leader it is given to.
        height: the block's.
        block_hash: 32 bytes.
    """
    numbers = term.to_bytes(8, "big") + height.to_bytes(8, "big")
    return STATEMENT(chain_id, set_hash, bytes([kind]), numbers, block_hash)


def acknowledgement(chain_id: bytes, set_hash: bytes, term: int, height: int, block_hash: bytes) -> bytes:
    """Return the 32-byte message that a validator signs, in `term`, when the block is on its disk."""
    return statement_message(chain_id, set_hash, StatementKind.ACKNOWLEDGEMENT, term, height, block_hash)


def proposal(header: Header) -> bytes:
    """Return the 32-byte message that the leader signs who has made the block."""
    name = block_hash(header)
    return statement_message(
        header.chain_id, header.validator_set_hash, StatementKind.PROPOSAL, header.term, header.height, name
    )


def statement_claim(chain_id: bytes, key: bytes, statement: Statement) -> Claim:
    """Return the claim that the holder of `key` has made a statement on a chain."""
    message = statement_message(
        chain_id,
        statement.validator_set_hash,
        statement.kind,
        statement.term,
        statement.height,
        statement.hash,
    )
    return Claim(key, message, statement.signature)


def evidence_claims(chain_id: bytes, evidence: Evidence) -> list[Claim]:
    """Return the two claims that evidence rests on."""
    return [statement_claim(chain_id, evidence.key, statement) for statement in statements_of(evidence)]


def proposal_claims(
    request: AppendRequest, blocks: Sequence[Block], key_of: Callable[[str], bytes | None]
) -> tuple[AppendRequest, list[Claim]]:
    """Return the request up to the first block whose maker is not known yet, and what the blocks' signatures claim.

    Who joined in a block that is still to be executed here may have made later ones; they come again. `key_of` gives a
    validator's key, or None.
    """
    claims: list[Claim] = []
    for count, block in enumerate(blocks):
        key = key_of(block.header.proposer)
        if key is None:
            return _shortened(request, count), claims
        claims.append(Claim(key, proposal(block.header), block.proposal))
    return request, claims


def _shortened(request: AppendRequest, count: int) -> AppendRequest:
    last = request.prev_height + count
    commit = min(request.commit, last)
    certificates = tuple(certificate for certificate in request.certificates if certificate.height <= commit)
    return msgspec.structs.replace(request, entries=request.entries[:count], commit=commit, certificates=certificates)
