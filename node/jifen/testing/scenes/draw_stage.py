"""The scene's ledger on a stage with a draw of the mall's: members with points, blocks that follow one another.

Whatever is done is checked against every invariant at the end of each block.
"""

from typing import Any, final

from jifen.ledger.agenda import work_off
from jifen.ledger.apply import apply_transaction
from jifen.ledger.context import BlockContext
from jifen.ledger.draws.bodies import CreateDraw, EnterDraw
from jifen.ledger.draws.records import Draw, DrawEntry, read_draw
from jifen.ledger.genesis import write_genesis
from jifen.ledger.invariants import check_all
from jifen.ledger.receipts import AnyEffect
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import (
    DRAW_ENTRY,
    POSITION,
    WorkingState,
    account_key,
    after_prefix,
    holding_key,
    supply_key,
)
from jifen.ledger.terms.bodies import PublishTerms
from jifen.ledger.terms.records import RollingExpiry, Terms
from jifen.ledger.transactions import Body, EarnPoints, RegisterMember
from jifen.ledger.types import EMPTY_HOLDING, Holding, Lot, Supply
from jifen.testing.memory import Memory
from jifen.testing.naive.scene import CHAIN_ID, DAY_MS, START, account_of, key_of, scene, transaction
from jifen.testing.scenes.draw import COMMITTERS, draw_terms, preparations, revealing

DRAW = "spring"


@final
class DrawStage:
    """The ledger in an open block."""

    def __init__(self, **terms: Any) -> None:
        """Publish and open a draw that closes with the third block; `terms` are put into those of the scene."""
        self.state = WorkingState(Memory(), 0)
        self.state.begin_block()
        write_genesis(self.state, scene())
        self.time = START
        self.told: list[AnyEffect] = []
        """What the agenda did, the oldest first."""
        self._count = 0
        self.terms = draw_terms(START, 3, **terms)
        self.created = CreateDraw(START + DAY_MS, bytes(8), "mall", DRAW, self.terms)
        self.let_books_be_taken()
        assert not isinstance(self.take(self.created, "mall admin"), Rejection)
        for body, signer in preparations(self.created, START + DAY_MS, bytes(8)):
            assert not isinstance(self.take(body, signer), Rejection)

    def nonce(self) -> bytes:
        """Return bytes never used before."""
        self._count += 1
        return self._count.to_bytes(8, "big")

    @property
    def context(self) -> BlockContext:
        """The open block."""
        return BlockContext(CHAIN_ID, self.state.height + 1, self.time)

    @property
    def draw(self) -> Draw:
        """The draw as it is now."""
        found = read_draw(self.state, "mall", DRAW)
        assert found is not None, "the draw is gone"
        return found

    def take(self, body: Body, *signers: str) -> tuple[AnyEffect, ...] | Rejection:
        """Apply a transaction and return its effects, or why it was rejected."""
        item = transaction(body, *map(key_of, signers))
        receipt = apply_transaction(self.state, item, self.context)
        return Rejection(receipt.rejection) if receipt.rejection else receipt.effects

    def let_books_be_taken(self) -> None:
        """Have points of books accepted by the mall, a fen for ten; they expire after thirty days."""
        terms = Terms(
            version=2, accepted_by=("mall",), settlement_points=10, settlement_fen=1, expiry=RollingExpiry(30)
        )
        self.publish_of_books(terms)

    def publish_of_books(self, terms: Terms) -> None:
        """Publish terms of books' points."""
        body = PublishTerms(self.time + DAY_MS, self.nonce(), "books", "books/consumer", terms)
        assert not isinstance(self.take(body, "books admin"), Rejection)

    def member(self, name: str, mall_points: int = 1000, books: bool = False) -> bytes:
        """Open somebody's account with points of the mall's, and a thousand million of books'; return its id."""
        account = account_of(key_of(name))
        if read_account(self.state, account):
            return account
        body = RegisterMember(self.time + DAY_MS, self.nonce(), key_of(name))
        assert not isinstance(self.take(body, name), Rejection)
        self.earn("mall", account, mall_points * 10)
        if books:
            self.earn("books", account, 1)
        return account

    def earn(self, merchant: str, account: bytes, fen: int) -> None:
        """Credit a purchase."""
        order = f"o{self._count}"
        kind = f"{merchant}/consumer"
        body = EarnPoints(self.time + DAY_MS, self.nonce(), merchant, order, account, kind, fen, 7)
        assert not isinstance(self.take(body, f"{merchant} till"), Rejection)

    def enter(
        self, name: str, entries: int = 1, point_type: str = "mall/consumer"
    ) -> tuple[AnyEffect, ...] | Rejection:
        """Buy entries."""
        body = EnterDraw(self.time + DAY_MS, self.nonce(), "mall", DRAW, account_of(key_of(name)), point_type, entries)
        return self.take(body, name)

    def reveal(self, committer: str, *indexes: int, by: str = "") -> tuple[AnyEffect, ...] | Rejection:
        """Show a secret, or pieces of it, by its committer unless another is named."""
        body = revealing(self.created, committer, self.time + DAY_MS, self.nonce(), *indexes)
        return self.take(body, f"{by or committer} admin")

    def reveal_all(self) -> tuple[AnyEffect, ...]:
        """Show all secrets and return the last one's effects."""
        effects: tuple[AnyEffect, ...] | Rejection = ()
        for name in COMMITTERS:
            effects = self.reveal(name)
            assert not isinstance(effects, Rejection), effects
        assert not isinstance(effects, Rejection)
        return effects

    def next_block(self, later: int = 1000) -> list[AnyEffect]:
        """Close the block, check everything, and open one so many ms later; return what that did by itself."""
        self.state.end_block()
        check_all(self.state.range(b"", b"\xff", 10_000_000))
        self.time += later
        self.state.begin_block()
        effects = [effect for receipt in work_off(self.state, self.context) for effect in receipt.effects]
        self.told += effects
        return effects

    def close(self) -> None:
        """Go on to the first block above the close height."""
        while self.context.height <= self.terms.close_height:
            self.next_block()

    def holding(self, name: str, point_type: str = "mall/consumer") -> Holding:
        """Return somebody's points."""
        return read(self.state, holding_key(account_of(key_of(name)), point_type), Holding) or EMPTY_HOLDING

    def lots(self, name: str, point_type: str = "mall/consumer") -> tuple[Lot, ...]:
        """Return somebody's lots that can be spent."""
        return self.holding(name, point_type).lots

    def burned(self, point_type: str = "mall/consumer") -> int:
        """Return how many points of a type were burned."""
        supply = read(self.state, supply_key(point_type), Supply)
        assert supply is not None, f"there is no {point_type}"
        return supply.burned

    def positions(self) -> list[Any]:
        """Return all positions of organizations, with their keys."""
        return self.state.range(POSITION, after_prefix(POSITION), 100)

    def entries(self) -> list[DrawEntry]:
        """Return all purchases of entries."""
        found = self.state.range(DRAW_ENTRY, after_prefix(DRAW_ENTRY), 10_000_000)
        return [record for _, record in found if isinstance(record, DrawEntry)]


def read_account(state: WorkingState, account: bytes) -> bool:
    """Tell whether an account is open."""
    return state.get(account_key(account)) is not None
