"""Requests that meet a validator whose store is closed: told to ask elsewhere, and no error in its log."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
import trio
from trio_websocket import WebSocketConnection, open_websocket

from jifen.actors.node import Node, ReadView, run_node
from jifen.codec.addresses import encode_account
from jifen.store.errors import StoreClosed
from jifen.testing.fake_node import FakeNode
from jifen.testing.small_alliance import small_alliance
from jifen_graphql.server import serve_public

HTTP_ANSWERS = {"application/json": 200, "application/graphql-response+json": 503}
PATIENCE_SECONDS = 60.0
"""How long a test waits for what must come; only a failing test waits so long."""

BLOCKS = "subscription($after: Int) { blocks(after: $after) { height } }"
READ = f'{{ account(id: "{encode_account(bytes(20))}", %s) {{ id }} }}'
SUBMIT = 'mutation { submitTransaction(bytes: "AAAA") { id } }'


@pytest.fixture(autouse=True)
def no_error_is_logged(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    written = capsys.readouterr().out
    assert "failed" not in written, written
    assert "Traceback" not in written, written


@asynccontextmanager
async def socket(port: int) -> AsyncIterator[WebSocketConnection]:
    """A connection of graphql-transport-ws that has been acknowledged."""
    protocols = ["graphql-transport-ws"]
    async with open_websocket("127.0.0.1", port, "/graphql", use_ssl=False, subprotocols=protocols) as connection:
        await connection.send_message('{"type":"connection_init"}')
        assert json.loads(await connection.get_message())["type"] == "connection_ack"
        yield connection


async def subscribe(connection: WebSocketConnection, identity: str, query: str, **variables: object) -> None:
    payload = {"query": query, "variables": variables}
    await connection.send_message(json.dumps({"type": "subscribe", "id": identity, "payload": payload}))


async def heard_code(connection: WebSocketConnection, identity: str) -> str:
    """Return the code of the error that ends an operation, passing over events before it."""
    with trio.fail_after(PATIENCE_SECONDS):
        while (message := json.loads(await connection.get_message()))["type"] != "error":
            assert message["id"] == identity
            assert "errors" not in message["payload"], message
    code: str = message["payload"][0]["extensions"]["code"]
    return code


def codes(response: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in response.json()["errors"]]


async def post(http: httpx.AsyncClient, query: str, accept: str = "application/json") -> httpx.Response:
    return await http.post("/graphql", json={"query": query}, headers={"accept": accept})


@pytest.fixture
async def stopped(tmp_path: Path, nursery: trio.Nursery) -> int:
    """The port of an API whose validator ran and has stopped: the moment before the API is stopped too."""
    setup = small_alliance(tmp_path, ("mall",)).setups["mall"]
    async with trio.open_nursery() as life:
        node: Node = await life.start(run_node, setup)
        port: int = await nursery.start(partial(serve_public, node, host="127.0.0.1", port=0))
        life.cancel_scope.cancel()
    return port


async def test_a_real_validator_that_has_stopped_says_so_over_http(stopped: int) -> None:
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{stopped}", trust_env=False, timeout=PATIENCE_SECONDS
    ) as http:
        for accept, status in HTTP_ANSWERS.items():
            response = await post(http, "{ block(height: 0) { height } }", accept)
            assert (response.status_code, codes(response)) == (status, ["STOPPING"])
            assert "another" in response.json()["errors"][0]["message"]
        assert codes(await post(http, SUBMIT)) == ["STOPPING"]


async def test_a_real_validator_that_has_stopped_says_so_over_websocket(stopped: int) -> None:
    async with socket(stopped) as connection:
        await subscribe(connection, "query", "{ block(height: 0) { height } }")
        assert await heard_code(connection, "query") == "STOPPING"
        await subscribe(connection, "blocks", BLOCKS, after=-1)
        assert await heard_code(connection, "blocks") == "STOPPING"


def closing(node: FakeNode) -> Callable[[], None]:
    """Return what closes the store under the node, as `run_node` does when it is cancelled."""
    read, closed = node.read, False

    def refuse_when_closed() -> AbstractContextManager[ReadView]:
        if closed:
            raise StoreClosed
        return read()  # type: ignore[return-value]

    def close() -> None:
        nonlocal closed
        closed = True

    node.read = refuse_when_closed  # type: ignore[method-assign,assignment]
    return close


async def test_a_wait_for_a_height_that_ends_when_the_store_is_closed_is_told(
    node: FakeNode, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    close, waits, go_on = closing(node), trio.Event(), trio.Event()

    async def wait(*_arguments: object) -> bool:
        waits.set()
        await go_on.wait()
        return True

    monkeypatch.setattr(node, "wait_for_height", wait)
    answers: list[httpx.Response] = []

    async def ask() -> None:
        answers.append(await post(http, READ % "minHeight: 1"))

    with trio.fail_after(PATIENCE_SECONDS):
        async with trio.open_nursery() as asking:
            asking.start_soon(ask)
            await waits.wait()
            close()
            go_on.set()
    assert codes(answers[0]) == ["STOPPING"]


async def test_a_current_read_that_is_vouched_for_when_the_store_is_closed_is_told(
    node: FakeNode, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = closing(node)

    async def read_index(*_arguments: object) -> int:
        await trio.lowlevel.checkpoint()
        close()
        return 0

    monkeypatch.setattr(node, "read_index", read_index)
    response = await post(http, READ % "consistency: LINEARIZABLE")
    assert codes(response) == ["STOPPING"]


async def test_a_subscription_that_hears_of_a_block_when_the_store_is_closed_is_told(node: FakeNode, port: int) -> None:
    close = closing(node)
    async with socket(port) as connection:
        await subscribe(connection, "1", BLOCKS, after=-1)
        with trio.fail_after(PATIENCE_SECONDS):
            node.commit()
            assert json.loads(await connection.get_message())["type"] == "next"
        close()
        node.commit()
        assert await heard_code(connection, "1") == "STOPPING"
