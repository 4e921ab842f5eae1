"""A ledger with as many accounts as asked for, written as if one block had made it, for measuring what a block costs.

Everybody has ten lots of the points of three merchants: of the books' by their flat rate, of the cafe's by a rule with
brackets, tiers and a campaign, of the music's by one of which everything is limited, so that it has to be counted.
"""

from hashlib import sha256
from typing import Final

import msgspec

from jifen.chain.executor import ExecutedBlock
from jifen.codec.canonical import encode
from jifen.codec.records import Writes
from jifen.consensus.messages import Certificate
from jifen.keys.signing import KeyPair
from jifen.ledger.dates import DAY_MS, day_end, day_start
from jifen.ledger.draws.records import Commitment, Draw, DrawStatus, EntryPrice, draw_hash
from jifen.ledger.genesis import Genesis
from jifen.ledger.payments.records import Acceptance, AcceptanceRecord
from jifen.ledger.points.held import HELD_LOTS_MAX
from jifen.ledger.points.holdings import due_of
from jifen.ledger.points.positions import Rate
from jifen.ledger.rewards.records import Reward, RewardDetails, RewardPrice, reward_key
from jifen.ledger.rules.records import (
    BRACKETS_MAX,
    CAMPAIGNS_MAX,
    ITEM_RULES_MAX,
    Bracket,
    BracketBasis,
    Campaign,
    CampaignRecord,
    EarningRule,
    ItemRule,
    Period,
    RuleBook,
    RuleRecord,
    TierCoefficient,
    campaign_hash,
    rule_hash,
)
from jifen.ledger.scheduling import ENTRY
from jifen.ledger.state import (
    acceptance_key,
    account_key,
    agenda_key,
    campaign_key,
    draw_key,
    holding_key,
    membership_key,
    rule_book_key,
    rule_key,
    supply_key,
    tier_book_key,
)
from jifen.ledger.terms.records import RollingExpiry, Terms
from jifen.ledger.tiers.records import Membership, Tier, TierBook, TierProgramme
from jifen.ledger.types import AMOUNT_FEN_MAX, Account, Holding, Lot, LotOrigin, Supply
from jifen.store.ledger_store import LedgerStore
from jifen.store.records import CommittedBlock, StoreBatch
from jifen.testing.scenes.draw import draw_terms
from jifen.testing.small_alliance import CREATED_AT, small_genesis

BLOCK: Final = 256
"""Transactions applied in one block, and accounts with more or fewer lots than others."""
LOTS: Final = 10
"""Lots of every holding: one of each of the last ten days."""
MANY_LOTS: Final = HELD_LOTS_MAX
"""Lots of a holding that is full: one of each day of a year."""
NOW: Final = CREATED_AT + 400 * DAY_MS
FLAT, RULED, COUNTED, LIMIT = "books", "cafe", "music", "mall"
"""Merchants; the rule of the last is as large as a rule can be, and the newest of many versions."""
VERSIONS: Final = 256
"""Versions of its rule that the last has published."""
POINT_TYPE: Final = f"{FLAT}/consumer"
REWARD: Final = f"{FLAT}/mug"
DRAW: Final = "spring"
PART: Final = 100_000
"""Accounts whose records are written in one go: a million at once would take gigabytes of memory."""

TAKEN: Final = AcceptanceRecord(Acceptance(1, 1, 1, 1, 1, 3_000, AMOUNT_FEN_MAX, 480), CREATED_AT, bytes(32))
"""How the books' and the mall take the books' points."""
TERMS: Final = Terms(expiry=RollingExpiry(365), settlement_fen=1, swappable=True)

RULE: Final = EarningRule(
    2,
    (Bracket(0, 1, 10), Bracket(1100, 2, 10), Bracket(3000, 3, 10)),
    CREATED_AT,
    coefficients=(TierCoefficient("gold", 3, 2),),
)
CAMPAIGN: Final = Campaign("double", 2, 1, CREATED_AT, NOW + DAY_MS)
COUNTED_RULE: Final = EarningRule(
    2,
    RULE.brackets,
    CREATED_AT,
    basis=BracketBasis.CUMULATIVE,
    period=Period.MONTH,
    items=(ItemRule("tea", "", 1, 3),),
    member_cap=10**9,
    budget=10**12,
    coefficients=RULE.coefficients,
)
COUNTED_CAMPAIGN: Final = Campaign("double", 2, 1, CREATED_AT, NOW + DAY_MS, 10**12, 10**9)
LIMIT_RULE: Final = EarningRule(
    VERSIONS,
    tuple(Bracket(place * 200, 1 + place, 10) for place in range(BRACKETS_MAX)),
    CREATED_AT,
    items=tuple(ItemRule("tea", f"tea {place}", 1, 3) for place in range(ITEM_RULES_MAX)),
    coefficients=RULE.coefficients,
)
LIMIT_CAMPAIGNS: Final = tuple(
    Campaign(f"campaign-{place}", 11, 10, CREATED_AT, NOW + DAY_MS) for place in range(CAMPAIGNS_MAX)
)
TIERS: Final = TierBook(TierProgramme(1, (Tier("gold", "Gold", 1),)))


def genesis() -> Genesis:
    """Return a genesis document whose points expire after a year, can be swapped and be spent at the mall."""
    small = small_genesis()
    kinds = [
        msgspec.structs.replace(
            kind, terms=TERMS if kind.issuer == LIMIT else msgspec.structs.replace(TERMS, accepted_by=(LIMIT,))
        )
        for kind in small.point_types
    ]
    return msgspec.structs.replace(small, point_types=tuple(kinds))


def account(number: int) -> bytes:
    """Return the id of an account; below 0: one of those with as many lots as there can be."""
    return sha256(b"%d" % number).digest()[:20]


def single(number: int) -> bytes:
    """Return the id of one of BLOCK accounts that have a single lot."""
    return sha256(b"single %d" % number).digest()[:20]


def holding(lots: int) -> Holding:
    """Return 100 points in each of so many lots that live for a year, the newest of yesterday."""
    held = Holding(
        100 * lots,
        tuple(
            Lot(100, LotOrigin.EARNED, day_start(NOW - age * DAY_MS), day_end(NOW - age * DAY_MS, HELD_LOTS_MAX))
            for age in range(lots, 0, -1)
        ),
    )
    return msgspec.structs.replace(held, due=due_of(held, NOW))


def fill(store: LedgerStore, anchor: ExecutedBlock, accounts: int, member: KeyPair) -> None:
    """Write a ledger of so many accounts, all of one member's, as one block of every PART of them."""
    held = holding(LOTS)
    people = (
        (range(accounts), account, held),
        (range(-BLOCK, 0), account, holding(MANY_LOTS)),
        (range(BLOCK), single, holding(1)),
    )
    points = sum(len(numbers) * each.available for numbers, _, each in people)
    parts = [
        (numbers[start : start + PART], name, each)
        for numbers, name, each in people
        for start in range(0, len(numbers), PART)
    ]
    tip = anchor.tip
    for height, (numbers, name, each) in enumerate(parts, start=1):
        writes = [write for number in numbers for write in _of_account(name(number), each, member)]
        if height == 1:
            writes += _of_everybody(points)
        header = msgspec.structs.replace(anchor.tip.header, height=height, parent_hash=tip.hash)
        tip = msgspec.structs.replace(anchor.tip, header=header)
        block = msgspec.structs.replace(anchor, tip=tip, writes=sorted(writes))
        store.write([StoreBatch(commits=(CommittedBlock(block, Certificate(1, height, tip.hash, 0, ())),))])


def _of_account(name: bytes, held: Holding, member: KeyPair) -> Writes:
    points, key = encode(held), holding_key(name, POINT_TYPE)
    writes: Writes = [
        (account_key(name), encode(Account(name, member.public, CREATED_AT))),
        (key, points),
        (agenda_key(held.due, key), encode(ENTRY)),
    ]
    gold = encode(Membership("gold", CREATED_AT, 1, 5, NOW + 30 * DAY_MS, lifetime=5))
    for merchant in (RULED, COUNTED):
        writes += [(holding_key(name, f"{merchant}/consumer"), points), (membership_key(name, merchant), gold)]
    return writes


def _of_everybody(points: int) -> Writes:
    supply = encode(Supply(points, 0))
    books = (
        (RULED, RuleBook(RULE, None, (CAMPAIGN,))),
        (COUNTED, RuleBook(COUNTED_RULE, None, (COUNTED_CAMPAIGN,))),
        (LIMIT, RuleBook(LIMIT_RULE, None, LIMIT_CAMPAIGNS)),
    )
    writes: Writes = []
    for merchant in (FLAT, RULED, COUNTED):
        writes.append((supply_key(f"{merchant}/consumer"), supply))
    for merchant, book in books:
        kind = f"{merchant}/consumer"
        writes += [(rule_book_key(kind), encode(book)), (tier_book_key(merchant), encode(TIERS))]
        for version in range(2, book.rule.version + 1):
            rule = msgspec.structs.replace(book.rule, version=version)
            record = RuleRecord(rule, rule_hash(kind, rule), CREATED_AT, bytes(32))
            writes.append((rule_key(kind, version), encode(record)))
        for campaign in book.campaigns:
            published = CampaignRecord(campaign, campaign_hash(kind, campaign), CREATED_AT, bytes(32))
            writes.append((campaign_key(kind, campaign.id), encode(published)))
    writes += [(acceptance_key(merchant, POINT_TYPE), encode(TAKEN)) for merchant in (FLAT, LIMIT)]
    details = RewardDetails("Mug", (RewardPrice(POINT_TYPE, 5),))
    writes.append((reward_key(REWARD), encode(Reward(REWARD, 1, details, 10**6))))
    terms = draw_terms(NOW, 10**6, prices=(EntryPrice(POINT_TYPE, 5, Rate(1, 0)),), entries_max=10**6)
    secrets = tuple(Commitment((bytes(32),), (b"",), kept=True) for _ in terms.committers)
    draw = Draw(FLAT, DRAW, terms, draw_hash(FLAT, DRAW, terms), secrets, DrawStatus.OPEN, terms.reveal_by)
    writes.append((draw_key(FLAT, DRAW), encode(draw)))
    return writes
