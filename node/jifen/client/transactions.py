"""Building transactions: body, canonical bytes, id, signature, all on the signer's own machine."""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import final

from jifen.chain.sealing import AbsentSigner, SealedTransaction, seal
from jifen.client.payment_transactions import PaymentTransactions
from jifen.client.reward_transactions import RewardTransactions
from jifen.client.swaps import SwapTransactions
from jifen.keys.signing import KeyPair
from jifen.ledger.bonuses.bodies import AdjustPoints, GrantBonus, SetBonusPolicy
from jifen.ledger.bonuses.records import AdjustmentReason, BonusCause, BonusPolicy, Direction
from jifen.ledger.draws.bodies import (
    CancelDraw,
    CommitToDraw,
    CreateDraw,
    EnterDraw,
    FulfilPrize,
    KeepDrawSecrets,
    Piece,
    RevealSecret,
)
from jifen.ledger.draws.records import DrawTerms
from jifen.ledger.evidence.records import RecordEvidence
from jifen.ledger.evidence.statements import Evidence
from jifen.ledger.governance.bodies import ActivateValidator, ProposeChange, VoteOnProposal, WithdrawProposal
from jifen.ledger.governance.changes import Change
from jifen.ledger.members.registering import account_id
from jifen.ledger.rewards.standing_orders import CancelAutoRedemption, SetAutoRedemption
from jifen.ledger.rules.bodies import (
    EndCampaign,
    PublishCampaign,
    PublishEarningRule,
    SetEarningPolicy,
    SetOrganizationTags,
)
from jifen.ledger.rules.records import Campaign, EarningPolicy, EarningRule, OrderLine
from jifen.ledger.terms.bodies import ConfirmOrder, CreatePointType, PublishTerms
from jifen.ledger.terms.records import Terms
from jifen.ledger.tiers.bodies import PublishRecognition, PublishTiers
from jifen.ledger.tiers.records import Recognition, TierProgramme
from jifen.ledger.transactions import Body, EarnPoints, RefundOrder, RegisterMember, TransferPoints, accounts_of_roles
from jifen.ledger.types import AccountId, PublicKey, RoleClass

LIFETIME_MS_DEFAULT = 10 * 60 * 1000
"""How long an unsent transaction stays good: outlasts any election and retry, surprises nobody the next day."""

PROPOSAL_OPEN_MS_DEFAULT = 7 * 24 * 60 * 60 * 1000
"""How long a proposal takes votes: a week, in which every organization meets once."""

NONCE_BYTES = 12
"""Random bytes of a transaction: two of one member's otherwise equal requests never collide."""


def clock_ms() -> int:
    """Return this machine's time, ms since the epoch."""
    return time.time_ns() // 1_000_000


def draw_nonce() -> bytes:
    """Return the random bytes of one transaction."""
    return secrets.token_bytes(NONCE_BYTES)


@final
class TransactionBuilder(RewardTransactions, PaymentTransactions, SwapTransactions):
    """Builds signed transactions for one alliance. Holds no key; may be used from any thread."""

    def __init__(
        self,
        chain_id: bytes,
        *,
        clock: Callable[[], int] = clock_ms,
        nonce: Callable[[], bytes] = draw_nonce,
        lifetime_ms: int = LIFETIME_MS_DEFAULT,
        cosigners: Sequence[PublicKey] = (),
    ) -> None:
        """Build for the chain with this 32-byte id.

        Args:
            chain_id: it is hashed into every transaction, which is worth nothing on another chain.
            clock: gives the time, ms; a transaction expires `lifetime_ms` after it.
            nonce: gives 8 to 16 random bytes.
            lifetime_ms: at most a day (`TRANSACTION_LIFETIME_MS_MAX`).
            cosigners: keys of those who sign whatever is built as well, later and elsewhere, by `add_signatures`; until
                then `missing_signers` names them.
        """
        self.chain_id = chain_id
        self._clock = clock
        self._nonce = nonce
        self._lifetime_ms = lifetime_ms
        self._cosigners = tuple(cosigners)

    def account_of(self, key: bytes) -> AccountId:
        """Return the id of the account that a public key opens on this chain."""
        return account_id(self.chain_id, key)

    def register_member(self, pair: KeyPair) -> SealedTransaction:
        """Open the account of `pair`, signed by it."""
        return self.sign(RegisterMember(*self._head(), pair.public), pair)

    def earn_points(
        self,
        operator: KeyPair,
        *,
        merchant: str,
        order_id: str,
        account: bytes,
        point_type: str,
        amount_fen: int,
        purchased_at: int | None = None,
        items: Sequence[OrderLine] = (),
        roles: Mapping[RoleClass, bytes] | None = None,
    ) -> SealedTransaction:
        """Credit a purchase, signed by an operator of the merchant.

        Args:
            operator: key with scope CASHIER or ISSUER.
            merchant: organization id.
            order_id: the merchant's own number of the order: credited once, however often it is sent.
            account: the member's.
            point_type: one of the merchant's.
            amount_fen: what the order came to, fen.
            purchased_at: time of the purchase, ms; now when left out.
            items: lines of the order that item rules look at, together at most `amount_fen`.
            roles: accounts of the guide who served, the store and the distributor: each earns points of the merchant's
                own type for that role.
        """
        bought = self._clock() if purchased_at is None else purchased_at
        head = (*self._head(), merchant, order_id, account, point_type, amount_fen, bought)
        body = EarnPoints(*head, tuple(items), *accounts_of_roles(roles))
        return self.sign(body, operator)

    def refund_order(
        self,
        operator: KeyPair,
        *,
        merchant: str,
        order_id: str,
        refund_id: str,
        amount_fen: int,
        items: Sequence[OrderLine] = (),
    ) -> SealedTransaction:
        """Take back what a refunded part of an order has earned, signed by an operator of the merchant.

        Args:
            operator: key with scope CASHIER or ISSUER.
            merchant: organization id.
            order_id: the order, as it was credited.
            refund_id: the merchant's own number of the refund: taken in once, however often it is sent.
            amount_fen: what is paid back this time, fen.
            items: lines of the order that are returned, together at most `amount_fen`: what these have earned is taken.
                What is left of the order shares the rest of the refund in proportion.
        """
        body = RefundOrder(*self._head(), merchant, order_id, refund_id, amount_fen, tuple(items))
        return self.sign(body, operator)

    def transfer_points(
        self, pair: KeyPair, *, recipient: bytes, point_type: str, points: int, sender: bytes | None = None
    ) -> SealedTransaction:
        """Pass points on, signed by the sender's key; the sender is the account of `pair` unless it is named."""
        source = self.account_of(pair.public) if sender is None else sender
        return self.sign(TransferPoints(*self._head(), source, recipient, point_type, points, b""), pair)

    def confirm_order(self, operator: KeyPair, *, merchant: str, order_id: str) -> SealedTransaction:
        """Make the points of an order available that waited for this; `operator` has scope CASHIER or ISSUER."""
        return self.sign(ConfirmOrder(*self._head(), merchant, order_id), operator)

    def publish_terms(
        self, administrator: KeyPair, *guarantors: KeyPair, issuer: str, point_type: str, terms: Terms
    ) -> SealedTransaction:
        """Publish the next version of a point type's terms.

        Args:
            administrator: key of the issuer with scope ADMIN.
            guarantors: key of the guarantor with scope TREASURER, where the backing changes.
            issuer: organization id.
            point_type: one of the issuer's.
            terms: its `version` follows the newest one; `effective_from` 0 is now.
        """
        return self.sign(PublishTerms(*self._head(), issuer, point_type, terms), administrator, *guarantors)

    def create_point_type(
        self,
        administrator: KeyPair,
        *guarantors: KeyPair,
        issuer: str,
        role: RoleClass,
        earn_points: int,
        earn_fen: int,
        terms: Terms,
    ) -> SealedTransaction:
        """Let an organization issue points for another role class; signed as `publish_terms` is.

        Args:
            administrator: key of the issuer with scope ADMIN.
            guarantors: key of the guarantor with scope TREASURER, if the terms have a backing.
            issuer: organization id.
            role: whom the points are for.
            earn_points: points for every `earn_fen` fen spent.
            earn_fen: see there.
            terms: version 1, `effective_from` 0.
        """
        body = CreatePointType(*self._head(), issuer, role, earn_points, earn_fen, terms)
        return self.sign(body, administrator, *guarantors)

    def publish_earning_rule(
        self, administrator: KeyPair, *others: KeyPair, issuer: str, point_type: str, rule: EarningRule
    ) -> SealedTransaction:
        """Publish the next version of a point type's earning rule.

        Args:
            administrator: operator of the issuer with scope ADMIN.
            others: one such of every mall whose policy asks for it.
            issuer: organization id.
            point_type: one of the issuer's.
            rule: its version follows the newest one.
        """
        return self.sign(PublishEarningRule(*self._head(), issuer, point_type, rule), administrator, *others)

    def publish_campaign(
        self, administrator: KeyPair, *others: KeyPair, issuer: str, point_type: str, campaign: Campaign
    ) -> SealedTransaction:
        """Publish a campaign; signed as `publish_earning_rule` is."""
        return self.sign(PublishCampaign(*self._head(), issuer, point_type, campaign), administrator, *others)

    def end_campaign(self, administrator: KeyPair, *, issuer: str, point_type: str, campaign: str) -> SealedTransaction:
        """End a campaign before its time."""
        return self.sign(EndCampaign(*self._head(), issuer, point_type, campaign), administrator)

    def set_earning_policy(
        self, administrator: KeyPair, *others: KeyPair, mall: str, policy: EarningPolicy
    ) -> SealedTransaction:
        """Say what the merchants under a mall may promise; `others` are ADMIN of every merchant that comes under it."""
        return self.sign(SetEarningPolicy(*self._head(), mall, policy), administrator, *others)

    def set_organization_tags(
        self, administrator: KeyPair, *, organization: str, regions: Sequence[str], industries: Sequence[str]
    ) -> SealedTransaction:
        """Say where an organization does business, and in what."""
        tags = (tuple(sorted({*regions})), tuple(sorted({*industries})))
        return self.sign(SetOrganizationTags(*self._head(), organization, *tags), administrator)

    def publish_tiers(
        self, administrator: KeyPair, *, organization: str, programme: TierProgramme
    ) -> SealedTransaction:
        """Publish an organization's tiers; `administrator` has scope ADMIN, the version follows the newest one."""
        return self.sign(PublishTiers(*self._head(), organization, programme), administrator)

    def publish_recognition(
        self, administrator: KeyPair, *, organization: str, recognition: Recognition
    ) -> SealedTransaction:
        """Publish whose tiers an organization recognises; signed as `publish_tiers` is."""
        return self.sign(PublishRecognition(*self._head(), organization, recognition), administrator)

    def set_bonus_policy(self, administrator: KeyPair, *, organization: str, policy: BonusPolicy) -> SealedTransaction:
        """Set the limits for bonuses and adjustments; signed as `publish_tiers` is."""
        return self.sign(SetBonusPolicy(*self._head(), organization, policy), administrator)

    def grant_bonus(
        self,
        clerk: KeyPair,
        *others: KeyPair,
        issuer: str,
        account: bytes,
        point_type: str,
        points: int,
        cause: BonusCause,
        cause_key: str,
        reason: str,
        holder: str | None = None,
    ) -> SealedTransaction:
        """Give a member points for something else than a purchase.

        Args:
            clerk: key of the issuer with scope CASHIER or ISSUER, against whose limits it counts.
            others: a second operator, ISSUER or ADMIN, above the policy's limit; for an event another operator, of the
                holder's with scope CASHIER, who has seen the member come.
            issuer: organization id.
            account: the member's.
            point_type: one of the issuer's.
            points: how many.
            cause: why; each can be made use of once.
            cause_key: what makes it unique: the event, `birthday-2027`, a complaint's number.
            reason: a sentence, public for ever: name no person.
            holder: organization that held the event, if it is another.
        """
        head = (*self._head(), issuer, account, point_type, points)
        return self.sign(GrantBonus(*head, cause, cause_key, reason, holder), clerk, *others)

    def adjust_points(
        self,
        clerk: KeyPair,
        *others: KeyPair,
        issuer: str,
        account: bytes,
        point_type: str,
        direction: Direction,
        points: int,
        cause_key: str,
        reason_code: AdjustmentReason,
        reason: str,
        may_owe: bool = False,
    ) -> SealedTransaction:
        """Correct a member's points of the issuer's own.

        Args:
            clerk: key of the issuer with scope ISSUER, against whose limits it counts.
            others: a second operator, ISSUER or ADMIN, above the policy's limit.
            issuer: organization id.
            account: the member's.
            point_type: one of the issuer's.
            direction: CREDIT gives, DEBIT takes.
            points: how many.
            cause_key: the issuer's own number of the adjustment: made once, however often it is sent.
            reason_code: one of the enumerated reasons.
            reason: a sentence, public for ever: name no person.
            may_owe: whether a debit may take more than can be spent; the rest is then owed.
        """
        head = (*self._head(), issuer, account, point_type, direction, points, cause_key)
        return self.sign(AdjustPoints(*head, reason_code, reason, may_owe), clerk, *others)

    def create_draw(
        self, administrator: KeyPair, *, organization: str, draw: str, terms: DrawTerms
    ) -> SealedTransaction:
        """Publish a prize draw; `administrator` has scope ADMIN."""
        return self.sign(CreateDraw(*self._head(), organization, draw, terms), administrator)

    def commit_to_draw(
        self, administrator: KeyPair, *, organization: str, draw: str, committer: str, hashes: tuple[bytes, ...]
    ) -> SealedTransaction:
        """Commit a secret by the hashes of its pieces; `administrator` is one of the committer's."""
        return self.sign(CommitToDraw(*self._head(), organization, draw, committer, hashes), administrator)

    def keep_draw_secrets(
        self, administrator: KeyPair, *, organization: str, draw: str, committer: str
    ) -> SealedTransaction:
        """Confirm that a committer keeps its pieces of all secrets; look whether they fit before (`draws.fits`)."""
        return self.sign(KeepDrawSecrets(*self._head(), organization, draw, committer), administrator)

    def enter_draw(
        self,
        pair: KeyPair,
        *,
        organization: str,
        draw: str,
        point_type: str,
        entries: int = 1,
        account: bytes | None = None,
    ) -> SealedTransaction:
        """Buy entries of a draw, signed by the member; the account is that of `pair` unless it is named."""
        source = self.account_of(pair.public) if account is None else account
        return self.sign(EnterDraw(*self._head(), organization, draw, source, point_type, entries), pair)

    def reveal_secret(
        self, pair: KeyPair, *, organization: str, draw: str, committer: str, pieces: tuple[Piece, ...]
    ) -> SealedTransaction:
        """Show pieces of a committer's secret; `pair` is an operator key of the committer, later any key."""
        return self.sign(RevealSecret(*self._head(), organization, draw, committer, pieces), pair)

    def cancel_draw(self, administrator: KeyPair, *, organization: str, draw: str, reason: str) -> SealedTransaction:
        """Call a draw off, up to its close."""
        return self.sign(CancelDraw(*self._head(), organization, draw, reason), administrator)

    def fulfil_prize(
        self, operator: KeyPair, *, organization: str, draw: str, entry: int, memo_hash: bytes = b""
    ) -> SealedTransaction:
        """Say that the prize of an entry was handed over; `operator` has scope ADMIN or CASHIER."""
        return self.sign(FulfilPrize(*self._head(), organization, draw, entry, memo_hash), operator)

    def set_auto_redemption(
        self,
        pair: KeyPair,
        *,
        organization: str,
        reward: str,
        threshold: int,
        per_day: int,
        until: int,
        account: bytes | None = None,
    ) -> SealedTransaction:
        """Have a reward redeemed by itself whenever a purchase has brought enough points.

        Args:
            pair: the account's current key.
            organization: after purchases where; its consumer points are spent.
            reward: id of the reward.
            threshold: points that must be there to be spent, and the highest price.
            per_day: how often in a day at most, 1 to 10.
            until: last block time, ms, at most 366 days ahead.
            account: that of `pair` unless it is named.
        """
        whose = self.account_of(pair.public) if account is None else account
        body = SetAutoRedemption(*self._head(), whose, organization, reward, threshold, per_day, until)
        return self.sign(body, pair)

    def cancel_auto_redemption(
        self, pair: KeyPair, *, organization: str, account: bytes | None = None
    ) -> SealedTransaction:
        """Take a standing order back; signed as `set_auto_redemption` is."""
        whose = self.account_of(pair.public) if account is None else account
        return self.sign(CancelAutoRedemption(*self._head(), whose, organization), pair)

    def record_evidence(self, pair: KeyPair, evidence: Evidence) -> SealedTransaction:
        """Show the alliance that a validator has contradicted itself; anybody may, signed with any key."""
        return self.sign(RecordEvidence(*self._head(), evidence), pair)

    def propose_change(
        self, operator: KeyPair, *, organization: str, change: Change, open_for_ms: int = PROPOSAL_OPEN_MS_DEFAULT
    ) -> SealedTransaction:
        """Propose a change of the validators, which is the organization's approval of it, too.

        Args:
            operator: key of the organization with scope ADMIN.
            organization: who proposes.
            change: all that is to be decided.
            open_for_ms: how long votes are taken, ms from now; at most thirty days.
        """
        body = ProposeChange(*self._head(), organization, change, self._clock() + open_for_ms)
        return self.sign(body, operator)

    def vote_on_proposal(
        self, operator: KeyPair, *, organization: str, proposal: bytes, approve: bool
    ) -> SealedTransaction:
        """Approve or refuse the proposal of this id; signed by an operator of the organization with scope ADMIN."""
        return self.sign(VoteOnProposal(*self._head(), organization, proposal, approve), operator)

    def withdraw_proposal(self, operator: KeyPair, *, organization: str, proposal: bytes) -> SealedTransaction:
        """Take an own proposal back; signed by an operator of the organization with scope ADMIN."""
        return self.sign(WithdrawProposal(*self._head(), organization, proposal), operator)

    def activate_validator(self, pair: KeyPair, *, validator: str) -> SealedTransaction:
        """Make an observer that has every block a voter; `pair` is its validator key."""
        return self.sign(ActivateValidator(*self._head(), validator), pair)

    def sign(self, body: Body, *signers: KeyPair) -> SealedTransaction:
        """Sign a body with every given key; raises Malformed when a field is out of range."""
        present = [pair.public for pair in signers]
        absent = [AbsentSigner(key) for key in self._cosigners if key not in present]
        return seal(self.chain_id, body, *signers, *absent)

    def _head(self) -> tuple[int, bytes]:
        return self._clock() + self._lifetime_ms, self._nonce()
