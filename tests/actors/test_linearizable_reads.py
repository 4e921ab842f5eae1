"""Reading at a height that is current: what the actors add to the core's ReadIndex."""

import random
from pathlib import Path

import pytest
import trio

from jifen.actors.reads import Reader, ReadQueue
from jifen.codec.messages import encode_peer_message
from jifen.consensus.messages import LeadershipCheck, LeadershipConfirmation, ReadIndexRequest, ReadIndexResponse
from jifen.testing.one_validator import OneValidator
from jifen.testing.running_alliance import PATIENCE_SECONDS, running_alliance
from jifen.testing.small_chain import SmallChain


@pytest.fixture
def chain() -> SmallChain:
    return SmallChain()


@pytest.fixture
def node(tmp_path: Path, chain: SmallChain) -> OneValidator:
    return OneValidator(tmp_path, chain)


class Readers:
    """Readers that started, and the heights they got."""

    def __init__(self, node: OneValidator, nursery: trio.Nursery) -> None:
        self.heights: list[int] = []
        self._node = node
        self._nursery = nursery

    async def start(self, count: int = 1) -> None:
        for _ in range(count):
            self._nursery.start_soon(self._read)
        await self._node.settle()

    async def _read(self) -> None:
        self.heights.append(await self._node.consensus.read_index())


async def test_readers_that_come_together_are_asked_for_once(node: OneValidator) -> None:
    async with node.running(), trio.open_nursery() as nursery:
        await node.lead()
        await node.acknowledge("mall", "music")
        readers = Readers(node, nursery)
        await readers.start(5)
        asked = [message for message in node.sent if isinstance(message, LeadershipCheck)]
        assert {message.round for message in asked} == {1}
        for peer in ("mall", "music"):
            await node.gateway.take_frame(
                peer, encode_peer_message(LeadershipConfirmation(node.raft.term, peer, node.name, 1))
            )
        await node.settle()
        assert readers.heights == [1] * 5


async def test_a_followers_reader_is_answered_by_the_leader(node: OneValidator, chain: SmallChain) -> None:
    async with node.running(), trio.open_nursery() as nursery:
        await node.hear([chain.build(())])
        readers = Readers(node, nursery)
        await readers.start()
        [request] = [message for message in node.sent if isinstance(message, ReadIndexRequest)]
        response = ReadIndexResponse(request.term, "mall", node.name, request.request_id, 17)
        await node.gateway.take_frame("mall", encode_peer_message(response))
        await node.settle()
        assert readers.heights == [17]


async def test_a_lost_read_is_asked_for_again_at_the_next_tick_with_another_id(
    node: OneValidator, chain: SmallChain
) -> None:
    async with node.running(), trio.open_nursery() as nursery:
        readers = Readers(node, nursery)
        await readers.start()
        assert node.sent == [], "there is no leader to ask"
        await node.hear([chain.build(())])
        node.consensus.tick()
        await node.settle()
        await node.hear(leader="music", term=2)
        node.consensus.tick()
        await node.settle()
        asked = [message for message in node.sent if isinstance(message, ReadIndexRequest)]
        assert [message.recipient for message in asked] == ["mall", "music"]
        first, second = asked
        assert second.request_id > first.request_id
        await node.gateway.take_frame(
            "mall", encode_peer_message(ReadIndexResponse(1, "mall", node.name, first.request_id, 3))
        )
        await node.gateway.take_frame(
            "music", encode_peer_message(ReadIndexResponse(2, "music", node.name, second.request_id, 4))
        )
        await node.settle()
        assert readers.heights == [4]


async def test_a_reader_that_gave_up_is_not_asked_for_again(node: OneValidator, chain: SmallChain) -> None:
    async with node.running():
        async with trio.open_nursery() as nursery:
            await Readers(node, nursery).start()
            nursery.cancel_scope.cancel()
        await node.hear([chain.build(())])
        node.consensus.tick()
        await node.settle()
        assert [message for message in node.sent if isinstance(message, ReadIndexRequest)] == []


def test_two_starts_of_one_validator_use_different_ids() -> None:
    """etcd-io/raft issue 397, over a restart."""
    asked: list[int] = []

    class Core:
        def read_index(self, request_id: int) -> None:
            asked.append(request_id)

    for _ in range(2):
        queue = ReadQueue(random.SystemRandom())
        for _ in range(2):
            queue.add(Reader())
            queue.ask(Core())  # type: ignore[arg-type]
    assert asked[1] == asked[0] + 1
    assert asked[3] == asked[2] + 1
    assert abs(asked[2] - asked[0]) > 1_000


async def test_every_validators_current_height_includes_what_another_has_confirmed(tmp_path: Path) -> None:
    async with running_alliance(tmp_path) as running:
        await running.start()
        leader = await running.leader()
        for number in range(3):
            [result] = await running.submit(leader, running.clerk.register(f"member {number}").signed)
            for name, node in running.nodes.items():
                height = await node.read_index(PATIENCE_SECONDS)
                assert height is not None, name
                assert height >= (result.height or 0), name
                assert await node.wait_for_height(height, PATIENCE_SECONDS)
                with node.read() as view:
                    assert view.account(running.clerk.member(f"member {number}").account) is not None


async def test_without_a_quorum_there_is_no_current_height(tmp_path: Path) -> None:
    async with running_alliance(tmp_path) as running:
        await running.start()
        leader = await running.leader()
        await running.stop(*[name for name in running.names if name != leader][:2])
        for node in running.nodes.values():
            assert await node.read_index(0.1) is None
