"""A stage on which the mall has tiers: Ann buys her way up, time judges her."""

from typing import Final

from jifen.ledger.dates import DAY_MS
from jifen.ledger.receipts import AnyEffect
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import membership_key
from jifen.ledger.tiers.bodies import PublishRecognition, PublishTiers
from jifen.ledger.tiers.qualifying import NEWCOMER, tier_of
from jifen.ledger.tiers.records import (
    Downgrade,
    Membership,
    Period,
    RecognisedTier,
    Recognition,
    RollingPeriod,
    Tier,
    TierProgramme,
)
from jifen.ledger.transactions import EarnPoints, RefundOrder
from jifen.testing.scenes.point_stage import ANN, CONSUMER, PointStage

SILVER, GOLD, PEAK = Tier("silver", "Silver", 40), Tier("gold", "Gold", 100), Tier("peak", "Peak", 500)
TEN_DAYS: Final = RollingPeriod(10)


def ladder(
    version: int = 1,
    period: Period = TEN_DAYS,
    downgrade: Downgrade = Downgrade.BALANCE_BASED,
    grace_days: int = 0,
    tiers: tuple[Tier, ...] = (SILVER, GOLD, PEAK),
) -> TierProgramme:
    """Return tiers of 40, 100 and 500 points in ten days of the member's own."""
    return TierProgramme(version, tiers, period, 480, downgrade, grace_days)


class TierStage:
    """The mall's points at one for ten fen, and its tiers."""

    def __init__(self, programme: TierProgramme | None = None, owner: str = "mall") -> None:
        self.points = PointStage()
        self.publish(programme or ladder(), owner)

    def publish(self, programme: TierProgramme, owner: str = "mall") -> None:
        """Publish tiers."""
        stage = self.points
        effect = stage.take(PublishTiers(stage.time, stage.nonce(), owner, programme), f"{owner} admin")
        assert not isinstance(effect, Rejection), effect

    def recognise(self, owner: str, *entries: RecognisedTier, version: int = 1) -> None:
        """Publish a map of recognition."""
        stage = self.points
        body = PublishRecognition(stage.time, stage.nonce(), owner, Recognition(version, entries))
        effect = stage.take(body, f"{owner} admin")
        assert not isinstance(effect, Rejection), effect

    def buy(self, order: str, points: int, account: bytes = ANN, point_type: str = CONSUMER) -> list[AnyEffect]:
        """Buy for so many points at the mall, and return what it did."""
        stage = self.points
        merchant = point_type.split("/", maxsplit=1)[0]
        body = EarnPoints(stage.time, stage.nonce(), merchant, order, account, point_type, points * 10, 7)
        return self._effects(body, f"{merchant} till")

    def give_back(self, order: str, points: int) -> list[AnyEffect]:
        """Refund what so many points were earned for, and return what that did."""
        stage = self.points
        body = RefundOrder(stage.time, stage.nonce(), "mall", order, f"{order}-{stage.nonce().hex()}", points * 10)
        return self._effects(body, "mall till")

    def days(self, number: int) -> list[AnyEffect]:
        """Let days pass; return what time did."""
        return self.points.wait(number * DAY_MS)

    def tier(self, organization: str = "mall", account: bytes = ANN) -> str:
        """Return somebody's best tier."""
        return tier_of(self.points.state, organization, account, self.points.time)

    def member(self, account: bytes = ANN, organization: str = "mall") -> Membership:
        """Return how far somebody has come."""
        record = self.points.state.get(membership_key(account, organization)) or NEWCOMER
        assert isinstance(record, Membership)
        return record

    def _effects(self, body: EarnPoints | RefundOrder, signer: str) -> list[AnyEffect]:
        effects = self.points.effects_of(body, signer)
        assert not isinstance(effects, Rejection), effects
        return list(effects)
