"""A validator as a process of its own, driven through its standard input and output; what a test can kill.

    python -m jifen.testing.validator_process HOME ORGANIZATION [HALT]

HOME holds `genesis.json`, perhaps `settings.json`, and the data directories of a small alliance. Calls and replies are
lines of JSON. With HALT the process gets as far as `HALTS` says and no further, so that it can be killed just there.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar, final

import msgspec
import structlog
import trio

from jifen.actors.node import Node, run_node
from jifen.actors.setup import NodeSetup
from jifen.chain import checkpoints
from jifen.chain.checkpoints import Manifest
from jifen.codec.genesis import decode_genesis
from jifen.consensus.types import UNCOMMITTED_HEIGHTS_MAX
from jifen.store.ledger_store import LedgerStore
from jifen.store.snapshots import SnapshotFetch, SnapshotFolder
from jifen.testing.running_alliance import QUICK
from jifen.testing.small_alliance import keys_of

LINE_BYTES_MAX: Final = 1 << 20
"""Longest line read: some hundred transactions."""

GENESIS_FILE: Final = "genesis.json"

SETTINGS_FILE: Final = "settings.json"

HALTED_SUFFIX: Final = ".halted"
"""Of the file, named after the validator, that says that the process has got where it halts."""

CHUNKS_BEFORE_HALT: Final = 3
"""Chunks of a snapshot that are kept before a process halts in the middle of fetching."""


class Settings(msgspec.Struct, frozen=True):
    """What differs from real validators; the same for all of an alliance."""

    retained_blocks: int = 0
    uncommitted_heights_max: int = UNCOMMITTED_HEIGHTS_MAX
    chunk_bytes: int = checkpoints.CHUNK_BYTES
    """Size of the chunks of a snapshot: small states have several only when these are small."""


class Call(msgspec.Struct, frozen=True, tag=True):
    """Base of what can be asked."""

    number: int
    """Repeated in the reply: calls are answered as they finish."""


class Submit(Call, frozen=True, tag="submit"):
    """Submit a transaction and wait for its outcome."""

    signed: bytes
    timeout_seconds: float


class ReadBalance(Call, frozen=True, tag="balance"):
    """Read an account's points of one type, at `min_height` or later."""

    account: bytes
    point_type: str
    min_height: int


class AskStatus(Call, frozen=True, tag="status"):
    """Ask how the validator stands."""


AnyCall = Submit | ReadBalance | AskStatus


class Reply(msgspec.Struct, frozen=True):
    """Answer to a call; which fields are set depends on its kind."""

    number: int
    height: int | None = None
    """Submit: the block that holds it. ReadBalance: where it was read. AskStatus: the committed height."""
    outcome: str | None = None
    """Submit: status, or error when there is one."""
    rejection: int = 0
    points: int = 0
    leader: str | None = None
    digest: bytes = b""
    first_height: int = 0
    """AskStatus: the lowest block held besides block 0."""


R = TypeVar("R", bound=Reply)


def setup_of(home: Path, name: str) -> NodeSetup:
    """Return the setup of a validator whose files a small alliance left below `home`."""
    genesis = decode_genesis((home / GENESIS_FILE).read_bytes())
    addresses = {item.organization: (item.peer_host, item.peer_port) for item in genesis.validators}
    host, port = addresses.pop(name)
    settings = settings_of(home)
    return NodeSetup(
        genesis=genesis,
        organization=name,
        validator=name,
        validator_key=keys_of(name).validator,
        operator_key=keys_of(name).operator,
        directory=home / name,
        certificate_path=home / name / "certificate.pem",
        private_key_path=home / name / "private-key.pem",
        peer_host=host,
        peer_port=port,
        peer_addresses=addresses,
        timing=QUICK,
        retained_blocks=settings.retained_blocks,
        uncommitted_heights_max=settings.uncommitted_heights_max,
    )


def settings_of(home: Path) -> Settings:
    """Return the settings of an alliance, the usual ones when it has none."""
    path = home / SETTINGS_FILE
    return msgspec.json.decode(path.read_bytes(), type=Settings) if path.exists() else Settings()


class ProcessGone(Exception):
    """The validator's process ended before it answered: what became of the call is not known."""


@final
class ValidatorProcess:
    """The driver's end."""

    def __init__(self, home: Path, name: str, nursery: trio.Nursery) -> None:
        self.name = name
        self._home = home
        self._nursery = nursery
        self._process: trio.Process | None = None
        self._calls = 0
        self._waiting: dict[int, trio.Event] = {}
        self._replies: dict[int, Reply] = {}
        self._gone = trio.Event()
        self._writing = trio.Lock()

    @property
    def runs(self) -> bool:
        """Whether the process can be asked."""
        return self._process is not None and not self._gone.is_set()

    async def start(self, halt: str = "") -> None:
        """Start the process; returns when the validator serves. `halt` is where it halts, one of `HALTS`."""
        command = [sys.executable, "-m", "jifen.testing.validator_process", str(self._home), self.name]
        command += [halt] if halt else []
        with (self._home / f"{self.name}.log").open("ab") as log:
            self._process = await trio.lowlevel.open_process(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )
        self._gone = trio.Event()
        self._nursery.start_soon(self._read, self._process, self._gone)
        await self.status()

    async def kill(self) -> None:
        """End the process by SIGKILL, as a power cut would; returns when it is gone."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()
        await self._gone.wait()

    def kill_at_once(self) -> None:
        """End the process if it still runs, without waiting."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    async def stop(self) -> int:
        """Close the process's input, which ends it in order, and return its exit code."""
        assert self._process is not None
        assert self._process.stdin is not None
        await self._process.stdin.aclose()
        return await self._process.wait()

    async def submit(self, signed: bytes, timeout_seconds: float) -> Reply:
        """Submit a transaction; raises ProcessGone."""
        return await self._call(lambda number: Submit(number, signed, timeout_seconds))

    async def balance(self, account: bytes, point_type: str, min_height: int) -> Reply:
        """Read a balance; raises ProcessGone."""
        return await self._call(lambda number: ReadBalance(number, account, point_type, min_height))

    async def status(self) -> Reply:
        """Ask how the validator stands; raises ProcessGone."""
        return await self._call(AskStatus)

    async def _call(self, make: Callable[[int], AnyCall]) -> Reply:
        process, gone = self._process, self._gone
        if process is None or process.stdin is None or gone.is_set():
            raise ProcessGone(self.name)
        self._calls += 1
        number = self._calls
        answered = self._waiting[number] = trio.Event()
        try:
            async with self._writing:
                await process.stdin.send_all(msgspec.json.encode(make(number)) + b"\n")
            await answered.wait()
        except trio.BrokenResourceError:
            raise ProcessGone(self.name) from None
        finally:
            self._waiting.pop(number, None)
        if number not in self._replies:
            raise ProcessGone(self.name)
        return self._replies.pop(number)

    async def _read(self, process: trio.Process, gone: trio.Event) -> None:
        assert process.stdout is not None
        lines = _Lines()
        async for data in process.stdout:
            for line in lines.feed(data):
                reply = msgspec.json.decode(line, type=Reply)
                if reply.number in self._waiting:
                    self._replies[reply.number] = reply
                    self._waiting[reply.number].set()
        gone.set()
        for event in self._waiting.values():
            event.set()


class _Lines:
    """Cuts a stream of bytes into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes | bytearray) -> list[bytes]:
        *lines, self._rest = (self._rest + bytes(data)).split(b"\n")
        assert len(self._rest) <= LINE_BYTES_MAX, "a line without an end"
        return lines


async def _answer(node: Node, call: AnyCall) -> Reply:
    if isinstance(call, Submit):
        [result] = await node.submit([call.signed], wait=True, timeout_seconds=call.timeout_seconds)
        outcome = result.error or result.status.value
        return Reply(call.number, height=result.height, outcome=outcome, rejection=int(result.rejection or 0))
    if isinstance(call, ReadBalance):
        await node.wait_for_height(call.min_height, 30)
        with node.read() as view:
            points = {name: holding.available for name, holding in view.holdings(call.account)}
            return Reply(call.number, height=view.height, points=points.get(call.point_type, 0))
    status = node.status()
    with node.read() as view:
        first = view.first_height
    return Reply(
        call.number, height=status.height, leader=status.leader, digest=status.state_digest, first_height=first
    )


async def _serve(node: Node) -> None:
    lines = _Lines()
    written = trio.Lock()
    async with (
        trio.lowlevel.FdStream(os.dup(sys.stdin.fileno())) as source,
        trio.lowlevel.FdStream(os.dup(sys.stdout.fileno())) as sink,
        trio.open_nursery() as nursery,
    ):

        async def handle(line: bytes) -> None:
            reply = await _answer(node, msgspec.json.decode(line, type=AnyCall))
            async with written:
                await sink.send_all(msgspec.json.encode(reply) + b"\n")

        async for data in source:
            for line in lines.feed(data):
                nursery.start_soon(handle, line)
        nursery.cancel_scope.cancel()


async def _main(home: Path, name: str) -> None:
    async with trio.open_nursery() as nursery:
        node: Node = await nursery.start(run_node, setup_of(home, name))
        await _serve(node)
        nursery.cancel_scope.cancel()


# Halting. All of it runs on worker threads: the validator goes on hearing and answering.


def _halt_fetching(halt: Callable[[], None]) -> None:
    put, kept = SnapshotFetch.put, 0

    def put_some(self: SnapshotFetch, index: int, chunk: bytes) -> None:
        nonlocal kept
        if kept == CHUNKS_BEFORE_HALT:
            halt()
        put(self, index, chunk)
        kept += 1

    _replace(SnapshotFetch, "put", put_some)


def _halt_installing(halt: Callable[[], None]) -> None:
    install = LedgerStore.install

    def install_some(self: LedgerStore, manifest: Manifest, records: Iterable[Sequence[tuple[bytes, bytes]]]) -> None:
        def some() -> Iterator[Sequence[tuple[bytes, bytes]]]:
            for part in records:
                yield part
                halt()

        install(self, manifest, some())

    _replace(LedgerStore, "install", install_some)


def _halt_installed(halt: Callable[[], None]) -> None:
    keep = SnapshotFolder.keep_fetched

    def keep_none(self: SnapshotFolder, height: int) -> None:
        if any(fetch.manifest.height <= height and not fetch.missing() for fetch in self.fetches()):
            halt()
        keep(self, height)

    _replace(SnapshotFolder, "keep_fetched", keep_none)


def _replace(owner: type, name: str, replacement: Callable[..., Any]) -> None:
    setattr(owner, name, replacement)


HALTS: Final = {
    "fetching": _halt_fetching,
    "installing": _halt_installing,
    "installed": _halt_installed,
}
"""Where a process can halt: with some chunks of a snapshot kept; in the middle of the store's transaction that installs
it; when that is durable, before the snapshot is made this validator's own."""


def _prepare(home: Path, name: str, halt: str) -> None:
    setattr(checkpoints, "CHUNK_BYTES", settings_of(home).chunk_bytes)  # noqa: B010 - it is final for everybody else

    def halts() -> None:
        (home / f"{name}{HALTED_SUFFIX}").touch()
        threading.Event().wait()

    if halt:
        HALTS[halt](halts)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    _prepare(Path(sys.argv[1]), sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "")
    trio.run(_main, Path(sys.argv[1]), sys.argv[2])
