"""The scene's ledger on a stage: a till, two members, blocks that follow one another, and time that passes.

Whatever is done is checked against every invariant.
"""

from typing import Final, final

from jifen.ledger.agenda import work_off
from jifen.ledger.apply import apply_transaction
from jifen.ledger.context import BlockContext
from jifen.ledger.genesis import write_genesis
from jifen.ledger.invariants import check_all
from jifen.ledger.receipts import AnyEffect, PointsEarned, PointsRevoked
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import WorkingState, holding_key, supply_key
from jifen.ledger.terms.bodies import ConfirmOrder
from jifen.ledger.terms.effects import PointsActivated
from jifen.ledger.transactions import Body, EarnPoints, RefundOrder, RegisterMember, Transaction, TransferPoints
from jifen.ledger.types import EMPTY_HOLDING, Holding, Supply
from jifen.testing.memory import Memory
from jifen.testing.naive.scene import CHAIN_ID, START, account_of, key_of, scene, transaction

ANN, BO = account_of(key_of("ann")), account_of(key_of("bo"))

CONSUMER: Final = "mall/consumer"


@final
class PointStage:
    """The ledger at `time`, in an open block. Ann buys, Bo is given."""

    def __init__(self) -> None:
        self.state = WorkingState(Memory(), 0)
        self.state.begin_block()
        write_genesis(self.state, scene())
        self.time = START
        self.last: Transaction
        """The transaction taken last."""
        self.taken: list[Body] = []
        """What was applied, the oldest first."""
        self._count = 0
        self._earned: dict[str, PointsEarned] = {}
        for name in ("ann", "bo"):
            self.register(name)

    def nonce(self) -> bytes:
        """Return bytes never used before."""
        self._count += 1
        return self._count.to_bytes(8, "big")

    def register(self, name: str) -> None:
        """Open somebody's account."""
        effect = self.take(RegisterMember(self.time, self.nonce(), key_of(name)), name)
        assert not isinstance(effect, Rejection), effect

    @property
    def context(self) -> BlockContext:
        """The open block."""
        return BlockContext(CHAIN_ID, self.state.height + 1, self.time)

    def wait(self, ms: int) -> list[AnyEffect]:
        """Close the block, open one that much later, and return what time did, in order."""
        self.state.end_block()
        self.time += ms
        self.state.begin_block()
        effects = [effect for receipt in work_off(self.state, self.context) for effect in receipt.effects]
        self.check()
        return effects

    def check(self) -> None:
        """Check every invariant."""
        check_all(self.state.range(b"", b"\xff", 100_000))

    def effects_of(self, body: Body, *signers: str) -> tuple[AnyEffect, ...] | Rejection:
        """Apply a transaction and return everything it did, or why it did nothing."""
        self.last = transaction(body, *map(key_of, signers))
        receipt = apply_transaction(self.state, self.last, self.context)
        self.check()
        if receipt.rejection:
            return Rejection(receipt.rejection)
        self.taken.append(body)
        return receipt.effects

    def take(self, body: Body, *signers: str) -> AnyEffect | Rejection:
        """Apply a transaction and return the one thing it did, or why it did nothing."""
        effects = self.effects_of(body, *signers)
        if isinstance(effects, Rejection):
            return effects
        [effect] = effects
        return effect

    def try_earn(
        self, order: str, amount_fen: int, point_type: str = CONSUMER, account: bytes = ANN
    ) -> AnyEffect | Rejection:
        """Credit a purchase of Ann's, if that can be done."""
        merchant = point_type.split("/", maxsplit=1)[0]
        body = EarnPoints(self.time, self.nonce(), merchant, order, account, point_type, amount_fen, 7)
        return self.take(body, f"{merchant} till")

    def earn(self, order: str, amount_fen: int, point_type: str = CONSUMER, account: bytes = ANN) -> PointsEarned:
        """Credit a purchase of Ann's."""
        effect = self.try_earn(order, amount_fen, point_type, account)
        assert isinstance(effect, PointsEarned), effect
        self._earned[order] = effect
        return effect

    def earned(self, order: str) -> PointsEarned:
        """Return what crediting an order did."""
        return self._earned[order]

    def refund(self, order: str, refund: str, amount_fen: int, merchant: str = "mall") -> PointsRevoked:
        """Refund a part of an order."""
        body = RefundOrder(self.time, self.nonce(), merchant, order, refund, amount_fen)
        effect = self.take(body, f"{merchant} till")
        assert isinstance(effect, PointsRevoked), effect
        return effect

    def refund_body(self, order: str, refund: str, amount_fen: int, merchant: str = "mall") -> RefundOrder:
        """Return the refund of a part of an order."""
        return RefundOrder(self.time, self.nonce(), merchant, order, refund, amount_fen)

    def confirm(self, order: str, merchant: str = "mall") -> PointsActivated | Rejection:
        """Confirm an order."""
        effect = self.take(ConfirmOrder(self.time, self.nonce(), merchant, order), f"{merchant} till")
        assert isinstance(effect, PointsActivated | Rejection), effect
        return effect

    def give_away(self, points: int, point_type: str = CONSUMER) -> None:
        """Let Ann pass points on to Bo."""
        body = TransferPoints(self.time, self.nonce(), ANN, BO, point_type, points, b"")
        effect = self.take(body, "ann")
        assert not isinstance(effect, Rejection), effect

    def holding(self, point_type: str = CONSUMER, account: bytes = ANN) -> Holding:
        """Return what somebody holds."""
        holding = self.state.get(holding_key(account, point_type)) or EMPTY_HOLDING
        assert isinstance(holding, Holding)
        return holding

    def debt(self, point_type: str = CONSUMER) -> int:
        """Return what Ann owes."""
        return self.holding(point_type).debt

    def supply(self, point_type: str = CONSUMER) -> Supply:
        """Return how many points there are."""
        supply = self.state.get(supply_key(point_type))
        assert isinstance(supply, Supply)
        return supply
