"""Watching the other validators: what they sign is compared, and what proves a lie is kept, shown and recorded.

The gateways hand over what they have checked anyway; whatever else this costs is caused by somebody at fault. Nothing
of it stands in the way of ordering blocks.
"""

from collections.abc import Callable, Iterable
from typing import Final, final

import structlog
import trio

from jifen.actors.mempool import Mempool, SubmitStatus
from jifen.actors.storage import StorageActor
from jifen.actors.surroundings import Surroundings
from jifen.actors.verifier import FindFalse
from jifen.chain.evidence import EvidenceBook, Place
from jifen.chain.sealing import seal
from jifen.chain.statements import statement_claim
from jifen.codec.messages import ShowStatements
from jifen.consensus.types import Suspicion
from jifen.keys.signing import KeyPair
from jifen.ledger.evidence.records import RecordEvidence
from jifen.ledger.evidence.statements import Evidence, Statement, StatementKind, statements_of
from jifen.store.ledger_store import LedgerStore
from jifen.store.records import CommittedBlock, StoreBatch
from jifen.transport import PeerFault

FOUND_WAITING_MAX: Final = 16
"""Pieces of evidence that wait to be kept; what is over is forgotten, and found again if it matters."""

BURST_MAX: Final = 8
"""Statements that one peer may show, or pieces against one validator be kept, at once: an incident shows some."""

REFILL_SECONDS: Final = 5.0
"""One more is allowed after so long: whoever floods gets a disk write and two signature checks out of this validator
every five seconds."""

LOOK_AGAIN_SECONDS: Final = 5.0
"""How often to look whether evidence that was submitted is on the ledger."""

EVIDENCE_LIFETIME_MS: Final = 60 * 60 * 1000
"""How long a transaction with evidence may wait for a block; a lost one is made again."""

NONCE_BYTES: Final = 12
"""Random bytes of such a transaction."""

log = structlog.get_logger()


@final
class Allowance:
    """Allows each of many a burst, and then one at a time: a token bucket for each name."""

    def __init__(self) -> None:
        self._spent: dict[str, tuple[float, float]] = {}
        """By name: how much is spent, and when that was so, on trio's clock. Names are those of validators."""

    def allows(self, name: str) -> bool:
        """Tell whether one more is allowed to `name` now, and count it if so."""
        now = trio.current_time()
        spent, since = self._spent.get(name, (0.0, now))
        spent = max(0.0, spent - (now - since) / REFILL_SECONDS)
        allowed = spent <= BURST_MAX - 1
        self._spent[name] = (spent + allowed, now)
        return allowed


@final
class EvidenceKeeper:
    """Collects evidence for one validator."""

    def __init__(
        self,
        *,
        key: KeyPair,
        book: EvidenceBook,
        store: LedgerStore,
        mempool: Mempool,
        show: Callable[[tuple[Statement, ...]], None],
        leave: Callable[[str, int], None],
        find_false: FindFalse,
        surroundings: Surroundings,
    ) -> None:
        """Wire the keeper.

        Args:
            key: the validator's; signs the transactions that carry evidence.
            book: what is known.
            store: where it is kept, through `storage`.
            mempool: takes those transactions.
            show: sends statements to every peer, without waiting.
            leave: says that a leader, in a term, has proposed two blocks of one height.
            find_false: checks signatures.
            surroundings: time and chance.
        """
        self._key = key
        self._book = book
        self._store = store
        self._mempool = mempool
        self._show = show
        self._leave = leave
        self._find_false = find_false
        self._clock, self._draws = surroundings.clock, surroundings.draws
        self._from_peer, self._against, self._of_own = Allowance(), Allowance(), Allowance()
        self._send_found, self._found = trio.open_memory_channel[Evidence](FOUND_WAITING_MAX)
        self._submitted: dict[Place, bytes] = {}
        """Transaction under way for a piece of evidence. Invariant: its keys are of what is kept."""
        self._settled: set[Place] = set()
        """What is kept and will not be recorded by submitting it again. Invariant: its members are of what is kept."""
        self.storage: StorageActor

    @property
    def book(self) -> EvidenceBook:
        """What is known."""
        return self._book

    def heard(self, statements: Iterable[Statement]) -> None:
        """Compare statements whose signatures were checked; does not wait."""
        for evidence in self._book.heard(statements):
            self._take(evidence)

    def contradicts(self, statement: Statement) -> bool:
        """Tell whether a statement would be worth checking: it names another block than is known."""
        return self._book.contradicts(statement)

    async def shown(self, message: ShowStatements) -> None:
        """Take in what a peer shows; raises PeerFault when it is not genuine, since an honest one has checked it."""
        if not self._from_peer.allows(message.sender):
            await trio.lowlevel.checkpoint()
            return
        executor = self._book.executor
        known = [(item, executor.key_of(item.validator)) for item in message.statements]
        checkable = [(item, key) for item, key in known if key is not None]
        if await self._find_false([statement_claim(executor.chain_id, key, item) for item, key in checkable]):
            raise PeerFault("it showed a statement that was never made")
        self.heard(item for item, _ in checkable)

    def suspect(self, suspicion: Suspicion) -> None:
        """Learn what consensus finds contradictory: unsigned, it proves nothing, but the others may hold the proof."""
        log.warning("what two validators say contradicts", suspicion=suspicion)
        said = self._book.own_words(suspicion.height) if suspicion.height else None
        if said is not None and self._of_own.allows(said.validator):
            self._show((said,))

    def committed(self, block: CommittedBlock) -> None:
        """Learn what a committed block records: what others submitted is kept here too."""
        transactions, receipts = block.executed.transactions, block.executed.receipts
        for transaction, receipt in zip(transactions, receipts, strict=False):
            if isinstance(transaction.body, RecordEvidence) and receipt.rejection == 0:
                evidence = transaction.body.evidence
                if self._book.learnt(evidence):
                    self._take(evidence)

    async def run(self) -> None:
        """Keep, show and submit for ever."""
        while True:
            evidence = None
            with trio.move_on_after(LOOK_AGAIN_SECONDS):
                evidence = await self._found.receive()
            if evidence is not None:
                await self._keep(evidence)
            await self._submit()

    def _take(self, evidence: Evidence) -> None:
        if not self._against.allows(evidence.validator):
            self._book.forget(evidence)
            return
        if evidence.kind is StatementKind.PROPOSAL:
            self._leave(evidence.validator, evidence.term)
        try:
            self._send_found.send_nowait(evidence)
        except trio.WouldBlock:
            self._book.forget(evidence)

    async def _keep(self, evidence: Evidence) -> None:
        dropped = tuple(self._book.pushed_out(evidence.validator))
        for item in dropped:
            self._submitted.pop(item.place, None)
            self._settled.discard(item.place)
        kept = () if evidence in dropped else (evidence,)
        await self.storage.keep(StoreBatch(evidence=kept, evidence_dropped=dropped))
        log.warning(
            "a validator has contradicted itself: evidence kept",
            validator=evidence.validator,
            kind=evidence.kind.name,
            term=evidence.term,
            height=evidence.height,
            hashes=[evidence.first.hash.hex(), evidence.second.hash.hex()],
        )
        self._show(statements_of(evidence))

    async def _submit(self) -> None:
        """Bring to the ledger what is kept and not recorded there, unless that is under way."""
        with self._store.view() as view:
            missing = self._book.unrecorded(view)
        waiting = {item.place for item in missing}
        self._submitted = {place: name for place, name in self._submitted.items() if place in waiting}
        self._settled &= waiting
        for evidence in missing:
            under_way = self._submitted.get(evidence.place)
            if evidence.place in self._settled or (under_way is not None and self._mempool.holds(under_way)):
                continue
            expires_at = self._clock() + EVIDENCE_LIFETIME_MS
            body = RecordEvidence(expires_at, self._draws.randbytes(NONCE_BYTES), evidence)
            sealed = seal(self._book.executor.chain_id, body, self._key)
            [result] = await self._mempool.submit([sealed.signed], wait=False, timeout_seconds=0)
            if result.status is SubmitStatus.REFUSED and result.rejection is not None:
                self._settled.add(evidence.place)
            elif result.status is SubmitStatus.ACCEPTED:
                self._submitted[evidence.place] = sealed.id
