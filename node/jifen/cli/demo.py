"""`jifen demo` and `jifen import`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from jifen.cli.options import HomeOption, JsonOption, alliance_of, home_of, print_json

LimitOption = Annotated[int | None, typer.Option("--limit", min=0, help="Import at most so many purchases.")]


def demo(
    home: HomeOption = None,
    port_base: Annotated[
        int | None, typer.Option("--port-base", help="First port of a new alliance; 8080 when left out.")
    ] = None,
    purchases: Annotated[
        Path | None, typer.Option("--purchases", help="CSV of purchases; those that come with Jifen when left out.")
    ] = None,
    limit: LimitOption = None,
    once: Annotated[bool, typer.Option("--once", help="End after the summary instead of serving on.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run an alliance of a mall and three merchants on this machine, one validator process each, and feed it.

    6,919 real purchases by 2,357 customers of 1997 and 1998 become signed transactions: purchase n is credited by
    merchant n modulo 3, a cent for a fen; every customer gets an account with a key pair of its own. Then the
    validators serve until Ctrl-C. The same command resumes the alliance and imports nothing twice.

    \b
    jifen demo
    jifen demo --once --json --home /tmp/demo --port-base 9080
    """
    import trio
    from rich.console import Console

    from jifen.cli.collector import calm_collector
    from jifen.demo.purchases import PACKAGED
    from jifen.demo.run import DemoOptions, run_demo

    options = DemoOptions(
        home=home_of(home),
        port_base=port_base,
        purchases=purchases or PACKAGED,
        limit=limit,
        once=once,
        as_json=as_json,
    )
    calm_collector()
    trio.run(run_demo, options, Console(), Console(stderr=True))


def import_purchases(
    file: Annotated[
        Path, typer.Argument(help="CSV with the columns purchase, date, customer, items and amount_cents.")
    ],
    home: HomeOption = None,
    limit: LimitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import purchases into the running alliance of a home. May be stopped and repeated: nothing is credited twice.

    Purchase n is credited by merchant n modulo the number of merchants, under the order id cdnow-n. Customers become
    accounts whose keys are derived from HOME/members.key.

    \b
    jifen import purchases.csv
    """
    import trio
    from rich.console import Console

    from jifen.cli.collector import calm_collector
    from jifen.cli.failures import REFUSED
    from jifen.demo.home import load_import
    from jifen.demo.purchases import read_purchases
    from jifen.demo.run import import_with_progress

    rows = read_purchases(file, limit)
    record = alliance_of(home)
    calm_collector()
    report = trio.run(import_with_progress, load_import(home_of(home), record, rows), Console(stderr=True))
    if as_json:
        print_json(
            {
                "purchases": report.purchases,
                "credited": report.credited,
                "members": report.members,
                "transactions": report.transactions,
                "seconds": round(report.seconds, 3),
                "transactionsPerSecond": round(report.transactions_per_second, 1),
                "refused": report.refused_count,
            }
        )
    else:
        typer.echo(
            f"{report.purchases:,} of {len(rows):,} purchases are on the ledger, {report.credited:,} of them new; "
            f"{report.transactions_per_second:,.0f} transactions a second"
        )
    if report.refused_count:
        for line in report.refused:
            sys.stderr.write(f"jifen: refused {line}\n")
        raise typer.Exit(REFUSED)
