"""Passing snapshots between validators: serving those of this one, and fetching one when the leader offers.

A fetch asks for one part at a time and goes on where it was interrupted; every chunk is checked before it is kept, so
that it does not matter who sent it.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import NamedTuple, final

import structlog
import trio

from jifen.actors.consensus import retired
from jifen.actors.surroundings import Workers
from jifen.chain.checkpoints import (
    Manifest,
    SnapshotInvalid,
    decode_manifest,
    encode_manifest,
    verify_manifest,
    voters_proved,
)
from jifen.chain.validators import Validators
from jifen.codec.messages import SnapshotChunk, SnapshotRequest
from jifen.consensus.messages import SnapshotOffer
from jifen.store.snapshots import SnapshotFetch, SnapshotFolder

ANSWER_SECONDS = 10.0
"""How long a part may take: the largest manifest on a line of 5 Mbit/s, or fifty chunks; then another is asked."""

REQUESTS_WAITING_MAX = 64
"""Validators whose requests wait; one request each, a newer one takes the place of an older."""

LOOKS_SECONDS = 30.0
"""Pause between two looks whether a leader is heard: many elections long."""

Chunks = Callable[[], Iterator[bytes]]

log = structlog.get_logger()


class Standing(NamedTuple):
    """How a validator stands by its own ledger, which may be an old one."""

    votes: bool
    height: int
    """Committed here."""
    leader: str | None
    """Whom it follows, or itself; None while it hears nobody."""


@final
class SnapshotExchange:
    """Serves and fetches; and when no leader is heard for long, lets a peer's newer snapshot prove who votes by now.

    Who was taken out while it was away for several changes has no link with the present leader, and may know no more
    than one of those who stayed. Its snapshot names the present voters and proves them to whoever knows genesis.
    """

    def __init__(
        self,
        *,
        name: str,
        genesis: Validators,
        folder: SnapshotFolder,
        send: Callable[[SnapshotRequest | SnapshotChunk], None],
        connected: Callable[[], list[str]],
        install: Callable[[Manifest, Chunks], Awaitable[str | None]],
        standing: Callable[[], Standing],
        workers: Workers,
        bytes_per_second: int,
    ) -> None:
        """`genesis` is who voted at the start; `send` must not block; `connected` names the peers with a link;
        `install` returns why a verified snapshot is of no use, or None when it is in place and kept in the folder."""
        self._name = name
        self._genesis = genesis
        self._folder = folder
        self._send = send
        self._connected = connected
        self._install = install
        self._standing = standing
        self._workers = workers
        self._bytes_per_second = bytes_per_second
        self._requests: OrderedDict[str, SnapshotRequest] = OrderedDict()
        """Waiting requests by who asks. Invariant: at most `REQUESTS_WAITING_MAX`."""
        self._asked = trio.Event()
        self._served: Manifest | None = None
        """Manifest last served from, so that it is not read for every chunk."""
        self._offer: SnapshotOffer | None = None
        self._offered = trio.Event()
        self._expected: SnapshotRequest | None = None
        """The request of this validator that waits for its answer."""
        self._answer = b""
        self._answered = trio.Event()

    # What comes in; none of it waits.

    def take_request(self, request: SnapshotRequest) -> None:
        """Take a peer's request."""
        if request.sender in self._requests or len(self._requests) < REQUESTS_WAITING_MAX:
            self._requests[request.sender] = request
            self._asked.set()

    def take_chunk(self, chunk: SnapshotChunk) -> None:
        """Take a peer's answer; one that nobody waits for, or no more, is dropped."""
        expected = self._expected
        if expected is None:
            return
        if (chunk.sender, chunk.height, chunk.chunk) == (expected.recipient, expected.height, expected.chunk):
            self._expected = None
            self._answer = chunk.data
            self._answered.set()

    def offered(self, offer: SnapshotOffer) -> None:
        """Learn that the leader no longer holds what comes next here; it says so again and again."""
        self._offer = offer
        self._offered.set()

    async def run(self) -> None:
        """Serve and fetch for ever; raises NodeRetired when it is proved that this validator votes no more."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._serve)
            nursery.start_soon(self._fetch_for_ever)

    # Serving.

    async def _serve(self) -> None:
        while True:
            await self._asked.wait()
            self._asked = trio.Event()
            while self._requests:
                _, request = self._requests.popitem(last=False)
                data = await self._workers.compute(partial(self._read, request))
                self._send(SnapshotChunk(self._name, request.sender, request.height, request.chunk, data))
                await trio.sleep(len(data) / self._bytes_per_second)

    def _read(self, request: SnapshotRequest) -> bytes:
        try:
            if request.chunk is None:
                newest = self._folder.newest()
                return encode_manifest(newest) if newest is not None and newest.height >= request.height else b""
            if self._served is None or self._served.height != request.height:
                self._served = self._folder.manifest(request.height)
            return b"" if self._served is None else self._folder.chunk(self._served, request.chunk)
        except (SnapshotInvalid, OSError) as error:
            log.warning("a snapshot cannot be served", height=request.height, reason=str(error))
            return b""

    # Fetching.

    async def _fetch_for_ever(self) -> None:
        while True:
            with trio.move_on_after(LOOKS_SECONDS) as patience:
                await self._offered.wait()
            if patience.cancelled_caught:
                await self._look_whether_out()
                continue
            self._offered = trio.Event()
            offer = self._offer
            assert offer is not None
            try:
                await self._fetch(offer)
            except (SnapshotInvalid, OSError) as error:
                log.warning("a snapshot cannot be fetched", height=offer.height, reason=str(error))
            # Offers that came while this one was worked on are old; the next heartbeat brings a new one if need be.
            self._offered = trio.Event()

    async def _fetch(self, offer: SnapshotOffer) -> None:
        fetch = await self._resumed(offer) or await self._begun(offer)
        if fetch is None:
            return
        missing = await self._workers.compute(fetch.missing)
        manifest = fetch.manifest
        log.info("fetching a snapshot", height=manifest.height, chunks=len(manifest.chunks), missing=len(missing))
        sources = self._sources(offer)
        for index in missing:
            if not await self._fetch_chunk(fetch, index, sources):
                return
        refusal = await self._install(manifest, fetch.chunks)
        if refusal is None:
            log.info("snapshot installed", height=manifest.height)
        else:
            await self._workers.compute(fetch.drop)
            log.info("snapshot not installed", height=manifest.height, reason=refusal)

    async def _resumed(self, offer: SnapshotOffer) -> SnapshotFetch | None:
        for fetch in await self._workers.compute(self._folder.fetches):
            try:
                await self._workers.compute(partial(verify_manifest, self._genesis, fetch.manifest))
            except SnapshotInvalid as error:
                log.warning("a snapshot that was being fetched does not prove itself", reason=str(error))
            else:
                if fetch.manifest.height >= offer.height:
                    return fetch
            await self._workers.compute(fetch.drop)
        return None

    async def _begun(self, offer: SnapshotOffer) -> SnapshotFetch | None:
        for peer in self._sources(offer):
            manifest = await self._manifest(peer, offer.height)
            if manifest is not None:
                return await self._workers.compute(partial(self._folder.fetch, manifest))
        return None

    async def _manifest(self, peer: str, height: int) -> Manifest | None:
        """Return the verified manifest of a peer's newest snapshot, or None when that is below a height, or none."""
        data = await self._ask(SnapshotRequest(self._name, peer, height, None))
        if not data:
            return None
        try:
            manifest = decode_manifest(data)
            await self._workers.compute(partial(verify_manifest, self._genesis, manifest))
        except SnapshotInvalid as error:
            log.warning("a peer's snapshot does not prove itself", peer=peer, reason=str(error))
            return None
        return manifest if manifest.height >= height else None

    async def _look_whether_out(self) -> None:
        standing = self._standing()
        if standing.leader is not None or not standing.votes:
            return
        for peer in self._connected():
            manifest = await self._manifest(peer, standing.height + 1)
            if manifest is None:
                continue
            voters = await self._workers.compute(partial(voters_proved, self._genesis, manifest))
            # Nobody becomes a voter twice: who voted once and does not later is out for good.
            if voters is not None and self._name not in voters:
                log.info("taken out while it was away", height=manifest.height, voters=voters, told_by=peer)
                raise retired(self._name, standing.height)

    async def _fetch_chunk(self, fetch: SnapshotFetch, index: int, sources: list[str]) -> bool:
        """Fetch one chunk from the first source that gives it, which is then asked first; False when none does."""
        height = fetch.manifest.height
        refusals = 0
        for peer in list(sources):
            data = await self._ask(SnapshotRequest(self._name, peer, height, index))
            if data:
                try:
                    await self._workers.compute(partial(fetch.put, index, data))
                except SnapshotInvalid as error:
                    log.warning("a peer sent a damaged chunk", peer=peer, reason=str(error))
                else:
                    return True
            refusals += data == b""
            sources.remove(peer)
            sources.append(peer)
        if refusals == len(sources):
            # Everybody has gone on to newer snapshots: what came of this one is of no use any more.
            await self._workers.compute(fetch.drop)
        return False

    async def _ask(self, request: SnapshotRequest) -> bytes | None:
        """Send a request and return the answer's data, empty when the peer has none; None without an answer in time."""
        self._answered = trio.Event()
        self._expected = request
        self._send(request)
        with trio.move_on_after(ANSWER_SECONDS):
            await self._answered.wait()
            return self._answer
        self._expected = None
        return None

    def _sources(self, offer: SnapshotOffer) -> list[str]:
        """Return whom to ask: everybody with a link, who offered first."""
        return sorted(self._connected(), key=lambda peer: peer != offer.sender)
