"""What validators say to each other, and the records inside.

The structures are encoded as arrays with a number in front that names the kind, and decoding is strict: a wrong
length, an unknown kind or a surplus field is an error. Constructing one in code checks nothing (msgspec checks on
decoding), so `check_message` repeats the rules that tie fields to one another; the core calls it on everything.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

HEIGHT_MAX = 2**53 - 1
"""Largest height or term: far beyond any chain's life, and still an integer that a JavaScript client reads exactly."""

VALIDATORS_MAX = 64
"""Most validators of one chain: an alliance of malls has tens, and a certificate's bitmap stays one machine word."""

ENTRIES_PER_MESSAGE_MAX = 1024
"""Most entries in one append request; a decoder's bound, senders keep to `RaftConfig.certificates_per_message_max`."""

CERTIFICATES_PER_MESSAGE_MAX = 1024
"""Most certificates in one append request; a decoder's bound as above."""

SIGNATURES_PER_MESSAGE_MAX = 8192
"""Most signatures in one append response: one for each uncommitted height, of which a log holds at most
`RaftConfig.uncommitted_heights_max` and one more for each election that ended without a commit."""

SIGNATURE_BYTES = 64
"""Length of a BIP-340 signature."""

HASH_BYTES = 32
"""Length of a block hash."""

Height = Annotated[int, Meta(ge=0, le=HEIGHT_MAX)]
"""Number of a block in the chain; 0 is the genesis block."""

Term = Annotated[int, Meta(ge=0, le=HEIGHT_MAX)]
"""Raft's logical time: at most one leader each (Raft 5.1); 0 is the genesis block's term and nobody's leadership."""

Count = Annotated[int, Meta(ge=0, le=HEIGHT_MAX)]
"""A number that only ever rises, bounded like a height."""

BlockHash = Annotated[bytes, Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]
"""Hash of a block's header, which covers its height, term, parent and contents."""

Signature = Annotated[bytes, Meta(min_length=SIGNATURE_BYTES, max_length=SIGNATURE_BYTES)]
"""A validator's signature; opaque here, made and verified by the host."""

ValidatorId = Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?\Z", max_length=32)]
"""Slug of a validator, the same as its organization's."""


class Entry(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """One block in the log."""

    height: Height
    """Place in the log. Invariant: one more than its parent's."""
    term: Term
    """Term of the leader that proposed it. Invariant: not less than its parent's."""
    hash: BlockHash
    """Hash of the block; two entries with one hash are the same entry."""
    parent_hash: BlockHash
    """Hash of the entry one height below, so equal hashes mean equal logs up to here."""
    payload: bytes
    """The block's bytes; opaque."""


class AckSignature(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """A validator's signed word, given in the term of the response around it, that a block is durable in its log."""

    height: Height
    """Height of the block."""
    hash: BlockHash
    """Hash of the block."""
    signature: Signature
    """Covers chain id, validator-set hash, acknowledgement type, term of the response, height and hash."""


class Certificate(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """Proof that a block is committed: a quorum's acknowledgements of it, all given in one term."""

    height: Height
    """Height of the block."""
    term: Term
    """Term of the acknowledgements. Invariant: not less than the block's own term."""
    hash: BlockHash
    """Hash of the block."""
    signers: Annotated[int, Meta(ge=0)]
    """Bitmap over the validator set: bit i stands for the validator at place i. Below 2**64 by its encoding."""
    signatures: Annotated[tuple[Signature, ...], Meta(max_length=VALIDATORS_MAX)]
    """One for each set bit, lowest bit first."""


class VoteRequest(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=1):
    """A candidate asks for a vote (Raft 5.2), or a pre-candidate whether it would get one (thesis 9.6)."""

    term: Term
    """Term to be leader of. In a pre-vote it is one above the sender's, which has not entered it yet."""
    sender: ValidatorId
    recipient: ValidatorId
    last_height: Height
    """Height of the sender's last entry."""
    last_term: Term
    """Term of the sender's last entry."""
    pre: bool
    """True for a pre-vote: nobody changes its term or vote for it."""


class VoteResponse(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=2):
    """Answer to a VoteRequest."""

    term: Term
    """A grant repeats the request's term; a refusal names the refuser's own."""
    sender: ValidatorId
    recipient: ValidatorId
    granted: bool
    pre: bool
    """Repeats the request's."""


class AppendRequest(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=3):
    """A leader sends entries, or none as a heartbeat (Raft 5.3), together with proof of what is committed."""

    term: Term
    """The leader's term."""
    sender: ValidatorId
    recipient: ValidatorId
    prev_height: Height
    """Height of the entry just before `entries`."""
    prev_term: Term
    """Term of that entry."""
    prev_hash: BlockHash
    """Hash of that entry."""
    entries: Annotated[tuple[Entry, ...], Meta(max_length=ENTRIES_PER_MESSAGE_MAX)]
    """Consecutive entries from `prev_height + 1` on; may be empty."""
    commit: Height
    """Height up to which the leader has sent this recipient certificates, this message included.
    Invariant: not above the leader's own committed height nor above the last height of this message."""
    certificates: Annotated[tuple[Certificate, ...], Meta(max_length=CERTIFICATES_PER_MESSAGE_MAX)]
    """Certificates of consecutive heights, the last of them at `commit`; may be empty."""


class AppendResponse(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=4):
    """Answer to an AppendRequest or SnapshotOffer; with sender equal to recipient the leader's own acknowledgement."""

    term: Term
    """The responder's term, in which `signatures` are given."""
    sender: ValidatorId
    recipient: ValidatorId
    success: bool
    """True: the responder's log, durably, equals the leader's up to `height`."""
    height: Height
    """Success: the last height that the request proved equal, never the responder's own last height.
    Refusal: the request's `prev_height`, so a late refusal is recognised."""
    hash: BlockHash
    """Hash of the leader's entry at `height`."""
    commit: Height
    """The responder's committed height."""
    hint_height: Height
    """Refusal: highest height where the logs may still be equal. Success: 0."""
    hint_term: Term
    """Refusal: term of the responder's entry at `hint_height`. Success: 0."""
    leader_commit: Height
    """The request's `commit`, or a higher one whose certificate the responder holds without the blocks below: heights
    above it still need the signatures below."""
    signatures: Annotated[tuple[AckSignature, ...], Meta(max_length=SIGNATURES_PER_MESSAGE_MAX)]
    """Success: one for each height above `leader_commit` up to `height`, ascending. The core leaves this empty for
    the host to fill. Refusal: empty."""


class TimeoutNow(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=5):
    """A leader that hands over asks a peer that has its whole log to stand for election at once (thesis 3.10)."""

    term: Term
    """The leader's term."""
    sender: ValidatorId
    recipient: ValidatorId


class TransferVoteRequest(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=6):
    """A VoteRequest of a candidate that the leader itself told to stand: a leader's being alive is no objection.

    Answered with a VoteResponse.
    """

    term: Term
    """Term to be leader of."""
    sender: ValidatorId
    recipient: ValidatorId
    last_height: Height
    """Height of the sender's last entry."""
    last_term: Term
    """Term of the sender's last entry."""


class LeadershipCheck(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=7):
    """A leader asks whether a later term than its own is known, before it lets reads pass (thesis 6.4)."""

    term: Term
    """The leader's term."""
    sender: ValidatorId
    recipient: ValidatorId
    round: Count
    """Number of the check in its term. Invariant: a leader gives a number to one check only."""


class LeadershipConfirmation(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=8):
    """Answer to a LeadershipCheck."""

    term: Term
    """The responder's term; a higher one than the check's ends that leadership."""
    sender: ValidatorId
    recipient: ValidatorId
    round: Count
    """Repeats the check's."""


class ReadIndexRequest(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=9):
    """A follower asks the leader for a height that includes everything committed before now (thesis 6.4)."""

    term: Term
    """The term that the sender takes the recipient to lead."""
    sender: ValidatorId
    recipient: ValidatorId
    request_id: Count
    """Invariant: a validator never gives an id to two requests, over restarts too; a late answer would be stale."""


class ReadIndexResponse(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=10):
    """Answer to a ReadIndexRequest, sent once a quorum has confirmed the leader."""

    term: Term
    """The leader's term, and the request's."""
    sender: ValidatorId
    recipient: ValidatorId
    request_id: Count
    """Repeats the request's."""
    height: Height
    """A state of at least this height shows everything that was committed when the request came in."""


class SnapshotOffer(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=11):
    """A leader cannot send what the recipient lacks, because it has compacted its log (Raft section 7).

    Sent in place of an AppendRequest, as often as a heartbeat, and answered like one. The recipient's host fetches a
    snapshot of at least this height, from whomever it likes, and checks it on its own.
    """

    term: Term
    """The leader's term."""
    sender: ValidatorId
    recipient: ValidatorId
    height: Height
    """Height at which the leader's log begins: it holds the blocks above."""
    hash: BlockHash
    """Hash of the block at that height."""


class CertificatesRequest(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=12):
    """A leader asks a peer, which has committed more, for the certificates that it lacks itself.

    It could gather signatures anew, but not of validators that have left since.
    """

    term: Term
    """The leader's term."""
    sender: ValidatorId
    recipient: ValidatorId
    height: Height
    """Highest height of which the leader has a certificate."""


class CertificatesResponse(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=13):
    """Answer to a CertificatesRequest."""

    term: Term
    """The responder's term."""
    sender: ValidatorId
    recipient: ValidatorId
    certificates: Annotated[tuple[Certificate, ...], Meta(max_length=CERTIFICATES_PER_MESSAGE_MAX)]
    """Certificates of consecutive heights from the one above the request's on; fewer than are known, or none."""


Message = (
    VoteRequest
    | VoteResponse
    | AppendRequest
    | AppendResponse
    | TimeoutNow
    | TransferVoteRequest
    | LeadershipCheck
    | LeadershipConfirmation
    | ReadIndexRequest
    | ReadIndexResponse
    | SnapshotOffer
    | CertificatesRequest
    | CertificatesResponse
)
"""Everything that `Raft.step` takes."""


class MalformedMessage(Exception):
    """A peer sent a message whose fields contradict one another; the peer is at fault."""


def check_message(message: Message) -> None:
    """Check the rules that tie a message's fields together; raise MalformedMessage on the first one broken.

    After this the core may rely on: entries are consecutive from `prev_height + 1`, each naming the hash before it as
    parent, terms never fall and never exceed the message's, certificates are of consecutive heights, in an append
    request ending at `commit`, and `commit` is not above the last height. Signatures, certificates and block bodies are
    the host's to check.
    """
    if isinstance(message, AppendRequest):
        _check_entries(message)
        if message.commit > message.prev_height + len(message.entries):
            raise MalformedMessage(f"commit {message.commit} is above the last height of its message")
        _check_certificates(message.certificates, message.commit - len(message.certificates))
    elif isinstance(message, CertificatesResponse):
        first = message.certificates[0].height if message.certificates else 1
        _check_certificates(message.certificates, first - 1)
    elif isinstance(message, AppendResponse):
        previous = -1
        for signature in message.signatures:
            if not previous < signature.height <= message.height:
                raise MalformedMessage(f"signature of height {signature.height} is out of order")
            previous = signature.height


def _check_entries(request: AppendRequest) -> None:
    height, term, parent = request.prev_height, request.prev_term, request.prev_hash
    for entry in request.entries:
        height += 1
        if entry.height != height:
            raise MalformedMessage(f"entry of height {entry.height} where {height} was due")
        if entry.term < term:
            raise MalformedMessage(f"entry {height} has term {entry.term}, below its parent's {term}")
        if entry.parent_hash != parent:
            raise MalformedMessage(f"entry {height} does not name its parent")
        term, parent = entry.term, entry.hash
    if term > request.term:
        raise MalformedMessage(f"term {term} of an entry is above the message's {request.term}")


def _check_certificates(certificates: tuple[Certificate, ...], height: int) -> None:
    for certificate in certificates:
        height += 1
        if certificate.height != height:
            raise MalformedMessage(f"certificate of height {certificate.height} where {height} was due")
