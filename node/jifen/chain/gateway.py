"""The gateway for transactions: bytes in, decoded transactions and the signatures to check out.

The rules of the ledger assume what is guaranteed here (see `jifen.ledger.transactions.Transaction`).
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import final

from jifen.chain.statements import evidence_claims
from jifen.codec.errors import Malformed
from jifen.codec.merkle import leaf_hash
from jifen.codec.transactions import decode_body, decode_signed, transaction_id
from jifen.keys.verification import Claim
from jifen.ledger.evidence.records import RecordEvidence
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import PublicKey

CHECKED_TRANSACTIONS_MAX = 32_768
"""Checked transactions remembered: several full windows of blocks and a full mempool, some 40 MB."""


def open_transaction(chain_id: bytes, signed: bytes) -> tuple[Transaction, list[Claim]]:
    """Return a decoded transaction and the claims that must hold before it may be used; raises Malformed.

    Evidence brings two signatures of its own: the rules then only compare.
    """
    envelope = decode_signed(signed)
    body = decode_body(envelope.body)
    signers = tuple(PublicKey(item.key) for item in envelope.signatures)
    if len(signers) > 1 and len({*signers}) != len(signers):
        raise Malformed("signed transaction: a key stands twice among the signers; each signs once")
    identity = transaction_id(chain_id, signers, envelope.body)
    claims = [Claim(item.key, identity, item.signature) for item in envelope.signatures]
    if isinstance(body, RecordEvidence):
        claims += evidence_claims(chain_id, body.evidence)
    return Transaction(identity, body, signers, leaf_hash(signed), signed), claims


@final
class CheckedTransactions:
    """Remembers transactions whose signatures were found good, so that each is checked once a validator.

    They are remembered by the hash of all their bytes, not by id: the id leaves the signatures out, and the same body
    under a forged signature must not pass.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, Transaction] = OrderedDict()

    def find(self, signed: bytes) -> Transaction | None:
        """Return the checked transaction with exactly these bytes, or None."""
        return self._known.get(leaf_hash(signed))

    def remember(self, transactions: Iterable[Transaction]) -> None:
        """Add checked transactions; the oldest make room."""
        for transaction in transactions:
            self._known[transaction.digest] = transaction
        while len(self._known) > CHECKED_TRANSACTIONS_MAX:
            self._known.popitem(last=False)

    def forget(self, transactions: Iterable[Transaction]) -> None:
        """Drop transactions that will not be met again: their block is committed."""
        for transaction in transactions:
            self._known.pop(transaction.digest, None)
