"""What the scene of faults needs for swaps: two types of points that are swapped, and offers."""

from typing import TYPE_CHECKING, Final

from jifen.ledger.swaps.bodies import CreateSwapOffer
from jifen.ledger.terms.bodies import CreatePointType
from jifen.ledger.terms.records import Terms
from jifen.ledger.transactions import EarnPoints, RegisterMember, Transaction
from jifen.ledger.types import RoleClass
from jifen.testing.naive.scene import DAY_MS, START, account_of, key_of, transaction

if TYPE_CHECKING:
    from jifen.testing.faults.scene import Scene

ANN, BO, CY = (account_of(key_of(name)) for name in ("ann", "bo", "cy"))
GIVEN, WANTED = "cafe/consumer", "cafe/guide"
NOW: Final = START + 1000


def offer_of_ann(counterparty: bytes | None) -> Transaction:
    """Return an offer of twenty points for thirty, either worth 15 fen, of which two at least are taken."""
    body = CreateSwapOffer(NOW, bytes(8), ANN, GIVEN, 20, WANTED, 30, 15, NOW + DAY_MS, 2, counterparty)
    return transaction(body, key_of("ann"))


TO_ALL, TO_BO = offer_of_ann(None), offer_of_ann(BO)
"""Ann's offers."""


def furnish_swaps(world: "Scene") -> None:
    """Let cafe issue points that are swapped, Ann and Cy have some, and Ann offer hers."""
    assert world.take(transaction(RegisterMember(NOW, bytes(8), key_of("cy")), key_of("cy"))) == 0
    for role in (RoleClass.CONSUMER, RoleClass.GUIDE):
        terms = Terms(settlement_fen=1, swappable=True)
        body = CreatePointType(NOW, bytes(8), "cafe", role, 1, 1, terms)
        assert world.take(transaction(body, key_of("cafe admin"))) == 0
    for number, (account, point_type) in enumerate([(ANN, GIVEN), (CY, WANTED), (ANN, WANTED)]):
        earn = EarnPoints(NOW, bytes(8), "cafe", f"S{number}", account, point_type, 1000, 7)
        assert world.take(transaction(earn, key_of("cafe till"))) == 0
    for item in (TO_ALL, TO_BO):
        assert world.take(item) == 0
