"""Four real validators over real TLS: what members and merchants may rely on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from jifen.actors.node import SubmitStatus
from jifen.ledger.rejections import Rejection
from jifen.testing.running_alliance import RunningAlliance, running_alliance


@pytest.fixture
async def alliance(tmp_path: Path) -> AsyncIterator[RunningAlliance]:
    async with running_alliance(tmp_path) as running:
        await running.start()
        yield running


async def test_all_commit_what_one_took_in_and_agree_on_the_state(alliance: RunningAlliance) -> None:
    leader = await alliance.leader()
    [result] = await alliance.submit(leader, alliance.clerk.register("ann").signed)
    assert (result.status, result.rejection, result.error) == (SubmitStatus.COMMITTED, None, None)
    assert result.height is not None
    await alliance.height(result.height)
    await alliance.digest()
    for node in alliance.nodes.values():
        with node.read() as view:
            record = view.transaction(result.id or b"")
            assert record is not None
            assert (record.height, view.account(alliance.clerk.member("ann").account) is not None) == (
                result.height,
                True,
            )
            certificate = view.certificate(result.height)
            assert certificate is not None
            assert certificate.signers.bit_count() >= 3


async def test_a_followers_submission_reaches_the_leader_and_sending_it_again_tells_the_same(
    alliance: RunningAlliance,
) -> None:
    follower, clerk = await alliance.follower(), alliance.clerk
    batch = [clerk.register("ann").signed, clerk.earn("ann", "o-1", 500).signed, clerk.earn("ann", "o-1", 700).signed]
    first = [await alliance.submit(follower, item) for item in batch]
    outcomes = [(result.status, result.rejection) for [result] in first]
    assert outcomes[:2] == [(SubmitStatus.COMMITTED, None)] * 2
    assert first[2][0].rejection is Rejection.ORDER_ALREADY_CREDITED
    committed = [result for results in first[:2] for result in results]
    for name in alliance.names:
        await alliance.height(max(result.height or 0 for result in committed))
        again = await alliance.submit(name, *batch[:2])
        assert [(item.id, item.status, item.height) for item in again] == [
            (item.id, item.status, item.height) for item in committed
        ]


async def test_one_that_was_away_catches_up(alliance: RunningAlliance) -> None:
    away = await alliance.follower()
    await alliance.stop(away)
    leader = await alliance.leader()
    for number in range(20):
        await alliance.submit(leader, alliance.clerk.register(f"member {number}").signed)
    height = alliance.nodes[leader].status().height
    await alliance.start(away)
    await alliance.height(height)
    await alliance.digest()


async def test_without_the_leader_the_others_go_on_and_it_follows_when_it_is_back(alliance: RunningAlliance) -> None:
    old = await alliance.leader()
    [before] = await alliance.submit(old, alliance.clerk.register("ann").signed)
    await alliance.stop(old)
    new = await alliance.leader()
    assert new != old
    [after] = await alliance.submit(new, alliance.clerk.register("bob").signed)
    assert (after.status, after.rejection) == (SubmitStatus.COMMITTED, None)
    assert (after.height or 0) > (before.height or 0)
    await alliance.start(old)
    await alliance.height(after.height or 0)
    assert await alliance.leader() != old
    await alliance.digest()


async def test_after_everybody_was_down_everything_is_still_there_and_goes_on(alliance: RunningAlliance) -> None:
    first = await alliance.follower()
    sealed = alliance.clerk.register("ann")
    [before] = await alliance.submit(first, sealed.signed)
    await alliance.stop()
    await alliance.start()
    await alliance.leader()
    [again] = await alliance.submit(first, sealed.signed)
    assert (again.status, again.height) == (SubmitStatus.COMMITTED, before.height)
    [after] = await alliance.submit(first, alliance.clerk.earn("ann", "o-1").signed)
    assert (after.status, after.rejection) == (SubmitStatus.COMMITTED, None)
    await alliance.height(after.height or 0)
    await alliance.digest()


async def test_without_a_quorum_nothing_is_confirmed_and_afterwards_it_is(alliance: RunningAlliance) -> None:
    leader = await alliance.leader()
    others = [name for name in alliance.names if name != leader]
    await alliance.stop(*others[:2])
    sealed = alliance.clerk.register("ann")
    [result] = await alliance.nodes[leader].submit([sealed.signed], wait=True, timeout_seconds=0.3)
    assert (result.status, result.error) == (SubmitStatus.ACCEPTED, "TIMED_OUT")
    for node in alliance.nodes.values():
        with node.read() as view:
            assert view.outcome(sealed.id) is None
    await alliance.start(*others[:2])
    [result] = await alliance.submit(leader, sealed.signed)
    assert result.status is SubmitStatus.COMMITTED


async def test_many_at_once_through_every_validator_are_each_committed_once(alliance: RunningAlliance) -> None:
    await alliance.leader()
    clerk = alliance.clerk
    sealed = [clerk.register(f"member {number}") for number in range(60)]
    answers: dict[str, list[int | None]] = {}

    async def push(name: str) -> None:
        # Everybody sends everything: each transaction arrives four times over different ways.
        results = await alliance.submit(name, *(item.signed for item in sealed))
        assert all(item.status is SubmitStatus.COMMITTED for item in results)
        answers[name] = [item.height for item in results]

    async with trio.open_nursery() as nursery:
        for name in alliance.names:
            nursery.start_soon(push, name)
    assert len({tuple(heights) for heights in answers.values()}) == 1
    await alliance.digest()
    with alliance.nodes["mall"].read() as view:
        taken = [
            receipt.transaction_id
            for height in range(1, view.height + 1)
            for receipt in (view.block(height) or pytest.fail("a block is missing")).receipts
        ]
    assert sorted(taken) == sorted(item.id for item in sealed)


async def test_a_lone_validator_is_its_own_quorum_and_survives_a_restart(tmp_path: Path) -> None:
    async with running_alliance(tmp_path, ("mall",)) as alone:
        await alone.start()
        assert await alone.leader() == "mall"
        sealed = alone.clerk.register("ann")
        [result] = await alone.submit("mall", sealed.signed)
        assert result.status is SubmitStatus.COMMITTED
        await alone.stop()
        await alone.start()
        await alone.leader()
        [again] = await alone.submit("mall", sealed.signed)
        assert (again.status, again.height) == (SubmitStatus.COMMITTED, result.height)
