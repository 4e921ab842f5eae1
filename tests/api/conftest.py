"""Fixtures of the API's tests: a fake node, both listeners on free ports, and clients to talk to them."""

from collections.abc import AsyncIterator
from functools import partial
from typing import cast

import httpx
import pytest
import trio

from jifen.actors.node import Node
from jifen.testing.fake_node import FakeNode
from jifen_graphql.server import serve_admin, serve_public

ADMIN_TOKEN = "0123456789abcdef" * 2


@pytest.fixture
async def node() -> FakeNode:
    return FakeNode()


@pytest.fixture
async def port(node: FakeNode, nursery: trio.Nursery) -> int:
    """Port of a public listener."""
    started: int = await nursery.start(partial(serve_public, cast("Node", node), host="127.0.0.1", port=0))
    return started


@pytest.fixture
async def admin_port(node: FakeNode, nursery: trio.Nursery) -> int:
    """Port of an administrative listener."""
    started: int = await nursery.start(
        partial(serve_admin, cast("Node", node), host="127.0.0.1", port=0, token=ADMIN_TOKEN)
    )
    return started


@pytest.fixture
async def http(port: int) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the public listener."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as client:
        yield client


@pytest.fixture
async def admin(admin_port: int) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the administrative listener that has the token."""
    headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{admin_port}", trust_env=False, timeout=20, headers=headers
    ) as client:
        yield client
