"""Building transactions about paying with points; `TransactionBuilder` takes these in."""

from collections.abc import Sequence

from jifen.chain.sealing import SealedTransaction
from jifen.client.reward_transactions import Signing
from jifen.keys.signing import KeyPair
from jifen.ledger.payments.bodies import (
    CaptureHold,
    HoldPoints,
    PaymentPart,
    PayOrder,
    PublishAcceptance,
    SetPaymentPolicy,
    VoidHold,
)
from jifen.ledger.payments.records import Acceptance
from jifen.ledger.types import AMOUNT_FEN_MAX

Parts = Sequence[tuple[str, int]]
"""Point types in the order in which they are to pay, each with its points, 0 for as many as possible."""


class PaymentTransactions:
    """Transactions about paying with points."""

    def publish_acceptance(
        self: Signing, administrator: KeyPair, *, organization: str, point_type: str, acceptance: Acceptance
    ) -> SealedTransaction:
        """Say how an organization takes a point type; `administrator` has scope ADMIN.

        The acceptance's `version` is the newest one's and 1, or 1.
        """
        body = PublishAcceptance(*self._head(), organization, point_type, acceptance)
        return self.sign(body, administrator)

    def set_payment_policy(
        self: Signing,
        administrator: KeyPair,
        *,
        organization: str,
        version: int,
        share_bp: int,
        daily_fen: int = AMOUNT_FEN_MAX,
    ) -> SealedTransaction:
        """Say how far orders may be paid with points; `administrator` has scope ADMIN.

        Args:
            administrator: key of the organization.
            organization: its id; a mall's policy binds its merchants.
            version: the newest one's and 1, or 1.
            share_bp: largest part of an order that all points pay, basis points.
            daily_fen: most taken in one point type and day, fen.
        """
        return self.sign(SetPaymentPolicy(*self._head(), organization, version, share_bp, daily_fen), administrator)

    def pay_order(
        self: Signing,
        *signers: KeyPair,
        merchant: str,
        order_id: str,
        order_hash: bytes,
        account: bytes,
        amount_fen: int,
        parts: Parts,
    ) -> SealedTransaction:
        """Pay a part of an order with points.

        Args:
            signers: the member's key and an operator's of the merchant with scope CASHIER or ISSUER; whoever signs
                elsewhere is named as a cosigner of the builder.
            merchant: organization id.
            order_id: the merchant's own number of the order.
            order_hash: 32 bytes, a hash of what was ordered, salted by the merchant.
            account: the member's.
            amount_fen: what the order comes to in points and money, fen.
            parts: what pays, in order.
        """
        asked = tuple(PaymentPart(*part) for part in parts)
        body = PayOrder(*self._head(), merchant, order_id, order_hash, account, amount_fen, asked)
        return self.sign(body, *signers)

    def hold_points(
        self: Signing,
        pair: KeyPair,
        *,
        organization: str,
        order_id: str,
        order_hash: bytes,
        amount_fen: int,
        parts: Parts,
        until: int,
    ) -> SealedTransaction:
        """Set points aside for an order, signed by the member; the hold goes by this transaction's id.

        Args:
            pair: the member's.
            organization: the only one that can capture the hold.
            order_id: its own number of the order.
            order_hash: as in `pay_order`.
            amount_fen: what the order will come to at most, fen.
            parts: what is held, in order.
            until: block time at which the points come back by themselves, ms.
        """
        account = self.account_of(pair.public)
        asked = tuple(PaymentPart(*part) for part in parts)
        body = HoldPoints(*self._head(), organization, order_id, order_hash, account, amount_fen, asked, until)
        return self.sign(body, pair)

    def capture_hold(
        self: Signing,
        operator: KeyPair,
        *,
        merchant: str,
        account: bytes,
        hold: bytes,
        amount_fen: int,
        points: Sequence[int] = (),
    ) -> SealedTransaction:
        """Pay the order with what is held for it, or with `points` of each part; the rest comes back."""
        return self.sign(CaptureHold(*self._head(), merchant, account, hold, amount_fen, tuple(points)), operator)

    def void_hold(self: Signing, operator: KeyPair, *, merchant: str, account: bytes, hold: bytes) -> SealedTransaction:
        """Let everything that is held come back; signed by an operator of the organization."""
        return self.sign(VoidHold(*self._head(), merchant, account, hold), operator)
