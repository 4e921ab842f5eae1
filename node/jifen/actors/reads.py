"""Readers that wait for a height that is current: they come together, are asked for once, and again when that is lost.

Raft answers with a request id, so the ids must not come twice, not even after a restart: an answer still on its way to
the validator that was would be taken for one to the validator that is, and could be older than what its reader knows.
"""

import random
from typing import Final, final

import trio

from jifen.consensus.output import Output
from jifen.consensus.raft import Raft

FIRST_ID_BITS: Final = 52
"""Ids count up from a random number below 2**52: half of all ids are left to count, and two starts of a validator come
within a million ids of each other once in two thousand million starts."""


class Reader:
    """One who waits."""

    __slots__ = ("done", "gone", "height")

    def __init__(self) -> None:
        self.done = trio.Event()
        self.gone = False
        """Whether nobody waits any more."""
        self.height = 0
        """Height to read at, once `done`."""


@final
class ReadQueue:
    """Asks the core on behalf of readers; belongs to the consensus actor.

    The number of readers is bounded by the requests that the API lets in. Invariant: a reader is in one place: it
    waits for the next question, or for the answer to one, or for the next tick.
    """

    def __init__(self, draws: random.Random) -> None:
        self._next_id = draws.getrandbits(FIRST_ID_BITS)
        self._new: list[Reader] = []
        self._asked: dict[int, list[Reader]] = {}
        self._lost: list[Reader] = []

    def add(self, reader: Reader) -> None:
        """Let a reader wait for the next question."""
        self._new.append(reader)

    def tick(self) -> None:
        """Let those whose question was lost ask again: not at once, for without a leader it is lost at once."""
        self._new += [reader for reader in self._lost if not reader.gone]
        self._lost = []

    def ask(self, raft: Raft) -> None:
        """Ask once for everybody who is new."""
        if self._new:
            self._asked[self._next_id], self._new = self._new, []
            raft.read_index(self._next_id)
            self._next_id += 1

    def settle(self, output: Output) -> None:
        """Give answers out and take back what was lost."""
        for request_id, height in output.reads:
            for reader in self._asked.pop(request_id):
                reader.height = height
                reader.done.set()
        for request_id in output.reads_lost:
            self._lost += self._asked.pop(request_id)
