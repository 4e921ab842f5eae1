"""The log as witness: does the committed chain bear out everything that clients were told?

A search for a linearization is not needed: the ledger itself gives the order, so it is enough to compare. The checks
cost one replay of the chain and one sort.
"""

from collections.abc import Sequence
from enum import StrEnum, unique
from typing import NamedTuple

import msgspec

from jifen.ledger.genesis import Genesis
from jifen.ledger.records import read
from jifen.ledger.state import holding_key
from jifen.ledger.types import Holding
from jifen.testing.small_chain import SmallChain


@unique
class Told(StrEnum):
    """What a client knows after its call."""

    COMMITTED = "committed"
    REFUSED = "refused"
    """The transaction was not taken in, and the client was told that it is final."""
    UNKNOWN = "unknown"
    """No answer, or a time-out."""


class Operation(msgspec.Struct, frozen=True):
    """One transaction as its client saw it; calls repeated with the same bytes are one operation."""

    id: bytes
    invoked: int
    """Place of the first call in the driver's one sequence of events."""
    returned: int
    """Place of the answer."""
    told: Told
    height: int | None = None
    """COMMITTED: height that was named."""
    rejection: int = 0
    """COMMITTED: rejection that was named."""


class Reading(msgspec.Struct, frozen=True):
    """One balance as a client saw it."""

    account: bytes
    point_type: str
    invoked: int
    height: int
    """Height that the answer named."""
    points: int


class NotBorneOut(AssertionError):
    """The chain contradicts what a client was told."""


def _require(condition: bool, text: str) -> None:
    if not condition:
        raise NotBorneOut(text)


def check_history(
    genesis: Genesis, payloads: Sequence[bytes], operations: Sequence[Operation], readings: Sequence[Reading] = ()
) -> None:
    """Check a history against the committed blocks from height 1 on; raises NotBorneOut.

    1. No transaction is in the chain twice, and each that was told committed is at the height, and with the
       outcome, that was told, on a replay from genesis.
    2. An operation that began after another had returned stands above it.
    3. What was refused is nowhere; of what is unknown nothing is said but 1.
    4. A reading shows the balance at its height, and no height below one told before it began.
    """
    chain = SmallChain(genesis)
    places: dict[bytes, _Place] = {}
    for height in range(len(payloads) + 1):
        if height:
            _replay(chain, payloads[height - 1], places)
        for reading in readings:
            if reading.height == height:
                _check_reading(chain, reading)
    _require(all(reading.height <= len(payloads) for reading in readings), "a balance was read above the chain's end")
    for item in operations:
        _check_operation(item, places.get(item.id))
    _check_order([item for item in operations if item.told is Told.COMMITTED], places, readings)


class _Place(NamedTuple):
    height: int
    position: int
    rejection: int


def _replay(chain: SmallChain, payload: bytes, places: dict[bytes, _Place]) -> None:
    executed = chain.execute(payload)
    chain.commit()
    for position, receipt in enumerate(executed.receipts):
        name = receipt.transaction_id
        _require(name not in places, f"transaction {name.hex()} is in the chain twice")
        places[name] = _Place(executed.tip.height, position, receipt.rejection)


def _check_reading(chain: SmallChain, reading: Reading) -> None:
    holding = read(chain.executor.state, holding_key(reading.account, reading.point_type), Holding)
    points = holding.available if holding else 0
    _require(reading.points == points, f"{reading.points} points read at height {reading.height}, {points} are there")


def _check_operation(item: Operation, place: _Place | None) -> None:
    name = item.id.hex()
    if item.told is Told.REFUSED:
        _require(place is None, f"transaction {name} was refused and is in the chain")
    elif item.told is Told.COMMITTED:
        _require(place is not None, f"transaction {name} was acknowledged and is lost")
        assert place is not None
        told = (item.height, item.rejection)
        _require(told == (place.height, place.rejection), f"transaction {name} was told {told}, the chain says {place}")


def _check_order(committed: list[Operation], places: dict[bytes, _Place], readings: Sequence[Reading]) -> None:
    events: list[tuple[int, bool, _Place | Reading]] = []
    for item in committed:
        events += [(item.invoked, False, places[item.id]), (item.returned, True, places[item.id])]
    events += [(reading.invoked, False, reading) for reading in readings]
    highest = _Place(0, -1, 0)
    for _, returns, what in sorted(events, key=lambda event: event[0]):
        if returns:
            assert isinstance(what, _Place)
            highest = max(highest, what)
        elif isinstance(what, _Place):
            _require(what > highest, f"{what} was asked for after {highest} had been acknowledged")
        else:
            _require(what.height >= highest.height, f"read at {what.height} after {highest.height} was acknowledged")
