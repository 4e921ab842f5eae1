"""What the scene of the faults holds of paying with points."""

from typing import TYPE_CHECKING, Final

import msgspec

from jifen.ledger.payments.bodies import HoldPoints, PaymentPart, PayOrder, PublishAcceptance, SetPaymentPolicy
from jifen.ledger.payments.records import Acceptance
from jifen.ledger.terms.bodies import PublishTerms
from jifen.ledger.transactions import Body, EarnPoints, RefundOrder
from jifen.testing.naive.scene import START, account_of, key_of, transaction

if TYPE_CHECKING:
    from jifen.testing.faults.scene import Scene

NOW: Final = START + 1000
ANN: Final = account_of(key_of("ann"))
GUIDE: Final = "mall/guide"
ORDER_HASH: Final = b"\x0d" * 32
TAKEN: Final = Acceptance(1, 2, 3, 20, 10, 5_000, 1_000)
"""How books takes the mall's guide points: two for three fen."""

HELD: Final = transaction(
    HoldPoints(NOW, bytes(8), "books", "W2", ORDER_HASH, ANN, 100, (PaymentPart(GUIDE, 30),), NOW + 1000), key_of("ann")
)
"""The transaction that holds 30 points of Ann."""


def furnish_payments(world: "Scene") -> None:
    """Let books take the mall's guide points, Ann's W1 be paid with 20 of them, and 30 be held for her W2.

    The mall's policy is 80 %, that of books 60 %. B2 is an order of books of which something is refunded. Ann has paid
    M1 and M2 of the mall with a point each; M2 is credited too.
    """
    plain = (PaymentPart("mall/consumer", 1),)
    before = world.twin.terms[GUIDE][-1][0]
    terms = msgspec.structs.replace(
        before,
        version=before.version + 1,
        effective_from=0,
        accepted_by=("books",),
        settlement_points=1,
        settlement_fen=2,
    )
    paid = PayOrder(NOW, bytes(8), "books", "W1", ORDER_HASH, ANN, 100, (PaymentPart(GUIDE, 20),))
    steps: list[tuple[Body, tuple[str, ...]]] = [
        (PublishTerms(NOW, bytes(8), "mall", GUIDE, terms), ("mall admin",)),
        (SetPaymentPolicy(NOW, bytes(8), "mall", 1, 8_000, 9_000), ("mall admin",)),
        (SetPaymentPolicy(NOW, bytes(8), "books", 1, 6_000, 5_000), ("books admin",)),
        (PublishAcceptance(NOW, bytes(8), "books", GUIDE, TAKEN), ("books admin",)),
        (paid, ("ann", "books till")),
        (
            PublishAcceptance(NOW, bytes(8), "mall", "mall/consumer", Acceptance(1, 1, 1, 1, 1, 6_000, 5_000)),
            ("mall admin",),
        ),
        (PayOrder(NOW, bytes(8), "mall", "M1", ORDER_HASH, ANN, 200, plain), ("ann", "mall till")),
        (PayOrder(NOW, bytes(8), "mall", "M2", ORDER_HASH, ANN, 9, plain), ("ann", "mall till")),
        (EarnPoints(NOW, bytes(8), "mall", "M2", ANN, "mall/consumer", 9, 7), ("mall till",)),
        (EarnPoints(NOW, bytes(8), "books", "B2", ANN, "books/store", 4, 7), ("books till",)),
        (RefundOrder(NOW, bytes(8), "books", "B2", "R9", 1), ("books till",)),
    ]
    for body, signers in steps:
        assert world.take(transaction(body, *map(key_of, signers))) == 0
    assert world.take(HELD) == 0
