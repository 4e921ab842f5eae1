"""Validators that lie among honest ones: the proof stands on every honest ledger, with the liar's name and no other."""

import pytest

from jifen.ledger.evidence.records import EvidenceAgainst
from jifen.ledger.evidence.statements import StatementKind
from jifen.ledger.state import EVIDENCE, evidence_key
from jifen.testing.world.engine import World
from jifen.testing.world.liars import DOUBLE_ACKNOWLEDGEMENTS
from jifen.testing.world.scenario import from_text


def play(text: str, until: int = 2000) -> World:
    world = World(from_text(f"clients 2\nthink_ms 80\nduration_ms 9000\n{text}"))
    world.run_until(until)
    assert world.height > 3
    return world


def recorded(world: World, id: str) -> dict[str, EvidenceAgainst]:
    """Return what a validator's ledger records, by culprit."""
    found: dict[str, EvidenceAgainst] = {}
    for culprit in world.ids:
        record = world.nodes[id].disk.get(evidence_key(culprit))
        if isinstance(record, EvidenceAgainst):
            found[culprit] = record
    assert len(found) == sum(key[:1] == EVIDENCE for key in world.nodes[id].disk.state.records)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_a_leader_that_shows_one_follower_another_block_stands_on_every_ledger(seed: int) -> None:
    world = play(f"seed {seed}")
    liar = world.leader_id()
    assert liar is not None
    told = world.clients.counts["told"]
    world.nemesis(f"equivocate {liar}")
    world.run_until(7000)

    assert world.liars[liar].told >= 1
    for id in world.ids:
        if id != liar:
            against = recorded(world, id)
            assert against.keys() == {liar}, world.report(AssertionError(id))
            assert {piece.kind for piece in against[liar].pieces} == {StatementKind.PROPOSAL}
            assert world.nodes[id].disk.evidence.keys() == {
                (liar, piece.kind, piece.term, piece.height) for piece in against[liar].pieces
            }
    assert world.clients.counts["told"] > told + 20, "and the others go on"


@pytest.mark.parametrize("seed", range(2))
def test_a_follower_that_acknowledges_two_blocks_stands_on_every_ledger(seed: int) -> None:
    world = play(f"seed {seed}")
    leader = world.leader_id()
    liar = next(id for id in world.ids if id != leader)
    term = world.checks.auditor.term
    world.nemesis(f"double-ack {liar}")
    world.run_until(4000)
    world.clients.resting = True
    world.run_until(5000)

    assert world.liars[liar].told == DOUBLE_ACKNOWLEDGEMENTS
    for id in world.ids:
        against = recorded(world, id)
        assert against.keys() == {liar}
        assert {piece.kind for piece in against[liar].pieces} == {StatementKind.ACKNOWLEDGEMENT}
    assert (world.leader_id(), world.checks.auditor.term) == (leader, term), "nobody else was disturbed"


@pytest.mark.parametrize("fault", ["crash leader", "partition mall books | music cafe", "pause leader", "transfer any"])
def test_no_honest_validator_is_ever_accused_beside_a_liar(fault: str) -> None:
    """Even where one lies and others fail: what the honest say in the confusion convicts none of them."""
    convicted = 0
    for seed in range(2):
        world = play(f"seed {seed}\nloss_per_mille 20\ndelay_ms_mean 20")
        liar = world.leader_id()
        assert liar is not None
        world.nemesis(f"equivocate {liar}")
        world.nemesis(f"double-ack {liar}")
        for at in range(2500, 5500, 1100):
            world.run_until(at)
            world.nemesis(fault)
            world.run_until(at + 500)
            world.nemesis("heal")
            world.nemesis("resume all")
            world.nemesis("restart all")
        world.run_until(6500)
        accused = {name for node in world.nodes.values() for name, *_ in node.disk.evidence}
        assert accused <= {liar}
        convicted += len(accused)
    assert convicted, "a test in which nobody is convicted shows nothing"
