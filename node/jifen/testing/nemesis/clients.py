"""Clients of an alliance that suffers: they ask anybody, ask again with the same bytes, and note what they are told.

They use the SDK as a merchant's back end does. What they noted is checked against the chain afterwards
(`jifen.testing.witness`).
"""

import itertools
import random
from typing import Final, NamedTuple, final

import trio

from jifen.client import Client, ClientError, SealedTransaction, TransactionBuilder, Unavailable
from jifen.client.records import Submission
from jifen.codec.addresses import encode_account
from jifen.keys.signing import KeyPair
from jifen.ledger.governance.changes import AdmitValidator
from jifen.testing.nemesis.history import History, Violation
from jifen.testing.nemesis.processes import Alliance
from jifen.testing.witness import Operation, Reading, Told

MEMBERS: Final = 8
"""Accounts: few, so that transfers meet."""

PATIENCE_SECONDS: Final = (2.0, 5.0, 12.0)
"""How long one try of a client may take; it is drawn anew each time."""

READ_SECONDS: Final = 5.0
"""How long a client waits for a balance."""

JOINS_SECONDS: Final = 120.0
"""Longest time without another block for an admitted validator on its way to being a voter, whatever else goes on. On a
busy machine the whole way takes as long as it takes."""

LOOKS_EVERY_SECONDS: Final = 0.2

PROBE_SECONDS: Final = 30.0
"""How long the next commit after the death of a leader is waited for."""

LIFETIME_MS: Final = 60 * 60 * 1000
"""How long most transactions live: longer than any run."""

SHORT_LIFETIME_MS: Final = 6_000
"""How long some transactions live: they expire while an outage lasts, or by a clock that runs ahead."""

ORDERS_REMEMBERED_MAX: Final = 1000
"""Credited orders from which refunds are drawn."""


class _Order(NamedTuple):
    merchant: str
    id: str
    amount_fen: int


@final
class Clients:
    """Several clients at once."""

    def __init__(self, alliance: Alliance, seed: int) -> None:
        self.history = History()
        self.failovers: list[float] = []
        """Seconds from the death of a leader, nothing else being wrong on purpose, to the next commit."""
        self._alliance = alliance
        self._organizations = alliance.organizations
        self._builder = TransactionBuilder(alliance.chain_id, lifetime_ms=LIFETIME_MS)
        self._short_builder = TransactionBuilder(alliance.chain_id, lifetime_ms=SHORT_LIFETIME_MS)
        self._members = [KeyPair.derive(bytes(32), f"member {place}") for place in range(MEMBERS)]
        self._orders: list[_Order] = []
        self._numbers = itertools.count(1)
        self._seed = seed

    async def register(self) -> None:
        """Open the members' accounts."""
        draw = random.Random(f"{self._seed} members")
        async with self._client(draw) as client:
            for pair in self._members:
                await self._order(client, draw, self._builder.register_member(pair), patient=True)

    async def work(self, number: int, stop: trio.Event, pause_seconds: float) -> None:
        """Be client `number` until `stop`: make transactions and read balances, with pauses of up to so long."""
        draw = random.Random(f"{self._seed} client {number}")
        while not stop.is_set():
            await self._work_while_nobody_is_replaced(draw, stop, pause_seconds)

    async def _work_while_nobody_is_replaced(self, draw: random.Random, stop: trio.Event, pause_seconds: float) -> None:
        urls = self._alliance.urls
        async with self._client(draw) as client:
            while not stop.is_set() and urls == self._alliance.urls:
                if draw.random() < 0.6:
                    # Every eighth gives up after its first try, as a customer does who walks out of the shop.
                    await self._order(client, draw, self._drawn(draw), patient=draw.randrange(8) > 0)
                else:
                    await self._look(client, draw, current=draw.random() < 0.5)
                with trio.move_on_after(draw.uniform(0, pause_seconds)):
                    await stop.wait()

    async def time_failover(self, killed: str) -> None:
        """Measure from now, when the leader has just been killed, to the next commit, through every other validator."""
        begun = trio.current_time()
        draw = random.Random(f"{self._seed} probe {len(self.history.operations)}")
        committed = trio.Event()

        async def probe(url: str) -> None:
            sealed = self._earn(draw, self._builder)
            async with Client([url]) as client:
                if await self._order(client, draw, sealed, patient=True):
                    committed.set()

        async with trio.open_nursery() as nursery:
            for validator in self._alliance.validators.values():
                if validator.runs and validator.name != killed:
                    nursery.start_soon(probe, validator.url)
            with trio.move_on_after(PROBE_SECONDS):
                await committed.wait()
                self.failovers.append(trio.current_time() - begun)
            nursery.cancel_scope.cancel()

    async def decide(self, organization: str, change: AdmitValidator) -> None:
        """Have an organization propose a change and all others approve; raises Violation when the ledger says no."""
        draw = random.Random(f"{self._seed} {change.validator}")
        builder = self._builder
        proposal = builder.propose_change(
            self._alliance.operator_of(organization), organization=organization, change=change
        )
        votes = [
            builder.vote_on_proposal(item.operator, organization=item.name, proposal=proposal.id, approve=True)
            for item in self._organizations
            if item.name != organization
        ]
        async with self._client(draw) as client:
            for sealed in (proposal, *votes):
                operation = await self._order(client, draw, sealed, patient=True)
                if operation is None or operation.rejection:
                    raise Violation(f"the ledger does not let {change.validator} in: {operation}")

    async def see_voter(self, validator: str, url: str) -> None:
        """Wait until the ledger says that a validator votes; raises Violation when it does not get on towards that."""
        height = -1
        async with (
            self._client(random.Random(validator)) as client,
            Client([url], timeout_seconds=READ_SECONDS) as own,
        ):
            with trio.move_on_after(JOINS_SECONDS) as scope:
                while True:
                    try:
                        found = await client.validator(validator)
                        if found is not None and found.status == "VOTER":
                            return
                        reached = (await own.status()).height
                    except ClientError:
                        continue  # it has waited between its tries
                    if reached > height:
                        height = reached
                        scope.deadline = trio.current_time() + JOINS_SECONDS
                    await trio.sleep(LOOKS_EVERY_SECONDS)
        raise Violation(f"{validator} does not become a voter: at {height} for {JOINS_SECONDS:g} s")

    async def commit_through(self, url: str, timeout_seconds: float) -> int:
        """Commit a transaction through one validator and return its height; raises ClientError when that fails."""
        draw = random.Random(f"{self._seed} last {url}")
        async with Client([url], timeout_seconds=timeout_seconds) as client:
            submission = await client.submit(self._earn(draw, self._builder))
        assert submission.height is not None, "a committed transaction stands at a height"
        return submission.height

    def _client(self, draw: random.Random) -> Client:
        return Client(draw.sample(self._alliance.urls, len(self._alliance.urls)))

    # --------------------------------------------------------------------------------------------------- transactions

    def _drawn(self, draw: random.Random) -> SealedTransaction:
        builder = self._short_builder if draw.random() < 0.1 else self._builder
        kind = draw.random()
        if kind < 0.3:
            one, other = draw.sample(self._members, 2)
            recipient = builder.account_of(other.public)
            points = draw.randrange(1, 60)
            return builder.transfer_points(one, recipient=recipient, point_type=self._point_type(draw), points=points)
        if kind < 0.4 and self._orders:
            order = draw.choice(self._orders)
            operator = self._alliance.operator_of(order.merchant)
            refund = f"refund-{next(self._numbers)}"
            amount = draw.randint(1, order.amount_fen)
            return builder.refund_order(
                operator, merchant=order.merchant, order_id=order.id, refund_id=refund, amount_fen=amount
            )
        return self._earn(draw, builder, repeats=0.1)

    def _earn(self, draw: random.Random, builder: TransactionBuilder, *, repeats: float = 0.0) -> SealedTransaction:
        organization = draw.choice(self._organizations)
        # A till that repeats an order number is told so: one of the two is credited.
        number = draw.randrange(20) if draw.random() < repeats else next(self._numbers)
        order = _Order(organization.name, f"order-{number}", draw.randrange(100, 100_000))
        if len(self._orders) < ORDERS_REMEMBERED_MAX:
            self._orders.append(order)
        return builder.earn_points(
            organization.operator,
            merchant=order.merchant,
            order_id=order.id,
            account=builder.account_of(draw.choice(self._members).public),
            point_type=f"{order.merchant}/consumer",
            amount_fen=order.amount_fen,
        )

    async def _order(
        self, client: Client, draw: random.Random, sealed: SealedTransaction, *, patient: bool
    ) -> Operation | None:
        """Submit until the outcome is known, or once; note what was told and return it if it was committed."""
        invoked = self.history.next()
        answer: Submission | None = None
        try:
            while answer is None:
                try:
                    seconds = draw.choice(PATIENCE_SECONDS)
                    [answer] = await client.submit_many([sealed], timeout_seconds=seconds)
                except Unavailable:
                    if not patient:
                        break
        finally:  # a probe that is called off leaves an open outcome behind
            operation = self._noted(sealed, invoked, answer)
        return operation if operation.told is Told.COMMITTED else None

    def _noted(self, sealed: SealedTransaction, invoked: int, answer: Submission | None) -> Operation:
        history = self.history
        told, height, rejection = Told.UNKNOWN, None, 0
        if answer is not None and answer.status == "COMMITTED":
            told, height, rejection = Told.COMMITTED, answer.height, int(answer.reason or 0)
            history.committed_at.append(trio.current_time())
            history.outcomes["rejected" if rejection else "applied"] += 1
        elif answer is not None:
            if answer.reason is None:
                raise Violation(f"a proper transaction was called improper: {answer}")
            told, rejection = Told.REFUSED, int(answer.reason)
        if told is not Told.COMMITTED:
            history.outcomes[told.value] += 1
        operation = Operation(sealed.id, invoked, history.next(), told, height, rejection)
        history.operations.append(operation)
        return operation

    def _point_type(self, draw: random.Random) -> str:
        return f"{draw.choice(self._organizations).name}/consumer"

    # --------------------------------------------------------------------------------------------------------- reading

    async def _look(self, client: Client, draw: random.Random, *, current: bool) -> None:
        history = self.history
        validator = draw.choice(list(self._alliance.validators.values()))
        account = self._builder.account_of(draw.choice(self._members).public)
        point_type = self._point_type(draw)
        invoked = history.next()
        kind = "current" if current else "local"
        try:
            with trio.fail_after(READ_SECONDS):
                found = await (client if current else validator.client).account(
                    encode_account(account), current=current
                )
        except (ClientError, trio.TooSlowError):
            history.outcomes[f"{kind} reads unanswered"] += 1
            return
        if found is None:
            if current:
                raise Violation("an account that is registered was not found by a read that is current")
            return  # this validator has not heard of the registration yet
        history.outcomes[f"{kind} reads"] += 1
        points = sum(item.available for item in found.balances if item.point_type == point_type)
        history.readings.append(
            Reading(
                account,
                point_type,
                invoked,
                found.as_of.height,
                points,
                returned=history.next(),
                current=current,
                validator="" if current else validator.name,
            )
        )
