"""What `jifen.actors.evidence` does, in the world: the same book, without threads and without limits to flooding."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, final

from jifen.actors.storage import StorageJob
from jifen.chain.evidence import EvidenceBook
from jifen.chain.statements import statement_claim
from jifen.codec.messages import ShowStatements
from jifen.codec.transactions import encode_body, encode_signed, transaction_id
from jifen.consensus.types import Suspicion
from jifen.ledger.evidence.records import RecordEvidence
from jifen.ledger.evidence.statements import Evidence, Statement, StatementKind, statements_of
from jifen.ledger.transactions import Signature
from jifen.store.records import CommittedBlock, StoreBatch
from jifen.testing.naive.scene import CHAIN_ID
from jifen.testing.small_alliance import CREATED_AT
from jifen.transport import PeerFault

if TYPE_CHECKING:
    from jifen.testing.world.validator import SimulatedValidator

EXPIRES_AT: Final = CREATED_AT + 12 * 60 * 60 * 1000
"""Of transactions with evidence: later than any world lasts."""


@final
class SimulatedKeeper:
    """Collects evidence for one validator, from its start to its end."""

    def __init__(self, node: "SimulatedValidator") -> None:
        self._node = node
        self.book = EvidenceBook(node.executor, node.raft, node.disk, node.disk.evidence.values())
        for evidence in self.book.unrecorded(node.disk):
            self._submit(evidence)

    def heard(self, statements: Iterable[Statement]) -> None:
        """Compare checked statements."""
        for evidence in self.book.heard(statements):
            self._found(evidence)

    def shown(self, message: ShowStatements) -> None:
        """Take in what a peer shows; raises PeerFault when it is forged."""
        executor = self._node.executor
        known = [(item, executor.key_of(item.validator)) for item in message.statements]
        claims = [statement_claim(CHAIN_ID, key, item) for item, key in known if key is not None]
        if self._node.signatures.false_claims(claims):
            raise PeerFault("it showed a statement that was never made")
        self.heard(item for item, key in known if key is not None)

    def suspect(self, suspicion: Suspicion) -> None:
        """Show what is held where something contradicts."""
        said = self.book.own_words(suspicion.height) if suspicion.height else None
        if said is not None:
            self._node.show((said,))

    def committed(self, block: CommittedBlock) -> None:
        """Keep what others recorded."""
        for transaction, receipt in zip(block.executed.transactions, block.executed.receipts, strict=False):
            if isinstance(transaction.body, RecordEvidence) and receipt.rejection == 0:
                evidence = transaction.body.evidence
                if self.book.learnt(evidence):
                    self._keep(evidence)

    def _found(self, evidence: Evidence) -> None:
        node = self._node
        node.note(f"finds evidence against {evidence.validator}: {evidence.kind.name}, height {evidence.height}")
        self._keep(evidence)
        if (evidence.kind, evidence.validator, evidence.term) == (
            StatementKind.PROPOSAL,
            node.raft.leader,
            node.raft.term,
        ):
            node.raft.shun_leader()
        node.show(statements_of(evidence))
        self._submit(evidence)

    def _keep(self, evidence: Evidence) -> None:
        dropped = tuple(self.book.pushed_out(evidence.validator))
        self._node.jobs.append(StorageJob(StoreBatch(evidence=(evidence,), evidence_dropped=dropped), ()))

    def _submit(self, evidence: Evidence) -> None:
        node = self._node
        body = encode_body(RecordEvidence(EXPIRES_AT, node.id.encode().ljust(8, b"\0"), evidence))
        name = transaction_id(CHAIN_ID, [node.key.public], body)
        signature = Signature(node.key.public, node.signatures.sign(node.key, name))
        node.take_own(encode_signed(body, (signature,)))
