"""The replay does what time did, and finds what was done to its traces."""

from datetime import UTC, datetime
from pathlib import Path

import lmdb
import msgspec
import pytest

from jifen import alliance, loading
from jifen.alliance import DEMO_ORGANIZATIONS, OrganizationPlan, create_alliance
from jifen.chain.anchor import genesis_block
from jifen.chain.executor import Executor
from jifen.chain.gateway import open_transaction
from jifen.chain.statements import proposal
from jifen.client import TransactionBuilder
from jifen.codec.blocks import decode_receipts
from jifen.codec.canonical import encode
from jifen.codec.genesis import chain_id
from jifen.consensus.messages import Certificate
from jifen.keys.signing import KeyPair
from jifen.ledger.dates import DAY_MS
from jifen.ledger.state import mark_key
from jifen.ledger.terms.records import PointType, RollingExpiry, Terms
from jifen.ledger.types import RoleClass, TransactionMark
from jifen.store.ledger_store import LedgerStore
from jifen.store.records import CommittedBlock, StoreBatch
from jifen.verification import Contradiction, verify_directory

CREATED = datetime(2026, 1, 31, 8, tzinfo=UTC)
NOW = int(CREATED.timestamp() * 1000)


def short_lived(plan: OrganizationPlan) -> PointType:
    """Return consumer points that live for a day."""
    terms = Terms(expiry=RollingExpiry(1))
    return PointType(f"{plan.id}/consumer", plan.id, RoleClass.CONSUMER, 1, plan.earn_points, plan.earn_fen, terms)


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a data directory with a block of purchases and an empty one three days later, in which they expire."""
    monkeypatch.setattr(alliance, "_point_type", short_lived)
    home = tmp_path / "home"
    create_alliance(home, "Test", DEMO_ORGANIZATIONS[:1], port_base=20000, now=lambda: CREATED)
    found = home / "harbour-mall"
    setup = loading.load_setup(found).setup
    chain = chain_id(setup.genesis)
    builder = TransactionBuilder(chain, clock=lambda: NOW)
    member = KeyPair.derive(bytes(32), "alice")
    kind = {"merchant": "harbour-mall", "point_type": "harbour-mall/consumer", "order_id": "A-1"}
    account = builder.account_of(member.public)
    sealed = [
        builder.register_member(member),
        builder.earn_points(setup.operator_key, account=account, amount_fen=5000, **kind),  # type: ignore[arg-type]
    ]
    store = LedgerStore(found / "ledger", genesis_block(chain, setup.genesis))
    executor = Executor(chain, store, store.tip)
    for time, batch in ((NOW + 1, sealed), (NOW + 3 * DAY_MS, [])):
        candidates = [open_transaction(chain, item.signed)[0] for item in batch]
        built = executor.build(candidates, term=1, proposer="harbour-mall", time=time)
        block = msgspec.structs.replace(built, proposal=setup.validator_key.sign(proposal(built.tip.header)))
        executed, name = executor.commit(), built.tip.hash
        message = built.validators.acknowledgement(1, built.tip.height, name)
        certificate = Certificate(built.tip.height, 1, name, 1, (setup.validator_key.sign(message),))
        log = ((built.tip.height, block.payload),)
        store.write([StoreBatch(blocks=log, commits=(CommittedBlock(executed, certificate),))])
        executor.state.forget_flushed(executed.tip.height)
    store.close()
    return found


def spoil(directory: Path, table: bytes, key: bytes, value: bytes) -> None:
    """Write into a store as an intruder would."""
    environment = lmdb.open(str(directory / "ledger"), max_dbs=8)
    with environment.begin(write=True) as transaction:
        transaction.put(key, value, db=environment.open_db(table, transaction))
    environment.close()


def test_a_chain_in_which_points_expired_and_marks_were_forgotten_verifies(directory: Path) -> None:
    report = verify_directory(directory)

    assert (report.height, report.transactions) == (2, 2)


def test_a_receipt_of_the_agenda_that_was_changed_is_found(directory: Path) -> None:
    store = lmdb.open(str(directory / "ledger"), max_dbs=8)
    key = (2).to_bytes(8, "big")
    with store.begin() as transaction:
        found = transaction.get(key, db=store.open_db(b"receipts", transaction))
    store.close()
    assert found is not None
    [receipt] = decode_receipts(bytes(found))
    [effect] = receipt.effects
    fewer = msgspec.structs.replace(receipt, effects=(msgspec.structs.replace(effect, points=1),))
    spoil(directory, b"receipts", key, encode((fewer,)))

    with pytest.raises(Contradiction, match="block 2: the stored receipt"):
        verify_directory(directory)


def test_a_mark_that_should_be_forgotten_is_found(directory: Path) -> None:
    spoil(directory, b"state", mark_key(NOW, bytes(32)), encode(TransactionMark(1)))

    with pytest.raises(Contradiction, match="that no transaction wrote"):
        verify_directory(directory)
