"""Snapshots meet changes of the voters, on real validators that keep few blocks, over real TLS in one process."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import trio

from jifen import config
from jifen.actors import snapshots
from jifen.actors.clock import system_clock
from jifen.actors.joining import become_voter
from jifen.actors.node import NodeRetired, SubmitStatus, run_node
from jifen.codec.genesis import encode_genesis
from jifen.ledger.governance.bodies import ProposeChange, VoteOnProposal
from jifen.ledger.governance.changes import Change, RemoveValidator
from jifen.ledger.governance.validators import read_validator_set
from jifen.ledger.rejections import Rejection
from jifen.testing.running_alliance import PATIENCE_SECONDS, QUICK, RunningAlliance, running_alliance
from jifen.testing.small_alliance import keys_of, newcomer_setup, small_alliance
from jifen.verification import compare, verify_directory

ORGANIZATIONS = ("mall", "books", "music", "cafe")
SETTINGS = {"checkpoint_blocks": 10, "retained_blocks": 2, "uncommitted_heights_max": 4}


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningAlliance]:
    made = small_alliance(tmp_path, timing=QUICK, **SETTINGS)  # type: ignore[arg-type]
    async with running_alliance(tmp_path, alliance=made) as alliance:
        yield alliance


async def work(running: RunningAlliance, first: int, count: int) -> None:
    """Commit a block for each of `count` members."""
    through = await running.leader()
    for number in range(first, first + count):
        [result] = await running.submit(through, running.clerk.register(f"member {number}").signed)
        assert (result.status, result.rejection) == (SubmitStatus.COMMITTED, None), result


async def decide(running: RunningAlliance, change: Change) -> None:
    """Have everybody approve a change."""
    first, *others = ORGANIZATIONS
    now, clerk = system_clock(), running.clerk
    nonce = f"{now:012}".encode()
    body = ProposeChange(clerk.expires_at, nonce, first, change, now + 3_600_000)
    proposal = clerk.sealed(body, keys_of(first).operator)
    votes = [
        clerk.sealed(VoteOnProposal(clerk.expires_at, nonce, name, proposal.id, True), keys_of(name).operator)
        for name in others
    ]
    for item in (proposal, *votes):
        [result] = await running.submit(await running.leader(), item.signed)
        # Whose validator is to go is not asked, so the last vote may come when all is decided.
        assert result.rejection in (None, Rejection.PROPOSAL_NOT_OPEN), result


async def voters(running: RunningAlliance, *names: str) -> None:
    """Wait until every running validator's ledger names exactly these voters, with no change under way."""

    def agreed() -> bool | None:
        for node in running.nodes.values():
            with node.read() as view:
                current = read_validator_set(view)
            if current.joint or sorted(current.voters) != sorted(names):
                return None
        return True

    await running.found(agreed)


async def replace(running: RunningAlliance, home: Path, newcomer: str, old: str) -> None:
    """Put another validator of its organization in a validator's place."""
    setup, admission = newcomer_setup(home, running.alliance, newcomer, ORGANIZATIONS[3])
    running.alliance.setups[newcomer] = setup
    await decide(running, msgspec.structs.replace(admission, replaces=old))


async def joined(running: RunningAlliance, name: str) -> None:
    """Start an admitted validator from nothing and see it become a voter."""
    await running.start(name)
    with trio.fail_after(PATIENCE_SECONDS):
        await become_voter(running.nodes[name])


async def compacted(running: RunningAlliance, above: int) -> None:
    """Wait until every running validator has dropped the blocks up to a height."""

    def look() -> bool | None:
        firsts = []
        for node in running.nodes.values():
            with node.read() as view:
                firsts.append(view.first_height)
        return min(firsts) > above or None

    await running.found(look)


async def verified(running: RunningAlliance) -> None:
    """Stop everything and have `jifen verify` replay all directories."""
    await running.stop()
    reports = []
    for setup in running.alliance.setups.values():
        (setup.directory / config.GENESIS_FILE).write_bytes(encode_genesis(setup.genesis))
        listen = "".join(
            f'{item}_listen = "127.0.0.1:{port}"\n' for port, item in enumerate(("peer", "public", "admin"), 1)
        )
        text = f'format = 1\norganization = "{setup.organization}"\n{listen}'
        (setup.directory / config.CONFIG_FILE).write_text(text)
        reports.append(await trio.to_thread.run_sync(verify_directory, setup.directory))
    newest = max(report.height for report in reports)
    compare([report for report in reports if report.height == newest])


async def test_one_admitted_after_two_changes_joins_from_zero_by_snapshot_and_completes_a_quorum(
    running: RunningAlliance, tmp_path: Path
) -> None:
    await running.start()
    await work(running, 0, 2)
    await replace(running, tmp_path, "cafe-2", "cafe")
    await joined(running, "cafe-2")
    await running.retired("cafe")
    await decide(running, RemoveValidator("cafe-2"))
    await running.retired("cafe-2")
    await voters(running, "mall", "books", "music")
    await work(running, 10, 2)
    setup, admission = newcomer_setup(tmp_path, running.alliance, "cafe-3", "cafe")
    running.alliance.setups["cafe-3"] = setup
    await decide(running, admission)
    with running.nodes[await running.leader()].read() as view:
        height = view.height
    await work(running, 20, 25)
    await compacted(running, height)
    await joined(running, "cafe-3")
    await voters(running, "mall", "books", "music", "cafe-3")
    with running.nodes["cafe-3"].read() as view:
        assert view.first_height > height, "it came by snapshot"
        assert len(view.configuration_changes()) == 3

    # Three of four are a quorum only with the newcomer among them.
    leader = await running.leader()
    other = next(name for name in ("mall", "books", "music") if name != leader)
    await running.stop(other)
    await work(running, 100, 2)
    await running.start(other)
    await running.digest()
    await verified(running)


async def test_one_that_was_away_for_a_change_comes_back_by_snapshot_and_votes(
    running: RunningAlliance, tmp_path: Path
) -> None:
    await running.start()
    await work(running, 0, 2)
    await running.stop("music")
    await replace(running, tmp_path, "cafe-2", "cafe")
    await joined(running, "cafe-2")
    await running.retired("cafe")
    await work(running, 10, 30)
    await compacted(running, 20)
    await running.start("music")
    await voters(running, "mall", "books", "music", "cafe-2")
    await running.digest()
    leader = await running.leader()
    other = next(name for name in ("mall", "books", "cafe-2") if name != leader)
    await running.stop(other)
    await work(running, 100, 2)
    await running.start(other)
    await running.digest()
    await verified(running)


@pytest.mark.parametrize("leader_again", [False, True], ids=["same leader", "everybody restarted"])
async def test_one_that_was_removed_while_it_was_away_comes_back_by_snapshot_and_stops_in_peace(
    running: RunningAlliance, leader_again: bool
) -> None:
    await running.start()
    await work(running, 0, 2)
    await running.stop("music")
    await decide(running, RemoveValidator("music"))
    await voters(running, "mall", "books", "cafe")
    await work(running, 10, 30)
    await compacted(running, 20)
    if leader_again:
        await running.stop()
        await running.start("mall", "books", "cafe")
        await running.leader()
    await running.start("music")
    await running.retired("music")
    # Whoever starts it again is told again, however long that takes.
    with pytest.raises(NodeRetired, match="taken out"):
        await run_node(running.alliance.setups["music"])
    await running.digest()
    await verified(running)


async def test_one_that_was_away_for_two_changes_and_long_after_them_is_told_by_whoever_stayed(
    running: RunningAlliance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jifen.actors.peers.RETIRED_LINK_BLOCKS", 5)
    monkeypatch.setattr("jifen.actors.snapshots.LOOKS_SECONDS", 1.0)
    await running.start()
    await work(running, 0, 2)
    await running.stop("music")
    await decide(running, RemoveValidator("music"))
    await voters(running, "mall", "books", "cafe")
    await replace(running, tmp_path, "cafe-2", "cafe")
    await joined(running, "cafe-2")
    await running.retired("cafe")
    await work(running, 10, 30)
    await compacted(running, 20)
    # One that it has never heard of leads, so that nobody whom it would hear as a leader can tell it.
    leader = await running.leader()
    if leader != "cafe-2":
        running.nodes[leader]._consensus.raft.transfer_leadership("cafe-2")
        await running.found(lambda: running.nodes[leader].status().leader == "cafe-2" or None)
    assert all(peer.id != "music" for peer in running.nodes["mall"].status().peers), "nobody dials it any more"

    await running.start("music")
    await running.retired("music")
    await work(running, 100, 2)
    await running.digest()
    await verified(running)


async def test_one_that_was_taken_out_before_it_had_heard_anything_is_told_by_whoever_leads(
    running: RunningAlliance, tmp_path: Path
) -> None:
    await running.start()
    await work(running, 0, 2)
    setup, admission = newcomer_setup(tmp_path, running.alliance, "cafe-2", ORGANIZATIONS[3])
    running.alliance.setups["cafe-2"] = setup
    await decide(running, admission)
    await decide(running, RemoveValidator("cafe-2"))
    await work(running, 10, 2)

    # It has never voted, so that it does not ask for votes and nobody hears of it by that.
    await running.start("cafe-2")
    await running.retired("cafe-2")
    await running.digest()
    await verified(running)


async def test_one_that_hears_nobody_for_long_and_votes_still_is_not_told_that_it_is_out(
    running: RunningAlliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jifen.actors.snapshots.LOOKS_SECONDS", 0.2)
    await running.start()
    await work(running, 0, 2)
    await running.stop("music")
    await work(running, 2, 40)
    await compacted(running, 12)
    await running.stop("mall", "books")
    await running.start("music")
    asked = trio.Event()
    looked = snapshots.SnapshotExchange._look_whether_out

    async def look(self: snapshots.SnapshotExchange) -> None:
        await looked(self)
        asked.set()

    monkeypatch.setattr(snapshots.SnapshotExchange, "_look_whether_out", look)
    with trio.fail_after(PATIENCE_SECONDS):
        await asked.wait()
    await running.start("mall", "books")
    await work(running, 100, 2)
    await running.digest()
    await verified(running)
