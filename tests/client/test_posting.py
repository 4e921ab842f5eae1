"""One request over a real connection to something that is no good validator: what breaks, and what is too long."""

import gc
import gzip
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import trio

from jifen.client import ProtocolFault, Unavailable
from jifen.client.endpoints import Endpoints
from jifen.client.posting import ANSWER_BYTES_MAX

PATIENCE_SECONDS = 20
BODY_BYTES = 16 << 20
"""More than the buffers of a connection on loopback hold."""

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

Behaviour = Callable[[trio.SocketStream], Awaitable[object]]
Making = Callable[[Behaviour], Awaitable[Endpoints]]


@pytest.fixture
async def client_of(nursery: trio.Nursery) -> AsyncIterator[Making]:
    """What makes a client of a server that behaves like this on every connection."""
    clients: list[Endpoints] = []

    async def make(behaviour: Behaviour) -> Endpoints:
        async def behave(stream: trio.SocketStream) -> None:
            async with stream:
                await behaviour(stream)

        [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, behave, [listener])
        clients.append(Endpoints([f"http://127.0.0.1:{listener.socket.getsockname()[1]}"]))
        return clients[-1]

    yield make
    for client in clients:
        await client.close()


def answers(*parts: bytes) -> Behaviour:
    """Return a server that reads a request's beginning, answers so, and keeps the connection open."""

    async def behave(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        for part in parts:
            await stream.send_all(part)
        await trio.sleep_forever()

    return behave


async def hangs_up(stream: trio.SocketStream) -> None:
    """Hang up in the middle of a request."""
    await stream.receive_some(1000)


async def reads_nothing(_stream: trio.SocketStream) -> None:
    """Take the connection and nothing else."""
    await trio.sleep_forever()


@pytest.mark.parametrize("behaviour", [hangs_up, reads_nothing])
async def test_a_request_that_breaks_while_it_is_sent_leaves_nothing_half_run(
    behaviour: Behaviour, client_of: Making
) -> None:
    client = await client_of(behaviour)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with trio.fail_after(PATIENCE_SECONDS), pytest.raises(Unavailable):
            await client.ask("{ __typename }" + " " * BODY_BYTES, {}, timeout_seconds=0.5)
        gc.collect()

    assert [str(warning.message) for warning in warned] == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (HEAD + b"Content-Length: 99999999999\r\n\r\n", "99999999999 bytes"),
        (HEAD + b"Content-Encoding: gzip\r\nContent-Length: 9999\r\n\r\n" + gzip.compress(b"0"), "gzip"),
    ],
)
async def test_an_answer_that_says_it_is_no_good_is_not_read(answer: bytes, said: str, client_of: Making) -> None:
    client = await client_of(answers(answer))
    with trio.fail_after(PATIENCE_SECONDS), pytest.raises(ProtocolFault, match=said):
        await client.ask("{ __typename }", {}, timeout_seconds=PATIENCE_SECONDS)


@pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning")  # httpx reads answers by generators of its own
async def test_an_answer_without_an_end_is_read_so_far_only(
    client_of: Making,
) -> None:
    sent = 0

    async def goes_on(stream: trio.SocketStream) -> None:
        nonlocal sent
        await stream.receive_some()
        await stream.send_all(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        try:
            while True:
                await stream.send_all(chunk)
                sent += 0x10000
        except trio.BrokenResourceError:
            closed.set()

    closed = trio.Event()
    client = await client_of(goes_on)
    with trio.fail_after(PATIENCE_SECONDS):
        with pytest.raises(ProtocolFault, match="more than"):
            await client.ask("{ __typename }", {}, timeout_seconds=PATIENCE_SECONDS)
        await closed.wait()
        gc.collect()

    assert sent < 2 * ANSWER_BYTES_MAX
