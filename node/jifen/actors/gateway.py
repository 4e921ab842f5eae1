"""The gateway for peers: what a peer says is decoded strictly and every signature checked before the core hears it.

A peer that sends what no honest validator sends loses its link; that is all it can do.
"""

from itertools import pairwise
from typing import final

import msgspec
import structlog
import trio

from jifen.actors.clock import Clock
from jifen.actors.consensus import ConsensusActor, Delivery, PreparedBlock
from jifen.actors.evidence import EvidenceKeeper
from jifen.actors.mempool import Mempool
from jifen.actors.snapshots import SnapshotExchange
from jifen.actors.verifier import FindFalse
from jifen.chain.certification import CertificateSets
from jifen.chain.evidence import acknowledgement_statements, given_statements, proposal_statement
from jifen.chain.gateway import CheckedTransactions, open_transaction
from jifen.chain.statements import proposal_claims, statement_claim
from jifen.chain.validators import CertificateInvalid
from jifen.codec.blocks import Block, block_hash, decode_block
from jifen.codec.errors import Malformed
from jifen.codec.messages import (
    ForwardTransactions,
    ShowStatements,
    SnapshotChunk,
    SnapshotRequest,
    decode_peer_message,
)
from jifen.consensus.messages import AppendRequest, AppendResponse, CertificatesResponse, Entry
from jifen.keys.verification import Claim
from jifen.ledger.transactions import Transaction
from jifen.transport import PeerFault

CLOCK_AHEAD_MS_MAX = 10_000
"""A block may be this far ahead of this validator's clock: network time keeps machines within a second of each other,
and a leader whose clock runs away must not drag block time with it."""

TERM_AHEAD_MAX = 1 << 16
"""A message may be this many terms ahead of this validator: terms rise by one an election, so a validator cut off that
far has missed nine hours of nothing but elections of half a second. Without a bound one message of one validator takes
everybody to the last term there is, for good; with it that takes 2^37 messages, each waited for by a disk."""

ODD_CHECKED_MAX = 16
"""Acknowledgements in one message that name other blocks than are known here, and are checked although nobody needs
them: they may be half of a proof. An honest validator sends none."""

HEARTBEATS_IGNORED_MAX = 20
"""Heartbeats of a leader ahead of its time that go unheard, in one term: two seconds' worth, twice the longest election
time-out. If nobody else was elected by then, a quorum follows that leader, and staying deaf would only keep this
validator from what that quorum has certified."""

log = structlog.get_logger()


@final
class PeerGateway:
    """Turns frames of peers into checked deliveries."""

    def __init__(
        self,
        *,
        name: str,
        consensus: ConsensusActor,
        mempool: Mempool,
        snapshots: SnapshotExchange,
        evidence: EvidenceKeeper,
        checked: CheckedTransactions,
        find_false: FindFalse,
        clock: Clock,
    ) -> None:
        self._name = name
        self._consensus = consensus
        self._sets = CertificateSets(consensus.executor)
        self._mempool = mempool
        self._snapshots = snapshots
        self._evidence = evidence
        self._checked = checked
        self._find_false = find_false
        self._clock = clock
        self._ahead = (0, 0)
        """Term and block time, ms, of the last block that came from the future."""
        self._ignored = 0
        """Heartbeats of that term that were not heard."""

    async def take_frame(self, peer: str, frame: bytes) -> None:
        """Handle one frame of `peer`; raises PeerFault when it is none that an honest validator sends."""
        try:
            message = decode_peer_message(frame)
        except Malformed as error:
            raise PeerFault(str(error)) from None
        if message.sender != peer or message.recipient != self._name:
            raise PeerFault(f"a message from {message.sender} to {message.recipient} came over the link of {peer}")
        if isinstance(message, SnapshotRequest | SnapshotChunk):
            self._take_snapshot_message(message)
            await trio.lowlevel.checkpoint()
            return
        if not isinstance(message, ForwardTransactions | ShowStatements):
            self._check_term(message.term)
        if isinstance(message, ShowStatements):
            await self._evidence.shown(message)
        elif isinstance(message, ForwardTransactions):
            if not await self._mempool.take_forwarded(message.transactions):
                raise PeerFault("it forwarded a transaction without checking it")
        elif isinstance(message, AppendRequest):
            delivery = await self._check_request(message)
            if delivery is not None:
                await self._consensus.deliver(delivery)
        elif isinstance(message, AppendResponse):
            await self._consensus.deliver(Delivery(await self._check_acknowledgement(message)))
        elif isinstance(message, CertificatesResponse):
            await self._consensus.deliver(Delivery(await self._check_certificates(message)))
        else:
            await self._consensus.deliver(Delivery(message))

    def _take_snapshot_message(self, message: SnapshotRequest | SnapshotChunk) -> None:
        if isinstance(message, SnapshotRequest):
            self._snapshots.take_request(message)
        else:
            self._snapshots.take_chunk(message)

    def _check_term(self, term: int) -> None:
        ours = self._consensus.raft.term
        if term > ours + TERM_AHEAD_MAX:
            raise PeerFault(f"its term {term} is more than {TERM_AHEAD_MAX} ahead of ours, {ours}")

    async def _check_acknowledgement(self, response: AppendResponse) -> AppendResponse:
        """Return the response with those signatures that are of use, checked, and no others.

        What is not checked must not stay in: by the time the core takes the message in, it might have found a use.
        """
        raft, executor = self._consensus.raft, self._consensus.executor
        needed = tuple(
            item for item in response.signatures if raft.needs_signature(response.sender, item.height, item.hash)
        )
        said = given_statements(executor, response, response.signatures)
        key = executor.key_of(response.sender)
        if key is None:
            return msgspec.structs.replace(response, signatures=())
        names = {(item.height, item.hash) for item in needed}
        odd = [item for item in said if self._evidence.contradicts(item)][:ODD_CHECKED_MAX]
        of_use = [item for item in said if (item.height, item.hash) in names]
        false = await self._find_false([statement_claim(executor.chain_id, key, item) for item in (*of_use, *odd)])
        if false and false[0] < len(of_use):
            raise PeerFault("it sent an acknowledgement that it did not sign")
        # One of a block unknown here may be signed under a set unknown here: not every one that fails is a lie.
        self._evidence.heard(item for place, item in enumerate((*of_use, *odd)) if place not in false)
        return msgspec.structs.replace(response, signatures=needed)

    async def _check_certificates(self, response: CertificatesResponse) -> CertificatesResponse:
        """Return the response with those certificates that can be checked, which has been done."""
        try:
            kept, claims = self._sets.checkable_of(response.certificates, self._consensus.raft.committed)
        except CertificateInvalid as error:
            raise PeerFault(str(error)) from None
        if await self._find_false(claims):
            raise PeerFault("it sent a certificate with a signature that is not genuine")
        self._evidence.heard(self._sets.statements(kept, self._consensus.raft.committed))
        return msgspec.structs.replace(response, certificates=kept)

    async def _check_request(self, request: AppendRequest) -> Delivery | None:
        if not request.entries and self._is_from_the_future(*self._ahead, request.term):
            self._ignored += 1
            if self._ignored <= HEARTBEATS_IGNORED_MAX:
                return None
        try:
            blocks = [self._open_entry(request, entry) for entry in request.entries]
            if any(later.header.time < earlier.header.time for earlier, later in pairwise(blocks)):
                raise PeerFault("it sent blocks whose time runs backwards")
            request, proposals = proposal_claims(request, blocks, self._consensus.executor.key_of)
            blocks = blocks[: len(request.entries)]
            transactions, fresh, claims = self._open_transactions(blocks)
            odd = self._sets.odd(request.certificates, self._hash_of)[:ODD_CHECKED_MAX]
            request, proofs = self._sets.checkable(request, self._consensus.raft.committed)
            doubts = [claim for certificate, members in odd for claim in members.claims_of(certificate)]
        except (Malformed, CertificateInvalid) as error:
            raise PeerFault(str(error)) from None
        false = await self._find_false([*claims, *proposals, *proofs, *doubts])
        certain = len(claims) + len(proposals) + len(proofs)
        if false and false[0] < certain:
            raise PeerFault("it sent a block or certificate with a signature that is not genuine")
        self._checked.remember(fresh)
        self._evidence.heard(map(proposal_statement, blocks))
        self._evidence.heard(self._sets.statements(request.certificates, self._consensus.raft.committed))
        doubtful = [item for certificate, members in odd for item in acknowledgement_statements(members, certificate)]
        self._evidence.heard(item for place, item in enumerate(doubtful, certain) if place not in false)
        certified = request.certificates[-1].height if request.certificates else 0
        if blocks and certified < blocks[-1].header.height and self._is_ahead(request, blocks[-1].header.time):
            # What a quorum has certified is followed all the same.
            known = sum(block.header.height <= certified for block in blocks)
            if not known:
                return None
            request = msgspec.structs.replace(request, entries=request.entries[:known])
        prepared = tuple(
            PreparedBlock(entry.hash, block, tuple(items))
            for entry, block, items in zip(request.entries, blocks, transactions, strict=False)
        )
        return Delivery(request, prepared)

    def _hash_of(self, height: int) -> bytes | None:
        position = self._consensus.raft.position(height)
        return None if position is None else position.hash

    def _is_from_the_future(self, term: int, block_time: int, asked_term: int) -> bool:
        # A block that moves block time no further than this validator has followed it already is harmless, however far
        # that is: after all clocks were set back, no leader could make any other.
        followed = self._consensus.executor.tip.header.time
        return term == asked_term and block_time > max(self._clock() + CLOCK_AHEAD_MS_MAX, followed)

    def _is_ahead(self, request: AppendRequest, block_time: int) -> bool:
        """Tell whether an uncertified block is from the future, and remember its term if so.

        Not even hearing the heartbeats of such a leader, for a while, makes the others elect one whose clock is right,
        instead of waiting for its time to come.
        """
        if not self._is_from_the_future(request.term, block_time, request.term):
            return False
        if self._ahead[0] != request.term:
            self._ignored = 0
        self._ahead = (request.term, block_time)
        ahead = block_time - self._clock()
        log.warning("leader's clock runs ahead; not following it", leader=request.sender, ahead_ms=ahead)
        return True

    def _open_entry(self, request: AppendRequest, entry: Entry) -> Block:
        block = decode_block(entry.payload)
        header = block.header
        named = (entry.height, entry.term, entry.parent_hash, entry.hash)
        if named != (header.height, header.term, header.parent_hash, block_hash(header)):
            raise Malformed(f"entry {entry.height}: does not name the block it carries")
        executor = self._consensus.executor
        if header.chain_id != executor.chain_id or not executor.may_propose(header.proposer, header.validator_set_hash):
            raise Malformed(f"block {entry.height}: is of another chain or of no validator")
        self._sets.arrived(entry.hash, block)
        if header.term == request.term and header.proposer != request.sender:
            raise Malformed(f"block {entry.height}: is of the sender's term and another's making")
        return block

    def _open_transactions(self, blocks: list[Block]) -> tuple[list[list[Transaction]], list[Transaction], list[Claim]]:
        opened: list[list[Transaction]] = []
        fresh: list[Transaction] = []
        claims: list[Claim] = []
        for block in blocks:
            items: list[Transaction] = []
            for signed in block.transactions:
                known = self._checked.find(signed)
                if known is None:
                    known, wanted = open_transaction(self._consensus.executor.chain_id, signed)
                    claims += wanted
                    fresh.append(known)
                items.append(known)
            opened.append(items)
        return opened, fresh, claims
