"""The client over a network in memory: failover, retries with the same bytes, blame."""

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import trio
from trio.testing import MockClock

from jifen.client import Client, ProtocolFault, Refused, SealedTransaction, Unavailable
from jifen.client.client import BATCH_TRANSACTIONS_MAX
from jifen.ledger.rejections import Rejection
from jifen.ledger.types import TransactionId

FIRST, SECOND = "http://first.example:8080", "http://second.example:8080"
AS_OF = {"height": 7, "hash": "ab" * 32, "time": "2026-01-31T08:00:00.000Z"}
NODE = {
    "chainId": "cd" * 32, "organization": "mall", "role": "leader", "term": 3, "leader": "mall", "height": 7,
    "committedHeight": 7, "stateDigest": "ef" * 32, "version": "0.1.0", "pendingTransactions": 0,
    "lastBlockTime": "2026-01-31T08:00:00.000Z", "peers": [{"id": "books", "connected": True}], "asOf": AS_OF,
}  # fmt: skip

Script = Callable[[str, dict[str, Any]], httpx.Response]


def client_of(script: Script, *urls: str, **options: Any) -> Client:
    """Return a client whose requests the script answers, given the base URL and the decoded body."""

    def handle(request: httpx.Request) -> httpx.Response:
        base = f"{request.url.scheme}://{request.url.netloc.decode()}"
        assert request.url.path == "/graphql"
        return script(base, json.loads(request.content))

    return Client(urls or (FIRST, SECOND), transport=httpx.MockTransport(handle), **options)


def data(**fields: Any) -> httpx.Response:
    """Return a GraphQL answer."""
    return httpx.Response(200, json={"data": fields})


def submission(signed: str, **fields: Any) -> dict[str, Any]:
    """Return an applied submission, changed by `fields`."""
    name = base64.b64decode(signed).ljust(32, b"\0").hex()
    applied = {"status": "COMMITTED", "outcome": "APPLIED", "rejection": None, "height": 8, "message": "done"}
    return {"id": name, **applied, "userErrors": [], **fields}


def prepared(number: int) -> SealedTransaction:
    """Return a stand-in for a signed transaction."""
    return SealedTransaction(TransactionId(number.to_bytes(32, "big")), number.to_bytes(4, "big"))


async def test_a_status_is_read_into_typed_fields() -> None:
    async with client_of(lambda _url, _body: data(node=NODE)) as client:
        status = await client.status()

    assert (status.organization, status.height, status.peers[0].connected) == ("mall", 7, True)
    assert status.last_block_time.year == 2026


async def test_points_come_as_integers_though_the_api_writes_them_as_strings() -> None:
    lot = {"points": "9007199254740991", "state": "AVAILABLE", "origin": "EARNED", "availableFrom": AS_OF["time"]}
    balance = {"pointType": "mall/consumer", "available": "9007199254740991", "pending": "0", "debt": "0"}
    whole = balance | {"lots": [lot | {"expiresAt": None, "slides": False}]}

    async with client_of(lambda _url, _body: data(pointBalances=[whole])) as client:
        [found] = await client.balances("jf1")

    assert found.available == found.lots[0].points == 2**53 - 1


@pytest.mark.parametrize("fault", ["refused", "500", "429", "INTERNAL", "HEIGHT_NOT_REACHED", "STOPPING"])
async def test_a_validator_that_cannot_answer_is_passed_over_and_left_alone_afterwards(fault: str) -> None:
    asked: list[str] = []

    def script(url: str, _body: dict[str, Any]) -> httpx.Response:
        asked.append(url)
        if url == SECOND:
            return data(node=NODE)
        if fault == "refused":
            raise httpx.ConnectError("connection refused")
        if fault.isdigit():
            return httpx.Response(int(fault))
        return httpx.Response(200, json={"errors": [{"message": "later", "extensions": {"code": fault}}]})

    async with client_of(script) as client:
        await client.status()
        await client.status()

    assert asked == [FIRST, SECOND, SECOND]


async def test_when_nobody_answers_in_time_the_error_names_every_validator(autojump_clock: MockClock) -> None:
    def script(url: str, _body: dict[str, Any]) -> httpx.Response:
        raise httpx.ConnectError(f"no way to {url}")

    async with client_of(script, timeout_seconds=7) as client:
        with pytest.raises(Unavailable, match="within 7 seconds") as caught:
            await client.status()

    assert caught.value.attempts == {FIRST: f"no way to {FIRST}", SECOND: f"no way to {SECOND}"}
    assert trio.current_time() == pytest.approx(7)


async def test_a_validator_that_keeps_a_caller_waiting_in_vain_is_not_asked_first_again(
    autojump_clock: MockClock,
) -> None:
    asked: list[str] = []

    async def handle(request: httpx.Request) -> httpx.Response:
        url = f"{request.url.scheme}://{request.url.netloc.decode()}"
        asked.append(url)
        if url == FIRST:
            await trio.sleep_forever()
        signed = json.loads(request.content)["variables"]["bytes"]
        return data(submitTransactions=[submission(item) for item in signed])

    async with Client([FIRST, SECOND], timeout_seconds=5, transport=httpx.MockTransport(handle)) as client:
        with pytest.raises(Unavailable, match="found no validator in time"):
            await client.submit(prepared(1))
        await client.submit(prepared(1))

    assert asked == [FIRST, SECOND]


@pytest.mark.parametrize("current", [False, True])
async def test_a_balance_is_read_as_current_as_the_caller_wants_it(current: bool) -> None:
    asked = []

    def script(_url: str, body: dict[str, Any]) -> httpx.Response:
        asked.append(body["variables"]["consistency"])
        return data(account=None) if "account(" in body["query"] else data(pointBalances=[])

    async with client_of(script) as client:
        await client.balances("jf1", current=current)
        await client.account("jf1", current=current)

    assert asked == ["LINEARIZABLE" if current else "LOCAL"] * 2


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, text="<html>hello</html>"),
        httpx.Response(404, text="nothing here"),
        httpx.Response(200, json={"data": {"node": {"chainId": "ab"}}}),
        httpx.Response(200, json={"data": {}}),
        httpx.Response(200, json=[1, 2]),
    ],
)
async def test_something_else_than_a_validator_is_named_with_its_url(response: httpx.Response) -> None:
    async with client_of(lambda _url, _body: response) as client:
        with pytest.raises(ProtocolFault, match=FIRST):
            await client.status()


async def test_a_request_that_is_wrong_is_not_tried_elsewhere() -> None:
    asked = []

    def script(url: str, _body: dict[str, Any]) -> httpx.Response:
        asked.append(url)
        return httpx.Response(200, json={"errors": [{"message": "too deep", "extensions": {"code": "TOO_DEEP"}}]})

    async with client_of(script) as client:
        with pytest.raises(Refused, match="too deep") as caught:
            await client.status()

    assert (caught.value.code, asked) == ("TOO_DEEP", [FIRST])


async def test_a_token_is_sent_and_its_refusal_is_told() -> None:
    seen = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("authorization"))
        return httpx.Response(401, json={"errors": []})

    async with Client([FIRST], token="t" * 32, transport=httpx.MockTransport(handle)) as client:
        with pytest.raises(Refused, match=r"admin\.token"):
            await client.earn_points(order_id="A-1", account="jf1", amount_fen=100)

    assert seen == ["Bearer " + "t" * 32]


async def test_transactions_beyond_one_request_go_in_several_and_come_back_in_order() -> None:
    sizes = []

    def script(_url: str, body: dict[str, Any]) -> httpx.Response:
        batch = body["variables"]["bytes"]
        sizes.append(len(batch))
        return data(submitTransactions=[submission(signed) for signed in batch])

    transactions = [prepared(number) for number in range(BATCH_TRANSACTIONS_MAX * 2 + 3)]
    async with client_of(script) as client:
        answers = await client.submit_many(transactions)

    assert sizes == [BATCH_TRANSACTIONS_MAX, BATCH_TRANSACTIONS_MAX, 3]
    assert [answer.id for answer in answers] == [item.signed.ljust(32, b"\0").hex() for item in transactions]


@pytest.mark.parametrize("code", ["BUSY", "NO_LEADER", "TIMED_OUT"])
async def test_only_what_found_no_room_is_sent_again_the_same_bytes_to_the_next(
    code: str, autojump_clock: MockClock
) -> None:
    asked: list[tuple[str, list[str]]] = []

    def script(url: str, body: dict[str, Any]) -> httpx.Response:
        batch = body["variables"]["bytes"]
        asked.append((url, batch))
        waiting = {"status": "REFUSED", "outcome": None, "height": None, "userErrors": [{"code": code, "message": "-"}]}
        missed = len(asked) == 1
        return data(submitTransactions=[
            submission(signed, **(waiting if missed and index == 1 else {})) for index, signed in enumerate(batch)
        ])  # fmt: skip

    async with client_of(script) as client:
        answers = await client.submit_many([prepared(1), prepared(2), prepared(3)])

    assert [answer.is_applied for answer in answers] == [True, True, True]
    assert asked == [(FIRST, asked[0][1]), (SECOND, [asked[0][1][1]])]


async def test_a_batch_whose_answer_was_lost_is_sent_again_as_it_was() -> None:
    bodies = []

    def script(_url: str, body: dict[str, Any]) -> httpx.Response:
        bodies.append(body)
        if len(bodies) == 1:
            raise httpx.ReadError("the connection ended")
        return data(submitTransactions=[submission(signed) for signed in body["variables"]["bytes"]])

    async with client_of(script) as client:
        await client.submit(prepared(1))

    assert bodies[0] == bodies[1]


async def test_taken_before_means_what_the_earlier_try_of_these_bytes_did() -> None:
    def script(_url: str, body: dict[str, Any]) -> httpx.Response:
        if "submitTransactions" in body["query"]:
            [signed] = body["variables"]["bytes"]
            refused = {"status": "REFUSED", "outcome": None, "rejection": "ALREADY_APPLIED", "height": None}
            errors = [{"code": "REJECTED", "message": "in an earlier block"}]
            return data(submitTransactions=[submission(signed, **refused, userErrors=errors)])
        known = {"id": body["variables"]["id"], "status": "COMMITTED", "outcome": "APPLIED", "rejection": None}
        rest = {"kind": "registerMember", "height": 4, "index": 0, "receipt": {"effects": []}, "asOf": AS_OF}
        return data(transaction=known | rest)

    async with client_of(script) as client:
        found = await client.submit(prepared(1))

    assert (found.is_applied, found.height, found.reason) == (True, 4, None)


@pytest.mark.parametrize("holder", [SECOND, None])
async def test_what_a_snapshot_has_skipped_at_one_validator_is_asked_of_the_others(holder: str | None) -> None:
    asked: list[str] = []

    def script(url: str, body: dict[str, Any]) -> httpx.Response:
        if "submitTransactions" in body["query"]:
            [signed] = body["variables"]["bytes"]
            refused = {"status": "REFUSED", "outcome": None, "rejection": "ALREADY_APPLIED", "height": None}
            errors = [{"code": "REJECTED", "message": "in an earlier block"}]
            return data(submitTransactions=[submission(signed, **refused, userErrors=errors)])
        asked.append(url)
        place = {"outcome": "APPLIED", "height": 4, "index": 0} if url == holder else {"outcome": None, "height": None}
        status = "COMMITTED" if url == holder else "UNKNOWN"
        rest = {"kind": None, "rejection": None, "index": None, "receipt": None, "asOf": AS_OF}
        return data(transaction={"id": body["variables"]["id"], "status": status} | rest | place)

    async with client_of(script) as client:
        if holder is None:
            with pytest.raises(Refused, match="ALREADY_APPLIED"):
                await client.submit(prepared(1))
        else:
            found = await client.submit(prepared(1))
            assert (found.is_applied, found.height, found.reason) == (True, 4, None)

    assert asked == [FIRST, SECOND]


async def test_a_rejection_is_raised_with_the_ledgers_own_reason() -> None:
    def script(_url: str, body: dict[str, Any]) -> httpx.Response:
        [signed] = body["variables"]["bytes"]
        poor = {"outcome": "REJECTED", "rejection": "INSUFFICIENT_POINTS", "message": "too few points"}
        return data(submitTransactions=[submission(signed, **poor)])

    async with client_of(script) as client:
        with pytest.raises(Refused, match="INSUFFICIENT_POINTS: too few points") as caught:
            await client.submit(prepared(1))

    assert (caught.value.rejection, caught.value.height) == (Rejection.INSUFFICIENT_POINTS, 8)


async def test_transactions_that_find_no_room_in_time_are_counted(autojump_clock: MockClock) -> None:
    def script(_url: str, body: dict[str, Any]) -> httpx.Response:
        busy = {"status": "REFUSED", "outcome": None, "userErrors": [{"code": "BUSY", "message": "the queue is full"}]}
        return data(submitTransactions=[submission(signed, **busy) for signed in body["variables"]["bytes"]])

    async with client_of(script) as client:
        with pytest.raises(Unavailable, match="2 of 2 transactions found no validator in time"):
            await client.submit_many([prepared(1), prepared(2)], timeout_seconds=5)


async def test_an_answer_of_another_length_than_the_request_is_a_fault_of_the_server() -> None:
    async with client_of(lambda _url, _body: data(submitTransactions=[])) as client:
        with pytest.raises(ProtocolFault, match="0 answers to 1 transactions"):
            await client.submit(prepared(1))


async def test_a_purchase_that_is_not_committed_in_time_is_not_said_to_be_refused() -> None:
    def script(_url: str, _body: dict[str, Any]) -> httpx.Response:
        late = {"outcome": None, "height": None, "message": "it may still be",
                "userErrors": [{"code": "TIMED_OUT", "message": "-"}]}  # fmt: skip
        return data(earnPoints=submission(base64.b64encode(b"-").decode(), status="ACCEPTED", **late))

    async with client_of(script) as client:
        with pytest.raises(Unavailable, match="it may still be"):
            await client.earn_points(order_id="A-17", account="jf1...", amount_fen=100)


NO_URLS = ["127.0.0.1:8080", "ftp://first.example", "http://", "http://a:notaport", "http://a:99999", "http://\udcff"]


@pytest.mark.parametrize("urls", [[], *([url] for url in NO_URLS)])
def test_a_client_without_a_proper_url_is_not_made(urls: list[str]) -> None:
    with pytest.raises(ValueError, match="URL"):
        Client(urls)
