"""A certified snapshot that was lost is made again from the blocks, byte for byte."""

from pathlib import Path

import msgspec
import pytest
import trio
from typer.testing import CliRunner

from jifen import config
from jifen.cli.app import app
from jifen.cli.failures import FAILURE, exit_code_of
from jifen.codec.genesis import encode_genesis
from jifen.store.errors import StoreError
from jifen.store.snapshots import SNAPSHOTS_DIRECTORY, SnapshotFolder
from jifen.testing.running_alliance import QUICK, running_alliance
from jifen.testing.small_alliance import small_alliance
from jifen.verification import Contradiction, make_snapshot, verify_directory

NAMES = ("mall", "books", "music")


async def live(home: Path) -> None:
    """Let an alliance live for a while; one of its validators keeps few blocks."""
    made = small_alliance(home, NAMES, QUICK, checkpoint_blocks=10, uncommitted_heights_max=4)
    made.setups["music"] = msgspec.structs.replace(made.setups["music"], retained_blocks=2)
    for name in NAMES:
        (home / name / config.GENESIS_FILE).write_bytes(encode_genesis(made.genesis))
        addresses = "".join(
            f'{item}_listen = "127.0.0.1:{port}"\n' for item, port in (("peer", 1), ("public", 2), ("admin", 3))
        )
        (home / name / config.CONFIG_FILE).write_text(f'format = 1\norganization = "{name}"\n{addresses}')
    async with running_alliance(home, alliance=made) as alliance:
        await alliance.start()
        through = await alliance.leader()
        for number in range(36):
            await alliance.submit(through, alliance.clerk.register(f"member {number}").signed)

        def certified_everywhere() -> bool | None:
            held = [SnapshotFolder(home / name / SNAPSHOTS_DIRECTORY).newest() for name in NAMES]
            with alliance.nodes["music"].read() as view:
                dropped = view.first_height > 12
            return (dropped and all(found is not None and found.height >= 30 for found in held)) or None

        await alliance.found(certified_everywhere)
        await alliance.digest()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("alliance")
    trio.run(live, path)
    return path


def folder_of(home: Path, name: str) -> SnapshotFolder:
    return SnapshotFolder(home / name / SNAPSHOTS_DIRECTORY)


def test_what_was_lost_is_made_again_as_it_was(home: Path) -> None:
    folder = folder_of(home, "mall")
    [newest, *_] = [info.height for info in folder.listed() if info.certified]
    manifest = folder.manifest(newest)
    assert manifest is not None
    chunks = list(folder.chunks(manifest))
    folder.path.rename(folder.path.with_name("lost"))

    result = CliRunner().invoke(app, ["snapshot", "make", "--data", str(home / "mall"), "--height", str(newest)])

    assert result.exit_code == 0, (result.output, result.exception)
    assert f"snapshot {newest}: " in result.output
    made = folder.manifest(newest)
    assert made is not None
    assert (made.root, list(folder.chunks(made))) == (manifest.root, chunks)
    checked = CliRunner().invoke(app, ["snapshot", "verify", "--data", str(home / "mall"), "--height", str(newest)])
    assert checked.exit_code == 0, checked.output
    verify_directory(home / "mall")


def test_only_what_a_quorum_has_attested_is_made(home: Path) -> None:
    with pytest.raises(StoreError, match="no quorum has attested that checkpoint; attested are: "):
        make_snapshot(home / "books", 7)
    result = CliRunner().invoke(app, ["snapshot", "make", "--data", str(home / "books"), "--height", "7"])
    assert isinstance(result.exception, StoreError)
    assert exit_code_of(result.exception) == FAILURE


def test_blocks_that_were_dropped_make_no_snapshot(home: Path) -> None:
    folder = folder_of(home, "music")
    hidden = folder.path.rename(folder.path.with_name("hidden"))
    try:
        with pytest.raises(StoreError, match="lies no certified snapshot"):
            make_snapshot(home / "music")
    finally:
        hidden.rename(folder.path)
    newest = max(info.height for info in folder.listed() if info.certified)
    assert make_snapshot(home / "music", newest).height == newest, "one that is there can be made again from itself"


def test_a_state_that_nobody_attested_is_not_passed_off_as_certified(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jifen.verification.pack", lambda records: (b"".join(key for key, _ in records),))
    before = folder_of(home, "books").listed()
    with pytest.raises(Contradiction, match="a quorum attests another state"):
        make_snapshot(home / "books")
    assert folder_of(home, "books").listed() == before
