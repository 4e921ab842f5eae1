"""Validator processes as children: started, watched, stopped, and never left behind.

Each child watches its standard input, a pipe whose other end only this process holds: however this process ends, even
by kill -9, the pipe closes and the child stops.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final, final

import trio

from jifen import config

LOG_FILE: Final = "log.txt"
OLD_LOG_FILE: Final = "log.1.txt"
"""Log of the start before; older ones are dropped."""

LOG_LINES_SHOWN: Final = 5
"""Last lines of a dead validator's log that are shown."""

LOG_TAIL_BYTES: Final = 8192
"""How far back in the log those lines are looked for."""

STOP_SECONDS: Final = 5.0
"""For a clean stop, which takes a validator under three seconds; then it is killed, which its store survives."""


@final
class ValidatorProcess:
    """One validator, `jifen start --data DIR`, as a child process."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.name = directory.name
        self.is_stopping = False
        """Whether its end is expected."""
        self._process: trio.Process | None = None

    @property
    def pid(self) -> int | None:
        """Process id, None before the start."""
        return None if self._process is None else self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._process is not None and self._process.returncode is None

    @property
    def exit_code(self) -> int | None:
        """Exit code; negative is the number of the signal that killed it; None while it runs."""
        return None if self._process is None else self._process.returncode

    async def start(self) -> None:
        """Start the process with a fresh log."""
        command = [sys.executable, "-P", "-m", "jifen", "start", "--data", str(self.directory), "--stop-with-parent"]
        # The passphrase of whoever runs the demonstration opens none of these keys; each directory has its own.
        own = (config.PASSPHRASE_VARIABLE, config.PASSPHRASE_FILE_VARIABLE, config.DATA_VARIABLE)
        environment = {name: value for name, value in os.environ.items() if name not in own}
        with self._open_log() as log:
            self._process = await trio.lowlevel.open_process(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                process_group=0,  # a Ctrl-C on the terminal is this process's to handle
            )

    async def wait(self) -> int:
        """Wait until it ends; return its exit code."""
        assert self._process is not None, "the process was not started"
        return await self._process.wait()

    async def stop(self) -> None:
        """End it: politely, then by force. Does nothing when it has ended."""
        self.is_stopping = True
        if not self.is_running:
            return
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        with trio.move_on_after(STOP_SECONDS) as patience:
            await self._process.wait()
        if patience.cancelled_caught:
            self._process.kill()
            await self._process.wait()

    def last_words(self) -> list[str]:
        """Return the last lines of its log."""
        try:
            with (self.directory / LOG_FILE).open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
                text = file.read().decode(errors="replace")
        except OSError as error:
            return [f"its log cannot be read: {error.strerror}"]
        return text.splitlines()[-LOG_LINES_SHOWN:]

    def _open_log(self) -> IO[bytes]:
        path = self.directory / LOG_FILE
        if path.exists():
            path.replace(self.directory / OLD_LOG_FILE)
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


@final
class ProcessGroup:
    """The validators of a home. Run `supervise` in a nursery; when it is cancelled, all of them are stopped."""

    def __init__(self, directories: list[Path], on_death: Callable[[ValidatorProcess], None]) -> None:
        """Watch over validators; `on_death` is told of one that ends without having been asked to."""
        self.members = [ValidatorProcess(directory) for directory in directories]
        self._on_death = on_death

    @property
    def quorum(self) -> int:
        """Validators without which nothing is committed."""
        return len(self.members) // 2 + 1

    @property
    def running(self) -> list[ValidatorProcess]:
        """Those that run."""
        return [member for member in self.members if member.is_running]

    async def supervise(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Start all, watch them until cancelled, stop all."""
        try:
            async with trio.open_nursery() as nursery:
                for member in self.members:
                    await member.start()
                    nursery.start_soon(self._watch, member)
                task_status.started()
                await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                async with trio.open_nursery() as nursery:
                    for member in self.members:
                        nursery.start_soon(member.stop)

    async def _watch(self, member: ValidatorProcess) -> None:
        await member.wait()
        if not member.is_stopping:
            self._on_death(member)
