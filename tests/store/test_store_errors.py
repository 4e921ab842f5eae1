"""Everything that can be wrong with a data directory has a name, a sentence, and leaves the data alone."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import lmdb
import pytest

from jifen.codec.blocks import FORMAT_VERSION
from jifen.codec.canonical import encode
from jifen.consensus.types import HardState
from jifen.ledger.state import validator_key
from jifen.store.directory import LOCK_FILE, locked_directory
from jifen.store.errors import (
    DirectoryLocked,
    FormatUnknown,
    StoreDamaged,
    StoreError,
    StoreFailed,
    StoreFull,
    WrongChain,
)
from jifen.store.ledger_store import LedgerStore
from jifen.store.records import CommittedBlock, StoreBatch
from jifen.testing.small_alliance import small_genesis
from jifen.testing.small_chain import SmallChain

MAP_BYTES = 1 << 20


def small_store(path: Path, chain: SmallChain, map_bytes: int = MAP_BYTES) -> LedgerStore:
    return LedgerStore(path, chain.anchor, map_bytes)


def filled(path: Path) -> SmallChain:
    """Leave a store of three blocks, two of them committed, under `path`."""
    chain = SmallChain()
    store = small_store(path, chain)
    blocks = [chain.build([chain.clerk.register(f"member {number}")]) for number in range(3)]
    store.write(
        [
            StoreBatch(
                hard_state=HardState(4, "mall"),
                blocks=tuple((block.tip.height, block.payload) for block in blocks),
                commits=tuple(CommittedBlock(block, chain.certify(block)) for block in blocks[:2]),
            )
        ]
    )
    store.close()
    return chain


def edited(path: Path, table: bytes, edit: Callable[[lmdb.Transaction, object], object]) -> None:
    """Change a closed store behind its back."""
    environment = lmdb.open(str(path), max_dbs=6, map_size=MAP_BYTES)
    handle = environment.open_db(table)
    with environment.begin(write=True, db=handle) as transaction:
        edit(transaction, handle)
    environment.close()


def key(height: int) -> bytes:
    return height.to_bytes(8, "big")


def test_a_directory_in_use_by_another_process_is_named_with_that_process(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "from jifen.store.directory import locked_directory\n"
        "with locked_directory(pathlib.Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        named = f"in use by process {other.pid}; stop that process"
        with pytest.raises(DirectoryLocked, match=named), locked_directory(tmp_path):
            pytest.fail("two processes hold one directory")
        other.kill()
    with locked_directory(tmp_path):
        assert (tmp_path / LOCK_FILE).read_text() == f"{os.getpid()}\n"


def test_a_directory_is_free_again_after_use_and_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), locked_directory(tmp_path):
        raise RuntimeError
    with locked_directory(tmp_path), pytest.raises(DirectoryLocked), locked_directory(tmp_path):
        pytest.fail("locked twice")
    with locked_directory(tmp_path):
        pass


def test_a_file_or_nothing_in_the_place_of_the_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "missing"):
        with pytest.raises(StoreError, match="cannot be used as a data directory"), locked_directory(path):
            pytest.fail("locked what is no directory")


def test_a_file_in_the_place_of_the_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_text("not a directory")
    with pytest.raises(StoreError, match="cannot be opened"):
        small_store(tmp_path / "ledger", SmallChain())


def test_a_file_that_is_no_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "data.mdb").write_bytes(b"something else" * 4096)
    with pytest.raises(StoreError, match="cannot be opened"):
        small_store(tmp_path, SmallChain())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_directory_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="cannot be opened"):
        small_store(tmp_path / "ledger", SmallChain())


def test_the_store_of_another_alliance_is_refused_and_left_alone(tmp_path: Path) -> None:
    chain = filled(tmp_path)
    other = SmallChain(small_genesis(("mall", "books")))
    with pytest.raises(WrongChain, match="another alliance"):
        small_store(tmp_path, other)
    store = small_store(tmp_path, chain)
    assert (store.tip.height, store.last_height) == (2, 3)
    store.close()


def test_a_newer_format_is_refused_with_both_numbers(tmp_path: Path) -> None:
    chain = filled(tmp_path)
    edited(tmp_path, b"meta", lambda transaction, _: transaction.put(b"format", str(FORMAT_VERSION + 1).encode()))
    with pytest.raises(FormatUnknown, match=f"has format {FORMAT_VERSION + 1}, this version reads {FORMAT_VERSION}"):
        small_store(tmp_path, chain)


def moved(transaction: lmdb.Transaction, source: bytes, target: bytes, length: int | None = None) -> None:
    value = transaction.get(source)
    assert isinstance(value, bytes)
    transaction.put(target, value[:length])


DAMAGES: dict[str, tuple[bytes, Callable[[lmdb.Transaction, object], object]]] = {
    "tip of no sense": (b"meta", lambda transaction, _: transaction.put(b"tip", b"\xc1")),
    "no tip": (b"meta", lambda transaction, _: transaction.delete(b"tip")),
    "a tip cut short": (b"meta", lambda transaction, _: moved(transaction, b"tip", b"tip", -1)),
    "a format of no sense": (b"meta", lambda transaction, _: transaction.put(b"format", b"one")),
    "a vote of no sense": (b"meta", lambda transaction, _: transaction.put(b"hard_state", b"\x91\x01")),
    "the tip's block missing": (b"log", lambda transaction, _: transaction.delete(key(2))),
    "a hole in the log": (b"log", lambda transaction, _: transaction.delete(key(1))),
    "another block at the tip": (b"log", lambda transaction, _: moved(transaction, key(3), key(2))),
    "rubbish at the tip": (b"log", lambda transaction, _: transaction.put(key(2), b"\0")),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_when_the_store_is_opened(tmp_path: Path, damage: str) -> None:
    chain = filled(tmp_path)
    edited(tmp_path, *DAMAGES[damage])
    with pytest.raises(StoreDamaged, match="is damaged"):
        small_store(tmp_path, chain)


def test_a_map_too_small_for_block_0_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"limit|map"):
        small_store(tmp_path, SmallChain(), map_bytes=4096 * 4)


def fill_up(store: LedgerStore, chain: SmallChain) -> int:
    """Commit blocks until the store is full; return the last height that was written."""
    for number in range(10_000):
        block = chain.build([chain.clerk.register(f"member {number} {part}") for part in range(8)])
        certified = CommittedBlock(block, chain.certify(block))
        store.write([StoreBatch(blocks=((block.tip.height, block.payload),), commits=(certified,))])
        chain.commit()
    raise AssertionError("a map of a few hundred kilobytes holds ten thousand blocks")


def test_a_full_store_says_so_takes_nothing_more_and_keeps_what_it_has(tmp_path: Path) -> None:
    chain = SmallChain()
    store = small_store(tmp_path, chain, map_bytes=256 << 10)
    with pytest.raises(StoreFull, match="raise store_map_bytes"):
        fill_up(store, chain)
    reached = chain.executor.state.committed
    assert reached > 2
    assert store.tip.height == reached
    with pytest.raises(StoreFailed, match="failed before; restart"):
        store.write([StoreBatch(hard_state=HardState(9, None))])
    with store.view() as view:
        assert view.height == reached
    store.close()
    again = small_store(tmp_path, chain, map_bytes=8 << 20)
    assert (again.tip.height, again.last_height, again.hard_state) == (reached, reached, HardState(0, None))
    with again.view() as view:
        assert {name: encode(record) for name, record in view.items()} == chain.committed.records
    again.write([StoreBatch(hard_state=HardState(9, None))])
    again.close()


def test_a_write_that_breaks_an_invariant_poisons_the_store_too(tmp_path: Path) -> None:
    store = small_store(tmp_path, SmallChain())
    with pytest.raises(AssertionError):
        store.write([StoreBatch(hard_state=HardState(3, None)), StoreBatch(truncate_from=0)])
    assert store.last_height == 0
    with pytest.raises(StoreFailed, match="failed before"):
        store.write([StoreBatch(hard_state=HardState(3, None))])
    store.close()


def test_reader_slots_of_a_killed_process_are_cleared_on_opening(tmp_path: Path) -> None:
    chain = filled(tmp_path)
    # Somebody else must have the files open throughout: the first to open them starts with an empty table anyway.
    holder = "import sys, lmdb; e = lmdb.open(sys.argv[1], max_dbs=6); print('open', flush=True); sys.stdin.read()"
    reader = "import sys, os, lmdb; t = lmdb.open(sys.argv[1], max_dbs=6).begin(); os.kill(os.getpid(), 9)"
    command = [sys.executable, "-c", holder, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with subprocess.Popen([sys.executable, "-c", reader, str(tmp_path)]) as killed:
            killed.wait()
        assert str(killed.pid) in readers_of(tmp_path)
        small_store(tmp_path, chain).close()
        assert str(killed.pid) not in readers_of(tmp_path)
        other.kill()


def readers_of(path: Path) -> str:
    environment = lmdb.open(str(path), max_dbs=6)
    try:
        return str(environment.readers())
    finally:
        environment.close()


OLD_DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "a bit of its header": lambda data: data[:60] + bytes([data[60] ^ 1]) + data[61:],
    "a bit of a transaction": lambda data: data[:-80] + bytes([data[-80] ^ 1]) + data[-79:],
    "a bit of its maker's signature": lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
    "rubbish": lambda _: b"\xc1",
}


@pytest.mark.parametrize("damage", OLD_DAMAGES)
def test_an_old_block_that_has_decayed_is_named_when_it_is_read_and_never_passed_on(
    tmp_path: Path, damage: str
) -> None:
    chain = filled(tmp_path)
    edited(tmp_path, b"log", lambda transaction, _: replaced(transaction, key(1), OLD_DAMAGES[damage]))
    store = small_store(tmp_path, chain)
    with pytest.raises(StoreDamaged, match=r"block 1 of the log is damaged.*; restore the data directory"):
        store.entry(1)
    assert store.entry(2) is not None
    store.close()


def test_a_block_that_landed_on_anothers_place_is_named_when_it_is_read(tmp_path: Path) -> None:
    chain = filled(tmp_path)
    edited(tmp_path, b"log", lambda transaction, _: moved(transaction, key(2), key(1)))
    store = small_store(tmp_path, chain)
    with pytest.raises(StoreDamaged, match="block 1 of the log is damaged: it is not the one"):
        store.entry(1)
    store.close()


def test_a_certificate_that_has_decayed_is_named_when_it_is_read(tmp_path: Path) -> None:
    """Were it taken for bytes of a peer, that peer would lose its link over and over, and nobody hear of the disk."""
    chain = filled(tmp_path)
    edited(tmp_path, b"certificates", lambda transaction, _: transaction.put(key(1), b"\xc1"))
    store = small_store(tmp_path, chain)
    for read in (store.entry, store.certificate):
        with pytest.raises(StoreDamaged, match=r"certificate of block 1 is damaged.*; restore the data directory"):
            read(1)
    store.close()


def test_a_record_that_has_decayed_is_named_when_it_is_read(tmp_path: Path) -> None:
    chain = filled(tmp_path)
    voter = validator_key("books")
    edited(tmp_path, b"state", lambda transaction, _: transaction.put(voter, b"\xc1"))
    store = small_store(tmp_path, chain)
    with pytest.raises(StoreDamaged, match=r"a record of the state is damaged.*; restore the data directory"):
        store.get(voter)
    with pytest.raises(StoreDamaged, match=r"a record of the state is damaged.*; restore the data directory"):
        store.range(voter, voter + b"\0", 1)
    store.close()


CUT = """
import os, shutil, sys
from pathlib import Path
from jifen.store.errors import StoreError
from jifen.store.ledger_store import LedgerStore
from jifen.testing.small_chain import SmallChain

whole, cut = Path(sys.argv[1]), Path(sys.argv[2])
pages = (whole / "data.mdb").stat().st_size // 4096
refused = opened = 0
for kept in range(1, pages + 1):
    shutil.rmtree(cut, ignore_errors=True)
    shutil.copytree(whole, cut)
    os.truncate(cut / "data.mdb", kept * 4096)
    try:
        store = LedgerStore(cut, SmallChain().anchor, 1 << 24, may_be_new=False)
    except StoreError:
        refused += 1
        assert (cut / "data.mdb").stat().st_size == kept * 4096, "it was not left alone"
        continue
    assert store.entry(store.last_height) is not None
    store.close()
    opened += 1
print(refused, opened)
"""


def test_a_file_cut_short_is_named_or_opened_but_never_ends_the_process(tmp_path: Path) -> None:
    """In a process of its own: LMDB answers a page behind the end of its file by ending the process."""
    chain = SmallChain()
    store = LedgerStore(tmp_path / "whole", chain.anchor, 1 << 24)
    for number in range(12):
        block = chain.build([chain.clerk.register(f"{number} {place}") for place in range(8)])
        committed = CommittedBlock(block, chain.certify(block))
        store.write([StoreBatch(blocks=((block.tip.height, block.payload),), commits=(committed,))])
    store.close()
    command = [sys.executable, "-c", CUT, str(tmp_path / "whole"), str(tmp_path / "cut")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    refused, opened = map(int, run.stdout.split())
    assert refused > 20
    assert opened >= 1, "the whole file is"


def replaced(transaction: lmdb.Transaction, name: bytes, change: Callable[[bytes], bytes]) -> None:
    """Change a value behind the store's back."""
    found = transaction.get(name)
    assert found is not None
    transaction.put(name, change(bytes(found)))
