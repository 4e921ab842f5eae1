"""A temporary lock whose time is over, before the agenda has got to it: blocks are full of what was due earlier."""

from typing import Final
from unittest.mock import patch

from jifen.ledger import agenda
from jifen.ledger.dates import DAY_MS
from jifen.ledger.locks.bodies import AccountLocked, AccountUnlocked, LockAccount
from jifen.ledger.locks.records import QUIET_MS, TEMPORARY_MS, LockReason
from jifen.ledger.receipts import AnyEffect, PointsTransferred
from jifen.ledger.rejections import Rejection
from jifen.ledger.terms.bodies import PublishTerms
from jifen.ledger.terms.records import RollingExpiry, Terms
from jifen.ledger.transactions import TransferPoints
from jifen.testing.naive.scene import account_of, key_of
from jifen.testing.scenes.point_stage import ANN, BO, CONSUMER, PointStage

DAYS: Final = 5
"""For which points live."""


def with_points() -> PointStage:
    """Return a stage on which Ann has 100 points."""
    stage = PointStage()
    terms = Terms(version=2, expiry=RollingExpiry(DAYS))
    assert not isinstance(
        stage.take(PublishTerms(stage.time, stage.nonce(), "mall", CONSUMER, terms), "mall admin"), Rejection
    )
    stage.earn("A", 1000)
    return stage


def lock_until_it_lapses(stage: PointStage, account: bytes) -> None:
    """Let the mall lock an account, and open the block in which the lock lapses, whose agenda does not get to it."""
    body = LockAccount(stage.time, stage.nonce(), account, LockReason.LOST, ("mall",))
    assert not isinstance(stage.take(body, "mall guard"), Rejection)
    with patch.object(agenda, "AGENDA_MAX", 0):
        stage.wait(TEMPORARY_MS)


def pass_on(stage: PointStage, sender: str, recipient: bytes) -> AnyEffect | Rejection:
    """Let somebody pass 100 points on."""
    body = TransferPoints(stage.time, stage.nonce(), account_of(key_of(sender)), recipient, CONSUMER, 100, b"")
    return stage.take(body, sender)


def test_p5_points_that_waited_cannot_be_passed_on_before_their_dates_have_moved() -> None:
    stage = with_points()
    [lot] = stage.holding().lots
    stage.wait(DAYS * DAY_MS)
    lock_until_it_lapses(stage, ANN)
    assert lot.expires_at < stage.time, "whoever received it now would lose it with the next block"

    assert pass_on(stage, "ann", BO) is Rejection.ACCOUNT_LOCKED

    stage.wait(0)
    assert isinstance(pass_on(stage, "ann", BO), PointsTransferred)
    stage.wait(0)
    [moved] = stage.holding(account=BO).lots
    assert (moved.points, moved.expires_at) == (100, lot.expires_at + 3 * DAY_MS)


def test_i9_points_received_after_a_lock_has_lapsed_live_no_longer_by_it() -> None:
    stage = with_points()
    [lot] = stage.holding().lots
    lock_until_it_lapses(stage, BO)

    assert isinstance(pass_on(stage, "ann", BO), PointsTransferred)
    stage.wait(0)

    [moved] = stage.holding(account=BO).lots
    assert (moved.points, moved.expires_at) == (100, lot.expires_at)


def lock_alone(stage: PointStage, organization: str, signer: str) -> AnyEffect | Rejection:
    """Let an officer of one organization lock Ann's account."""
    return stage.take(LockAccount(stage.time, stage.nonce(), ANN, LockReason.LOST, (organization,)), signer)


def test_m5a_who_has_locked_alone_cannot_do_so_again_before_the_quiet_days_are_over_however_full_blocks_are() -> None:
    stage = PointStage()
    lock_until_it_lapses(stage, ANN)
    assert lock_alone(stage, "mall", "mall guard") is Rejection.LOCKED_TOO_SOON
    stage.wait(0)

    with patch.object(agenda, "AGENDA_MAX", 0):
        stage.wait(QUIET_MS - 1)
        assert lock_alone(stage, "mall", "mall guard") is Rejection.LOCKED_TOO_SOON
        stage.wait(1)
        assert isinstance(lock_alone(stage, "mall", "mall guard"), AccountLocked)


def test_m5a_a_lock_that_has_lapsed_is_confirmed_by_nobody_and_another_one_begins() -> None:
    stage = PointStage()
    lock_until_it_lapses(stage, ANN)

    body = LockAccount(stage.time, stage.nonce(), ANN, LockReason.LOST, ("books",))
    effects = stage.effects_of(body, "books till")

    assert not isinstance(effects, Rejection)
    ended, begun = effects
    assert isinstance(ended, AccountUnlocked)
    assert begun == AccountLocked(ANN, LockReason.LOST, ("books",), stage.time, stage.time + TEMPORARY_MS)
