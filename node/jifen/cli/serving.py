"""A validator in one process: the node, its public API and its admin API."""

import os
import signal
from functools import partial

import structlog
import trio

from jifen.actors.joining import become_voter
from jifen.actors.node import run_node
from jifen.actors.surroundings import Surroundings, whole_machine
from jifen.loading import LoadedNode
from jifen_graphql.server import serve_admin, serve_public

STDIN_BYTES = 4096
"""What is read of standard input at a time; nobody sends anything, its end is what is waited for."""

HAND_OVER_SECONDS_MAX = 1.0
"""Longest that stopping waits for another leader: some ten times what it takes, and twice an election timeout, so that
a leader whose peers stop with it is not taken for one that hangs."""


async def serve(
    loaded: LoadedNode, stop_with_parent: bool, surroundings: Surroundings | None = None, *, joining: bool = False
) -> None:
    """Run until SIGTERM, SIGINT or, if so wished, the end of standard input; then let another validator lead.

    The APIs stop after that, and then the node. `surroundings` are the whole machine by default. One that is `joining`
    makes itself a voter as soon as it has every block.

    Raises:
        StoreError, CannotListen, ListenFailed: it cannot start; the text says what to do.
        NodeStopped: consensus, execution or the disk failed while it ran.
        NodeRetired: the alliance has taken this validator out.
        JoinRefused: the ledger does not make it a voter.
    """
    log = structlog.get_logger("jifen")
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        await nursery.start(_wait_for_signal, stop)
        if stop_with_parent:
            nursery.start_soon(_wait_for_parent, stop)
        node = await nursery.start(partial(run_node, loaded.setup, surroundings=surroundings or whole_machine()))
        async with trio.open_nursery() as apis:
            public, admin = loaded.public, loaded.admin
            await apis.start(
                partial(serve_public, node, host=public.host, port=public.port, public_names=loaded.allowed_hosts)
            )
            await apis.start(partial(serve_admin, node, host=admin.host, port=admin.port, token=loaded.admin_token))
            log.info(
                "validator serves",
                organization=loaded.setup.organization,
                public=f"http://{public.text}/",
                admin=f"http://{admin.text}/graphql",
                peers=f"{loaded.setup.peer_host}:{loaded.setup.peer_port}",
                height=node.status().height,
            )
            if joining:
                nursery.start_soon(become_voter, node, _tell_progress)
            await stop.wait()
            log.info("validator stops")
            # The APIs still run: who waits for an answer here gets it from the next leader's block.
            await node.hand_over(HAND_OVER_SECONDS_MAX)
            apis.cancel_scope.cancel()
        nursery.cancel_scope.cancel()


def _tell_progress(height: int, current: int | None) -> None:
    log = structlog.get_logger("jifen")
    if current is None:
        log.info("joining: no leader heard yet", height=height)
    else:
        log.info("joining: fetching", height=height, current=current)


async def _wait_for_signal(stop: trio.Event, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for _ in signals:
            stop.set()


async def _wait_for_parent(stop: trio.Event) -> None:
    # A duplicate: closing the stream must not close descriptor 0, which the next file opened would then take.
    async with trio.lowlevel.FdStream(os.dup(0)) as stream:
        while await stream.receive_some(STDIN_BYTES):
            pass
    stop.set()
