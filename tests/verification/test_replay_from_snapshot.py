"""Directories that do not hold everything are replayed from a certified snapshot, and checked as closely from there."""

from collections.abc import Sequence
from pathlib import Path

import lmdb
import pytest
import trio
from typer.testing import CliRunner

from jifen import config
from jifen.cli.app import app
from jifen.codec.genesis import encode_genesis
from jifen.store.errors import StoreError
from jifen.store.snapshots import SNAPSHOTS_DIRECTORY
from jifen.testing.running_alliance import QUICK, running_alliance
from jifen.testing.small_alliance import small_alliance
from jifen.verification import Contradiction, Report, compare, verify_directory

NAMES = ("mall", "books", "music", "cafe")


async def live(home: Path) -> None:
    """Let an alliance that keeps few blocks live for a while; one of them comes late."""
    made = small_alliance(home, NAMES, QUICK, checkpoint_blocks=10, retained_blocks=4, uncommitted_heights_max=4)
    for name in NAMES:
        (home / name / config.GENESIS_FILE).write_bytes(encode_genesis(made.genesis))
        addresses = "".join(
            f'{item}_listen = "127.0.0.1:{port}"\n' for item, port in (("peer", 1), ("public", 2), ("admin", 3))
        )
        (home / name / config.CONFIG_FILE).write_text(f'format = 1\norganization = "{name}"\n{addresses}')
    async with running_alliance(home, alliance=made) as alliance:
        await alliance.start(*NAMES[:3])
        through = await alliance.leader()
        for number in range(36):
            await alliance.submit(through, alliance.clerk.register(f"member {number}").signed)

        def all_begin_above_block_1() -> bool | None:
            firsts = []
            for node in alliance.nodes.values():
                with node.read() as view:
                    firsts.append(view.first_height)
            return min(firsts) > 8 or None

        await alliance.found(all_begin_above_block_1)
        await alliance.start("cafe")
        await alliance.height(36)
        await alliance.digest()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("alliance")
    trio.run(live, path)
    return path


def reports_of(home: Path) -> Sequence[Report]:
    return [verify_directory(home / name) for name in NAMES]


def test_each_is_replayed_from_its_snapshot_and_all_agree(home: Path) -> None:
    reports = list(reports_of(home))
    compare(reports)
    for report in reports:
        assert report.first_height >= 10
        assert report.blocks == report.height - report.first_height
        assert report.records > 36
    assert len({report.state_digest for report in reports}) == 1


def test_the_commands_list_the_snapshots_and_check_them(home: Path) -> None:
    runner = CliRunner()
    listed = runner.invoke(app, ["snapshot", "list", "--data", str(home / "cafe")])
    assert listed.exit_code == 0, listed.output
    assert "certified" in listed.output
    shown = runner.invoke(app, ["snapshot", "list", "--data", str(home / "mall"), "--json"])
    assert '"certified":true' in shown.output
    checked = runner.invoke(app, ["snapshot", "verify", "--data", str(home / "cafe")])
    assert checked.exit_code == 0, checked.output
    assert "attested by 3 validators" in checked.output
    missing = runner.invoke(app, ["snapshot", "verify", "--data", str(home / "cafe"), "--height", "7"])
    assert missing.exit_code != 0


def test_without_a_snapshot_beside_it_such_a_directory_cannot_be_replayed(home: Path) -> None:
    folder = home / "mall" / SNAPSHOTS_DIRECTORY
    hidden = folder.rename(folder.with_name("hidden"))
    try:
        with pytest.raises(StoreError, match="lies no certified snapshot"):
            verify_directory(home / "mall")
    finally:
        hidden.rename(folder)


def test_a_damaged_snapshot_is_a_contradiction(home: Path) -> None:
    chunks = sorted((home / "books" / SNAPSHOTS_DIRECTORY).glob("*/chunk-00000000"))
    whole = [chunk.read_bytes() for chunk in chunks]
    for chunk, data in zip(chunks, whole, strict=True):
        chunk.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    try:
        with pytest.raises(Contradiction, match="not the one that was attested"):
            verify_directory(home / "books")
    finally:
        for chunk, data in zip(chunks, whole, strict=True):
            chunk.write_bytes(data)


@pytest.mark.parametrize("table", [b"log", b"receipts", b"certificates", b"state"])
def test_a_record_that_is_missing_is_found(home: Path, table: bytes) -> None:
    environment = lmdb.open(str(home / "music" / "ledger"), max_dbs=6)
    handle = environment.open_db(table)
    with environment.begin(write=True) as transaction, transaction.cursor(handle) as cursor:
        assert cursor.last()
        if table != b"state":
            assert cursor.prev()
        key, value = bytes(cursor.key()), bytes(cursor.value())
        cursor.delete()
    environment.close()
    try:
        with pytest.raises(Contradiction):
            verify_directory(home / "music")
    finally:
        environment = lmdb.open(str(home / "music" / "ledger"), max_dbs=6)
        with environment.begin(write=True) as transaction:
            transaction.put(key, value, db=environment.open_db(table, transaction))
        environment.close()
    verify_directory(home / "music")
