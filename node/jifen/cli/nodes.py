"""`jifen init` and `jifen start`."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jifen.cli.options import HomeOption, home_of

if TYPE_CHECKING:
    from jifen.alliance import OrganizationPlan
    from jifen.ledger.types import OrganizationKind


def init(
    home: HomeOption = None,
    port_base: Annotated[
        int, typer.Option("--port-base", help="First port; peers use base + 100 and up, admin APIs base + 200 and up.")
    ] = 8080,
    name: Annotated[str, typer.Option("--name", help="Name of the alliance.")] = "Harbour Alliance",
    mall: Annotated[
        list[str] | None, typer.Option("--mall", help="ID:POINTS/FEN of a mall: it gives POINTS for every FEN spent.")
    ] = None,
    merchant: Annotated[
        list[str] | None, typer.Option("--merchant", help="ID:POINTS/FEN of a merchant; may be given several times.")
    ] = None,
    checkpoint_blocks: Annotated[
        int,
        typer.Option(
            "--checkpoint-blocks",
            min=2,
            max=10_000_000,
            help="Blocks from one certified checkpoint of the whole state to the next; even, and fixed for good.",
        ),
    ] = 1000,
) -> None:
    """Make an alliance: keys, certificates, genesis and settings of every organization, all at once or not at all.

    Without --mall and --merchant, the organizations of the demonstration. Each organization's keys are encrypted under
    a random passphrase, which lies beside them in a file that only its owner can read, so that validators start
    unattended; move it away and set JIFEN_PASSPHRASE_FILE to keep them apart.

    \b
    jifen init --home .jifen
    jifen init --home pair --mall plaza:1/100 --merchant tea-house:1/10
    jifen init --home busy --checkpoint-blocks 100000
    """
    from jifen.alliance import DEMO_ORGANIZATIONS, create_alliance
    from jifen.ledger.types import OrganizationKind

    plans = [_plan(text, OrganizationKind.MALL) for text in mall or ()]
    plans += [_plan(text, OrganizationKind.MERCHANT) for text in merchant or ()]
    path = home_of(home)
    record = create_alliance(
        path, name, plans or DEMO_ORGANIZATIONS, port_base=port_base, checkpoint_blocks=checkpoint_blocks
    )
    typer.echo(f"{path}: the alliance {record.name}, chain {record.chain_id}")
    for organization in record.organizations:
        typer.echo(f"  jifen start --data {path / organization}")


def start(
    data: Annotated[
        Path, typer.Option("--data", envvar="JIFEN_DATA", help="Data directory of the validator, made by `jifen init`.")
    ],
    stop_with_parent: Annotated[
        bool, typer.Option("--stop-with-parent", help="Stop when standard input ends: for whoever starts validators.")
    ] = False,
) -> None:
    """Run a validator: ordering, ledger, public API and admin API. SIGTERM and Ctrl-C stop it cleanly.

    \b
    jifen start --data .jifen/harbour-mall
    JIFEN_PASSPHRASE_FILE=/run/secrets/jifen jifen start --data /data
    """
    from jifen.cli.collector import calm_collector
    from jifen.cli.descriptors import allow_open_files
    from jifen.cli.logs import set_up_logs
    from jifen.cli.serving import serve
    from jifen.loading import load_setup

    loaded = load_setup(data)
    set_up_logs(loaded.setup.organization)
    allow_open_files()
    import trio

    calm_collector()
    trio.run(serve, loaded, stop_with_parent)


def _plan(text: str, kind: "OrganizationKind") -> "OrganizationPlan":
    from jifen.alliance import OrganizationPlan
    from jifen.cli.failures import UsageFault
    from jifen.ledger.types import RATE_TERM_MAX, SLUG_PATTERN

    identity, _, rate = text.partition(":")
    match = re.fullmatch(r"([1-9][0-9]{0,9})/([1-9][0-9]{0,9})", rate)
    if not re.fullmatch(SLUG_PATTERN, identity) or match is None:
        raise UsageFault(f"{text!r} is no organization; write it like tea-house:1/10, one point for ten fen")
    points, fen = int(match[1]), int(match[2])
    if max(points, fen) > RATE_TERM_MAX:
        raise UsageFault(f"{text!r}: the terms of a rate are at most {RATE_TERM_MAX}")
    return OrganizationPlan(identity, identity.replace("-", " ").title(), kind, points, fen)
