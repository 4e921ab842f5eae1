"""`jifen point-types`, and the transactions by which an issuer says what its points are."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jifen.cli.options import HomeOption, JsonOption, UrlOption, asked, open_key, print_json
from jifen.cli.transactions import print_submission, submit_built

if TYPE_CHECKING:
    from jifen.client.terms import PointTypeTerms, Terms
    from jifen.keys.signing import KeyPair

point_types = typer.Typer(help="Show what issuers promise about points.", rich_markup_mode=None, no_args_is_help=True)

IssuerOption = Annotated[
    Path, typer.Option("--data", envvar="JIFEN_DATA", help="Issuer's data directory, whose operator key signs.")
]
TermsOption = Annotated[
    Path | None,
    typer.Option("--terms", help="JSON file in the form of `jifen point-types show --json`; - reads standard input."),
]
GuarantorOption = Annotated[
    list[Path] | None,
    typer.Option("--guarantor", help="Data directory of who backs the points, whose operator key signs too."),
]


@point_types.command("list")
def list_point_types(home: HomeOption = None, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Show all point types, who issues them and how many were issued.

    \b
    jifen point-types list
    """
    found = asked(lambda client: client.organizations(), home, url)
    kinds = [kind for organization in found for kind in organization.point_types]
    if as_json:
        print_json(kinds)
        return
    for kind in kinds:
        typer.echo(f"{kind.id:<44} {kind.supply.issued:>14,} issued")


@point_types.command("show")
def show_point_type(
    point_type: Annotated[str, typer.Argument(metavar="ID", help="For example north-music/consumer.")],
    history: Annotated[bool, typer.Option("--history", help="Show every version ever published.")] = False,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the terms of a point type: those in force, those to come, and with --history all before.

    \b
    jifen point-types show north-music/consumer --history
    """
    found = _point_type(point_type, home, url)
    if as_json:
        print_json(found)
        return
    typer.echo(f"point type   {found.id}")
    if found.earn_rate is not None:
        typer.echo(f"earned       {found.earn_rate.points} for {found.earn_rate.per_fen} fen")
    else:
        typer.echo(f"earned       by rule version {found.rule_version}: jifen rules show {found.id}")
    supply = found.supply
    typer.echo(
        f"supply       {supply.outstanding:,} outstanding; {supply.issued:,} issued, {supply.burned:,} burned, "
        f"{supply.expired:,} expired"
    )
    _print_terms("in force", found.terms)
    if found.scheduled_terms is not None:
        _print_terms("to come", found.scheduled_terms)
    if history:
        for item in found.terms_history:
            state = "" if item.held else "  replaced before its time"
            published = f"published {item.published_at:%Y-%m-%d %H:%M:%S} UTC"
            typer.echo(f"version {item.terms.version:<5} {item.terms.hash}  {published}{state}")


def publish_terms(  # noqa: PLR0917 - typer calls it by name
    data: IssuerOption,
    terms: TermsOption = None,
    point_type: Annotated[
        str | None, typer.Option("--point-type", help="The issuer's consumer points when left out.")
    ] = None,
    effective: Annotated[
        str | None, typer.Option("--from", help="Block time from which it holds, like 2027-01-01T00:00:00+08:00.")
    ] = None,
    guarantor: GuarantorOption = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish the next version of a point type's terms; what the file does not mention stays as it is.

    \b
    jifen tx publish-terms --data .jifen/north-music --terms next.json --from 2027-01-01T00:00:00+08:00
    with, for example, {"expiry": {"mode": "ROLLING", "days": 365}} in next.json
    """
    from jifen import config

    issuer = config.read_config(data).organization
    name = point_type or f"{issuer}/consumer"
    newest = _point_type(name, home, url).newest
    ledger = _changed(newest, terms).to_ledger(newest.version + 1, time_of(effective))
    administrator, guarantors = operator_of(data), [operator_of(path) for path in guarantor or ()]
    submission = submit_built(
        lambda builder: builder.publish_terms(administrator, *guarantors, issuer=issuer, point_type=name, terms=ledger),
        home,
        url,
    )
    print_submission(submission, as_json, version=str(ledger.version))


def create_point_type(  # noqa: PLR0917 - typer calls it by name
    data: IssuerOption,
    role: Annotated[str, typer.Option("--role", help="consumer, guide, store or distributor.")],
    earn_points: Annotated[int, typer.Option("--earn-points", min=1, help="Points for every --earn-fen fen.")],
    earn_fen: Annotated[int, typer.Option("--earn-fen", min=1, help="Fen that earn --earn-points points.")],
    terms: TermsOption = None,
    guarantor: GuarantorOption = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let an organization issue points for another role.

    \b
    jifen tx create-point-type --data .jifen/north-music --role guide --earn-points 1 --earn-fen 500
    """
    from jifen import config
    from jifen.cli.failures import UsageFault
    from jifen.client.terms import Terms
    from jifen.ledger.types import RoleClass

    if role.upper() not in RoleClass.__members__:
        raise UsageFault(f"--role {role} does not exist; choose consumer, guide, store or distributor")
    issuer = config.read_config(data).organization
    ledger = _changed(Terms(), terms).to_ledger(1)
    administrator, guarantors = operator_of(data), [operator_of(path) for path in guarantor or ()]
    submission = submit_built(
        lambda builder: builder.create_point_type(
            administrator,
            *guarantors,
            issuer=issuer,
            role=RoleClass[role.upper()],
            earn_points=earn_points,
            earn_fen=earn_fen,
            terms=ledger,
        ),
        home,
        url,
    )
    print_submission(submission, as_json, name=f"{issuer}/{role.lower()}")


def confirm(
    order: Annotated[str, typer.Option("--order", help="The order, as it was credited.")],
    data: Annotated[
        Path, typer.Option("--data", envvar="JIFEN_DATA", help="Merchant's data directory, whose operator key signs.")
    ],
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the points of an order available that wait for its confirmation.

    \b
    jifen tx confirm --data .jifen/north-music --order A-17
    """
    from jifen import config

    merchant = config.read_config(data).organization
    operator = operator_of(data)
    submission = submit_built(
        lambda builder: builder.confirm_order(operator, merchant=merchant, order_id=order), home, url
    )
    print_submission(submission, as_json)


def _point_type(point_type: str, home: Path | None, url: list[str] | None) -> "PointTypeTerms":
    from jifen.cli.failures import CommandFailed

    found = asked(lambda client: client.point_type(point_type), home, url)
    if found is None:
        raise CommandFailed(f"there is no point type {point_type}; see `jifen point-types list`")
    return found


def operator_of(data: Path) -> "KeyPair":
    """Return the operator key of a data directory."""
    from jifen import config

    return open_key(data / config.OPERATOR_KEY_FILE, data)


def _changed(before: "Terms", path: Path | None) -> "Terms":
    import sys

    from jifen.cli.failures import CommandFailed, UsageFault
    from jifen.client.terms import changed_terms

    if path is None:
        return before
    try:
        text = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        changed = changed_terms(before, text)
        changed.to_ledger(1)
    except OSError as error:
        raise CommandFailed(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageFault(f"--terms {path}: {error}") from None
    return changed


def time_of(text: str | None) -> int:
    """Return a block time, ms, of a text with an offset; 0 for none. A usage fault says what to write instead."""
    from jifen.cli.failures import UsageFault

    if text is None:
        return 0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageFault(f"--from {text} is no time with an offset; write it like 2027-01-01T00:00:00+08:00")
    return int(moment.timestamp() * 1000)


def _print_terms(title: str, terms: "Terms") -> None:
    typer.echo(f"{title:<12} version {terms.version} from {terms.effective_from:%Y-%m-%d %H:%M:%S} UTC")
    price = terms.settlement_price
    lines = {
        "hash": terms.hash,
        "expiry": _words(terms.expiry.mode, terms.expiry),
        "pending": _words(terms.pending.mode, terms.pending),
        "price": f"{price.fen} fen for {price.points} points" if price.fen else "none",
        "may be": ", ".join(
            name for name in ("transferable", "swappable", "cashable") if getattr(terms, name)
        ) or "nothing but spent",
        "accepted by": ", ".join(("the issuer", *terms.accepted_by)),
        "cap": "none" if terms.issue_cap is None else f"{terms.issue_cap:,}",
    }  # fmt: skip
    if terms.backing is not None:
        kind = terms.backing.kind.lower().replace("_", " ")
        lines["backing"] = f"{kind} of {terms.backing.amount_fen:,} fen, {terms.backing.guarantor}"
    for name, value in lines.items():
        typer.echo(f"  {name:<12} {value}")


def _words(mode: str, policy: object) -> str:
    fields = ("days", "month", "day", "periods")
    known = [f"{name} {value}" for name in fields if (value := getattr(policy, name, None)) is not None]
    return ", ".join([mode.lower().replace("_", " "), *known])
