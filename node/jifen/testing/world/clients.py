"""Clients of the world: register, earn, refund, transfer, one transaction at a time, asked for until the answer comes.

They go to any validator, repeat the same bytes to another when no answer comes in time, and now and then ask two at
once. What they were told goes to the auditor.
"""

import random
from collections import Counter
from typing import Final, NamedTuple, Protocol, final

from jifen.codec.transactions import encode_body, encode_signed, transaction_id
from jifen.keys.signing import KeyPair
from jifen.ledger.members.registering import account_id
from jifen.ledger.state import mark_key
from jifen.ledger.transactions import Body, EarnPoints, RefundOrder, RegisterMember, Signature, TransferPoints
from jifen.store.records import Outcome
from jifen.testing.small_alliance import CREATED_AT, keys_of
from jifen.testing.world.auditor import Auditor, Place
from jifen.testing.world.scenario import Scenario
from jifen.testing.world.signatures import Signatures

PATIENCE_MS: Final = 700
"""How long a client waits for an answer before it asks another validator: about an election."""

LIFETIME_MS: Final = 12 * 60 * 60 * 1000
"""How long a transaction may wait: longer than any world lasts, whatever its clocks do."""

MEMBERS: Final = 12
"""Members there may be: few, so that they meet."""


class Ports(Protocol):
    """What clients need of the world."""

    signatures: Signatures

    @property
    def now(self) -> int:
        """Time since the start, ms."""
        ...

    def ask(self, client: int, validator: str, signed: bytes) -> None:
        """Send a transaction to a validator."""
        ...

    def call_client(self, at: int, client: int) -> None:
        """Give a client its turn at a time."""
        ...

    def is_beyond_telling(self, name: bytes, mark: bytes) -> bool:
        """Whether a transaction is taken, and nobody who keeps the ledger has the block that says what came of it."""
        ...


class _Operation(NamedTuple):
    id: bytes
    signed: bytes
    after: Place
    until: int
    """Time at which patience ends."""
    mark: bytes
    """State key of its mark."""


@final
class Clients:
    """All clients of one world."""

    def __init__(
        self, ids: tuple[str, ...], chain_id: bytes, scenario: Scenario, draws: random.Random, auditor: Auditor
    ) -> None:
        """`ids` are asked; the founders are the organizations with points."""
        self._ids = ids
        self._issuers = scenario.founders
        self._chain_id = chain_id
        self._think_ms = scenario.think_ms
        self._busy = scenario.clients
        """Clients that begin something new when they are done; those of higher numbers are asked by others to begin."""
        self._draws = draws
        self._auditor = auditor
        self._members = [KeyPair.derive(bytes(32), f"{number} member") for number in range(MEMBERS)]
        self._registered: list[KeyPair] = []
        self._under_way: dict[int, _Operation] = {}
        self._scripts: dict[int, list[tuple[Body, KeyPair]]] = {}
        """What clients with a task have yet to send, the next first; they send nothing else."""
        self._written = 0
        self.resting = False
        """Whether no client begins anything new."""
        self.counts: Counter[str] = Counter()
        """Transactions begun and told, and requests repeated."""

    @property
    def waiting(self) -> int:
        """Transactions asked for and not answered."""
        return len(self._under_way)

    @property
    def idle(self) -> bool:
        """Whether nothing is asked for, and no client with a task has anything left to send."""
        return not self._under_way and not any(self._scripts.values())

    def turn(self, client: int, world: Ports) -> None:
        """Begin something new, or ask again when patience has ended."""
        operation = self._under_way.get(client)
        if operation is None:
            new = not self.resting and client < self._busy and client not in self._scripts
            if new or self._scripts.get(client):
                self.begin(client, world)
            return
        if world.now >= operation.until:
            if world.is_beyond_telling(operation.id, operation.mark):
                # Everybody has skipped its block by a snapshot; a real client is told to ask another, in vain.
                self.counts["beyond telling"] += 1
                del self._under_way[client]
                world.call_client(world.now + 1, client)
                return
            self.counts["repeated"] += 1
            self._ask(client, operation, world)

    def begin(self, client: int, world: Ports) -> None:
        """Begin a new transaction."""
        script = self._scripts.get(client)
        body, key = script.pop(0) if script else self._body()
        data = encode_body(body)
        name = transaction_id(self._chain_id, [key.public], data)
        signed = encode_signed(data, (Signature(key.public, world.signatures.sign(key, name)),))
        self.counts["begun"] += 1
        self._ask(client, _Operation(name, signed, self._auditor.asked(), 0, mark_key(body.expires_at, name)), world)

    def perform(self, client: int, steps: list[tuple[Body, KeyPair]], world: Ports) -> None:
        """Give a client transactions to send one after the other, each when the one before was answered."""
        self._scripts[client] = steps
        world.call_client(world.now, client)

    def is_free(self, client: int) -> bool:
        """Whether a client has nothing under way and nothing yet to send."""
        return client not in self._under_way and not self._scripts.get(client)

    def told(self, client: int, name: bytes, outcome: Outcome, world: Ports) -> None:
        """Take an answer, perhaps a repeated or late one."""
        operation = self._under_way.get(client)
        if operation is None or operation.id != name:
            return
        self._auditor.answered(name, outcome, operation.after)
        self.counts["told"] += 1
        del self._under_way[client]
        world.call_client(world.now + self._draws.randrange(1, self._think_ms + 1), client)

    def refused(self, client: int, name: bytes, world: Ports) -> None:
        """Take the answer that a transaction will never be applied."""
        operation = self._under_way.get(client)
        if operation is None or operation.id != name:
            return
        self.counts["refused"] += 1
        del self._under_way[client]
        world.call_client(world.now + self._draws.randrange(1, self._think_ms + 1), client)

    def _ask(self, client: int, operation: _Operation, world: Ports) -> None:
        until = world.now + PATIENCE_MS
        self._under_way[client] = operation._replace(until=until)
        world.call_client(until, client)
        count = 2 if self._draws.random() < 0.1 else 1
        if self.resting:
            # As a real client does in the end: some validators may have skipped the block by a snapshot.
            count = len(self._ids)
        for validator in self._draws.sample(self._ids, min(count, len(self._ids))):
            world.ask(client, validator, operation.signed)

    def _body(self) -> tuple[Body, KeyPair]:
        draws, expires_at = self._draws, CREATED_AT + LIFETIME_MS
        self._written += 1
        nonce = self._written.to_bytes(12, "big")
        kind = draws.random()
        if not self._registered or (kind < 0.2 and len(self._registered) < MEMBERS):
            key = self._members[len(self._registered)]
            self._registered.append(key)
            return RegisterMember(expires_at, nonce, key.public), key
        one, other = draws.choice(self._registered), draws.choice(self._registered)
        issuer = draws.choice(self._issuers)
        sender, recipient = (account_id(self._chain_id, key.public) for key in (one, other))
        if kind < 0.65:
            # Few order ids: some orders are credited twice, and must not be; some are refunded below.
            order = f"order-{draws.randrange(200)}"
            amount = draws.randrange(0, 5000)
            point_type = f"{issuer}/consumer"
            body = EarnPoints(expires_at, nonce, issuer, order, sender, point_type, amount, CREATED_AT)
            return body, keys_of(issuer).operator
        if kind < 0.75:
            order, refund = f"order-{draws.randrange(200)}", f"refund-{draws.randrange(400)}"
            refunded = RefundOrder(expires_at, nonce, issuer, order, refund, draws.randrange(1, 3000))
            return refunded, keys_of(issuer).operator
        points = draws.randrange(1, 300)
        return TransferPoints(expires_at, nonce, sender, recipient, f"{issuer}/consumer", points, b""), one
