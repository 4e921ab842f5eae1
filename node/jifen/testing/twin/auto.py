"""Standing orders, offered to both ledgers."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from jifen.ledger import state
from jifen.ledger.rewards.standing_orders import CancelAutoRedemption, SetAutoRedemption, StandingOrder
from jifen.ledger.types import Record
from jifen.testing.naive.ledger import NaiveLedger
from jifen.testing.naive.scene import DAY_MS, account_of, key_of
from jifen.testing.twin.draws import MEMBERS, lives, members, nonces
from jifen.testing.twin.rewards import RewardRules

REWARDS: Final = ("mall/mug", "mall/mug", "mall/ticket", "mall/poster", "books/bag", "mall/nothing")


class AutoRules(RewardRules):
    """Rules of standing orders."""

    def furnish(self) -> None:
        """Let Ann have a standing order."""
        super().furnish()
        self.begin(1)
        body = SetAutoRedemption(
            self.time + 1, bytes(8), account_of(key_of("ann")), "mall", "mall/mug", 20, 2, self.time + 90 * DAY_MS
        )
        self.submit(body, key_of("ann"))
        self.end()

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        account=members,
        organization=st.sampled_from(("mall", "mall", "books", "attic", "nobody")),
        reward=st.sampled_from(REWARDS),
        threshold=st.sampled_from((5, 7, 30, 100)),
        per_day=st.integers(1, 3),
        days=st.sampled_from((300, 30, 30, 1, 0, -1, 400)),
        signer=st.sampled_from((None, None, None, *MEMBERS)),
    )
    def set_standing_order(
        self,
        *,
        life: int,
        nonce: bytes,
        account: str,
        organization: str,
        reward: str,
        threshold: int,
        per_day: int,
        days: int,
        signer: str | None,
    ) -> None:
        """Ask for a reward to be redeemed, mostly as it should be."""
        until = max(0, self.time + days * DAY_MS)
        whose = account_of(key_of(account))
        body = SetAutoRedemption(self.time + life, nonce, whose, organization, reward, threshold, per_day, until)
        self.submit(body, key_of(signer or account))

    @precondition(lambda self: self.open)
    @rule(
        nonce=nonces,
        account=members,
        organization=st.sampled_from(("mall", "mall", "books", "nobody")),
        signer=st.sampled_from((None, None, None, *MEMBERS)),
    )
    def cancel_standing_order(self, nonce: bytes, account: str, organization: str, signer: str | None) -> None:
        """Take back what may never have been asked for."""
        body = CancelAutoRedemption(self.time + DAY_MS, nonce, account_of(key_of(account)), organization)
        self.submit(body, key_of(signer or account))


def standing_orders(twin: NaiveLedger) -> dict[bytes, Record]:
    """Return the records of standing orders."""
    return {
        state.standing_order_key(account, organization): StandingOrder(
            order.item.id,
            order.body.reward,
            order.body.threshold,
            order.body.per_day,
            order.body.until,
            order.days[-1] if order.days else 0,
            order.done(order.days[-1]) if order.days else 0,
        )
        for (account, organization), order in twin.standing_orders.items()
    }


AutoRules.tables += [standing_orders]
