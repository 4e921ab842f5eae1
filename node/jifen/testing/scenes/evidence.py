"""Made-up contradictions: a validator's own key, used twice."""

from typing import Final

from jifen.chain.statements import statement_claim
from jifen.keys.signing import KeyPair
from jifen.ledger.evidence.statements import Evidence, Statement, StatementKind, contradiction

SET_HASH: Final = b"\5" * 32
"""Hash of a set of validators, as far as anybody can tell."""


def convicting(
    chain_id: bytes,
    validator: str,
    key: KeyPair,
    *,
    kind: StatementKind = StatementKind.PROPOSAL,
    term: int = 3,
    height: int = 7,
) -> Evidence:
    """Return genuine evidence against whoever holds `key`."""
    sides = []
    for name in (b"\1" * 32, b"\2" * 32):
        plain = Statement(validator, kind, term, height, SET_HASH, name, bytes(64))
        signature = key.sign(statement_claim(chain_id, key.public, plain).message)
        sides.append(Statement(validator, kind, term, height, SET_HASH, name, signature))
    found = contradiction(key.public, *sides)
    assert found is not None
    return found
