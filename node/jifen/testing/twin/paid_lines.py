"""Purchases with lines that points have paid in part, and lines of them that are returned."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from jifen.ledger.payments.bodies import PaymentPart
from jifen.ledger.rules.records import OrderLine
from jifen.testing.twin.payments import PAYERS, PaymentRules
from jifen.testing.twin.rules import RuleRules, lines


class PaidLineRules(RuleRules, PaymentRules):
    """What only orders meet that points have paid and a rule looks at."""

    def furnish(self) -> None:
        """An order whose tea points have paid in part: half of it comes back, then an amount, then the rest."""
        super().furnish()
        self.begin(1)
        tea = OrderLine("tea", "", 100)
        self.sell_paid_lines([(390, "ann", 100, 30, (tea,))])
        for number, (amount, named) in enumerate(((50, (OrderLine("tea", "", 50),)), (20, ()), (30, (tea,)))):
            self.bring_back(("mall", "no390"), 900 + number, named, amount)
        self.end()

    @precondition(lambda self: self.open)
    @rule(
        orders=st.lists(
            st.tuples(
                st.integers(380, 389),
                st.sampled_from(PAYERS),
                st.sampled_from((100, 300, 900)),
                st.sampled_from((30, 6, 12, 60)),
                lines,
            ),
            min_size=1,
            max_size=3,
        )
    )
    def sell_paid_lines(self, orders: list[tuple[int, str, int, int, tuple[OrderLine, ...]]]) -> None:
        """Pay orders in part with points, then credit them with their lines."""
        for order, account, amount, points, bought in orders:
            parts = (PaymentPart("mall/consumer", points),)
            self.pay_or_hold_properly(payments=[(bytes(8), "mall", order, account, amount, parts, None)])
            self.sell("mall/consumer", order, account, amount, bought, (None, None, None))
