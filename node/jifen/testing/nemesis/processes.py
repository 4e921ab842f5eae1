"""The validators of a run: an alliance made as `jifen init` makes it, each validator a process of its own."""

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final, final

import msgspec
import trio

from jifen import config
from jifen.admission import ValidatorPlan, prepare_validator
from jifen.alliance import ADMIN_PORT_OFFSET, PEER_PORT_OFFSET, OrganizationPlan, create_alliance
from jifen.client import Client, ClientError
from jifen.codec.addresses import encode_account
from jifen.home import AllianceRecord
from jifen.keys.keystore import read_key_file
from jifen.keys.signing import KeyPair
from jifen.ledger.governance.changes import AdmitValidator
from jifen.ledger.types import OrganizationKind
from jifen.store.directory import STORE_DIRECTORY
from jifen.testing.nemesis.proxy import Network, organization_of
from jifen.testing.nemesis.schedule import VALIDATORS

LOG_FILE: Final = "log.txt"
"""All that a validator ever logged, over its restarts, in its data directory."""

STARTS_SECONDS: Final = 120.0
"""Longest time for a validator to start and serve, on a machine that runs four of them and their tormentor."""

STOPS_SECONDS: Final = 40.0
"""Longest time for a validator to stop when asked to; twenty times what it takes."""

SUCCESSORS_MAX: Final = 3
"""Validators that an organization may have one after the other, beside its first; more replacements are left out. Each
adds a proxy for every other, on a listening socket of its own."""

ASKS_SECONDS: Final = 1.0
"""Longest wait for a validator's word about itself."""


class DidNotStart(Exception):
    """A validator ended, or kept silent, instead of starting; its log says why."""


@final
class ValidatorProcess:
    """One validator.

    Invariant: it runs, or `is_down_on_purpose`, or `has_ended_by_itself`.
    """

    def __init__(self, directory: Path, url: str) -> None:
        self.name = directory.name
        """Id of the validator."""
        self.directory = directory
        self.url = url
        self.is_down_on_purpose = True
        self.may_end = False
        """Whether it may end by itself and is to stay down: its disk is bad, or it is being taken out."""
        self.offset_ms = 0
        """How far its clock is off; survives restarts, as a wrong clock does."""
        self.ends: list[tuple[int, str]] = []
        """Exit code and last line of every end that nobody asked for."""
        self.client = Client([url], timeout_seconds=ASKS_SECONDS)
        """Asks this validator and no other."""
        self._process: trio.Process | None = None

    @property
    def runs(self) -> bool:
        """Whether there is a process, paused or not."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it; returns when it answers. Raises DidNotStart."""
        await self.spawn()
        if not await self.serves():
            raise DidNotStart(f"{self.name} ended instead of serving: {self.last_line()}")

    async def spawn(self, *, map_bytes: int | None = None, file_bytes: int | None = None) -> None:
        """Start it; returns at once. The limits are those of `jifen.testing.nemesis.validator`."""
        command = ["jifen.testing.nemesis.validator", "--data", str(self.directory)]
        command += ["--map-bytes", str(map_bytes)] if map_bytes else []
        command += ["--file-bytes", str(file_bytes)] if file_bytes else []
        await self._run(command)
        await self.set_clock(self.offset_ms)

    async def join(self, contacts: Iterable[str]) -> None:
        """Have it wait to be admitted, fetch everything and become a voter, by the command for it; returns at once."""
        command = ["jifen", "join", "start", "--stop-with-parent", "--data", str(self.directory)]
        await self._run([*command, *(word for url in contacts for word in ("--contact", url))])

    async def _run(self, command: list[str]) -> None:
        own = (config.PASSPHRASE_VARIABLE, config.PASSPHRASE_FILE_VARIABLE, config.DATA_VARIABLE)
        environment = {name: value for name, value in os.environ.items() if name not in own}
        with (self.directory / LOG_FILE).open("ab") as log:
            self._process = await trio.lowlevel.open_process(
                [sys.executable, "-P", "-m", *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=environment,
                process_group=0,
            )
        self.is_down_on_purpose = False

    async def serves(self) -> bool:
        """Wait until it answers; False when it ends instead. Raises DidNotStart when it does neither."""
        with trio.move_on_after(STARTS_SECONDS):
            while self.runs:
                try:
                    await self.client.status()
                except ClientError:
                    continue  # it has waited between its tries
                return True
            return False
        raise DidNotStart(f"{self.name} runs and does not serve {STARTS_SECONDS:g} s after its start")

    @property
    def has_ended_by_itself(self) -> bool:
        """Whether it should run and does not."""
        return not self.runs and not self.is_down_on_purpose

    @property
    def pid(self) -> int | None:
        """Id of the process that runs or ran last, None before the first."""
        return None if self._process is None else self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended, None while it runs; negative is the number of the signal that killed it."""
        return None if self._process is None else self._process.returncode

    def note_end(self) -> None:
        """Remember an end that nobody asked for."""
        assert self.exit_code is not None, f"{self.name} runs, or was never started"
        self.ends.append((self.exit_code, self.last_line()))
        self.is_down_on_purpose = True

    async def ended(self) -> None:
        """Wait until it has ended, however that comes."""
        if self._process is not None:
            await self._process.wait()

    async def kill(self) -> None:
        """End it as a power cut does."""
        self.is_down_on_purpose = True
        if self._process is not None:
            if self.runs:
                self._process.kill()
            await self._process.wait()

    async def stop(self) -> int:
        """Ask it to stop, and return its exit code; kills it when it takes too long, whose code is -9."""
        self.is_down_on_purpose = True
        assert self._process is not None, f"{self.name} was never started"
        if self.runs:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(signal.SIGTERM)
            with trio.move_on_after(STOPS_SECONDS):
                return await self._process.wait()
            self._process.kill()
        return await self._process.wait()

    def pause(self) -> None:
        """Stop it in its tracks."""
        if self.runs and self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        if self.runs and self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    async def set_clock(self, offset_ms: int) -> None:
        """Set its time of day that much off."""
        self.offset_ms = offset_ms
        if self.runs and self._process is not None and self._process.stdin is not None:
            try:
                await self._process.stdin.send_all(b"%d\n" % offset_ms)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return  # it is ending; the next start sets the clock again

    @property
    def store_bytes(self) -> int:
        """Size of its store."""
        return (self.directory / STORE_DIRECTORY / "data.mdb").stat().st_size

    def last_line(self) -> str:
        """Return the last line of its log."""
        text = (self.directory / LOG_FILE).read_bytes()[-4096:].decode(errors="replace")
        return (text.splitlines() or ["its log is empty"])[-1]


class Organization(msgspec.Struct, frozen=True):
    """Whom the clients act for."""

    name: str
    operator: KeyPair


@final
class Alliance:
    """Everything of a run that has a name.

    Every organization has one validator at a time. Links, ports and ids of those that may come after the first are
    there from the beginning, so that everybody's settings say how to reach them.
    """

    def __init__(self, home: Path, record: AllianceRecord, draws: random.Random) -> None:
        self.home = home
        self.chain_id = bytes.fromhex(record.chain_id)
        self.genesis = config.read_genesis(home / record.organizations[0])
        self.organizations = tuple(_organization(home / name) for name in record.organizations)
        ids = [*record.organizations, *successors(record.organizations)]
        self._port_base = record.port_base
        self._places = {name: place for place, name in enumerate(ids)}
        self.network = Network({name: self._port(name, PEER_PORT_OFFSET) for name in ids}, draws)
        self.nobody = encode_account(bytes(20))
        """An account that nobody has: who answers for it at a height has got there."""
        self._made: list[ValidatorProcess] = []
        self.validators = {name: self._validator(name) for name in record.organizations}
        """By organization."""
        self.retired: list[ValidatorProcess] = []
        """Those that were replaced, whether they have ended or not."""

    @property
    def urls(self) -> tuple[str, ...]:
        """Where the validators answer."""
        return tuple(validator.url for validator in self.validators.values())

    def _port(self, name: str, offset: int = 0) -> int:
        return self._port_base + offset + self._places[name]

    def _validator(self, name: str) -> ValidatorProcess:
        validator = ValidatorProcess(self.home / name, f"http://127.0.0.1:{self._port(name)}")
        self._made.append(validator)
        return validator

    def route(self) -> None:
        """Have every validator dial the others through the proxies, which must be listening."""
        for name in self.validators:
            self._route(name)

    def _route(self, name: str) -> None:
        peers = "".join(
            f'"{pair.recipient}" = "127.0.0.1:{link.port}"\n'
            for pair, link in self.network.links.items()
            if pair.sender == name
        )
        with (self.home / name / config.CONFIG_FILE).open("a", encoding="utf-8") as file:
            file.write(f"\n[peers]\n{peers}")

    def prepare_successor(self, organization: str) -> tuple[ValidatorProcess, AdmitValidator]:
        """Make the data directory of a validator that is to take the place of the organization's present one.

        Returns it with the change that admits it. Takes a tenth of a second. Invariant: `may_replace` holds.
        """
        present = self.validators[organization].name
        name = self._unused(organization)[0]
        plan = ValidatorPlan(
            organization=organization,
            name=None,
            kind=OrganizationKind.MERCHANT,
            validator=name,
            peer=config.Address("127.0.0.1", self._port(name, PEER_PORT_OFFSET)),
            public_url=f"http://127.0.0.1:{self._port(name)}",
            peer_listen=f"127.0.0.1:{self._port(name, PEER_PORT_OFFSET)}",
            public_listen=f"127.0.0.1:{self._port(name)}",
            admin_listen=f"127.0.0.1:{self._port(name, ADMIN_PORT_OFFSET)}",
            replaces=present,
        )
        request = prepare_validator(self.home / name, self.genesis, plan, self.operator_of(organization))
        self._route(name)
        return self._validator(name), request.change()

    def may_replace(self, organization: str) -> bool:
        """Whether an organization may have another validator in this run."""
        return bool(self._unused(organization))

    def _unused(self, organization: str) -> list[str]:
        used = {validator.name for validator in (*self.retired, *self.validators.values())}
        return [name for name in successors((organization,)) if name not in used]

    def operator_of(self, organization: str) -> KeyPair:
        """Return an organization's operator key."""
        return next(item.operator for item in self.organizations if item.name == organization)

    def take_over(self, organization: str, successor: ValidatorProcess) -> None:
        """Let an organization's new validator stand in the place of the old one."""
        self.retired.append(self.validators[organization])
        self.validators[organization] = successor

    async def leader(self) -> str | None:
        """Return the organization that leads in the highest term that anybody knows of, or None."""
        found: dict[str, int] = {}

        async def ask(validator: ValidatorProcess) -> None:
            try:
                status = await validator.client.status()
            except ClientError:
                return
            if status.leader is not None:
                found[status.leader] = max(status.term, found.get(status.leader, 0))

        async with trio.open_nursery() as nursery:
            for validator in self.validators.values():
                if validator.runs:
                    nursery.start_soon(ask, validator)
        current = {name: term for name, term in found.items() if name == self.validators[organization_of(name)].name}
        return organization_of(max(current, key=current.__getitem__)) if current else None

    async def reaches(self, validator: ValidatorProcess, height: int) -> None:
        """Wait until a validator has committed `height`; for ever, if it never does."""
        while True:
            try:
                await validator.client.account(self.nobody, min_height=height)
            except ClientError:
                continue  # it has waited for the height as long as it waits
            return

    async def start_all(self, names: Iterable[str] = ()) -> None:
        """Start organizations' validators that are down, all at once; returns when they serve. Raises DidNotStart."""
        async with trio.open_nursery() as nursery:
            for name in names or self.validators:
                if not self.validators[name].runs:
                    nursery.start_soon(self.validators[name].start)

    async def close(self) -> None:
        """Kill whatever still runs and let go of the connections to it."""
        for validator in self._made:
            await validator.kill()
            await validator.client.close()


def _organization(directory: Path) -> Organization:
    passphrase = config.read_secret_text(directory / config.PASSPHRASE_FILE)
    return Organization(directory.name, read_key_file(directory / config.OPERATOR_KEY_FILE, passphrase))


def successors(organizations: Iterable[str]) -> list[str]:
    """Return the ids of the validators that may come after the first of each organization, in their order."""
    return [f"{name}-{number}" for number in range(2, SUCCESSORS_MAX + 2) for name in organizations]


def make_alliance(home: Path, draws: random.Random) -> Alliance:
    """Make the alliance of a run below `home`; takes a tenth of a second a key. Raises AllianceError."""
    plans = [
        OrganizationPlan(name, name.title(), OrganizationKind.MERCHANT if place else OrganizationKind.MALL, 1, 10)
        for place, name in enumerate(VALIDATORS)
    ]
    port_base = free_port_base(len(plans) * (1 + SUCCESSORS_MAX))
    return Alliance(home, create_alliance(home, "Nemesis", plans, port_base=port_base), draws)


def free_port_base(organizations: int) -> int:
    """Return a port such that it and the others that so many organizations need were free a moment ago."""
    # Below the ports that systems lend to outgoing connections (32768 and up on Linux), any of which may come and go.
    bases = list(range(15_000, 21_000, 300))
    random.SystemRandom().shuffle(bases)
    for base in bases:
        try:
            for offset in range(organizations):
                for distance in (0, 100, 200):
                    with socket.socket() as probe:
                        probe.bind(("127.0.0.1", base + distance + offset))
        except OSError:
            continue
        return base
    raise OSError("no range of free ports was found between 15000 and 21000")
