"""How fast a validator catches up that is 100,000 transactions behind, beside the speed of checking their signatures.

Run: `.venv/bin/python -m bench.catch_up [--transactions N] [--block N]`. A chain is made by hand and put into three of
four data directories; then all four are started as `jifen start` does, and the time is taken from the first to the last
block that the empty one commits. The signature checks that it is compared with run in one thread, before and after, on
the machine that is otherwise idle then.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from bench.processors import processor_seconds
from jifen import config
from jifen.alliance import DEMO_NAME, DEMO_ORGANIZATIONS, create_alliance
from jifen.chain.anchor import genesis_block
from jifen.chain.executor import ExecutedBlock, Executor
from jifen.chain.gateway import open_transaction
from jifen.chain.sealing import seal
from jifen.chain.statements import proposal
from jifen.client import SyncClient, Unavailable
from jifen.codec.genesis import chain_id
from jifen.consensus.messages import Certificate
from jifen.consensus.quorum import quorum_size
from jifen.consensus.types import HardState
from jifen.demo.bound import measure_verification
from jifen.keys.keystore import read_key_file
from jifen.keys.signing import KeyPair
from jifen.ledger.genesis import Genesis
from jifen.ledger.members.registering import account_id
from jifen.ledger.transactions import EarnPoints, RegisterMember, Transaction
from jifen.ledger.types import TRANSACTION_LIFETIME_MS_MAX
from jifen.store.directory import STORE_DIRECTORY, remember_started
from jifen.store.ledger_store import LedgerStore
from jifen.store.records import CommittedBlock, StoreBatch
from jifen.testing.nemesis.processes import free_port_base

TRANSACTIONS: Final = 100_000
BLOCK_TRANSACTIONS: Final = 256
MEMBERS: Final = 5_000
BLOCKS_PER_SYNC: Final = 32
PATIENCE_SECONDS: Final = 600.0
LOOKS_EVERY_SECONDS: Final = 0.1
"""Seldom enough that answering costs the follower nothing that would show."""


class Measured(NamedTuple):
    """What catching up took."""

    seconds: float
    share: float
    """Part of the blocks that it took the time for: those before were there at the first look."""
    processor_seconds: tuple[float, float, float]
    """Of the follower: event loop, its other threads, processes that check signatures; since their start."""


def main() -> None:
    """Make the chain, start the validators, take the time."""
    parser = argparse.ArgumentParser(prog="python -m bench.catch_up", description=__doc__.splitlines()[0])
    parser.add_argument("--transactions", type=int, default=TRANSACTIONS)
    parser.add_argument("--block", type=int, default=BLOCK_TRANSACTIONS, help="transactions in a block")
    parser.add_argument("--follower", default="", help="words before the follower's command, for a profiler")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory) / "home"
        names = create_alliance(
            home, DEMO_NAME, DEMO_ORGANIZATIONS, port_base=free_port_base(len(DEMO_ORGANIZATIONS))
        ).organizations
        before = measure_verification()
        height, count = make_chain(home / names[0], home, options.transactions, options.block)
        for name in names[1:-1]:
            copy_chain(home / names[0], home / name)
        found = catch_up(home, names, height, options.follower.split())
        checks = statistics.mean([before, measure_verification()])
    caught_up = count * found.share
    rate, pure = caught_up / found.seconds, 1e6 / checks
    loop, threads, processes = found.processor_seconds
    print(f"{caught_up:,.0f} transactions, {options.block} to a block, in {found.seconds:.1f} s: {rate:,.0f} a second")
    print(f"signature checks in one thread: {pure:,.0f} a second, {checks:.1f} us each")
    print(f"ratio: {rate / pure:.0%}")
    print(f"processor time: event loop {loop:.1f} s, other threads {threads:.1f} s, checkers {processes:.1f} s")


def make_chain(directory: Path, home: Path, transactions: int, block: int) -> tuple[int, int]:
    """Write a committed chain into an empty data directory; return its height and how many transactions it holds."""
    genesis = config.read_genesis(directory)
    chain = chain_id(genesis)
    keys = [_key(home / item.id, config.VALIDATOR_KEY_FILE) for item in genesis.organizations]
    anchor = genesis_block(chain, genesis)
    store = LedgerStore(directory / STORE_DIRECTORY, anchor)
    remember_started(directory)
    executor = Executor(chain, store, store.tip)
    now, count = time.time_ns() // 1_000_000, 0
    batch = [StoreBatch(hard_state=HardState(1, None))]
    try:
        for items in _blocks(chain, genesis, home, transactions, block, now):
            built = executor.build(items, term=1, proposer=genesis.organizations[0].id, time=now)
            executed = msgspec.structs.replace(built, proposal=keys[0].sign(proposal(built.tip.header)))
            count += len(executed.transactions)
            committed = CommittedBlock(executor.commit(), certificate(keys, executed))
            batch.append(StoreBatch(blocks=((executed.tip.height, executed.payload),), commits=(committed,)))
            if len(batch) == BLOCKS_PER_SYNC:
                store.write(batch)
                executor.state.forget_flushed(executed.tip.height)
                batch = []
        store.write(batch)
        return store.tip.height, count
    finally:
        store.close()


def _key(directory: Path, file: str) -> KeyPair:
    return read_key_file(directory / file, config.read_secret_text(directory / config.PASSPHRASE_FILE))


def _blocks(
    chain: bytes, genesis: Genesis, home: Path, transactions: int, block: int, now: int
) -> Iterator[list[Transaction]]:
    expires_at = now + TRANSACTION_LIFETIME_MS_MAX
    members = [KeyPair.derive(bytes(32), f"member {place}") for place in range(min(MEMBERS, transactions // 2))]
    merchants = [(item.id, _key(home / item.id, config.OPERATOR_KEY_FILE)) for item in genesis.organizations]
    items: list[Transaction] = []
    for number in range(transactions):
        if number < len(members):
            sealed = seal(chain, RegisterMember(expires_at, os.urandom(12), members[number].public), members[number])
        else:
            merchant, operator = merchants[number % len(merchants)]
            account = account_id(chain, members[number % len(members)].public)
            kind = f"{merchant}/consumer"
            body = EarnPoints(expires_at, os.urandom(12), merchant, f"order-{number}", account, kind, 1000, now)
            sealed = seal(chain, body, operator)
        items.append(open_transaction(chain, sealed.signed)[0])
        if len(items) == block or number == transactions - 1:
            yield items
            items = []


def certificate(keys: list[KeyPair], executed: ExecutedBlock) -> Certificate:
    """Return a certificate of a block by the first quorum of validators."""
    tip = executed.tip
    message = executed.validators.acknowledgement(tip.header.term, tip.height, tip.hash)
    signers = keys[: quorum_size(len(keys))]
    return Certificate(
        tip.height, tip.header.term, tip.hash, (1 << len(signers)) - 1, tuple(key.sign(message) for key in signers)
    )


def copy_chain(source: Path, target: Path) -> None:
    """Give another validator the same chain."""
    shutil.copytree(source / STORE_DIRECTORY, target / STORE_DIRECTORY)
    remember_started(target)


def catch_up(home: Path, names: tuple[str, ...], height: int, before_follower: list[str]) -> Measured:
    """Start all validators and take the time from the first to the last block of the one that has none."""
    command = [sys.executable, "-P", "-m", "jifen", "start", "--stop-with-parent", "--data"]
    started: list[subprocess.Popen[bytes]] = []
    try:
        for name in names:
            with (home / name / "log.txt").open("wb") as log:
                words = before_follower if name == names[-1] else []
                started.append(
                    subprocess.Popen(
                        [*words, *command, str(home / name)], stdin=subprocess.PIPE, stdout=log, stderr=log
                    )
                )
        public = config.parse_address(config.read_config(home / names[-1]).public_listen)
        return _time_to(height, f"http://{public.text}", started)
    finally:
        for process in started:
            assert process.stdin is not None
            process.stdin.close()
        for name, process in zip(names, started, strict=True):
            if process.wait() != 0:
                print((home / name / "log.txt").read_text()[-2000:], file=sys.stderr)


def _time_to(height: int, url: str, started: list[subprocess.Popen[bytes]]) -> Measured:
    patient_until = time.monotonic() + PATIENCE_SECONDS
    first: tuple[float, int] | None = None
    with SyncClient([url], timeout_seconds=5) as client:
        while time.monotonic() < patient_until and all(process.poll() is None for process in started):
            try:
                reached = client.status().height
            except Unavailable:
                continue
            now = time.monotonic()
            if first is None and reached > 0:
                first = (now, reached)
            if first is not None and reached >= height:
                if first[1] == height:
                    raise SystemExit("it had caught up before it was first looked at: give it more --transactions")
                share = (height - first[1]) / height
                return Measured(now - first[0], share, processor_seconds(started[-1].pid))
            time.sleep(LOOKS_EVERY_SECONDS)
    raise TimeoutError(f"it did not catch up within {PATIENCE_SECONDS:g} s, or a validator ended: see the logs above")


if __name__ == "__main__":
    main()
