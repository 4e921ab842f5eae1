"""The network of the nemesis does to bytes what it says it does, on real sockets."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from jifen.testing.nemesis.proxy import GOOD, Conditions, Flow, LinkProxy, Network, Pair


class Recipient:
    """Echoes every byte, and keeps what it got."""

    def __init__(self) -> None:
        self.port = 0
        self.got = b""
        self.more = trio.Event()
        self.dialled: list[trio.SocketStream] = []

    async def dialled_over(self, proxy: LinkProxy) -> trio.SocketStream:
        stream = await trio.open_tcp_stream("127.0.0.1", proxy.port)
        self.dialled.append(stream)
        return stream

    async def echo(self, stream: trio.SocketStream) -> None:
        try:
            async for data in stream:
                self.got += bytes(data)
                self.more.set()
                self.more = trio.Event()
                await stream.send_all(data)
        except trio.BrokenResourceError:
            return

    async def has(self, data: bytes) -> None:
        while not self.got.endswith(data):
            await self.more.wait()


@asynccontextmanager
async def linked() -> AsyncIterator[tuple[LinkProxy, Recipient]]:
    recipient = Recipient()
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
            recipient.port = listener.socket.getsockname()[1]
            nursery.start_soon(trio.serve_listeners, recipient.echo, [listener])
            proxy = LinkProxy(Pair("mall", "books"), recipient.port, random.Random(1))
            await nursery.start(proxy.serve)
            try:
                yield proxy, recipient
            finally:
                for stream in recipient.dialled:
                    await trio.aclose_forcefully(stream)
            nursery.cancel_scope.cancel()


async def is_reset(stream: trio.SocketStream) -> bool:
    try:
        while await stream.receive_some():
            pass
    except trio.BrokenResourceError:
        return True
    return False


async def test_bytes_go_through_both_ways_and_are_counted() -> None:
    async with linked() as (proxy, recipient):
        stream = await recipient.dialled_over(proxy)
        await stream.send_all(b"x" * 100_000)
        got = b""
        while len(got) < 100_000:
            got += bytes(await stream.receive_some())
        await stream.send_eof()
        assert await stream.receive_some() == b""
        assert recipient.got == got
        assert proxy.outward.bytes == proxy.inward.bytes == 100_000


async def test_a_stalled_direction_holds_bytes_and_delivers_them_when_it_is_mended() -> None:
    async with linked() as (proxy, recipient):
        stream = await recipient.dialled_over(proxy)
        await stream.send_all(b"one")
        await recipient.has(b"one")
        proxy.set(Conditions(Flow.STALL))
        await stream.send_all(b"two")
        while proxy.outward.bytes < 6:
            await trio.lowlevel.checkpoint()
        assert recipient.got == b"one"
        proxy.set(GOOD)
        await recipient.has(b"two")


async def test_one_direction_may_stall_while_the_other_carries() -> None:
    async with linked() as (proxy, recipient):
        proxy.set(GOOD, Conditions(Flow.STALL))
        stream = await recipient.dialled_over(proxy)
        await stream.send_all(b"heard")
        await recipient.has(b"heard")
        proxy.set(GOOD, GOOD)
        assert await stream.receive_some() == b"heard"


async def test_what_was_dropped_costs_the_connection_when_the_link_is_mended() -> None:
    async with linked() as (proxy, recipient):
        stream = await recipient.dialled_over(proxy)
        proxy.set(Conditions(Flow.DROP))
        await stream.send_all(b"lost")
        while proxy.outward.bytes < 4:
            await trio.lowlevel.checkpoint()
        proxy.set(GOOD)
        assert await is_reset(stream)
        assert recipient.got == b""
        again = await recipient.dialled_over(proxy)
        await again.send_all(b"kept")
        await recipient.has(b"kept")


async def test_a_refusing_link_resets_old_connections_and_new_ones() -> None:
    async with linked() as (proxy, recipient):
        stream = await recipient.dialled_over(proxy)
        await stream.send_all(b"up")
        await recipient.has(b"up")
        proxy.set(Conditions(Flow.REFUSE))
        assert await is_reset(stream)
        assert await is_reset(await recipient.dialled_over(proxy))


async def test_a_recipient_that_is_down_looks_as_it_does_without_a_proxy() -> None:
    async with linked() as (proxy, recipient):
        proxy._recipient_port = 1
        assert await is_reset(await recipient.dialled_over(proxy))


async def test_a_cut_ends_what_there_is_and_nothing_else() -> None:
    async with linked() as (proxy, recipient):
        stream = await recipient.dialled_over(proxy)
        await stream.send_all(b"up")
        await recipient.has(b"up")
        assert proxy.cut() == 1
        assert await is_reset(stream)
        again = await recipient.dialled_over(proxy)
        await again.send_all(b"and up again")
        await recipient.has(b"again")


async def test_a_slow_link_delays_every_chunk_and_keeps_their_order() -> None:
    async with linked() as (proxy, recipient):
        stream = await recipient.dialled_over(proxy)
        proxy.set(Conditions(delay_seconds=0.05, jitter_seconds=0.05))
        before = trio.current_time()
        for number in range(20):
            await stream.send_all(b"%02d" % number)
        await recipient.has(b"19")
        assert trio.current_time() - before >= 0.05
        assert recipient.got == b"".join(b"%02d" % number for number in range(20))


async def test_a_narrow_link_takes_its_time() -> None:
    async with linked() as (proxy, recipient):
        stream = await recipient.dialled_over(proxy)
        proxy.set(Conditions(bytes_per_second=100_000))
        before = trio.current_time()
        await stream.send_all(b"x" * 20_000)
        await stream.send_all(b".")
        await recipient.has(b".")
        assert trio.current_time() - before >= 0.2


@pytest.mark.parametrize(
    ("groups", "open_links"),
    [
        ([["a", "b"], ["c"]], {("a", "b"), ("b", "a")}),
        ([["a", "b"], ["b", "c"]], {("a", "b"), ("b", "a"), ("b", "c"), ("c", "b")}),
        ([["a"], ["b"], ["c"]], set()),
    ],
)
def test_a_partition_closes_the_links_between_those_who_share_no_group(
    groups: list[list[str]], open_links: set[tuple[str, str]]
) -> None:
    network = Network({"a": 1, "b": 2, "c": 3}, random.Random(1))
    assert set(network.links) - set(network.apart(groups)) == open_links
