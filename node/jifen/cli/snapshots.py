"""`jifen snapshot`: the certified snapshots that lie in a data directory."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jifen.cli.failures import EPILOG
from jifen.cli.options import JsonOption, print_json

if TYPE_CHECKING:
    from jifen.chain.checkpoints import Manifest
    from jifen.store.snapshots import SnapshotFolder

DataOption = Annotated[Path, typer.Option("--data", envvar="JIFEN_DATA", help="Data directory of the validator.")]

app = typer.Typer(name="snapshot", help="Snapshots of the whole state: list them, check them.", no_args_is_help=True)


@app.command("list", epilog=EPILOG)
def list_snapshots(data: DataOption, as_json: JsonOption = False) -> None:
    """List the snapshots that a validator holds; it may be running.

    A snapshot is certified once a quorum has attested its root on the ledger; only such a one is given to others.

    \b
    jifen snapshot list --data .jifen/harbour-mall
    """
    folder = _folder(data)
    found = folder.listed()
    if as_json:
        shown = [
            {
                "height": info.height,
                "certified": info.certified,
                "chunks": info.chunks,
                "bytes": info.size,
                "root": info.root.hex(),
            }
            for info in found
        ]
        print_json({"snapshots": shown})
        return
    for info in found:
        word = "certified" if info.certified else "not certified yet"
        typer.echo(
            f"{info.height:>12,}  {word:<17}  {info.chunks:>6,} chunks  {info.size:>14,} bytes  {info.root.hex()}"
        )
    if not found:
        typer.echo("no snapshots; the first is made when the ledger passes a multiple of genesis' checkpoint_blocks")


@app.command("make", epilog=EPILOG)
def make_snapshot(
    data: DataOption,
    height: Annotated[
        int | None, typer.Option("--height", help="Which checkpoint; the newest certified one by default.")
    ] = None,
) -> None:
    """Make the snapshot of a certified checkpoint again, from the blocks of a stopped validator that has lost it.

    Validators make their snapshots by themselves; this is for the case that `snapshots/` was deleted or has rotted.

    \b
    jifen snapshot make --data .jifen/harbour-mall
    jifen snapshot make --data .jifen/harbour-mall --height 4000
    """
    from jifen import verification
    from jifen.cli.failures import CommandFailed

    try:
        made = verification.make_snapshot(data, height)
    except OSError as error:
        raise CommandFailed(f"{data}: the snapshot cannot be written: {error.strerror}") from None
    typer.echo(f"snapshot {made.height}: {len(made.chunks):,} chunks, certified, root {made.root.hex()}")


@app.command("verify", epilog=EPILOG)
def verify_snapshot(
    data: DataOption,
    height: Annotated[int | None, typer.Option("--height", help="Which one; the newest certified by default.")] = None,
) -> None:
    """Check a snapshot against nothing but genesis: certificate, history, a quorum's attestations, every chunk.

    Ends with exit code 4 at the first thing that does not fit. The validator may be running.

    \b
    jifen snapshot verify --data .jifen/harbour-mall
    jifen snapshot verify --data .jifen/harbour-mall --height 4000
    """
    from jifen import config
    from jifen.chain.anchor import genesis_block
    from jifen.chain.checkpoints import SnapshotInvalid, ascending, verify_manifest
    from jifen.cli.failures import CommandFailed
    from jifen.codec.genesis import chain_id
    from jifen.codec.records import decode_record
    from jifen.ledger.checking import InvariantBroken
    from jifen.ledger.invariants import check_all

    folder, genesis = _folder(data), config.read_genesis(data)
    manifest = _chosen(folder, height)
    try:
        verify_manifest(genesis_block(chain_id(genesis), genesis).validators, manifest)
        records = [pair for part in ascending(folder.chunks(manifest)) for pair in part]
        check_all((key, decode_record(key, value)) for key, value in records)
    except (SnapshotInvalid, InvariantBroken) as error:
        raise CommandFailed(f"snapshot {manifest.height}: {error}") from None
    typer.echo(
        f"snapshot {manifest.height}: {len(manifest.chunks):,} chunks, {len(records):,} records, attested by "
        f"{len(manifest.attestations)} validators, root {manifest.root.hex()}: it proves itself"
    )


def _folder(data: Path) -> "SnapshotFolder":
    from jifen import config
    from jifen.store.snapshots import SNAPSHOTS_DIRECTORY, SnapshotFolder

    config.read_config(data)  # somebody who names no data directory is told so
    return SnapshotFolder(data / SNAPSHOTS_DIRECTORY)


def _chosen(folder: "SnapshotFolder", height: int | None) -> "Manifest":
    from jifen.cli.failures import CommandFailed

    found = folder.newest() if height is None else folder.manifest(height)
    if found is None:
        which = "no certified snapshot" if height is None else f"no certified snapshot of height {height}"
        raise CommandFailed(f"{folder.path} holds {which}; `jifen snapshot list` shows what there is")
    return found
