"""`jifen status`, `jifen account` and `jifen verify`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jifen.cli.options import HomeOption, JsonOption, UrlOption, alliance_of, client_of, home_of, print_json, urls_of

if TYPE_CHECKING:
    from jifen.client.records import AccountLock
    from jifen.home import Validator


def status(home: HomeOption = None, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Show how the validators of a home stand, or the ones at --url. One that answers is enough.

    \b
    jifen status
    jifen status --json --url http://127.0.0.1:8080
    """
    import trio
    from rich.console import Console

    from jifen.cli.failures import CommandFailed
    from jifen.demo.summary import Unreached, look, state_of, table_of

    validators = _validators(url, home)
    answers, reasons = trio.run(look, validators)
    reached = [validator for validator in validators if validator.id in answers]
    states = [state_of(validator, answers[validator.id]) for validator in reached]
    missing = [Unreached(item.id, item.url, reasons[item.id]) for item in validators if item.id in reasons]
    if not states:
        raise CommandFailed(f"no validator answers; {missing[0].reason}; start them with `jifen demo` or `jifen start`")
    if as_json:
        nodes = [answers[validator.id].node for validator in reached]
        chain = {"chainId": nodes[0].chain_id, "leader": nodes[0].leader}
        print_json(chain | {"organizations": states, "unreachable": missing})
    else:
        Console().print(table_of(states, missing))
    for item in missing:
        sys.stderr.write(f"jifen: {item.id} is not reached: {item.reason}\n")


def account(
    account: Annotated[str, typer.Argument(help="Account id; begins with jf1.")],
    min_height: Annotated[
        int | None, typer.Option("--min-height", min=0, help="Wait until the validator has this block.")
    ] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what an account holds.

    \b
    jifen account jf1... --url http://127.0.0.1:8081
    """
    import trio

    from jifen.cli.failures import CommandFailed
    from jifen.client.records import Account
    from jifen.client.terms import ExpiringPoints
    from jifen.codec.addresses import decode_account

    decode_account(account)  # a mistyped id is told here, not by a validator
    urls = urls_of(url, home)

    async def ask() -> tuple[Account | None, tuple[ExpiringPoints, ...]]:
        async with client_of(urls) as client:
            known = await client.account(account, min_height=min_height)
            return known, await client.expiring_points(account) if known and not as_json else ()

    found, expiring = trio.run(ask)
    if found is None:
        raise CommandFailed(f"{account} is not registered; `jifen tx register` opens an account")
    if as_json:
        print_json(found)
        return
    typer.echo(f"account     {found.id}")
    typer.echo(f"key         {found.key}")
    typer.echo(f"registered  {found.registered_at:%Y-%m-%d %H:%M:%S} UTC")
    typer.echo(f"height      {found.as_of.height}")
    if found.lock is not None:
        typer.echo(f"locked      {_lock(found.lock)}")
    for balance in found.balances:
        waits = f", {balance.pending:,} pending" if balance.pending else ""
        held = f", {balance.held:,} held" if balance.held else ""
        owes = f", owes {balance.debt:,}" if balance.debt else ""
        typer.echo(f"{balance.available:>12,}  {balance.point_type}{waits}{held}{owes}")
    values = [balance.value_fen for balance in found.balances if balance.value_fen is not None]
    if values:
        yuan, fen = divmod(sum(values), 100)
        typer.echo(f"{f'{yuan:,}.{fen:02}':>12}  yuan by the issuers' settlement prices, to give an idea")
    for item in expiring:
        slides = " unless points are earned again" if item.slides else ""
        typer.echo(f"{item.points:>12,}  {item.point_type} expire {item.expires_at:%Y-%m-%d %H:%M} UTC{slides}")
    if not found.balances:
        typer.echo("no points")


def verify(
    directories: Annotated[
        list[Path] | None, typer.Argument(help="Data directories or homes; the home when left out.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replay stopped data directories from genesis and compare every digest, receipt, certificate and record.

    Several directories are also compared with each other. Ends with exit code 4 at the first contradiction, named with
    its height.

    \b
    jifen verify
    jifen verify .jifen/harbour-mall .jifen/north-music
    """
    from jifen.verification import compare, verify_directory

    reports = []
    for directory in _data_directories(directories, home):
        report = verify_directory(directory)
        reports.append(report)
        if not as_json:
            typer.echo(
                f"{directory}: {report.blocks:,} blocks, {report.transactions:,} transactions, "
                f"{report.certificates:,} certificates, {report.signatures:,} signatures, {report.records:,} records: "
                f"all as computed again, in {report.seconds:.1f} s; height {report.height}, "
                f"state {report.state_digest[:16]}"
            )
    compare(reports)
    if as_json:
        import msgspec

        shown: list[dict[str, object]] = [msgspec.to_builtins(report) for report in reports]
        print_json({"directories": [{key: item[key] for key in item if key != "hashes"} for item in shown]})
    elif len(reports) > 1:
        typer.echo(f"{len(reports)} directories agree up to height {min(report.height for report in reports)}.")


def _lock(lock: "AccountLock") -> str:
    """Return why an account is locked, by whom, and what ends it."""
    end = (
        "lock officers of two organizations unlock it"
        if lock.until is None
        else f"until {lock.until:%Y-%m-%d %H:%M} UTC, unless a second organization or the member confirms it"
    )
    return f"{lock.reason.lower()}, by {' and '.join(lock.organizations) or 'the member'}; pays nothing; {end}"


def _validators(urls: list[str] | None, home: Path | None) -> "list[Validator]":
    from jifen.home import Validator, validators_of

    if urls:
        return [Validator(url, url) for url in urls_of(urls, home)]
    urls_of(None, home)
    return list(validators_of(home_of(home), alliance_of(home)))


def _data_directories(given: list[Path] | None, home: Path | None) -> list[Path]:
    from jifen.home import ALLIANCE_FILE, read_alliance

    found: list[Path] = []
    for path in given or [home_of(home)]:
        if (path / ALLIANCE_FILE).is_file() or not given:
            record = read_alliance(path) or alliance_of(path)
            found += [path / name for name in record.organizations]
        else:
            found.append(path)
    return found
