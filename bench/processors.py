"""What processes cost, as Linux counts it (proc(5))."""

import os
from pathlib import Path


def processor_seconds(pid: int) -> tuple[float, float, float]:
    """Return the processor seconds of a process's main thread, of its other threads, and of its children."""
    tasks = {int(path.name): _seconds(path / "stat") for path in Path(f"/proc/{pid}/task").iterdir()}
    children = [child for task in tasks for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split()]
    return tasks.pop(pid), sum(tasks.values()), sum(_seconds(Path(f"/proc/{child}/stat")) for child in children)


def _seconds(stat: Path) -> float:
    fields = stat.read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime and stime, proc(5)
