"""Swap offers as the API tells them, the questions about them, and the transactions of moving points and of locks."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from jifen.chain.sealing import SealedTransaction
from jifen.client.queries import Operation
from jifen.client.records import Answer, AsOf
from jifen.client.reward_transactions import Signing
from jifen.keys.signing import KeyPair
from jifen.ledger.locks.bodies import LockAccount, UnlockAccount
from jifen.ledger.locks.records import LockReason, UnlockReason
from jifen.ledger.swaps.bodies import AcceptSwapOffer, CancelSwapOffer, CreateSwapOffer

if TYPE_CHECKING:
    from jifen.client.client import Client

T = TypeVar("T")

BOARD_PAGE: Final = 50
"""Offers asked for at once."""


class SwapOffer(Answer, frozen=True):
    """An open offer: `want_points` of `want_type` for `give_points` of `give_type`, in every part exactly."""

    id: str
    maker: str
    give_type: str
    give_points: int
    want_type: str
    want_points: int
    value_fen: int
    minimum: int
    left: int
    open_until: datetime
    counterparty: str | None
    cursor: str

    def price_of(self, points: int) -> int | None:
        """Return what so many of the points given cost, exactly; None when so many cannot be taken."""
        whole, rest = divmod(points * self.want_points, self.give_points)
        worth_whole_fen = points * self.value_fen % self.give_points == 0
        fits = min(self.minimum, self.left) <= points <= self.left
        return whole if not rest and worth_whole_fen and fits else None


_OFFER: Final = (
    "{ id maker giveType givePoints wantType wantPoints valueFen minimum left openUntil counterparty cursor }"
)
SWAP_OFFERS: Final = Operation[tuple[SwapOffer, ...]](
    "query SwapOffers($give: String!, $want: String!, $first: Int!, $after: String) "
    f"{{ swapOffers(giveType: $give, wantType: $want, first: $first, after: $after) {_OFFER} }}",
    "swapOffers",
    tuple[SwapOffer, ...],
)
SWAP_OFFER: Final = Operation[SwapOffer | None](
    f"query SwapOffer($id: Hash!) {{ swapOffer(id: $id) {_OFFER} }}", "swapOffer", SwapOffer | None
)
ACCOUNT_SWAP_OFFERS: Final = Operation[tuple[SwapOffer, ...]](
    f"query AccountSwapOffers($account: AccountId!) {{ accountSwapOffers(account: $account) {_OFFER} }}",
    "accountSwapOffers",
    tuple[SwapOffer, ...],
)


class BoardUpdate(Answer, frozen=True):
    """The offers of a pair to everybody after a block, the lowest price first; at most fifty."""

    give_type: str
    want_type: str
    offers: tuple[SwapOffer, ...]
    as_of: AsOf


BOARD_SUBSCRIPTION: Final = Operation[BoardUpdate](
    "subscription Board($give: String!, $want: String!) { swapOffers(giveType: $give, wantType: $want) "
    f"{{ giveType wantType offers(first: 50) {_OFFER} asOf {{ height hash time }} }} }}",
    "swapOffers",
    BoardUpdate,
)


class SwapCalls(ABC):
    """Questions about swap offers."""

    @abstractmethod
    async def _ask(
        self, operation: Operation[T], variables: dict[str, Any], *, timeout_seconds: float | None = None
    ) -> T:
        """Ask and return the answer."""

    async def swap_offers(
        self, give_type: str, want_type: str, *, first: int = BOARD_PAGE, after: str | None = None
    ) -> tuple[SwapOffer, ...]:
        """Return a page of the board: what is given for what is wanted, the lowest price first."""
        return await self._ask(SWAP_OFFERS, {"give": give_type, "want": want_type, "first": first, "after": after})

    async def swap_offer(self, offer: str) -> SwapOffer | None:
        """Return an open offer by its id, or None."""
        return await self._ask(SWAP_OFFER, {"id": offer})

    async def account_swap_offers(self, account: str) -> tuple[SwapOffer, ...]:
        """Return an account's open offers, the oldest first."""
        return await self._ask(ACCOUNT_SWAP_OFFERS, {"account": account})


class BlockingSwapCalls(ABC):
    """The same questions, asked from a thread without trio."""

    _client: "Client"

    @abstractmethod
    def _run(self, call: Callable[[], Awaitable[T]]) -> T:
        """Run a call in the client's thread and return what it gives."""

    def swap_offers(
        self, give_type: str, want_type: str, *, first: int = BOARD_PAGE, after: str | None = None
    ) -> tuple[SwapOffer, ...]:
        """See `Client.swap_offers`."""
        return self._run(lambda: self._client.swap_offers(give_type, want_type, first=first, after=after))

    def swap_offer(self, offer: str) -> SwapOffer | None:
        """See `Client.swap_offer`."""
        return self._run(lambda: self._client.swap_offer(offer))

    def account_swap_offers(self, account: str) -> tuple[SwapOffer, ...]:
        """See `Client.account_swap_offers`."""
        return self._run(lambda: self._client.account_swap_offers(account))


class SwapTransactions:
    """Transactions about swap offers and locks; `TransactionBuilder` takes these in."""

    def create_swap_offer(
        self: Signing,
        pair: KeyPair,
        *,
        give: tuple[str, int],
        want: tuple[str, int],
        value_fen: int,
        open_until: int,
        minimum: int | None = None,
        counterparty: bytes | None = None,
    ) -> SealedTransaction:
        """Offer points for others, signed by the maker's key; the offer's id is the transaction's.

        Args:
            pair: the maker's key.
            give: point type and points that are given.
            want: point type and points that are wanted for all of them.
            value_fen: what both legs are agreed to be worth, fen.
            open_until: block time, ms, from which it cannot be accepted any more; at most thirty days ahead.
            minimum: fewest points taken at once; all or nothing when left out.
            counterparty: account that alone can accept it; anybody when left out.
        """
        maker = self.account_of(pair.public)
        least = give[1] if minimum is None else minimum
        body = CreateSwapOffer(*self._head(), maker, *give, *want, value_fen, open_until, least, counterparty)
        return self.sign(body, pair)

    def accept_swap_offer(self: Signing, pair: KeyPair, *, offer: bytes, points: int, pays: int) -> SealedTransaction:
        """Take points of an offer, signed by the taker's key.

        Args:
            pair: the taker's key.
            offer: the offer's id.
            points: of what is given.
            pays: of what is wanted; exactly in the offer's ratio (`SwapOffer.price_of`).
        """
        return self.sign(AcceptSwapOffer(*self._head(), self.account_of(pair.public), offer, points, pays), pair)

    def cancel_swap_offer(self: Signing, pair: KeyPair, *, offer: bytes) -> SealedTransaction:
        """Close an own open offer, signed by the maker's key."""
        return self.sign(CancelSwapOffer(*self._head(), offer), pair)

    def lock_account(
        self: Signing, *signers: KeyPair, account: bytes, reason: LockReason, organizations: Sequence[str] = ()
    ) -> SealedTransaction:
        """Lock an account: signed by its key, or by lock officers of one or two organizations, which are then named."""
        return self.sign(LockAccount(*self._head(), account, reason, tuple(organizations)), *signers)

    def unlock_account(
        self: Signing, *signers: KeyPair, account: bytes, reason: UnlockReason, organizations: Sequence[str]
    ) -> SealedTransaction:
        """Unlock an account, signed by lock officers of the two organizations named."""
        return self.sign(UnlockAccount(*self._head(), account, reason, tuple(organizations)), *signers)
