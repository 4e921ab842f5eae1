"""A small mempool: what clients asked one validator for, until a block holds it."""

from typing import final

from jifen.ledger.transactions import Transaction

PENDING_MAX = 512
"""Transactions that may wait: many times what a world's clients have under way."""

RESEND_TICKS = 10
"""Ticks after which what still waits is forwarded, or proposed, again."""

BATCH_MAX = 8
"""Most transactions in one block of a world: several blocks a burst, so that pipelines fill."""


@final
class SimulatedMempool:
    """Waiting transactions in order of arrival. A crash forgets them all, and clients ask again."""

    def __init__(self) -> None:
        self.pending: dict[bytes, Transaction] = {}
        self._offered: set[bytes] = set()
        """What was proposed in this leadership and need not be proposed again."""
        self._waiting: dict[bytes, set[int]] = {}
        """Clients to tell, by transaction."""
        self._age = 0

    def add(self, transaction: Transaction, client: int | None = None) -> bool:
        """Take a transaction in; tell whether there was room."""
        if transaction.id not in self.pending and len(self.pending) >= PENDING_MAX:
            return False
        self.pending[transaction.id] = transaction
        if client is not None:
            self._waiting.setdefault(transaction.id, set()).add(client)
        return True

    @property
    def queued(self) -> int:
        """How many wait to be proposed."""
        return len(self.pending) - len(self._offered)

    def take(self) -> list[Transaction]:
        """Return the next to propose."""
        taken = [item for name, item in self.pending.items() if name not in self._offered][:BATCH_MAX]
        self._offered.update(item.id for item in taken)
        return taken

    def committed(self, name: bytes) -> list[int]:
        """Forget a transaction that a block holds, and return the clients that wait for it."""
        self.pending.pop(name, None)
        self._offered.discard(name)
        return sorted(self._waiting.pop(name, ()))

    def start_over(self) -> None:
        """Offer everything again: the leader changed, or nothing has been heard of it for too long."""
        self._offered.clear()
        self._age = 0

    def aged(self) -> bool:
        """Count a tick; tell, every so often, that it is time to send again."""
        self._age += 1
        if self._age < RESEND_TICKS:
            return False
        self.start_over()
        return True
