"""Every check of the ledger's invariants bites: a sound state passes, and each planted fault is found by its check."""

from typing import Any, Final

import msgspec
import pytest

from jifen.ledger import invariants
from jifen.ledger.bonuses.records import BonusBook, BonusMark, BonusPolicy, ClerkDay
from jifen.ledger.checking import InvariantBroken
from jifen.ledger.checkpoints.records import Attestation, Checkpoint, Checkpoints
from jifen.ledger.evidence.records import EVIDENCE_RECORDED_MAX, EvidenceAgainst, RecordedEvidence
from jifen.ledger.evidence.statements import StatementKind
from jifen.ledger.governance.changes import RemoveValidator
from jifen.ledger.governance.proposals import Governance, OpenProposal, Proposal, ProposalStatus, Vote
from jifen.ledger.governance.validators import VALIDATORS_MAX, Validator, ValidatorSet, ValidatorStatus
from jifen.ledger.invariants import CHECKS, check_all
from jifen.ledger.locks.checks import check_locked_accounts_are_those_with_a_lock as fitting
from jifen.ledger.locks.checks import check_only_what_was_earned_remembers_its_pauses as remembering
from jifen.ledger.locks.checks import check_what_was_moved_is_counted_for_somebody as counted
from jifen.ledger.locks.records import TEMPORARY_MS, UNTIL_UNLOCKED, AccountLock, LockReason
from jifen.ledger.points.limits import Moved
from jifen.ledger.points.positions import Position, Rate, rate_key
from jifen.ledger.rewards.standing_orders import StandingOrder
from jifen.ledger.rules.book import flat_rule
from jifen.ledger.rules.records import Budget, Rounding, RuleBook
from jifen.ledger.scheduling import ENTRY
from jifen.ledger.state import (
    CHECKPOINTS_KEY,
    GOVERNANCE_KEY,
    VALIDATOR_SET_KEY,
    account_key,
    agenda_key,
    bonus_book_key,
    bonus_mark_key,
    clerk_key,
    evidence_key,
    holding_key,
    lock_key,
    membership_key,
    moved_key,
    order_key,
    organization_key,
    past_set_key,
    point_type_key,
    position_key,
    proposal_key,
    rule_book_key,
    rule_budget_key,
    standing_order_key,
    supply_key,
    terms_key,
    tier_book_key,
    validator_key,
)
from jifen.ledger.terms.records import Terms, TermsRecord, terms_hash
from jifen.ledger.tiers.records import (
    Membership,
    RecognisedTier,
    Recognition,
    Tier,
    TierBook,
    TierProgramme,
)
from jifen.ledger.types import (
    POINTS_MAX,
    Account,
    Credit,
    Holding,
    ItemPart,
    Lot,
    LotOrigin,
    OrderRecord,
    Record,
    Supply,
)
from jifen.testing.faults.planted_payments import PLANTED_IN_PAYMENTS
from jifen.testing.faults.planted_rewards import PLANTED_IN_REWARDS, SOUND_REWARDS
from jifen.testing.faults.planted_swaps import PLANTED_IN_SWAPS
from jifen.testing.naive.scene import account_of, key_of, scene

ANN, BO = (account_of(key_of(name)) for name in ("ann", "bo"))
TYPE: Final = "mall/consumer"
HASH, ROOT = bytes(32), bytes([1] * 32)
ATTESTED: Final = Attestation("mall", HASH, ROOT, bytes(32))
PIECE: Final = RecordedEvidence(StatementKind.PROPOSAL, 3, 7, HASH, ROOT, bytes(32), 9)
PROVES_NOTHING: Final = msgspec.structs.replace(PIECE, second_hash=HASH)
MANY: Final = [msgspec.structs.replace(PIECE, height=height) for height in range(EVIDENCE_RECORDED_MAX + 1)]
CERTIFIED: Final = Checkpoint(4, (ATTESTED, Attestation("books", HASH, ROOT, bytes(32))), ROOT, HASH, 9)
GUIDE: Final = "books/guide"
WAITING: Final = Holding(
    0,
    (),
    pending=23,
    pending_lots=(Lot(11, LotOrigin.EARNED, 40, 70),),
    awaiting_lots=(Lot(12, LotOrigin.EARNED, 30, 70),),
    lapsed=(Lot(3, LotOrigin.EARNED, 1, 2),),
    due=20,
)
WAITING_ORDER: Final = OrderRecord(bytes(32), BO, GUIDE, 1, 1, 10, 130, 10, 1, 30, 70, 0, True)
PARTS: Final = Credit(0, 400, (ItemPart(0, 100),), 0, 1, 1, 0, (), returned=(399, 101))
RETURNED: Final = OrderRecord(bytes(32), ANN, TYPE, 1, 0, 0, 500, 500, credit=PARTS)
SILVER, GOLD = Tier("silver", "Silver", 50), Tier("gold", "Gold", 100)
OLD, NEW = Lot(60, LotOrigin.EARNED, 0, 0), Lot(40, LotOrigin.EARNED, 86_400_000, 0)


def sound() -> dict[bytes, Record]:
    """Return a state in which everything holds."""
    return {
        **{point_type_key(item.id): item for item in scene().point_types},
        **{terms_key(item.id, 1): history(item.id, item.terms) for item in scene().point_types},
        **scheduled(),
        **{supply_key(item.id): Supply(0, 0) for item in scene().point_types},
        supply_key(TYPE): Supply(110, 3),
        account_key(ANN): Account(ANN, key_of("ann"), 7),
        account_key(BO): Account(BO, key_of("bo"), 7),
        holding_key(ANN, TYPE): Holding(100, (OLD, NEW)),
        **SOUND_REWARDS,
        **in_agenda(holding_key(BO, TYPE), Holding(7, (Lot(7, LotOrigin.TRANSFERRED, 0, 5),), due=5)),
        **in_agenda(holding_key(BO, GUIDE), WAITING),
        order_key("mall", "A2"): WAITING_ORDER,
        supply_key(GUIDE): Supply(30, 4, 3),
        order_key("mall", "A1"): order(amount_fen=500, refunded_fen=500),
        **{organization_key(item.id): item for item in scene().organizations},
        **validator("mall", ValidatorStatus.VOTER),
        **validator("books", ValidatorStatus.VOTER),
        **validator("books-2", ValidatorStatus.OBSERVER, owner="books"),
        **validator("attic", ValidatorStatus.RETIRED),
        **validator_set(("mall", "books"), (), ("books-2",)),
        **checkpoints(CERTIFIED, Checkpoint(2, (ATTESTED,))),
        **validator("cafe", ValidatorStatus.RETIRED),
        **proposal(1, ProposalStatus.REFUSED, decided_at=9),
        **proposal(2, ProposalStatus.OPEN),
        **governance(),
        **tiers(),
        bonus_book_key("mall"): BonusBook(BonusPolicy(1, budget=50), 50),
        bonus_mark_key("mall", b"\1" + ANN): BonusMark(bytes(32), ANN, 50),
        clerk_key("mall", key_of("mall till")): ClerkDay(7, 50, 0),
        **member(),
        **standing_order(ANN),
    }


def history(name: str, terms: Terms, published_at: int = 0) -> TermsRecord:
    """Return a version for the history."""
    return TermsRecord(terms, terms_hash(name, terms), published_at, bytes(32))


def scheduled() -> dict[bytes, Record]:
    """Return a point type whose second version is to come."""
    later = Terms(version=2, effective_from=90)
    kind = msgspec.structs.replace(scene().point_types[0], scheduled=later)
    name = point_type_key(TYPE)
    return {name: kind, terms_key(TYPE, 2): history(TYPE, later), agenda_key(90, name): ENTRY}


def in_agenda(name: bytes, record: Holding) -> dict[bytes, Record]:
    """Return a holding and its entry in the agenda."""
    return {name: record} | ({agenda_key(record.due, name): ENTRY} if record.due else {})


def proposal(at: int, status: ProposalStatus, **changes: Any) -> dict[bytes, Record]:
    """Return a proposal to put into the state."""
    votes = (Vote("mall", True, 3), Vote("books", False, 4))
    record = Proposal(at, key_of(f"{at}"), "mall", RemoveValidator("books-2"), 10, 3, status, votes)
    return {proposal_key(at): msgspec.structs.replace(record, **changes)}


def governance(**changes: Any) -> dict[bytes, Record]:
    """Return what deciding needs to put into the state."""
    organizations = tuple(item.id for item in scene().organizations)
    waiting = (OpenProposal(key_of("2"), 2, "mall", 10),)
    record = Governance(2, 3, organizations, ("mall", "books", "books-2", "attic", "cafe"), 2, waiting)
    return {GOVERNANCE_KEY: msgspec.structs.replace(record, **changes)}


def validator(name: str, status: ValidatorStatus, **changes: Any) -> dict[bytes, Record]:
    """Return a validator to put into the state."""
    owner = changes.pop("owner", name)
    record = Validator(name, owner, key_of(f"{name} validator"), "pem", "::1", 1, "http://x", status, 0)
    return {validator_key(name): msgspec.structs.replace(record, **changes)}


def validator_set(
    voters: tuple[str, ...], outgoing: tuple[str, ...], observers: tuple[str, ...]
) -> dict[bytes, Record]:
    """Return a set to put into the state, as if from genesis on."""
    return {
        VALIDATOR_SET_KEY: ValidatorSet(voters, outgoing, observers),
        past_set_key(0): ValidatorSet(voters, outgoing),
    }


def checkpoints(*recent: Checkpoint) -> dict[bytes, Record]:
    """Return checkpoints to put into the state."""
    return {CHECKPOINTS_KEY: Checkpoints(2, recent)}


def crowd() -> dict[bytes, Record]:
    """Return so many observers that one is too many."""
    names = tuple(f"o{number}" for number in range(VALIDATORS_MAX - 2))
    records = [validator(name, ValidatorStatus.OBSERVER, owner="books") for name in names]
    return {key: record for each in records for key, record in each.items()} | validator_set(
        ("mall", "books"), (), ("books-2", *names)
    )


def order(*, amount_fen: int, refunded_fen: int) -> OrderRecord:
    """Return an order of Ann's."""
    return OrderRecord(bytes(32), ANN, TYPE, 1, 1, 10, amount_fen, refunded_fen)


def test_a_sound_state_passes_every_check() -> None:
    check_all(sound().items())
    check_all([])


def test_the_list_of_checks_is_complete() -> None:
    named = {name for name in vars(invariants) if name.startswith("check_")} - {"check_all"}

    assert {check.__name__ for check in CHECKS} == named
    elsewhere = {"jifen.ledger.draws.checks"}  # they have a test of their own
    here = {check for check in CHECKS if check.__module__ not in elsewhere}
    assert {fault.values[0] for fault in FAULTS} == here, "a check without a fault that shows it to bite"


def evidence(validator: str, *pieces: RecordedEvidence) -> dict[bytes, Record]:
    """Return evidence to put into the state."""
    return {evidence_key(validator): EvidenceAgainst(pieces)}


def holding(available: int, *lots: Lot, owner: bytes = ANN, point_type: str = TYPE, **more: Any) -> dict[bytes, Record]:
    """Return a holding to put into the state."""
    return {holding_key(owner, point_type): Holding(available, lots, **more)}


def position(organization: str, rate: Rate, points: int = 10) -> dict[bytes, Record]:
    """Return points that an organization took in, to put into the state."""
    return {position_key(organization, TYPE, rate_key(rate)): Position(points)}


def tiers(owner: str = "mall", tiers: tuple[Tier, ...] = (SILVER, GOLD), *known: RecognisedTier) -> dict[bytes, Record]:
    """Return an organization's tiers and map to put into the state."""
    orders = 1 if owner == "mall" else 0
    return {tier_book_key(owner): TierBook(TierProgramme(1, tiers), Recognition(1, known), orders)}


def rule_book(point_type: str) -> dict[bytes, Record]:
    """Return a rule that nobody has published to put into the state."""
    kind = next(item for item in scene().point_types if item.id == TYPE)
    rule = msgspec.structs.replace(flat_rule(kind), rounding=Rounding.NEAREST)
    return {rule_book_key(point_type): RuleBook(rule, None, ())}


def standing_order(owner: bytes, done: int = 2) -> dict[bytes, Record]:
    """Return what somebody has asked for at the mall to put into the state."""
    return {standing_order_key(owner, "mall"): StandingOrder(bytes(32), "mall/mug", 100, 2, 99, 7, done)}


def member(tier: str = "gold", owner: bytes = ANN, **changes: Any) -> dict[bytes, Record]:
    """Return what somebody has reached at the mall to put into the state, named by the agenda."""
    record = msgspec.structs.replace(Membership(tier, 5, 2, 60, 90, 40, 70, 100), **changes)
    name = membership_key(owner, "mall")
    return {name: record} | ({agenda_key(record.due, name): ENTRY} if record.due else {})


def waiting(**changes: Any) -> dict[bytes, Record]:
    """Return Bo's points that wait, with changes."""
    return {holding_key(BO, GUIDE): msgspec.structs.replace(WAITING, **changes)}


def unscheduled(**changes: Any) -> dict[bytes, Record]:
    """Return a point type without a version to come, with changes."""
    kind = msgspec.structs.replace(scene().point_types[0], **changes)
    return scheduled() | {point_type_key(TYPE): kind}


CHECK: Final = {check.__name__.removeprefix("check_"): check for check in CHECKS}
conserved, bounded = CHECK["supply_is_conserved"], CHECK["nothing_is_negative_or_overflows"]
summed, owned = CHECK["holdings_are_the_sum_of_their_lots"], CHECK["points_have_an_owner_and_a_type"]
refunded, held = CHECK["no_refund_exceeds_its_order"], CHECK["held_points_are_those_that_records_hold"]
worth = CHECK["positions_are_worth_no_more_than_was_promised"]
agreed = CHECK["the_validator_set_agrees_with_the_validators"]
single, distinct = CHECK["an_organization_has_at_most_one_voter"], CHECK["validators_share_no_key"]
listed, once = CHECK["governance_lists_everybody_and_everything_open"], CHECK["nobody_votes_twice"]
kept, attested = CHECK["no_set_of_voters_is_forgotten"], CHECK["checkpoints_are_attested_once_by_each"]
named, prompt = CHECK["the_agenda_names_what_is_due"], CHECK["nothing_happens_to_a_holding_before_it_is_due"]
fixed, awaited = CHECK["received_points_do_not_slide"], CHECK["waiting_points_are_those_of_their_orders"]
versioned = CHECK["every_version_of_terms_is_kept"]
proven = CHECK["evidence_names_validators_and_is_recorded_once"]
tiered, graced = CHECK["tiers_are_of_a_sound_programme"], CHECK["a_grace_is_given_to_a_tier_within_its_period"]
spent = CHECK["bonuses_are_within_budgets_and_go_to_members"]
ordered = CHECK["standing_orders_are_members_and_counted"]
promised, charged = CHECK["every_version_of_rules_is_kept"], CHECK["budgets_are_what_orders_took"]
returned = CHECK["no_more_is_returned_than_was_bought"]
OBSERVER, VOTER, RETIRED = ValidatorStatus
SET = ("mall", "books"), (), ("books-2",)


def locked(until: int = UNTIL_UNLOCKED, lock: AccountLock | None = None) -> dict[bytes, Record]:
    """Return Ann's account, locked, and a lock of hers."""
    found: dict[bytes, Record] = {account_key(ANN): Account(ANN, key_of("ann"), 7, until)}
    return found | ({lock_key(ANN): lock} if lock else {})


FAULTS: Final = [
    *(pytest.param(check, changes, reason, id=name) for check, changes, reason, name in PLANTED_IN_REWARDS),
    *(pytest.param(check, changes, reason, id=name) for check, changes, reason, name in PLANTED_IN_PAYMENTS),
    *(pytest.param(check, changes, reason, id=name) for check, changes, reason, name in PLANTED_IN_SWAPS),
    pytest.param(fitting, locked(), "does not fit the lock None", id="locked without a lock"),
    pytest.param(
        fitting,
        locked(0, AccountLock(LockReason.LOST, (), 7, UNTIL_UNLOCKED, bytes(32))),
        "does not fit the lock AccountLock",
        id="a lock of nobody locked",
    ),
    pytest.param(
        fitting,
        locked(TEMPORARY_MS + 8, AccountLock(LockReason.LOST, ("mall",), 7, TEMPORARY_MS + 8, bytes(32))),
        "has the lock",
        id="locked too long by one",
    ),
    pytest.param(
        fitting,
        locked(TEMPORARY_MS, AccountLock(LockReason.LOST, ("books", "mall"), 7, TEMPORARY_MS, bytes(32))),
        "has the lock",
        id="the lock of two lapses",
    ),
    pytest.param(
        fitting,
        locked(lock=AccountLock(LockReason.LOST, ("mall", "mall"), 7, UNTIL_UNLOCKED, bytes(32))),
        "by one organization twice",
        id="confirmed by itself",
    ),
    pytest.param(
        fitting,
        {lock_key(key_of("dora")[:20]): AccountLock(LockReason.LOST, (), 7, UNTIL_UNLOCKED, bytes(32))},
        "accounts that are not registered",
        id="a lock of nobody",
    ),
    pytest.param(
        remembering,
        holding(7, Lot(7, LotOrigin.TRANSFERRED, 0, 0, 0, 1)),
        "which no order looks for",
        id="what was received remembers",
    ),
    pytest.param(
        counted, {moved_key(9, key_of("dora")[:20], TYPE): Moved(1, 1)}, "not registered", id="moved by nobody"
    ),
    pytest.param(counted, {moved_key(9, ANN, TYPE): Moved()}, "but there are none", id="nothing was moved"),
    pytest.param(counted, {moved_key(9, ANN, TYPE): Moved(0, 5, 1)}, "passed 5 points on in 0", id="moved in no time"),
    pytest.param(
        conserved, {supply_key(TYPE): Supply(111, 3)}, "I1: mall/consumer has issued 111", id="one too many issued"
    ),
    pytest.param(
        conserved, {supply_key(TYPE): Supply(110, 2)}, "I1: mall/consumer has issued 110", id="one too few burned"
    ),
    pytest.param(conserved, {supply_key(TYPE): None}, "I1: points of types without a supply", id="no supply"),
    pytest.param(conserved, {holding_key(BO, TYPE): None}, "but 100 are held", id="a holding lost"),
    pytest.param(conserved, holding(101, OLD, NEW), "but 108 are held", id="a point from nowhere"),
    pytest.param(
        conserved,
        {holding_key(BO, TYPE): None, **holding(7, Lot(7, LotOrigin.EARNED, 0, 0), point_type="mall/guide")},
        "I1: mall/",
        id="points of one type became another's",
    ),
    pytest.param(conserved, position("books", Rate(1, 0)), "but 117 are held", id="a position from nowhere"),
    pytest.param(conserved, {holding_key(ANN, TYPE): Holding(100, (OLD, NEW), held=1)}, "but 108", id="held twice"),
    pytest.param(held, {holding_key(ANN, TYPE): Holding(100, (OLD, NEW), held=1)}, "records keep 0", id="kept"),
    pytest.param(worth, position("books", Rate(1, 1)), "I7: books holds mall/consumer at", id="worth too much"),
    pytest.param(worth, position("books", Rate(2, 0)), "not in lowest terms", id="two positions at one rate"),
    pytest.param(worth, position("mall", Rate(1, 0)), "I7: mall has a position in its own", id="its own points"),
    pytest.param(worth, position("books", Rate(1, 0), POINTS_MAX + 1), "I2: books", id="a position overflows"),
    pytest.param(bounded, {supply_key(TYPE): Supply(-1, 0)}, "I2: ", id="negative supply"),
    pytest.param(bounded, {supply_key(TYPE): Supply(0, -1)}, "I2: ", id="negative burned"),
    pytest.param(bounded, {supply_key(TYPE): Supply(POINTS_MAX + 1, 0)}, "I2: ", id="supply overflows"),
    pytest.param(bounded, holding(-1), "I2: ", id="negative holding"),
    pytest.param(bounded, holding(POINTS_MAX + 1), "I2: ", id="holding overflows"),
    pytest.param(bounded, holding(0, Lot(0, LotOrigin.EARNED, 0, 0)), "I2: ", id="empty lot"),
    pytest.param(bounded, holding(0, Lot(-5, LotOrigin.EARNED, 0, 0)), "I2: ", id="negative lot"),
    pytest.param(summed, holding(99, OLD, NEW), "should be of ((Lot(points=60", id="less than its lots"),
    pytest.param(summed, holding(100, NEW, OLD), "should be", id="wrong order"),
    pytest.param(summed, holding(120, OLD, OLD), "should be", id="not merged"),
    pytest.param(summed, holding(1), "should be of ((), (), (), ())", id="points without a lot"),
    pytest.param(owned, {account_key(ANN): None}, f"I5: {ANN.hex()} holds points but is not registered", id="stray"),
    pytest.param(owned, {point_type_key(TYPE): None}, "I4: points of unknown type mall/consumer", id="no type"),
    pytest.param(owned, {account_key(BO): Account(ANN, key_of("ann"), 7)}, "holds Account", id="another's account"),
    pytest.param(owned, {account_key(BO): Supply(0, 0)}, "holds Supply", id="no account at all"),
    pytest.param(owned, {point_type_key(TYPE): scene().point_types[1]}, "holds PointType", id="another type"),
    pytest.param(owned, {point_type_key(TYPE): Supply(0, 0)}, "holds Supply", id="no type at all"),
    pytest.param(bounded, {holding_key(BO, TYPE): Holding(0, (), -1)}, "I2: ", id="negative debt"),
    pytest.param(conserved, {supply_key(GUIDE): Supply(30, 4, 4)}, "and lost 4 to expiry, but 23 are", id="expired"),
    pytest.param(bounded, {supply_key(TYPE): Supply(0, 0, -1)}, "I2: ", id="negative expired"),
    pytest.param(bounded, waiting(pending=-1), "I2: ", id="negative pending"),
    pytest.param(summed, waiting(pending=24), "should be of", id="more pending than its lots"),
    pytest.param(summed, waiting(awaiting_lots=(Lot(12, LotOrigin.EARNED, 9, 9),) * 2), "should be", id="twice"),
    pytest.param(summed, holding(0, point_type=GUIDE), "is a record of nothing", id="nothing"),
    pytest.param(named, waiting(due=19), "at 20, it is due at 19", id="due earlier"),
    pytest.param(named, waiting(due=0), "at 20, it is due at None", id="not due"),
    pytest.param(named, {agenda_key(20, holding_key(BO, GUIDE)): None}, "at None, it is due at 20", id="forgotten"),
    pytest.param(named, {agenda_key(21, holding_key(BO, GUIDE)): ENTRY}, "twice", id="named twice"),
    pytest.param(named, {agenda_key(90, point_type_key(TYPE)): None}, "it is due at 90", id="terms forgotten"),
    pytest.param(named, {agenda_key(7, b"hnobody"): ENTRY}, "it is due at None", id="nobody"),
    pytest.param(prompt, waiting(due=41), "due at 41, but something happens at 40", id="activated too late"),
    pytest.param(prompt, waiting(due=71, pending_lots=()), "happens at 70", id="expired too late"),
    pytest.param(prompt, waiting(due=0), "due at 0, but something", id="never due"),
    pytest.param(prompt, holding(0, lapsed=(Lot(3, LotOrigin.EARNED, 1, 2),)), "due at 0", id="never forgotten"),
    pytest.param(
        fixed, holding(100, Lot(100, LotOrigin.TRANSFERRED, 0, 9, 5)), "I9: holding", id="received points slide"
    ),
    pytest.param(awaited, waiting(awaiting_lots=(Lot(13, LotOrigin.EARNED, 30, 70),)), "orders of 12", id="one more"),
    pytest.param(
        awaited,
        {order_key("mall", "A2"): msgspec.structs.replace(WAITING_ORDER, awaiting=False)},
        "orders of 0",
        id="confirmed",
    ),
    pytest.param(versioned, {terms_key(GUIDE, 1): None}, "lacks versions", id="version lost"),
    pytest.param(
        versioned, {terms_key(GUIDE, 2): history(GUIDE, Terms(version=2))}, "lacks versions", id="one too many"
    ),
    pytest.param(
        versioned, {terms_key(GUIDE, 1): history(TYPE, Terms())}, "I10: terms books/guide 1", id="another's hash"
    ),
    pytest.param(
        versioned, {terms_key(GUIDE, 1): history(GUIDE, Terms(version=2))}, "I10: terms", id="another version"
    ),
    pytest.param(
        versioned, unscheduled(terms=Terms(cashable=True), scheduled=Terms(version=2)), "other terms", id="other"
    ),
    pytest.param(
        versioned, {terms_key("x/guide", 1): history("x/guide", Terms())}, "do not exist", id="terms of nothing"
    ),
    pytest.param(
        versioned,
        {
            point_type_key(GUIDE): msgspec.structs.replace(scene().point_types[4], terms=Terms(accepted_by=("books",))),
            terms_key(GUIDE, 1): history(GUIDE, Terms(accepted_by=("books",))),
        },
        "I4: the terms of books/guide contradict",
        id="contradiction",
    ),
    pytest.param(
        refunded, {order_key("mall", "A1"): order(amount_fen=500, refunded_fen=501)}, "I3: order", id="refunded too far"
    ),
    pytest.param(returned, {order_key("mall", "A1"): RETURNED}, "I3: order", id="more returned than bought"),
    pytest.param(agreed, {VALIDATOR_SET_KEY: None}, "and no set of them", id="no set"),
    pytest.param(agreed, validator_set(("mall", "books", "mall"), *SET[1:]), "stands twice", id="voter twice"),
    pytest.param(agreed, validator_set(SET[0], ("mall", "books", "mall"), SET[2]), "twice", id="outgoing twice"),
    pytest.param(agreed, validator_set(*SET[:2], ("books-2",) * 2), "stands twice", id="observer twice"),
    pytest.param(agreed, validator_set(SET[0], (), ("books-2", "books")), "an observer votes", id="observer votes"),
    pytest.param(
        agreed, validator_set(SET[0], ("attic", "books-2"), SET[2]), "an observer votes", id="outgoing observer"
    ),
    pytest.param(agreed, validator_set((), SET[0], SET[2]), "nobody votes", id="no voter"),
    pytest.param(agreed, crowd(), "65 validators; at most 64", id="too many"),
    pytest.param(agreed, validator_set(("mall", "books", "zoo"), *SET[1:]), "has no record", id="no record"),
    pytest.param(agreed, validator_set(("mall", "books"), ("mall", "attic"), SET[2]), "RETIRED", id="retired votes"),
    pytest.param(agreed, validator_set(("mall",), *SET[1:]), "books is VOTER, its place says RETIRED", id="stray vote"),
    pytest.param(agreed, validator_set(*SET[:2], ()), "books-2 is OBSERVER", id="stray observer"),
    pytest.param(agreed, validator("attic", VOTER), "attic is VOTER, its place", id="risen"),
    pytest.param(agreed, validator("books", OBSERVER), "books is OBSERVER, its place", id="degraded"),
    pytest.param(agreed, validator("books", VOTER, id="bookz"), "validator books holds", id="another's record"),
    pytest.param(single, validator("attic", RETIRED, owner="zoo"), "belongs to nobody", id="no owner"),
    pytest.param(single, validator("attic", RETIRED, owner="mall"), "the id of another organization", id="lent id"),
    pytest.param(
        single,
        validator_set(("mall", "books", "books-2"), (), ()) | validator("books-2", VOTER, owner="books"),
        "an organization has two voters",
        id="two votes",
    ),
    pytest.param(
        single,
        validator_set(("mall",), ("books", "books-2"), ()) | validator("books-2", VOTER, owner="books"),
        "an organization has two voters",
        id="two outgoing votes",
    ),
    pytest.param(single, validator("mall", VOTER, key=key_of("x")), "does not know the key", id="another key"),
    pytest.param(
        distinct, validator("books-2", OBSERVER, owner="books", key=key_of("attic validator")), "twice", id="shared key"
    ),
    pytest.param(
        distinct, validator("attic", RETIRED, key=key_of("mall till")), "is used twice", id="an operator's key"
    ),
    pytest.param(attested, checkpoints(CERTIFIED, CERTIFIED), "do not descend", id="a checkpoint twice"),
    pytest.param(attested, checkpoints(Checkpoint(2, (ATTESTED,)), CERTIFIED), "do not descend", id="ascending"),
    pytest.param(attested, checkpoints(Checkpoint(3, (ATTESTED,))), "block 3 is no checkpoint", id="between two"),
    pytest.param(attested, checkpoints(Checkpoint(2, (ATTESTED, ATTESTED))), "is attested by", id="attested twice"),
    pytest.param(attested, checkpoints(Checkpoint(2, ())), "is attested by []", id="attested by nobody"),
    pytest.param(attested, checkpoints(Checkpoint(2, (ATTESTED,), ROOT)), "half certified", id="half certified"),
    pytest.param(
        attested, checkpoints(Checkpoint(2, (ATTESTED,), HASH, HASH, 5)), "that nobody attested", id="another root"
    ),
    pytest.param(proven, evidence("nobody", PIECE), "which is no validator", id="evidence against nobody"),
    pytest.param(proven, evidence("mall", PIECE, PIECE), "stands twice", id="evidence twice"),
    pytest.param(proven, evidence("mall"), "0 pieces", id="no evidence"),
    pytest.param(proven, evidence("mall", *MANY), "33 pieces", id="evidence without end"),
    pytest.param(proven, evidence("mall", PROVES_NOTHING), "agrees with itself", id="evidence of nothing"),
    pytest.param(kept, {past_set_key(0): None}, "has no past", id="a past forgotten"),
    pytest.param(kept, {past_set_key(0): ValidatorSet(("mall",))}, "is not kept as", id="another past"),
    pytest.param(kept, {past_set_key(1): ValidatorSet(("mall",))}, "holds ValidatorSet", id="another height"),
    pytest.param(kept, {VALIDATOR_SET_KEY: None}, "None has no past", id="a past alone"),
    pytest.param(tiered, tiers(tiers=(GOLD, SILVER)), "contradict themselves", id="a lower tier asks for more"),
    pytest.param(tiered, tiers(tiers=(SILVER, SILVER)), "contradict themselves", id="a tier twice"),
    pytest.param(tiered, tiers(tiers=(SILVER,)), "tier gold of mall, which does not exist", id="a tier dropped"),
    pytest.param(tiered, member(owner=key_of("x")[:20]), "is not registered", id="a member without an account"),
    pytest.param(
        tiered,
        tiers("books", (SILVER,), RecognisedTier("mall", "peak", "silver")),
        "of which a tier does not exist",
        id="an unknown tier is recognised",
    ),
    pytest.param(
        tiered,
        tiers("books", (SILVER,), RecognisedTier("mall", "gold", "gold")),
        "of which a tier does not exist",
        id="recognised as an unknown tier",
    ),
    pytest.param(
        tiered,
        tiers("mall", (SILVER, GOLD), RecognisedTier("mall", "gold", "silver")),
        "contradicts itself",
        id="an own tier is recognised",
    ),
    pytest.param(spent, {bonus_book_key("nobody"): BonusBook()}, "does not exist", id="a bonus of nobody"),
    pytest.param(spent, {bonus_book_key("mall"): BonusBook(BonusPolicy(1, budget=9), 10)}, "I4", id="budget overshot"),
    pytest.param(spent, {bonus_book_key("mall"): BonusBook(BonusPolicy(1, 9))}, "I4", id="a policy against itself"),
    pytest.param(
        spent,
        {bonus_mark_key("mall", b"\4x"): BonusMark(bytes(32), key_of("x")[:20], 1)},
        "I3: a bonus went to",
        id="a bonus for somebody unknown",
    ),
    pytest.param(promised, rule_book("mall/store"), "which does not exist", id="rules of points that do not exist"),
    pytest.param(promised, rule_book(TYPE), "a rule that its history lacks", id="a rule that was never published"),
    pytest.param(
        charged, {rule_budget_key(TYPE, 9): Budget(1)}, "campaigns that do not exist", id="a budget of no rule"
    ),
    pytest.param(ordered, standing_order(key_of("x")[:20]), "is not registered", id="an order of nobody"),
    pytest.param(ordered, standing_order(ANN, done=3), "carried out too often", id="an order carried out too often"),
    pytest.param(ordered, {standing_order_key(ANN, "mall"): None}, "counted are", id="an order forgotten"),
    pytest.param(ordered, standing_order(BO), "counted are", id="an order not counted"),
    pytest.param(graced, member(grace_until=91), "a grace that cannot be", id="a grace beyond the period"),
    pytest.param(graced, member(tier=""), "a grace that cannot be", id="a grace without a tier"),
    pytest.param(graced, member(grace_until=0), "a grace that cannot be", id="judged without a grace"),
    pytest.param(
        graced, member("", judged=0, grace_until=0, points=-1), "owes points but no tier", id="owes for nothing"
    ),
    pytest.param(
        named, {membership_key(ANN, "mall"): Membership("gold", 5, 2, 60, 90)}, "it is due at 90", id="judged too early"
    ),
    pytest.param(listed, {GOVERNANCE_KEY: None}, "nothing that says how they are decided", id="no governance"),
    pytest.param(listed, governance(organizations=("mall", "books", "attic")), "there are ['attic'", id="forgotten"),
    pytest.param(listed, governance(validators=("mall", "books", "attic", "cafe")), "'books-2'", id="key forgotten"),
    pytest.param(listed, governance(proposals=3), "2 proposals, 3 were counted", id="a number too far"),
    pytest.param(listed, governance(open=()), "listed as open []", id="nobody finds it to vote on"),
    pytest.param(
        listed, governance(open=(OpenProposal(key_of("2"), 2, "mall", 11),)), "listed as open", id="another deadline"
    ),
    pytest.param(listed, proposal(2, ProposalStatus.ACCEPTED, decided_at=9), "listed as open", id="still listed"),
    pytest.param(listed, proposal(2, ProposalStatus.OPEN, number=3), "proposal 67", id="another number"),
    pytest.param(once, proposal(2, ProposalStatus.OPEN, votes=(Vote("mall", True, 3),) * 2), "twice", id="votes twice"),
    pytest.param(once, proposal(2, ProposalStatus.OPEN, votes=()), "does not approve first", id="no vote"),
    pytest.param(
        once, proposal(2, ProposalStatus.OPEN, votes=(Vote("mall", False, 3),)), "not approve first", id="against own"
    ),
    pytest.param(
        once, proposal(2, ProposalStatus.OPEN, organization="books"), "not approve first", id="another's proposal"
    ),
    pytest.param(once, proposal(1, ProposalStatus.REFUSED), "is REFUSED and ended", id="ended at no height"),
    pytest.param(once, proposal(2, ProposalStatus.OPEN, decided_at=9), "is OPEN and ended", id="ended and open"),
]


@pytest.mark.parametrize(("check", "changes", "reason"), FAULTS)
def test_a_planted_fault_is_found(check: Any, changes: dict[bytes, Record | None], reason: str) -> None:
    planted = sound() | changes
    items = [(key, record) for key, record in planted.items() if record is not None]

    with pytest.raises(InvariantBroken) as caught:
        check(items)
    assert reason in str(caught.value)
    with pytest.raises(InvariantBroken):
        check_all(items)


@pytest.mark.parametrize(
    ("key", "check"),
    [(holding_key(ANN, TYPE), conserved), (holding_key(ANN, TYPE), summed), (supply_key(TYPE), conserved)],
)
def test_a_record_of_another_kind_is_found(key: bytes, check: Any) -> None:
    wrong = sound() | {key: order(amount_fen=0, refunded_fen=0)}

    with pytest.raises(AssertionError):
        check(wrong.items())


def test_a_broken_invariant_is_an_assertion_that_failed() -> None:
    assert issubclass(InvariantBroken, AssertionError)
