"""Who comes to the validators by their facade: clients that ask until they are told, readers, and listeners.

What they do at a validator runs as a task of its process: it stands still with it and ends with it. Requests and
answers are late, and some are lost.
"""

import random
from contextlib import suppress
from functools import partial
from typing import Final, final

import trio

from jifen.actors.joining import JoinRefused, become_voter
from jifen.actors.node import Node, SubmitResult, SubmitStatus
from jifen.consensus.invariants import InvariantBroken
from jifen.keys.signing import KeyPair
from jifen.ledger.members.registering import account_id
from jifen.ledger.types import Holding
from jifen.store.records import Outcome
from jifen.testing.actor_world.checks import ActorChecks
from jifen.testing.actor_world.machine import Machine
from jifen.testing.actor_world.scheduler import PROCESS
from jifen.testing.world.clients import MEMBERS, Clients
from jifen.testing.world.council import FIRST_CLIENT, Council
from jifen.testing.world.scenario import Scenario
from jifen.testing.world.signatures import SchnorrSignatures, Signatures

ANSWER_SECONDS: Final = (0.3, 1.0, 3.0)
"""How long a request may wait at a validator: shorter than, about, and longer than an election."""

READ_SECONDS: Final = 2.0
"""How long a read may take."""


@final
class Visitors:
    """Everybody outside, of one world."""

    def __init__(
        self,
        scenario: Scenario,
        machines: dict[str, Machine],
        checks: ActorChecks,
        chain: bytes,
        nursery: trio.Nursery,
        draws: random.Random,
    ) -> None:
        self.scenario = scenario
        self.signatures: Signatures = SchnorrSignatures()
        self.clients = Clients(scenario.ids, chain, scenario, draws, checks.auditor)
        self.reads = 0
        """Linearizable reads asked for."""
        self._machines = machines
        self._checks = checks
        self._chain = chain
        self._nursery = nursery
        self._draws = draws
        self._heard = dict.fromkeys(machines, 0)
        """Height that a validator's listener for blocks heard of last; it goes on from there after a restart."""
        self._seen: dict[str, list[tuple[str, Holding]]] = {}
        """Points that a validator's listener for an account was shown last."""
        self.council = Council(scenario.ids, self.clients, checks.auditor, chain)
        self._accounts = {name: self._account(place) for place, name in enumerate(machines)}

    def _account(self, number: int) -> bytes:
        key = KeyPair.derive(bytes(32), f"{number % MEMBERS} member")
        return account_id(self._chain, key.public)

    @property
    def now(self) -> int:
        """Time since the start, ms."""
        return round(trio.current_time() * 1000)

    def begin(self) -> None:
        """Come."""
        for client in range(self.scenario.clients):
            self.call_client(self.now + self._draws.randrange(100), client)
        if self.scenario.read_ms:
            self._nursery.start_soon(self._read_for_ever)

    def started(self, machine: Machine) -> None:
        """Listen to a process that has just begun to serve."""
        assert machine.life is not None
        machine.life.call(self._listen_to_blocks)
        machine.life.call(self._listen_to_account)
        if machine.name not in self.scenario.founders:
            machine.life.call(_join)

    # Clients.

    def is_beyond_telling(self, name: bytes, mark: bytes) -> bool:
        """Whether nobody can say any more what became of a transaction: here validators keep every block."""
        del name, mark
        return False

    def call_client(self, at: int, client: int) -> None:
        """Give a client its turn at a time."""
        self._nursery.start_soon(self._turn, at, client)

    async def _turn(self, at: int, client: int) -> None:
        PROCESS.set("")
        await trio.sleep_until(at / 1000)
        self.clients.turn(client, self)

    def ask(self, client: int, validator: str, signed: bytes) -> None:
        """Carry a client's request to a validator; every other client knows only one, and waits for it."""
        voters = self._checks.auditor.voters
        if client % 2 and client < FIRST_CLIENT:
            validator = voters[client % len(voters)]
        self._nursery.start_soon(self._request, client, validator, signed)

    async def _request(self, client: int, validator: str, signed: bytes) -> None:
        PROCESS.set("")
        if await self._carried():
            life = self._machines[validator].serving
            if life is not None:
                life.call(partial(self._handle, client, signed))

    async def _handle(self, client: int, signed: bytes, node: Node) -> None:
        seconds = self._draws.choice(ANSWER_SECONDS)
        if self._draws.random() < 0.8:
            [result] = await node.submit([signed], wait=True, timeout_seconds=seconds)
        else:
            [result] = await node.submit([signed], wait=False, timeout_seconds=seconds)
            result = await self._ask_later(node, result, signed, seconds)
        outcome = self._checks.answered(node, result)
        if result.error in {"MALFORMED", "BAD_SIGNATURE"}:
            raise InvariantBroken(f"{node.organization} refuses what is right", result)
        if result.id is not None:
            self._nursery.start_soon(self._answer, client, result.id, result.status, outcome)

    async def _ask_later(self, node: Node, result: SubmitResult, signed: bytes, seconds: float) -> SubmitResult:
        """Do as a client does that was told "accepted": look for the outcome whenever there is a new block."""
        if result.status is not SubmitStatus.ACCEPTED:
            return result
        assert result.id is not None
        with trio.move_on_after(seconds):
            while True:
                with node.read() as view:
                    height, outcome = view.height, view.outcome(result.id)
                if outcome is not None:
                    break
                await node.wait_for_height(height + 1, seconds)
        [result] = await node.submit([signed], wait=False, timeout_seconds=0)
        return result

    async def _answer(self, client: int, name: bytes, status: SubmitStatus, outcome: Outcome | None) -> None:
        PROCESS.set("")
        if await self._carried():
            if outcome is not None:
                self.clients.told(client, name, outcome, self)
            elif status is SubmitStatus.REFUSED:
                self.clients.refused(client, name, self)

    async def _carried(self) -> bool:
        """Take the time of a way between client and validator; False when what was sent is lost."""
        scenario, draws = self.scenario, self._draws
        delay = scenario.delay_ms_min / 1000
        if scenario.delay_ms_mean:
            delay += draws.expovariate(1000 / scenario.delay_ms_mean)
        await trio.sleep(delay)
        return draws.randrange(1000) >= scenario.loss_per_mille

    # Readers.

    async def _read_for_ever(self) -> None:
        while True:
            await trio.sleep(self._draws.randrange(1, self.scenario.read_ms + 1) / 1000)
            self.read(self._draws.choice(self.scenario.ids))

    def read(self, validator: str) -> None:
        """Ask a validator for a height that is current, and read there."""
        life = self._machines[validator].serving
        if life is not None:
            life.call(self._read)

    async def _read(self, node: Node) -> None:
        self.reads += 1
        committed = self._checks.height
        height = await node.read_index(READ_SECONDS)
        if height is not None and await node.wait_for_height(height, READ_SECONDS):
            self._checks.read(node, height, committed)

    # Listeners.

    async def _listen_to_blocks(self, node: Node) -> None:
        name = node.organization
        async with node.subscribe_blocks(self._heard[name]) as heights:
            async for height in heights:
                self._checks.listened(node, height, self._heard[name])
                self._heard[name] = height

    async def _listen_to_account(self, node: Node) -> None:
        name = node.organization
        async with node.subscribe_account(self._accounts[name]) as heights:
            async for _ in heights:
                with node.read() as view:
                    self._seen[name] = view.holdings(self._accounts[name])

    def check_heard(self, members: list[Machine]) -> None:
        """When nothing stirs any more, every listener knows the newest that there is."""
        for machine in members:
            name, life = machine.name, machine.serving
            if life is None or life.node is None:
                raise InvariantBroken(f"{name} does not serve")
            with life.node.read() as view:
                height, holdings = view.height, view.holdings(self._accounts[name])
            if self._heard[name] != height:
                raise InvariantBroken(f"a listener of {name} was told of {self._heard[name]} at most", height)
            if self._seen[name] != holdings:
                raise InvariantBroken(f"a listener of {name} was not told of an account's change", holdings)


async def _join(node: Node) -> None:
    """Do what `jifen join` does once the validator runs."""
    with suppress(JoinRefused):  # it was admitted and taken out again
        await become_voter(node)
