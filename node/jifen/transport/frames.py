"""The Hello: the first frame in each direction of a link, and the reasons for turning one down.

TLS has proved by then which certificate the other side holds, and the pin which validator that is. The Hello proves
what a certificate cannot say: that both mean the same chain, speak the same protocol, and that neither was dialled by
mistake. After it a link carries opaque frames; an empty one is a keep-alive.
"""

from enum import Enum
from typing import Annotated

import msgspec
from msgspec import Meta

from jifen.ledger.types import HashBytes, Slug

PROTOCOL_VERSION = 1
"""Newest version of the links' rules and of the messages on them that this release speaks."""

PROTOCOL_VERSION_OLDEST = 1
"""Oldest version that it still speaks: the one before the newest, so that an alliance can go over to a new release one
validator at a time. There is none before the first."""

HELLO_BYTES_MAX = 256
"""Largest Hello any version may send: this one has at most 110 bytes."""

_REFUSAL_CODE_FIRST = 4000
"""WebSocket close codes from here on are for private use (RFC 6455, 7.4.2)."""


class Hello(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Who speaks to whom, and about which chain. On the wire: a msgpack array of the fields in this order.

    The version comes first in every version to come, so that any two can at least tell that they differ. Each side
    names its newest; both then speak the lower of the two.
    """

    version: Annotated[int, Meta(ge=0, le=2**32 - 1)]
    """Newest protocol version of the sender."""

    chain_id: HashBytes
    """The chain both serve, 32 bytes."""

    sender: Slug
    """Organization that sends this Hello; must be the one its certificate is pinned to."""

    recipient: Slug
    """Organization that the sender believes to be speaking to."""


class _Head(msgspec.Struct, frozen=True, array_like=True):
    """The part of a Hello that all versions share; whatever follows is ignored."""

    version: Annotated[int, Meta(ge=0, le=2**32 - 1)]


class Refusal(Enum):
    """Why a Hello was turned down, in the order of the checks. The sentence says what to do about it."""

    MALFORMED = (1, "The first frame is no Hello. Something other than a validator is connecting.")
    VERSION = (2, "No common protocol version. Upgrade the older validator; releases may differ by one version.")
    WRONG_CHAIN = (3, "The chain ids differ. Start both validators from the same genesis.")
    WRONG_PEER = (4, "The Hello names another validator. Compare the peer addresses with `jifen validators list`.")

    def __init__(self, number: int, sentence: str) -> None:
        self.close_code = _REFUSAL_CODE_FIRST + number
        """WebSocket close code that carries this reason across."""
        self.sentence = sentence
        """One sentence for the log of either side."""


PEER_FAULT_CLOSE_CODE = _REFUSAL_CODE_FIRST + 100
"""WebSocket close code of a link that ended with a `PeerFault`."""

REFUSALS_BY_CLOSE_CODE = {refusal.close_code: refusal for refusal in Refusal}
"""For the side that was turned down."""

_hello_decoder = msgspec.msgpack.Decoder(Hello)
_head_decoder = msgspec.msgpack.Decoder(_Head)


def encode_hello(hello: Hello) -> bytes:
    """The one encoding of a Hello."""
    return msgspec.msgpack.encode(hello)


def check_hello(data: bytes, expected: Hello, oldest: int = PROTOCOL_VERSION_OLDEST) -> Refusal | int:
    """Decode strictly and compare with the only Hello that is right on this link.

    Returns the first reason against it, or the version that both speak from now on.

    Args:
        data: what the other side sent.
        expected: what it should be, with our own newest version, which need not be the other side's.
        oldest: the oldest version that we speak.
    """
    if len(data) > HELLO_BYTES_MAX:
        return Refusal.MALFORMED
    newer = False
    try:
        theirs = _head_decoder.decode(data).version
        if theirs < oldest:
            return Refusal.VERSION
        newer = theirs > expected.version
        hello = _hello_decoder.decode(data)
    except msgspec.MsgspecError:
        # A newer release may have changed the rest of the Hello once nobody speaks our version any more.
        return Refusal.VERSION if newer else Refusal.MALFORMED
    if encode_hello(hello) != data:  # the same values in longer integers or strings, or bytes after them
        return Refusal.MALFORMED
    if hello.chain_id != expected.chain_id:
        return Refusal.WRONG_CHAIN
    if (hello.sender, hello.recipient) != (expected.sender, expected.recipient):
        return Refusal.WRONG_PEER
    return min(hello.version, expected.version)
