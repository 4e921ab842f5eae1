"""`jifen pay` and `jifen positions`: who takes which points, paying orders with them, and who holds whose."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jifen.cli.options import HomeOption, JsonOption, UrlOption, asked, open_key, print_json
from jifen.cli.telling import what_happened
from jifen.cli.terms import operator_of
from jifen.cli.transactions import KeyOption, print_submission, submit_built

if TYPE_CHECKING:
    from jifen.client.payments import AcceptedPoints
    from jifen.keys.signing import KeyPair

app = typer.Typer(
    help="Say who takes which points, and pay orders with them.", rich_markup_mode=None, no_args_is_help=True
)

CHINA_MINUTES = 480
"""China's time, minutes ahead of UTC: in which the days of an organization end unless it says otherwise."""

MerchantOption = Annotated[
    Path, typer.Option("--data", envvar="JIFEN_DATA", help="Organization's data directory, whose operator key signs.")
]
PartsOption = Annotated[
    list[str],
    typer.Option("--with", help="Point type, or TYPE=POINTS; as many as possible when left out. In order, repeatable."),
]
AmountOption = Annotated[int, typer.Option("--amount-fen", "--amount", min=1, help="What the order comes to, in fen.")]
OrderOption = Annotated[str, typer.Option("--order", help="The merchant's own number of the order.")]
HashOption = Annotated[
    str,
    typer.Option("--order-hash", help="SHA-256 of what was ordered and a salt that you keep: 64 hexadecimal digits."),
]
AccountOption = Annotated[str, typer.Option("--account", help="The member's account; begins with jf1.")]
HoldOption = Annotated[str, typer.Option("--hold", help="Id of the transaction that holds the points.")]


def list_positions(
    holder: Annotated[str | None, typer.Option("--holder", help="Of this organization only.")] = None,
    issuer: Annotated[str | None, typer.Option("--issuer", help="In this organization's points only.")] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which organizations hold whose points, at which rates.

    \b
    jifen positions --issuer north-music
    """
    found = asked(lambda client: client.partner_positions(holder=holder, issuer=issuer), home, url)
    if as_json:
        print_json(found)
        return
    for item in found:
        rate = f"{item.rate.fen} fen for {item.rate.points}"
        typer.echo(f"{item.holder:<32} {item.point_type:<44} {rate:<20} {item.points:>14,}  {item.value_fen:>14,} fen")
    if not found:
        typer.echo("no positions")


@app.command("accepts")
def list_acceptances(
    organization: Annotated[str | None, typer.Argument(metavar="[ORGANIZATION]")] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who takes which points in payment, and at which rates.

    \b
    jifen pay accepts north-music
    """
    found = asked(lambda client: client.acceptances(organization), home, url)
    if as_json:
        print_json(found)
        return
    for item in found:
        typer.echo(_words(item))
    if not found:
        typer.echo("no points are taken")


@app.command("examine")
def examine(  # noqa: PLR0917 - typer calls it by name
    organization: Annotated[str, typer.Argument(metavar="ORGANIZATION")],
    account: AccountOption,
    amount: AmountOption,
    parts: PartsOption,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what points would pay of an order, without paying.

    \b
    jifen pay examine north-music --account jf1... --amount-fen 10000 \\
      --with north-music/consumer=500 --with harbour-mall/consumer
    """
    from jifen.client import Refused

    asked_for = _parts_of(parts)
    found = asked(lambda client: client.examine_order_payment(organization, account, amount, asked_for), home, url)
    if as_json:
        print_json(found)
        return
    if found.rejection is not None:
        raise Refused("REJECTED", f"{found.rejection}: {found.message}")
    for part in found.parts:
        rate = f"{part.rate.fen} fen for {part.rate.points}"
        typer.echo(f"{part.point_type:<44} {part.points:>14,} points  {rate:<20} {part.fen:>14,} fen")
    typer.echo(f"{'points pay':<44} {found.paid_fen:>14,} fen, money {found.money_fen:,} fen")


@app.command("order")
def pay_order(  # noqa: PLR0917 - typer calls it by name
    key: KeyOption,
    data: MerchantOption,
    order: OrderOption,
    order_hash: HashOption,
    amount: AmountOption,
    parts: PartsOption,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Pay a part of an order with points; the member's key and the merchant's operator key sign.

    \b
    jifen pay order --key alice.key --data .jifen/north-music --order A-1 --order-hash 5e... --amount-fen 10000 \\
      --with north-music/consumer
    """
    from jifen import config

    merchant, asked_for, digest = config.read_config(data).organization, _parts_of(parts), _hash_of(order_hash)
    pair, operator = _member(key), operator_of(data)
    submission = submit_built(
        lambda builder: builder.pay_order(
            pair,
            operator,
            merchant=merchant,
            order_id=order,
            order_hash=digest,
            account=builder.account_of(pair.public),
            amount_fen=amount,
            parts=asked_for,
        ),
        home,
        url,
    )
    print_submission(submission, as_json, **what_happened(submission, home, url, as_json))


@app.command("accept")
def accept(  # noqa: PLR0917 - typer calls it by name
    point_type: Annotated[str, typer.Argument(metavar="POINT_TYPE")],
    data: MerchantOption,
    rate: Annotated[str, typer.Option("--rate", help="POINTS:FEN; so many points pay so many fen.")],
    minimum: Annotated[int, typer.Option("--minimum", min=0, help="Fewest points in one payment; 0: a step.")] = 0,
    step: Annotated[int, typer.Option("--step", min=0, help="Whole multiples of it; 0: the rate's points.")] = 0,
    share: Annotated[
        int, typer.Option("--share", min=0, max=10_000, help="Most of an order, basis points; 0: taken no more.")
    ] = 10_000,
    daily: Annotated[int | None, typer.Option("--daily", min=0, help="Most in a day, fen.")] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how the organization takes a point type in payment, from now on. Its days end at midnight in China.

    \b
    jifen pay accept harbour-mall/consumer --data .jifen/north-music --rate 100:95 --share 3000
    """
    from jifen import config
    from jifen.cli.failures import UsageFault
    from jifen.ledger.payments.records import BASIS_POINTS, Acceptance
    from jifen.ledger.types import AMOUNT_FEN_MAX

    points, _, fen = rate.partition(":")
    if not (points.isdecimal() and fen.isdecimal() and int(points) and int(fen)):
        raise UsageFault(f"--rate {rate}: write POINTS:FEN, like 100:95")
    organization = config.read_config(data).organization
    known = asked(lambda client: client.acceptances(organization), home, url)
    before = [item.acceptance for item in known if item.point_type == point_type]
    version, offset = (before[0].version + 1, before[0].utc_offset_minutes) if before else (1, CHINA_MINUTES)
    whole = step or int(points)
    cap = AMOUNT_FEN_MAX if daily is None else daily
    acceptance = Acceptance(
        version, int(points), int(fen), minimum or whole, whole, share or BASIS_POINTS, cap, offset, share > 0
    )
    administrator = operator_of(data)
    submission = submit_built(
        lambda builder: builder.publish_acceptance(
            administrator, organization=organization, point_type=point_type, acceptance=acceptance
        ),
        home,
        url,
    )
    print_submission(submission, as_json, version=str(version))


@app.command("policy")
def set_policy(
    data: MerchantOption,
    share: Annotated[int, typer.Option("--share", min=1, max=10_000, help="Most of an order, basis points.")],
    daily: Annotated[int | None, typer.Option("--daily", min=0, help="Most in one point type and day, fen.")] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how far orders may be paid with points; a mall's policy binds its merchants.

    \b
    jifen pay policy --data .jifen/harbour-mall --share 3000
    """
    from jifen import config
    from jifen.ledger.types import AMOUNT_FEN_MAX

    organization = config.read_config(data).organization
    known = asked(lambda client: client.payment_policies(), home, url)
    version = max([item.version for item in known if item.organization == organization], default=0) + 1
    cap = AMOUNT_FEN_MAX if daily is None else daily
    administrator = operator_of(data)
    submission = submit_built(
        lambda builder: builder.set_payment_policy(
            administrator, organization=organization, version=version, share_bp=share, daily_fen=cap
        ),
        home,
        url,
    )
    print_submission(submission, as_json, version=str(version))


@app.command("policies")
def list_policies(
    revision: Annotated[int | None, typer.Option("--revision", min=1, help="As a payment's receipt names it.")] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how far orders may be paid with points: now, or when a payment was made.

    \b
    jifen pay policies --revision 3
    """
    found = asked(lambda client: client.payment_policies(revision), home, url)
    if as_json:
        print_json(found)
        return
    for item in found:
        whose = "the mall's, for all merchants" if item.of_mall else "its own"
        daily = "any" if item.daily_fen is None else f"{item.daily_fen:,} fen"
        typer.echo(f"{item.organization:<32} {item.share_bp / 100:g} % of an order, {daily} a day  ({whose})")
    if not found:
        typer.echo("no policies: points may pay whole orders")


@app.command("hold")
def hold(  # noqa: PLR0917 - typer calls it by name
    organization: Annotated[str, typer.Argument(metavar="ORGANIZATION")],
    key: KeyOption,
    order: OrderOption,
    order_hash: HashOption,
    amount: AmountOption,
    parts: PartsOption,
    minutes: Annotated[int, typer.Option("--minutes", min=1, max=43_200, help="They come back after this.")] = 1440,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set points aside for an order; the hold goes by the transaction's id.

    \b
    jifen pay hold north-music --key alice.key --order A-1 --order-hash 5e... --amount-fen 10000 \\
      --with harbour-mall/consumer=500
    """
    from jifen.client.transactions import clock_ms

    pair, asked_for, digest = _member(key), _parts_of(parts), _hash_of(order_hash)
    until = clock_ms() + minutes * 60_000
    submission = submit_built(
        lambda builder: builder.hold_points(
            pair,
            organization=organization,
            order_id=order,
            order_hash=digest,
            amount_fen=amount,
            parts=asked_for,
            until=until,
        ),
        home,
        url,
    )
    print_submission(submission, as_json, **what_happened(submission, home, url, as_json))


@app.command("holds")
def list_holds(
    account: AccountOption, home: HomeOption = None, url: UrlOption = None, as_json: JsonOption = False
) -> None:
    """Show what a member holds for orders.

    \b
    jifen pay holds --account jf1...
    """
    found = asked(lambda client: client.holds(account), home, url)
    if as_json:
        print_json(found)
        return
    for item in found:
        held = ", ".join(f"{part.points:,} {part.point_type}" for part in item.parts)
        typer.echo(
            f"{item.id}  {item.organization} {item.order_id}: {held}, until {item.runs_out_at:%Y-%m-%d %H:%M} UTC"
        )
    if not found:
        typer.echo("no holds")


@app.command("capture")
def capture(  # noqa: PLR0917 - typer calls it by name
    data: MerchantOption,
    account: AccountOption,
    hold_id: HoldOption,
    amount: AmountOption,
    points: Annotated[
        list[int] | None,
        typer.Option("--points", min=0, help="Of each point type held, in order."),
    ] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Pay an order with what is held for it; the rest comes back.

    \b
    jifen pay capture --data .jifen/north-music --account jf1... --hold 8c... --amount-fen 10000
    """
    from jifen import config
    from jifen.codec.addresses import decode_account

    merchant, member, digest = config.read_config(data).organization, decode_account(account), _hash_of(hold_id)
    operator = operator_of(data)
    submission = submit_built(
        lambda builder: builder.capture_hold(
            operator, merchant=merchant, account=member, hold=digest, amount_fen=amount, points=points or ()
        ),
        home,
        url,
    )
    print_submission(submission, as_json, **what_happened(submission, home, url, as_json))


@app.command("void")
def void(
    data: MerchantOption,
    account: AccountOption,
    hold_id: HoldOption,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let everything that is held come back to the member.

    \b
    jifen pay void --data .jifen/north-music --account jf1... --hold 8c...
    """
    from jifen import config
    from jifen.codec.addresses import decode_account

    merchant, member, digest = config.read_config(data).organization, decode_account(account), _hash_of(hold_id)
    operator = operator_of(data)
    submission = submit_built(
        lambda builder: builder.void_hold(operator, merchant=merchant, account=member, hold=digest), home, url
    )
    print_submission(submission, as_json, **what_happened(submission, home, url, as_json))


def _member(key: Path) -> "KeyPair":

    return open_key(key)


def _parts_of(parts: list[str]) -> list[tuple[str, int]]:
    """Return what `--with` asks for; raises UsageFault for a quantity that is no number."""
    from jifen.cli.failures import UsageFault

    found = []
    for part in parts:
        point_type, given, points = part.partition("=")
        if given and not points.isdecimal():
            raise UsageFault(f"--with {part}: write a point type, or TYPE=POINTS with a whole number of points")
        found.append((point_type, int(points) if given else 0))
    return found


def _hash_of(text: str) -> bytes:
    """Return 32 bytes from 64 hexadecimal digits; raises UsageFault."""
    from jifen.cli.failures import UsageFault

    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise UsageFault(f"{text} is no hash: give 64 hexadecimal digits")
    return digest


def _words(item: "AcceptedPoints") -> str:
    terms = item.acceptance
    if not terms.active:
        return f"{item.organization:<32} {item.point_type:<44} not taken at present"
    rate = f"{terms.rate.fen} fen for {terms.rate.points}"
    limits = f"at least {terms.minimum_points:,}, step {terms.step_points:,}, {terms.share_bp / 100:g} % of an order"
    cap = "" if terms.daily_fen is None else f", {terms.daily_fen:,} fen a day"
    return f"{item.organization:<32} {item.point_type:<44} {rate:<20} {limits}{cap}"
