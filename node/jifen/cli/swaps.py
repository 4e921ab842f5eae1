"""`jifen swap`: offers of members to each other; and `jifen tx lock` and `unlock`."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from jifen.cli.options import HomeOption, JsonOption, UrlOption, asked, open_key, print_json
from jifen.cli.terms import operator_of
from jifen.cli.transactions import KeyOption, print_submission, submit_built

if TYPE_CHECKING:
    from jifen.client import Client
    from jifen.client.swaps import SwapOffer

app = typer.Typer(help="Swap points of different types with others.", rich_markup_mode=None, no_args_is_help=True)

OfferArgument = Annotated[str, typer.Argument(metavar="OFFER", help="Id of the offer: 64 hexadecimal digits.")]
OFFER_BYTES: Final = 32
"""Length of an offer's id, which is that of its transaction."""

AccountOption = Annotated[str, typer.Option("--account", help="Account; begins with jf1.")]


@app.command("board")
def board(
    give: Annotated[str, typer.Option("--give", help="Point type that is given to you.")],
    want: Annotated[str, typer.Option("--want", help="Point type that is wanted from you.")],
    first: Annotated[int, typer.Option("--first", min=1, max=50, help="Offers to show.")] = 20,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is offered, the lowest price first.

    \b
    jifen swap board --give north-music/consumer --want tea-house/consumer
    """
    found = asked(lambda client: client.swap_offers(give, want, first=first), home, url)
    if not found:
        _require_types((give, want), home, url)
    _show(found, as_json)


@app.command("watch")
def watch(
    give: Annotated[str, typer.Option("--give", help="Point type that is given to you.")],
    want: Annotated[str, typer.Option("--want", help="Point type that is wanted from you.")],
    changes: Annotated[
        int | None, typer.Option("--changes", min=0, help="End after so many changes; Ctrl-C when left out.")
    ] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is offered, and again whenever it changes; with --json a line each time.

    \b
    jifen swap watch --give north-music/consumer --want tea-house/consumer
    """
    _require_types((give, want), home, url)

    async def follow(client: "Client") -> None:
        left = changes
        async with client.subscribe_swap_offers(give, want) as updates:
            async for update in updates:
                if as_json:
                    print_json(update)
                else:
                    typer.echo(f"{update.as_of.time:%Y-%m-%d %H:%M:%S} UTC, block {update.as_of.height}")
                    _show(update.offers, as_json=False)
                if left == 0:
                    return
                left = None if left is None else left - 1

    try:
        asked(follow, home, url)
    except* KeyboardInterrupt:
        pass  # this is how watching ends


@app.command("list")
def list_offers(
    account: AccountOption, home: HomeOption = None, url: UrlOption = None, as_json: JsonOption = False
) -> None:
    """Show an account's open offers.

    \b
    jifen swap list --account jf1...
    """
    _show(asked(lambda client: client.account_swap_offers(account), home, url), as_json)


@app.command("offer")
def offer(  # noqa: PLR0917 - typer calls it by name
    key: KeyOption,
    give: Annotated[str, typer.Option("--give", help="What you give, as type:points.")],
    want: Annotated[str, typer.Option("--want", help="What you want for all of it, as type:points.")],
    value_fen: Annotated[int, typer.Option("--value-fen", min=1, help="What either side is worth, in fen.")],
    hours: Annotated[int, typer.Option("--hours", min=1, max=720, help="How long it is open.")] = 24,
    minimum: Annotated[
        int | None, typer.Option("--minimum", min=1, help="Fewest points taken at once; all or nothing if left out.")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="Account that alone can accept it.")] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Offer points; they are set aside until the offer ends.

    \b
    jifen swap offer --key alice.key --give north-music/consumer:300 --want tea-house/consumer:100 --value-fen 300
    """
    from jifen.client.transactions import clock_ms
    from jifen.codec.addresses import decode_account

    legs = _leg("--give", give), _leg("--want", want)
    counterparty = decode_account(to) if to else None
    pair = open_key(key)
    until = clock_ms() + timedelta(hours=hours) // timedelta(milliseconds=1)
    submission = submit_built(
        lambda builder: builder.create_swap_offer(
            pair,
            give=legs[0],
            want=legs[1],
            value_fen=value_fen,
            open_until=until,
            minimum=minimum,
            counterparty=counterparty,
        ),
        home,
        url,
    )
    print_submission(submission, as_json)


@app.command("accept")
def accept(  # noqa: PLR0917 - typer calls it by name
    offer: OfferArgument,
    key: KeyOption,
    pays: Annotated[int, typer.Option("--pays", min=1, help="What you have seen that it costs.")],
    points: Annotated[int | None, typer.Option("--points", min=1, help="All that is left when left out.")] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take an offer, or a part of it; both sides are settled at once.

    \b
    jifen swap accept 5f2c... --key bo.key --points 30 --pays 10
    """
    from jifen.cli.failures import CommandFailed, UsageFault

    name = _offer_id(offer)
    found = asked(lambda client: client.swap_offer(name.hex()), home, url)
    if found is None:
        raise CommandFailed(f"there is no open offer {offer}; see `jifen swap board`")
    taken = found.left if points is None else points
    price = found.price_of(taken)
    if price != pays:
        said = "cannot be taken of it" if price is None else f"cost {price}, not {pays}"
        raise UsageFault(f"{taken} points {said}: the offer is {found.want_points} for {found.give_points}")
    pair = open_key(key)
    submission = submit_built(
        lambda builder: builder.accept_swap_offer(pair, offer=name, points=taken, pays=pays), home, url
    )
    print_submission(submission, as_json)


@app.command("cancel")
def cancel(
    offer: OfferArgument, key: KeyOption, home: HomeOption = None, url: UrlOption = None, as_json: JsonOption = False
) -> None:
    """Close an own offer; what is left of it comes back.

    \b
    jifen swap cancel 5f2c... --key alice.key
    """

    name = _offer_id(offer)
    pair = open_key(key)
    print_submission(submit_built(lambda builder: builder.cancel_swap_offer(pair, offer=name), home, url), as_json)


def lock(  # noqa: PLR0917 - typer calls it by name
    reason: Annotated[str, typer.Option("--reason", help="lost, leaked or dispute.")],
    key: Annotated[Path | None, typer.Option("--key", help="The member's own key file.")] = None,
    account: Annotated[str | None, typer.Option("--account", help="Whose account officers lock.")] = None,
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Data directory of an organization whose operator key signs.")
    ] = None,
    organization: Annotated[
        list[str] | None,
        typer.Option("--organization", help="Another organization that signs at its own place; see tx --draft."),
    ] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lock an account: with its key, for 72 hours with one organization, until unlocked with two.

    \b
    jifen tx lock --key alice.key --reason lost
    jifen tx lock --account jf1... --data .jifen/north-music --reason dispute
    """
    from jifen.cli.failures import UsageFault
    from jifen.codec.addresses import decode_account
    from jifen.ledger.locks.records import LockReason

    why = LockReason.__members__.get(reason.upper())
    if why is None:
        raise UsageFault(f"--reason {reason} does not exist; choose lost, leaked or dispute")
    if (key is None) == (account is None):
        raise UsageFault("say who locks: either --key FILE, or --account with --data DIRECTORY")
    names = (*_organizations(data), *(organization or ()))
    signers = [open_key(key)] if key else [operator_of(path) for path in data or ()]
    submission = submit_built(
        lambda builder: builder.lock_account(
            *signers,
            account=decode_account(account) if account else builder.account_of(signers[0].public),
            reason=why,
            organizations=names,
        ),
        home,
        url,
    )
    print_submission(submission, as_json)


def unlock(  # noqa: PLR0917 - typer calls it by name
    account: AccountOption,
    reason: Annotated[str, typer.Option("--reason", help="found, settled or mistaken.")],
    data: Annotated[list[Path], typer.Option("--data", help="Data directory of an organization; its operator signs.")],
    organization: Annotated[
        list[str] | None,
        typer.Option("--organization", help="Another organization that signs at its own place; see tx --draft."),
    ] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Unlock an account, by lock officers of two organizations.

    \b
    jifen tx unlock --account jf1... --reason found --data .jifen/north-music --data .jifen/harbour-mall
    """
    from jifen.cli.failures import UsageFault
    from jifen.codec.addresses import decode_account
    from jifen.ledger.locks.records import OFFICERS, UnlockReason

    why = UnlockReason.__members__.get(reason.upper())
    if why is None:
        raise UsageFault(f"--reason {reason} does not exist; choose found, settled or mistaken")
    names = (*_organizations(data), *(organization or ()))
    if len(names) != OFFICERS:
        raise UsageFault(
            f"two organizations unlock; these are {len(names)}: give --data of both, or --organization of one "
            "that signs at its own place (`jifen tx --draft FILE --cosigner KEY unlock ...`)"
        )
    member, signers = decode_account(account), [operator_of(path) for path in data]
    submission = submit_built(
        lambda builder: builder.unlock_account(*signers, account=member, reason=why, organizations=names), home, url
    )
    print_submission(submission, as_json)


def _require_types(names: tuple[str, ...], home: Path | None, url: list[str] | None) -> None:
    """Raise CommandFailed for an id that no point type has: nothing is ever offered of it."""
    from jifen.cli.failures import CommandFailed

    for name in names:
        if asked(lambda client, name=name: client.point_type(name), home, url) is None:  # type: ignore[misc]
            raise CommandFailed(f"there is no point type {name}; see `jifen point-types list`")


def _organizations(data: list[Path] | None) -> tuple[str, ...]:
    from jifen import config

    return tuple(config.read_config(path).organization for path in data or ())


def _leg(option: str, text: str) -> tuple[str, int]:
    from jifen.cli.failures import UsageFault

    point_type, _, points = text.rpartition(":")
    if not (point_type and points.isascii() and points.isdigit() and int(points)):
        raise UsageFault(f"{option} {text} is no type:points; write it like north-music/consumer:300")
    return point_type, int(points)


def _offer_id(text: str) -> bytes:
    from jifen.cli.failures import UsageFault

    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != OFFER_BYTES:
        raise UsageFault(f"{text} is no offer's id, which has 64 hexadecimal digits; see `jifen swap list`")
    return found


def _show(offers: "tuple[SwapOffer, ...]", as_json: bool) -> None:
    if as_json:
        print_json(offers)
        return
    for found in offers:
        typer.echo(
            f"{found.id}  {found.left:>12,} {found.give_type} at {found.want_points:,} {found.want_type} "
            f"for {found.give_points:,}, at least {min(found.minimum, found.left):,}, "
            f"until {found.open_until:%Y-%m-%d %H:%M} UTC"
        )
    if not offers:
        typer.echo("no open offers")
