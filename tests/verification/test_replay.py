"""The replay accepts what validators wrote, and finds a byte changed anywhere."""

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import lmdb
import msgspec
import pytest

from jifen import loading
from jifen.alliance import DEMO_ORGANIZATIONS, create_alliance
from jifen.chain.anchor import genesis_block
from jifen.chain.executor import Executor
from jifen.chain.gateway import open_transaction
from jifen.chain.statements import proposal
from jifen.chain.validators import Validators
from jifen.client import SealedTransaction, TransactionBuilder
from jifen.codec.blocks import decode_block, decode_certificate, decode_receipts
from jifen.codec.canonical import encode
from jifen.codec.genesis import chain_id
from jifen.codec.records import decode_record
from jifen.consensus.messages import Certificate
from jifen.keys.signing import KeyPair
from jifen.ledger.state import HOLDING
from jifen.store.directory import locked_directory
from jifen.store.errors import DirectoryLocked, FormatUnknown, StoreError, WrongChain
from jifen.store.ledger_store import LedgerStore
from jifen.store.records import CommittedBlock, StoreBatch
from jifen.verification import Contradiction, compare, verify_directory

CREATED = datetime(2026, 1, 31, 8, tzinfo=UTC)
NOW = int(CREATED.timestamp() * 1000)
MEMBERS = [KeyPair.derive(bytes(32), name) for name in ("alice", "bob")]
NAMES = ("harbour-mall", "north-music", "east-books")


class World(NamedTuple):
    """An alliance with three committed blocks in every store and one more in the first one's log."""

    home: Path
    signers: dict[str, KeyPair]


def certify(validators: Validators, height: int, name: bytes, signers: dict[str, KeyPair]) -> Certificate:
    """Return the certificate of a block, signed by everybody."""
    message = validators.acknowledgement(1, height, name)
    signatures = tuple(signers[identity].sign(message) for identity in validators.ids)
    return Certificate(height, 1, name, (1 << len(signatures)) - 1, signatures)


def batches_of(chain: bytes, till: KeyPair) -> list[list[SealedTransaction]]:
    """Return the transactions of four blocks: registrations, earns (one of them refused), a transfer, an earn."""
    builder = TransactionBuilder(chain, clock=lambda: NOW)
    accounts = [builder.account_of(pair.public) for pair in MEMBERS]
    kind = {"merchant": "north-music", "point_type": "north-music/consumer", "account": accounts[0]}
    earns = [
        builder.earn_points(till, order_id=order, amount_fen=1000, purchased_at=NOW, **kind)  # type: ignore[arg-type]
        for order in ("A-1", "A-2", "A-1", "A-3")
    ]
    moved = builder.transfer_points(MEMBERS[0], recipient=accounts[1], point_type="north-music/consumer", points=70)
    return [[builder.register_member(pair) for pair in MEMBERS], earns[:3], [moved], [earns[3]]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Make the world once; tests work on copies."""
    home = tmp_path_factory.mktemp("made") / "home"
    create_alliance(home, "Test", DEMO_ORGANIZATIONS[:3], port_base=20000, now=lambda: CREATED)
    setups = {name: loading.load_setup(home / name).setup for name in NAMES}
    signers = {name: setup.validator_key for name, setup in setups.items()}
    genesis = setups["harbour-mall"].genesis
    chain = chain_id(genesis)
    validators = genesis_block(chain, genesis).validators
    batches = batches_of(chain, setups["north-music"].operator_key)
    for name in NAMES:
        store = LedgerStore(home / name / "ledger", genesis_block(chain, genesis))
        executor = Executor(chain, store, store.tip)
        for height, batch in enumerate(batches, start=1):
            candidates = [open_transaction(chain, item.signed)[0] for item in batch]
            block = executor.build(candidates, term=1, proposer="harbour-mall", time=NOW + height)
            signature = signers["harbour-mall"].sign(proposal(block.tip.header))
            block = msgspec.structs.replace(block, proposal=signature)
            commits = []
            if height <= 3:
                executed = executor.commit()
                commits = [CommittedBlock(executed, certify(validators, height, executed.tip.hash, signers))]
            elif name != "harbour-mall":
                break
            store.write([StoreBatch(blocks=((height, block.payload),), commits=tuple(commits))])
        store.close()
    return World(home, signers)


@pytest.fixture
def world(made: World, tmp_path: Path) -> World:
    """Return a copy of the world to spoil."""
    home = tmp_path / "home"
    shutil.copytree(made.home, home)
    return World(home, made.signers)


@contextmanager
def table(directory: Path, name: str) -> Iterator[tuple[lmdb.Transaction, Any]]:
    """Open a table of a store for writing, as an intruder would."""
    environment = lmdb.open(str(directory / "ledger"), max_dbs=6)
    handle = environment.open_db(name.encode(), create=False)
    with environment.begin(write=True, db=handle) as transaction:
        yield transaction, handle
    environment.close()


def key(height: int) -> bytes:
    """Return the key of a height."""
    return height.to_bytes(8, "big")


def change(directory: Path, name: str, at: bytes, how: Callable[[bytes], bytes]) -> None:
    """Change one value of a table."""
    with table(directory, name) as (transaction, _):
        value = transaction.get(at)
        assert value is not None
        changed = how(bytes(value))
        assert changed != value
        transaction.put(at, changed)


def test_every_directory_of_an_honest_alliance_replays(world: World) -> None:
    reports = [verify_directory(world.home / name) for name in NAMES]

    assert [(report.blocks, report.transactions, report.certificates) for report in reports] == [(4, 6, 3)] * 3
    assert [report.signatures for report in reports] == [6 + 3 * 4 + 2, 6 + 3 * 4, 6 + 3 * 4]
    assert [report.uncommitted for report in reports] == [1, 0, 0]
    assert len({report.state_digest for report in reports}) == 1
    compare(reports)


def test_the_replay_writes_nothing_to_the_store(world: World) -> None:
    store = world.home / "east-books" / "ledger"
    before = {path.name: path.read_bytes() for path in store.iterdir()}

    verify_directory(world.home / "east-books")

    assert {path.name: path.read_bytes() for path in store.iterdir()} == before


def flip_last(value: bytes) -> bytes:
    """Change the last byte."""
    return value[:-1] + bytes([value[-1] ^ 1])


def forge_signature(value: bytes) -> bytes:
    """Change a signature inside the first transaction of a block, leaving everything canonical."""
    block = decode_block(value)
    first = flip_last(block.transactions[0])
    return encode(msgspec.structs.replace(block, transactions=(first, *block.transactions[1:])))


def forge_proposal(value: bytes) -> bytes:
    """Change the proposer's signature."""
    block = decode_block(value)
    return encode(msgspec.structs.replace(block, proposal=flip_last(block.proposal)))


def drop_proposal(value: bytes) -> bytes:
    """Leave the proposer's signature out."""
    return encode(msgspec.structs.replace(decode_block(value), proposal=b""))


def move_time(value: bytes) -> bytes:
    """Let a block claim another time."""
    block = decode_block(value)
    header = msgspec.structs.replace(block.header, time=block.header.time + 1)
    return encode(msgspec.structs.replace(block, header=header))


def claim_digest(value: bytes) -> bytes:
    """Let a block claim another state."""
    block = decode_block(value)
    header = msgspec.structs.replace(block.header, state_digest=bytes(32))
    return encode(msgspec.structs.replace(block, header=header))


def drop_transaction(value: bytes) -> bytes:
    """Leave the last transaction of a block out."""
    block = decode_block(value)
    return encode(msgspec.structs.replace(block, transactions=block.transactions[:-1]))


def raise_receipt(value: bytes) -> bytes:
    """Let a receipt promise a point more."""
    first, *rest = decode_receipts(value)
    effect = msgspec.structs.replace(first.effects[0], points=101)
    return encode((msgspec.structs.replace(first, effects=(effect,)), *rest))


def forge_certificate(value: bytes) -> bytes:
    """Change one signature of a certificate."""
    certificate = decode_certificate(value)
    signatures = (flip_last(certificate.signatures[0]), *certificate.signatures[1:])
    return encode(msgspec.structs.replace(certificate, signatures=signatures))


def thin_certificate(value: bytes) -> bytes:
    """Leave one signer out of two."""
    certificate = decode_certificate(value)
    return encode(msgspec.structs.replace(certificate, signers=1, signatures=certificate.signatures[:1]))


@pytest.mark.parametrize(
    ("name", "height", "how", "text"),
    [
        ("log", 2, lambda value: value + b"\0", "block 2: block: .*"),
        ("log", 2, forge_signature, "block 2: transaction 0 .* has a forged signature"),
        ("log", 2, forge_proposal, "block 2: its proposer harbour-mall has not signed it"),
        ("log", 2, drop_proposal, "block 2: its proposer harbour-mall has not signed it"),
        ("log", 4, forge_proposal, "block 4: its proposer harbour-mall has not signed it"),
        ("log", 2, move_time, "block [23]: .*"),
        ("log", 2, claim_digest, "block 2: its state_digest is 00"),
        ("log", 2, drop_transaction, "block 2: its transactions_root is .*"),
        ("log", 4, flip_last, "block 4: .*"),
        ("receipts", 2, raise_receipt, "block 2: the stored receipt of transaction 0 is not what executing it gives"),
        ("receipts", 2, lambda value: value[:-1], "block 2: receipts: .*"),
        ("certificates", 2, forge_certificate, "block 2: a signature in the certificate of block 2 is not genuine"),
        ("certificates", 2, thin_certificate, "block 2: the certificate of block 2 has 1 signers; a quorum is 2"),
        ("certificates", 3, lambda value: b"", "block 3: certificate: .*"),
    ],
)
def test_a_change_of_a_stored_block_is_found_at_its_height(
    world: World, name: str, height: int, how: Callable[[bytes], bytes], text: str
) -> None:
    directory = world.home / "harbour-mall"
    change(directory, name, key(height), how)

    with pytest.raises(Contradiction, match=text) as caught:
        verify_directory(directory)

    assert caught.value.height in (height, height + 1)


def test_the_certificate_of_another_block_does_not_do(world: World) -> None:
    directory = world.home / "harbour-mall"
    with table(directory, "certificates") as (transaction, _):
        other = transaction.get(key(1))
        assert other is not None
        transaction.put(key(2), bytes(other))

    with pytest.raises(Contradiction, match="block 2: its certificate is that of another block"):
        verify_directory(directory)


@pytest.mark.parametrize("name", ["log", "receipts", "certificates"])
def test_what_is_missing_is_named(world: World, name: str) -> None:
    directory = world.home / "harbour-mall"
    with table(directory, name) as (transaction, _):
        assert transaction.delete(key(2))

    with pytest.raises(Contradiction, match=r"block 2: .*missing"):
        verify_directory(directory)


def test_a_point_more_in_a_holding_is_found(world: World) -> None:
    directory = world.home / "north-music"
    with table(directory, "state") as (transaction, _):
        at = next(bytes(found) for found, _ in transaction.cursor() if bytes(found).startswith(HOLDING))
        value = transaction.get(at)
        assert value is not None
        holding = decode_record(at, bytes(value))
        transaction.put(at, encode(msgspec.structs.replace(holding, available=999)))

    with pytest.raises(
        Contradiction, match=f"block 3: the state's record {at.hex()} is not what the transactions give"
    ):
        verify_directory(directory)


@pytest.mark.parametrize("name", ["state", "transactions"])
def test_a_record_too_many_is_found(world: World, name: str) -> None:
    directory = world.home / "north-music"
    with table(directory, name) as (transaction, _):
        found, value = next(iter(transaction.cursor()))
        transaction.put(bytes(found) + b"-more", bytes(value))

    with pytest.raises(Contradiction, match=r"block 3: (the state holds a record|the table of transactions has 7)"):
        verify_directory(directory)


def test_a_record_too_few_is_found(world: World) -> None:
    directory = world.home / "north-music"
    with table(directory, "state") as (transaction, _):
        found, _ = next(iter(transaction.cursor()))
        transaction.delete(bytes(found))

    with pytest.raises(Contradiction, match="block 3: the state lacks the record"):
        verify_directory(directory)


def test_a_wrong_place_in_the_index_is_found(world: World) -> None:
    directory = world.home / "north-music"
    with table(directory, "transactions") as (transaction, _):
        found, value = next(iter(transaction.cursor()))
        transaction.put(bytes(found), flip_last(bytes(value)))

    with pytest.raises(Contradiction, match="is not found under its id where it stands"):
        verify_directory(directory)


def test_a_tip_that_is_not_the_chains_is_found(world: World) -> None:
    directory = world.home / "north-music"
    change(directory, "meta", b"tip", flip_last)

    with pytest.raises(Contradiction, match=r"block 3: the committed tip is not the tip of the replayed chain"):
        verify_directory(directory)


def test_directories_that_hold_different_blocks_are_told_apart(world: World) -> None:
    one, other = verify_directory(world.home / "north-music"), verify_directory(world.home / "east-books")
    hashes = bytearray(other.hashes)
    hashes[64:96] = bytes(32)  # block 2 and, through it, all after it
    hashes[96:128] = bytes(32)

    with pytest.raises(Contradiction, match=r"block 2: .* hold different blocks"):
        compare([one, msgspec.structs.replace(other, hashes=bytes(hashes))])


@pytest.mark.parametrize("name", ["log", "receipts", "certificates", "state", "transactions"])
def test_one_bit_changed_in_any_value_is_found(world: World, name: str) -> None:
    directory = world.home / "harbour-mall"
    chance = random.Random(20260131)
    with table(directory, name) as (transaction, _):
        values = {bytes(found): bytes(value) for found, value in transaction.cursor()}
    for at, value in values.items():
        place, bit = chance.randrange(len(value)), 1 << chance.randrange(8)
        spoilt = value[:place] + bytes([value[place] ^ bit]) + value[place + 1 :]
        with table(directory, name) as (transaction, _):
            transaction.put(at, spoilt)

        with pytest.raises((Contradiction, StoreError)):
            verify_directory(directory)

        with table(directory, name) as (transaction, _):
            transaction.put(at, value)
    verify_directory(directory)


def test_a_directory_in_use_is_left_alone(world: World) -> None:
    directory = world.home / "north-music"

    with locked_directory(directory), pytest.raises(DirectoryLocked, match="in use by process"):
        verify_directory(directory)


def test_a_directory_without_a_store_is_named(world: World) -> None:
    directory = world.home / "north-music"
    shutil.rmtree(directory / "ledger")

    with pytest.raises(StoreError, match="holds no store"):
        verify_directory(directory)


def test_a_store_of_another_format_is_named(world: World) -> None:
    directory = world.home / "north-music"
    change(directory, "meta", b"format", lambda _: b"99")

    with pytest.raises(FormatUnknown, match="format 99"):
        verify_directory(directory)


def test_a_store_of_another_alliance_is_named(world: World, tmp_path: Path) -> None:
    create_alliance(tmp_path / "other", "Other", DEMO_ORGANIZATIONS[1:2], port_base=20000)
    shutil.copy(tmp_path / "other" / "north-music" / "genesis.json", world.home / "north-music" / "genesis.json")

    with pytest.raises(WrongChain, match="another alliance"):
        verify_directory(world.home / "north-music")


def test_a_file_that_is_no_store_is_named(world: World) -> None:
    directory = world.home / "north-music"
    (directory / "ledger" / "data.mdb").write_bytes(b"not a database" * 1000)

    with pytest.raises(StoreError, match="cannot be opened"):
        verify_directory(directory)
