"""An import into a ledger in memory: exactly once, whatever fails in between."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import httpx
import pytest
from trio.testing import MockClock

from jifen.client import Client, ProtocolFault, TransactionBuilder
from jifen.demo import importer
from jifen.demo.importer import Importer, ImportFailed, Sender
from jifen.demo.planning import deal_out, member_key, merchants_of
from jifen.demo.purchases import Purchase
from jifen.ledger.genesis import Genesis
from jifen.ledger.state import holding_key, supply_key
from jifen.ledger.types import Holding, Supply
from jifen.testing.small_alliance import CREATED_AT, keys_of


class Ledger(Protocol):
    """What the fixture gives: see conftest.py."""

    genesis: Genesis
    chain_id: bytes
    state: Any
    requests: list[tuple[str, dict[str, Any]]]
    intercept: Callable[[str, dict[str, Any]], httpx.Response | None]

    def transport(self) -> httpx.MockTransport:
        """Return the network."""
        ...

    def submit(self, batch: list[str]) -> list[dict[str, Any]]:
        """Take a batch in."""
        ...


MASTER = bytes(range(32))
ROWS = [Purchase(number, 852_076_800_000, f"{number % 7:04}", 1, number * 10) for number in range(1, 61)]
URLS = {name: f"http://{name}.example" for name in ("books", "music", "cafe")}


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make several batches out of few rows."""
    monkeypatch.setattr(importer, "BATCH_TRANSACTIONS", 5)


def importer_of(ledger: Ledger, rows: Sequence[Purchase] = ROWS, **options: Any) -> Importer:
    """Return an import of the rows into the ledger."""
    senders = []
    for share in deal_out(rows, merchants_of(ledger.genesis)):
        own = URLS[share.merchant.id]
        others = tuple(url for url in URLS.values() if url != own)
        senders.append(Sender(share, keys_of(share.merchant.id).operator, (own, *others)))
    builder = TransactionBuilder(ledger.chain_id, clock=lambda: CREATED_AT)
    return Importer(
        senders, builder, MASTER, connect=lambda urls: Client(urls, transport=ledger.transport()), **options
    )


def issued(ledger: Ledger) -> dict[str, int]:
    """Return the points that the merchants have issued."""
    supplies = {name: ledger.state.get(supply_key(f"{name}/consumer")) for name in URLS}
    assert all(isinstance(supply, Supply) for supply in supplies.values())
    return {name: supply.issued for name, supply in supplies.items()}


EXPECTED = {name: sum(row.number for row in ROWS if row.number % 3 == index) for index, name in enumerate(URLS)}
"""Rows of `number * 10` cents at a point for ten fen."""


async def test_every_row_is_credited_once_at_its_merchant(small_ledger: Ledger) -> None:
    report = await importer_of(small_ledger).run()

    assert (report.purchases, report.credited, report.members, report.transactions) == (60, 60, 7, 67)
    assert (report.refused_count, report.refused) == (0, ())
    assert issued(small_ledger) == EXPECTED


async def test_each_merchants_transactions_go_to_its_own_validator(small_ledger: Ledger) -> None:
    await importer_of(small_ledger).run()

    assert {url for url, _ in small_ledger.requests} == {*URLS.values()}


async def test_points_lie_in_the_accounts_of_keys_that_can_be_derived_again(small_ledger: Ledger) -> None:
    await importer_of(small_ledger).run()

    builder = TransactionBuilder(small_ledger.chain_id)
    account = builder.account_of(member_key(MASTER, "0001").public)
    holding = small_ledger.state.get(holding_key(account, "music/consumer"))
    assert isinstance(holding, Holding)
    assert holding.available == sum(row.number for row in ROWS if row.customer == "0001" and row.number % 3 == 1)


async def test_a_second_run_finds_everything_and_credits_nothing(small_ledger: Ledger) -> None:
    await importer_of(small_ledger).run()

    report = await importer_of(small_ledger).run()

    assert (report.purchases, report.credited, report.members, report.transactions) == (60, 0, 0, 0)
    assert report.transactions_per_second == 0
    assert issued(small_ledger) == EXPECTED


async def test_a_longer_file_credits_only_what_is_new(small_ledger: Ledger) -> None:
    await importer_of(small_ledger, ROWS[:20]).run()

    report = await importer_of(small_ledger).run()

    assert (report.purchases, report.credited) == (60, 40)
    assert issued(small_ledger) == EXPECTED


async def test_a_validator_that_dies_in_the_middle_costs_no_row_and_doubles_none(
    small_ledger: Ledger, autojump_clock: MockClock
) -> None:
    def die_after_taking_the_third_batch(url: str, body: dict[str, Any]) -> httpx.Response | None:
        own = [seen for seen, _ in small_ledger.requests if seen == URLS["music"]]
        if url != URLS["music"] or len(own) < 3:
            return None
        if len(own) == 3:
            small_ledger.submit(body["variables"]["bytes"])  # taken, but nobody will hear of it
        raise httpx.ReadError("the connection ended")

    small_ledger.intercept = die_after_taking_the_third_batch

    report = await importer_of(small_ledger).run()

    assert (report.purchases, report.transactions) == (60, 67)
    assert issued(small_ledger) == EXPECTED


async def test_an_import_that_finds_no_validator_says_how_far_it_came(
    small_ledger: Ledger, autojump_clock: MockClock
) -> None:
    def die(_url: str, _body: dict[str, Any]) -> httpx.Response | None:
        if len(small_ledger.requests) > 6:
            raise httpx.ConnectError("connection refused")
        return None

    small_ledger.intercept = die
    with pytest.raises(ImportFailed, match=r"^\d+ purchases are on the ledger, then: .*nothing is credited twice"):
        await importer_of(small_ledger, deadline_seconds=5).run()

    small_ledger.intercept = lambda _url, _body: None
    report = await importer_of(small_ledger).run()
    assert report.purchases == 60
    assert issued(small_ledger) == EXPECTED


async def test_a_server_that_is_no_validator_stops_the_import(small_ledger: Ledger) -> None:
    small_ledger.intercept = lambda _url, _body: httpx.Response(200, text="<html>")

    with pytest.raises(ProtocolFault):
        await importer_of(small_ledger).run()


async def test_rows_that_the_ledger_refuses_are_named_with_its_reason(small_ledger: Ledger) -> None:
    importer_ = importer_of(small_ledger)
    wrong = [Sender(sender.share, keys_of("mall").operator, sender.urls) for sender in importer_._senders]
    importer_._senders = wrong

    report = await importer_.run()

    assert (report.purchases, report.credited, report.refused_count) == (0, 0, 60)
    assert len(report.refused) == importer.REFUSED_NAMED_MAX
    assert report.refused[0].endswith(": NOT_AUTHORIZED")


async def test_progress_is_told_batch_by_batch(small_ledger: Ledger) -> None:
    told: list[tuple[int, int]] = []
    importing = importer_of(small_ledger, on_settled=lambda settled, committed: told.append((settled, committed)))

    await importing.run()

    assert sum(settled for settled, _ in told) == importing.total == 67
    assert sum(committed for _, committed in told) == 67
    assert len(told) >= 13
