"""Prize draws over the real server, in the SDK's own words: what is shown is enough to compute the winners again."""

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import httpx
import msgspec
import pytest

from jifen.chain.sealing import SealedTransaction
from jifen.client import draws
from jifen.client.draws import (
    Draw,
    DrawEntry,
    DrawPrize,
    DrawTerms,
    EntryPrice,
    SecretPieces,
    fits,
    make_secret,
    pieces_for,
    problems_of,
)
from jifen.client.queries import Operation
from jifen.client.transactions import TransactionBuilder
from jifen.codec.addresses import encode_account
from jifen.keys.signing import KeyPair
from jifen.ledger.rejections import Rejection
from jifen.testing.fake_node import MASTER, FakeNode, operator_of

NAMES = ("alice", "bob", "carol")


def pair_of(name: str) -> KeyPair:
    """Return a member's key."""
    return KeyPair.derive(MASTER, f"member/{name}")


class Chance:
    """Bytes that differ from call to call, the same in every run."""

    def __init__(self, name: str) -> None:
        self._state = name.encode()

    def __call__(self, size: int) -> bytes:
        self._state = sha256(self._state).digest()
        return self._state[:size]


class Hall:
    """An alliance on a fake node that draws prizes."""

    def __init__(self, node: FakeNode, http: httpx.AsyncClient) -> None:
        self.node = node
        self.http = http
        self.builder = TransactionBuilder(node.chain_id, clock=lambda: node.time)
        self.committers = ("books", "mall", "music")
        self.home = self.committers[0]
        self.secrets: dict[str, SecretPieces] = {}

    async def take(self, sealed: SealedTransaction) -> Rejection | None:
        """Commit a transaction and return why it was rejected, if it was."""
        [result] = await self.node.submit([sealed.signed], wait=True, timeout_seconds=1)
        assert result.error is None, result
        return result.rejection

    async def ask(self, operation: Operation[Any], **variables: Any) -> Any:
        """Ask in the words of the SDK."""
        response = await self.http.post("/graphql", json={"query": operation.document, "variables": variables})
        answer = response.json()
        assert "errors" not in answer, answer
        return operation.decode("here", json.dumps(answer["data"]).encode())

    async def draw(self) -> Draw:
        """Return the draw as it is shown."""
        found = await self.ask(draws.DRAW, organization=self.home, name="spring")
        assert isinstance(found, Draw)
        return found

    async def entries(self) -> tuple[DrawEntry, ...]:
        """Return the entries as they are shown."""
        found = await self.ask(draws.ENTRIES, organization=self.home, name="spring", after=0)
        return tuple(found)

    async def open(self, blocks: int) -> None:
        """Publish a draw that closes so many blocks from now, and put its secrets into keeping."""
        whose = {"organization": self.home, "draw": "spring"}
        terms = DrawTerms(
            rules_hash=sha256(b"the rules").hexdigest(),
            prizes=(DrawPrize("bicycle", 120_000, 1), DrawPrize("umbrella", 3_000, 2)),
            prices=(EntryPrice(f"{self.home}/consumer", 3),),
            entries_max=1000,
            close_height=self.node.height + blocks,
            reveal_by=moment(self.node.time + 3_600_000),
            settle_by=moment(self.node.time + 7_200_000),
            committers=self.committers,
            member_entries_max=5,
        )
        created = self.builder.create_draw(operator_of(self.home), **whose, terms=terms.to_ledger())
        assert await self.take(created) is None
        shown = await self.draw()
        assert shown.terms == terms
        for name in self.committers:
            secret = make_secret(shown, name, Chance(name))
            self.secrets[name] = secret
            item = self.builder.commit_to_draw(operator_of(name), **whose, committer=name, hashes=secret.hashes())
            assert await self.take(item) is None
        shown = await self.draw()
        for keeper in self.committers:
            for name in self.committers:
                assert fits(shown, pieces_for(shown, self.secrets[name], keeper), keeper)
            assert (
                await self.take(self.builder.keep_draw_secrets(operator_of(keeper), **whose, committer=keeper)) is None
            )

    async def enter(self, name: str, number: int) -> Rejection | None:
        """Buy entries."""
        item = self.builder.enter_draw(
            pair_of(name), organization=self.home, draw="spring", point_type=f"{self.home}/consumer", entries=number
        )
        return await self.take(item)

    async def reveal(self) -> None:
        """Show all secrets."""
        for name in self.committers:
            pieces = self.secrets[name].as_pieces()
            item = self.builder.reveal_secret(
                operator_of(name), organization=self.home, draw="spring", committer=name, pieces=pieces
            )
            assert await self.take(item) is None


def moment(time: int) -> datetime:
    """Return a time as the API shows it."""
    return datetime.fromtimestamp(time / 1000, UTC)


@pytest.fixture
async def hall(node: FakeNode, http: httpx.AsyncClient) -> Hall:
    hall = Hall(node, http)
    for name in NAMES:
        assert await hall.take(hall.builder.register_member(pair_of(name))) is None
        account = hall.builder.account_of(pair_of(name).public)
        item = hall.builder.earn_points(
            operator_of(hall.home),
            merchant=hall.home,
            order_id=name,
            account=account,
            point_type=f"{hall.home}/consumer",
            amount_fen=100_000,
        )
        assert await hall.take(item) is None
    return hall


async def test_f3c_what_is_shown_of_a_draw_is_enough_to_compute_its_winners_again(hall: Hall) -> None:
    await hall.open(blocks=12)
    for number, name in enumerate(NAMES):
        assert await hall.enter(name, 1 + number) is None
    shown = await hall.draw()
    assert (shown.status, shown.entry_count, shown.winners) == ("OPEN", 6, ())
    while hall.node.height < shown.terms.close_height:
        hall.node.commit()
    assert await hall.enter("alice", 1) is Rejection.DRAW_CLOSED
    await hall.reveal()
    hall.node.commit()

    found, entries = await hall.draw(), await hall.entries()
    assert found.status == "SETTLED"
    assert len(found.winners) == 3
    assert (found.withheld, found.settled_entries) == ((), 6)
    assert [entry.last_number for entry in entries] == [1, 3, 6]
    assert not any(entry.held for entry in entries)
    assert problems_of(found, entries) == []
    [mine] = await hall.ask(
        draws.MEMBER_DRAWS, account=encode_account(hall.builder.account_of(pair_of("carol").public))
    )
    assert mine.entry_count == 3
    assert set(mine.won_numbers) == {winner.number for winner in found.winners} & {4, 5, 6}
    [listed] = await hall.ask(draws.DRAWS)
    assert (listed.organization, listed.name, listed.status) == (hall.home, "spring", "SETTLED")


async def test_f3c_whoever_changes_what_is_shown_is_found_out(hall: Hall) -> None:
    await hall.open(blocks=12)
    for name in NAMES:
        await hall.enter(name, 2)
    while hall.node.height < (await hall.draw()).terms.close_height:
        hall.node.commit()
    await hall.reveal()
    found, entries = await hall.draw(), await hall.entries()
    assert problems_of(found, entries) == []
    replace = msgspec.structs.replace
    first = found.winners[0]
    stolen = replace(entries[0], account=entries[1].account)
    for changed, shown in [
        (found, (stolen, *entries[1:])),
        (found, (replace(entries[0], transaction="00" * 32), *entries[1:])),
        (found, entries[1:]),
        (found, (*entries, replace(entries[-1], first_number=7, last_number=7))),
        (replace(found, winners=(replace(first, number=first.number % 6 + 1), *found.winners[1:])), entries),
        (replace(found, winners=(replace(first, prize=1), *found.winners[1:])), entries),
        (replace(found, terms=replace(found.terms, entries_max=999)), entries),
        (replace(found, secrets=(replace(found.secrets[0], pieces=("00" * 32,) * 3), *found.secrets[1:])), entries),
        (replace(found, secrets=(replace(found.secrets[0], pieces=(None,) * 3), *found.secrets[1:])), entries),
    ]:
        assert problems_of(changed, shown) != []


async def test_entries_and_draws_come_in_pages(hall: Hall) -> None:
    await hall.open(blocks=20)
    for _ in range(2):
        for name in NAMES:
            assert await hall.enter(name, 2) is None
    document = (
        "query ($organization: String!, $after: Int!) { drawEntries(organization: $organization, "
        'name: "spring", first: 4, after: $after) { lastNumber } }'
    )
    seen: list[int] = []
    while True:
        variables = {"organization": hall.home, "after": seen[-1] if seen else 0}
        response = await hall.http.post("/graphql", json={"query": document, "variables": variables})
        page = [item["lastNumber"] for item in response.json()["data"]["drawEntries"]]
        if not page:
            break
        seen += page
    assert seen == [2, 4, 6, 8, 10, 12]
    nothing = await hall.ask(draws.DRAWS, after=f"{hall.home}/spring")
    assert nothing == ()
    assert await hall.ask(draws.DRAWS, organization="nobody") == ()
    assert await hall.ask(draws.DRAW, organization=hall.home, name="autumn") is None
    [one] = await hall.ask(draws.DRAWS, organization=hall.home)
    assert one.entry_count == 12


async def test_a_keeper_that_was_handed_the_wrong_pieces_notices(hall: Hall) -> None:
    await hall.open(blocks=20)
    shown = await hall.draw()
    owner, keeper, other = hall.committers
    handed = pieces_for(shown, hall.secrets[owner], keeper)
    assert len(handed.pieces) == 2
    assert fits(shown, handed, keeper)
    assert not fits(shown, handed, other), "it lacks a piece that the other is due"
    index = min(handed.pieces)
    assert not fits(shown, msgspec.structs.replace(handed, pieces=handed.pieces | {index: "00" * 32}), keeper)
    assert not fits(shown, msgspec.structs.replace(handed, pieces={index: handed.pieces[index]}), keeper)
    assert not fits(shown, msgspec.structs.replace(handed, hash="00" * 32), keeper)
    assert not fits(shown, msgspec.structs.replace(handed, committer="nobody"), keeper)
    assert not fits(shown, msgspec.structs.replace(handed, pieces=handed.pieces | {35: "00" * 32}), keeper)
