"""Messages on the wire: strict decoding, and what a decoder alone cannot see."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.consensus.messages import (
    AckSignature,
    AppendRequest,
    AppendResponse,
    Certificate,
    Entry,
    LeadershipCheck,
    LeadershipConfirmation,
    MalformedMessage,
    Message,
    ReadIndexRequest,
    ReadIndexResponse,
    TimeoutNow,
    TransferVoteRequest,
    VoteRequest,
    VoteResponse,
    check_message,
)
from jifen.testing.consensus_host import append, make_chain, make_host

heights = st.integers(0, 2**53 - 1)
ids = st.from_regex(r"\A[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?\Z")
hashes = st.binary(min_size=32, max_size=32)
signatures = st.binary(min_size=64, max_size=64)
entries = st.builds(Entry, heights, heights, hashes, hashes, st.binary(max_size=40))
certificates = st.builds(
    Certificate, heights, heights, hashes, st.integers(0, 2**64 - 1), st.lists(signatures, max_size=4).map(tuple)
)
acks = st.builds(AckSignature, heights, hashes, signatures)
messages = st.one_of(
    st.builds(VoteRequest, heights, ids, ids, heights, heights, st.booleans()),
    st.builds(VoteResponse, heights, ids, ids, st.booleans(), st.booleans()),
    st.builds(
        AppendRequest,
        heights,
        ids,
        ids,
        heights,
        heights,
        hashes,
        st.lists(entries, max_size=3).map(tuple),
        heights,
        st.lists(certificates, max_size=3).map(tuple),
    ),
    st.builds(
        AppendResponse,
        heights,
        ids,
        ids,
        st.booleans(),
        heights,
        hashes,
        heights,
        heights,
        heights,
        heights,
        st.lists(acks, max_size=3).map(tuple),
    ),
    st.builds(TimeoutNow, heights, ids, ids),
    st.builds(TransferVoteRequest, heights, ids, ids, heights, heights),
    st.builds(LeadershipCheck, heights, ids, ids, heights),
    st.builds(LeadershipConfirmation, heights, ids, ids, heights),
    st.builds(ReadIndexRequest, heights, ids, ids, heights),
    st.builds(ReadIndexResponse, heights, ids, ids, heights, heights),
)


def decode(encoded: bytes) -> Message:
    message: Message = msgspec.msgpack.decode(encoded, type=Message)
    return message


@given(messages)
def test_every_message_survives_encoding(message: Message) -> None:
    assert decode(msgspec.msgpack.encode(message)) == message


@given(messages, st.sampled_from(["surplus", "short", "kind", "negative"]))
def test_a_message_of_another_shape_is_refused(message: Message, change: str) -> None:
    fields = msgspec.msgpack.decode(msgspec.msgpack.encode(message))
    changed = {
        "surplus": [*fields, 0],
        "short": fields[:-1],
        "kind": [99, *fields[1:]],
        "negative": [fields[0], -1, *fields[2:]],
    }[change]
    with pytest.raises(msgspec.ValidationError):
        decode(msgspec.msgpack.encode(changed))


@pytest.mark.parametrize("sender", ["", "Mall", "a b", "-mall", "x" * 33, "ma_ll"])
def test_an_id_that_is_no_slug_is_refused(sender: str) -> None:
    encoded = msgspec.msgpack.encode(VoteResponse(1, sender, "a", True, False))
    with pytest.raises(msgspec.ValidationError):
        decode(encoded)


def test_signatures_out_of_order_or_above_the_height_contradict_the_response() -> None:
    def response(*signed: int) -> AppendResponse:
        given = tuple(AckSignature(height, bytes(32), bytes(64)) for height in signed)
        return AppendResponse(1, "b", "a", True, 3, bytes(32), 0, 0, 0, 0, given)

    check_message(response(1, 2, 3))
    for signed in ((2, 1), (1, 1), (3, 4)):
        with pytest.raises(MalformedMessage):
            check_message(response(*signed))


def test_a_request_of_linked_entries_is_consistent() -> None:
    check_message(append(make_host(), make_chain([1, 1, 2]), term=2))
