"""What one transaction costs a validator, step by step, beside the price of checking its signature.

Run: `.venv/bin/python -m bench.costs [rounds]`. Prints, for each step, the median and the spread over the rounds in
microseconds per transaction, and its share of one signature check measured in the same run.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from jifen.chain.anchor import genesis_block
from jifen.chain.executor import Executor
from jifen.chain.gateway import CheckedTransactions, open_transaction
from jifen.chain.sealing import seal
from jifen.chain.statements import proposal
from jifen.codec.blocks import decode_block
from jifen.codec.genesis import chain_id
from jifen.consensus.messages import Certificate
from jifen.keys.signing import KeyPair
from jifen.keys.verification import Claim, false_claims
from jifen.ledger.members.registering import account_id
from jifen.ledger.transactions import EarnPoints, RegisterMember
from jifen.store.ledger_store import LedgerStore
from jifen.store.records import CommittedBlock, StoreBatch
from jifen.testing.small_alliance import CREATED_AT, keys_of, small_genesis

T = TypeVar("T")

TRANSACTIONS_PER_BLOCK = 256
MEMBERS = TRANSACTIONS_PER_BLOCK
ROUNDS = 20


class Stopwatch:
    """Collects microseconds per transaction, by step."""

    def __init__(self) -> None:
        self.figures: dict[str, list[float]] = {}

    def __call__(self, step: str, work: Callable[[], T]) -> T:
        """Do the work and note how long it took."""
        start = time.perf_counter()
        result = work()
        elapsed = (time.perf_counter() - start) / TRANSACTIONS_PER_BLOCK * 1e6
        self.figures.setdefault(step, []).append(elapsed)
        return result


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    genesis = small_genesis()
    chain = chain_id(genesis)
    anchor = genesis_block(chain, genesis)
    members = [KeyPair.derive(bytes(32), f"member {index}") for index in range(MEMBERS)]
    blocks = [registrations(chain, members)]
    blocks += [purchases(chain, members, number) for number in range(rounds)]
    with tempfile.TemporaryDirectory() as directory:
        store = LedgerStore(Path(directory), anchor)
        leader = Executor(chain, store, store.tip)
        follower = Executor(chain, store, store.tip)
        watch = Stopwatch()
        one_block(Stopwatch(), blocks[0], chain, leader, follower, store)
        for signed in blocks[1:]:
            one_block(watch, signed, chain, leader, follower, store)
    report(watch.figures)


def one_block(
    watch: Stopwatch,
    signed: list[bytes],
    chain: bytes,
    leader: Executor,
    follower: Executor,
    store: LedgerStore,
) -> None:
    """Bring a block from a leader's queue to a follower's disk."""
    opened = watch("decode and hash", lambda: [open_transaction(chain, item) for item in signed])
    claims = [claim for _, items in opened for claim in items]
    assert not watch("check signatures", lambda: false_claims(claims))
    transactions = [transaction for transaction, _ in opened]
    watch("remember as checked", lambda: CheckedTransactions().remember(transactions))
    built = watch("leader: build block", lambda: leader.build(transactions, term=1, proposer="mall", time=CREATED_AT))
    message, key = proposal(built.tip.header), keys_of("mall").validator
    signature = watch("leader: sign proposal", lambda: key.sign(message))
    built = msgspec.structs.replace(built, proposal=signature)
    payload = watch("leader: encode block", lambda: built.payload)
    block = watch("follower: decode block", lambda: decode_block(payload))
    claim = Claim(key.public, proposal(block.header), block.proposal)
    assert not watch("follower: check proposal", lambda: false_claims([claim]))
    executed = watch("follower: execute and compare", lambda: follower.execute(block, transactions))
    height = executed.tip.height
    watch("store: log", lambda: store.write([StoreBatch(blocks=((height, payload),))]))
    certificate = Certificate(height, 1, executed.tip.hash, 0, ())
    committed = CommittedBlock(follower.commit(), certificate)
    leader.commit()
    watch("store: state", lambda: store.write([StoreBatch(commits=(committed,))]))
    for executor in (leader, follower):
        executor.state.forget_flushed(height)


def registrations(chain: bytes, members: list[KeyPair]) -> list[bytes]:
    """Return a block's worth of registrations."""
    return [seal(chain, RegisterMember(CREATED_AT, os.urandom(12), pair.public), pair).signed for pair in members]


def purchases(chain: bytes, members: list[KeyPair], number: int) -> list[bytes]:
    """Return a block's worth of purchases."""
    till = keys_of("books").operator
    bodies = (
        EarnPoints(
            CREATED_AT,
            os.urandom(12),
            "books",
            f"order-{number}-{index}",
            account_id(chain, pair.public),
            "books/consumer",
            1000 + index,
            CREATED_AT,
        )
        for index, pair in enumerate(members)
    )
    return [seal(chain, body, till).signed for body in bodies]


def report(figures: dict[str, list[float]]) -> None:
    """Print a line for each step."""
    unit = statistics.median(figures["check signatures"])
    print(f"{'step':32}{'median':>9}{'least':>9}{'most':>9}  us per transaction; share of a signature check")
    for step, values in figures.items():
        middle = statistics.median(values)
        print(f"{step:32}{middle:9.2f}{min(values):9.2f}{max(values):9.2f}  {middle / unit:6.1%}")


if __name__ == "__main__":
    main()
