"""The blocking client is the asynchronous one in a thread."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from jifen.client import SyncClient, Unavailable


def transport_of(answer: dict[str, Any]) -> httpx.MockTransport:
    """Return a network that answers every request alike."""
    return httpx.MockTransport(lambda _request: httpx.Response(200, content=json.dumps({"data": answer})))


def test_its_calls_block_and_return_the_same_records() -> None:
    with SyncClient(["http://a.example"], transport=transport_of({"account": None})) as client:
        assert client.account("jf1") is None


def test_several_threads_may_share_it() -> None:
    with (
        SyncClient(["http://a.example"], transport=transport_of({"pointBalances": []})) as client,
        ThreadPoolExecutor(4) as pool,
    ):
        assert list(pool.map(client.balances, ["jf1"] * 20)) == [()] * 20


def test_errors_come_out_in_the_calling_thread() -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route")

    options = {"transport": httpx.MockTransport(fail), "timeout_seconds": 0.01}
    with SyncClient(["http://a.example"], **options) as client, pytest.raises(Unavailable, match="no route"):
        client.status()
