"""Validators come and go while the others go on: real validators in one process, over real TLS."""

from pathlib import Path

import msgspec
import pytest
import trio

from jifen.actors.clock import system_clock
from jifen.actors.joining import become_voter
from jifen.actors.node import NodeRetired, run_node
from jifen.ledger.governance.bodies import ProposeChange, VoteOnProposal
from jifen.ledger.governance.changes import Change, RemoveValidator
from jifen.ledger.governance.validators import ValidatorStatus, read_validator_set
from jifen.testing.running_alliance import PATIENCE_SECONDS, RunningAlliance, running_alliance
from jifen.testing.small_alliance import keys_of, newcomer_setup


async def decide(running: RunningAlliance, change: Change, *organizations: str) -> None:
    """Have the first organization propose a change and the others approve it."""
    first, *others = organizations
    now, clerk = system_clock(), running.clerk
    body = ProposeChange(clerk.expires_at, f"{now:012}".encode(), first, change, now + 3_600_000)
    proposal = clerk.sealed(body, keys_of(first).operator)
    via = await running.leader()
    [result] = await running.submit(via, proposal.signed)
    assert result.rejection is None, result
    for name in others:
        vote = VoteOnProposal(clerk.expires_at, f"{now:012}".encode(), name, proposal.id, True)
        [result] = await running.submit(via, clerk.sealed(vote, keys_of(name).operator).signed)
        assert result.rejection is None, result


async def join(running: RunningAlliance, name: str) -> None:
    """Start an admitted validator from nothing and see it become a voter."""
    await running.start(name)
    with trio.fail_after(PATIENCE_SECONDS):
        await become_voter(running.nodes[name])
    record = running.nodes[name].own_record()
    assert record is not None
    assert record.status is ValidatorStatus.VOTER


async def configuration(running: RunningAlliance, *voters: str) -> None:
    """Wait until every running validator's ledger names exactly these voters, with no change under way."""

    def agreed() -> bool | None:
        for node in running.nodes.values():
            with node.read() as view:
                current = read_validator_set(view)
            if current.joint or sorted(current.voters) != sorted(voters):
                return None
        return True

    assert await running.found(agreed)


async def test_a_newcomer_is_admitted_fetches_everything_and_votes(tmp_path: Path) -> None:
    async with running_alliance(tmp_path) as running:
        await running.start()
        leader = await running.leader()
        await running.submit(leader, running.clerk.register("ann").signed)
        setup, admission = newcomer_setup(tmp_path, running.alliance, "tea", "tea")
        running.alliance.setups["tea"] = setup
        await decide(running, admission, "mall", "books", "music", "cafe")
        await join(running, "tea")
        await configuration(running, "mall", "books", "music", "cafe", "tea")

        # Three of five are a quorum only if the newcomer is one of them.
        others = [name for name in ("mall", "books", "music", "cafe") if name != await running.leader()]
        await running.stop(*others[:2])
        [result] = await running.submit("tea", running.clerk.register("bo").signed)
        assert result.rejection is None
        await running.start(*others[:2])
        await running.digest()


async def test_a_lost_validator_is_replaced_by_another_of_its_organization(tmp_path: Path) -> None:
    async with running_alliance(tmp_path) as running:
        await running.start("mall", "books", "music")
        setup, admission = newcomer_setup(tmp_path, running.alliance, "cafe-2", "cafe")
        running.alliance.setups["cafe-2"] = setup
        replacing = msgspec.structs.replace(admission, replaces="cafe")
        await decide(running, replacing, "mall", "books", "music", "cafe")
        await join(running, "cafe-2")
        await configuration(running, "mall", "books", "music", "cafe-2")
        await running.digest()


async def test_a_removed_leader_leads_to_the_end_and_stops_in_peace(tmp_path: Path) -> None:
    async with running_alliance(tmp_path) as running:
        await running.start()
        leader = await running.leader()
        await decide(running, RemoveValidator(leader), "mall", "books", "music", "cafe")
        await running.retired(leader)
        others = [name for name in ("mall", "books", "music", "cafe") if name != leader]
        await configuration(running, *others)
        [result] = await running.submit(others[0], running.clerk.register("ann").signed)
        assert result.rejection is None
        await running.digest()

        # Its ledger says so from now on.
        with pytest.raises(NodeRetired, match="taken out"):
            await run_node(running.alliance.setups[leader])
