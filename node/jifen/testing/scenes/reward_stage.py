"""A stage on which the mall has rewards and pays cash back, and points are worth something."""

from typing import Any, Final, TypeVar, final

import msgspec

from jifen.ledger.cashback.bodies import ConfirmCashback, RejectCashback, RequestCashback, SetCashbackPolicy
from jifen.ledger.cashback.records import Cashback, cashback_key
from jifen.ledger.effects import Effect
from jifen.ledger.points.positions import Position, Rate, rate_key
from jifen.ledger.receipts import AnyEffect
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.rewards.bodies import AddRewardCodes, CancelRedemption, FulfilRedemption, PublishReward, RedeemReward
from jifen.ledger.rewards.records import Redemption, Reward, RewardDetails, RewardPrice, redemption_key, reward_key
from jifen.ledger.state import point_type_key, position_key
from jifen.ledger.terms.bodies import PublishTerms
from jifen.ledger.terms.records import PointType, newest_terms
from jifen.testing.naive.scene import account_of, key_of
from jifen.testing.scenes.point_stage import ANN, CONSUMER, PointStage

E = TypeVar("E", bound=Effect)

MUG: Final = "mall/mug"
STORE: Final = "books/store"
TEN_FOR_ONE: Final = Rate(10, 1)


@final
class RewardStage:
    """The mall and books value ten of their points at one fen; the mall takes books' points too."""

    def __init__(self) -> None:
        self.points = PointStage()
        self.say(CONSUMER, settlement_points=10, settlement_fen=1, cashable=True)
        self.say(STORE, settlement_points=10, settlement_fen=1, cashable=True, accepted_by=("mall",))

    def say(self, point_type: str, **changes: Any) -> None:
        """Publish the next version of a point type's terms."""
        kind = read(self.points.state, point_type_key(point_type), PointType)
        assert kind is not None
        before = newest_terms(kind)
        terms = msgspec.structs.replace(before, version=before.version + 1, effective_from=0, **changes)
        body = PublishTerms(self.points.time, self.points.nonce(), kind.issuer, point_type, terms)
        assert not isinstance(self.points.take(body, f"{kind.issuer} admin"), Rejection)

    def offer(self, *prices: RewardPrice, reward: str = MUG, stock: int = 5, **details: Any) -> None:
        """Publish a reward or its next version; without prices for a hundred of the mall's points."""
        known = read(self.points.state, reward_key(reward), Reward)
        version = known.version + 1 if known else 1
        said = RewardDetails("Mug", prices or (RewardPrice(CONSUMER, 100),), **details)
        body = PublishReward(self.points.time, self.points.nonce(), reward, version, said, stock)
        effect = self.points.take(body, f"{reward.partition('/')[0]} admin")
        assert not isinstance(effect, Rejection), effect

    def add_codes(self, *commitments: bytes, reward: str = MUG) -> None:
        """Put codes in stock."""
        body = AddRewardCodes(self.points.time, self.points.nonce(), reward, commitments)
        assert not isinstance(self.points.take(body, "mall admin"), Rejection)

    def redeem(
        self, points: int = 100, point_type: str = CONSUMER, who: str = "ann", reward: str = MUG
    ) -> tuple[AnyEffect, ...] | Rejection:
        """Let somebody redeem a reward."""
        account = account_of(key_of(who))
        version = self.reward(reward).version
        head = (self.points.time, self.points.nonce())
        return self.points.effects_of(RedeemReward(*head, account, reward, version, point_type, points), who)

    def fulfil(self, number: int = 1, reward: str = MUG) -> tuple[AnyEffect, ...] | Rejection:
        """Hand a reward over."""
        body = FulfilRedemption(self.points.time, self.points.nonce(), reward, number)
        return self.points.effects_of(body, "mall till")

    def cancel(self, number: int = 1, reward: str = MUG) -> tuple[AnyEffect, ...] | Rejection:
        """Cancel a redemption."""
        body = CancelRedemption(self.points.time, self.points.nonce(), reward, number, "broken")
        return self.points.effects_of(body, "mall till")

    def reward(self, reward: str = MUG) -> Reward:
        """Return a reward as it is."""
        found = read(self.points.state, reward_key(reward), Reward)
        assert found is not None
        return found

    def redemption(self, number: int = 1, reward: str = MUG) -> Redemption:
        """Return a redemption as it is."""
        found = read(self.points.state, redemption_key(reward, number), Redemption)
        assert found is not None
        return found

    def position(self, rate: Rate, point_type: str = STORE) -> int:
        """Return what the mall holds of somebody else's points at a rate in lowest terms."""
        found = read(self.points.state, position_key("mall", point_type, rate_key(rate)), Position)
        return found.points if found else 0

    def pay(self, price: Rate = TEN_FOR_ONE, **caps: int) -> None:
        """Let the mall pay cash back for its points."""
        said = {"minimum_points": 10, "day_points": 200, "month_points": 300, "due_days": 3} | caps
        body = SetCashbackPolicy(self.points.time, self.points.nonce(), "mall", CONSUMER, price, **said)
        assert not isinstance(self.points.take(body, "mall admin"), Rejection)

    def ask(self, points: int, amount_fen: int, who: str = "ann") -> tuple[AnyEffect, ...] | Rejection:
        """Ask the mall for money."""
        account = account_of(key_of(who))
        body = RequestCashback(self.points.time, self.points.nonce(), account, CONSUMER, points, amount_fen)
        return self.points.effects_of(body, who)

    def confirm(self, number: int = 1) -> tuple[AnyEffect, ...] | Rejection:
        """Let the mall have paid."""
        body = ConfirmCashback(self.points.time, self.points.nonce(), CONSUMER, number, bytes(32))
        return self.points.effects_of(body, "mall admin")

    def reject(self, number: int = 1) -> tuple[AnyEffect, ...] | Rejection:
        """Let the mall refuse."""
        body = RejectCashback(self.points.time, self.points.nonce(), CONSUMER, number, "unknown")
        return self.points.effects_of(body, "mall admin")

    def cashback(self, number: int = 1) -> Cashback:
        """Return a request as it is."""
        found = read(self.points.state, cashback_key(CONSUMER, number), Cashback)
        assert found is not None
        return found


def one(effects: tuple[AnyEffect, ...] | Rejection, kind: type[E]) -> E:
    """Return the one effect there is, which must be of a kind."""
    assert not isinstance(effects, Rejection), effects
    [effect] = effects
    assert isinstance(effect, kind), effect
    return effect


__all__ = ["ANN", "CONSUMER", "MUG", "STORE", "TEN_FOR_ONE", "RewardStage", "one"]
