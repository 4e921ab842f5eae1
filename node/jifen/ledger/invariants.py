"""The ledger's invariants as named checks, over any complete view of the state.

Tests and `jifen verify` run them. Each raises InvariantBroken with the values that do not fit.
"""

from jifen.ledger.bonuses.checks import (
    check_bonuses_are_within_budgets_and_go_to_members,
    check_standing_orders_are_members_and_counted,
)
from jifen.ledger.checking import Items, holdings_of, positions_of, require
from jifen.ledger.checkpoints.checks import check_checkpoints_are_attested_once_by_each
from jifen.ledger.draws.checks import (
    check_draws_keep_what_they_promised,
    check_entries_are_counted_and_chained,
    check_winners_are_those_that_anybody_computes,
)
from jifen.ledger.evidence.checks import check_evidence_names_validators_and_is_recorded_once
from jifen.ledger.governance.checks import (
    check_an_organization_has_at_most_one_voter,
    check_governance_lists_everybody_and_everything_open,
    check_no_set_of_voters_is_forgotten,
    check_nobody_votes_twice,
    check_the_validator_set_agrees_with_the_validators,
    check_validators_share_no_key,
)
from jifen.ledger.locks.checks import (
    check_locked_accounts_are_those_with_a_lock,
    check_only_what_was_earned_remembers_its_pauses,
    check_what_was_moved_is_counted_for_somebody,
)
from jifen.ledger.opened.checks import check_no_more_is_counted_as_open_than_there_is
from jifen.ledger.payments.checks import (
    check_acceptances_are_kept_and_count_their_day,
    check_holds_keep_what_they_promise,
    check_payment_policies_stand_once_in_order,
    check_payments_are_exact_and_give_back_what_was_refunded,
    check_positions_are_what_payments_brought,
)
from jifen.ledger.points.held import HELD_IN
from jifen.ledger.points.lots import merged, points_of
from jifen.ledger.points.positions import is_within_settlement_price, reduced
from jifen.ledger.rewards.checks import (
    check_cash_backs_hold_earned_points_and_count_against_caps,
    check_redemptions_hold_their_price_until_they_are_over,
    check_rewards_are_what_their_redemptions_and_codes_say,
)
from jifen.ledger.rules.checks import (
    check_budgets_are_what_orders_took,
    check_every_version_of_rules_is_kept,
    check_no_more_is_returned_than_was_bought,
)
from jifen.ledger.state import ACCOUNT, POINT_TYPE, SUPPLY, TERMS
from jifen.ledger.swaps.checks import (
    check_members_offers_are_listed,
    check_offers_hold_what_is_left_of_them,
    check_the_board_shows_what_is_open,
)
from jifen.ledger.terms.checks import (
    check_every_version_of_terms_is_kept,
    check_nothing_happens_to_a_holding_before_it_is_due,
    check_received_points_do_not_slide,
    check_the_agenda_names_what_is_due,
    check_waiting_points_are_those_of_their_orders,
)
from jifen.ledger.terms.records import PointType, Terms, TermsRecord
from jifen.ledger.tiers.checks import (
    check_a_grace_is_given_to_a_tier_within_its_period,
    check_tiers_are_of_a_sound_programme,
)
from jifen.ledger.types import POINTS_MAX, Account, Holding, OrderRecord, Supply


def check_supply_is_conserved(items: Items) -> None:
    """I1: of every point type, issued less burned and expired is the sum of all holdings, pending and held points
    included, and of all positions."""
    known = list(items)
    held: dict[str, int] = {}
    for _, point_type, holding in holdings_of(known):
        held[point_type] = held.get(point_type, 0) + holding.available + holding.pending + holding.held
    for _, point_type, _, position in positions_of(known):
        held[point_type] = held.get(point_type, 0) + position.points
    for key, record in known:
        if key[:1] == SUPPLY:
            assert isinstance(record, Supply)
            name = key[1:].decode()
            total = held.pop(name, 0)
            require(
                record.outstanding == total,
                f"I1: {name} has issued {record.issued}, burned {record.burned} and lost {record.expired} to expiry, "
                f"but {total} are held",
            )
    require(not held, f"I1: points of types without a supply are held: {held}")


def check_nothing_is_negative_or_overflows(items: Items) -> None:
    """I2: every quantity lies in 0..POINTS_MAX, lots hold at least one point."""
    for key, record in items:
        numbers: list[int] = []
        if isinstance(record, Supply):
            numbers = [record.issued, record.burned, record.expired]
        elif isinstance(record, Holding):
            lots = (*record.lots, *record.pending_lots, *record.awaiting_lots, *record.lapsed)
            numbers = [record.available, record.pending, record.debt, record.held, *(lot.points - 1 for lot in lots)]
        require(all(0 <= number <= POINTS_MAX for number in numbers), f"I2: {key.hex()} holds {record}")


def check_holdings_are_the_sum_of_their_lots(items: Items) -> None:
    """A holding's points are the sum of its lots, which are merged and in spending order."""
    for account, point_type, holding in holdings_of(items):
        found = (holding.lots, holding.pending_lots, holding.awaiting_lots, holding.lapsed)
        lots, pending, awaiting, lapsed = expected = tuple(merged((), each) for each in found)
        right = found == expected and (holding.available, holding.pending) == (
            points_of(lots),
            points_of(pending) + points_of(awaiting),
        )
        require(right, f"holding {account.hex()} {point_type}: {holding}, should be of {expected}")
        something = holding.available or holding.pending or holding.debt or lapsed or holding.held
        require(bool(something), f"holding {account.hex()} {point_type} is a record of nothing")


def check_points_have_an_owner_and_a_type(items: Items) -> None:
    """I4, I5: points belong to registered accounts and are of types that an organization issues."""
    known = list(items)
    accounts = {key[1:]: record for key, record in known if key[:1] == ACCOUNT}
    types = {key[1:].decode(): record for key, record in known if key[:1] == POINT_TYPE}
    for account, record in accounts.items():
        require(isinstance(record, Account) and record.id == account, f"account {account.hex()} holds {record}")
    for name, kind in types.items():
        require(isinstance(kind, PointType) and kind.id == name, f"point type {name} holds {kind}")
    for account, point_type, _ in holdings_of(known):
        require(account in accounts, f"I5: {account.hex()} holds points but is not registered")
        require(point_type in types, f"I4: points of unknown type {point_type} are held")


def check_held_points_are_those_that_records_hold(items: Items) -> None:
    """Of every holding, `held` is what holds, offers, entries and requests together keep of it."""
    known = list(items)
    kept: dict[tuple[bytes, str], int] = {}
    for key, record in known:
        holds = HELD_IN.get(key[:1])
        for account, point_type, points in holds(record) if holds else ():
            kept[account, point_type] = kept.get((account, point_type), 0) + points
    for account, point_type, holding in holdings_of(known):
        there = kept.pop((account, point_type), 0)
        require(there == holding.held, f"{account.hex()} {point_type} has {holding.held} held, records keep {there}")
    require(not any(kept.values()), f"records keep points of holdings that do not exist: {kept}")


def check_positions_are_worth_no_more_than_was_promised(items: Items) -> None:
    """I7: no position is at a rate above every settlement price of its issuer, and nobody has one in its own points."""
    known = list(items)
    published: dict[str, list[Terms]] = {}
    for key, record in known:
        if key[:1] == TERMS:
            assert isinstance(record, TermsRecord)
            published.setdefault(key[1:-5].decode(), []).append(record.terms)
    for holder, point_type, rate, position in positions_of(known):
        promised = any(is_within_settlement_price(rate, terms) for terms in published.get(point_type, ()))
        require(promised, f"I7: {holder} holds {point_type} at {rate}, which no published settlement price covers")
        require(reduced(rate) == rate, f"I7: {holder} holds {point_type} at {rate}, which is not in lowest terms")
        require(point_type.split("/")[0] != holder, f"I7: {holder} has a position in its own {point_type}")
        require(0 < position.points <= POINTS_MAX, f"I2: {holder} has a position of {position} in {point_type}")


def check_no_refund_exceeds_its_order(items: Items) -> None:
    """I3: of no order is more refunded than it came to."""
    for key, record in items:
        if isinstance(record, OrderRecord):
            require(0 <= record.refunded_fen <= record.amount_fen, f"I3: order {key.hex()} holds {record}")


CHECKS = (
    check_supply_is_conserved,
    check_nothing_is_negative_or_overflows,
    check_holdings_are_the_sum_of_their_lots,
    check_points_have_an_owner_and_a_type,
    check_no_refund_exceeds_its_order,
    check_held_points_are_those_that_records_hold,
    check_positions_are_worth_no_more_than_was_promised,
    check_the_validator_set_agrees_with_the_validators,
    check_an_organization_has_at_most_one_voter,
    check_validators_share_no_key,
    check_governance_lists_everybody_and_everything_open,
    check_nobody_votes_twice,
    check_no_set_of_voters_is_forgotten,
    check_checkpoints_are_attested_once_by_each,
    check_the_agenda_names_what_is_due,
    check_nothing_happens_to_a_holding_before_it_is_due,
    check_received_points_do_not_slide,
    check_waiting_points_are_those_of_their_orders,
    check_every_version_of_terms_is_kept,
    check_evidence_names_validators_and_is_recorded_once,
    check_tiers_are_of_a_sound_programme,
    check_a_grace_is_given_to_a_tier_within_its_period,
    check_locked_accounts_are_those_with_a_lock,
    check_only_what_was_earned_remembers_its_pauses,
    check_what_was_moved_is_counted_for_somebody,
    check_bonuses_are_within_budgets_and_go_to_members,
    check_rewards_are_what_their_redemptions_and_codes_say,
    check_redemptions_hold_their_price_until_they_are_over,
    check_cash_backs_hold_earned_points_and_count_against_caps,
    check_every_version_of_rules_is_kept,
    check_budgets_are_what_orders_took,
    check_no_more_is_returned_than_was_bought,
    check_draws_keep_what_they_promised,
    check_entries_are_counted_and_chained,
    check_winners_are_those_that_anybody_computes,
    check_acceptances_are_kept_and_count_their_day,
    check_payment_policies_stand_once_in_order,
    check_payments_are_exact_and_give_back_what_was_refunded,
    check_holds_keep_what_they_promise,
    check_positions_are_what_payments_brought,
    check_standing_orders_are_members_and_counted,
    check_offers_hold_what_is_left_of_them,
    check_the_board_shows_what_is_open,
    check_members_offers_are_listed,
    check_no_more_is_counted_as_open_than_there_is,
)
"""All of them."""


def check_all(items: Items) -> None:
    """Run every check; raises InvariantBroken at the first that fails."""
    known = list(items)
    for check in CHECKS:
        check(known)
