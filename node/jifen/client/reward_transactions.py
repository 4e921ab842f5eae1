"""Building transactions about rewards and cash back; `TransactionBuilder` takes these in."""

from collections.abc import Sequence
from typing import Protocol

from jifen.chain.sealing import SealedTransaction
from jifen.keys.signing import KeyPair
from jifen.ledger.cashback.bodies import ConfirmCashback, RejectCashback, RequestCashback, SetCashbackPolicy
from jifen.ledger.points.positions import Rate
from jifen.ledger.rewards.bodies import (
    AddRewardCodes,
    CancelRedemption,
    FulfilRedemption,
    PublishReward,
    RedeemReward,
    RestockReward,
    WithdrawReward,
)
from jifen.ledger.rewards.records import RewardDetails
from jifen.ledger.transactions import Body
from jifen.ledger.types import AccountId


class Signing(Protocol):
    """What these methods need of the builder."""

    def account_of(self, key: bytes) -> AccountId:
        """Return the id of the account that a public key opens on this chain."""
        ...

    def sign(self, body: Body, *signers: KeyPair) -> SealedTransaction:
        """Sign a body with every given key."""
        ...

    def _head(self) -> tuple[int, bytes]: ...


class RewardTransactions:
    """Transactions about rewards, redemptions and cash back."""

    def publish_reward(
        self: Signing, operator: KeyPair, *, reward: str, version: int, details: RewardDetails, stock: int = 0
    ) -> SealedTransaction:
        """Publish a reward or its next version.

        Args:
            operator: key of the organization with scope ADMIN or ISSUER.
            reward: its id, `<organization>/<reward>`.
            version: the newest one's and 1; a new reward begins with 1.
            details: what it promises.
            stock: units put in stock beside those there are; 0 for a reward with codes.
        """
        return self.sign(PublishReward(*self._head(), reward, version, details, stock), operator)

    def add_reward_codes(
        self: Signing, operator: KeyPair, *, reward: str, commitments: Sequence[bytes]
    ) -> SealedTransaction:
        """Put codes in stock by their commitments (`client.rewards.committed_code`), at most CODES_MAX at once."""
        return self.sign(AddRewardCodes(*self._head(), reward, tuple(commitments)), operator)

    def restock_reward(self: Signing, operator: KeyPair, *, reward: str, units: int) -> SealedTransaction:
        """Put units of a reward without codes in stock; `operator` has scope ADMIN or ISSUER."""
        return self.sign(RestockReward(*self._head(), reward, units), operator)

    def withdraw_reward(self: Signing, operator: KeyPair, *, reward: str) -> SealedTransaction:
        """Let nobody redeem a reward until its next version; `operator` has scope ADMIN or ISSUER."""
        return self.sign(WithdrawReward(*self._head(), reward), operator)

    def redeem_reward(
        self: Signing,
        pair: KeyPair,
        *,
        reward: str,
        version: int,
        point_type: str,
        points: int,
        account: bytes | None = None,
    ) -> SealedTransaction:
        """Take a reward for points, signed by the member's key.

        Args:
            pair: the account's current key.
            reward: its id.
            version: the one the member has seen; another is not redeemed.
            point_type: what it is paid with.
            points: the price the member has seen; at another it is not redeemed.
            account: that of `pair` unless it is named.
        """
        payer = self.account_of(pair.public) if account is None else account
        return self.sign(RedeemReward(*self._head(), payer, reward, version, point_type, points), pair)

    def fulfil_redemption(self: Signing, operator: KeyPair, *, reward: str, number: int) -> SealedTransaction:
        """Say that a reward was handed over; `operator` has scope CASHIER or ISSUER."""
        return self.sign(FulfilRedemption(*self._head(), reward, number), operator)

    def cancel_redemption(
        self: Signing, operator: KeyPair, *, reward: str, number: int, reason: str
    ) -> SealedTransaction:
        """Give the points of an unfulfilled redemption back; `operator` has scope CASHIER or ISSUER."""
        return self.sign(CancelRedemption(*self._head(), reward, number, reason), operator)

    def set_cashback_policy(
        self: Signing,
        administrator: KeyPair,
        *,
        point_type: str,
        price: Rate,
        minimum_points: int,
        day_points: int,
        month_points: int,
        due_days: int,
    ) -> SealedTransaction:
        """Say what an issuer pays for points of a type.

        Args:
            administrator: key of the issuer with scope ADMIN.
            point_type: one of the issuer's.
            price: `price.fen` fen for `price.points` points; at most the settlement price.
            minimum_points: fewest points of a request.
            day_points: most points of a member in a day of the issuer's; 0: pay nothing from now on.
            month_points: most points of a member in a month of the issuer's.
            due_days: days after which an unpaid request is overdue.
        """
        issuer = point_type.partition("/")[0]
        caps = (minimum_points, day_points, month_points)
        body = SetCashbackPolicy(*self._head(), issuer, point_type, price, *caps, due_days)
        return self.sign(body, administrator)

    def request_cashback(
        self: Signing, pair: KeyPair, *, point_type: str, points: int, amount_fen: int, account: bytes | None = None
    ) -> SealedTransaction:
        """Ask the issuer for money in place of points, signed by the member's key; of `amount_fen` or not at all."""
        asker = self.account_of(pair.public) if account is None else account
        return self.sign(RequestCashback(*self._head(), asker, point_type, points, amount_fen), pair)

    def confirm_cashback(
        self: Signing, treasurer: KeyPair, *, point_type: str, number: int, reference_hash: bytes
    ) -> SealedTransaction:
        """Say that the money was paid, with the 32-byte hash of the bank's reference; scope TREASURER."""
        return self.sign(ConfirmCashback(*self._head(), point_type, number, reference_hash), treasurer)

    def reject_cashback(
        self: Signing, treasurer: KeyPair, *, point_type: str, number: int, reason: str
    ) -> SealedTransaction:
        """Say that no money will be paid, and give the points back; scope TREASURER."""
        return self.sign(RejectCashback(*self._head(), point_type, number, reason), treasurer)
