"""What a block may bring about fits the bounds under which it is read back."""

from jifen.codec.blocks import BLOCK_TRANSACTIONS_MAX, RECEIPTS_BYTES_MAX, decode_receipts
from jifen.codec.canonical import encode
from jifen.ledger.agenda import AGENDA_MAX
from jifen.ledger.receipts import PointsEarned, Receipt
from jifen.ledger.rules.effects import Arithmetic, BracketStep, CampaignStep, ItemStep
from jifen.ledger.rules.records import (
    BRACKETS_MAX,
    CAMPAIGNS_MAX,
    ITEM_RULES_MAX,
    BracketBasis,
    BracketMode,
    Rounding,
    Stacking,
)
from jifen.ledger.types import (
    AMOUNT_FEN_MAX,
    COEFFICIENT_DENOMINATOR_MAX,
    COEFFICIENT_NUMERATOR_MAX,
    LEGS_MAX,
    POINTS_MAX,
    RATE_TERM_MAX,
    RULE_VERSION_MAX,
    TIME_MAX,
    ItemPart,
)

LONG = "a" * 32
AGENDA_RECEIPT_BYTES = 16 * 1024
"""More than one entry of the agenda brings about: the winners of a draw, or 32 of its entries settled."""

TERM = COEFFICIENT_NUMERATOR_MAX, COEFFICIENT_DENOMINATOR_MAX


def longest_order() -> Receipt:
    """Return the receipt of an order with a leg for everybody, each under the longest rule that there can be."""
    arithmetic = Arithmetic(
        holds=True,
        mode=BracketMode.MARGINAL,
        basis=BracketBasis.CUMULATIVE,
        before_fen=POINTS_MAX,
        brackets=(BracketStep(AMOUNT_FEN_MAX, AMOUNT_FEN_MAX, RATE_TERM_MAX, RATE_TERM_MAX),) * BRACKETS_MAX,
        items=(ItemStep(ItemPart(255, AMOUNT_FEN_MAX), RATE_TERM_MAX, RATE_TERM_MAX),) * ITEM_RULES_MAX,
        visit_points=POINTS_MAX,
        paid_fen=AMOUNT_FEN_MAX,
        tier=LONG,
        tier_numerator=TERM[0],
        tier_denominator=TERM[1],
        campaigns=(CampaignStep(LONG, *TERM, POINTS_MAX),) * CAMPAIGNS_MAX,
        stacking=Stacking.ADD,
        cap_numerator=TERM[0],
        cap_denominator=TERM[1],
        factor_numerator=POINTS_MAX,
        factor_denominator=POINTS_MAX,
        rounding=Rounding.NEAREST,
        order_cap=POINTS_MAX,
        computed=POINTS_MAX,
    )
    leg = PointsEarned(
        merchant=LONG,
        account=bytes(20),
        point_type=f"{LONG}/distributor",
        rule_version=RULE_VERSION_MAX,
        amount_fen=AMOUNT_FEN_MAX,
        earn_points=0,
        earn_fen=0,
        points=POINTS_MAX,
        available_after=POINTS_MAX,
        debt_repaid=POINTS_MAX,
        terms_version=1_000_000,
        available_from=TIME_MAX,
        expires_at=TIME_MAX,
        pending_after=POINTS_MAX,
        arithmetic=arithmetic,
    )
    return Receipt(bytes(32), 0, (leg,) * (1 + LEGS_MAX))


def test_the_receipts_of_a_block_of_nothing_but_the_longest_orders_can_be_read_back() -> None:
    """A leader may fill a block to the brim: nobody could read, pass on or compact it if its receipts were too long."""
    receipts = (longest_order(),) * BLOCK_TRANSACTIONS_MAX
    data = encode(receipts)
    assert decode_receipts(data) == receipts
    assert len(data) + AGENDA_MAX * AGENDA_RECEIPT_BYTES <= RECEIPTS_BYTES_MAX, "and what time brings about with it"
