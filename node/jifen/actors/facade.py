"""The facade: everything the API may know of a validator or ask of it."""

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Final, final

import msgspec
import trio

from jifen.actors.checkpoints import CheckpointActor
from jifen.actors.clock import Clock
from jifen.actors.consensus import ConsensusActor, RefusedBlock
from jifen.actors.links import PeerLinks, PeerStatus
from jifen.actors.mempool import Mempool, SubmitResult
from jifen.actors.setup import NodeSetup
from jifen.actors.subscriptions import SubscriptionHub
from jifen.chain.sealing import seal
from jifen.consensus.types import Role
from jifen.keys.signing import KeyPair
from jifen.ledger.genesis import Genesis
from jifen.ledger.governance.bodies import ActivateValidator
from jifen.ledger.governance.validators import Validator
from jifen.ledger.records import read
from jifen.ledger.rules.records import OrderLine
from jifen.ledger.state import validator_key
from jifen.ledger.terms.bodies import ConfirmOrder
from jifen.ledger.transactions import Body, EarnPoints, RefundOrder, accounts_of_roles
from jifen.ledger.types import RoleClass
from jifen.store.ledger_store import LedgerStore
from jifen.store.view import ReadView

TILL_LIFETIME_MS: Final = 10 * 60 * 1000
"""How long a purchase credited through the admin API may wait for a leader."""


class NodeStatus(msgspec.Struct, frozen=True):
    """State of a validator at one moment."""

    chain_id: bytes
    chain_name: str
    organization: str
    role: str
    """Raft role: leader, follower, candidate or pre-candidate."""
    term: int
    leader: str | None
    height: int
    """Committed and readable height."""
    log_height: int
    """Height of the last entry of the log, committed or not."""
    state_digest: bytes
    block_hash: bytes
    block_time: int
    """Block time at `height`, ms."""
    pending_transactions: int
    """Taken in here and not committed yet."""
    peers: tuple[PeerStatus, ...]
    snapshot_height: int | None = None
    """Height of the newest certified snapshot that is held here, or None."""
    refused_block: RefusedBlock | None = None
    """Latest block that this validator could not reproduce, until its height is committed: its maker is damaged, or
    this validator is."""


@final
class Node:
    """What the API may do with a validator."""

    def __init__(
        self,
        *,
        setup: NodeSetup,
        chain: bytes,
        store: LedgerStore,
        consensus: ConsensusActor,
        checkpoints: CheckpointActor,
        mempool: Mempool,
        hub: SubscriptionHub,
        links: PeerLinks,
        clock: Clock,
        draws: random.Random,
    ) -> None:
        self.genesis: Genesis = setup.genesis
        self.organization = setup.organization
        self.validator = setup.validator
        self.chain_id = chain
        self.validator = setup.validator
        self._operator_key = setup.operator_key
        self._validator_key = setup.validator_key
        self._store = store
        self._consensus = consensus
        self._checkpoints = checkpoints
        self._mempool = mempool
        self._hub = hub
        self._links = links
        self._clock = clock
        self._draws = draws

    def status(self) -> NodeStatus:
        """Return how the validator stands now."""
        raft, tip = self._consensus.raft, self._store.tip
        return NodeStatus(
            chain_id=self.chain_id,
            chain_name=self.genesis.name,
            organization=self.organization,
            role=raft.role.value,
            term=raft.term,
            leader=raft.leader,
            height=tip.height,
            log_height=raft.last_height,
            state_digest=tip.header.state_digest,
            block_hash=tip.hash,
            block_time=tip.header.time,
            pending_transactions=self._mempool.pending,
            peers=self._links.status(),
            snapshot_height=self._checkpoints.newest,
            refused_block=self._consensus.refused,
        )

    def read(self) -> AbstractContextManager[ReadView]:
        """Open a snapshot at one height; read it synchronously and let it go."""
        return self._store.view()

    async def wait_for_height(self, height: int, timeout_seconds: float) -> bool:
        """Wait until `height` is readable here; False when it is not in time."""
        if height <= self._hub.height:
            await trio.lowlevel.checkpoint()
            return True
        with trio.move_on_after(timeout_seconds):
            await self._hub.wait_for(height)
            return True
        return False

    async def read_index(self, timeout_seconds: float) -> int | None:
        """Return a height that is current: it includes whatever any validator has confirmed before this call.

        Wait for it (`wait_for_height`), then read. None when no leader vouches for a height in time.
        """
        with trio.move_on_after(timeout_seconds):
            return await self._consensus.read_index()
        return None

    async def hand_over(self, timeout_seconds: float) -> None:
        """Before stopping: let another lead if this validator does, and see what was taken in here committed by it.

        Returns at once on a validator that does not lead, and at the latest when the time is over.
        """
        with trio.move_on_after(timeout_seconds):
            if self._consensus.raft.role is not Role.LEADER:
                return
            await self._consensus.hand_over()
            await self._mempool.drain(timeout_seconds)

    def is_pending(self, identity: bytes) -> bool:
        """Tell whether a transaction was taken in by this validator and is not committed yet."""
        return self._mempool.holds(identity)

    async def submit(self, transactions: Sequence[bytes], *, wait: bool, timeout_seconds: float) -> list[SubmitResult]:
        """Take signed transactions in; with `wait`, answer when they are committed or the time is over."""
        return await self._mempool.submit(transactions, wait=wait, timeout_seconds=timeout_seconds)

    async def earn(
        self,
        *,
        order_id: str,
        account: bytes,
        amount_fen: int,
        point_type: str | None,
        timeout_seconds: float,
        items: tuple[OrderLine, ...] = (),
        roles: Mapping[RoleClass, bytes] | None = None,
    ) -> SubmitResult:
        """Credit a purchase with this organization's points, signed by the operator key of this validator.

        Raises Malformed when an argument is out of range. `point_type` defaults to this organization's consumer points;
        `roles` names the accounts of guide, store and distributor.
        """
        guide, store, distributor = accounts_of_roles(roles)
        now = self._clock()
        body = EarnPoints(
            expires_at=now + TILL_LIFETIME_MS,
            nonce=self._draws.randbytes(12),
            merchant=self.organization,
            order_id=order_id,
            account=account,
            point_type=point_type or f"{self.organization}/consumer",
            amount_fen=amount_fen,
            purchased_at=now,
            items=items,
            guide=guide,
            store=store,
            distributor=distributor,
        )
        return await self._submit_signed(body, timeout_seconds)

    async def confirm(self, *, order_id: str, timeout_seconds: float) -> SubmitResult:
        """Make the points of an order available that waited for this, signed by the operator key of this validator.

        Raises Malformed when the order id is out of range.
        """
        nonce = self._draws.randbytes(12)
        body = ConfirmOrder(self._clock() + TILL_LIFETIME_MS, nonce, self.organization, order_id)
        return await self._submit_signed(body, timeout_seconds)

    async def refund(
        self,
        *,
        order_id: str,
        refund_id: str,
        amount_fen: int,
        timeout_seconds: float,
        items: tuple[OrderLine, ...] = (),
    ) -> SubmitResult:
        """Take back what a refunded part of an order has earned, signed by the operator key of this validator.

        Raises Malformed when an argument is out of range.
        """
        body = RefundOrder(
            expires_at=self._clock() + TILL_LIFETIME_MS,
            nonce=self._draws.randbytes(12),
            merchant=self.organization,
            order_id=order_id,
            refund_id=refund_id,
            amount_fen=amount_fen,
            items=items,
        )
        return await self._submit_signed(body, timeout_seconds)

    def own_record(self) -> Validator | None:
        """Return what the ledger has about this validator, or None when it knows none of that id."""
        with self.read() as view:
            return read(view, validator_key(self.validator), Validator)

    async def activate(self, *, timeout_seconds: float) -> SubmitResult:
        """Ask the ledger to make this observer a voter, signed by its validator key."""
        body = ActivateValidator(self._clock() + TILL_LIFETIME_MS, self._draws.randbytes(12), self.validator)
        return await self._submit_signed(body, timeout_seconds, self._validator_key)

    async def _submit_signed(self, body: Body, timeout_seconds: float, key: KeyPair | None = None) -> SubmitResult:
        sealed = seal(self.chain_id, body, key or self._operator_key)
        [result] = await self.submit([sealed.signed], wait=True, timeout_seconds=timeout_seconds)
        return result

    def subscribe_blocks(self, after: int | None) -> AbstractAsyncContextManager[AsyncIterator[int]]:
        """Yield committed heights above `after` without a gap (None: from the newest on)."""
        return self._hub.blocks(after)

    def subscribe_account(self, account: bytes) -> AbstractAsyncContextManager[AsyncIterator[int]]:
        """Yield the height at once, then the newest height whenever the account's points changed."""
        return self._hub.account(account)

    def subscribe_board(self, give_type: str, want_type: str) -> AbstractAsyncContextManager[AsyncIterator[int]]:
        """Yield the height at once, then the newest height whenever the offers of this pair to everybody changed."""
        return self._hub.board(give_type, want_type)
