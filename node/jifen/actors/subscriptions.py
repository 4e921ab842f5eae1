"""The subscription hub: tells whoever listens that something was committed, and never waits for anybody.

Nothing is queued for a listener but the newest height: block listeners read what lies between from the store, those of
balances and of offers want the newest only.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import final

import trio

from jifen.codec.records import Writes, decode_record
from jifen.ledger.state import BOARD, HOLDING, OFFER
from jifen.ledger.swaps.records import SwapOffer, board_of, board_of_key
from jifen.store.records import CommittedBlock

SUBSCRIBERS_MAX = 20_000
"""Listeners at once; each costs about a kilobyte here."""


class TooManySubscribers(Exception):
    """The hub is full; the client should try another validator."""


@final
class _Newest:
    """A slot for the newest height."""

    __slots__ = ("_event", "height")

    def __init__(self, height: int) -> None:
        self.height = height
        self._event = trio.Event()

    def set(self, height: int) -> None:
        self.height = height
        self._event.set()

    async def wait_above(self, height: int) -> int:
        while self.height <= height:
            self._event = trio.Event()
            await self._event.wait()
        return self.height


@final
class SubscriptionHub:
    """Knows who listens to what. `height` is the newest committed and readable height."""

    def __init__(self, height: int) -> None:
        self.height = height
        self._blocks: dict[_Newest, None] = {}
        self._parts: dict[bytes, dict[_Newest, None]] = {}
        """Who listens to a part of the state, by what its keys begin with."""
        self._count = 0

    def publish(self, block: CommittedBlock) -> None:
        """Tell of a committed, readable block."""
        self.height = height = block.executed.tip.height
        for listener in self._blocks:
            listener.set(height)
        if self._parts:
            for part in _touched(block.executed.writes):
                for listener in self._parts.get(part, ()):
                    listener.set(height)

    def jumped(self, height: int) -> None:
        """Tell that a snapshot took the state to `height`: anything may have changed, blocks between are not held."""
        self.height = height
        for listeners in (self._blocks, *self._parts.values()):
            for listener in listeners:
                listener.set(height)

    async def wait_for(self, height: int) -> None:
        """Wait until `height` is committed and readable here."""
        if height <= self.height:
            await trio.lowlevel.checkpoint()
            return
        with self._listening(self._blocks) as listener:
            await listener.wait_above(height - 1)

    @asynccontextmanager
    async def blocks(self, after: int | None) -> AsyncIterator[AsyncIterator[int]]:
        """Yield every committed height above `after` without a gap; by default from the newest one on, at once."""
        start = self.height - 1 if after is None else after
        with self._listening(self._blocks) as listener:
            yield _Every(listener, start)

    def account(self, account: bytes) -> AbstractAsyncContextManager[AsyncIterator[int]]:
        """Yield the current height at once, then the newest one at which the account's points changed."""
        return self._part(HOLDING + account)

    def board(self, give_type: str, want_type: str) -> AbstractAsyncContextManager[AsyncIterator[int]]:
        """Yield the current height at once, then the newest one at which offers of this pair to everybody changed."""
        return self._part(board_of(give_type, want_type))

    @asynccontextmanager
    async def _part(self, part: bytes) -> AsyncIterator[AsyncIterator[int]]:
        listeners = self._parts.setdefault(part, {})
        try:
            with self._listening(listeners) as listener:
                yield _Changes(listener)
        finally:
            if not listeners and self._parts.get(part) is listeners:
                del self._parts[part]

    @contextmanager
    def _listening(self, listeners: dict[_Newest, None]) -> Iterator[_Newest]:
        if self._count >= SUBSCRIBERS_MAX:
            raise TooManySubscribers(f"{SUBSCRIBERS_MAX} subscriptions are open; use another validator")
        listener = _Newest(self.height)
        listeners[listener] = None
        self._count += 1
        try:
            yield listener
        finally:
            del listeners[listener]
            self._count -= 1


def _touched(writes: Writes) -> Iterator[bytes]:
    """Yield the parts of the state that somebody may listen to, as far as a block has changed them."""
    for key, data in writes:
        kind = key[:1]
        if kind == HOLDING:
            yield key[:21]  # an account id has 20 bytes
        elif kind == BOARD:
            yield board_of_key(key)
        elif kind == OFFER and data is not None:
            # Who takes a part leaves the offer in its place on the board.
            offer = decode_record(key, data)
            assert isinstance(offer, SwapOffer), f"{key.hex()} holds no offer"
            if offer.counterparty is None:
                yield board_of(offer.give_type, offer.want_type)


@final
class _Every:
    """Every height above a start."""

    def __init__(self, listener: _Newest, after: int) -> None:
        self._listener = listener
        self._height = after

    def __aiter__(self) -> "_Every":
        return self

    async def __anext__(self) -> int:
        await trio.lowlevel.checkpoint()
        await self._listener.wait_above(self._height)
        self._height += 1
        return self._height


@final
class _Changes:
    """The height now, then the newest one set."""

    def __init__(self, listener: _Newest) -> None:
        self._listener = listener
        self._height = listener.height - 1

    def __aiter__(self) -> "_Changes":
        return self

    async def __anext__(self) -> int:
        await trio.lowlevel.checkpoint()
        self._height = await self._listener.wait_above(self._height)
        return self._height
