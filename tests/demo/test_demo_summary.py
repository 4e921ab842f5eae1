"""What the demonstration tells in the end."""

import io
import json
from collections.abc import Sequence
from typing import Any

import httpx
import msgspec
import pytest
from rich.console import Console
from trio.testing import MockClock

from jifen.client import Client
from jifen.demo import summary
from jifen.demo.bound import bound_of, measure_verification
from jifen.demo.importer import ImportReport
from jifen.demo.summary import Unreached, digests_agree, look, look_at_one_height, state_of, summarize, table_of
from jifen.home import Validator

AS_OF = {"height": 7, "hash": "ab" * 32, "time": "2026-01-31T08:00:00.000Z"}
VALIDATORS = [Validator(name, f"http://{name}.example") for name in ("mall", "books")]
REPORT = ImportReport(purchases=10, credited=8, members=2, transactions=10, seconds=0.5, refused=(), refused_count=0)


class Alliance:
    """Validators that answer from a table: heights, digests by height, and who is away."""

    def __init__(self) -> None:
        self.heights = {"mall": [7], "books": [7]}
        """Height of each, look by look; the last one stays."""
        self.digests = {"mall": "aa", "books": "aa"}
        self.refused: dict[str, Any] | None = None
        self.away: set[str] = set()

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        name = request.url.host.split(".")[0]
        if name in self.away:
            raise httpx.ConnectError("connection refused")
        body = json.loads(request.content)
        if "block(" in body["query"]:
            return answer({"block": self._block(name, body["variables"]["height"])})
        heights = self.heights[name]
        height = heights.pop(0) if len(heights) > 1 else heights[0]
        return answer(
            {"node": self._node(name, height), "organizations": [organization("mall"), organization("books")]}
        )

    def _node(self, name: str, height: int) -> dict[str, Any]:
        return {
            "chainId": "cd" * 32, "organization": name, "role": "leader" if name == "mall" else "follower", "term": 3,
            "leader": "mall", "height": height, "committedHeight": height, "stateDigest": self.digests[name] * 32,
            "version": "0.1.0", "pendingTransactions": 0, "lastBlockTime": AS_OF["time"], "peers": [], "asOf": AS_OF,
            "refusedBlock": self.refused,
        }  # fmt: skip

    def _block(self, name: str, height: int) -> dict[str, Any]:
        return {
            "height": height, "hash": "00" * 32, "term": 1, "parentHash": "00" * 32, "time": AS_OF["time"],
            "proposer": "mall", "stateDigest": self.digests[name] * 32, "transactionCount": 0, "certificate": None,
        }  # fmt: skip


def organization(name: str) -> dict[str, Any]:
    """Return an organization that has issued 1,200 points of its one type."""
    kind = {
        "id": f"{name}/consumer", "issuer": name, "role": "CONSUMER", "earnRate": {"points": "1", "perFen": "10"},
        "supply": {"issued": "1200"},
    }  # fmt: skip
    return {
        "id": name, "name": name.title(), "kind": "MERCHANT", "status": "ACTIVE", "publicUrl": None,
        "validatorKey": "00" * 32, "pointTypes": [kind],
    }  # fmt: skip


def answer(data: Any) -> httpx.Response:
    """Return a GraphQL answer."""
    return httpx.Response(200, json={"data": data})


@pytest.fixture
def alliance(monkeypatch: pytest.MonkeyPatch) -> Alliance:
    """Put an alliance in memory in the place of the network."""
    made = Alliance()

    def connect(urls: Sequence[str], **options: Any) -> Client:
        return Client(urls, transport=httpx.MockTransport(made.handle), **options)

    monkeypatch.setattr(summary, "Client", connect)
    return made


async def test_the_summary_names_what_scripts_look_for(alliance: Alliance) -> None:
    answers, reasons = await look(VALIDATORS)

    made = summarize(REPORT, VALIDATORS, answers, reasons, True, bound_of(50.0, 4, 20.0))
    told = json.loads(msgspec.json.encode(made))

    assert (told["purchases"], told["transactions"], told["seconds"], told["transactionsPerSecond"]) == (
        10,
        10,
        0.5,
        20,
    )
    assert told["organizations"][0] == {
        "id": "mall", "height": 7, "term": 3, "role": "leader", "stateDigest": "aa" * 32, "pointsIssued": 1200,
        "url": "http://mall.example", "refusedBlock": "",
    }  # fmt: skip
    assert told["digestsEqual"] is True


async def test_a_block_that_a_validator_cannot_reproduce_is_told_with_the_reason(alliance: Alliance) -> None:
    alliance.refused = {"height": 8, "proposer": "books", "reason": "its state_digest is 00, this computes 01"}

    answers, _ = await look(VALIDATORS)

    state = state_of(VALIDATORS[0], answers["mall"])
    assert "cannot reproduce block 8 of books: its state_digest is 00" in state.refused_block
    shown = io.StringIO()
    Console(file=shown, width=200).print(table_of([state], []))
    assert f"mall {state.refused_block}" in shown.getvalue()


async def test_validators_are_compared_at_one_height(alliance: Alliance, autojump_clock: MockClock) -> None:
    alliance.heights = {"mall": [9], "books": [7, 8, 9]}

    answers, _ = await look_at_one_height(VALIDATORS)

    assert {answer.node.height for answer in answers.values()} == {9}
    assert await digests_agree(VALIDATORS, answers)


async def test_validators_that_never_meet_are_compared_at_the_lower_height(
    alliance: Alliance, autojump_clock: MockClock
) -> None:
    alliance.heights = {"mall": [9], "books": [7]}

    answers, _ = await look_at_one_height(VALIDATORS)

    assert await digests_agree(VALIDATORS, answers)


async def test_different_digests_at_one_height_are_told(alliance: Alliance) -> None:
    alliance.digests = {"mall": "aa", "books": "bb"}

    answers, _ = await look(VALIDATORS)

    assert not await digests_agree(VALIDATORS, answers)


async def test_one_that_is_away_is_named_and_the_others_are_shown(
    alliance: Alliance, autojump_clock: MockClock
) -> None:
    alliance.away = {"books"}

    answers, reasons = await look(VALIDATORS)
    made = summarize(REPORT, VALIDATORS, answers, reasons, True, bound_of(50.0, 4, 20.0))

    assert [state.id for state in made.organizations] == ["mall"]
    assert [(missing.id, "connection refused" in missing.reason) for missing in made.unreachable] == [("books", True)]


async def test_the_table_fits_into_eighty_columns(alliance: Alliance) -> None:
    answers, reasons = await look(VALIDATORS)
    made = summarize(REPORT, VALIDATORS, answers, reasons, True, bound_of(50.0, 4, 20.0))
    console = Console(file=io.StringIO(), width=80)

    console.print(table_of(made.organizations, [Unreached("south-cafe", "http://127.0.0.1:8083", "gone")]))

    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "1,200" in text
    assert "aaaaaaaaaaaa" in text
    assert "unreachable" in text
    assert "…" not in text


def test_the_bound_is_cores_over_validators_times_the_time_of_one_check() -> None:
    bound = bound_of(50.0, 4, 1000.0)

    assert bound.transactions_per_second == bound.cores * 5000
    assert bound.share == pytest.approx(1000 / (bound.cores * 5000), abs=1e-4)


def test_checking_a_signature_takes_time() -> None:
    assert 1 < measure_verification() < 100_000
