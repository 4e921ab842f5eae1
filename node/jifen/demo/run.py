"""The demonstration from beginning to end."""

import signal
from pathlib import Path
from typing import Final, final

import msgspec
import trio
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from jifen.alliance import (
    DEMO_NAME,
    DEMO_ORGANIZATIONS,
    PORT_BASE_DEFAULT,
    check_port_base,
    check_ports,
    create_alliance,
)
from jifen.client import Client, Unavailable
from jifen.demo.bound import bound_of, measure_verification
from jifen.demo.home import ImportInputs, load_import
from jifen.demo.importer import Importer, ImportReport
from jifen.demo.processes import LOG_FILE, ProcessGroup, ValidatorProcess
from jifen.demo.purchases import Purchase, read_purchases
from jifen.demo.summary import Summary, digests_agree, look_at_one_height, summarize, table_of
from jifen.home import AllianceError, AllianceRecord, read_alliance, validators_of
from jifen.store.directory import locked_directory

LEADER_SECONDS: Final = 30.0
"""How long the validators may take to start and to elect a leader, on a machine with better things to do."""

LOOK_SECONDS: Final = 1.0
POLL_SECONDS: Final = 0.1
"""One look for a leader, and the pause until the next."""


class DemoFailed(Exception):
    """The demonstration cannot go on; the text says why and what to do."""


class Interrupted(Exception):
    """Somebody stopped it before it had come to its end; everything is stopped, and it can be resumed."""


class DemoOptions(msgspec.Struct, frozen=True):
    """What the command line says."""

    home: Path
    port_base: int | None
    purchases: Path
    limit: int | None
    """Purchases to import; None is all."""
    once: bool
    """End after the summary instead of serving on."""
    as_json: bool


def prepare_home(options: DemoOptions, console: Console) -> AllianceRecord:
    """Return the alliance of the home, making one where there is none; raises AllianceError."""
    record = read_alliance(options.home)
    if record is None:
        port_base = PORT_BASE_DEFAULT if options.port_base is None else options.port_base
        check_port_base(port_base, len(DEMO_ORGANIZATIONS))
        check_ports(port_base, len(DEMO_ORGANIZATIONS))
        console.print(f"Making an alliance of {len(DEMO_ORGANIZATIONS)} organizations in {options.home} ...")
        return create_alliance(options.home, DEMO_NAME, DEMO_ORGANIZATIONS, port_base=port_base)
    if options.port_base not in (None, record.port_base):
        raise AllianceError(
            f"{options.home} holds an alliance on ports from {record.port_base}; leave --port-base out, "
            "or make another alliance with --home"
        )
    console.print(f"Resuming the alliance {record.name} in {options.home} ...")
    return record


async def run_demo(options: DemoOptions, output: Console, console: Console) -> None:
    """Run the demonstration: the summary goes to `output`, progress and news to `console`.

    Raises:
        AllianceError, ConfigError, KeyFileError, StoreError, PurchaseFileError: named in their texts.
        DemoFailed, ImportFailed, ClientError: while it ran.
        Interrupted: stopped by a signal before the summary.
    """
    purchases = read_purchases(options.purchases, options.limit)
    record = prepare_home(options, console)
    with locked_directory(options.home):
        check_ports(record.port_base, len(record.organizations))
        demo = _Demo(options, record, purchases, output, console)
        await demo.run()


@final
class _Demo:
    """One run. Invariant: whatever ends it, `ProcessGroup.supervise` has stopped every child before `run` returns."""

    def __init__(
        self,
        options: DemoOptions,
        record: AllianceRecord,
        purchases: list[Purchase],
        output: Console,
        console: Console,
    ) -> None:
        self._options = options
        self._record = record
        self._purchases = purchases
        self._output = output
        self._console = console
        self._validators = validators_of(options.home, record)
        self._group = ProcessGroup([options.home / name for name in record.organizations], self._tell_death)
        self._has_shown = False
        self._signalled = False
        self._failure: Exception | None = None

    async def run(self) -> None:
        """Start, import, show, serve."""
        async with trio.open_nursery() as nursery:
            self._scope = nursery.cancel_scope
            await nursery.start(self._stop_on_signal, nursery.cancel_scope)
            # While the machine is still idle: this is the bound that the import is measured against.
            microseconds = measure_verification()
            await nursery.start(self._group.supervise)
            try:
                await self._import_and_serve(microseconds)
            except Exception as error:  # noqa: BLE001 - raised again below, outside the nursery, which would wrap it
                self._failure = error
            nursery.cancel_scope.cancel()
        if self._signalled and not self._has_shown:
            # What failed after the signal failed because of it: the validators were stopped under its feet.
            raise Interrupted("stopped before the import was done; the same command resumes it")
        if self._failure is not None:
            raise self._failure

    async def _import_and_serve(self, microseconds: float) -> None:
        home, record = self._options.home, self._record
        inputs = await trio.to_thread.run_sync(load_import, home, record, self._purchases)
        await self._wait_for_leader()
        report = await import_with_progress(inputs, self._console)
        answers, reasons = await look_at_one_height(self._validators)
        agree = await digests_agree(self._validators, answers)
        bound = bound_of(microseconds, len(self._validators), report.transactions_per_second)
        self._show(summarize(report, self._validators, answers, reasons, agree, bound), report)
        self._has_shown = True
        if not self._options.once:
            self._console.print("Serving. Ctrl-C stops the validators; the same command resumes the alliance.")
            await trio.sleep_forever()

    async def _wait_for_leader(self) -> None:
        with self._console.status("Waiting for a leader ..."), trio.move_on_after(LEADER_SECONDS):
            while True:
                self._require_quorum()
                for validator in self._validators:
                    try:
                        async with Client([validator.url], timeout_seconds=LOOK_SECONDS) as client:
                            status = await client.status()
                    except Unavailable:
                        continue  # it is starting, or dead; then `_require_quorum` says so
                    if status.leader is not None:
                        self._console.print(f"{status.leader} leads in term {status.term}.")
                        return
                await trio.sleep(POLL_SECONDS)
        raise DemoFailed(
            f"the validators elected no leader within {LEADER_SECONDS:g} seconds; "
            f"their logs are in {self._options.home}/<organization>/{LOG_FILE}"
        )

    def _require_quorum(self) -> None:
        group = self._group
        if len(group.running) < group.quorum:
            raise DemoFailed(
                f"{len(group.running)} of {len(group.members)} validators are left and a quorum is {group.quorum}; "
                "the same command resumes the alliance"
            )

    def _tell_death(self, member: ValidatorProcess) -> None:
        code = member.exit_code
        how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"
        self._console.print(f"[bold red]{member.name} {how}.[/] Its last words ({member.directory / LOG_FILE}):")
        for line in member.last_words():
            self._console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
        try:
            self._require_quorum()
        except DemoFailed as error:
            self._failure = error
            self._scope.cancel()
        else:
            self._console.print(f"The other {len(self._group.running)} go on.")

    def _show(self, summary: Summary, report: ImportReport) -> None:
        if self._options.as_json:
            self._output.file.write(msgspec.json.encode(summary).decode() + "\n")
            self._output.file.flush()
        else:
            self._output.print(table_of(summary.organizations, summary.unreachable))
            self._output.print(_sentence(summary))
        for line in report.refused:
            self._console.print(f"[red]refused[/] {line}")
        if report.refused_count > len(report.refused):
            self._console.print(f"[red]refused[/] {report.refused_count - len(report.refused)} more")
        if not summary.digests_equal:
            message = "the validators' state digests differ at one height: stop them and run `jifen verify` on the home"
            if self._options.once:
                raise DemoFailed(message)
            self._console.print(f"[bold red]Warning:[/] {message}")

    async def _stop_on_signal(
        self, scope: trio.CancelScope, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            task_status.started()
            async for _ in signals:
                if not self._signalled:
                    self._signalled = True
                    self._console.print("Stopping the validators ...")
                    scope.cancel()


async def import_with_progress(inputs: ImportInputs, console: Console) -> ImportReport:
    """Carry out an import under a progress bar; raises ImportFailed, Refused or ProtocolFault."""
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _RateColumn(),
        TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("importing", total=None, committed=0)
        done = 0

        def advance(settled: int, committed: int) -> None:
            nonlocal done
            done += committed
            progress.update(task, advance=settled, committed=done)

        importer = Importer(inputs.senders, inputs.builder, inputs.master, on_settled=advance)
        progress.update(task, total=importer.total)
        return await importer.run()


class _RateColumn(ProgressColumn):
    """Transactions committed per second since the start."""

    def render(self, task: Task) -> Text:
        """Return the column of a task."""
        elapsed = task.finished_time if task.finished else task.elapsed
        rate = task.fields["committed"] / elapsed if elapsed else 0.0
        return Text(f"{rate:,.0f} committed/s")


def _sentence(summary: Summary) -> str:
    bound = summary.verification_bound
    if summary.transactions == 0:
        return f"All {summary.purchases:,} purchases were on the ledger already."
    return (
        f"{summary.purchases:,} purchases are on the ledger; {summary.transactions:,} transactions in "
        f"{summary.seconds:.1f} s: {summary.transactions_per_second:,.0f} a second, {bound.share:.0%} of what "
        f"{bound.cores} cores could check for {bound.validators} validators ({bound.transactions_per_second:,.0f})."
    )
