"""Validators that lie: honest ones whose messages are changed on their way out, and signed anew with their keys.

    equivocate V    as leader it sends one follower another block than the rest, once in each term
    double-ack V    with some acknowledgements it sends another, of a block that nobody has

A lie costs its teller the benefit of the checks that honest worlds pass; what must hold all the same is said where it
is tested.
"""

from typing import final

import msgspec

from jifen.chain.statements import acknowledgement, proposal
from jifen.codec.blocks import Block, block_hash, decode_block, encode_block
from jifen.codec.messages import decode_peer_message, encode_peer_message
from jifen.consensus.messages import AckSignature, AppendRequest, AppendResponse, Entry
from jifen.keys.signing import KeyPair
from jifen.testing.naive.scene import CHAIN_ID
from jifen.testing.world.signatures import Signatures

NOBODYS_BLOCK = b"\x77" * 32
"""Hash of the block that a double acknowledgement names."""

DOUBLE_ACKNOWLEDGEMENTS = 3
"""Acknowledgements that a liar doubles: one is enough, and each is a second one too many."""


@final
class Liar:
    """Changes what one validator sends."""

    def __init__(self, key: KeyPair, signatures: Signatures, victim: str, set_hash: bytes) -> None:
        """`victim` gets the other blocks; `set_hash` names the validator set, which stays the same in its world."""
        self._key = key
        self._signatures = signatures
        self._victim = victim
        self._set_hash = set_hash
        self.equivocates = False
        self.acknowledges_twice = False
        self.told = 0
        """Lies told so far."""
        self._twice_told = 0
        self._other: dict[int, Entry] = {}
        """The block that the victim gets in place of the true one, by term."""

    def frames(self, frame: bytes) -> list[bytes]:
        """Return what goes out in place of a frame."""
        message = decode_peer_message(frame)
        if self.equivocates and isinstance(message, AppendRequest) and message.recipient == self._victim:
            return [encode_peer_message(self._equivocated(message))]
        twice = self.acknowledges_twice and self._twice_told < DOUBLE_ACKNOWLEDGEMENTS
        if twice and isinstance(message, AppendResponse) and message.signatures:
            self.told += 1
            self._twice_told += 1
            return [frame, encode_peer_message(self._twice(message))]
        return [frame]

    def _equivocated(self, request: AppendRequest) -> AppendRequest:
        for place, entry in enumerate(request.entries):
            lie = self._other.get(entry.term)
            if entry.term == request.term and (lie is None or lie.height == entry.height):
                if lie is None:
                    self.told += 1
                    lie = self._other[entry.term] = self._alternative(entry)
                commit = min(request.commit, lie.height)
                kept = tuple(item for item in request.certificates if item.height <= commit)
                entries = (*request.entries[:place], lie)
                return msgspec.structs.replace(request, entries=entries, commit=commit, certificates=kept)
        return request

    def _alternative(self, entry: Entry) -> Entry:
        block = decode_block(entry.payload)
        header = msgspec.structs.replace(block.header, time=block.header.time + 1)
        signature = self._signatures.sign(self._key, proposal(header))
        payload = encode_block(Block(header, block.transactions, signature))
        return Entry(entry.height, entry.term, block_hash(header), entry.parent_hash, payload)

    def _twice(self, response: AppendResponse) -> AppendResponse:
        last = response.signatures[-1]
        message = acknowledgement(CHAIN_ID, self._set_hash, response.term, last.height, NOBODYS_BLOCK)
        lie = AckSignature(last.height, NOBODYS_BLOCK, self._signatures.sign(self._key, message))
        return msgspec.structs.replace(response, hash=NOBODYS_BLOCK, height=last.height, signatures=(lie,))
