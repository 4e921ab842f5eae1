"""Recognising contradictions: what two statements prove, and which are still compared when the second comes late."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from jifen.chain.evidence import (
    EVIDENCE_KEPT_MAX,
    STATEMENTS_REMEMBERED_MAX,
    EvidenceBook,
    Watch,
    acknowledgement_statements,
    is_recorded,
    proposal_statement,
)
from jifen.chain.executor import ExecutedBlock
from jifen.chain.statements import evidence_claims, statement_claim
from jifen.codec.blocks import decode_block
from jifen.keys.verification import false_claims
from jifen.ledger.evidence.records import EVIDENCE_RECORDED_MAX, EvidenceAgainst, RecordedEvidence
from jifen.ledger.evidence.statements import Evidence, Statement, StatementKind, contradiction, statements_of
from jifen.ledger.state import evidence_key
from jifen.testing.memory import Memory
from jifen.testing.one_validator import OneValidator
from jifen.testing.small_alliance import CREATED_AT, keys_of
from jifen.testing.small_chain import SmallChain

KINDS = list(StatementKind)


def signed(chain: SmallChain, name: bytes, *, validator: str = "mall", **changes: Any) -> Statement:
    """Return what a validator says of a block of this hash: by default as the leader of term 3 at height 7."""
    head = Statement(validator, StatementKind.PROPOSAL, 3, 7, chain.validators.hash, name * 32, bytes(64))
    head = msgspec.structs.replace(head, **changes)
    key = keys_of(validator).validator
    claim = statement_claim(chain.chain_id, key.public, head)
    return msgspec.structs.replace(head, signature=key.sign(claim.message))


@pytest.fixture
def chain() -> SmallChain:
    return SmallChain()


@pytest.fixture
def node(tmp_path: Path, chain: SmallChain) -> OneValidator:
    return OneValidator(tmp_path / "ledger", chain)


def other_than(chain: SmallChain, block: ExecutedBlock) -> ExecutedBlock:
    """Return another block at the place of `block`, which is the chain's last, and put that back."""
    header = block.tip.header
    chain.executor.roll_back_to(block.tip.height - 1)
    other = chain.build((), term=header.term, proposer=header.proposer, time=CREATED_AT + 77)
    chain.executor.roll_back_to(block.tip.height - 1)
    chain.execute(block.payload)
    return other


# What two statements prove.


@pytest.mark.parametrize("kind", KINDS)
def test_two_blocks_of_one_kind_term_and_height_prove_it_in_whatever_order(
    chain: SmallChain, kind: StatementKind
) -> None:
    one, other = signed(chain, b"\1", kind=kind), signed(chain, b"\2", kind=kind)
    key = keys_of("mall").validator.public
    found = contradiction(key, other, one)
    assert found == contradiction(key, one, other)
    assert found is not None
    assert (found.validator, found.kind, found.term, found.height) == ("mall", kind, 3, 7)
    assert found.first.hash < found.second.hash
    assert statements_of(found) == (one, other)
    assert false_claims(evidence_claims(chain.chain_id, found)) == []


def test_two_blocks_under_different_validator_sets_contradict_all_the_same(chain: SmallChain) -> None:
    other = signed(chain, b"\2", validator_set_hash=bytes(32))
    found = contradiction(keys_of("mall").validator.public, signed(chain, b"\1"), other)
    assert found is not None
    assert false_claims(evidence_claims(chain.chain_id, found)) == []


@pytest.mark.parametrize(
    "changes",
    [{"term": 4}, {"height": 8}, {"kind": StatementKind.ACKNOWLEDGEMENT}, {"validator": "books"}],
    ids=lambda changes: next(iter(changes)),
)
def test_statements_of_different_places_prove_nothing(chain: SmallChain, changes: dict[str, Any]) -> None:
    assert contradiction(b"", signed(chain, b"\1"), signed(chain, b"\2", **changes)) is None


def test_saying_the_same_twice_proves_nothing_even_under_another_set(chain: SmallChain) -> None:
    assert contradiction(b"", signed(chain, b"\1"), signed(chain, b"\1")) is None
    assert contradiction(b"", signed(chain, b"\1"), signed(chain, b"\1", validator_set_hash=bytes(32))) is None


# What is remembered.


def test_the_first_statement_of_a_place_stays(chain: SmallChain) -> None:
    watch, one, other = Watch(), signed(chain, b"\1"), signed(chain, b"\2")
    watch.note(one)
    watch.note(other)
    assert watch.before(other) == one


def test_a_flood_of_ones_own_words_pushes_out_nobody_elses(chain: SmallChain) -> None:
    watch, kept = Watch(), signed(chain, b"\1", validator="books")
    watch.note(kept)
    said = [
        msgspec.structs.replace(signed(chain, b"\1"), height=height) for height in range(STATEMENTS_REMEMBERED_MAX + 5)
    ]
    for statement in said:
        watch.note(statement)
    assert watch.before(kept) == kept
    assert [watch.before(statement) is None for statement in said[:6]] == [True] * 5 + [False]


# What one validator recognises.


def test_two_proposals_are_recognised_whichever_comes_first_and_told_once(
    node: OneValidator, chain: SmallChain
) -> None:
    book, one, other = node.evidence.book, signed(chain, b"\1"), signed(chain, b"\2")
    assert book.heard([one]) == []
    assert book.heard([one]) == []
    [found] = book.heard([other])
    assert statements_of(found) == (one, other)
    assert book.heard([other, one, signed(chain, b"\3")]) == []
    assert book.kept == {found.place: found}


async def test_a_second_proposal_is_recognised_by_the_log_after_a_restart(tmp_path: Path, chain: SmallChain) -> None:
    block = chain.build([chain.clerk.register("ann")])
    other = other_than(chain, block)
    first = OneValidator(tmp_path / "ledger", chain)
    async with first.running():
        await first.hear([block])
    first.store.close()
    node = OneValidator(tmp_path / "ledger", chain)
    statement = proposal_statement(decode_block(other.payload))
    assert node.evidence.contradicts(statement)
    [found] = node.evidence.book.heard([statement])
    assert (found.validator, found.height) == ("mall", 1)
    assert false_claims(evidence_claims(chain.chain_id, found)) == []


async def test_a_second_acknowledgement_is_recognised_by_the_certificate_however_late(
    node: OneValidator, chain: SmallChain
) -> None:
    block = chain.build([chain.clerk.register("ann")])
    proof = chain.certify(block, ("mall", "books", "music"))
    async with node.running():
        await node.hear([block], certificates=[proof])
        assert node.store.tip.height == 1
        late = [
            signed(chain, b"\7", validator=name, kind=StatementKind.ACKNOWLEDGEMENT, term=1, height=1)
            for name in ("cafe", "music")
        ]
        assert all(node.evidence.contradicts(statement) for statement in late)
        [found] = node.evidence.book.heard(late)
        assert (found.validator, found.kind) == ("music", StatementKind.ACKNOWLEDGEMENT)
        assert false_claims(evidence_claims(chain.chain_id, found)) == []


async def test_what_everybody_says_of_the_same_blocks_is_no_evidence_against_anybody(
    node: OneValidator, chain: SmallChain
) -> None:
    book = node.evidence.book
    async with node.running():
        for term in (1, 2, 4):
            block = chain.build([chain.clerk.register(f"member {term}")], term=term, proposer="music")
            proof = chain.certify(block)
            await node.hear([block], certificates=[proof], leader="music")
            said = [
                proposal_statement(decode_block(block.payload)),
                *acknowledgement_statements(chain.validators, proof),
            ]
            later = [
                signed(chain, b"", validator=name, kind=StatementKind.ACKNOWLEDGEMENT, term=9, height=term)
                for name in ("mall", "cafe")
            ]
            assert not any(book.contradicts(statement) for statement in said)
            assert book.heard([*said, *said, *later]) == []


def test_a_validator_unknown_here_is_not_accused(node: OneValidator, chain: SmallChain) -> None:
    one, other = signed(chain, b"\1", validator="stranger"), signed(chain, b"\2", validator="stranger")
    assert node.evidence.book.heard([one, other]) == []


# What is kept.


def pieces(chain: SmallChain, count: int) -> list[Evidence]:
    """Return so many contradictions of mall's, at rising heights; their signatures are not looked at."""
    key = keys_of("mall").validator.public
    head = contradiction(key, signed(chain, b"\1"), signed(chain, b"\2"))
    assert head is not None
    return [msgspec.structs.replace(head, height=height) for height in range(1, count + 1)]


def test_of_one_validator_the_newest_pieces_are_kept(node: OneValidator, chain: SmallChain) -> None:
    book = node.evidence.book
    several = pieces(chain, EVIDENCE_KEPT_MAX + 2)
    assert all(book.learnt(evidence) for evidence in reversed(several))
    assert not book.learnt(several[0])
    assert book.pushed_out("mall") == several[:2]
    assert sorted(item.height for item in book.kept.values()) == list(range(3, EVIDENCE_KEPT_MAX + 3))
    assert book.pushed_out("mall") == []


def test_a_book_begins_with_what_was_kept(node: OneValidator, chain: SmallChain) -> None:
    kept = pieces(chain, 2)
    book = EvidenceBook(node.executor, node.raft, node.store, kept)
    assert not book.learnt(kept[1])
    assert book.unrecorded(node.executor.state) == kept


def test_recorded_is_what_the_ledger_has_or_will_never_take(chain: SmallChain) -> None:
    one, other = pieces(chain, 2)
    state = Memory()
    assert not is_recorded(state, one)
    record = RecordedEvidence(one.kind, one.term, one.height, bytes(32), b"\1" * 32, bytes(32), 5)
    full = [msgspec.structs.replace(record, height=height) for height in range(100, 100 + EVIDENCE_RECORDED_MAX)]
    for known, expected in ([record], (True, False)), (full, (True, True)):
        state.put(evidence_key("mall"), EvidenceAgainst(tuple(known)))
        assert (is_recorded(state, one), is_recorded(state, other)) == expected
