"""The auditor: keeps its own books of what was committed and what clients were told, and compares.

Its books are a `NaiveLedger`, which shares no rule with the real one. It sees every committed block once, in order of
height, and every answer that a client gets.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, final

import msgspec

from jifen.chain.executor import ExecutedBlock
from jifen.codec.blocks import Header
from jifen.codec.records import decode_record
from jifen.consensus.invariants import InvariantBroken
from jifen.ledger import invariants
from jifen.ledger.genesis import Genesis
from jifen.ledger.receipts import Receipt
from jifen.ledger.rejections import Rejection
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import OrganizationStatus
from jifen.store.records import Outcome
from jifen.testing.naive import governance as naive_governance
from jifen.testing.naive.ledger import NaiveLedger
from jifen.testing.naive.records import NaiveReceipt
from jifen.testing.naive.scene import CHAIN_ID

if TYPE_CHECKING:
    from jifen.testing.world.disk import SimulatedDisk


class Place(NamedTuple):
    """Where a transaction stands in the chain."""

    height: int
    position: int
    rejection: int


@final
class Auditor:
    """The expected ledger, and everything promised to clients."""

    def __init__(self, genesis: Genesis, genesis_hash: bytes, chain_id: bytes = CHAIN_ID) -> None:
        self.blocks: dict[int, bytes] = {0: genesis_hash}
        """Hash of every block ever committed anywhere."""
        self.places: dict[bytes, Place] = {}
        """Place of every transaction ever committed, by its id."""
        self.told: dict[bytes, Outcome] = {}
        """What clients were told, by transaction."""
        self.term = 0
        """Highest term ever seen."""
        self._naive = NaiveLedger(genesis, chain_id)
        self.woken = 0
        """Effects of time in all blocks."""
        self._set_hash = b""
        """Names the voters of the highest committed block."""
        self._latest_told = Place(0, -1, 0)
        """Latest place in the chain that any client was told of."""

    @property
    def height(self) -> int:
        """Highest committed height."""
        return len(self.blocks) - 1

    @property
    def voters(self) -> list[str]:
        """Validators that vote after the highest committed block."""
        return self._naive.voters

    @property
    def outgoing(self) -> list[str]:
        """Validators that vote besides while a change is under way."""
        return self._naive.outgoing

    @property
    def organizations(self) -> list[str]:
        """The active organizations."""
        every = self._naive.organizations.values()
        return [one.id for one in every if one.status is OrganizationStatus.ACTIVE]

    def status_of(self, validator: str) -> str | None:
        """Return what a validator is after the highest committed block, or None when it never was one."""
        found = [one.status.name for one in self._naive.validators if one.id == validator]
        return found[0] if found else None

    def note_term(self, term: int) -> None:
        """See that a term was entered."""
        self.term = max(self.term, term)

    def take_block(self, executed: ExecutedBlock) -> None:
        """Enter a block that was committed for the first time into the books; compare every receipt."""
        self.enter(executed.tip.header, executed.tip.hash, executed.transactions, executed.receipts, executed.agenda)
        configuration = executed.validators.configuration
        books = (self._naive.voters, self._naive.outgoing)
        real_books = (list(configuration.voters), list(configuration.outgoing))
        _require(real_books == books, "voters that the rules do not give", real_books, books)

    def enter(
        self,
        header: Header,
        hash: bytes,
        transactions: Sequence[Transaction],
        receipts: Sequence[Receipt],
        agenda: Sequence[Receipt],
    ) -> None:
        """Enter a block, as `take_block` does, by what of it the books look at."""
        height = header.height
        _require(height == self.height + 1, "blocks are committed with a gap", height, self.height)
        self.blocks[height] = hash
        if self._naive.outgoing and header.validator_set_hash != self._set_hash:
            # While a change is under way there is no other: the block leaves the joint configuration.
            self._naive.height = height
            naive_governance.settle(self._naive)
        self._set_hash = header.validator_set_hash
        told = Counter(msgspec.structs.astuple(effect) for receipt in agenda for effect in receipt.effects)
        due = self._naive.begin_block(header.time)
        _require(told == due, "an agenda that the rules do not give", told, due)
        self.woken += told.total()
        for index, (transaction, receipt) in enumerate(zip(transactions, receipts, strict=True)):
            name = transaction.id
            _require(name not in self.places, "a transaction is committed twice", name.hex(), height)
            self.places[name] = Place(height, index, receipt.rejection)
            effects = tuple(msgspec.structs.astuple(effect) for effect in receipt.effects)
            real = NaiveReceipt(Rejection(receipt.rejection) if receipt.rejection else None, effects)
            self._naive.height = height
            expected = self._naive.apply(transaction, header.time)
            _require(real == expected, "a receipt that the rules do not give", real, expected)

    def asked(self) -> Place:
        """Return the place that a transaction asked for now must stand above."""
        return self._latest_told

    def answered(self, name: bytes, outcome: Outcome, after: Place) -> None:
        """Check an answer that a client got, to what it first asked when `after` was the latest place told."""
        place = self.places.get(name)
        _require(place is not None, "a client was told of a transaction that is not committed", name.hex())
        assert place is not None
        _require((place.height, place.rejection) == (outcome.height, outcome.rejection), "a client was told", outcome)
        _require(self.told.setdefault(name, outcome) == outcome, "a client was told two things", name.hex())
        _require(place > after, "a transaction stands below one that was acknowledged before it", place, after)
        self._latest_told = max(self._latest_told, place)

    def check_disks(self, disks: list["SimulatedDisk"]) -> None:
        """Equal heights have equal states, and the books' invariants hold in them."""
        states: dict[int, dict[bytes, bytes]] = {}
        for disk in disks:
            height = disk.tip.height
            _require(self.blocks.get(height) == disk.tip.hash, "a disk's committed tip was never committed", height)
            known = states.setdefault(height, disk.state.records)
            _require(known == disk.state.records, "two states at one height", height)
            if disk.snapshot is not None:
                height, records = disk.snapshot.tip.height, disk.snapshot.records
                _require(states.setdefault(height, records) == records, "two states at one height", height)
        state = states[max(states)]
        invariants.check_all((key, decode_record(key, data)) for key, data in state.items())

    def check_promises(self, disk: "SimulatedDisk") -> None:
        """Everything that a client was told is still in a validator's books.

        Of what came with a snapshot the state alone is there, which `check_disks` compares.
        """
        above = disk.outcomes_above
        for name, outcome in self.told.items():
            if outcome.height > above:
                _require(disk.outcomes.get(name) == outcome, "an acknowledged transaction is lost", name.hex(), outcome)
        expected = sum(place.height > above for place in self.places.values())
        _require(len(disk.outcomes) == expected, "transactions are missing", len(disk.outcomes))


def _require(condition: bool, *facts: object) -> None:
    if not condition:
        raise InvariantBroken(*facts)
