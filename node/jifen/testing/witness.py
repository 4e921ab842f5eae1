"""The log as witness: does the committed chain bear out everything that clients were told?

A search for a linearization is not needed: the ledger itself gives the order, so it is enough to compare. The checks
cost one replay of the chain and one sort.
"""

from collections import defaultdict
from collections.abc import Sequence
from enum import StrEnum, unique
from typing import Final, NamedTuple

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
    returned: int | None = None
    """Place of the answer; None when nothing is concluded from it for what came later."""
    current: bool = True
    """Whether it was asked to be current; otherwise it may lag, but never behind what the same validator showed."""
    validator: str = ""
    """Who was asked."""


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
    3. What was refused has done nothing; of what is unknown nothing is said but 1.
    4. A reading shows the balance at its height. A current one shows no height below one told or read before it began,
       any other none below what the same validator showed before; what is asked for after a reading stands above it.
    """
    chain = SmallChain(genesis)
    places: dict[bytes, _Place] = {}
    at: defaultdict[int, list[Reading]] = defaultdict(list)
    for reading in readings:
        at[reading.height].append(reading)
    for height in range(len(payloads) + 1):
        if height:
            _replay(chain, payloads[height - 1], places)
        for reading in at[height]:
            _check_reading(chain, reading)
    _require(all(reading.height <= len(payloads) for reading in readings), "a balance was read above the chain's end")
    for item in operations:
        _check_operation(item, places.get(item.id))
    _check_order([item for item in operations if item.told is Told.COMMITTED], places, readings)


class _Place(NamedTuple):
    height: int
    position: int
    rejection: int


_BLOCK_END: Final = 1 << 32
"""A position behind all of a block's transactions."""


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
        # A copy that another validator had taken in may still be ordered, and then says the same: nothing happened.
        _require(place is None or place.rejection != 0, f"transaction {name} was refused and is applied in the chain")
    elif item.told is Told.COMMITTED:
        _require(place is not None, f"transaction {name} was acknowledged and is lost")
        assert place is not None
        told = (item.height, item.rejection)
        _require(told == (place.height, place.rejection), f"transaction {name} was told {told}, the chain says {place}")


def _check_order(committed: list[Operation], places: dict[bytes, _Place], readings: Sequence[Reading]) -> None:
    events: list[tuple[int, bool, _Place | Reading]] = []
    for item in committed:
        events += [(item.invoked, False, places[item.id]), (item.returned, True, places[item.id])]
    for reading in readings:
        events.append((reading.invoked, False, reading))
        if reading.returned is not None:
            events.append((reading.returned, True, reading))
    highest = _Place(0, -1, 0)
    shown: defaultdict[str, int] = defaultdict(int)
    for _, returns, what in sorted(events, key=lambda event: event[0]):
        if isinstance(what, _Place):
            if returns:
                highest = max(highest, what)
            else:
                _require(what > highest, f"{what} was asked for after {highest} had been told")
        elif returns:
            highest = max(highest, _Place(what.height, _BLOCK_END, 0))
            shown[what.validator] = max(shown[what.validator], what.height)
        elif what.current:
            _require(what.height >= highest.height, f"read at {what.height} after {highest.height} was told")
        else:
            known = shown[what.validator]
            _require(what.height >= known, f"{what.validator} showed height {what.height} after {known}")
