"""A validator starts, or says in one sentence why not; it stops when it cannot go on, and never half."""

from pathlib import Path

import pytest
import trio

from jifen.actors.node import NodeStopped, SubmitStatus, run_node
from jifen.codec.errors import Malformed
from jifen.ledger.rejections import Rejection
from jifen.ledger.types import Record
from jifen.store.directory import STORE_DIRECTORY, locked_directory
from jifen.store.errors import DirectoryLocked, StoreFailed, StoreFull, StoreWiped, WrongChain
from jifen.store.ledger_store import LedgerStore
from jifen.testing.running_alliance import RunningAlliance, running_alliance
from jifen.testing.small_alliance import small_alliance
from jifen.transport import PortBusy


async def test_a_busy_peer_port_is_raised_by_itself(tmp_path: Path) -> None:
    setup = small_alliance(tmp_path, ("mall",)).setups["mall"]
    listeners = await trio.open_tcp_listeners(setup.peer_port, host="127.0.0.1")
    with trio.fail_after(60), pytest.raises(PortBusy):
        await run_node(setup)
    for listener in listeners:
        await listener.aclose()
    with locked_directory(setup.directory):
        pass


async def test_a_locked_directory_and_another_alliances_store_are_raised_by_themselves(tmp_path: Path) -> None:
    one = small_alliance(tmp_path / "one", ("mall",)).setups["mall"]
    with locked_directory(one.directory), pytest.raises(DirectoryLocked):
        await run_node(one)
    async with running_alliance(tmp_path / "two", ("mall", "books")) as other:
        await other.start("mall")
    (tmp_path / "two" / "mall" / "ledger").rename(one.directory / "ledger")
    with pytest.raises(WrongChain):
        await run_node(one)


@pytest.mark.parametrize("error", [StoreFailed("the disk is gone"), StoreFull("the map is full")], ids=str)
async def test_a_failing_disk_stops_the_validator_with_the_reason_and_confirms_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: StoreFailed
) -> None:
    answers: list[SubmitStatus] = []

    async def submit(running: RunningAlliance) -> None:
        result = await running.submit("mall", running.clerk.register("ann").signed)
        answers.extend(item.status for item in result)

    def fail(store: LedgerStore, batches: object) -> None:
        raise error

    with trio.fail_after(60):
        try:
            async with running_alliance(tmp_path, ("mall",)) as running:
                await running.start()
                await running.leader()
                await running.submit("mall", running.clerk.register("bob").signed)
                monkeypatch.setattr(LedgerStore, "write", fail)
                await submit(running)
        except* NodeStopped as group:
            [stopped] = group.exceptions
            assert str(stopped) == f"stopped: {error}"
        else:
            pytest.fail("it goes on without a disk")
    assert answers == []


async def test_a_validator_that_stops_raises_its_reason_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = small_alliance(tmp_path, ("mall",)).setups["mall"]

    def fail(store: LedgerStore, batches: object) -> None:
        raise StoreFailed("the disk is gone")

    monkeypatch.setattr(LedgerStore, "write", fail)
    with trio.fail_after(60), pytest.raises(NodeStopped, match=r"^stopped: the disk is gone$"):
        await run_node(setup)
    with locked_directory(setup.directory):
        pass


async def test_a_record_that_does_not_decode_stops_the_validator_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotten = False
    load = LedgerStore.get

    def rot(store: LedgerStore, key: bytes) -> Record | None:
        if rotten:
            raise Malformed("Supply: rotten")
        return load(store, key)

    monkeypatch.setattr(LedgerStore, "get", rot)

    async def run() -> None:
        nonlocal rotten
        async with running_alliance(tmp_path, ("mall",)) as running:
            await running.start()
            await running.leader()
            rotten = True
            await running.submit("mall", running.clerk.register("ann").signed)

    with trio.fail_after(60), pytest.raises(ExceptionGroup) as caught:
        await run()
    assert caught.group_contains(NodeStopped, match="rotten")


async def test_a_stopped_validator_leaves_its_directory_to_the_next(tmp_path: Path) -> None:
    async with running_alliance(tmp_path, ("mall",)) as running:
        for _ in range(3):
            await running.start()
            with pytest.raises(DirectoryLocked):
                await run_node(running.alliance.setups["mall"])
            await running.stop()


async def test_a_validator_whose_store_is_gone_does_not_start_again_under_its_identity(tmp_path: Path) -> None:
    """Checklist row 13: a wiped voter could vote twice in a term, so it must not vote at all."""
    async with running_alliance(tmp_path, ("mall",)) as alliance:
        await alliance.start("mall")
        setup = alliance.alliance.setups["mall"]
    store = setup.directory / STORE_DIRECTORY
    (store / "data.mdb").write_bytes(b"")  # what a full disk or a broken copy leaves; LMDB takes it for a new store
    for _ in range(2):
        with pytest.raises(StoreWiped, match="put the folder back"):
            await run_node(setup)
    for file in store.iterdir():
        file.unlink()
    with pytest.raises(StoreWiped, match="put the folder back"):
        await run_node(setup)
    store.rmdir()
    with pytest.raises(StoreWiped):
        await run_node(setup)


async def test_the_status_tells_where_the_validator_stands(tmp_path: Path) -> None:
    async with running_alliance(tmp_path, ("mall", "books", "music")) as running:
        await running.start("mall", "books")
        leader = await running.leader()
        [result] = await running.submit(leader, running.clerk.register("ann").signed)
        await running.height(result.height or 0)
        status = running.nodes[leader].status()
        assert (status.organization, status.role, status.leader) == (leader, "leader", leader)
        assert status.height == status.log_height == result.height
        assert status.pending_transactions == 0
        with running.nodes[leader].read() as view:
            assert (view.height, view.block_hash, view.state_digest, view.block_time) == (
                status.height,
                status.block_hash,
                status.state_digest,
                status.block_time,
            )
        links = {peer.id: peer.connected for peer in status.peers}
        assert links == {name: name != "music" for name in running.names if name != leader}


async def test_an_order_credited_at_the_till_is_credited_once(tmp_path: Path) -> None:
    async with running_alliance(tmp_path, ("mall",)) as running:
        await running.start()
        await running.leader()
        node, account = running.nodes["mall"], running.clerk.member("ann").account
        await running.submit("mall", running.clerk.register("ann").signed)
        for expected in (None, Rejection.ORDER_ALREADY_CREDITED):
            result = await node.earn(
                order_id="o-1", account=account, amount_fen=990, point_type=None, timeout_seconds=10
            )
            assert result.rejection is expected
        with node.read() as view:
            assert [(name, item.available) for name, item in view.holdings(account)] == [("mall/consumer", 99)]
        with pytest.raises(Malformed):
            await node.earn(order_id="", account=account, amount_fen=990, point_type=None, timeout_seconds=10)


async def test_waiting_for_a_height_ends_when_it_is_there_or_the_time_is_over(tmp_path: Path) -> None:
    async with running_alliance(tmp_path, ("mall",)) as running:
        await running.start()
        await running.leader()
        node = running.nodes["mall"]
        assert await node.wait_for_height(0, 0)
        assert not await node.wait_for_height(99, 0.05)
        async with node.subscribe_blocks(after=0) as heights, trio.open_nursery() as nursery:
            nursery.start_soon(running.submit, "mall", running.clerk.register("ann").signed)
            with trio.fail_after(60):
                assert [await anext(heights), await anext(heights)] == [1, 2]
