"""Recognising contradictions: what validators say under their signature, compared with what they said before.

A statement is noted when its signature has been checked, never before. What an honest validator says goes by without a
trace: it says one thing of one term and height. `docs/decisions/evidence.md` argues that.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, final

from jifen.chain.executor import Executor
from jifen.chain.validators import Validators
from jifen.codec.blocks import Block, block_hash, decode_block
from jifen.consensus.messages import AckSignature, AppendResponse, Certificate
from jifen.consensus.raft import Raft
from jifen.consensus.types import LogReader
from jifen.ledger.evidence.records import EVIDENCE_RECORDED_MAX, EvidenceAgainst
from jifen.ledger.evidence.statements import Evidence, Statement, StatementKind, contradiction
from jifen.ledger.records import read
from jifen.ledger.state import StateReader, evidence_key

STATEMENTS_REMEMBERED_MAX: Final = 512
"""Statements remembered of one validator, the newest ones: some ten seconds of a busy ledger. What is older stands in
the log, and is compared with that. Whoever floods this memory pushes out his own words alone."""

EVIDENCE_KEPT_MAX: Final = EVIDENCE_RECORDED_MAX
"""Pieces kept against one validator: as many as the ledger records."""

Place = tuple[str, int, int, int]
"""Validator, kind, term, height: of all evidence at one place only one piece is kept."""


def proposal_statement(block: Block) -> Statement:
    """Return what the maker of a block has said of it, in the block itself."""
    header = block.header
    return Statement(
        header.proposer,
        StatementKind.PROPOSAL,
        header.term,
        header.height,
        header.validator_set_hash,
        block_hash(header),
        block.proposal,
    )


def acknowledgement_statements(validators: Validators, certificate: Certificate) -> Iterator[Statement]:
    """Yield what the signers of a certificate have said; `validators` is the set of its height."""
    signers = validators.signers_of(certificate)
    for signer, signature in zip(signers, certificate.signatures, strict=True):
        yield Statement(
            signer,
            StatementKind.ACKNOWLEDGEMENT,
            certificate.term,
            certificate.height,
            validators.hash,
            certificate.hash,
            signature,
        )


def given_statements(executor: Executor, response: AppendResponse, items: Sequence[AckSignature]) -> list[Statement]:
    """Return what a validator says in the signatures of an answer, those of blocks whose set is at hand."""
    sets = {
        item.height: executor.validators_at(item.height).hash
        for item in items
        if executor.state.committed <= item.height <= executor.tip.height
    }
    return [
        Statement(
            response.sender,
            StatementKind.ACKNOWLEDGEMENT,
            response.term,
            item.height,
            sets[item.height],
            item.hash,
            item.signature,
        )
        for item in items
        if item.height in sets
    ]


@final
class Watch:
    """The newest statements of every validator. Invariant: each was checked, and is the first of its place."""

    def __init__(self) -> None:
        self._said: dict[str, OrderedDict[Place, Statement]] = {}

    def before(self, statement: Statement) -> Statement | None:
        """Return what was noted first at the statement's place, or None."""
        said = self._said.get(statement.validator)
        return None if said is None else said.get(statement.place)

    def note(self, statement: Statement) -> None:
        """Remember a checked statement, unless one of its place is; the validator's oldest makes room."""
        said = self._said.setdefault(statement.validator, OrderedDict())
        said.setdefault(statement.place, statement)
        if len(said) > STATEMENTS_REMEMBERED_MAX:
            said.popitem(last=False)


@final
class EvidenceBook:
    """What one validator knows of the contradictions of all.

    Invariant: `kept` holds at most EVIDENCE_KEPT_MAX pieces against one validator, and every piece was checked.
    """

    def __init__(self, executor: Executor, raft: Raft, reader: LogReader, kept: Iterable[Evidence] = ()) -> None:
        """`kept` is what was kept before a restart; `reader` shows the durable log."""
        self.executor = executor
        self._raft = raft
        self._reader = reader
        self._watch = Watch()
        self.kept: dict[Place, Evidence] = {evidence.place: evidence for evidence in kept}

    def heard(self, statements: Iterable[Statement]) -> list[Evidence]:
        """Note checked statements; return what they prove that was not known, now kept."""
        found: list[Evidence] = []
        for statement in statements:
            before = self._watch.before(statement) or self._in_log(statement)
            self._watch.note(statement)
            if before is None or before.hash == statement.hash:
                continue
            key = self.executor.key_of(statement.validator)
            evidence = None if key is None else contradiction(key, before, statement)
            if evidence is not None and self.learnt(evidence):
                found.append(evidence)
        return found

    def contradicts(self, statement: Statement) -> bool:
        """Tell whether a statement, were it genuine, would be worth checking: it names another block than is known."""
        before = self._watch.before(statement)
        if before is not None:
            return before.hash != statement.hash
        position = self._raft.position(statement.height)
        return position is not None and position.hash != statement.hash

    def learnt(self, evidence: Evidence) -> bool:
        """Keep checked evidence; False when it is known. Of one validator the oldest makes room (`pushed_out`)."""
        if evidence.place in self.kept:
            return False
        self.kept[evidence.place] = evidence
        return True

    def forget(self, evidence: Evidence) -> None:
        """Let go of evidence that could not be kept; it may be found again."""
        self.kept.pop(evidence.place, None)

    def pushed_out(self, validator: str) -> list[Evidence]:
        """Let go of what is kept too much against a validator, oldest terms and heights first, and return it."""
        against = sorted(
            (item for item in self.kept.values() if item.validator == validator),
            key=lambda item: (item.term, item.height, item.kind),
        )
        excess = against[: max(0, len(against) - EVIDENCE_KEPT_MAX)]
        for evidence in excess:
            del self.kept[evidence.place]
        return excess

    def unrecorded(self, state: StateReader) -> list[Evidence]:
        """Return what is kept and still to be recorded on the ledger, whose state is given."""
        return [evidence for evidence in self.kept.values() if not is_recorded(state, evidence)]

    def own_words(self, height: int) -> Statement | None:
        """Return what the log says about who made the block at a height: to be shown when that is in doubt."""
        entry = self._raft.entry(height)
        return None if entry is None else proposal_statement(decode_block(entry.payload))

    def _in_log(self, statement: Statement) -> Statement | None:
        """Return what the log holds at the statement's place, when that is another block than the statement's."""
        height = statement.height
        position = self._raft.position(height)
        if position is None or position.hash == statement.hash or height == 0:
            return None
        if statement.kind is StatementKind.PROPOSAL:
            said = self.own_words(height)
            return said if said is not None and said.place == statement.place else None
        certificate = self._reader.certificate(height)
        if certificate is None or certificate.hash == statement.hash:
            return None
        validators = Validators.of_height(self.executor.chain_id, self.executor.state, height)
        given = acknowledgement_statements(validators, certificate)
        return next((said for said in given if said.place == statement.place), None)


def is_recorded(state: StateReader, evidence: Evidence) -> bool:
    """Tell whether a ledger has recorded evidence of this place, or as much against the validator as it ever will."""
    against = read(state, evidence_key(evidence.validator), EvidenceAgainst)
    if against is None:
        return False
    place = (evidence.kind, evidence.term, evidence.height)
    recorded = any((piece.kind, piece.term, piece.height) == place for piece in against.pieces)
    return recorded or len(against.pieces) >= EVIDENCE_RECORDED_MAX
