"""How long nothing is committed when the leader dies: from its SIGKILL to the next commit, with default time-outs.

Run: `.venv/bin/python -m bench.failover [--kills N]`. Four validators run as `jifen start` does, on the loopback. At
each kill a transaction goes to each of the other three; the first that is committed ends the time. The one that was
killed is started again and has caught up before the next kill.
"""

import argparse
import random
import tempfile
from functools import partial
from pathlib import Path
from typing import Final

import trio

from jifen.testing.nemesis.checks import agree
from jifen.testing.nemesis.clients import Clients
from jifen.testing.nemesis.processes import Alliance, make_alliance
from jifen.testing.nemesis.summary import distribution

KILLS: Final = 30
CALM_SECONDS: Final = 1.0
"""Pause before each kill, drawn anew up to the double: kills must not fall in step with heartbeats."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.failover", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=KILLS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        alliance = make_alliance(Path(directory) / "home", random.Random())
        clients = Clients(alliance, random.SystemRandom().randrange(1 << 30))
        trio.run(partial(kill_leaders, alliance, clients, options.kills))
    print(f"from the leader's SIGKILL to the next commit, {len(clients.failovers)} times:")
    print(distribution(clients.failovers))
    print(" ".join(f"{seconds:.2f}" for seconds in sorted(clients.failovers)))


async def kill_leaders(alliance: Alliance, clients: Clients, count: int) -> None:
    """Kill the leader again and again."""
    draw = random.Random()
    try:
        await alliance.start_all()
        await clients.register()
        for _ in range(count):
            await agree(alliance)
            await trio.sleep(CALM_SECONDS * draw.uniform(1, 2))
            leader = await alliance.leader()
            assert leader is not None, "validators that agree have a leader"
            await alliance.validators[leader].kill()
            await clients.time_failover(leader)
            await alliance.validators[leader].start()
    finally:
        with trio.CancelScope(shield=True):
            await alliance.close()


if __name__ == "__main__":
    main()
