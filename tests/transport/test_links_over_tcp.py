"""The few things that only real sockets show: ports, restarts, resets."""

import socket
import struct
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from jifen.transport import Address, CannotListen, PortBusy, TransportLimits
from jifen.transport.dial import open_tcp
from jifen.transport.link import TlsStream

if TYPE_CHECKING:
    from tests.transport.conftest import Network


async def raw_tcp(address: Address) -> trio.SocketStream:
    return await trio.open_tcp_stream(address.host, address.port)


async def assert_ended_by_the_server(stream: trio.abc.Stream) -> None:
    with trio.fail_after(30):
        async with stream:
            try:
                while await stream.receive_some():
                    continue
            except trio.BrokenResourceError:
                return


async def test_frames_cross_real_sockets_in_order(network: "Network") -> None:
    address = await network.listen()
    send = network.dial(address)
    await network.changes.until_up()
    frames = [b"x" * 300_000, *(b"frame %d" % number for number in range(200))]
    for frame in frames:
        await send.send(frame)
    assert [await network.inbox.next() for _ in frames] == frames


async def test_the_largest_frame_of_the_default_limits_crosses(network: "Network") -> None:
    address = await network.listen()
    send = network.dial(address)
    await network.changes.until_up()
    await send.send(b"x" * TransportLimits().frame_bytes_max)
    assert len(await network.inbox.next()) == TransportLimits().frame_bytes_max


async def test_the_dialler_returns_to_a_restarted_server(network: "Network") -> None:
    async with trio.open_nursery() as first_run:
        outer, network.nursery = network.nursery, first_run
        address = await network.listen()
        network.nursery = outer
        send = network.dial(address)
        await network.changes.until_up()
        await send.send(b"before")
        assert await network.inbox.next() == b"before"
        first_run.cancel_scope.cancel()
    await network.changes.until_down()
    await send.send(b"in between")
    await trio.testing.wait_all_tasks_blocked()
    assert await network.listen(address) == address
    await network.changes.until_up(2)
    await send.send(b"after")
    assert await network.inbox.next() == b"after"


async def test_a_busy_port_is_named_with_what_to_do(network: "Network") -> None:
    address = await network.listen()
    with pytest.RaisesGroup(
        pytest.RaisesExc(PortBusy, match=f"{address}.*Stop the other process"), flatten_subgroups=True
    ):
        async with trio.open_nursery() as nursery:
            network.nursery = nursery
            await network.listen(address)


async def test_an_address_of_another_machine_is_named_with_what_to_do(network: "Network") -> None:
    with pytest.RaisesGroup(
        pytest.RaisesExc(CannotListen, match=r"192\.0\.2\.1:0.*peer address"), flatten_subgroups=True
    ):
        async with trio.open_nursery() as nursery:
            network.nursery = nursery
            await network.listen(Address("192.0.2.1", 0))


async def test_plain_http_to_the_peer_port_ends_its_connection_only(network: "Network") -> None:
    address = await network.listen()
    stream = await raw_tcp(address)
    await stream.send_all(b"GET / HTTP/1.1\r\nHost: north\r\n\r\n")
    await assert_ended_by_the_server(stream)
    network.dial(address)
    await network.changes.until_up()


async def test_a_peer_that_closes_one_direction_is_dropped(network: "Network") -> None:
    address = await network.listen()
    stream = await raw_tcp(address)
    tls = TlsStream(stream, network.validators.client_context("mall", "north"))
    await tls.do_handshake()
    await stream.send_eof()
    await assert_ended_by_the_server(stream)
    assert network.server_changes.states == []


async def test_resets_at_any_point_end_their_connection_only(network: "Network") -> None:
    address = await network.listen()
    for after_tls in (False, True):
        stream = await raw_tcp(address)
        if after_tls:
            await TlsStream(stream, network.validators.client_context("mall", "north")).do_handshake()
        # Lingering for no time makes the close a reset.
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await trio.aclose_forcefully(stream)
    network.dial(address)
    await network.changes.until_up()


async def test_a_reset_of_a_live_link_is_noticed_at_both_ends_and_mended(network: "Network") -> None:
    address = await network.listen()
    sockets: list[trio.SocketStream] = []

    async def connect(to: Address) -> trio.abc.Stream:
        stream = await open_tcp(to)
        assert isinstance(stream, trio.SocketStream)
        sockets.append(stream)
        return stream

    send = network.dial(address, connect=connect)
    await network.changes.until_up()
    await network.server_changes.until_up()
    sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await trio.aclose_forcefully(sockets[0])
    await network.changes.until_up(2)
    await network.server_changes.until_up(2)
    await send.send(b"after")
    assert await network.inbox.next() == b"after"


async def test_nobody_listening_is_the_reason_of_a_link_that_is_down(network: "Network") -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets it, and connecting is refused
        network.dial(Address("127.0.0.1", unused.getsockname()[1]))
        assert (await network.changes.until_down()).detail.startswith("cannot connect to 127.0.0.1:")


def test_an_ipv6_address_is_written_with_brackets() -> None:
    assert str(Address("::1", 8180)) == "[::1]:8180"
