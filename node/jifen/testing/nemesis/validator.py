"""A validator whose clock and disk obey whoever started it; in everything else it is what `jifen start` runs.

    python -m jifen.testing.nemesis.validator --data DIR [--map-bytes N] [--file-bytes N]

Every line of standard input is an offset in milliseconds by which its time of day is off from then on; when the input
ends, the validator stops as on SIGTERM.
"""

import argparse
import os
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, final

import msgspec
import structlog
import trio

from jifen.actors.clock import system_clock
from jifen.actors.surroundings import whole_machine
from jifen.cli.collector import calm_collector
from jifen.cli.descriptors import allow_open_files
from jifen.cli.failures import exit_code_of
from jifen.cli.logs import set_up_logs
from jifen.cli.serving import serve
from jifen.loading import LoadedNode, load_setup

LINE_BYTES_MAX: Final = 64
"""Longest line of standard input: a number."""


@final
class ShiftedClock:
    """The system's clock, off by `offset_ms`."""

    def __init__(self) -> None:
        self.offset_ms = 0

    def __call__(self) -> int:
        """Return the time of day that this validator believes in, ms."""
        return system_clock() + self.offset_ms


async def obey(clock: ShiftedClock, commands: trio.abc.ReceiveStream) -> None:
    """Set the clock by every line; returns when there are no more."""
    rest = b""
    async for data in commands:
        *lines, rest = (rest + bytes(data)).split(b"\n")
        if len(rest) > LINE_BYTES_MAX:
            raise ValueError(
                f"standard input: {rest[:LINE_BYTES_MAX]!r} is no offset in ms; write a number and a newline"
            )
        for line in lines:
            clock.offset_ms = int(line)
            structlog.get_logger("jifen").info("clock set", offset_ms=clock.offset_ms)


async def _main(loaded: LoadedNode) -> None:
    clock = ShiftedClock()
    async with trio.open_nursery() as nursery:

        async def obey_and_stop() -> None:
            async with trio.lowlevel.FdStream(os.dup(sys.stdin.fileno())) as commands:
                await obey(clock, commands)
            os.kill(os.getpid(), signal.SIGTERM)

        nursery.start_soon(obey_and_stop)
        await serve(loaded, stop_with_parent=False, surroundings=whole_machine(clock))
        nursery.cancel_scope.cancel()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the validator; return the exit code that `jifen start` would."""
    parser = argparse.ArgumentParser(prog="python -m jifen.testing.nemesis.validator", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="data directory")
    parser.add_argument("--map-bytes", type=int, help="largest size of the store, below what node.toml may say")
    parser.add_argument("--file-bytes", type=int, help="largest size of any file: writing beyond it fails")
    options = parser.parse_args(arguments)
    try:
        loaded = load_setup(options.data)
        if options.map_bytes:
            setup = msgspec.structs.replace(loaded.setup, store_map_bytes=options.map_bytes)
            loaded = msgspec.structs.replace(loaded, setup=setup)
        if options.file_bytes:
            resource.setrlimit(resource.RLIMIT_FSIZE, (options.file_bytes, resource.RLIM_INFINITY))
        set_up_logs(loaded.setup.organization)
        allow_open_files()
        calm_collector()
        trio.run(_main, loaded)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - told on standard error, as the command line does
        return exit_code_of(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
