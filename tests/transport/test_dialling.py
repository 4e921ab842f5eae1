"""The dialling side over memory streams: what it sends, what it throws away, when it gives a link up."""

from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing
from trio_websocket import wrap_server_stream

from jifen.transport import Address, LinkState, Refusal, TransportLimits
from jifen.transport.link import TlsStream

if TYPE_CHECKING:
    from tests.transport.conftest import Network


async def test_frames_arrive_whole_and_in_order(network: "Network") -> None:
    network.start_server()
    send = network.dial()
    await network.changes.until_up()
    frames = [bytes([number]) * size for number, size in enumerate((1, 125, 126, 65535, 65536, 300_000), start=1)]
    for frame in frames:
        await send.send(frame)
    assert [await network.inbox.next() for _ in frames] == frames


async def test_both_sides_report_the_link_once(network: "Network") -> None:
    network.start_server()
    network.dial()
    assert (await network.changes.until_up()).detail == "127.0.0.1:0"
    assert (await network.server_changes.until_up()).connected
    assert [state.connected for state in network.changes.states] == [True]
    assert [state.connected for state in network.server_changes.states] == [True]


async def test_frames_queued_while_there_is_no_link_are_thrown_away(network: "Network") -> None:
    send = network.dial(frames_max=3)
    await network.changes.until_down()
    for number in range(100):  # far more than the channel holds: an absent peer holds nobody up
        with trio.fail_after(30):
            await send.send(b"stale %d" % number)
    await trio.testing.wait_all_tasks_blocked()
    network.start_server()
    await network.changes.until_up()
    await send.send(b"fresh")
    assert await network.inbox.next() == b"fresh"


async def test_failed_dials_for_one_reason_are_reported_once(
    network: "Network", autojump_clock: trio.testing.MockClock
) -> None:
    network.dial()
    await trio.sleep(1)
    assert network.dials > 50
    assert network.changes.states == [LinkState(False, "cannot connect to 127.0.0.1:0: Connection refused")]


async def test_the_back_off_doubles_to_its_bound_with_full_jitter(
    network: "Network", autojump_clock: trio.testing.MockClock
) -> None:
    bounds: list[float] = []

    class Recording:
        def uniform(self, a: float, b: float, /) -> float:
            assert a == 0
            bounds.append(b)
            return b / 2

    network.jitter = Recording()
    network.limits = TransportLimits(retry_seconds_min=1, retry_seconds_max=6)
    network.dial()
    await trio.sleep(11)
    assert bounds == [1, 2, 4, 6, 6, 6]


async def test_a_peer_that_is_heard_of_is_dialled_at_once(
    network: "Network", autojump_clock: trio.testing.MockClock
) -> None:
    class Longest:
        def uniform(self, a: float, b: float, /) -> float:
            return b

    network.jitter = Longest()
    network.limits = TransportLimits(retry_seconds_min=1_000, retry_seconds_max=1_000)
    network.dial()
    await trio.sleep(1)
    assert network.dials == 1
    network.knock.give()
    await trio.sleep(1)
    assert network.dials == 2


async def test_only_a_link_that_lasted_resets_the_back_off(
    network: "Network", autojump_clock: trio.testing.MockClock
) -> None:
    bounds: list[float] = []

    class Recording:
        def uniform(self, a: float, b: float, /) -> float:
            bounds.append(b)
            return b

    network.jitter = Recording()
    network.limits = TransportLimits(retry_seconds_min=1, retry_seconds_max=8, stable_seconds=10)
    network.start_server()
    network.dial()
    for lived_seconds in (1, 1, 20):
        await network.changes.until_up(len(bounds) + 1)
        await trio.sleep(lived_seconds)
        await trio.aclose_forcefully(network.streams[-1])
        await network.changes.until_down(len(bounds) + 1)
        await trio.testing.wait_all_tasks_blocked()
    await trio.testing.wait_all_tasks_blocked()
    assert bounds == [1, 2, 1]


async def test_a_peer_with_another_pin_is_not_spoken_to(network: "Network") -> None:
    network.start_server()
    network.dial(peer=network.validators.peer("north", pinned_to="south"))
    assert (await network.changes.until_down()).detail == "the certificate at 127.0.0.1:0 is not that of north"
    assert network.server_changes.states == []


async def test_a_peer_outside_genesis_is_not_spoken_to(network: "Network") -> None:
    network.start_server()
    network.dial(context=network.validators.client_context("mall", "south"))
    assert (await network.changes.until_down()).detail.startswith("its certificate is not one of genesis")


async def test_being_refused_for_another_chain_tells_the_dialler_why(network: "Network") -> None:
    network.start_server()
    network.chain_id = b"\x22" * 32
    network.dial()
    state = await network.changes.until_down()
    assert state == LinkState(False, f"refused by the other side: {Refusal.WRONG_CHAIN.sentence}")
    assert network.server_changes.states == []


async def test_being_refused_for_a_wrong_sender_tells_the_dialler_why(network: "Network") -> None:
    network.start_server()
    network.dial(local="south")
    state = await network.changes.until_down()
    assert state == LinkState(False, f"refused by the other side: {Refusal.WRONG_PEER.sentence}")


async def test_a_server_that_answers_with_a_wrong_hello_is_refused(network: "Network") -> None:
    server, impostor = trio.testing.memory_stream_pair()
    network.fixed_streams.append(server)
    network.dial()
    tls = TlsStream(impostor, network.validators.server_context("north", "mall"), server_side=True)
    websocket = await (await wrap_server_stream(network.nursery, tls)).accept()
    await websocket.get_message()
    await websocket.send_message(b"\x90")
    assert (await network.changes.until_down()).detail == Refusal.MALFORMED.sentence


async def test_a_frame_from_the_receiving_side_ends_the_link(network: "Network") -> None:
    websocket = await network.impostor_server()
    await network.changes.until_up()
    await websocket.send_message(b"frame")
    assert "only receives" in (await network.changes.until_down()).detail


async def test_a_server_that_stalls_before_its_hello_is_given_up(
    network: "Network", autojump_clock: trio.testing.MockClock
) -> None:
    ours, _theirs = trio.testing.memory_stream_pair()
    network.fixed_streams.append(ours)
    network.dial()
    assert (await network.changes.until_down()).detail == "no TLS handshake within 5 s"


async def test_an_address_that_never_answers_is_given_up(
    network: "Network", autojump_clock: trio.testing.MockClock
) -> None:
    async def connect(address: Address) -> trio.abc.Stream:
        await trio.sleep_forever()
        raise AssertionError

    network.dial(connect=connect)
    assert (await network.changes.until_down()).detail == "127.0.0.1:0 did not answer within 5 s"


@pytest.mark.parametrize("upgrade", [False, True])
async def test_a_server_that_stalls_after_tls_is_given_up(
    network: "Network", autojump_clock: trio.testing.MockClock, upgrade: bool
) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    network.fixed_streams.append(ours)
    network.dial()
    tls = TlsStream(theirs, network.validators.server_context("north", "mall"), server_side=True)
    if upgrade:
        await (await wrap_server_stream(network.nursery, tls)).accept()
    else:
        await tls.receive_some()
    assert (await network.changes.until_down()).detail == "no Hello within 5 s"


async def test_an_upgrade_answered_with_plain_http_is_named(network: "Network") -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    network.fixed_streams.append(ours)
    network.dial()
    tls = TlsStream(theirs, network.validators.server_context("north", "mall"), server_side=True)
    await tls.receive_some()
    await tls.send_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
    assert (await network.changes.until_down()).detail == "the upgrade was answered with HTTP status 404"


async def test_an_upgrade_answered_with_garbage_ends_at_once_and_not_at_the_deadline(network: "Network") -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    network.fixed_streams.append(ours)
    network.dial()
    tls = TlsStream(theirs, network.validators.server_context("north", "mall"), server_side=True)
    await tls.receive_some()
    start = trio.current_time()
    await tls.send_all(b"\x00\xff\r\n\r\n")
    assert "WebSocket" in (await network.changes.until_down()).detail
    assert trio.current_time() - start < network.limits.hello_seconds


async def test_a_peer_that_answers_no_ping_is_given_up(
    network: "Network", autojump_clock: trio.testing.MockClock
) -> None:
    network.inbox.gate = trio.Event()  # the handler takes one frame and hangs: nothing behind it is read
    network.start_server()
    send = network.dial()
    await network.changes.until_up()
    await send.send(b"stuck")
    assert (await network.changes.until_down()).detail == "no pong within 15 s"


async def test_a_frame_that_cannot_be_sent_in_time_ends_the_link_and_is_not_sent_again(
    network: "Network", autojump_clock: trio.testing.MockClock
) -> None:
    network.make_pair = trio.testing.lockstep_stream_pair  # sends wait for the reader
    network.inbox.gate = trio.Event()
    network.start_server()
    send = network.dial()
    await network.changes.until_up()
    for number in range(8):
        await send.send(bytes([number]) * 100_000)
    assert (await network.changes.until_down()).detail == "a frame could not be sent within 10 s"
    network.inbox.gate.set()
    await network.changes.until_up(2)
    taken = len(network.inbox.frames)
    await send.send(b"after")
    while (frame := await network.inbox.next()) != b"after":
        assert frame in network.inbox.frames[:taken]
    assert network.inbox.frames[taken:] == [b"after"]
    assert len(set(network.inbox.frames)) == len(network.inbox.frames)


async def test_an_idle_link_stays_up(network: "Network", autojump_clock: trio.testing.MockClock) -> None:
    network.start_server()
    network.dial()
    await network.changes.until_up()
    await trio.sleep(3 * network.limits.silence_seconds)
    assert len(network.changes.states) == 1
    assert len(network.server_changes.states) == 1
    assert network.inbox.frames == []


async def test_the_end_of_the_channel_ends_the_dialler(network: "Network") -> None:
    network.start_server()
    send = network.dial()
    await network.changes.until_up()
    send.close()
    assert (await network.server_changes.until_down()).detail == "closed by the other side"
    await trio.testing.wait_all_tasks_blocked()
    assert network.dials == 1


@pytest.mark.parametrize("size", [0, 1001])
async def test_a_frame_that_no_peer_would_take_is_a_bug_of_the_sender(network: "Network", size: int) -> None:
    network.limits = TransportLimits(frame_bytes_max=1000)
    with pytest.RaisesGroup(pytest.RaisesExc(ValueError, match=f"a frame of {size} bytes"), flatten_subgroups=True):
        async with trio.open_nursery() as nursery:
            network.nursery = nursery
            await network.dial().send(b"x" * size)
            await trio.sleep_forever()
