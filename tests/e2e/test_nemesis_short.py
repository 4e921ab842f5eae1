"""Real validators suffer for half a minute: what clients were told is true, and everybody agrees and goes on after."""

from pathlib import Path

from jifen.testing.nemesis.run import run
from jifen.testing.nemesis.schedule import from_text

PLAN = """\
# seed 1, 30 s
1 +1.5 kill leader
2 +2 slow 40 40
4 +2 clock leader 600
5 +2 pause leader
6 +3 split mall books | music cafe stall
9 +0 fill-disk music 4
10 +2.5 isolate leader drop
14 +2 clock leader -600
14 +3 one-way mall>books cafe>mall refuse
15 +1 kill-all
20 +1 cut 300
22 +1 replace leader
"""


async def test_nothing_that_clients_were_told_is_false_whatever_goes_wrong(tmp_path: Path) -> None:
    plan, events = from_text(PLAN), list[str]()

    outcome = await run(plan, tmp_path / "run", on_event=events.append)

    assert outcome.violations == [], "\n".join(events)
    told, injected = outcome.outcomes, outcome.injected
    assert {fault.kind for fault in plan.faults} <= set(injected)
    assert injected["validators stopped by their disks"] == 1, "\n".join(events)
    assert outcome.transactions > told["applied"] > 20
    assert told["current reads"] > 3
    assert told["local reads"] > 3
    assert outcome.failovers
