"""Terms: what their versions say of points, and from when they hold."""

from datetime import UTC, datetime
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.ledger.rejections import Rejection
from jifen.ledger.state import agenda_key, point_type_key, supply_key, terms_key
from jifen.ledger.terms.bodies import CreatePointType, PublishTerms
from jifen.ledger.terms.effects import TermsInForce, TermsPublished
from jifen.ledger.terms.publishing import contradicts_itself, is_covered
from jifen.ledger.terms.records import (
    NOTICE_MS_MAX,
    AvailableAfterDays,
    AvailableOnConfirmation,
    CalendarExpiry,
    CreditLine,
    Deposit,
    Expiry,
    NeverExpires,
    PointType,
    RollingExpiry,
    SlidingExpiry,
    Terms,
    TermsRecord,
    Unbacked,
    availability_of,
    expiry_of,
    renewal_days_of,
    terms_hash,
    terms_in_force,
)
from jifen.ledger.types import TIME_MAX, RoleClass
from jifen.testing.naive.scene import DAY_MS, START, key_of
from jifen.testing.naive.terms import dates_of
from jifen.testing.scenes.point_stage import PointStage
from jifen.testing.strategies import values_of

TYPE: Final = "mall/consumer"
BEIJING: Final = 480


def at(text: str) -> int:
    """Return a time given in UTC as ms."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


@pytest.mark.parametrize(
    ("expiry", "offset", "earned", "expires"),
    [
        (RollingExpiry(1), 0, "2026-03-01T00:00:00", "2026-03-03T00:00:00"),
        (RollingExpiry(30), 0, "2026-02-01T23:59:59", "2026-03-04T00:00:00"),
        (RollingExpiry(1), BEIJING, "2026-03-01T15:59:59", "2026-03-02T16:00:00"),
        (RollingExpiry(1), BEIJING, "2026-03-01T16:00:00", "2026-03-03T16:00:00"),
        (SlidingExpiry(365), 0, "2026-03-01T12:00:00", "2027-03-02T00:00:00"),
        (CalendarExpiry(12, 31, 0), 0, "2026-12-31T23:59:59", "2027-01-01T00:00:00"),
        (CalendarExpiry(12, 31, 0), 0, "2027-01-01T00:00:00", "2028-01-01T00:00:00"),
        (CalendarExpiry(12, 31, 1), 0, "2026-06-15T00:00:00", "2028-01-01T00:00:00"),
        (CalendarExpiry(12, 31, 0), BEIJING, "2026-12-31T16:00:00", "2027-12-31T16:00:00"),
        (CalendarExpiry(2, 29, 0), 0, "2026-03-01T00:00:00", "2027-03-01T00:00:00"),
        (CalendarExpiry(2, 29, 1), 0, "2026-03-01T00:00:00", "2028-03-01T00:00:00"),
        (CalendarExpiry(0, 31, 0), 0, "2026-04-30T12:00:00", "2026-05-01T00:00:00"),
        (CalendarExpiry(0, 31, 1), 0, "2026-01-31T12:00:00", "2026-03-01T00:00:00"),
        (CalendarExpiry(0, 15, 12), 0, "2026-01-16T00:00:00", "2027-02-16T00:00:00"),
    ],
)
def test_points_expire_at_the_end_of_the_issuers_day(expiry: Expiry, offset: int, earned: str, expires: str) -> None:
    terms = Terms(expiry=expiry, utc_offset_minutes=offset)

    assert expiry_of(terms, at(earned)) == at(expires)


@given(values_of(Terms), st.integers(at("1990-01-01"), at("2100-01-01")))
def test_the_dates_of_points_are_those_of_the_calendar(terms: Terms, time: int) -> None:
    expiry = terms.expiry
    if isinstance(expiry, CalendarExpiry):  # the naive walk goes day by day
        terms = msgspec.structs.replace(terms, expiry=CalendarExpiry(expiry.month, expiry.day, expiry.periods % 4))

    found = (availability_of(terms, time), expiry_of(terms, time), renewal_days_of(terms))

    assert found == dates_of(terms, time)


@given(values_of(Terms), st.integers(0, TIME_MAX))
def test_no_time_makes_a_date_that_no_record_can_hold(terms: Terms, time: int) -> None:
    expires_at = expiry_of(terms, time)

    assert 0 <= expires_at <= TIME_MAX
    assert 0 <= availability_of(terms, time) <= TIME_MAX
    assert (expires_at == 0) == isinstance(terms.expiry, NeverExpires)


@given(values_of(Terms), values_of(Terms))
def test_a_hash_names_point_type_and_terms(one: Terms, other: Terms) -> None:
    assert (terms_hash("a/guide", one) == terms_hash("a/guide", other)) == (one == other)
    assert terms_hash("a/guide", one) != terms_hash("b/guide", one)


def test_terms_that_wait_no_longer_than_they_live_are_sound() -> None:
    for expiry in (RollingExpiry(8), SlidingExpiry(8), CalendarExpiry(0, 31, 1), CalendarExpiry(12, 31, 1)):
        assert not contradicts_itself(Terms(pending=AvailableAfterDays(7), expiry=expiry), "mall")
    for shorter in (RollingExpiry(28), SlidingExpiry(28), CalendarExpiry(0, 31, 1), CalendarExpiry(12, 31, 0)):
        assert contradicts_itself(Terms(pending=AvailableAfterDays(28), expiry=shorter), "mall")
    assert not contradicts_itself(Terms(pending=AvailableOnConfirmation(), expiry=RollingExpiry(1)), "mall")
    assert not contradicts_itself(Terms(pending=AvailableAfterDays(36_500)), "mall")


def test_a_backing_covers_the_cap_at_the_settlement_price() -> None:
    backed = Terms(issue_cap=1000, settlement_points=100, settlement_fen=7, backing=Deposit("books", 70))
    assert is_covered(backed)
    assert not is_covered(msgspec.structs.replace(backed, issue_cap=1001))
    assert is_covered(msgspec.structs.replace(backed, issue_cap=1001, backing=Unbacked()))
    assert is_covered(msgspec.structs.replace(backed, issue_cap=10**12, settlement_fen=0))


def publish(stage: PointStage, terms: Terms, *signers: str, point_type: str = TYPE) -> TermsPublished | Rejection:
    """Publish a version of the mall's terms and return what it did."""
    body = PublishTerms(stage.time, stage.nonce(), "mall", point_type, terms)
    effect = stage.take(body, *(signers or ("mall admin",)))
    assert isinstance(effect, TermsPublished | Rejection)
    return effect


def kind_of(stage: PointStage, point_type: str = TYPE) -> PointType:
    """Return a point type as it is."""
    kind = stage.state.get(point_type_key(point_type))
    assert isinstance(kind, PointType)
    return kind


def test_genesis_carries_version_1_which_holds_from_block_0() -> None:
    stage = PointStage()
    first = Terms(effective_from=START)

    assert kind_of(stage).terms == first
    assert stage.state.get(terms_key(TYPE, 1)) == TermsRecord(first, terms_hash(TYPE, first), START, bytes(32))


def test_a_version_published_for_now_holds_at_once() -> None:
    stage = PointStage()

    effect = publish(stage, Terms(version=2, cashable=True))

    now = Terms(version=2, effective_from=stage.time, cashable=True)
    assert effect == TermsPublished(TYPE, 2, terms_hash(TYPE, now), stage.time)
    assert (kind_of(stage).terms, kind_of(stage).scheduled) == (now, None)


def test_a_version_published_for_later_holds_from_its_time_and_is_told_of_then() -> None:
    stage = PointStage()
    later = Terms(version=2, effective_from=stage.time + 5000, transferable=False)
    publish(stage, later)
    kind = kind_of(stage)

    assert kind.scheduled == later
    assert [terms_in_force(kind, stage.time + step).version for step in (0, 4999, 5000)] == [1, 1, 2]
    assert stage.wait(4999) == []
    assert stage.wait(1) == [TermsInForce(TYPE, 2, terms_hash(TYPE, later))]
    assert (kind_of(stage).terms, kind_of(stage).scheduled) == (later, None)
    assert stage.wait(DAY_MS) == []


def test_a_version_that_does_not_hold_yet_is_replaced_by_the_next_one() -> None:
    stage = PointStage()
    publish(stage, Terms(version=2, effective_from=stage.time + 5000))
    third = Terms(version=3, effective_from=stage.time + 9000)
    publish(stage, third)

    assert stage.state.get(agenda_key(stage.time + 5000, point_type_key(TYPE))) is None
    assert stage.wait(8999) == []
    assert terms_in_force(kind_of(stage), stage.time).version == 1
    assert stage.wait(1) == [TermsInForce(TYPE, 3, terms_hash(TYPE, third))]
    assert stage.state.get(terms_key(TYPE, 2)) is not None, "what was published stays"


def test_a_version_holds_from_its_time_though_the_agenda_lags() -> None:
    stage = PointStage()
    publish(stage, Terms(version=2, effective_from=stage.time + 5000, expiry=RollingExpiry(3)))
    stage.time += 5000  # and no block has worked off the agenda

    assert stage.earn("A1", 100).terms_version == 2
    body = PublishTerms(stage.time, stage.nonce(), "mall", TYPE, Terms(version=3))
    effects = stage.effects_of(body, "mall admin")

    assert not isinstance(effects, Rejection)
    assert [type(effect).__name__ for effect in effects] == ["TermsInForce", "TermsPublished"]
    assert (kind_of(stage).terms.version, kind_of(stage).scheduled) == (3, None)
    assert [effect for effect in stage.wait(0) if isinstance(effect, TermsInForce)] == []


def test_the_bounds_of_the_time_from_which_terms_hold() -> None:
    stage = PointStage()
    for offset, expected in [
        (-1, Rejection.TERMS_BACK_DATED),
        (NOTICE_MS_MAX + 1, Rejection.TERMS_TOO_FAR),
    ]:
        assert publish(stage, Terms(version=2, effective_from=stage.time + offset)) is expected
    assert isinstance(publish(stage, Terms(version=2, effective_from=stage.time)), TermsPublished)
    assert isinstance(publish(stage, Terms(version=3, effective_from=stage.time + NOTICE_MS_MAX)), TermsPublished)


def backed(version: int, amount_fen: int, **changes: object) -> Terms:
    """Return a version with a deposit of books' behind it."""
    terms = Terms(version=version, settlement_fen=1, issue_cap=100, backing=Deposit("books", amount_fen))
    return msgspec.structs.replace(terms, **changes)


def test_a_guarantor_signs_for_more_and_nobody_for_less() -> None:
    stage = PointStage()
    assert publish(stage, backed(2, 100)) is Rejection.BACKING_NOT_CONFIRMED
    assert publish(stage, backed(2, 100), "mall admin", "books till") is Rejection.BACKING_NOT_CONFIRMED
    assert isinstance(publish(stage, backed(2, 200), "mall admin", "books admin"), TermsPublished)
    assert publish(stage, backed(3, 201)) is Rejection.BACKING_NOT_CONFIRMED
    assert isinstance(publish(stage, backed(3, 200, cashable=True)), TermsPublished)
    assert isinstance(publish(stage, backed(4, 150)), TermsPublished)
    other = backed(5, 150, backing=CreditLine("books", 150))
    assert publish(stage, other) is Rejection.BACKING_NOT_CONFIRMED
    assert publish(stage, Terms(version=5)) is Rejection.BACKING_NOT_CONFIRMED, "nor does it end behind its back"
    assert isinstance(publish(stage, Terms(version=5), "mall admin", "books admin"), TermsPublished)


def test_a_new_point_type_begins_with_version_1_and_a_supply_of_nothing() -> None:
    stage = PointStage()
    terms = Terms(expiry=RollingExpiry(30), accepted_by=("books",))

    effect = stage.take(CreatePointType(stage.time, stage.nonce(), "mall", RoleClass.STORE, 2, 30, terms), "mall admin")

    now = msgspec.structs.replace(terms, effective_from=stage.time)
    assert effect == TermsPublished("mall/store", 1, terms_hash("mall/store", now), stage.time)
    assert kind_of(stage, "mall/store") == PointType("mall/store", "mall", RoleClass.STORE, 1, 2, 30, now)
    assert stage.state.get(supply_key("mall/store")) is not None
    assert stage.earn("A1", 300, "mall/store").points == 20


def test_k1_a_type_page_shows_issuer_terms_supply_and_who_signed_them() -> None:
    """K1: everything that the page of a point type shows is on the ledger, under the hash that receipts name."""
    stage = PointStage()
    effect = publish(stage, backed(2, 100), "mall admin", "books admin")
    published = stage.last
    stage.earn("A1", 500)

    assert isinstance(effect, TermsPublished)
    record = stage.state.get(terms_key(TYPE, 2))
    assert isinstance(record, TermsRecord)
    assert (record.transaction_id, published.signers) == (published.id, (key_of("mall admin"), key_of("books admin")))
    assert record.hash == effect.hash == terms_hash(TYPE, kind_of(stage).terms)
    assert kind_of(stage).issuer == "mall"
    supply = stage.state.get(supply_key(TYPE))
    assert supply is not None
    assert stage.earned("A1").terms_version == 2


def test_f7_issue_beyond_the_cap_is_rejected_and_a_top_up_raises_the_cap() -> None:
    """F7: the issue cap is tied to a deposit; over it purchases are rejected until the deposit is raised."""
    stage = PointStage()
    publish(stage, backed(2, 100), "mall admin", "books admin")
    stage.earn("A1", 1000)

    assert stage.try_earn("A2", 10) is Rejection.ISSUE_CAP_REACHED
    assert stage.earn("A0", 9).points == 0, "what earns nothing passes no cap"
    publish(stage, backed(3, 150, issue_cap=150), "mall admin", "books admin")
    assert stage.earn("A3", 500).points == 50
    assert stage.try_earn("A4", 10) is Rejection.ISSUE_CAP_REACHED
    stage.refund("A1", "R1", 300)
    assert stage.earn("A5", 300).points == 30, "what was burned makes room"


def test_what_repays_a_debt_needs_no_room_under_the_cap() -> None:
    stage = PointStage()
    stage.earn("A1", 1000)
    stage.give_away(100)
    stage.refund("A1", "R1", 1000)
    publish(stage, backed(2, 100), "mall admin", "books admin")

    assert stage.debt() == 100
    assert stage.earn("A2", 1000).debt_repaid == 100
    assert stage.try_earn("A3", 10) is Rejection.ISSUE_CAP_REACHED


def test_terms_of_others_may_not_be_published_by_anybody() -> None:
    stage = PointStage()
    body = PublishTerms(stage.time, stage.nonce(), "books", TYPE, Terms(version=2))

    assert stage.take(body, "books admin") is Rejection.NOT_THE_ISSUER
