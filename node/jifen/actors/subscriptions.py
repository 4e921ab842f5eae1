"""The subscription hub: tells whoever listens that something was committed, and never waits for anybody.

Nothing is queued for a listener but the newest height: block listeners read what lies between from the store, balance
listeners want the newest only.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import final

import trio

from jifen.ledger.state import HOLDING
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
        self._accounts: dict[bytes, dict[_Newest, None]] = {}
        self._count = 0

    def publish(self, block: CommittedBlock) -> None:
        """Tell of a committed, readable block."""
        self.height = height = block.executed.tip.height
        for listener in self._blocks:
            listener.set(height)
        if self._accounts:
            for key, _ in block.executed.writes:
                if key[:1] == HOLDING:
                    for listener in self._accounts.get(key[1:21], ()):
                        listener.set(height)

    def jumped(self, height: int) -> None:
        """Tell that a snapshot took the state to `height`: anything may have changed, blocks between are not held."""
        self.height = height
        for listeners in (self._blocks, *self._accounts.values()):
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

    @asynccontextmanager
    async def account(self, account: bytes) -> AsyncIterator[AsyncIterator[int]]:
        """Yield the current height at once, then the newest one at which the account's points changed."""
        listeners = self._accounts.setdefault(account, {})
        try:
            with self._listening(listeners) as listener:
                yield _Changes(listener)
        finally:
            if not listeners and self._accounts.get(account) is listeners:
                del self._accounts[account]

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
