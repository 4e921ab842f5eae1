"""A chain small enough for a test: real keys, signatures, blocks and certificates; no disk, no network, no waiting."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, final

import msgspec

from jifen.chain.anchor import genesis_block
from jifen.chain.executor import ExecutedBlock, Executor
from jifen.chain.gateway import open_transaction
from jifen.chain.memory import MemoryState
from jifen.chain.sealing import SealedTransaction, seal
from jifen.chain.statements import proposal
from jifen.chain.validators import Validators
from jifen.codec.blocks import decode_block
from jifen.codec.genesis import chain_id
from jifen.consensus.messages import Certificate, Entry
from jifen.keys.signing import KeyPair
from jifen.keys.verification import false_claims
from jifen.ledger.genesis import Genesis
from jifen.ledger.members.registering import account_id
from jifen.ledger.transactions import Body, EarnPoints, RegisterMember, Transaction, TransferPoints
from jifen.ledger.types import AccountId
from jifen.testing.small_alliance import CREATED_AT, keys_of, small_genesis

LIFETIME_MS = 60 * 60 * 1000
"""How long a test's transaction may wait for a block."""


class Member(NamedTuple):
    """Somebody with an account, or about to have one."""

    key: KeyPair
    account: AccountId


class Clerk:
    """Writes and signs transactions for one chain; two clerks with the same calls write the same bytes."""

    def __init__(self, chain: bytes, expires_at: int = CREATED_AT + LIFETIME_MS) -> None:
        self.chain_id = chain
        self.expires_at = expires_at
        self._written = 0

    def member(self, name: str) -> Member:
        """Return the member of that name: the same for every call."""
        key = KeyPair.derive(bytes(32), f"{name} member")
        return Member(key, account_id(self.chain_id, key.public))

    def register(self, name: str) -> SealedTransaction:
        """Open the member's account."""
        key = self.member(name).key
        return self.sealed(RegisterMember(self.expires_at, self._nonce(), key.public), key)

    def earn(
        self, name: str, order_id: str, amount_fen: int = 1000, merchant: str = "books", point_type: str | None = None
    ) -> SealedTransaction:
        """Credit a purchase, signed by the merchant's operator."""
        body = EarnPoints(
            expires_at=self.expires_at,
            nonce=self._nonce(),
            merchant=merchant,
            order_id=order_id,
            account=self.member(name).account,
            point_type=point_type or f"{merchant}/consumer",
            amount_fen=amount_fen,
            purchased_at=CREATED_AT,
        )
        return self.sealed(body, keys_of(merchant).operator)

    def transfer(self, sender: str, recipient: str, points: int, issuer: str = "books") -> SealedTransaction:
        """Pass points on, signed by the sender."""
        one, other = self.member(sender), self.member(recipient)
        body = TransferPoints(
            self.expires_at, self._nonce(), one.account, other.account, f"{issuer}/consumer", points, b""
        )
        return self.sealed(body, one.key)

    def sealed(self, body: Body, *keys: KeyPair) -> SealedTransaction:
        """Sign any body with any keys."""
        return seal(self.chain_id, body, *keys)

    def _nonce(self) -> bytes:
        self._written += 1
        return self._written.to_bytes(12, "big")


def opened(chain: bytes, signed: bytes) -> Transaction:
    """Return the checked transaction of signed bytes."""
    transaction, claims = open_transaction(chain, signed)
    assert not false_claims(claims), "a test's transaction is signed badly"
    return transaction


@final
class SmallChain:
    """A validator's view of a chain, and the keys of all validators to certify its blocks with.

    `committed` is the state at the committed height as a store would hold it: records as bytes under their keys.
    """

    def __init__(self, genesis: Genesis | None = None) -> None:
        self.genesis = genesis or small_genesis()
        self.chain_id = chain_id(self.genesis)
        self.anchor = genesis_block(self.chain_id, self.genesis)
        self.committed = MemoryState(self.anchor.writes)
        self.executor = Executor(self.chain_id, self.committed, self.anchor.tip)
        self.clerk = Clerk(self.chain_id)

    @property
    def validators(self) -> Validators:
        """Who certifies the newest executed block."""
        return self.executor.validators

    def build(
        self,
        sealed: Iterable[SealedTransaction | bytes] = (),
        *,
        term: int = 1,
        proposer: str = "mall",
        time: int = CREATED_AT,
        leave_joint: bool = False,
    ) -> ExecutedBlock:
        """Build the next block from signed transactions."""
        items = [item if isinstance(item, bytes) else item.signed for item in sealed]
        candidates = [opened(self.chain_id, item) for item in items]
        built = self.executor.build(candidates, term=term, proposer=proposer, time=time, leave_joint=leave_joint)
        return msgspec.structs.replace(built, proposal=self.proposal(built))

    def execute(self, payload: bytes) -> ExecutedBlock:
        """Execute another validator's block."""
        block = decode_block(payload)
        return self.executor.execute(block, [opened(self.chain_id, item) for item in block.transactions])

    def commit(self) -> ExecutedBlock:
        """Commit the lowest uncommitted block, as the store and then the actors do."""
        executed = self.executor.commit()
        self.committed.write(executed.writes)
        self.executor.state.forget_flushed(executed.tip.height)
        return executed

    def proposal(self, executed: ExecutedBlock) -> bytes:
        """Return the signature of a block's proposer."""
        header = executed.tip.header
        return keys_of(header.proposer).validator.sign(proposal(header))

    def signature(self, validator: str, executed: ExecutedBlock, term: int | None = None) -> bytes:
        """Return a validator's acknowledgement of a block, in the block's term unless another is given."""
        tip = executed.tip
        message = executed.validators.acknowledgement(tip.header.term if term is None else term, tip.height, tip.hash)
        return keys_of(validator).validator.sign(message)

    def certify(
        self, executed: ExecutedBlock, signers: Sequence[str] | None = None, term: int | None = None
    ) -> Certificate:
        """Return a block's certificate by `signers`, by default the first of the set that make its quorums."""
        ids, configuration = executed.validators.ids, executed.validators.configuration
        enough = next(count for count in range(len(ids) + 1) if configuration.has_quorum(ids[:count]))
        places = sorted(ids.index(name) for name in (ids[:enough] if signers is None else signers))
        return Certificate(
            height=executed.tip.height,
            term=executed.tip.header.term if term is None else term,
            hash=executed.tip.hash,
            signers=sum(1 << place for place in places),
            signatures=tuple(self.signature(ids[place], executed, term) for place in places),
        )


def entry_of(executed: ExecutedBlock) -> Entry:
    """Return a block as consensus carries it."""
    tip = executed.tip
    return Entry(tip.height, tip.header.term, tip.hash, tip.header.parent_hash, executed.payload)
