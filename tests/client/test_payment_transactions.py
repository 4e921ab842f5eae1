"""Building transactions about paying with points: what they say, and who has signed."""

from typing import Final

from jifen.chain.gateway import open_transaction
from jifen.client.transactions import TransactionBuilder
from jifen.keys.signing import KeyPair
from jifen.ledger.payments.bodies import CaptureHold, HoldPoints, PaymentPart, PayOrder, SetPaymentPolicy, VoidHold
from jifen.ledger.types import AMOUNT_FEN_MAX

CHAIN: Final = bytes(range(32))
ANN, TILL = (KeyPair.derive(bytes(32), name) for name in ("ann", "till"))
HASH: Final = b"\x0d" * 32
HEAD: Final = (1_000 + 600_000, b"nonce-twelve")


def test_a_payment_says_what_was_asked_and_carries_both_signatures() -> None:
    builder = TransactionBuilder(CHAIN, clock=lambda: 1_000, nonce=lambda: b"nonce-twelve")
    account = builder.account_of(ANN.public)
    parts, asked = [("mall/consumer", 5), ("books/consumer", 0)], (
        PaymentPart("mall/consumer", 5),
        PaymentPart("books/consumer", 0),
    )  # fmt: skip

    sealed = builder.pay_order(
        ANN, TILL, merchant="mall", order_id="A-1", order_hash=HASH, account=account, amount_fen=9, parts=parts
    )
    opened = open_transaction(CHAIN, sealed.signed)[0]
    assert opened.body == PayOrder(*HEAD, "mall", "A-1", HASH, account, 9, asked)
    assert set(opened.signers) == {ANN.public, TILL.public}

    sealed = builder.hold_points(
        ANN, organization="mall", order_id="A-1", order_hash=HASH, amount_fen=9, parts=parts, until=77
    )
    assert open_transaction(CHAIN, sealed.signed)[0].body == HoldPoints(
        *HEAD, "mall", "A-1", HASH, account, 9, asked, 77
    )


def test_holds_are_captured_or_given_up_and_policies_set_as_asked() -> None:
    builder = TransactionBuilder(CHAIN, clock=lambda: 1_000, nonce=lambda: b"nonce-twelve")
    account = builder.account_of(ANN.public)
    for sealed, body in [
        (
            builder.capture_hold(TILL, merchant="mall", account=account, hold=HASH, amount_fen=9, points=[5]),
            CaptureHold(*HEAD, "mall", account, HASH, 9, (5,)),
        ),
        (builder.void_hold(TILL, merchant="mall", account=account, hold=HASH), VoidHold(*HEAD, "mall", account, HASH)),
        (
            builder.set_payment_policy(TILL, organization="mall", version=2, share_bp=300),
            SetPaymentPolicy(*HEAD, "mall", 2, 300, AMOUNT_FEN_MAX),
        ),
    ]:
        assert open_transaction(CHAIN, sealed.signed)[0].body == body
