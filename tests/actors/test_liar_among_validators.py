"""Real validators over real TLS, and one that lies with its own keys: its name comes to stand on every ledger."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest
import trio

from jifen.actors.node import Node
from jifen.chain.statements import proposal, statement_claim
from jifen.codec.blocks import Block, Header, block_hash, encode_block
from jifen.codec.messages import PeerMessage, ShowStatements, encode_peer_message
from jifen.consensus.messages import AppendRequest, Entry
from jifen.ledger.evidence.records import EvidenceAgainst
from jifen.ledger.evidence.statements import Statement, StatementKind
from jifen.ledger.records import read
from jifen.ledger.state import evidence_key
from jifen.testing.running_alliance import RunningAlliance, running_alliance
from jifen.testing.small_alliance import keys_of
from jifen.transport import Address, LinkState, Peer, certificate_fingerprint, client_context, dial_peer


class StolenLink:
    """A link to a validator under another's name, with that one's TLS identity."""

    def __init__(self, frames: trio.MemorySendChannel[bytes]) -> None:
        self._frames = frames
        self.states: list[LinkState] = []
        self.changed = trio.Event()

    def on_change(self, peer: str, state: LinkState) -> None:
        self.states.append(state)
        self.changed.set()
        self.changed = trio.Event()

    async def until(self, connected: bool) -> LinkState:
        with trio.fail_after(60):
            while not self.states or self.states[-1].connected is not connected:
                await self.changed.wait()
        return self.states[-1]

    async def send(self, message: PeerMessage) -> None:
        await self._frames.send(encode_peer_message(message))


@asynccontextmanager
async def link(alliance: RunningAlliance, sender: str, recipient: str) -> AsyncIterator[StolenLink]:
    """Dial `recipient` as `sender`, which must not run."""
    setup = alliance.alliance.setups[sender]
    pem = next(item.certificate_pem for item in setup.genesis.validators if item.organization == recipient).encode()
    context = client_context(
        certificate_path=setup.certificate_path,
        private_key_path=setup.private_key_path,
        peer_certificates={recipient: pem},
    )
    frames, taken = trio.open_memory_channel[bytes](8)
    stolen = StolenLink(frames)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            partial(
                dial_peer,
                address=Address(*setup.peer_addresses[recipient]),
                local=sender,
                peer=Peer(recipient, certificate_fingerprint(pem)),
                chain_id=alliance.nodes[recipient].chain_id,
                context=context,
                frames=taken,
                on_change=stolen.on_change,
                random=random.Random(1),
            )
        )
        await stolen.until(connected=True)
        yield stolen
        nursery.cancel_scope.cancel()


@pytest.fixture
async def alliance(tmp_path: Path) -> AsyncIterator[RunningAlliance]:
    """Four validators, of which cafe has stopped: whoever has its keys speaks for it."""
    async with running_alliance(tmp_path) as running:
        await running.start()
        await running.submit(await running.leader(), running.clerk.register("ann").signed)
        await running.stop("cafe")
        await running.leader()
        yield running


def request_of(node: Node, time: int, signer: str = "cafe") -> AppendRequest:
    """Return what cafe, leading a term of its own, might send as the next block; the time makes it another."""
    with node.read() as view:
        tip = view.tip
    term = tip.header.term + 1000
    header = msgspec.structs.replace(
        tip.header, height=tip.height + 1, term=term, parent_hash=tip.hash, proposer="cafe", time=tip.header.time + time
    )
    assert isinstance(header, Header)
    name = block_hash(header)
    signature = keys_of(signer).validator.sign(proposal(header))
    entry = Entry(header.height, term, name, tip.hash, encode_block(Block(header, (), signature)))
    before = (tip.height, tip.header.term, tip.hash)
    return AppendRequest(term, "cafe", "mall", *before, (entry,), 0, ())


def recorded(node: Node) -> dict[str, EvidenceAgainst]:
    """Return what a validator's ledger records, by culprit."""
    found = {}
    with node.read() as view:
        for name in ("mall", "books", "music", "cafe"):
            record = read(view, evidence_key(name), EvidenceAgainst)
            if record is not None:
                found[name] = record
    return found


async def test_two_proposals_under_a_genuine_key_convict_their_maker_on_every_ledger(alliance: RunningAlliance) -> None:
    node = alliance.nodes["mall"]
    one, other = request_of(node, 1), request_of(node, 2)
    async with link(alliance, "cafe", "mall") as stolen:
        await stolen.send(one)
        await stolen.send(other)
        await alliance.found(lambda: True if all(map(recorded, alliance.nodes.values())) else None)
    for validator in alliance.nodes.values():
        against = recorded(validator)
        assert against.keys() == {"cafe"}
        [piece] = against["cafe"].pieces
        assert (piece.kind, piece.term, piece.height) == (
            StatementKind.PROPOSAL,
            one.term,
            one.entries[0].height,
        )
        assert {piece.first_hash, piece.second_hash} == {one.entries[0].hash, other.entries[0].hash}
        with validator.read() as view:
            [known] = view.evidence()
        assert known.recorded_at == piece.recorded_at
        assert known.proof is not None
    [result] = await alliance.submit(await alliance.leader(), alliance.clerk.register("bob").signed)
    assert result.rejection is None
    await alliance.digest()
    await alliance.start("cafe")
    await alliance.digest()
    assert recorded(alliance.nodes["cafe"]).keys() == {"cafe"}, "the culprit's own ledger says so too"


async def test_forgeries_convict_nobody_and_cost_the_forger_its_link(alliance: RunningAlliance) -> None:
    node = alliance.nodes["mall"]
    chain, set_hash = node.chain_id, request_of(node, 1).entries[0].hash

    def blaming(name: bytes, signer: str) -> Statement:
        said = Statement("books", StatementKind.PROPOSAL, 1, 1, set_hash, name * 32, bytes(64))
        message = statement_claim(chain, b"", said).message
        return msgspec.structs.replace(said, signature=keys_of(signer).validator.sign(message))

    genuine = blaming(b"\1", "books")
    lies: list[PeerMessage] = [
        request_of(node, 3, signer="books"),
        ShowStatements("cafe", "mall", (genuine, blaming(b"\2", "cafe"))),
        ShowStatements("cafe", "mall", (genuine, msgspec.structs.replace(genuine, hash=b"\2" * 32))),
        ShowStatements("cafe", "mall", (blaming(b"\1", "cafe"), blaming(b"\2", "cafe"))),
    ]
    for lie in lies:
        async with link(alliance, "cafe", "mall") as stolen:
            await stolen.send(lie)
            assert "genuine" in (state := await stolen.until(connected=False)).detail or "never made" in state.detail
    async with link(alliance, "cafe", "mall") as stolen:
        await stolen.send(ShowStatements("cafe", "mall", (genuine, genuine)))
        [result] = await alliance.submit("mall", alliance.clerk.register("bob").signed)
        await alliance.height(result.height or 0)
    assert [recorded(validator) for validator in alliance.nodes.values()] == [{}, {}, {}]
