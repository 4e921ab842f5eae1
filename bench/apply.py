"""What applying one transaction costs, and that it costs the same however much the ledger holds.

Run: `.venv/bin/python -m bench.apply [accounts ...]`. For ledgers of so many accounts (1,000, 100,000 and 1,000,000
when left out), each with ten lots that expire, it prints the median time of `apply_transaction` in microseconds,
without signature check and store: for records that are in memory, and for such that are read from the disk first. The
price of a signature check is measured in the same run. All in processor time, so that a busy machine changes little.
"""

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from jifen.chain.anchor import genesis_block
from jifen.chain.executor import ExecutedBlock
from jifen.chain.gateway import open_transaction
from jifen.chain.sealing import seal
from jifen.codec.canonical import encode
from jifen.codec.genesis import chain_id
from jifen.codec.records import Writes
from jifen.consensus.messages import Certificate
from jifen.keys.signing import KeyPair
from jifen.keys.verification import Claim, false_claims
from jifen.ledger.agenda import work_off
from jifen.ledger.apply import apply_transaction
from jifen.ledger.context import BlockContext
from jifen.ledger.dates import DAY_MS, day_end, day_start
from jifen.ledger.genesis import Genesis
from jifen.ledger.payments.bodies import PaymentPart, PayOrder
from jifen.ledger.payments.records import Acceptance, AcceptanceRecord
from jifen.ledger.points.holdings import due_of
from jifen.ledger.rules.records import (
    Bracket,
    BracketBasis,
    Campaign,
    EarningRule,
    ItemRule,
    OrderLine,
    Period,
    RuleBook,
    TierCoefficient,
)
from jifen.ledger.scheduling import ENTRY
from jifen.ledger.state import (
    WorkingState,
    acceptance_key,
    account_key,
    agenda_key,
    holding_key,
    membership_key,
    rule_book_key,
    supply_key,
    tier_book_key,
)
from jifen.ledger.terms.records import RollingExpiry, Terms
from jifen.ledger.tiers.records import Membership, Tier, TierBook, TierProgramme
from jifen.ledger.transactions import Body, EarnPoints, Transaction, TransferPoints
from jifen.ledger.types import AMOUNT_FEN_MAX, Account, Holding, Lot, LotOrigin, Supply
from jifen.store.ledger_store import LedgerStore
from jifen.store.records import CommittedBlock, StoreBatch
from jifen.testing.small_alliance import CREATED_AT, genesis_with, keys_of

ACCOUNTS: Final = (1_000, 100_000, 1_000_000)
BLOCK: Final = 256
"""Transactions applied in one block."""
ROUNDS: Final = 8
LOTS: Final = 10
"""Lots of every holding: one of each of the last ten days."""
POINT_TYPE: Final = "books/consumer"
RULED: Final = {"earn by a rule": "cafe", "earn by a rule that counts": "music"}
"""Merchants with brackets, a tier and a campaign; of the second everything is limited and so has to be counted."""
NOW: Final = CREATED_AT + 100 * DAY_MS
TAKERS: Final = {"pay at the issuer": "books", "pay elsewhere": "mall"}
TAKEN: Final = AcceptanceRecord(Acceptance(1, 1, 1, 1, 1, 3_000, AMOUNT_FEN_MAX, 480), CREATED_AT, bytes(32))
"""How they take points."""

RULE: Final = EarningRule(
    2,
    (Bracket(0, 1, 10), Bracket(1100, 2, 10), Bracket(3000, 3, 10)),
    CREATED_AT,
    basis=BracketBasis.CUMULATIVE,
    period=Period.MONTH,
    items=(ItemRule("tea", "", 1, 3),),
    member_cap=10**9,
    budget=10**12,
    coefficients=(TierCoefficient("gold", 3, 2),),
)
PLAIN_RULE: Final = EarningRule(2, RULE.brackets, CREATED_AT, coefficients=RULE.coefficients)
PLAIN_CAMPAIGN: Final = Campaign("double", 2, 1, CREATED_AT, NOW + DAY_MS)
"""Brackets, a tier and a campaign, nothing that is counted."""
CAMPAIGN: Final = Campaign("double", 2, 1, CREATED_AT, NOW + DAY_MS, 10**12, 10**9)
TIERS: Final = TierBook(TierProgramme(1, (Tier("gold", "Gold", 1),)))
"""Everything that a rule can ask for at once: brackets over a month, items, a tier, a campaign, a budget, caps."""


def account(number: int) -> bytes:
    """Return the id of an account."""
    return random.Random(number).randbytes(20)


def holding() -> Holding:
    """Return the points of everybody: ten lots that live for a year."""
    lots = tuple(
        Lot(100, LotOrigin.EARNED, day_start(NOW - age * DAY_MS), day_end(NOW - age * DAY_MS, 365))
        for age in range(LOTS, 0, -1)
    )
    held = Holding(100 * LOTS, lots)
    return msgspec.structs.replace(held, due=due_of(held, NOW))


def fill(store: LedgerStore, genesis: ExecutedBlock, accounts: int, member: KeyPair) -> None:
    """Write a ledger of so many accounts as if one block had made it."""
    held, due = encode(holding()), holding().due
    supply = encode(Supply(100 * LOTS * accounts, 0))
    writes: Writes = [(supply_key(name), supply) for name in (POINT_TYPE, "cafe/consumer", "music/consumer")]
    writes += [
        (rule_book_key("music/consumer"), encode(RuleBook(RULE, None, (CAMPAIGN,)))),
        (rule_book_key("cafe/consumer"), encode(RuleBook(PLAIN_RULE, None, (PLAIN_CAMPAIGN,)))),
        *((tier_book_key(merchant), encode(TIERS)) for merchant in RULED.values()),
        *((acceptance_key(merchant, POINT_TYPE), encode(TAKEN)) for merchant in TAKERS.values()),
    ]
    gold = encode(Membership("gold", CREATED_AT, 1, 5, NOW + 30 * DAY_MS, lifetime=5))
    for number in range(accounts):
        name = account(number)
        key = holding_key(name, POINT_TYPE)
        writes += [
            (account_key(name), encode(Account(name, member.public, CREATED_AT))),
            (key, held),
            (agenda_key(due, key), encode(ENTRY)),
        ]
        for merchant in RULED.values():
            writes += [(holding_key(name, f"{merchant}/consumer"), held), (membership_key(name, merchant), gold)]
    header = msgspec.structs.replace(genesis.tip.header, height=1, parent_hash=genesis.tip.hash)
    tip = msgspec.structs.replace(genesis.tip, header=header)
    block = msgspec.structs.replace(genesis, tip=tip, writes=sorted(writes))
    store.write([StoreBatch(commits=(CommittedBlock(block, Certificate(1, 1, tip.hash, 0, ())),))])


def transactions(chain: bytes, bodies: list[tuple[Body, KeyPair]]) -> list[Transaction]:
    """Return bodies as checked transactions."""
    return [open_transaction(chain, seal(chain, body, key).signed)[0] for body, key in bodies]


def measure(state: WorkingState, chain: bytes, items: list[Transaction]) -> float:
    """Apply transactions in a block of their own and return the microseconds each took."""
    state.begin_block()
    context = BlockContext(chain, state.height + 1, NOW)
    start = time.thread_time()
    for item in items:
        assert apply_transaction(state, item, context).rejection == 0
    elapsed = time.thread_time() - start
    state.abandon_block()
    return elapsed / len(items) * 1e6


def one_ledger(accounts: int, genesis: Genesis) -> dict[str, list[float]]:
    """Return the figures of a ledger of so many accounts."""
    chain, member, till = chain_id(genesis), KeyPair.derive(bytes(32), "member"), keys_of("books").operator
    anchor = genesis_block(chain, genesis)
    draws = random.Random(accounts)
    figures: dict[str, list[float]] = {}

    def note(step: str, work: Callable[[], float]) -> None:
        figures.setdefault(step, []).append(work())

    with tempfile.TemporaryDirectory() as directory:
        store = LedgerStore(Path(directory), anchor)
        fill(store, anchor, accounts, member)
        for number in range(ROUNDS):
            names = [account(draws.randrange(accounts)) for _ in range(BLOCK)]
            others = [account((draws.randrange(accounts) + 1) % accounts) for _ in range(BLOCK)]
            head = (NOW + 1000, number.to_bytes(8, "big"))
            earns: list[tuple[Body, KeyPair]] = [
                (EarnPoints(*head, "books", f"o-{number}-{place}", name, POINT_TYPE, 1000 + place, NOW), till)
                for place, name in enumerate(names)
            ]
            moves: list[tuple[Body, KeyPair]] = [
                (TransferPoints(*head, name, other, POINT_TYPE, 1 + place % 3, b""), member)
                for place, (name, other) in enumerate(zip(names, others, strict=True))
                if name != other
            ]
            earned, moved = transactions(chain, earns), transactions(chain, moves)
            cold = WorkingState(store, 1)
            note("earn, read from disk", lambda: measure(cold, chain, earned))  # noqa: B023 - called at once
            note("earn", lambda: measure(cold, chain, earned))  # noqa: B023
            cold = WorkingState(store, 1)
            note("transfer, read from disk", lambda: measure(cold, chain, moved))  # noqa: B023
            note("transfer", lambda: measure(cold, chain, moved))  # noqa: B023
            for step, merchant in RULED.items():
                sold = transactions(chain, sales(merchant, head, number, names))
                cold = WorkingState(store, 1)
                note(f"{step}, read from disk", lambda: measure(cold, chain, sold))  # noqa: B023
                note(step, lambda: measure(cold, chain, sold))  # noqa: B023
            for step, merchant in TAKERS.items():
                paid = payments(chain, merchant, head, names, member)
                cold = WorkingState(store, 1)
                note(f"{step}, read from disk", lambda: measure(cold, chain, paid))  # noqa: B023
                note(step, lambda: measure(cold, chain, paid))  # noqa: B023
            note("look at the agenda, a block", lambda: idle(cold, chain))  # noqa: B023
            note("check a signature", lambda: signature(till))
        store.close()
    return figures


def sales(merchant: str, head: tuple[int, bytes], number: int, names: list[bytes]) -> list[tuple[Body, KeyPair]]:
    """Return a purchase of each account's, with a line."""
    operator, lines, kind = keys_of(merchant).operator, (OrderLine("tea", "", 100),), f"{merchant}/consumer"
    return [
        (EarnPoints(*head, merchant, f"s-{number}-{place}", name, kind, 1000 + place, NOW, lines), operator)
        for place, name in enumerate(names)
    ]


def payments(
    chain: bytes, merchant: str, head: tuple[int, bytes], names: list[bytes], member: KeyPair
) -> list[Transaction]:
    """Return a payment of each account's with points of one type, out of one lot."""
    operator, parts = keys_of(merchant).operator, (PaymentPart(POINT_TYPE, 1),)
    bodies = [PayOrder(*head, merchant, f"p-{place}", bytes(32), name, 1000, parts) for place, name in enumerate(names)]
    return [open_transaction(chain, seal(chain, body, member, operator).signed)[0] for body in bodies]


def idle(state: WorkingState, chain: bytes) -> float:
    """Return the microseconds that a block takes to see that nothing is due."""
    state.begin_block()
    start = time.thread_time()
    assert work_off(state, BlockContext(chain, state.height + 1, NOW)) == []
    elapsed = time.thread_time() - start
    state.abandon_block()
    return elapsed * 1e6


def signature(key: KeyPair) -> float:
    """Return the microseconds that checking a signature takes."""
    claims = [Claim(key.public, bytes(32), key.sign(bytes(32)))] * 50
    start = time.thread_time()
    assert not false_claims(claims)
    return (time.thread_time() - start) / len(claims) * 1e6


def main() -> None:
    """Measure and print."""
    sizes = [int(text) for text in sys.argv[1:]] or list(ACCOUNTS)
    genesis = genesis_with(Terms(expiry=RollingExpiry(365), settlement_fen=1, accepted_by=("mall",)))
    found = {accounts: one_ledger(accounts, genesis) for accounts in sizes}
    print(f"{'microseconds each, median of ' + str(ROUNDS):34}" + "".join(f"{accounts:>14,}" for accounts in sizes))
    for step in found[sizes[0]]:
        row = "".join(f"{statistics.median(found[accounts][step]):14.1f}" for accounts in sizes)
        print(f"{step:34}{row}")


if __name__ == "__main__":
    main()
