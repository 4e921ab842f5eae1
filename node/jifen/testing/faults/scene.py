"""Faults: changes to good transactions, each of which makes a reason hold; and the scene they are tried in."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, NamedTuple, final

import msgspec

from jifen.ledger.apply import apply_transaction
from jifen.ledger.checkpoints.records import AttestCheckpoint
from jifen.ledger.context import BlockContext
from jifen.ledger.genesis import write_genesis
from jifen.ledger.locks.bodies import LockAccount
from jifen.ledger.locks.records import LockReason
from jifen.ledger.rejections import Rejection
from jifen.ledger.rewards.standing_orders import SetAutoRedemption
from jifen.ledger.rules.bodies import PublishCampaign
from jifen.ledger.rules.records import Campaign
from jifen.ledger.state import WorkingState
from jifen.ledger.transactions import Body, EarnPoints, RefundOrder, RegisterMember, Transaction
from jifen.ledger.types import PublicKey
from jifen.testing.memory import Memory
from jifen.testing.naive.ledger import NaiveLedger
from jifen.testing.naive.scene import CHAIN_ID, START, account_of, key_of, scene, transaction
from jifen.testing.scenes.bonus import furnish_bonuses
from jifen.testing.scenes.draw import furnish_draws
from jifen.testing.scenes.governance import furnish_governance
from jifen.testing.scenes.payment import furnish_payments
from jifen.testing.scenes.reward import furnish_rewards
from jifen.testing.scenes.swap import furnish_swaps
from jifen.testing.scenes.tier import furnish_tiers

NOW: Final = START + 1000
HEIGHT: Final = 13
"""Height of the block that everything is tried in: above some checkpoints."""
ANN, BO, DORA, STRANGER = (account_of(key_of(name)) for name in ("ann", "bo", "dora", "stranger"))


@final
class Scene:
    """Both ledgers with Ann, Bo and Dora registered, Dora locked by the mall for three days, Ann's order A1 credited,
    her P1 pending, books' supply nearly exhausted, a campaign of books' and some checkpoints
    attested by books.

    Cafe lets Ann and Cy swap: Ann has offers open to everybody and to Bo only.

    Of validators: `mall-2` is admitted to replace mall's, `books-2` observes beside books' own, `cafe-2` has retired;
    books proposes to admit `tea`, cafe to remove books' validator.
    """

    def __init__(self) -> None:
        self.height = HEIGHT
        """Of the block that everything is put into."""
        self.state = WorkingState(Memory(), HEIGHT - 1)
        self.twin = NaiveLedger(scene())
        self.twin.height = HEIGHT
        self.state.begin_block()
        write_genesis(self.state, scene())
        for name in ("ann", "bo", "dora"):
            self.take(transaction(RegisterMember(NOW, bytes(8), key_of(name)), key_of(name)))
        for merchant, order, point_type, amount in [
            ("mall", "A1", "mall/consumer", 1_000_000),
            ("mall", "G1", "mall/guide", 700),
            ("books", "B1", "books/consumer", 1),
            ("mall", "P1", "mall/distributor", 500),
            ("mall", "P2", "mall/distributor", 4),
        ]:
            body = EarnPoints(NOW, bytes(8), merchant, order, ANN, point_type, amount, 7)
            assert self.take(transaction(body, key_of(f"{merchant} till"))) == 0
        refunded = RefundOrder(NOW, bytes(8), "mall", "A1", "R1", 1)
        assert self.take(transaction(refunded, key_of("mall till"))) == 0
        gala = PublishCampaign(NOW, bytes(8), "books", "books/guide", Campaign("gala", 2, 1, NOW, NOW + 9))
        assert self.take(transaction(gala, key_of("books admin"))) == 0
        for height in (12, 10, 8, 4):
            attested = AttestCheckpoint(NOW, bytes(8), "books", height, bytes(32), bytes(32))
            assert self.take(transaction(attested, key_of("books validator"))) == 0
        locked = LockAccount(NOW, bytes(8), DORA, LockReason.LOST, ("mall",))
        assert self.take(transaction(locked, key_of("mall guard"))) == 0
        furnish_governance(self)
        furnish_payments(self)
        furnish_tiers(self)
        furnish_bonuses(self)
        furnish_rewards(self)
        furnish_draws(self)
        ordered = SetAutoRedemption(NOW, bytes(8), BO, "mall", "mall/mug", 100, 3, NOW)
        assert self.take(transaction(ordered, key_of("bo"))) == 0
        furnish_swaps(self)

    @property
    def context(self) -> BlockContext:
        """The open block."""
        return BlockContext(CHAIN_ID, self.height, NOW)

    def take(self, item: Transaction) -> int:
        """Apply a transaction to both and return its rejection, 0 for none."""
        self.twin.height = self.height
        self.twin.apply(item, NOW)
        return apply_transaction(self.state, item, self.context).rejection


class Fault(NamedTuple):
    """A change to a good transaction, or to what it meets, that makes a reason hold."""

    kind: str
    reason: Rejection
    changes: Mapping[str, Any]
    """New values by field; `change.key` is the field `key` of the field `change`."""
    signer: str | None = None
    """Who signs in place of the good signer; several are joined by `and`."""
    taken: bool = False
    stage: Callable[[Scene], None] | None = None
    """Prepares the scene, in both ledgers alike."""


def keys_of(signers: str) -> tuple[PublicKey, ...]:
    """Return the keys of who signs, for example of `mall till` or of `books till and mall guard`."""
    return tuple(key_of(name) for name in signers.split(" and "))


def staged(*faults: Fault) -> Scene:
    """Return the scene as the faults need it."""
    world = Scene()
    for stage in dict.fromkeys(fault.stage for fault in faults):
        if stage is not None:
            stage(world)
    return world


def shown(*faults: Fault) -> Scene:
    """Return the scene as the faults need it, to look at only: whoever asks again gets the same one.

    Every pair of faults of every kind is looked at, and most pairs need one of a few scenes.
    """
    assert not any(fault.taken for fault in faults), "a taken transaction changes the scene; ask for one with `staged`"
    return _shown(tuple(dict.fromkeys(fault.stage for fault in faults if fault.stage is not None)))


@cache
def _shown(stages: tuple[Callable[[Scene], None], ...]) -> Scene:
    world = Scene()
    for stage in stages:
        stage(world)
    return world


def altered(body: Body, changes: Mapping[str, Any]) -> Body:
    """Return the body with the changes put in."""
    for name, value in changes.items():
        outer, _, inner = name.partition(".")
        whole = msgspec.structs.replace(getattr(body, outer), **{inner: value}) if inner else value
        body = msgspec.structs.replace(body, **{outer: whole})
    return body
