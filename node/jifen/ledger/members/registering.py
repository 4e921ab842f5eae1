"""Members and their accounts."""

from jifen.hashing import ACCOUNT
from jifen.ledger.context import BlockContext
from jifen.ledger.receipts import MemberRegistered
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import StateReader, StateWriter, account_key
from jifen.ledger.transactions import RegisterMember, Transaction
from jifen.ledger.types import Account, AccountId


def account_id(chain_id: bytes, key: bytes) -> AccountId:
    """Return the id of the account that `key` opens: it names chain and first key, and outlives the key."""
    return AccountId(ACCOUNT(chain_id, key)[:20])


def check_registration(
    state: StateReader, body: RegisterMember, transaction: Transaction, context: BlockContext
) -> Rejection | AccountId:
    """Return why the account cannot be opened, or its id."""
    if body.key not in transaction.signers:
        return Rejection.NOT_AUTHORIZED
    account = account_id(context.chain_id, body.key)
    if state.get(account_key(account)) is not None:
        return Rejection.ACCOUNT_EXISTS
    return account


def register(
    state: StateWriter, body: RegisterMember, _transaction: Transaction, account: AccountId, context: BlockContext
) -> tuple[MemberRegistered]:
    """Open the account."""
    state.put(account_key(account), Account(account, body.key, context.time))
    return (MemberRegistered(account, body.key),)
