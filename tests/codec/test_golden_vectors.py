"""The formats, byte by byte: whoever changes one of these breaks every chain, key and signature that exists.

A test here that fails means a new format version, not a new golden value.
"""

from typing import Any, Final

import pytest

from jifen.codec.addresses import encode_account
from jifen.codec.blocks import Block, Header, block_hash, encode_block
from jifen.codec.canonical import encode
from jifen.codec.genesis import chain_id
from jifen.codec.messages import (
    ForwardTransactions,
    ShowStatements,
    SnapshotChunk,
    SnapshotRequest,
    encode_peer_message,
)
from jifen.codec.records import encode_writes, state_digest
from jifen.codec.transactions import encode_body, encode_signed, transaction_id
from jifen.consensus.messages import (
    AckSignature,
    AppendRequest,
    AppendResponse,
    Certificate,
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
from jifen.ledger.checkpoints.records import Attestation, AttestCheckpoint, Checkpoint, CheckpointAttested, Checkpoints
from jifen.ledger.evidence.records import EvidenceAgainst, EvidenceRecorded, RecordedEvidence, RecordEvidence
from jifen.ledger.evidence.statements import Evidence, SignedHash, StatementKind, statements_of
from jifen.ledger.genesis import Genesis, ValidatorAddress
from jifen.ledger.governance.bodies import (
    ActivateValidator,
    ChangeProposed,
    ProposalWithdrawn,
    ProposeChange,
    ValidatorActivated,
    ValidatorAdmitted,
    ValidatorRemoved,
    VoteCounted,
    VoteOnProposal,
    WithdrawProposal,
)
from jifen.ledger.governance.changes import AdmitValidator, Newcomer, RemoveValidator
from jifen.ledger.governance.proposals import Governance, OpenProposal, Proposal, ProposalStatus, Vote
from jifen.ledger.governance.validators import Validator, ValidatorSet, ValidatorStatus
from jifen.ledger.members.registering import account_id
from jifen.ledger.points.positions import Position
from jifen.ledger.receipts import MemberRegistered, PointsEarned, PointsRevoked, PointsTransferred, Receipt
from jifen.ledger.rejections import Rejection
from jifen.ledger.terms.records import PointType, Terms
from jifen.ledger.transactions import Body, EarnPoints, RefundOrder, RegisterMember, Signature, TransferPoints
from jifen.ledger.types import (
    Account,
    Holding,
    Lot,
    LotOrigin,
    Operator,
    OrderRecord,
    Organization,
    OrganizationKind,
    OrganizationStatus,
    RefundRecord,
    RoleClass,
    Scope,
    Supply,
    TransactionMark,
)

CHAIN: Final = b"\xcc" * 32
NONCE: Final = bytes.fromhex("0001020304050607")
KEY: Final = b"\x4b" * 32
ACCOUNT: Final = b"\xaa" * 20
OTHER: Final = b"\xbb" * 20
TIME: Final = 1_790_000_000_000

ADMISSION: Final = AdmitValidator(
    "tea",
    Newcomer("茶", OrganizationKind.MERCHANT, (Operator(KEY, int(Scope.ADMIN)),)),
    "tea",
    b"\x56" * 32,
    "-----BEGIN CERTIFICATE-----\nTUE=\n-----END CERTIFICATE-----\n",
    "::1",
    8180,
    "https://x",
    None,
)

EVIDENCE: Final = Evidence(
    "books",
    KEY,
    StatementKind.PROPOSAL,
    7,
    300,
    SignedHash(b"\x06" * 32, b"\x07" * 32, b"\x5e" * 64),
    SignedHash(b"\x06" * 32, b"\x08" * 32, b"\x5f" * 64),
)

BODIES: Final[dict[str, Body]] = {
    "register": RegisterMember(TIME, NONCE, KEY),
    "earn": EarnPoints(TIME, NONCE, "mall", "A-1", ACCOUNT, "mall/consumer", 12_345, TIME - 1),
    "transfer": TransferPoints(TIME, NONCE, ACCOUNT, OTHER, "mall/consumer", 300, b"\x0e" * 32),
    "refund": RefundOrder(TIME, NONCE, "mall", "A-1", "R-1", 500),
    "attestation": AttestCheckpoint(TIME, NONCE, "mall", 4000, b"\x07" * 32, b"\x0a" * 32),
    "proposal of an admission": ProposeChange(TIME, NONCE, "mall", ADMISSION, TIME + 1),
    "proposal of a removal": ProposeChange(TIME, NONCE, "mall", RemoveValidator("books"), TIME + 1),
    "vote": VoteOnProposal(TIME, NONCE, "mall", b"\x1d" * 32, True),
    "withdrawal": WithdrawProposal(TIME, NONCE, "mall", b"\x1d" * 32),
    "activation": ActivateValidator(TIME, NONCE, "books-2"),
    "evidence": RecordEvidence(TIME, NONCE, EVIDENCE),
}

HEADER: Final = Header(
    1, CHAIN, 300, 7, b"\x01" * 32, b"\x02" * 32, b"\x03" * 32, b"\x04" * 32, b"\x05" * 32, b"\x06" * 32, "mall", TIME
)

ORGANIZATION: Final = Organization(
    "mall",
    "积分 Mall",
    OrganizationKind.MALL,
    OrganizationStatus.ACTIVE,
    (Operator(KEY, int(Scope.CASHIER | Scope.ISSUER)),),
    b"\x56" * 32,
)
POINT_TYPE: Final = PointType("mall/consumer", "mall", RoleClass.CONSUMER, 1, 1, 10, Terms())
GENESIS: Final = Genesis(
    1, "Golden", TIME, (ORGANIZATION,), (POINT_TYPE,), (ValidatorAddress("mall", "::1", 8180, "https://x", "pem"),)
)

VALUES: Final[dict[str, Any]] = {
    "organization": ORGANIZATION,
    "point type": POINT_TYPE,
    "account": Account(ACCOUNT, KEY, TIME),
    "holding": Holding(1007, (Lot(1000, LotOrigin.EARNED, TIME, 0), Lot(7, LotOrigin.TRANSFERRED, TIME, TIME + 1)), 5),
    "supply": Supply(2**53 - 1, 128),
    "position": Position(300),
    "holding with held points": Holding(0, (), held=70),
    "order": OrderRecord(b"\x1d" * 32, ACCOUNT, "mall/consumer", 1, 1, 10, 12_345, 500),
    "refund record": RefundRecord(b"\x1d" * 32),
    "mark": TransactionMark(65_536),
    "checkpoints": Checkpoints(
        1000,
        (
            Checkpoint(4000, (Attestation("mall", b"\x07" * 32, b"\x0a" * 32, b"\x1d" * 32),)),
            Checkpoint(3000, (), b"\x0b" * 32, b"\x08" * 32, 3007),
        ),
    ),
    "receipt of an attestation": Receipt(
        b"\x1d" * 32, 0, (CheckpointAttested("mall", 4000, b"\x07" * 32, b"\x0a" * 32, 3, certified=True),)
    ),
    "evidence against a validator": EvidenceAgainst(
        (RecordedEvidence(StatementKind.ACKNOWLEDGEMENT, 7, 300, b"\x07" * 32, b"\x08" * 32, b"\x1d" * 32, 310),)
    ),
    "receipt of evidence": Receipt(
        b"\x1d" * 32, 0, (EvidenceRecorded("books", StatementKind.PROPOSAL, 7, 300, b"\x07" * 32, b"\x08" * 32, 2),)
    ),
    "validator": Validator(
        "books-2", "books", KEY, "pem", "::1", 8180, "https://x", ValidatorStatus.OBSERVER, 300, "books"
    ),
    "validator set": ValidatorSet(("mall", "books-2"), ("mall", "books"), ("cafe",), 300),
    "proposal": Proposal(
        3,
        b"\x1d" * 32,
        "mall",
        RemoveValidator("books"),
        TIME,
        300,
        ProposalStatus.REFUSED,
        (Vote("mall", True, 300), Vote("books", False, 301)),
        301,
    ),
    "governance": Governance(
        2, 3, ("mall", "books"), ("mall", "books", "books-2"), 3, (OpenProposal(b"\x1d" * 32, 3, "mall", TIME),)
    ),
    "receipt of a proposal": Receipt(b"\x1d" * 32, 0, (ChangeProposed(3, "mall", TIME, 1, 2, 3, ProposalStatus.OPEN),)),
    "receipt of a deciding vote": Receipt(
        b"\x1d" * 32,
        0,
        (
            VoteCounted(3, b"\x1e" * 32, "books", True, 2, 0, 2, 3, ProposalStatus.ACCEPTED),
            ValidatorAdmitted("books-2", "books", False, "books"),
        ),
    ),
    "receipt of a removal": Receipt(b"\x1d" * 32, 0, (ValidatorRemoved("books", "books", True),)),
    "receipt of a withdrawal": Receipt(b"\x1d" * 32, 0, (ProposalWithdrawn(3, b"\x1e" * 32, "mall"),)),
    "receipt of an activation": Receipt(b"\x1d" * 32, 0, (ValidatorActivated("books-2", "books", "books"),)),
    "receipt of a registration": Receipt(b"\x1d" * 32, 0, (MemberRegistered(ACCOUNT, KEY),)),
    "receipt of an earn": Receipt(
        b"\x1d" * 32, 0, (PointsEarned("mall", ACCOUNT, "mall/consumer", 1, 12_345, 1, 10, 1234, 1334, 9),)
    ),
    "receipt of a refund": Receipt(
        b"\x1d" * 32, 0, (PointsRevoked("mall", ACCOUNT, "mall/consumer", 1, 500, 12_345, 700, 1, 10, 50, 1284, 3),)
    ),
    "receipt of a transfer": Receipt(
        b"\x1d" * 32, 0, (PointsTransferred(ACCOUNT, OTHER, "mall/consumer", 300, 1034, 300),)
    ),
    "receipt of a rejection": Receipt(b"\x1d" * 32, Rejection.INSUFFICIENT_POINTS, ()),
    "header": HEADER,
    "certificate": Certificate(300, 8, b"\x07" * 32, 0b101, (b"\x08" * 64, b"\x09" * 64)),
    "vote request": VoteRequest(8, "mall", "books", 300, 7, True),
    "vote response": VoteResponse(8, "books", "mall", True, False),
    "append request": AppendRequest(
        8, "mall", "books", 299, 7, b"\x01" * 32, (Entry(300, 8, b"\x02" * 32, b"\x01" * 32, b"block"),), 0, ()
    ),
    "append response": AppendResponse(
        8, "books", "mall", True, 300, b"\x02" * 32, 299, 0, 0, 299, (AckSignature(300, b"\x02" * 32, b"\x08" * 64),)
    ),
    "timeout now": TimeoutNow(8, "mall", "books"),
    "transfer vote request": TransferVoteRequest(9, "books", "music", 300, 8),
    "leadership check": LeadershipCheck(8, "mall", "books", 40),
    "leadership confirmation": LeadershipConfirmation(8, "books", "mall", 40),
    "read index request": ReadIndexRequest(8, "books", "mall", 2**40),
    "read index response": ReadIndexResponse(8, "mall", "books", 2**40, 300),
    "snapshot offer": SnapshotOffer(8, "mall", "books", 300, b"\x02" * 32),
    "certificates request": CertificatesRequest(8, "mall", "books", 300),
    "certificates response": CertificatesResponse(
        8, "books", "mall", (Certificate(301, 7, b"\x02" * 32, 5, (b"\x03" * 64, b"\x04" * 64)),)
    ),
    "statements shown": ShowStatements("mall", "books", statements_of(EVIDENCE)),
    "forwarding": ForwardTransactions("mall", "books", (b"signed",)),
    "request for a manifest": SnapshotRequest("mall", "books", 4000, None),
    "request for a chunk": SnapshotRequest("mall", "books", 4000, 7),
    "snapshot chunk": SnapshotChunk("books", "mall", 4000, 7, b"chunk"),
}

GOLDEN: Final = {
    "holding with held points": "99009000009090900046",
    "position": "91cd012c",
    "organization": (
        "96a46d616c6cabe7a7afe58886204d616c6c01019192c4204b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b"
        "4b4b4b4b4b4b4b4b06c4205656565656565656565656565656565656565656565656565656565656565656"
    ),
    "point type": (
        "98ad6d616c6c2f636f6e73756d6572a46d616c6c0101010adc001001000001009101910100c3c2c290cf001fffffffff"
        "ffff9101931ecf001fffffffffffff64923264c0"
    ),
    "account": (
        "94c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac4204b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b"
        "4b4b4b4b4b4b4b4b4bcf000001a0c4506c0000"
    ),
    "holding": (
        "99cd03ef9296cd03e801cf000001a0c4506c00000000960702cf000001a0c4506c00cf000001a0c4506c01000005009090900000"
    ),
    "supply": "93cf001fffffffffffffcc8000",
    "order": (
        "dc0010c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1dc414aaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaad6d616c6c2f636f6e73756d657201010acd3039cd01f401000000c2c090c2"
    ),
    "mark": "91ce00010000",
    "validator": (
        "9aa7626f6f6b732d32a5626f6f6b73c4204b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b"
        "4ba370656da33a3a31cd1ff4a968747470733a2f2f7801cd012ca5626f6f6b73"
    ),
    "validator set": "9492a46d616c6ca7626f6f6b732d3292a46d616c6ca5626f6f6b7391a463616665cd012c",
    "receipt of a registration": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919301c414aaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaac4204b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b"
    ),
    "receipt of an earn": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d0091dc001002a46d616c6cc414"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad6d616c6c2f636f6e73756d657201cd3039010acd04d2cd05360901"
        "000000c0"
    ),
    "receipt of a transfer": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919703c414aaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaac414bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbad6d616c6c2f636f6e73756d65"
        "72cd012ccd040acd012c"
    ),
    "receipt of a rejection": "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d0f90",
    "header": (
        "9c01c420cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccd012c07c420010101010101"
        "0101010101010101010101010101010101010101010101010101c4200202020202020202020202020202020202020202"
        "020202020202020202020202c4200303030303030303030303030303030303030303030303030303030303030303c420"
        "0404040404040404040404040404040404040404040404040404040404040404c4200505050505050505050505050505"
        "050505050505050505050505050505050505c42006060606060606060606060606060606060606060606060606060606"
        "06060606a46d616c6ccf000001a0c4506c00"
    ),
    "certificate": (
        "95cd012c08c42007070707070707070707070707070707070707070707070707070707070707070592c4400808080808"
        "080808080808080808080808080808080808080808080808080808080808080808080808080808080808080808080808"
        "0808080808080808080808c4400909090909090909090909090909090909090909090909090909090909090909090909"
        "0909090909090909090909090909090909090909090909090909090909"
    ),
    "vote request": "970108a46d616c6ca5626f6f6b73cd012c07c3",
    "vote response": "960208a5626f6f6b73a46d616c6cc3c2",
    "append request": (
        "9a0308a46d616c6ca5626f6f6b73cd012b07c42001010101010101010101010101010101010101010101010101010101"
        "010101019195cd012c08c4200202020202020202020202020202020202020202020202020202020202020202c4200101"
        "010101010101010101010101010101010101010101010101010101010101c405626c6f636b0090"
    ),
    "append response": (
        "9c0408a5626f6f6b73a46d616c6cc3cd012cc42002020202020202020202020202020202020202020202020202020202"
        "02020202cd012b0000cd012b9193cd012cc4200202020202020202020202020202020202020202020202020202020202"
        "020202c44008080808080808080808080808080808080808080808080808080808080808080808080808080808080808"
        "080808080808080808080808080808080808080808"
    ),
    "timeout now": "940508a46d616c6ca5626f6f6b73",
    "transfer vote request": "960609a5626f6f6b73a56d75736963cd012c08",
    "leadership check": "950708a46d616c6ca5626f6f6b7328",
    "leadership confirmation": "950808a5626f6f6b73a46d616c6c28",
    "read index request": "950908a5626f6f6b73a46d616c6ccf0000010000000000",
    "read index response": "960a08a46d616c6ca5626f6f6b73cf0000010000000000cd012c",
    "snapshot offer": (
        "960b08a46d616c6ca5626f6f6b73cd012cc4200202020202020202020202020202020202020202020202020202020202020202"
    ),
    "certificates request": "950c08a46d616c6ca5626f6f6b73cd012c",
    "certificates response": (
        "950d08a5626f6f6b73a46d616c6c9195cd012d07c420020202020202020202020202020202020202020202020202020202020202020205"
        "92c44003030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303"
        "030303030303030303030303c4400404040404040404040404040404040404040404040404040404040404040404040404040404040404"
        "0404040404040404040404040404040404040404040404"
    ),
    "forwarding": "9420a46d616c6ca5626f6f6b7391c4067369676e6564",
    "register": (
        "9401cf000001a0c4506c00c4080001020304050607c4204b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b"
    ),
    "register, signed": (
        "92c4379401cf000001a0c4506c00c4080001020304050607c4204b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b"
        "4b4b4b4b4b4b4b4b4b4b9192c4204b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4bc440"
        "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
        "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
    ),
    "register, id": "1ca401e0359d35bd210e0b85d6579cbbf5816529e90bbe616eebecda19ed64d4",
    "earn": (
        "9d02cf000001a0c4506c00c4080001020304050607a46d616c6ca3412d31c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaad6d616c6c2f636f6e73756d6572cd3039cf000001a0c4506bff90c0c0c0"
    ),
    "earn, signed": (
        "92c4529d02cf000001a0c4506c00c4080001020304050607a46d616c6ca3412d31c414aaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaad6d616c6c2f636f6e73756d6572cd3039cf000001a0c4506bff90c0c0c09192c4204b4b4b4b4b4b4b"
        "4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4bc4405e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
        "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
    ),
    "earn, id": "317df68725bdc207d16fdea93ccfc1570a60c8678c91947e682ffc748f164107",
    "transfer": (
        "9803cf000001a0c4506c00c4080001020304050607c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac414bbbbbb"
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbad6d616c6c2f636f6e73756d6572cd012cc4200e0e0e0e0e0e0e0e0e0e0e0e"
        "0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e"
    ),
    "transfer, signed": (
        "92c4749803cf000001a0c4506c00c4080001020304050607c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac414"
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbad6d616c6c2f636f6e73756d6572cd012cc4200e0e0e0e0e0e0e0e0e"
        "0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e9192c4204b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b"
        "4b4b4b4b4b4b4b4b4b4b4bc4405e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
        "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
    ),
    "transfer, id": "2b322bcd29dcaeb17a482362559ebcaa897700eb88880f77a59eecd0228b53ca",
    "block": (
        "939c01c420cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccd012c07c4200101010101"
        "010101010101010101010101010101010101010101010101010101c42002020202020202020202020202020202020202"
        "02020202020202020202020202c4200303030303030303030303030303030303030303030303030303030303030303c4"
        "200404040404040404040404040404040404040404040404040404040404040404c42005050505050505050505050505"
        "05050505050505050505050505050505050505c420060606060606060606060606060606060606060606060606060606"
        "0606060606a46d616c6ccf000001a0c4506c0091c4bb92c4529d02cf000001a0c4506c00c4080001020304050607a46d"
        "616c6ca3412d31c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad6d616c6c2f636f6e73756d6572cd3039cf00"
        "0001a0c4506bff90c0c0c09192c4204b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4bc4"
        "405e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
        "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5ec4405f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f"
        "5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f"
    ),
    "block hash": "adf3c9d60fe90e1dc60e133ac2f8e30c16c4b78d97d4bbd91cec31bed0c2bbcb",
    "chain id": "70bf0dd54123bd80d3c2edfa0c925937b360c3f5bffaaba7454c35cdbc9b2340",
    "account id": "78c0bbb100230f76f3c65901eef1f83cc8907e8e",
    "account text": "jf10rqthvgqyv8hdu7xtyq7au0c8nyfql5w48l8ga",
    "state digest": "267ac33c6db49ace89ac838be55029dd4e8e5e9be61a32443a13e0747199daf9",
    "refund record": "91c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d",
    "receipt of a refund": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d0091dc001104a46d616c6cc414"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad6d616c6c2f636f6e73756d657201cd01f4cd3039cd02bc010a32cd"
        "05040300000090"
    ),
    "refund": "9804cf000001a0c4506c00c4080001020304050607a46d616c6ca3412d31a3522d31cd01f490",
    "refund, signed": (
        "92c4269804cf000001a0c4506c00c4080001020304050607a46d616c6ca3412d31a3522d31cd01f4909192c4204b4b4b"
        "4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4bc4405e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
        "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
    ),
    "refund, id": "d21e4387374f96da9c507b1edd78f4ccdf3237d62e14fe980bcb478f40f3ab9b",
    "checkpoints": (
        "92cd03e89295cd0fa09194a46d616c6cc420070707070707070707070707070707070707070707070707070707070707"
        "0707c4200a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0ac4201d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1dc0c00095cd0bb890c4200b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
        "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0bc420080808080808080808080808080808080808080808080808080808080808"
        "0808cd0bbf"
    ),
    "receipt of an attestation": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919715a46d616c6ccd0fa0c4"
        "200707070707070707070707070707070707070707070707070707070707070707c4200a0a0a0a0a0a0a0a0a0a0a0a0a"
        "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a03c3"
    ),
    "attestation": (
        "9715cf000001a0c4506c00c4080001020304050607a46d616c6ccd0fa0c4200707070707070707070707070707070707"
        "070707070707070707070707070707c4200a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"
        "0a"
    ),
    "attestation, signed": (
        "92c4619715cf000001a0c4506c00c4080001020304050607a46d616c6ccd0fa0c4200707070707070707070707070707"
        "070707070707070707070707070707070707c4200a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"
        "0a0a0a0a9192c4204b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4bc4405e5e5e5e5e5e"
        "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
        "5e5e5e5e5e5e5e5e5e5e"
    ),
    "attestation, id": "2fcb1c53c303f376b792a7c93ef5c846d3c2576891af68f2782ec7b5f141e7a8",
    "proposal": (
        "9903c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1da46d616c6c9202a5626f6f6b"
        "73cf000001a0c4506c00cd012c039293a46d616c6cc3cd012c93a5626f6f6b73c2cd012dcd012d"
    ),
    "governance": (
        "96020392a46d616c6ca5626f6f6b7393a46d616c6ca5626f6f6b73a7626f6f6b732d32039194c4201d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d03a46d616c6ccf000001a0c4506c00"
    ),
    "receipt of a proposal": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d0091980a03a46d616c6ccf0000"
        "01a0c4506c0001020301"
    ),
    "receipt of a deciding vote": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00929a0b03c4201e1e1e1e1e1e"
        "1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1ea5626f6f6b73c30200020302950da7626f6f6b732d32"
        "a5626f6f6b73c2a5626f6f6b73"
    ),
    "receipt of a removal": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d0091940ea5626f6f6b73a5626f6f6b73c3"
    ),
    "receipt of a withdrawal": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d0091940c03c4201e1e1e1e1e1e"
        "1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1ea46d616c6c"
    ),
    "receipt of an activation": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d0091940fa7626f6f6b732d32a5"
        "626f6f6b73a5626f6f6b73"
    ),
    "evidence against a validator": (
        "9191970107cd012cc4200707070707070707070707070707070707070707070707070707070707070707c42008080808"
        "08080808080808080808080808080808080808080808080808080808c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1dcd0136"
    ),
    "receipt of evidence": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919814a5626f6f6b730207cd"
        "012cc4200707070707070707070707070707070707070707070707070707070707070707c42008080808080808080808"
        "0808080808080808080808080808080808080808080802"
    ),
    "evidence": (
        "9414cf000001a0c4506c00c408000102030405060797a5626f6f6b73c4204b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b"
        "4b4b4b4b4b4b4b4b4b4b4b4b4b4b0207cd012c93c4200606060606060606060606060606060606060606060606060606"
        "060606060606c4200707070707070707070707070707070707070707070707070707070707070707c4405e5e5e5e5e5e"
        "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
        "5e5e5e5e5e5e5e5e5e5e93c4200606060606060606060606060606060606060606060606060606060606060606c42008"
        "08080808080808080808080808080808080808080808080808080808080808c4405f5f5f5f5f5f5f5f5f5f5f5f5f5f5f"
        "5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f"
        "5f"
    ),
    "evidence, signed": (
        "92c501519414cf000001a0c4506c00c408000102030405060797a5626f6f6b73c4204b4b4b4b4b4b4b4b4b4b4b4b4b4b"
        "4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b0207cd012c93c42006060606060606060606060606060606060606060606"
        "06060606060606060606c4200707070707070707070707070707070707070707070707070707070707070707c4405e5e"
        "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
        "5e5e5e5e5e5e5e5e5e5e5e5e5e5e93c42006060606060606060606060606060606060606060606060606060606060606"
        "06c4200808080808080808080808080808080808080808080808080808080808080808c4405f5f5f5f5f5f5f5f5f5f5f"
        "5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f"
        "5f5f5f5f5f9192c4204b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4bc4405e5e5e5e5e"
        "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
        "5e5e5e5e5e5e5e5e5e5e5e"
    ),
    "evidence, id": "90ad43ad98eca9b570c4f32d1c9e866f9937016508423ee3046e1d4660ba7898",
    "statements shown": (
        "941ea46d616c6ca5626f6f6b739297a5626f6f6b730207cd012cc4200606060606060606060606060606060606060606"
        "060606060606060606060606c4200707070707070707070707070707070707070707070707070707070707070707c440"
        "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
        "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e97a5626f6f6b730207cd012cc420060606060606060606060606060606060606"
        "0606060606060606060606060606c4200808080808080808080808080808080808080808080808080808080808080808"
        "c4405f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f"
        "5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f"
    ),
    "proposal of an admission": (
        "960acf000001a0c4506c00c4080001020304050607a46d616c6c9a01a374656193a3e88cb6029192c4204b4b4b4b4b4b"
        "4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b01a3746561c420565656565656565656565656565656"
        "5656565656565656565656565656565656d93b2d2d2d2d2d424547494e2043455254494649434154452d2d2d2d2d0a54"
        "55453d0a2d2d2d2d2d454e442043455254494649434154452d2d2d2d2d0aa33a3a31cd1ff4a968747470733a2f2f78c0"
        "cf000001a0c4506c01"
    ),
    "proposal of an admission, signed": (
        "92c4c9960acf000001a0c4506c00c4080001020304050607a46d616c6c9a01a374656193a3e88cb6029192c4204b4b4b"
        "4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b01a3746561c420565656565656565656565656"
        "5656565656565656565656565656565656565656d93b2d2d2d2d2d424547494e2043455254494649434154452d2d2d2d"
        "2d0a5455453d0a2d2d2d2d2d454e442043455254494649434154452d2d2d2d2d0aa33a3a31cd1ff4a968747470733a2f"
        "2f78c0cf000001a0c4506c019192c4204b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b"
        "c4405e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
        "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
    ),
    "proposal of an admission, id": "46ab4bd731360bc9f094ca09419af6f5d99a51495ad1e1b20de6441ce09017f9",
    "proposal of a removal": "960acf000001a0c4506c00c4080001020304050607a46d616c6c9202a5626f6f6b73cf000001a0c4506c01",
    "proposal of a removal, signed": (
        "92c42b960acf000001a0c4506c00c4080001020304050607a46d616c6c9202a5626f6f6b73cf000001a0c4506c019192"
        "c4204b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4bc4405e5e5e5e5e5e5e5e5e5e5e5e"
        "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
        "5e5e5e5e"
    ),
    "proposal of a removal, id": "a0907d99067a28d85ca6bb2cb3aa712fb02d9a0a3dd60fa6db83cfd6d927f1bb",
    "vote": (
        "960bcf000001a0c4506c00c4080001020304050607a46d616c6cc4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1dc3"
    ),
    "vote, signed": (
        "92c43d960bcf000001a0c4506c00c4080001020304050607a46d616c6cc4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1dc39192c4204b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b"
        "4b4b4b4bc4405e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
        "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
    ),
    "vote, id": "5577724c6f519be8804af53c652242698b2ae805a7798f27ae275997866129d6",
    "withdrawal": (
        "950ccf000001a0c4506c00c4080001020304050607a46d616c6cc4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d"
    ),
    "withdrawal, signed": (
        "92c43c950ccf000001a0c4506c00c4080001020304050607a46d616c6cc4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d9192c4204b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b"
        "4b4b4bc4405e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
        "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
    ),
    "withdrawal, id": "83c46ae9a5f10348277a757ac609ad87c0866304e965bf85a83f9699f554c15b",
    "activation": "940dcf000001a0c4506c00c4080001020304050607a7626f6f6b732d32",
    "activation, signed": (
        "92c41d940dcf000001a0c4506c00c4080001020304050607a7626f6f6b732d329192c4204b4b4b4b4b4b4b4b4b4b4b4b"
        "4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4bc4405e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
        "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
    ),
    "activation, id": "0249a402be009781f2f34ec2a88c1bfcdf84366b6a0340569593d8874ca1feba",
    "request for a manifest": "9521a46d616c6ca5626f6f6b73cd0fa0c0",
    "request for a chunk": "9521a46d616c6ca5626f6f6b73cd0fa007",
    "snapshot chunk": "9622a5626f6f6b73a46d616c6ccd0fa007c4056368756e6b",
}
"""Bytes in hex, by name; texts as they are."""


def computed() -> dict[str, bytes]:
    """Return the bytes of everything above, and what is hashed of them."""
    found = {name: encode(value) for name, value in VALUES.items()}
    for name, body in BODIES.items():
        data = encode_body(body)
        found[name] = data
        found[f"{name}, signed"] = encode_signed(data, (Signature(KEY, b"\x5e" * 64),))
        found[f"{name}, id"] = transaction_id(CHAIN, (KEY,), data)
    found["forwarding"] = encode_peer_message(VALUES["forwarding"])
    found["block"] = encode_block(Block(HEADER, (found["earn, signed"],), b"\x5f" * 64))
    found["block hash"] = block_hash(HEADER)
    found["chain id"] = chain_id(GENESIS)
    found["account id"] = account_id(CHAIN, KEY)
    found["account text"] = encode_account(found["account id"]).encode()
    writes = {b"s" + b"mall/consumer": VALUES["supply"], b"a" + ACCOUNT: VALUES["account"]}
    found["state digest"] = state_digest(bytes(32), encode_writes(writes))
    return found


def test_every_format_has_a_golden_vector() -> None:
    assert computed().keys() == GOLDEN.keys()


@pytest.mark.parametrize("name", GOLDEN)
def test_a_format_is_what_it_always_was(name: str) -> None:
    found = computed()[name]

    assert (found.decode() if name == "account text" else found.hex()) == GOLDEN[name]
