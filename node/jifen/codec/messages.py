"""Bytes of what validators send each other: Raft's messages, transactions on their way to the leader, snapshots."""

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from jifen.codec.blocks import BLOCK_BYTES_MAX
from jifen.codec.canonical import StrictDecoder, encode
from jifen.codec.errors import Malformed
from jifen.consensus.messages import Count, Height, MalformedMessage, Message, ValidatorId, check_message
from jifen.ledger.evidence.statements import Statement

PEER_MESSAGE_BYTES_MAX: Final = BLOCK_BYTES_MAX + (1 << 20)
"""Largest message: one block of the largest size and the certificates that may come with it."""

FORWARDED_TRANSACTIONS_MAX: Final = 512
"""Most transactions in one forwarding: some 130 KB, checked in about 20 ms."""


STATEMENTS_SHOWN_MAX: Final = 2
"""Most statements in one message: evidence is two, and checking them is all that a message can cost."""


class ForwardTransactions(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=32):
    """Signed transactions that a validator took in and passes to the leader. Lost ones are sent again by the origin."""

    sender: ValidatorId
    recipient: ValidatorId
    transactions: Annotated[tuple[bytes, ...], Meta(min_length=1, max_length=FORWARDED_TRANSACTIONS_MAX)]


class SnapshotRequest(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=33):
    """A validator asks for a part of a snapshot. Lost ones are sent again, to another."""

    sender: ValidatorId
    recipient: ValidatorId
    height: Height
    """Asking for a chunk: height of the snapshot. Asking for a manifest: lowest height that is of use."""
    chunk: Count | None
    """Index of the chunk, or None for the manifest of the newest snapshot."""


class SnapshotChunk(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=34):
    """Answer to a SnapshotRequest."""

    sender: ValidatorId
    recipient: ValidatorId
    height: Height
    """Repeats the request's."""
    chunk: Count | None
    """Repeats the request's."""
    data: bytes
    """The chunk or manifest, unchecked; empty when the sender has none."""


class ShowStatements(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=30):
    """A validator shows what others have signed: the two halves of evidence, or one statement that it doubts."""

    sender: ValidatorId
    recipient: ValidatorId
    statements: Annotated[tuple[Statement, ...], Meta(min_length=1, max_length=STATEMENTS_SHOWN_MAX)]


PeerMessage = Message | ForwardTransactions | SnapshotRequest | SnapshotChunk | ShowStatements
"""Everything that crosses a peer link after its greeting."""

SINCE: Final[Mapping[type, int]] = {}
"""Kinds of messages that came after the first version of the peer protocol, and the version that brought each.

The fields of a kind never change: what needs another field is another kind. To a peer that speaks an older version a
kind is not sent, as if the link had lost it, so whatever it is for must do without, only less well.
"""

_decode: Final[StrictDecoder[PeerMessage]] = StrictDecoder(
    PeerMessage, what="peer message", bytes_max=PEER_MESSAGE_BYTES_MAX
)


def is_spoken(message: PeerMessage, version: int, since: Mapping[type, int] | None = None) -> bool:
    """Tell whether a peer that speaks `version` of the protocol knows this kind of message; `since` is `SINCE`."""
    return (SINCE if since is None else since).get(type(message), 1) <= version


def encode_peer_message(message: PeerMessage) -> bytes:
    """Return the canonical bytes of a message."""
    return encode(message)


def decode_peer_message(data: bytes) -> PeerMessage:
    """Return the message of canonical bytes, its fields consistent with each other; raises Malformed."""
    message = _decode(data)
    if not isinstance(message, ForwardTransactions | SnapshotRequest | SnapshotChunk | ShowStatements):
        try:
            check_message(message)
        except MalformedMessage as error:
            raise Malformed(f"peer message: {error}") from None
    return message
