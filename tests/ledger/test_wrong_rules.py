"""A wrong rule in the real ledger shows against the naive twin.

Each mistake is looked for by the family of transactions that it lies in, alone: all families together would meet it too
seldom for a test (`tests/ledger/test_ledger_against_the_naive_twin.py` drives them together, for long).
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from jifen.ledger import agenda, apply
from jifen.ledger.bonuses import granting as bonuses
from jifen.ledger.cashback import cashing
from jifen.ledger.context import BlockContext
from jifen.ledger.draws import drawing, entering, settling
from jifen.ledger.governance import deciding as governing
from jifen.ledger.governance import validators
from jifen.ledger.governance.proposals import Governance
from jifen.ledger.locks import locking, pausing
from jifen.ledger.locks.records import LockReason, is_locked
from jifen.ledger.payments import giving_back, paying, plan
from jifen.ledger.payments import holding as payment_holds
from jifen.ledger.points import (
    crediting,
    earning,
    expiring,
    held,
    holdings,
    items_returned,
    limits,
    lots,
    moving,
    refunding,
)
from jifen.ledger.rejections import Rejection
from jifen.ledger.rewards import auto_redeeming, redeeming
from jifen.ledger.rules import policies, reckoning, tallies
from jifen.ledger.rules.book import Get
from jifen.ledger.rules.reckoning import Ratio, place_of
from jifen.ledger.rules.records import EarningRule, OrderLine
from jifen.ledger.state import StateReader, WorkingState
from jifen.ledger.swaps import swapping
from jifen.ledger.terms.records import Terms, expiry_of
from jifen.ledger.tiers import qualifying
from jifen.ledger.tiers.records import TierBook
from jifen.ledger.transactions import Transaction, TransferPoints
from jifen.ledger.types import Credit, Holding, Lot, OrderRecord, Organization, PublicKey, Record
from jifen.testing.naive.scene import DAY_MS
from jifen.testing.twin.auto import AutoRules
from jifen.testing.twin.backlogs import LateLocks
from jifen.testing.twin.bonuses import BonusRules
from jifen.testing.twin.everything import LedgerMachine
from jifen.testing.twin.locks import LockRules
from jifen.testing.twin.machine import TwinMachine
from jifen.testing.twin.paid_lines import PaidLineRules
from jifen.testing.twin.payments import PaymentRules
from jifen.testing.twin.points import PointRules
from jifen.testing.twin.prize_draws import DrawRules
from jifen.testing.twin.rewards import RewardRules
from jifen.testing.twin.rules import RuleRules
from jifen.testing.twin.swaps import SwapRules
from jifen.testing.twin.terms import TermRules
from jifen.testing.twin.tiers import TierRules
from jifen.testing.twin.validators import ValidatorRules

RUNS_MAX: Final = 1000
"""Runs in which a mistake must show; most show in the first ten, the shyest in under a hundred."""


class Wrong(NamedTuple):
    """A mistake in a rule."""

    what: str
    family: type[TwinMachine]
    """Whose transactions meet it."""
    where: object
    name: str
    instead: Any


class TermAndTierRules(TermRules, TierRules, AutoRules):
    """What happens to points by themselves."""


class SwapsAndLocks(SwapRules, LockRules):
    """Points that move from account to account, and accounts that must not."""

    def furnish(self) -> None:
        """Ann's account is locked while an offer of hers is open."""
        super().furnish()
        self.begin(1)
        self.purchase("mall/consumer", 395, "ann", 500)
        self.offer_properly([(bytes(8), "ann", ("mall/consumer", "books/store"), 12, 12, DAY_MS, 1)])
        self.lock_properly(bytes(8), "ann", LockReason.LOST, ("mall",))
        self.end()


def yes(*_: Any, **__: Any) -> bool:
    """Allow everything."""
    return True


def no(*_: Any, **__: Any) -> bool:
    """See nothing."""
    return False


def nothing(*_: Any, **__: Any) -> None:
    """Leave something out."""


def zero(*_: Any, **__: Any) -> int:
    """Count nothing."""
    return 0


def newest_first(holding: Holding, points: int) -> tuple[Holding, list[Lot]]:
    """Take lots from the wrong end."""
    rest, taken = lots.take_lots(Holding(holding.available, holding.lots[::-1]), points)
    return Holding(rest.available, rest.lots[::-1]), taken


def rounded_up(point_type: Any, amount_fen: int) -> int:
    """Earn a point more than is due whenever the amount does not divide."""
    return -(-amount_fen * int(point_type.earn_points) // int(point_type.earn_fen))


def redeemed_first(
    state: WorkingState, book: TierBook, organization: str, account: bytes, points: int, context: BlockContext
) -> Any:
    """Carry out a standing order before the tier is looked at."""
    redeemed = auto_redeeming.follow_up(state, book, organization, account, 0, context)
    return (*redeemed, *qualifying.qualify(state, organization, account, points, context))


def lines_forgotten(_get: Get, order: OrderRecord, _items: Iterable[OrderLine], refunded_fen: int) -> OrderRecord:
    """Leave out which lines a refund names."""
    return msgspec.structs.replace(order, refunded_fen=refunded_fen)


def last_place(rule: EarningRule, line: OrderLine) -> int:
    """Prefer the item rule that stands last."""
    turned = msgspec.structs.replace(rule, items=rule.items[::-1])
    place = place_of(turned, line)
    return place if place < 0 else len(rule.items) - 1 - place


def payment_forgotten(credit: Credit, place: int, earning_fen: int, shared: Ratio) -> Ratio:
    """Take a line off what has earned as if no points had paid for it."""
    return left_of_part(msgspec.structs.replace(credit, paid=()), place, earning_fen, shared)


left_of_part: Final = reckoning._left


def last_signer(issuer: Organization, transaction: Transaction, scopes: int) -> PublicKey | None:
    """Return the last signer who may."""
    may = [key for key in transaction.signers if issuer.scopes_of(key) & scopes]
    return may[-1] if may else None


def half_restored(self: WorkingState, replaced: dict[bytes, Record | None]) -> None:
    """Undo a block's writes, but leave what it created."""
    self._records.update({key: record for key, record in replaced.items() if record is not None})


def half_ranged(self: WorkingState, start: bytes, stop: bytes, limit: int) -> list[tuple[bytes, Record]]:
    """Give what the disk has, whatever the blocks above it did."""
    return self._base.range(start, stop, limit)


def a_day_late(terms: Terms, earned_at: int) -> int:
    """Let points live a day too long."""
    end = expiry_of(terms, earned_at)
    return end and end + DAY_MS


def without_repaying(holding: Holding, ready: tuple[Lot, ...]) -> expiring.Activation:
    """Make points available and leave the debt as it is."""
    points = sum(lot.points for lot in ready)
    return expiring.Activation(lots.add_lots(holding, ready), points, 0)


def oldest_first(lot: Lot) -> tuple[int, int, int, int]:
    """Put lots in order of age."""
    return (lot.available_from, lot.expires_at, lot.origin, lot.renewal_days)


def of_any_origin(state: Any, account: bytes, point_type: str, points: int, _origin: Any, time: int) -> tuple[Lot, ...]:
    """Set points aside wherever they came from."""
    return held.hold_points(state, account, point_type, points, time)


def next_one(bound: int, words: Any, bits: int = drawing.WORD_BITS, right: Any = drawing.below) -> int:
    """Draw the place after the one that was drawn."""
    return int((right(bound, words, bits) + 1) % bound)


def any_part(body: Any, found: Any, _give: Any, _want: Any) -> Rejection | int:
    """Take whatever is offered for a part, as long as there is that much."""
    if body.points > found.left:
        return Rejection.PART_TOO_LARGE
    return int(body.points * found.value_fen // found.give_points)


def one_more(known: Any, most_fen: int, right: Any = plan._as_many_as_possible) -> int:
    """Pay with a step more than fits."""
    points = right(known, most_fen)
    step = known.record.acceptance.step_points
    return int(points + step if points and points + step <= known.holding.available else points)


def higher_bracket(rule: Any, start: int, amount_fen: int, right: Any = reckoning.bracket_steps) -> Any:
    """Count a fen more than was spent before."""
    return right(rule, start + 1, amount_fen)


def uncapped(_rule: Any, factor: Any) -> Any:
    """Leave out the cap of all factors together."""
    return factor


def unlimited(*_: Any) -> Any:
    """Look at no budget."""
    return tallies.UNLIMITED


def rounded_half_up(rule: Any, value: Any, factor: Any) -> int:
    """Round to the nearest whatever the rule says."""
    top, bottom = value[0] * factor[0], value[1] * factor[1]
    return int(min((2 * top + bottom) // (2 * bottom), rule.order_cap))


def without_spending(
    state: Any, leg: Any, _fen: int, points: int, campaigns: Any, time: int, right: Any = tallies.give_back
) -> None:
    """Give points back to the member's cap, but not what was spent to the brackets."""
    right(state, leg, 0, points, campaigns, time)


def a_tier_early(programme: Any, points: int, right: Any = qualifying.reached_by) -> int:
    """Reach a tier a point too soon."""
    return int(right(programme, points + 1))


def transfer_by_time(state: StateReader, body: TransferPoints, item: Transaction, context: BlockContext) -> Any:
    """Ask whether a sender is locked by the time alone, not whether the agenda has got to the lock."""
    with patch.object(moving, "points_wait", lambda account: is_locked(account, context.time)):
        return moving.check_transfer(state, body, item, context)


TRANSFERS_BY_TIME: Final = apply.RULES | {TransferPoints: apply.rule(transfer_by_time, moving.transfer)}

WRONG: Final = [
    # What every family stands on.
    Wrong("created records survive a rollback", PointRules, WorkingState, "_restore", half_restored),
    Wrong("ranges forget what is not on disk", PointRules, WorkingState, "range", half_ranged),
    Wrong("eviction takes all", PointRules, WorkingState, "_evict", lambda self, excess: self._records.clear()),
    Wrong("marks are kept for ever", PointRules, agenda, "MARKS_MAX", 0),
    Wrong("transactions live for two days", PointRules, apply, "TRANSACTION_LIFETIME_MS_MAX", 2 * DAY_MS),
    # Points and their time.
    Wrong("newest lots are spent first", PointRules, moving, "take_lots", newest_first),
    Wrong("points are rounded up", PointRules, earning, "points_for", rounded_up),
    Wrong("the oldest points are spent first, whatever expires", TermRules, lots, "lot_order", oldest_first),
    Wrong("points expire a day late", TermRules, earning, "expiry_of", a_day_late),
    Wrong("activated points repay no debt", TermRules, expiring, "activate", without_repaying),
    Wrong("nothing is announced a day before", TermRules, expiring, "ANNOUNCED_DAYS", (30, 7)),
    Wrong("what lapsed is forgotten at once", TermRules, expiring, "LAPSED_KEPT_MS", 0),
    Wrong("no holding stands in the agenda", TermRules, holdings, "schedule", nothing),
    # Governance.
    Wrong("a threshold is rounded down", ValidatorRules, Governance, "needed", lambda _, asked: asked * 2 // 3),
    Wrong("nobody retires", ValidatorRules, validators, "put_status", nothing),
    Wrong("two changes of voters at once", ValidatorRules, governing, "is_changing", no),
    # Earning rules.
    Wrong("a bracket begins a fen early", RuleRules, crediting, "bracket_steps", higher_bracket),
    Wrong("every rule rounds to the nearest", RuleRules, reckoning, "rounded", rounded_half_up),
    Wrong("factors have no cap", RuleRules, reckoning, "_capped", uncapped),
    Wrong("no budget is charged", RuleRules, crediting, "budget_of", unlimited),
    Wrong("no campaign is charged", RuleRules, crediting, "campaign_budget_of", unlimited),
    Wrong("campaigns hold everywhere", RuleRules, crediting, "reaches", yes),
    Wrong("a refund leaves the counters as they are", RuleRules, refunding, "give_back", nothing),
    Wrong("a refund leaves what was spent", RuleRules, refunding, "give_back", without_spending),
    Wrong("nobody's counters are kept", RuleRules, crediting, "put_tally", nothing),
    Wrong("any rule is tight enough", RuleRules, policies, "is_tighter", yes),
    Wrong("any campaign is small enough", RuleRules, policies, "is_smaller", yes),
    Wrong("lines share a refund that names some", RuleRules, refunding, "without", lines_forgotten),
    Wrong("a refund may name more than it gives back", RuleRules, refunding, "has_room_for_items", yes),
    Wrong("a line comes back as the last item rule that fits", RuleRules, items_returned, "place_of", last_place),
    Wrong("what points paid of a line has earned", PaidLineRules, reckoning, "_left", payment_forgotten),
    Wrong("what points paid earns", PaymentRules, earning, "paid_fen", zero),
    # Tiers, bonuses.
    Wrong("a tier is reached a point early", TierRules, qualifying, "reached_by", a_tier_early),
    Wrong("a period never ends", TierRules, qualifying, "caught_up", lambda member, _: (member, ())),
    Wrong("what is redeemed by itself comes before the tier", TermAndTierRules, earning, "follow_up", redeemed_first),
    Wrong("the last signer is the clerk", BonusRules, bonuses, "clerk_of", last_signer),
    Wrong("a clerk's day never ends", BonusRules, bonuses, "local_day", lambda *_: 7),
    # Rewards and cash back.
    Wrong("a member redeems as often as it likes", RewardRules, redeeming, "may_have_another", yes),
    Wrong("nobody counts a member's redemptions", RewardRules, redeeming, "_count", nothing),
    Wrong("points vanish when a reward is handed over", RewardRules, redeeming, "take_in", nothing),
    Wrong("no cap of cash back counts", RewardRules, cashing, "used_points", zero),
    Wrong("received points are held for cash", RewardRules, cashing, "hold_points_of_origin", of_any_origin),
    # Payments.
    Wrong("nothing counts against the cap of the day", PaymentRules, paying, "count_taken", nothing),
    Wrong("a step more is paid than fits", PaymentRules, plan, "_as_many_as_possible", one_more),
    Wrong("a hold keeps its part of the day's cap", PaymentRules, payment_holds, "count_released", nothing),
    Wrong("points given back stay in the position", PaymentRules, giving_back, "give_out", nothing),
    Wrong("points are taken that their issuer has withdrawn", PaymentRules, plan, "against_taking", nothing),
    # Draws.
    Wrong("insiders enter", DrawRules, entering, "is_insider", no),
    Wrong("another entry wins", DrawRules, drawing, "below", next_one),
    Wrong("nobody is said to have withheld a secret", DrawRules, settling, "withheld_in", lambda _: ()),
    Wrong("the points of a draw vanish", DrawRules, settling, "_take_in_all", nothing),
    # Swaps, limits, locks.
    Wrong("a part costs what one likes", SwapRules, swapping, "_check_part", any_part),
    Wrong("a swap may leave its corridor", SwapRules, swapping, "is_in_corridor", yes),
    Wrong("no swap counts against a limit", SwapsAndLocks, swapping, "count_movement", nothing),
    Wrong("no transfer counts against a limit", LockRules, moving, "count_movement", nothing),
    Wrong("a limit's day never ends", LockRules, limits, "day_end", lambda *_: 2**40),
    Wrong("a locked account pays", LockRules, moving, "points_wait", no),
    Wrong("offers stand while their maker is locked", SwapsAndLocks, locking, "close_all", lambda *_: ()),
    # What is due and has not been worked off.
    Wrong("a lapsed lock holds nothing back", LateLocks, apply, "RULES", TRANSFERS_BY_TIME),
    Wrong("points grow old while their account is locked", LockRules, pausing, "moved_by", zero),
]


@pytest.mark.parametrize("mistake", WRONG, ids=[item.what for item in WRONG])
def test_the_comparison_finds_a_wrong_rule(mistake: Wrong) -> None:
    assert issubclass(LedgerMachine, PointRules), "every table of records is known once all families are"
    few = settings(
        max_examples=RUNS_MAX,
        stateful_step_count=60,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )

    with patch.object(mistake.where, mistake.name, mistake.instead), pytest.raises(AssertionError):
        run_state_machine_as_test(mistake.family, settings=few)
