"""The gateway for peers: every kind of lie costs the liar its link, and nothing of it reaches the core."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from jifen.actors.consensus import Delivery
from jifen.actors.gateway import CLOCK_AHEAD_MS_MAX, HEARTBEATS_IGNORED_MAX, TERM_AHEAD_MAX
from jifen.chain.executor import ExecutedBlock
from jifen.chain.statements import proposal
from jifen.codec.blocks import Block, block_hash, decode_block, encode_block
from jifen.codec.messages import ForwardTransactions, PeerMessage, encode_peer_message
from jifen.codec.transactions import decode_signed, encode_signed
from jifen.consensus.messages import (
    AckSignature,
    AppendRequest,
    AppendResponse,
    CertificatesRequest,
    CertificatesResponse,
    Entry,
    LeadershipCheck,
    LeadershipConfirmation,
    ReadIndexRequest,
    ReadIndexResponse,
    SnapshotOffer,
    TimeoutNow,
    TransferVoteRequest,
    VoteRequest,
    VoteResponse,
)
from jifen.consensus.types import HardState
from jifen.ledger.transactions import Signature
from jifen.store.errors import StoreDamaged
from jifen.store.ledger_store import LedgerStore
from jifen.store.records import CommittedBlock, StoreBatch
from jifen.testing.one_validator import OneValidator
from jifen.testing.small_alliance import CREATED_AT, keys_of, small_genesis
from jifen.testing.small_chain import SmallChain
from jifen.transport import PeerFault


class Door:
    """A validator's gateway, and what came through it."""

    def __init__(self, node: OneValidator, monkeypatch: pytest.MonkeyPatch) -> None:
        self.node = node
        self.chain = node.chain
        self.let_in: list[Delivery] = []

        async def deliver(delivery: Delivery) -> None:
            await trio.lowlevel.checkpoint()
            self.let_in.append(delivery)

        monkeypatch.setattr(node.consensus, "deliver", deliver)

    async def take(self, message: PeerMessage, peer: str = "mall") -> None:
        await self.node.gateway.take_frame(peer, encode_peer_message(message))

    async def refuses(self, message: PeerMessage, reason: str, peer: str = "mall") -> None:
        with pytest.raises(PeerFault, match=reason):
            await self.take(message, peer)
        assert self.let_in == []

    def request(self, *blocks: ExecutedBlock, **changes: Any) -> AppendRequest:
        request = self.node.delivery(blocks, term=blocks[-1].tip.header.term if blocks else 1).message
        assert isinstance(request, AppendRequest)
        return msgspec.structs.replace(request, **changes)


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Door:
    return Door(OneValidator(tmp_path, SmallChain()), monkeypatch)


def with_entry(request: AppendRequest, **changes: Any) -> AppendRequest:
    [entry] = request.entries
    return msgspec.structs.replace(request, entries=(msgspec.structs.replace(entry, **changes),))


def proposed(block: Block, signer: str | None = None) -> Block:
    """Return the block under the signature of its proposer, or of another."""
    header = block.header
    key = keys_of(signer or header.proposer).validator
    return msgspec.structs.replace(block, proposal=key.sign(proposal(header)))


def with_block(request: AppendRequest, block: Block) -> AppendRequest:
    """Return the request carrying another block, consistently named."""
    header = block.header
    entry = Entry(header.height, header.term, block_hash(header), header.parent_hash, encode_block(block))
    return msgspec.structs.replace(request, entries=(entry,), prev_hash=header.parent_hash)


def forged(signed: bytes) -> bytes:
    envelope = decode_signed(signed)
    [signature] = envelope.signatures
    false = Signature(signature.key, bytes([signature.signature[0] ^ 1]) + signature.signature[1:])
    return encode_signed(envelope.body, (false,))


async def test_an_honest_request_comes_in_with_its_blocks_opened(door: Door) -> None:
    built = door.chain.build([door.chain.clerk.register("ann")])
    await door.take(door.request(built))
    [delivery] = door.let_in
    [prepared] = delivery.blocks
    assert (prepared.hash, prepared.transactions) == (built.tip.hash, built.transactions)
    assert prepared.block == decode_block(built.payload)


async def test_votes_heartbeats_and_questions_come_in(door: Door) -> None:
    messages: list[PeerMessage] = [
        VoteRequest(3, "mall", "books", 0, 0, False),
        VoteResponse(3, "mall", "books", True, False),
        TimeoutNow(3, "mall", "books"),
        TransferVoteRequest(3, "mall", "books", 0, 0),
        LeadershipCheck(3, "mall", "books", 1),
        LeadershipConfirmation(3, "mall", "books", 1),
        ReadIndexRequest(3, "mall", "books", 1),
        ReadIndexResponse(3, "mall", "books", 1, 1),
        SnapshotOffer(3, "mall", "books", 1, bytes(32)),
        CertificatesRequest(3, "mall", "books", 1),
        CertificatesResponse(3, "mall", "books", ()),
        AppendRequest(1, "mall", "books", 0, 0, door.chain.anchor.tip.hash, (), 0, ()),
    ]
    for message in messages:
        await door.take(message)
    assert [delivery.message for delivery in door.let_in] == messages


@pytest.mark.parametrize("term", [TERM_AHEAD_MAX + 2, 2**53 - 1])
async def test_no_message_takes_this_validator_to_a_term_out_of_reach_of_elections(door: Door, term: int) -> None:
    anchor = door.chain.anchor.tip.hash
    for message in (
        VoteRequest(term, "mall", "books", 0, 0, False),
        VoteRequest(term, "mall", "books", 0, 0, True),
        VoteResponse(term, "mall", "books", False, False),
        AppendRequest(term, "mall", "books", 0, 0, anchor, (), 0, ()),
        AppendResponse(term, "mall", "books", False, 0, anchor, 0, 0, 0, 0, ()),
    ):
        await door.refuses(message, "ahead of ours")


async def test_a_validator_that_missed_many_elections_hears_of_their_term(door: Door) -> None:
    term = door.node.consensus.raft.term + TERM_AHEAD_MAX
    await door.take(VoteRequest(term, "mall", "books", 0, 0, False))
    assert len(door.let_in) == 1


@pytest.mark.parametrize("frame", [b"", b"\0", b"\x91\x01", b"\xc1" * 100, bytes(70_000)], ids=len)
async def test_frames_that_are_no_message_are_a_fault(door: Door, frame: bytes) -> None:
    with pytest.raises(PeerFault):
        await door.node.gateway.take_frame("mall", frame)
    assert door.let_in == []


async def test_a_message_that_contradicts_itself_is_a_fault(door: Door) -> None:
    built = door.chain.build([])
    await door.refuses(door.request(built, prev_height=5), "where 6 was due")
    await door.refuses(door.request(built, commit=7), "above the last height")


@pytest.mark.parametrize(
    "message",
    [
        VoteRequest(3, "music", "books", 0, 0, False),
        VoteRequest(3, "books", "books", 0, 0, False),
        VoteRequest(3, "mall", "music", 0, 0, False),
        TimeoutNow(3, "music", "books"),
        TransferVoteRequest(3, "music", "books", 0, 0),
        LeadershipCheck(3, "music", "books", 1),
        LeadershipConfirmation(3, "music", "books", 1),
        ReadIndexRequest(3, "music", "books", 1),
        ReadIndexResponse(3, "mall", "music", 1, 1),
        SnapshotOffer(3, "mall", "music", 1, bytes(32)),
        CertificatesRequest(3, "mall", "music", 1),
        CertificatesResponse(3, "music", "books", ()),
        ForwardTransactions("music", "books", (b"\0",)),
    ],
)
async def test_nobody_speaks_for_others_or_to_others_over_its_link(door: Door, message: PeerMessage) -> None:
    await door.refuses(message, "came over the link of mall")


async def test_a_forged_transaction_in_a_block_is_a_fault_even_when_the_genuine_one_is_known(door: Door) -> None:
    sealed = door.chain.clerk.register("ann")
    built = door.chain.build([sealed])
    door.node.checked.remember(built.transactions)
    block = decode_block(built.payload)
    false = msgspec.structs.replace(block, transactions=(forged(sealed.signed),))
    await door.refuses(with_block(door.request(built), false), "not genuine")


async def test_a_transaction_signed_for_another_chain_is_a_fault(door: Door) -> None:
    built = door.chain.build([])
    elsewhere = SmallChain(small_genesis(("mall", "books"))).clerk.register("ann")
    block = decode_block(built.payload)
    foreign = msgspec.structs.replace(block, transactions=(elsewhere.signed,))
    await door.refuses(with_block(door.request(built), foreign), "not genuine")


@pytest.mark.parametrize("change", ["hash", "payload"])
async def test_an_entry_that_does_not_name_its_block_is_a_fault(door: Door, change: str) -> None:
    built = door.chain.build([door.chain.clerk.register("ann")])
    request = door.request(built)
    if change == "hash":
        await door.refuses(with_entry(request, hash=bytes(32)), "does not name the block it carries")
    else:
        header = msgspec.structs.replace(built.tip.header, time=CREATED_AT + 1)
        other = encode_block(Block(header, decode_block(built.payload).transactions))
        await door.refuses(with_entry(request, payload=other), "does not name the block it carries")
        await door.refuses(with_entry(request, payload=built.payload[:-1]), "block")


async def test_an_entry_of_another_term_than_its_block_is_a_fault(door: Door) -> None:
    built = door.chain.build([], term=2)
    await door.refuses(with_entry(door.request(built, term=5), term=3), "does not name the block it carries")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"chain_id": bytes(32)}, "another chain"),
        ({"proposer": "stranger"}, "no validator"),
        ({"proposer": ""}, "no validator"),
    ],
)
async def test_a_header_of_another_chain_or_of_nobody_is_a_fault(
    door: Door, changes: dict[str, Any], reason: str
) -> None:
    built = door.chain.build([])
    block = decode_block(built.payload)
    false = msgspec.structs.replace(block, header=msgspec.structs.replace(block.header, **changes))
    await door.refuses(with_block(door.request(built), false), reason)


@pytest.mark.parametrize("signer", ["books", "music", "the same key for another block"])
async def test_a_block_that_its_proposer_did_not_sign_is_a_fault(door: Door, signer: str) -> None:
    built = door.chain.build([])
    block = decode_block(built.payload)
    assert proposed(block) == block
    if signer in door.chain.validators.ids:
        false = proposed(block, signer)
    else:
        header = msgspec.structs.replace(block.header, time=CREATED_AT + 1)
        false = msgspec.structs.replace(block, proposal=proposed(Block(header, ())).proposal)
    await door.refuses(with_block(door.request(built), false), "not genuine")
    await door.refuses(with_block(door.request(built), msgspec.structs.replace(block, proposal=b"")), "not genuine")


async def test_what_has_decayed_on_the_own_disk_is_not_laid_to_the_peer_that_had_it_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else an honest leader would lose its link over and over, and this validator stay behind without a word."""
    chain = SmallChain()
    store = LedgerStore(tmp_path, chain.anchor, 1 << 24)
    blocks = [chain.build([]), chain.build([])]
    commits = tuple(CommittedBlock(block, chain.certify(block)) for block in blocks)
    payloads = tuple((block.tip.height, block.payload) for block in blocks)
    store.write([StoreBatch(hard_state=HardState(1, None), blocks=payloads, commits=commits)])
    with store._env.begin(write=True, db=store._tables[b"certificates"]) as transaction:
        transaction.put((1).to_bytes(8, "big"), b"\xc1")
    store.close()
    door = Door(OneValidator(tmp_path, chain), monkeypatch)
    other = msgspec.structs.replace(commits[0].certificate, hash=bytes(32))
    with pytest.raises(StoreDamaged, match="the certificate of block 1 is damaged"):
        await door.take(door.request(commit=1, certificates=(other,)))


async def test_blocks_from_one_on_whose_maker_has_yet_to_join_are_left_out_for_now(door: Door) -> None:
    first, second = door.chain.build([]), door.chain.build([])
    header = msgspec.structs.replace(second.tip.header, proposer="newcomer", validator_set_hash=bytes(32))
    later = Entry(2, 1, block_hash(header), header.parent_hash, encode_block(Block(header, (), bytes(64))))
    proof = door.chain.certify(first)
    request = door.request(first, second, term=2, commit=1, certificates=(proof,))
    request = msgspec.structs.replace(request, entries=(request.entries[0], later))
    await door.take(request)
    await door.take(
        msgspec.structs.replace(request, commit=2, certificates=(proof, msgspec.structs.replace(proof, height=2)))
    )
    for delivery in door.let_in:
        assert isinstance(delivery.message, AppendRequest)
        assert delivery.message.entries == request.entries[:1]
        assert (delivery.message.commit, delivery.message.certificates) == (1, (proof,))
    assert len(door.let_in) == 2


async def test_no_leader_passes_anothers_block_off_as_one_of_its_own_term(door: Door) -> None:
    """The proposer's name in a block of the sender's term would otherwise be any that it likes."""
    built = door.chain.build([], proposer="music", term=3)
    await door.refuses(door.request(built), "another's making")
    await door.take(door.request(built, term=4))
    assert len(door.let_in) == 1


async def test_a_block_whose_transactions_are_not_those_of_its_header_is_still_found_by_the_executor(
    door: Door,
) -> None:
    built = door.chain.build([door.chain.clerk.register("ann")])
    emptied = msgspec.structs.replace(decode_block(built.payload), transactions=())
    await door.take(with_block(door.request(built), emptied))
    assert len(door.let_in) == 1


async def test_blocks_whose_time_runs_backwards_are_a_fault(door: Door) -> None:
    first, second = door.chain.build([], time=CREATED_AT + 100), door.chain.build([], time=CREATED_AT + 200)
    early = msgspec.structs.replace(second.tip.header, time=CREATED_AT + 50)
    entry = Entry(2, 1, block_hash(early), early.parent_hash, encode_block(proposed(Block(early, ()))))
    request = door.request(first, second)
    false = msgspec.structs.replace(request, entries=(request.entries[0], entry))
    await door.refuses(false, "runs backwards")


async def test_a_certificate_below_a_quorum_or_with_a_false_signature_is_a_fault(door: Door) -> None:
    built = door.chain.build([])
    request = door.request(built, commit=1, certificates=(door.chain.certify(built),))
    few = door.chain.certify(built, ("mall", "books"))
    await door.refuses(msgspec.structs.replace(request, certificates=(few,)), "a quorum is 3")
    late = msgspec.structs.replace(door.chain.certify(built), term=9)
    await door.refuses(msgspec.structs.replace(request, certificates=(late,)), "not genuine")
    await door.take(request)
    assert len(door.let_in) == 1


async def test_certificates_that_were_asked_for_are_checked_like_those_of_a_request(door: Door) -> None:
    built = door.chain.build([])
    few, late = door.chain.certify(built, ("mall", "books")), msgspec.structs.replace(door.chain.certify(built), term=9)
    good = CertificatesResponse(3, "mall", "books", (door.chain.certify(built),))
    await door.take(good)
    await door.take(door.request(built))
    unknown, known = [delivery.message for delivery in door.let_in]
    door.let_in.clear()
    await door.refuses(msgspec.structs.replace(good, certificates=(few,)), "a quorum is 3")
    await door.refuses(msgspec.structs.replace(good, certificates=(late,)), "not genuine")
    await door.take(good)
    assert isinstance(unknown, CertificatesResponse)
    assert isinstance(known, AppendRequest)
    assert unknown.certificates == (), "before the block is here nobody knows whose signatures count"
    assert door.let_in[0].message == good


def response(door: Door, *signatures: AckSignature) -> AppendResponse:
    tip = door.node.raft
    return AppendResponse(tip.term, "mall", "books", True, tip.last_height, tip.last_hash, 0, 0, 0, 0, signatures)


async def test_an_acknowledgement_that_its_sender_did_not_sign_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = OneValidator(tmp_path, SmallChain())
    async with node.running():
        await node.lead()
        genuine = node.acknowledgement("mall")
        stolen = msgspec.structs.replace(genuine, sender="music")
        door = Door(node, monkeypatch)
        await door.refuses(stolen, "did not sign", peer="music")
        [item] = genuine.signatures
        old = keys_of("mall").validator.sign(
            node.chain.validators.acknowledgement(node.raft.term - 1, item.height, item.hash)
        )
        false = msgspec.structs.replace(genuine, signatures=(AckSignature(item.height, item.hash, old),))
        await door.refuses(false, "did not sign")
        await door.take(genuine)
        assert [delivery.message for delivery in door.let_in] == [genuine]


async def test_a_signature_that_nobody_needs_now_is_left_out_and_cannot_be_needed_later(door: Door) -> None:
    # Unchecked it must not travel on: by the time the core hears it, this validator may lead and need it.
    rubbish = AckSignature(0, door.chain.anchor.tip.hash, bytes(64))
    await door.take(response(door, rubbish))
    [delivery] = door.let_in
    assert isinstance(delivery.message, AppendResponse)
    assert delivery.message.signatures == ()


async def test_forwarding_what_is_not_genuine_is_a_fault_when_this_validator_leads(door: Door) -> None:
    sealed = door.chain.clerk.register("ann")
    good = ForwardTransactions("mall", "books", (sealed.signed,))
    bad = ForwardTransactions("mall", "books", (sealed.signed, forged(sealed.signed)))
    await door.take(bad)
    door.node.mempool.leadership("books", 1, is_self=True)
    await door.refuses(bad, "without checking")
    await door.take(good)
    assert [item.id for item in door.node.mempool.take(9, 1 << 20)] == [sealed.id]


async def test_a_block_from_the_future_is_left_out_until_its_time_is_near(door: Door) -> None:
    built = door.chain.build([], time=CREATED_AT + CLOCK_AHEAD_MS_MAX + 5)
    door.node.now = CREATED_AT
    await door.take(door.request(built))
    assert door.let_in == []
    door.node.now += 5
    await door.take(door.request(built))
    assert len(door.let_in) == 1


async def test_a_leader_from_the_future_is_not_heard_at_all_so_that_another_is_elected(door: Door) -> None:
    built = door.chain.build([], time=CREATED_AT + CLOCK_AHEAD_MS_MAX + 5, term=2)
    heartbeat = AppendRequest(2, "mall", "books", 0, 0, door.chain.anchor.tip.hash, (), 0, ())
    await door.take(heartbeat)
    assert len(door.let_in) == 1
    await door.take(door.request(built))
    await door.take(heartbeat)
    assert len(door.let_in) == 1
    await door.take(msgspec.structs.replace(heartbeat, term=3, sender="music"), peer="music")
    assert len(door.let_in) == 2
    door.node.now += 5
    await door.take(heartbeat)
    assert len(door.let_in) == 3


async def test_a_leader_from_the_future_that_nobody_else_replaces_is_heard_again_but_not_followed(door: Door) -> None:
    """Deaf for ever, this validator could never tell that leader which certified blocks it lacks."""
    built = door.chain.build([], time=CREATED_AT + CLOCK_AHEAD_MS_MAX + 5, term=2)
    heartbeat = AppendRequest(2, "mall", "books", 0, 0, door.chain.anchor.tip.hash, (), 0, ())
    for _ in range(HEARTBEATS_IGNORED_MAX):
        await door.take(door.request(built))
        await door.take(heartbeat)
    assert door.let_in == []
    await door.take(heartbeat)
    await door.take(door.request(built))
    assert [delivery.message for delivery in door.let_in] == [heartbeat]


async def test_of_a_request_that_ends_in_the_future_the_certified_part_is_taken(door: Door) -> None:
    first = door.chain.build([], time=CREATED_AT + CLOCK_AHEAD_MS_MAX * 2)
    second = door.chain.build([], time=CREATED_AT + CLOCK_AHEAD_MS_MAX * 2)
    request = door.request(first, second, commit=1, certificates=(door.chain.certify(first),))
    await door.take(request)
    [delivery] = door.let_in
    assert delivery.message == msgspec.structs.replace(request, entries=request.entries[:1])
    assert [block.hash for block in delivery.blocks] == [first.tip.hash]


async def test_a_block_from_the_future_that_a_quorum_has_certified_is_taken(door: Door) -> None:
    built = door.chain.build([], time=CREATED_AT + CLOCK_AHEAD_MS_MAX * 2)
    await door.take(door.request(built, commit=1, certificates=(door.chain.certify(built),)))
    assert len(door.let_in) == 1


async def test_after_all_clocks_were_set_back_blocks_of_the_time_reached_are_still_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = SmallChain()
    node = OneValidator(tmp_path, chain)
    first, second = chain.build([], time=CREATED_AT), chain.build([], time=0)
    third = chain.build([], time=CREATED_AT + 1)
    async with node.running():
        await node.hear([first])
        node.now = CREATED_AT - 86_400_000
        door = Door(node, monkeypatch)
        await door.take(door.request(second))
        assert len(door.let_in) == 1
        await door.take(door.request(third))
        assert len(door.let_in) == 1


async def test_a_commit_without_certificates_opens_no_door_to_the_future(door: Door) -> None:
    built = door.chain.build([], time=CREATED_AT + CLOCK_AHEAD_MS_MAX * 2)
    await door.take(door.request(built, commit=1))
    assert door.let_in == []
