"""The keeper of evidence between real gateway, core and store: what it recognises, keeps, shows, submits, refuses."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
import trio

from jifen.actors.evidence import BURST_MAX, Allowance
from jifen.actors.mempool import SubmitResult, SubmitStatus
from jifen.chain.evidence import proposal_statement
from jifen.chain.executor import ExecutedBlock
from jifen.chain.statements import evidence_claims, proposal, statement_claim
from jifen.codec.blocks import decode_block
from jifen.codec.messages import PeerMessage, ShowStatements, encode_peer_message
from jifen.consensus.messages import AckSignature
from jifen.keys.verification import false_claims
from jifen.ledger.evidence.records import RecordEvidence
from jifen.ledger.evidence.statements import Evidence, Statement, StatementKind, contradiction, statements_of
from jifen.ledger.rejections import Rejection
from jifen.testing.one_validator import OneValidator
from jifen.testing.small_alliance import CREATED_AT, keys_of, small_genesis
from jifen.testing.small_chain import SmallChain, opened
from jifen.transport import PeerFault


@pytest.fixture
def chain() -> SmallChain:
    return SmallChain()


@pytest.fixture
def node(tmp_path: Path, chain: SmallChain) -> OneValidator:
    return OneValidator(tmp_path / "ledger", chain)


async def take(node: OneValidator, message: PeerMessage, peer: str = "mall") -> None:
    """Let a frame of a peer arrive, and wait until it was acted upon."""
    await node.gateway.take_frame(peer, encode_peer_message(message))
    await node.settle()


def said(chain: SmallChain, name: bytes, *, validator: str = "mall", signer: str = "", **changes: Any) -> Statement:
    """Return what a validator says, signed by it or by another: by default as the leader of term 3 at height 7."""
    head = Statement(validator, StatementKind.PROPOSAL, 3, 7, chain.validators.hash, name * 32, bytes(64))
    head = msgspec.structs.replace(head, **changes)
    message = statement_claim(chain.chain_id, b"", head).message
    return msgspec.structs.replace(head, signature=keys_of(signer or validator).validator.sign(message))


def shown(*statements: Statement) -> ShowStatements:
    return ShowStatements("mall", "books", statements)


def two_blocks(chain: SmallChain) -> tuple[ExecutedBlock, ExecutedBlock]:
    """Return two blocks of mall's for one term and height."""
    first = chain.build([chain.clerk.register("ann")])
    chain.executor.roll_back_to(0)
    return first, chain.build([chain.clerk.register("bob")])


def submitted(node: OneValidator) -> list[Evidence]:
    """Return the evidence in transactions under way."""
    bodies = [pending.transaction.body for pending in node.mempool._pending.values()]
    return [body.evidence for body in bodies if isinstance(body, RecordEvidence)]


def kept(node: OneValidator) -> list[Evidence]:
    with node.store.view() as view:
        return view.kept_evidence()


async def test_a_leader_that_sends_two_blocks_of_one_height_is_convicted_and_left(
    node: OneValidator, chain: SmallChain
) -> None:
    one, other = two_blocks(chain)
    async with node.running():
        with structlog.testing.capture_logs() as lines:
            for block in (one, other):
                await take(node, node.delivery([block]).message)
            await node.eventually(lambda: bool(submitted(node)))
        [found] = kept(node)
        assert (found.validator, found.kind, found.term, found.height) == ("mall", StatementKind.PROPOSAL, 1, 1)
        assert {found.first.hash, found.second.hash} == {one.tip.hash, other.tip.hash}
        assert false_claims(evidence_claims(chain.chain_id, found)) == []
        assert node.shown[-1] == statements_of(found)
        assert submitted(node) == [found]
        assert (node.raft.leader, node.raft.shunned) == (None, "mall")
        assert node.executor.tip.hash == one.tip.hash
        warned = [line for line in lines if line["event"].startswith("a validator has contradicted itself")]
        assert [(line["validator"], line["height"], line["log_level"]) for line in warned] == [("mall", 1, "warning")]


@pytest.mark.parametrize("lie_first", [False, True])
async def test_a_follower_that_acknowledges_two_blocks_of_one_height_is_convicted(
    node: OneValidator, chain: SmallChain, lie_first: bool
) -> None:
    async with node.running():
        await node.lead()
        honest = node.acknowledgement("mall")
        [item] = honest.signatures
        message = chain.validators.acknowledgement(honest.term, item.height, b"\7" * 32)
        lie = AckSignature(item.height, b"\7" * 32, keys_of("mall").validator.sign(message))
        false = msgspec.structs.replace(honest, hash=lie.hash, signatures=(lie,))
        for response in (false, honest) if lie_first else (honest, false):
            await take(node, response)
        await node.eventually(lambda: bool(kept(node)))
        [found] = kept(node)
        assert (found.validator, found.kind) == ("mall", StatementKind.ACKNOWLEDGEMENT)
        assert {found.first.hash, found.second.hash} == {item.hash, lie.hash}
        assert node.raft.leader == "books"
        await node.acknowledge("music")
        assert node.store.tip.height == 1


async def test_an_acknowledgement_of_another_block_that_does_not_verify_is_nothing(
    node: OneValidator, chain: SmallChain
) -> None:
    """It may be of a block under a validator set unknown here, and is not used."""
    async with node.running():
        await node.lead()
        honest = node.acknowledgement("mall")
        [item] = honest.signatures
        odd = AckSignature(item.height, b"\7" * 32, item.signature)
        await take(node, msgspec.structs.replace(honest, hash=odd.hash, signatures=(odd,)))
        await take(node, honest)
        assert kept(node) == []
        answer = node.raft.ignored_messages
        assert answer == 1


async def test_a_certificate_of_another_block_than_the_committed_one_convicts_all_who_signed_both(
    node: OneValidator, chain: SmallChain
) -> None:
    one, other = two_blocks(chain)
    async with node.running():
        await node.hear([one], certificates=[chain.certify(one, ("mall", "books", "music"))])
        assert node.store.tip.height == 1
        proof = chain.certify(other, ("mall", "music", "cafe"))
        anchor = (0, 0, chain.anchor.tip.hash)
        message = node.delivery([one], certificates=[proof], after=anchor).message
        await take(node, message)
        await node.eventually(lambda: len(kept(node)) == 2)
        assert {item.validator for item in kept(node)} == {"mall", "music"}


async def test_evidence_that_a_peer_shows_is_checked_kept_shown_on_and_submitted_once(
    node: OneValidator, chain: SmallChain
) -> None:
    one, other = said(chain, b"\1", validator="cafe"), said(chain, b"\2", validator="cafe")
    async with node.running():
        for statements in ((one, other), (other, one), (one, one)):
            await take(node, shown(*statements))
        await node.eventually(lambda: bool(submitted(node)))
        await take(node, shown(one, other))
        [found] = kept(node)
        assert statements_of(found) == (one, other)
        assert node.shown == [(one, other)]
        assert submitted(node) == [found]


@pytest.mark.parametrize("forgery", ["another's key", "another chain", "another term", "another block"])
async def test_what_was_never_signed_is_refused_blames_nobody_and_costs_the_liar_its_link(
    node: OneValidator, chain: SmallChain, forgery: str
) -> None:
    one, other = said(chain, b"\1"), said(chain, b"\2")
    if forgery == "another's key":
        other = said(chain, b"\2", signer="music")
    elif forgery == "another chain":
        elsewhere = SmallChain(small_genesis(("mall", "books")))
        other = said(elsewhere, b"\2", validator_set_hash=chain.validators.hash)
    elif forgery == "another term":
        other = msgspec.structs.replace(said(chain, b"\2", term=4), term=3)
    else:
        other = msgspec.structs.replace(other, hash=b"\3" * 32)
    async with node.running():
        with pytest.raises(PeerFault, match="never made"):
            await take(node, shown(one, other))
        assert kept(node) == []
        assert submitted(node) == []


async def test_what_an_unknown_validator_says_is_passed_over(node: OneValidator, chain: SmallChain) -> None:
    async with node.running():
        strangers = [said(chain, name, validator="stranger") for name in (b"\1", b"\2")]
        await take(node, shown(*strangers))
        assert kept(node) == []


async def test_one_statement_is_compared_with_ones_own_log(node: OneValidator, chain: SmallChain) -> None:
    """What a doubtful peer shows is half of a proof whose other half is here."""
    one, other = two_blocks(chain)
    async with node.running():
        await node.hear([one])
        await take(node, shown(proposal_statement(decode_block(other.payload))))
        await node.eventually(lambda: bool(kept(node)))
        [found] = kept(node)
        assert {found.first.hash, found.second.hash} == {one.tip.hash, other.tip.hash}


async def test_what_consensus_suspects_is_logged_and_ones_own_half_shown(node: OneValidator, chain: SmallChain) -> None:
    one, other = two_blocks(chain)
    third = chain.build((), term=1)
    async with node.running():
        await node.hear([one])
        with structlog.testing.capture_logs() as lines:
            await take(node, node.delivery([third], after=(1, 1, other.tip.hash)).message)
        assert [line["log_level"] for line in lines if "contradicts" in line["event"]] == ["warning"]
        assert node.shown == [(proposal_statement(decode_block(one.payload)),)]
        assert kept(node) == []


async def test_evidence_outlives_a_restart_and_is_submitted_again(tmp_path: Path, chain: SmallChain) -> None:
    first = OneValidator(tmp_path / "ledger", chain)
    async with first.running():
        await take(first, shown(said(chain, b"\1"), said(chain, b"\2")))
        await first.eventually(lambda: bool(kept(first)))
    first.store.close()
    again = OneValidator(tmp_path / "ledger", chain)
    again.evidence.heard([said(chain, b"\1"), said(chain, b"\2")])
    async with again.running():
        await again.eventually(lambda: bool(submitted(again)))
        assert submitted(again) == kept(again)
        assert len(kept(again)) == 1


async def test_what_others_recorded_is_kept_and_not_submitted(node: OneValidator, chain: SmallChain) -> None:
    evidence = contradiction(keys_of("mall").validator.public, said(chain, b"\1"), said(chain, b"\2"))
    assert evidence is not None
    body = RecordEvidence(CREATED_AT + 1000, bytes(8), evidence)
    block = chain.build([chain.clerk.sealed(body, keys_of("cafe").operator)])
    async with node.running():
        await node.hear([block], certificates=[chain.certify(block)])
        await node.eventually(lambda: bool(kept(node)))
        assert kept(node) == [evidence]
        assert submitted(node) == []
        with node.store.view() as view:
            [record] = view.evidence()
        assert (record.validator, record.recorded_at, record.proof) == ("mall", 1, evidence)


async def test_what_the_ledger_refuses_is_not_submitted_again_with_every_other_piece(
    node: OneValidator, chain: SmallChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered: list[int] = []

    async def refuse(signed: Sequence[bytes], *, wait: bool, timeout_seconds: float) -> list[SubmitResult]:
        [transaction] = [opened(chain.chain_id, item) for item in signed]
        assert isinstance(transaction.body, RecordEvidence)
        offered.append(transaction.body.evidence.height)
        return [SubmitResult(transaction.id, SubmitStatus.REFUSED, Rejection.NOT_AUTHORIZED, None, "no", None)]

    monkeypatch.setattr(node.mempool, "submit", refuse)
    async with node.running():
        for height in (7, 8, 9):
            await take(node, shown(said(chain, b"\1", height=height), said(chain, b"\2", height=height)))
            await node.eventually(lambda: len(offered) >= height - 6)  # noqa: B023 - waited for at once
    assert offered == [7, 8, 9]
    assert len(kept(node)) == 3


async def test_an_impostor_that_signs_for_the_leader_without_its_key_changes_nothing(
    node: OneValidator, chain: SmallChain
) -> None:
    one, other = two_blocks(chain)
    false = msgspec.structs.replace(other, proposal=keys_of("cafe").validator.sign(proposal(other.tip.header)))
    async with node.running():
        await take(node, node.delivery([one]).message)
        with pytest.raises(PeerFault, match="not genuine"):
            await take(node, node.delivery([false]).message)
        assert kept(node) == []
        assert node.raft.leader == "mall"


async def test_a_peer_that_floods_is_not_listened_to_for_long(node: OneValidator, chain: SmallChain) -> None:
    async with node.running():
        for height in range(2 * BURST_MAX):
            names = (b"\1", b"\2")
            await take(node, shown(*(said(chain, name, validator="cafe", height=height) for name in names)))
        await node.eventually(lambda: len(kept(node)) >= BURST_MAX)
        assert len(kept(node)) == BURST_MAX


async def test_one_more_is_allowed_after_a_while(autojump_clock: Any) -> None:
    allowance = Allowance()
    assert [allowance.allows("mall") for _ in range(BURST_MAX + 1)] == [True] * BURST_MAX + [False]
    assert allowance.allows("books")
    await trio.sleep(5.1)
    assert [allowance.allows("mall") for _ in range(2)] == [True, False]
