"""A leader that is told to stop hands over first: nobody waits for an election timeout, nothing taken in is lost."""

from pathlib import Path

import pytest
import trio

from jifen.actors.node import SubmitStatus
from jifen.codec.messages import encode_peer_message
from jifen.consensus import elections
from jifen.consensus.messages import TimeoutNow, TransferVoteRequest
from jifen.consensus.state import State
from jifen.consensus.types import RandomDraws, Role
from jifen.testing.one_validator import TICKS_MIN, OneValidator
from jifen.testing.running_alliance import PATIENCE_SECONDS, running_alliance
from jifen.testing.small_chain import SmallChain


@pytest.fixture
def chain() -> SmallChain:
    return SmallChain()


@pytest.fixture
def node(tmp_path: Path, chain: SmallChain) -> OneValidator:
    return OneValidator(tmp_path, chain)


async def test_a_leader_that_stops_cleanly_leaves_another_before_anybody_grows_impatient(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient: list[str] = []
    campaign = elections.campaign

    def watched(state: State, random: RandomDraws) -> None:
        impatient.append(state.config.id)
        campaign(state, random)

    async with running_alliance(tmp_path) as running:
        await running.start()
        old = await running.leader()
        clerk = running.clerk
        [before] = await running.submit(old, clerk.register("ann").signed)
        await running.height(before.height or 0)
        term = running.nodes[old].status().term
        monkeypatch.setattr(elections, "campaign", watched)
        await running.nodes[old].hand_over(PATIENCE_SECONDS)
        new = running.nodes[old].status()
        assert new.role == "follower"
        assert (new.term, impatient) == (term + 1, [])
        assert new.leader in set(running.names) - {old}
        await running.stop(old)
        assert await running.leader() == new.leader
        [after] = await running.submit(str(new.leader), clerk.register("bob").signed)
        assert after.status is SubmitStatus.COMMITTED


async def test_what_the_leaving_leader_took_in_is_committed_by_the_next_before_it_goes(tmp_path: Path) -> None:
    async with running_alliance(tmp_path) as running:
        await running.start()
        old = await running.leader()
        await running.height(1)  # the others have answered, so that there is somebody to hand over to
        node, sealed = running.nodes[old], [running.clerk.register(f"member {number}") for number in range(40)]
        await node.submit([item.signed for item in sealed], wait=False, timeout_seconds=0)
        await node.hand_over(PATIENCE_SECONDS)
        with node.read() as view:
            assert all(view.outcome(item.id) is not None for item in sealed)
        assert node.status().pending_transactions == 0
        assert node.status().leader != old


async def test_who_does_not_lead_or_has_nobody_to_hand_over_to_goes_at_once(tmp_path: Path) -> None:
    async with running_alliance(tmp_path, ("mall", "books", "music")) as running:
        await running.start()
        with trio.fail_after(PATIENCE_SECONDS):
            follower = await running.follower()
            term = running.nodes[follower].status().term
            await running.nodes[follower].hand_over(2 * PATIENCE_SECONDS)
            assert running.nodes[follower].status().term == term
    async with running_alliance(tmp_path / "alone", ("mall",)) as running:
        await running.start()
        await running.leader()
        with trio.fail_after(PATIENCE_SECONDS):
            await running.nodes["mall"].hand_over(2 * PATIENCE_SECONDS)


async def test_while_handing_over_nothing_is_proposed_and_afterwards_what_waited_goes_to_the_next_leader(
    node: OneValidator, chain: SmallChain
) -> None:
    async with node.running(), trio.open_nursery() as nursery:
        await node.lead()
        await node.acknowledge("mall", "music", "cafe")
        nursery.start_soon(node.consensus.hand_over)
        await node.settle()
        [told] = [message for message in node.sent if isinstance(message, TimeoutNow)]
        signed = chain.clerk.register("ann").signed
        await node.mempool.submit([signed], wait=False, timeout_seconds=0)
        await node.settle()
        assert (node.raft.last_height, node.mempool.pending) == (1, 1)
        request = TransferVoteRequest(node.raft.term + 1, told.recipient, node.name, 1, node.raft.term)
        await node.gateway.take_frame(told.recipient, encode_peer_message(request))
        await node.settle()
        assert (node.raft.role, node.raft.vote) == (Role.FOLLOWER, told.recipient)
        assert node.forwarded == []
        assert nursery.child_tasks, "it waits for the next leader, not only for its own end"
        await node.hear(leader=told.recipient, term=node.raft.term)
        assert node.forwarded == [(told.recipient, (signed,))]


async def test_a_leader_whose_chosen_successor_does_not_come_leads_on(node: OneValidator, chain: SmallChain) -> None:
    async with node.running(), trio.open_nursery() as nursery:
        await node.lead()
        await node.acknowledge("mall", "music")
        nursery.start_soon(node.consensus.hand_over)
        await node.settle()
        await node.mempool.submit([chain.clerk.register("ann").signed], wait=False, timeout_seconds=0)
        for _ in range(TICKS_MIN):
            await node.acknowledge("mall", "music")
            node.consensus.tick()
            await node.settle()
        assert node.raft.role is Role.LEADER
        assert node.raft.last_height == 2
