"""What applying one transaction costs, and that it costs the same however much the ledger holds.

Run: `.venv/bin/python -m bench.apply [accounts ...]`. For ledgers of so many accounts (1,000, 100,000 and 1,000,000
when left out), each with ten lots that expire, it prints what `apply_transaction` takes in microseconds, without
signature check and store: median and 90th percentile over all transactions with their records in memory, and the median
with records that are read from the disk first; behind them the ratio of the largest ledger's median to the smallest's.
All in processor time, and the ledgers take turns, so that a busy machine changes little in the ratio. The price of a
signature check is measured in the same run. A million accounts take some minutes and gigabytes of disk.
"""

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

from bench.common_transactions import Case, People, cases
from bench.full_ledger import BLOCK, NOW, account, fill, genesis
from jifen.chain.anchor import genesis_block
from jifen.codec.genesis import chain_id
from jifen.keys.signing import KeyPair
from jifen.keys.verification import Claim, false_claims
from jifen.ledger.agenda import work_off
from jifen.ledger.apply import apply_transaction
from jifen.ledger.context import BlockContext
from jifen.ledger.state import WorkingState
from jifen.store.ledger_store import LedgerStore
from jifen.testing.small_alliance import keys_of

ACCOUNTS: Final = (1_000, 100_000, 1_000_000)
ROUNDS: Final = 8


class Figures(NamedTuple):
    """Nanoseconds of every transaction of one kind."""

    warm: list[int]
    cold: list[int]
    """With records that are read from the disk first."""


class Ledger(NamedTuple):
    """What is measured."""

    accounts: int
    store: LedgerStore
    chain: bytes
    member: KeyPair
    """The key of all accounts."""
    draws: random.Random
    figures: dict[str, Figures]


def measure(state: WorkingState, chain: bytes, case: Case) -> list[int]:
    """Apply transactions in a block of their own and return the nanoseconds each took."""
    state.begin_block()
    context = BlockContext(chain, state.height + 1, NOW)
    took = []
    for item in case.before:
        assert apply_transaction(state, item, context).rejection == 0
    for item in case.measured:
        start = time.thread_time_ns()
        receipt = apply_transaction(state, item, context)
        took.append(time.thread_time_ns() - start)
        assert receipt.rejection == 0, f"{item.body} was rejected: {receipt.rejection}"
    state.abandon_block()
    return took


def open_ledger(stack: ExitStack, accounts: int) -> Ledger:
    """Write a ledger of so many accounts, which goes with the stack."""
    document = genesis()
    member, anchor = KeyPair.derive(bytes(32), "member"), genesis_block(chain_id(document), document)
    store = LedgerStore(Path(stack.enter_context(tempfile.TemporaryDirectory())), anchor)
    stack.callback(store.close)
    start = time.perf_counter()
    fill(store, anchor, accounts, member)
    print(f"{accounts:,} accounts written in {time.perf_counter() - start:.0f} s", file=sys.stderr)
    return Ledger(accounts, store, chain_id(document), member, random.Random(accounts), {})


def one_round(ledger: Ledger) -> None:
    """Measure a block of every kind of transaction, with accounts drawn anew."""
    accounts, store, chain, member, draws, figures = ledger
    numbers = draws.sample(range(accounts), BLOCK)
    names = [account(number) for number in numbers]
    others = [account((number + 1) % accounts) for number in numbers]
    for step, make in cases(People(chain, member, names, others)).items():
        case, state = make(), WorkingState(store, store.tip.height)
        found = figures.setdefault(step, Figures([], []))
        found.cold.extend(measure(state, chain, case))
        found.warm.extend(measure(state, chain, case))
    state = WorkingState(store, store.tip.height)
    note(figures, "agenda, a block", lambda: idle(state, chain))
    note(figures, "check a signature", signature)


def note(figures: dict[str, Figures], step: str, work: Callable[[], int]) -> None:
    """Add what a step takes that is no transaction: before and after it was done for the first time."""
    found = figures.setdefault(step, Figures([], []))
    found.cold.append(work())
    found.warm.append(work())


def idle(state: WorkingState, chain: bytes) -> int:
    """Return the nanoseconds that a block takes to see that nothing is due."""
    state.begin_block()
    start = time.thread_time_ns()
    assert work_off(state, BlockContext(chain, state.height + 1, NOW)) == []
    elapsed = time.thread_time_ns() - start
    state.abandon_block()
    return elapsed


def signature() -> int:
    """Return the nanoseconds that checking a signature takes."""
    key = keys_of("books").operator
    claims = [Claim(key.public, bytes(32), key.sign(bytes(32)))] * 50
    start = time.thread_time_ns()
    assert not false_claims(claims)
    return (time.thread_time_ns() - start) // len(claims)


def main() -> None:
    """Measure and print."""
    sizes = [int(text) for text in sys.argv[1:]] or list(ACCOUNTS)
    with ExitStack() as stack:
        ledgers = [open_ledger(stack, accounts) for accounts in sizes]
        for _ in range(ROUNDS):
            for ledger in ledgers:
                one_round(ledger)
    print(
        f"{'microseconds: median, 90 %, from disk':40}" + "".join(f"{accounts:>22,}" for accounts in sizes) + "  ratio"
    )
    for step in ledgers[0].figures:
        row, medians = "", []
        for ledger in ledgers:
            warm, cold = ledger.figures[step]
            medians.append(statistics.median(warm) / 1000)
            tenth = statistics.quantiles(warm, n=10)[-1] / 1000
            row += f"{medians[-1]:8.1f}{tenth:7.1f}{statistics.median(cold) / 1000:7.1f}"
        print(f"{step:40}{row}{medians[-1] / medians[0]:7.2f}")


if __name__ == "__main__":
    main()
