"""The inbox of an actor: bounded, and emptied in one go.

Taking everything at once lets an actor handle what waited before it believes a clock tick, and lets the storage actor
put many writes under one sync.
"""

from collections import deque
from typing import Generic, TypeVar, final

import trio

T = TypeVar("T")


@final
class Mailbox(Generic[T]):
    """A queue for one taker and many putters.

    Invariant: at most `capacity` items put with `put`, and those of `put_at_once`, wait.
    """

    def __init__(self, capacity: int) -> None:
        """`capacity` is the most items that may wait before `put` does."""
        self._capacity = capacity
        self._items: deque[T] = deque()
        self._not_empty = trio.Event()
        self._not_full = trio.Event()

    async def put(self, item: T) -> None:
        """Add an item, waiting for room: back-pressure on the putter."""
        await trio.lowlevel.checkpoint()
        while len(self._items) >= self._capacity:
            await self._not_full.wait()
        self.put_at_once(item)

    def put_at_once(self, item: T) -> None:
        """Add an item without waiting, room or not; only for putters whose number of items is bounded elsewhere."""
        self._items.append(item)
        self._not_empty.set()

    async def take_all(self) -> list[T]:
        """Wait until there is an item, then take all of them, oldest first."""
        await self._not_empty.wait()
        items = list(self._items)
        self._items.clear()
        self._not_empty = trio.Event()
        self._not_full.set()
        self._not_full = trio.Event()
        return items

    def __len__(self) -> int:
        return len(self._items)
