"""Naive rules of members and their accounts."""

from typing import TYPE_CHECKING

from jifen.ledger.rejections import Rejection
from jifen.ledger.transactions import RegisterMember, Transaction
from jifen.testing.naive.scene import account_of

if TYPE_CHECKING:
    from jifen.testing.naive.ledger import NaiveLedger


def against_registration(ledger: "NaiveLedger", body: RegisterMember, item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against opening an account."""
    found = set()
    if body.key not in item.signers:
        found.add(Rejection.NOT_AUTHORIZED)
    if account_of(body.key, ledger.chain_id) in ledger.accounts:
        found.add(Rejection.ACCOUNT_EXISTS)
    return found


def register(
    ledger: "NaiveLedger", body: RegisterMember, _item: Transaction, time: int
) -> tuple[tuple[object, ...], ...]:
    """Open the account."""
    account = account_of(body.key, ledger.chain_id)
    ledger.accounts[account] = (body.key, time)
    return ((account, body.key),)
