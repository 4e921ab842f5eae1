"""What an alliance costs that does nothing: processor time of each validator, and bytes on each link.

Run: `.venv/bin/python -m bench.idle [--seconds N]`. Four validators run as `jifen start` does; their links go through
proxies that count what passes, TLS and all.
"""

import argparse
import random
import tempfile
from functools import partial
from pathlib import Path
from typing import Final

import trio

from bench.processors import processor_seconds
from jifen.testing.nemesis.checks import agree
from jifen.testing.nemesis.processes import Alliance, make_alliance

SECONDS: Final = 60.0
SETTLE_SECONDS: Final = 5.0
"""Until everything that a start brings with it is over."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.idle", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=SECONDS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        alliance = make_alliance(Path(directory) / "home", random.Random())
        trio.run(partial(measure, alliance, options.seconds))


async def measure(alliance: Alliance, seconds: float) -> None:
    """Let an alliance be, and print what that cost."""
    async with trio.open_nursery() as nursery:
        try:
            await nursery.start(alliance.network.run)
            alliance.route()
            await alliance.start_all()
            await agree(alliance)
            await trio.sleep(SETTLE_SECONDS)
            leader = await alliance.leader()
            processors, links = processor_times(alliance), bytes_on_links(alliance)
            await trio.sleep(seconds)
            for name, before in processors.items():
                spent = (processor_times(alliance)[name] - before) * 60 / seconds
                role = "leader" if name == leader else "follower"
                print(f"{name:8}{role:10}{spent:6.2f} s of processor time a minute")
            for name, before_there in links.items():
                print(f"{name:16}{(bytes_on_links(alliance)[name] - before_there) / seconds:8.0f} bytes a second")
        finally:
            with trio.CancelScope(shield=True):
                await alliance.close()
            nursery.cancel_scope.cancel()


def processor_times(alliance: Alliance) -> dict[str, float]:
    """Return the processor seconds of every validator since its start, its children's too."""
    pids = {name: validator.pid for name, validator in alliance.validators.items()}
    return {name: sum(processor_seconds(pid)) for name, pid in pids.items() if pid is not None}


def bytes_on_links(alliance: Alliance) -> dict[str, int]:
    """Return the bytes that went over every link, both directions together."""
    links = alliance.network.links
    used = {f"{pair.sender} > {pair.recipient}": link.outward.bytes + link.inward.bytes for pair, link in links.items()}
    return {name: count for name, count in used.items() if count}


if __name__ == "__main__":
    main()
