"""The gateway for peers without its threads: the same rules as `jifen.actors.gateway`, answered at once.

In this world every validator is honest, so whatever the gateway refuses is a fault of the software: it raises
PeerFault and the run fails.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import final

import msgspec

from jifen.actors.consensus import Delivery, PreparedBlock
from jifen.actors.gateway import CLOCK_AHEAD_MS_MAX, HEARTBEATS_IGNORED_MAX
from jifen.chain.certification import CertificateSets
from jifen.chain.evidence import given_statements, proposal_statement
from jifen.chain.executor import Executor
from jifen.chain.gateway import CheckedTransactions, open_transaction
from jifen.chain.statements import proposal_claims, statement_claim
from jifen.chain.validators import CertificateInvalid
from jifen.codec.blocks import Block, block_hash, decode_block
from jifen.codec.errors import Malformed
from jifen.codec.messages import (
    ForwardTransactions,
    PeerMessage,
    ShowStatements,
    SnapshotChunk,
    SnapshotRequest,
    decode_peer_message,
)
from jifen.consensus.messages import AppendRequest, AppendResponse, CertificatesResponse, Entry
from jifen.consensus.raft import Raft
from jifen.keys.verification import Claim
from jifen.ledger.transactions import Transaction
from jifen.testing.naive.scene import CHAIN_ID
from jifen.testing.world.evidence import SimulatedKeeper
from jifen.testing.world.signatures import Signatures
from jifen.transport import PeerFault


@final
class SimulatedGateway:
    """Checks what arrives at one validator."""

    def __init__(
        self,
        signatures: Signatures,
        raft: Raft,
        executor: Executor,
        *,
        clock: Callable[[], int],
        knows: Callable[[PeerMessage], bool],
    ) -> None:
        """`knows` tells which messages this validator's release knows; the others are Malformed to it."""
        self._knows = knows
        self._signatures = signatures
        self._raft = raft
        self._executor = executor
        self._sets = CertificateSets(executor)
        self._clock = clock
        self._checked = CheckedTransactions()
        self._ahead = (0, 0)
        """Term and block time, ms, of the last block that came from the future."""
        self._ignored = 0
        """Heartbeats of that term that were not heard."""
        self.evidence: SimulatedKeeper

    def open(self, frame: bytes) -> Delivery | list[Transaction] | None:
        """Return what a frame brings, None when it is not followed; raises PeerFault."""
        try:
            message = decode_peer_message(frame)
            if not self._knows(message):
                raise PeerFault(f"an older release knows no {type(message).__name__}")
            if isinstance(message, ForwardTransactions):
                return [self.open_transaction(signed) for signed in message.transactions]
            if isinstance(message, ShowStatements):
                self.evidence.shown(message)
                return None
            if isinstance(message, AppendRequest):
                return self._open_request(message)
            if isinstance(message, AppendResponse):
                return Delivery(self._open_acknowledgement(message))
            if isinstance(message, CertificatesResponse):
                kept, proofs = self._sets.checkable_of(message.certificates, self._raft.committed)
                self._require(proofs)
                self.evidence.heard(self._sets.statements(kept, self._raft.committed))
                return Delivery(msgspec.structs.replace(message, certificates=kept))
            if isinstance(message, SnapshotRequest | SnapshotChunk):
                return None
            return Delivery(message)
        except (Malformed, CertificateInvalid) as error:
            raise PeerFault(str(error)) from error

    def open_transaction(self, signed: bytes) -> Transaction:
        """Return a checked transaction."""
        found = self._checked.find(signed)
        if found is None:
            found, claims = open_transaction(self._executor.chain_id, signed)
            self._require(claims)
            self._checked.remember([found])
        return found

    def _require(self, claims: list[Claim]) -> None:
        if self._signatures.false_claims(claims):
            raise PeerFault("a signature is not genuine")

    def _open_acknowledgement(self, response: AppendResponse) -> AppendResponse:
        needed = tuple(
            item for item in response.signatures if self._raft.needs_signature(response.sender, item.height, item.hash)
        )
        key = self._executor.key_of(response.sender)
        if key is None:
            return msgspec.structs.replace(response, signatures=())
        said = given_statements(self._executor, response, response.signatures)
        names = {(item.height, item.hash) for item in needed}
        of_use = [item for item in said if (item.height, item.hash) in names]
        self._require([statement_claim(CHAIN_ID, key, item) for item in of_use])
        odd = [item for item in said if self.evidence.book.contradicts(item)]
        genuine = [item for item in odd if not self._signatures.false_claims([statement_claim(CHAIN_ID, key, item)])]
        self.evidence.heard([*of_use, *genuine])
        return msgspec.structs.replace(response, signatures=needed)

    def _open_request(self, request: AppendRequest) -> Delivery | None:
        if not request.entries and self._is_from_future(*self._ahead, request.term):
            self._ignored += 1
            if self._ignored <= HEARTBEATS_IGNORED_MAX:
                return None
        blocks = [self._open_entry(request, entry) for entry in request.entries]
        request, claims = proposal_claims(request, blocks, self._executor.key_of)
        self._require(claims)
        blocks = blocks[: len(request.entries)]
        if any(later.header.time < earlier.header.time for earlier, later in pairwise(blocks)):
            raise PeerFault("blocks whose time runs backwards")
        prepared = tuple(
            PreparedBlock(entry.hash, block, tuple(self.open_transaction(signed) for signed in block.transactions))
            for entry, block in zip(request.entries, blocks, strict=True)
        )
        request, proofs = self._sets.checkable(request, self._raft.committed)
        self._require(proofs)
        self.evidence.heard(map(proposal_statement, blocks))
        self.evidence.heard(self._sets.statements(request.certificates, self._raft.committed))
        certified = request.certificates[-1].height if request.certificates else 0
        if blocks and certified < blocks[-1].header.height:
            time = blocks[-1].header.time
            if self._is_from_future(request.term, time, request.term):
                if self._ahead[0] != request.term:
                    self._ignored = 0
                self._ahead = (request.term, time)
                known = sum(block.header.height <= certified for block in blocks)
                if not known:
                    return None
                request = msgspec.structs.replace(request, entries=request.entries[:known])
                prepared = prepared[:known]
        return Delivery(request, prepared)

    def _is_from_future(self, term: int, block_time: int, asked_term: int) -> bool:
        followed = self._executor.tip.header.time
        return term == asked_term and block_time > max(self._clock() + CLOCK_AHEAD_MS_MAX, followed)

    def _open_entry(self, request: AppendRequest, entry: Entry) -> Block:
        block = decode_block(entry.payload)
        header = block.header
        named = (entry.height, entry.term, entry.parent_hash, entry.hash)
        if named != (header.height, header.term, header.parent_hash, block_hash(header)):
            raise PeerFault(f"entry {entry.height} does not name the block it carries")
        if header.chain_id != self._executor.chain_id:
            raise PeerFault(f"block {entry.height} is of another chain")
        self._sets.arrived(entry.hash, block)
        if header.term == request.term and header.proposer != request.sender:
            raise PeerFault(f"block {entry.height} is of the sender's term and another's making")
        return block
