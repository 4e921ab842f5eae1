"""The accepting side over memory streams: whatever one connection does, the others and the node go on."""

import ssl
from typing import TYPE_CHECKING

import msgspec
import pytest
import trio
import trio.testing
from trio_websocket import ConnectionClosed

from jifen.transport import PROTOCOL_VERSION, Hello, LinkState, PeerFault, Refusal, TransportLimits
from jifen.transport.frames import PEER_FAULT_CLOSE_CODE, encode_hello
from jifen.transport.limits import FRAMES_READ_AHEAD_MAX

if TYPE_CHECKING:
    from tests.transport.conftest import Network

UPGRADE = (
    b"GET /peer HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n%s\r\n"
)


async def read_to_end(stream: trio.abc.Stream) -> None:
    """Wait until the other side has ended the stream."""
    with trio.fail_after(30):
        try:
            while await stream.receive_some():
                continue
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return


async def assert_still_serving(network: "Network") -> None:
    """A well-behaved peer still gets through."""
    ups = [state.connected for state in network.changes.states].count(True)
    send = network.dial()
    await network.changes.until_up(ups + 1)
    await send.send(b"still here")
    while await network.inbox.next() != b"still here":
        continue


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: north\r\n\r\n", id="plain HTTP"),
        pytest.param(b"\x16\x03\x01\xff\xff" + b"\x00" * 70_000, id="a broken TLS record"),
        pytest.param(bytes(range(256)) * 20, id="garbage"),
    ],
)
async def test_bytes_that_are_no_tls_end_their_connection_only(network: "Network", data: bytes) -> None:
    network.start_server()
    stream = await network.open_stream()
    await stream.send_all(data)
    await read_to_end(stream)
    assert network.server_changes.states == []
    await assert_still_serving(network)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: north\r\n\r\n", id="no upgrade"),
        pytest.param(b"POST /peer HTTP/1.1\r\nHost: north\r\ncontent-length: 0\r\n\r\n", id="not GET"),
        pytest.param(UPGRADE % (b"\xff\xfe", b""), id="a host name that is no text"),
        pytest.param(UPGRADE % (b"a..b", b""), id="a host name with an empty label"),
        pytest.param(UPGRADE % (b"north", b"Sec-WebSocket-Protocol: \xff\r\n"), id="a subprotocol that is no text"),
        pytest.param(UPGRADE % (b"north", b"Content-Length: 5\r\n"), id="an upgrade with a body"),
        pytest.param(b"\x00\x01\x02\r\n\r\n", id="garbage"),
        pytest.param(b"GET /peer HTTP/1.1\r\nX: " + b"x" * 70_000, id="an endless header"),
        pytest.param(UPGRADE % (b"north", b"") + b"\x82\xff" + b"\xff" * 8, id="a frame of 2**64 bytes"),
        pytest.param(UPGRADE % (b"north", b"") + b"\x82\x05hello", id="an unmasked frame"),
        pytest.param(UPGRADE % (b"north", b"") + b"\xf3\x80\x00\x00\x00\x00", id="a reserved frame type"),
    ],
)
async def test_tls_with_anything_but_a_websocket_inside_ends_its_connection_only(
    network: "Network", autojump_clock: trio.testing.MockClock, data: bytes
) -> None:
    network.start_server()
    tls = await network.open_tls()
    await tls.send_all(data)
    await read_to_end(tls)
    assert network.server_changes.states == []
    await assert_still_serving(network)


@pytest.mark.parametrize(
    ("hello", "refusal"),
    [
        (Hello(PROTOCOL_VERSION, b"\x22" * 32, "mall", "north"), Refusal.WRONG_CHAIN),
        (Hello(PROTOCOL_VERSION, b"\x11" * 32, "south", "north"), Refusal.WRONG_PEER),
        (Hello(PROTOCOL_VERSION, b"\x11" * 32, "mall", "south"), Refusal.WRONG_PEER),
        (Hello(PROTOCOL_VERSION - 1, b"\x11" * 32, "mall", "north"), Refusal.VERSION),
    ],
)
async def test_a_wrong_hello_is_refused_with_its_close_code(network: "Network", hello: Hello, refusal: Refusal) -> None:
    network.start_server()
    websocket = await network.open_websocket()
    await websocket.send_message(encode_hello(hello))
    with pytest.raises(ConnectionClosed) as caught:
        await websocket.get_message()
    assert caught.value.reason is not None
    assert (caught.value.reason.code, caught.value.reason.reason) == (refusal.close_code, refusal.sentence)
    assert network.server_changes.states == []


async def test_a_frame_before_the_hello_is_not_delivered(network: "Network") -> None:
    network.start_server()
    websocket = await network.open_websocket()
    await websocket.send_message(msgspec.msgpack.encode(["append", 1]))
    with pytest.raises(ConnectionClosed):
        await websocket.get_message()
    assert network.inbox.frames == []


async def test_a_trusted_certificate_that_is_no_peers_gets_no_further_than_tls(network: "Network") -> None:
    network.start_server()  # its context trusts south too, the list of peers does not name it
    tls = await network.open_tls("south")
    await read_to_end(tls)
    assert network.server_changes.states == []


async def test_a_certificate_outside_genesis_gets_no_further_than_tls(network: "Network") -> None:
    network.start_server()
    server_side = network.validators.server_context("north", "mall")
    assert network.server is not None
    network.server._context = server_side
    tls = await network.open_tls("south")
    await read_to_end(tls)
    assert network.server_changes.states == []


async def test_a_connection_that_never_starts_tls_is_dropped_at_the_deadline(
    network: "Network", autojump_clock: trio.testing.MockClock
) -> None:
    network.start_server()
    start = trio.current_time()
    await read_to_end(await network.open_stream())
    assert trio.current_time() - start == network.limits.tls_seconds


async def test_a_handshake_that_drips_is_dropped_at_the_same_deadline(
    network: "Network", autojump_clock: trio.testing.MockClock
) -> None:
    network.start_server()
    start = trio.current_time()
    stream = await network.open_stream()
    bio_in, bio_out = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = network.validators.client_context("mall", "north").wrap_bio(bio_in, bio_out)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    sent = 0
    try:
        for byte in bio_out.read():
            await stream.send_all(bytes([byte]))
            sent += 1
            await trio.sleep(0.5)
    except trio.BrokenResourceError:
        assert sent > 5
    assert trio.current_time() - start <= network.limits.tls_seconds + 0.5


@pytest.mark.parametrize("upgrade", [False, True])
async def test_a_peer_that_never_says_hello_is_dropped_at_the_deadline(
    network: "Network", autojump_clock: trio.testing.MockClock, upgrade: bool
) -> None:
    network.start_server()
    tls = await network.open_tls()
    start = trio.current_time()
    if upgrade:
        await tls.send_all(UPGRADE % (b"north", b""))
    await read_to_end(tls)
    assert trio.current_time() - start == network.limits.hello_seconds


async def test_one_stranger_too_many_evicts_the_oldest(network: "Network") -> None:
    # Deadlines far off: only eviction can end a connection within this test's patience.
    network.limits = TransportLimits(unauthenticated_connections_max=3, tls_seconds=600, hello_seconds=600)
    network.start_server()
    strangers = []
    for _ in range(4):
        strangers.append(await network.open_stream())
        await trio.testing.wait_all_tasks_blocked()
    await read_to_end(strangers[0])
    await assert_still_serving(network)  # which evicts the second, although the deadline of none has passed
    await read_to_end(strangers[1])


async def test_a_frame_of_exactly_the_limit_passes(network: "Network") -> None:
    network.limits = TransportLimits(frame_bytes_max=100_000)
    network.start_server()
    send = network.dial()
    await network.changes.until_up()
    await send.send(b"x" * 100_000)
    assert await network.inbox.next() == b"x" * 100_000


async def test_many_frames_may_exceed_the_limit_together(network: "Network") -> None:
    network.limits = TransportLimits(frame_bytes_max=1000)
    network.start_server()
    send = network.dial()
    await network.changes.until_up()
    for number in range(1000):
        await send.send(b"%04d" % number * 250)
    assert [int((await network.inbox.next())[:4]) for _ in range(1000)] == list(range(1000))


async def test_a_frame_over_the_limit_ends_its_link_only(network: "Network") -> None:
    network.limits = TransportLimits(frame_bytes_max=100_000)
    network.start_server()
    websocket = await network.open_websocket(network.hello())
    await network.server_changes.until_up()
    await websocket.send_message(b"x" * 100_001)
    assert await network.server_changes.until_down() == LinkState(False, "a frame over 100000 bytes")
    assert network.inbox.frames == []
    await assert_still_serving(network)


async def test_a_message_of_endlessly_many_empty_fragments_ends_its_link(network: "Network") -> None:
    network.limits = TransportLimits(frame_bytes_max=100_000)
    network.start_server()
    tls = await network.open_tls()
    await tls.send_all(UPGRADE % (b"north", b""))
    await tls.receive_some()
    hello = encode_hello(network.hello())
    await tls.send_all(b"\x82" + bytes([0x80 | len(hello)]) + bytes(4) + hello)
    await network.server_changes.until_up()
    await tls.send_all(b"\x02\x80\x00\x00\x00\x00" + b"\x00\x80\x00\x00\x00\x00" * 100_000)
    assert "bytes for one frame" in (await network.server_changes.until_down()).detail
    await assert_still_serving(network)


async def test_a_text_frame_ends_its_link(network: "Network") -> None:
    network.start_server()
    websocket = await network.open_websocket(network.hello())
    await websocket.send_message("text")
    assert (await network.server_changes.until_down()).detail == "sent a text frame; frames are binary"


async def test_a_silent_peer_is_dropped(network: "Network", autojump_clock: trio.testing.MockClock) -> None:
    network.start_server()
    await network.open_websocket(network.hello())
    assert (await network.server_changes.until_down()).detail == "no frame within 30 s"


async def test_a_ping_after_a_close_frame_harms_nobody(
    network: "Network", autojump_clock: trio.testing.MockClock
) -> None:
    async def object_to_everything(peer: str, frame: bytes) -> None:
        raise PeerFault("term goes backwards")

    network.start_server(object_to_everything)
    tls = await network.open_tls()
    await tls.send_all(UPGRADE % (b"north", b""))
    await tls.receive_some()
    hello = encode_hello(network.hello())
    await tls.send_all(b"\x82" + bytes([0x80 | len(hello)]) + bytes(4) + hello)
    await network.server_changes.until_up()
    # The server closes because of the frame; wsproto then cannot answer the ping, which its reader finds out.
    await tls.send_all(b"\x82\x81\x00\x00\x00\x00x")
    await tls.receive_some()
    await tls.send_all(b"\x89\x80\x00\x00\x00\x00" * 3)
    assert (await network.server_changes.until_down()).detail == "term goes backwards"


async def test_a_handler_that_blames_the_peer_ends_the_link_and_says_why(network: "Network") -> None:
    async def handler(peer: str, frame: bytes) -> None:
        raise PeerFault(f"{peer} sent {frame.decode()}")

    network.start_server(handler)
    websocket = await network.open_websocket(network.hello())
    await websocket.send_message(b"nonsense")
    with pytest.raises(ConnectionClosed) as caught:
        await websocket.get_message()
    assert caught.value.reason is not None
    assert (caught.value.reason.code, caught.value.reason.reason) == (PEER_FAULT_CLOSE_CODE, "mall sent nonsense")
    assert await network.server_changes.until_down() == LinkState(False, "mall sent nonsense")


async def test_a_long_reason_is_cut_to_what_a_close_frame_holds(network: "Network") -> None:
    async def handler(peer: str, frame: bytes) -> None:
        raise PeerFault("积" * 100)

    network.start_server(handler)
    websocket = await network.open_websocket(network.hello())
    await websocket.send_message(b"nonsense")
    with pytest.raises(ConnectionClosed) as caught:
        await websocket.get_message()
    assert caught.value.reason is not None
    assert caught.value.reason.reason == "积" * 41


async def test_a_bug_in_the_handler_is_not_swallowed(network: "Network") -> None:
    async def handler(peer: str, frame: bytes) -> None:
        raise ZeroDivisionError

    with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
        async with trio.open_nursery() as nursery:
            network.nursery = nursery
            network.start_server(handler)
            websocket = await network.open_websocket(network.hello())
            await websocket.send_message(b"frame")
            await trio.sleep_forever()


async def test_a_slow_handler_holds_the_sender_up_instead_of_filling_memory(network: "Network") -> None:
    network.make_pair = trio.testing.lockstep_stream_pair  # nothing is buffered between the two sides
    network.inbox.gate = trio.Event()
    network.start_server()
    send = network.dial(frames_max=2)
    await network.changes.until_up()
    accepted = 0
    while True:
        try:
            send.send_nowait(b"x" * 100_000)
        except trio.WouldBlock:
            break
        accepted += 1
        await trio.testing.wait_all_tasks_blocked()
    # One with the handler, two read ahead, one being put together, one being sent, two in the channel.
    assert accepted == 5 + FRAMES_READ_AHEAD_MAX
    assert len(network.inbox.frames) == 1
    network.inbox.gate.set()
    for _ in range(accepted):
        await network.inbox.next()


async def test_frames_of_the_largest_size_may_be_read_ahead(network: "Network") -> None:
    largest = 1_000_000
    network.limits = TransportLimits(frame_bytes_max=largest)
    network.inbox.gate = trio.Event()
    network.start_server()
    send = network.dial(frames_max=FRAMES_READ_AHEAD_MAX + 2)
    await network.changes.until_up()
    for _ in range(FRAMES_READ_AHEAD_MAX + 2):
        send.send_nowait(bytes(largest))
    await network.inbox.next()
    await trio.testing.wait_all_tasks_blocked()
    network.inbox.gate.set()
    for _ in range(FRAMES_READ_AHEAD_MAX + 1):
        await network.inbox.next()


async def test_a_newer_connection_replaces_the_older_one(network: "Network") -> None:
    network.start_server()
    older = await network.open_websocket(network.hello())
    await network.server_changes.until_up()
    newer = await network.open_websocket(network.hello())
    await network.server_changes.until_up(2)
    with pytest.raises(ConnectionClosed):
        await older.get_message()
    await newer.send_message(b"by the newer one")
    assert await network.inbox.next() == b"by the newer one"
    assert [state.connected for state in network.server_changes.states] == [True, False, True]
    assert "replaced" in network.server_changes.states[1].detail


async def test_a_replaced_links_handler_finishes_before_the_newer_links_frames(network: "Network") -> None:
    network.inbox.gate = trio.Event()
    network.start_server()
    first = await network.open_websocket(network.hello())
    await first.send_message(b"first")
    assert await network.inbox.next() == b"first"
    for number in range(3):  # each replaces the one before, which has not even had its turn
        websocket = await network.open_websocket(network.hello())
        await websocket.send_message(b"later %d" % number)
    await trio.testing.wait_all_tasks_blocked()
    assert network.inbox.frames == [b"first"]
    network.inbox.gate.set()
    assert await network.inbox.next() == b"later 2"
    assert network.inbox.frames == [b"first", b"later 2"]
    assert network.inbox.running_max == 1


async def test_a_link_that_ends_with_unread_frames_leaves_no_task_behind(network: "Network") -> None:
    network.start_server()
    tasks = len(network.nursery.child_tasks)
    network.inbox.gate = trio.Event()
    tls = await network.open_tls()
    await tls.send_all(UPGRADE % (b"north", b""))
    await tls.receive_some()
    hello = encode_hello(network.hello())
    await tls.send_all(b"\x82" + bytes([0x80 | len(hello)]) + bytes(4) + hello)
    await tls.send_all(b"\x82\x81\x00\x00\x00\x00x" * 10)
    await network.inbox.next()  # with the handler; the reader holds the next one
    assert network.server is not None
    network.server._live["mall"].retire("enough")
    network.inbox.gate.set()
    assert (await network.server_changes.until_down()).detail == "enough"
    await trio.testing.wait_all_tasks_blocked()
    assert len(network.nursery.child_tasks) == tasks


async def test_a_failed_newcomer_does_not_replace_a_live_link(network: "Network") -> None:
    network.start_server()
    websocket = await network.open_websocket(network.hello())
    await network.server_changes.until_up()
    wrong = await network.open_websocket()
    await wrong.send_message(b"no hello")
    with pytest.raises(ConnectionClosed):
        await wrong.get_message()
    await websocket.send_message(b"still the first")
    assert await network.inbox.next() == b"still the first"
    assert len(network.server_changes.states) == 1


async def test_no_compression_is_agreed_to(network: "Network") -> None:
    network.start_server()
    tls = await network.open_tls()
    await tls.send_all(UPGRADE % (b"north", b"Sec-WebSocket-Extensions: permessage-deflate\r\n"))
    answer = bytes(await tls.receive_some())
    assert answer.startswith(b"HTTP/1.1 101")
    assert b"extensions" not in answer.lower()
