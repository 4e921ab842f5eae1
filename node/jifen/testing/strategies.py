"""Hypothesis strategies for everything that has canonical bytes.

They are read off the annotations: `values_of(kind)` draws whatever the strict decoder of that kind takes, its limits
included, so a field added later is drawn without a word here. What ties fields to one another (consecutive heights,
chains of parents) is added by strategies of their own.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from jifen.codec.messages import ForwardTransactions, PeerMessage, SnapshotChunk, SnapshotRequest
from jifen.consensus.messages import (
    AckSignature,
    AppendRequest,
    AppendResponse,
    CertificatesRequest,
    CertificatesResponse,
    Entry,
    LeadershipCheck,
    LeadershipConfirmation,
    ReadIndexRequest,
    ReadIndexResponse,
    SnapshotOffer,
    TimeoutNow,
    TransferVoteRequest,
    VoteRequest,
    VoteResponse,
)
from jifen.ledger.dates import DAY_MS
from jifen.ledger.types import EMPTY_HOLDING, POINTS_MAX, Holding, Lot, LotOrigin

T = TypeVar("T")

LIST_ITEMS_MAX: Final = 4
"""Most items drawn for a list whose limit is higher: enough for none, one, two and many."""

BYTES_MAX: Final = 300
"""Most bytes drawn where the limit is higher: just over what a one-byte length holds."""

INTEGER_MAX: Final = 2**64 - 1
"""Largest integer that msgpack holds; drawn where an annotation sets no limit."""

EDGES: Final = (0, 1, 2**7 - 1, 2**7, 2**8 - 1, 2**8, 2**16 - 1, 2**16, 2**32 - 1, 2**32, 2**53 - 1, 2**63 - 1)
"""Where the encoding of an integer grows, and what numbers of other languages lose their exactness at."""


def values_of(kind: type[T]) -> st.SearchStrategy[T]:
    """Return a strategy for values of a type that msgspec can decode, all annotated limits kept."""
    return cast(st.SearchStrategy[T], _strategy(inspect.type_info(kind)))


def integers(lowest: int, highest: int) -> st.SearchStrategy[int]:
    """Return integers of a range, its ends and the edges of the encoding more often than others."""
    edges = [edge for edge in (lowest, *EDGES, highest) if lowest <= edge <= highest]
    return st.integers(lowest, highest) | st.sampled_from(edges)


def _integer(info: inspect.IntType) -> st.SearchStrategy[int]:
    lowest, highest = 0 if info.ge is None else info.ge, INTEGER_MAX if info.le is None else info.le
    step = info.multiple_of or 1
    return integers(-(-lowest // step), highest // step).map(lambda number: number * step)


def _text(info: inspect.StrType) -> st.SearchStrategy[str]:
    if info.pattern is not None:
        return st.from_regex(info.pattern, fullmatch=True)
    return st.text(min_size=info.min_length or 0, max_size=min(info.max_length or BYTES_MAX, BYTES_MAX))


def _bytes(info: inspect.BytesType) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=info.min_length or 0, max_size=min(info.max_length or BYTES_MAX, BYTES_MAX))


def _tuple(info: inspect.VarTupleType) -> st.SearchStrategy[tuple[Any, ...]]:
    most = min(info.max_length or LIST_ITEMS_MAX, LIST_ITEMS_MAX)
    return st.lists(_strategy(info.item_type), min_size=info.min_length or 0, max_size=most).map(tuple)


def _struct(info: inspect.StructType) -> st.SearchStrategy[Any]:
    return st.builds(info.cls, *(_strategy(field.type) for field in info.fields))


_MAKERS: Final[dict[type[inspect.Type], Callable[[Any], st.SearchStrategy[Any]]]] = {
    inspect.IntType: _integer,
    inspect.StrType: _text,
    inspect.BytesType: _bytes,
    inspect.BoolType: lambda _: st.booleans(),
    inspect.NoneType: lambda _: st.none(),
    inspect.EnumType: lambda info: st.sampled_from(info.cls),
    inspect.VarTupleType: _tuple,
    inspect.StructType: _struct,
    inspect.NoneType: lambda _: st.none(),
    inspect.UnionType: lambda info: st.one_of(*map(_strategy, info.types)),
}


def _strategy(info: inspect.Type) -> st.SearchStrategy[Any]:
    return _MAKERS[type(info)](info)


def lots(points_max: int = 50, origins: tuple[LotOrigin, ...] = tuple(LotOrigin)) -> st.SearchStrategy[Lot]:
    """Return lots of few days and expiries, so that equal ones meet; expiries lie before, within and after the days."""
    days = st.integers(0, 4).map(lambda day: day * DAY_MS)
    expiries = st.sampled_from((0, 0, 1, 2 * DAY_MS, 9 * DAY_MS))
    fixed = st.builds(Lot, integers(1, points_max), st.sampled_from(origins), days, expiries)
    if LotOrigin.EARNED not in origins:
        return fixed
    sliding = st.builds(Lot, integers(1, points_max), st.just(LotOrigin.EARNED), days, st.just(9 * DAY_MS), st.just(5))
    return fixed | fixed | sliding


@st.composite
def holdings(draw: st.DrawFn, points_max: int = POINTS_MAX // 100) -> Holding:
    """Draw a holding that keeps its invariant; a lot has up to `points_max` points."""
    places = []
    for most in (8, 2, 2, 1):
        alike: dict[tuple[int, int, int, int], Lot] = {}
        for lot in draw(st.lists(lots(points_max), max_size=most)):
            alike[lot.expires_at or INTEGER_MAX, lot.available_from, lot.origin, lot.renewal_days] = lot
        places.append(tuple(alike[order] for order in sorted(alike)))
    spendable, pending, awaiting, lapsed = places
    if not any(places):
        return EMPTY_HOLDING
    waiting = sum(lot.points for lot in (*pending, *awaiting))
    return Holding(sum(lot.points for lot in spendable), spendable, 0, waiting, pending, awaiting, lapsed)


@st.composite
def append_requests(draw: st.DrawFn) -> AppendRequest:
    """Draw a request whose entries follow one another and whose certificates end at its commit height."""
    blank = draw(values_of(AppendRequest))
    height, term, parent = draw(integers(0, 2**53 - 10)), draw(st.integers(0, 9)), blank.prev_hash
    first_height, first_term = height, term
    entries = []
    for drawn in blank.entries:
        height, term = height + 1, term + draw(st.integers(0, 2))
        entries.append(Entry(height, term, drawn.hash, parent, drawn.payload))
        parent = drawn.hash
    commit = draw(st.integers(max(0, height - len(entries) - 1), height))
    certificates = blank.certificates[:commit]
    return msgspec.structs.replace(
        blank,
        term=term + draw(st.integers(0, 2)),
        prev_height=first_height,
        prev_term=first_term,
        entries=tuple(entries),
        commit=commit,
        certificates=tuple(
            msgspec.structs.replace(item, height=commit - len(certificates) + index)
            for index, item in enumerate(certificates, start=1)
        ),
    )


@st.composite
def append_responses(draw: st.DrawFn) -> AppendResponse:
    """Draw a response whose signatures are of ascending heights up to its own."""
    response = draw(values_of(AppendResponse))
    heights = sorted({draw(st.integers(0, response.height)) for _ in response.signatures})
    drawn = zip(heights, response.signatures, strict=False)
    signatures = tuple(AckSignature(height, item.hash, item.signature) for height, item in drawn)
    return msgspec.structs.replace(response, signatures=signatures)


@st.composite
def certificates_responses(draw: st.DrawFn) -> CertificatesResponse:
    """Draw a response whose certificates are of consecutive heights."""
    response, first = draw(values_of(CertificatesResponse)), draw(integers(0, 2**53 - 10))
    certificates = tuple(
        msgspec.structs.replace(item, height=first + index) for index, item in enumerate(response.certificates)
    )
    return msgspec.structs.replace(response, certificates=certificates)


def peer_messages() -> st.SearchStrategy[PeerMessage]:
    """Return messages that a well-behaved validator might send."""
    return st.one_of(
        values_of(VoteRequest),
        values_of(VoteResponse),
        append_requests(),
        append_responses(),
        values_of(TimeoutNow),
        values_of(SnapshotOffer),
        values_of(CertificatesRequest),
        certificates_responses(),
        values_of(SnapshotRequest),
        values_of(SnapshotChunk),
        values_of(TransferVoteRequest),
        values_of(LeadershipCheck),
        values_of(LeadershipConfirmation),
        values_of(ReadIndexRequest),
        values_of(ReadIndexResponse),
        values_of(ForwardTransactions),
    )


@st.composite
def flipped(draw: st.DrawFn, data: bytes) -> bytes:
    """Draw the bytes with one of them changed."""
    place = draw(st.integers(0, len(data) - 1))
    return data[:place] + bytes([data[place] ^ draw(st.integers(1, 255))]) + data[place + 1 :]


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """Draw the bytes changed, cut, lengthened or with a piece written twice."""
    place, end = sorted((draw(st.integers(0, len(data))), draw(st.integers(0, len(data)))))
    return draw(
        st.one_of(
            flipped(data),
            st.sampled_from((data[:place], data[end:], data[:place] + data[end:], data[:end] + data[place:])),
            st.binary(min_size=1, max_size=3).map(lambda piece: data[:place] + piece + data[place:]),
        )
    )
