"""A node without consensus, disk or network: the real ledger and executor behind the facade of `jifen.actors.node`.

It commits a block whenever a test says so (`commit`) or when a submission waits for one, and its clock is a number that
only tests move. The API's tests run against it; whatever they rely on here must hold for the real node too.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar, final

import trio

from jifen.actors.node import BlockNotHeld, NodeStatus, PeerStatus, RefusedBlock, SubmitResult, SubmitStatus
from jifen.chain.anchor import genesis_block
from jifen.chain.executor import ExecutedBlock, Executor
from jifen.chain.gateway import open_transaction
from jifen.chain.memory import MemoryState
from jifen.chain.sealing import seal
from jifen.codec.blocks import block_hash, decode_block
from jifen.codec.errors import Malformed
from jifen.codec.genesis import chain_id
from jifen.codec.records import decode_record
from jifen.codec.transactions import TRANSACTION_BYTES_MAX
from jifen.consensus.messages import Certificate
from jifen.keys.signing import KeyPair
from jifen.keys.verification import false_claims
from jifen.ledger import state
from jifen.ledger.checkpoints.attesting import read_checkpoints
from jifen.ledger.checkpoints.records import Checkpoints
from jifen.ledger.evidence.records import EvidenceAgainst
from jifen.ledger.evidence.statements import Evidence
from jifen.ledger.genesis import Genesis, ValidatorAddress
from jifen.ledger.governance.validators import read_validator_set
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.rules.records import OrderLine
from jifen.ledger.swaps.records import SwapOffer
from jifen.ledger.terms.bodies import ConfirmOrder
from jifen.ledger.terms.records import PointType
from jifen.ledger.transactions import Body, EarnPoints, RefundOrder, Transaction, accounts_of_roles
from jifen.ledger.types import (
    Account,
    Holding,
    Operator,
    Organization,
    OrganizationKind,
    OrganizationStatus,
    Record,
    RoleClass,
    Scope,
    Supply,
)
from jifen.store.evidence import EvidenceRecord, joined
from jifen.store.records import BlockRecord, TransactionRecord

R = TypeVar("R", bound=Record)

MASTER = bytes(range(32))
"""Secret from which the fake alliance derives its keys: it guards nothing."""

CREATED_AT = 1_767_225_600_000
"""Block time of genesis, ms: 2026-01-01T00:00:00Z."""

NAMES = {"mall": "Starlight Mall", "books": "Paper & Ink", "music": "North Music", "tea": "Cloud Tea"}


def fake_genesis(public_port: int = 8080) -> Genesis:
    """Return the genesis of a mall and three merchants, whose keys are derived from `MASTER`."""
    organizations = tuple(
        Organization(
            id=name,
            name=NAMES[name],
            kind=OrganizationKind.MALL if name == "mall" else OrganizationKind.MERCHANT,
            status=OrganizationStatus.ACTIVE,
            operators=(
                Operator(operator_of(name).public, Scope.ADMIN | Scope.ISSUER | Scope.CASHIER | Scope.TREASURER),
            ),
            validator_key=KeyPair.derive(MASTER, f"validator/{name}").public,
        )
        for name in NAMES
    )
    point_types = tuple(PointType(f"{name}/consumer", name, RoleClass.CONSUMER, 1, 1, 100) for name in NAMES)
    validators = tuple(
        ValidatorAddress(name, "127.0.0.1", 8180 + index, f"http://127.0.0.1:{public_port + index}", "")
        for index, name in enumerate(NAMES)
    )
    return Genesis(1, "Fake Alliance", CREATED_AT, organizations, point_types, validators)


def operator_of(organization: str) -> KeyPair:
    """Return the operator key of an organization of the fake alliance."""
    return KeyPair.derive(MASTER, f"operator/{organization}")


@final
class FakeView:
    """One snapshot: a copy of the records and of the list of blocks."""

    def __init__(
        self, records: MemoryState, blocks: tuple[BlockRecord, ...], base_height: int, kept: Sequence[Evidence]
    ) -> None:
        self._records = records
        self._kept_evidence = tuple(kept)
        self.base_height = base_height
        self.first_height = base_height + 1
        self._blocks = blocks
        tip = blocks[-1]
        self.height = tip.header.height
        self.block_hash = tip.hash
        self.block_time = tip.header.time
        self.state_digest = tip.header.state_digest
        self.closed = False

    def get(self, key: bytes) -> Record | None:
        """Return a record; only while the snapshot is open."""
        assert not self.closed, "a closed snapshot was read"
        return self._records.get(key)

    def range(self, start: bytes, stop: bytes, limit: int) -> list[tuple[bytes, Record]]:
        """As in the facade."""
        assert not self.closed, "a closed snapshot was read"
        return self._records.range(start, stop, limit)

    def account(self, account: bytes) -> Account | None:
        """As in the facade."""
        return read(self, state.account_key(account), Account)

    def holdings(self, account: bytes) -> list[tuple[str, Holding]]:
        """As in the facade."""
        return [(key[21:].decode(), record) for key, record in self._of(state.HOLDING + account, Holding)]

    def organizations(self) -> list[Organization]:
        """As in the facade."""
        return [record for _, record in self._of(state.ORGANIZATION, Organization)]

    def point_types(self) -> list[PointType]:
        """As in the facade."""
        return [record for _, record in self._of(state.POINT_TYPE, PointType)]

    def supply(self, point_type: str) -> Supply:
        """As in the facade."""
        supply = read(self, state.supply_key(point_type), Supply)
        if supply is None:
            raise KeyError(point_type)
        return supply

    def block(self, height: int) -> BlockRecord | None:
        """As in the facade."""
        assert not self.closed, "a closed snapshot was read"
        if not self.holds(height):
            raise BlockNotHeld(height, self.first_height)
        return self._blocks[height] if 0 <= height <= self.height else None

    def holds(self, height: int) -> bool:
        """As in the facade."""
        return height == 0 or height > self.base_height

    def checkpoints(self) -> Checkpoints:
        """As in the facade."""
        return read_checkpoints(self)

    def evidence(self) -> list[EvidenceRecord]:
        """As in the facade."""
        recorded = self._of(state.EVIDENCE, EvidenceAgainst)
        return joined(self._kept_evidence, ((key[1:].decode(), against) for key, against in recorded))

    def transaction(self, id: bytes) -> TransactionRecord | None:
        """As in the facade, by looking through all blocks."""
        for block in self._blocks:
            for index, receipt in enumerate(block.receipts):
                if receipt.transaction_id == id:
                    return TransactionRecord(id, block.transactions[index], block.header.height, index, receipt)
        return None

    def _of(self, prefix: bytes, kind: type[R]) -> Iterator[tuple[bytes, R]]:
        for key in sorted(self._records.records):
            if key.startswith(prefix):
                record = self.get(key)
                assert isinstance(record, kind)
                yield key, record


@final
class FakeNode:
    """The facade over an executor that commits at once.

    Invariant: `_blocks[h]` is the committed block of height h; `_records` is the state after the last of them.
    """

    def __init__(self, organization: str = "mall", *, genesis: Genesis | None = None) -> None:
        self.genesis = genesis or fake_genesis()
        self.organization = organization
        self.validator = organization
        self.chain_id = chain_id(self.genesis)
        start = genesis_block(self.chain_id, self.genesis)
        self._records = MemoryState(start.writes)
        self._blocks: list[BlockRecord] = [_record_of(start, None)]
        self._executor = Executor(self.chain_id, self._records, start.tip)
        self._pending: dict[bytes, Transaction] = {}
        self._changed = trio.Event()
        self.time = CREATED_AT
        """The clock, ms. Only tests move it."""
        self.role = "leader"
        self.refused_block: RefusedBlock | None = None
        self.connected = {item.organization for item in self.genesis.validators}
        """Peers with a link; who is admitted later is none at first."""
        self.term = 1
        self.leader: str | None = organization
        self.base_height = 0
        """Blocks up to here, but for block 0, count as dropped."""
        self.kept_evidence: list[Evidence] = []
        """What this validator holds proof of, recorded or not."""
        self.holds_commits = False
        """While true, submissions stay pending until `commit` is called."""
        self.open_views = 0
        """Snapshots open now: 0 between requests, or a reader leaks."""
        self.views_opened = 0
        """Snapshots ever opened."""
        self.submissions: list[tuple[list[bytes], bool]] = []
        """What `submit` was called with: transactions and `wait`."""

    @property
    def height(self) -> int:
        """Committed height."""
        return len(self._blocks) - 1

    def status(self) -> NodeStatus:
        """As in the facade."""
        tip = self._blocks[-1]
        peers = tuple(
            PeerStatus(name, name in self.connected, "")
            for name in read_validator_set(self._records).all
            if name != self.validator
        )
        return NodeStatus(
            chain_id=self.chain_id,
            chain_name=self.genesis.name,
            organization=self.organization,
            role=self.role,
            term=self.term,
            leader=self.leader,
            height=self.height,
            log_height=self.height,
            state_digest=tip.header.state_digest,
            block_hash=tip.hash,
            block_time=tip.header.time,
            pending_transactions=len(self._pending),
            peers=peers,
            refused_block=self.refused_block,
        )

    @contextmanager
    def read(self) -> Iterator[FakeView]:
        """As in the facade."""
        view = FakeView(
            MemoryState(self._records.records.items()), tuple(self._blocks), self.base_height, self.kept_evidence
        )
        self.open_views += 1
        self.views_opened += 1
        try:
            yield view
        finally:
            view.closed = True
            self.open_views -= 1

    async def wait_for_height(self, height: int, timeout_seconds: float) -> bool:
        """As in the facade."""
        with trio.move_on_after(timeout_seconds):
            while self.height < height:
                await self._changed.wait()
        return self.height >= height

    async def read_index(self, timeout_seconds: float) -> int | None:  # noqa: ARG002
        """As in the facade; this node is its own quorum."""
        await trio.lowlevel.checkpoint()
        return self.height

    def commit(self, *, leave_joint: bool = False) -> int:
        """Commit everything pending as one block, even when that is nothing, and return its height."""
        self.time += 1000
        built = self._executor.build(
            self._pending.values(),
            term=self.term,
            proposer=self.organization,
            time=self.time,
            leave_joint=leave_joint,
        )
        self._pending = {}
        executed = self._executor.commit()
        assert executed is built
        self._records.write(executed.writes)
        self._executor.state.forget_flushed(executed.tip.height)
        certificate = Certificate(executed.tip.height, self.term, executed.tip.hash, 0b0111, (bytes(64),) * 3)
        self._blocks.append(_record_of(executed, certificate))
        changed, self._changed = self._changed, trio.Event()
        changed.set()
        return self.height

    def is_pending(self, identity: bytes) -> bool:
        """Tell whether a submitted transaction waits for `commit`."""
        return identity in self._pending

    async def submit(self, transactions: Sequence[bytes], *, wait: bool, timeout_seconds: float) -> list[SubmitResult]:
        """As in the facade."""
        await trio.lowlevel.checkpoint()
        self.submissions.append((list(transactions), wait))
        taken = [self._take(signed) for signed in transactions]
        if self._pending and not self.holds_commits:
            self.commit()
        if not wait:
            return taken
        with trio.move_on_after(timeout_seconds):
            while self._pending:
                await self._changed.wait()
        return [self._finished(result) if result.status is SubmitStatus.ACCEPTED else result for result in taken]

    def _take(self, signed: bytes) -> SubmitResult:
        if len(signed) > TRANSACTION_BYTES_MAX:
            return _refused(None, "TOO_LARGE", "the transaction is too large; shorten it")
        try:
            transaction, claims = open_transaction(self.chain_id, signed)
        except Malformed as error:
            return _refused(None, "MALFORMED", str(error))
        if false_claims(claims):
            return _refused(transaction.id, "BAD_SIGNATURE", "a signature is not genuine; sign again")
        with self.read() as view:
            known = view.transaction(transaction.id) is not None
        if not known:
            self._pending[transaction.id] = transaction
        return SubmitResult(transaction.id, SubmitStatus.ACCEPTED, None, None, "taken", None)

    def _finished(self, result: SubmitResult) -> SubmitResult:
        assert result.id is not None
        with self.read() as view:
            record = view.transaction(result.id)
        if record is None:
            text = "not committed in time; send the same bytes again"
            return SubmitResult(result.id, SubmitStatus.ACCEPTED, None, "TIMED_OUT", text, None)
        rejection = Rejection(record.receipt.rejection) if record.receipt.rejection else None
        message = f"rejected: {rejection.name}" if rejection else "committed"
        return SubmitResult(result.id, SubmitStatus.COMMITTED, rejection, None, message, record.height)

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
        """As in the facade."""
        guide, store, distributor = accounts_of_roles(roles)
        body = EarnPoints(
            expires_at=self.time + 3_600_000,
            nonce=bytes(8),
            merchant=self.organization,
            order_id=order_id,
            account=account,
            point_type=point_type or f"{self.organization}/consumer",
            amount_fen=amount_fen,
            purchased_at=self.time,
            items=items,
            guide=guide,
            store=store,
            distributor=distributor,
        )
        return await self._submit_signed(body, timeout_seconds)

    async def confirm(self, *, order_id: str, timeout_seconds: float) -> SubmitResult:
        """As in the facade."""
        body = ConfirmOrder(self.time + 3_600_000, bytes(8), self.organization, order_id)
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
        """As in the facade."""
        body = RefundOrder(self.time + 3_600_000, bytes(8), self.organization, order_id, refund_id, amount_fen, items)
        return await self._submit_signed(body, timeout_seconds)

    async def _submit_signed(self, body: Body, timeout_seconds: float) -> SubmitResult:
        signed = self.sign(body, operator_of(self.organization))
        [result] = await self.submit([signed], wait=True, timeout_seconds=timeout_seconds)
        return result

    def sign(self, body: Body, key: KeyPair) -> bytes:
        """Return the signed bytes of a body."""
        return seal(self.chain_id, body, key).signed

    @asynccontextmanager
    async def subscribe_blocks(self, after: int | None) -> AsyncGenerator[AsyncIterator[int], None]:
        """As in the facade."""
        yield _Heights(self, self.height - 1 if after is None else after)

    @asynccontextmanager
    async def subscribe_account(self, account: bytes) -> AsyncGenerator[AsyncIterator[int], None]:
        """As in the facade."""
        yield _ChangedHeights(self, lambda: self.holding_records(account))

    @asynccontextmanager
    async def subscribe_board(self, give_type: str, want_type: str) -> AsyncGenerator[AsyncIterator[int], None]:
        """As in the facade."""
        yield _ChangedHeights(self, lambda: self.offer_records(give_type, want_type))

    async def wait_for_change(self, seen: int) -> None:
        """Wait until the height is above `seen`."""
        while self.height <= seen:
            await self._changed.wait()

    def holding_records(self, account: bytes) -> list[bytes]:
        """Return the encoded holdings of an account."""
        return [data for key, data in sorted(self._records.records.items()) if key.startswith(state.HOLDING + account)]

    def offer_records(self, give_type: str, want_type: str) -> list[bytes]:
        """Return the encoded offers of a pair."""
        known = sorted(self._records.records.items())
        offers = [(data, decode_record(key, data)) for key, data in known if key[:1] == state.OFFER]
        return [
            data
            for data, offer in offers
            if isinstance(offer, SwapOffer)
            and (offer.give_type, offer.want_type, offer.counterparty) == (give_type, want_type, None)
        ]


class _Heights:
    """Every height above `after`, in order, as soon as it is committed."""

    def __init__(self, node: FakeNode, after: int) -> None:
        self._node = node
        self._seen = after

    def __aiter__(self) -> _Heights:
        return self

    async def __anext__(self) -> int:
        await trio.lowlevel.checkpoint()
        await self._node.wait_for_change(self._seen)
        self._seen += 1
        return self._seen


class _ChangedHeights:
    """The height at once, and then the newest one whenever some records have changed."""

    def __init__(self, node: FakeNode, records: Callable[[], list[bytes]]) -> None:
        self._node = node
        self._records = records
        self._seen: int | None = None
        self._told: list[bytes] = []

    def __aiter__(self) -> _ChangedHeights:
        return self

    async def __anext__(self) -> int:
        await trio.lowlevel.checkpoint()
        while True:
            if self._seen is not None:
                await self._node.wait_for_change(self._seen)
            records = self._records()
            first, self._seen = self._seen is None, self._node.height
            if first or records != self._told:
                self._told = records
                return self._seen


def _refused(identity: bytes | None, error: str, message: str) -> SubmitResult:
    return SubmitResult(identity, SubmitStatus.REFUSED, None, error, message, None)


def _record_of(executed: ExecutedBlock, certificate: Certificate | None) -> BlockRecord:
    block = decode_block(executed.payload)
    assert block_hash(block.header) == executed.tip.hash
    return BlockRecord(
        block.header, executed.tip.hash, block.transactions, executed.receipts, executed.agenda, certificate
    )
