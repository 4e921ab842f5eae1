"""Four validator processes, the leader killed in the middle: what was acknowledged is in the chain, once."""

import itertools
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trio

from jifen.actors.clock import system_clock
from jifen.chain.anchor import genesis_block
from jifen.codec.genesis import chain_id, encode_genesis
from jifen.ledger.genesis import Genesis
from jifen.store.ledger_store import LedgerStore
from jifen.testing.running_alliance import QUICK
from jifen.testing.small_alliance import small_alliance
from jifen.testing.small_chain import LIFETIME_MS, Clerk
from jifen.testing.validator_process import GENESIS_FILE, ProcessGone, ValidatorProcess
from jifen.testing.witness import Operation, Reading, Told, check_history

NAMES = ("mall", "books", "music", "cafe")
MEMBERS = ("ann", "bob", "cyd")
WORKERS = 6
OPERATIONS = 240
KILL_AFTER = 80
RESTART_AFTER = 160
SEED = 5


class Driver:
    """Several clients that make purchases and transfers, and remember what they were told."""

    def __init__(self, processes: dict[str, ValidatorProcess], clerk: Clerk) -> None:
        self.processes = processes
        self.clerk = clerk
        self.operations: list[Operation] = []
        self.readings: list[Reading] = []
        self.progress = trio.Condition()
        self._sequence = itertools.count()
        self._orders = itertools.count(1)

    async def work(self, seed: int, count: int) -> None:
        """Make `count` operations, each sent again elsewhere until its outcome is known; every eighth only once."""
        draw = random.Random(seed)
        for number in range(count):
            await self.operate(draw, patient=number % 8 != 0)
            if number % 5 == 0:
                await self.look(draw)

    async def operate(self, draw: random.Random, *, patient: bool) -> None:
        one, other = draw.sample(MEMBERS, 2)
        if draw.random() < 0.7:
            # A till that repeats an order number is told so: one of the two is credited.
            order = f"order-{next(self._orders) if draw.random() < 0.9 else 1}"
            sealed = self.clerk.earn(one, order, draw.randrange(10, 5000))
        else:
            sealed = self.clerk.transfer(one, other, draw.randrange(1, 60))
        invoked = next(self._sequence)
        told, height, rejection = Told.UNKNOWN, None, 0
        while told is Told.UNKNOWN:
            told, height, rejection = await self.submit(draw, sealed.signed)
            if not patient:
                break
        async with self.progress:
            self.operations.append(Operation(sealed.id, invoked, next(self._sequence), told, height, rejection))
            self.progress.notify_all()

    async def submit(self, draw: random.Random, signed: bytes) -> tuple[Told, int | None, int]:
        process = draw.choice([item for item in self.processes.values() if item.runs])
        try:
            reply = await process.submit(signed, timeout_seconds=3)
        except ProcessGone:
            return Told.UNKNOWN, None, 0
        if reply.outcome == "COMMITTED":
            return Told.COMMITTED, reply.height, reply.rejection
        return (Told.REFUSED if reply.rejection else Told.UNKNOWN), None, 0

    async def look(self, draw: random.Random) -> None:
        known = max((item.height or 0 for item in self.operations), default=0)
        account = self.clerk.member(draw.choice(MEMBERS)).account
        invoked = next(self._sequence)
        process = draw.choice([item for item in self.processes.values() if item.runs])
        try:
            reply = await process.balance(account, "books/consumer", known)
        except ProcessGone:
            return
        assert reply.height is not None
        self.readings.append(Reading(account, "books/consumer", invoked, reply.height, reply.points))

    async def done(self, count: int) -> None:
        async with self.progress:
            while len(self.operations) < count:
                await self.progress.wait()


@contextmanager
def killed_at_the_end(processes: dict[str, ValidatorProcess]) -> Iterator[None]:
    try:
        yield
    finally:
        for process in processes.values():
            process.kill_at_once()


async def all_equal(processes: dict[str, ValidatorProcess]) -> None:
    """Wait until all processes stand at one height, and compare their digests there."""
    heights: dict[int, set[bytes]] = {}
    highest = 0
    while True:
        found = [await process.status() for process in processes.values()]
        for reply in found:
            heights.setdefault(reply.height or 0, set()).add(reply.digest)
            highest = max(highest, reply.height or 0)
        if len({reply.height for reply in found}) == 1:
            break
        # The balance of nobody, asked for at the highest height: whoever answers has got there.
        for process in processes.values():
            await process.balance(bytes(20), "books/consumer", highest)
    assert all(len(digests) == 1 for digests in heights.values()), "validators at one height have different states"


def committed_blocks(directory: Path, genesis: Genesis) -> list[bytes]:
    """Return the committed blocks that a stopped validator has on its disk, from height 1 on, certificates checked."""
    anchor = genesis_block(chain_id(genesis), genesis)
    store = LedgerStore(directory / "ledger", anchor)
    try:
        payloads = []
        for height in range(1, store.tip.height + 1):
            entry, certificate = store.entry(height), store.certificate(height)
            assert entry is not None
            assert certificate is not None
            assert certificate.hash == entry.hash
            anchor.validators.check_certificate(certificate)
            payloads.append(entry.payload)
        return payloads
    finally:
        store.close()


async def test_nothing_acknowledged_is_lost_or_doubled_when_the_leader_is_killed(tmp_path: Path) -> None:
    alliance = small_alliance(tmp_path, NAMES, QUICK)
    (tmp_path / GENESIS_FILE).write_bytes(encode_genesis(alliance.genesis))
    clerk = Clerk(chain_id(alliance.genesis), system_clock() + LIFETIME_MS)
    with trio.fail_after(180):
        async with trio.open_nursery() as nursery:
            processes = {name: ValidatorProcess(tmp_path, name, nursery) for name in NAMES}
            with killed_at_the_end(processes):
                async with trio.open_nursery() as starting:
                    for process in processes.values():
                        starting.start_soon(process.start)
                driver = Driver(processes, clerk)
                draw = random.Random(SEED)
                for member in MEMBERS:
                    sealed = clerk.register(member)
                    while (await driver.submit(draw, sealed.signed))[0] is not Told.COMMITTED:
                        pass
                async with trio.open_nursery() as workers:
                    for number in range(WORKERS):
                        workers.start_soon(driver.work, SEED + number, OPERATIONS // WORKERS)
                    await driver.done(KILL_AFTER)
                    leader = (await processes["mall"].status()).leader
                    assert leader is not None
                    await processes[leader].kill()
                    await driver.done(RESTART_AFTER)
                    await processes[leader].start()
                await all_equal(processes)
                assert [await process.stop() for process in processes.values()] == [0] * len(NAMES)
    payloads = [committed_blocks(tmp_path / name, alliance.genesis) for name in NAMES]
    assert payloads[1:] == payloads[:-1]
    check_history(alliance.genesis, payloads[0], driver.operations, driver.readings)
    told = [item.told for item in driver.operations]
    assert len(told) == OPERATIONS
    assert told.count(Told.COMMITTED) > OPERATIONS * 3 // 4
    assert driver.readings
