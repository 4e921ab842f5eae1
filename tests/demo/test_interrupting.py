"""Ctrl-C at a moment when the demonstration is busy."""

import os
import signal
import time
from pathlib import Path
from typing import Any, NoReturn, final

import pytest
import trio
from rich.console import Console

from jifen.demo import run
from jifen.demo.run import DemoOptions, Interrupted, run_demo


@final
class Children:
    """Four validators that run until they are stopped."""

    quorum = 3

    def __init__(self, directories: list[Path], _tell: Any) -> None:
        self.members = directories
        self.running = list(directories)
        self.stopped = False
        CHILDREN.append(self)

    async def supervise(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run until cancelled."""
        task_status.started()
        try:
            await trio.sleep_forever()
        finally:
            self.running.clear()
            self.stopped = True


CHILDREN: list[Children] = []


async def test_ctrl_c_while_keys_are_made_is_an_interruption_and_no_loss_of_the_quorum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted_import(*_: Any) -> None:
        """Stands for work in a thread, which cannot be cancelled: it ends when the validators have stopped."""
        os.kill(os.getpid(), signal.SIGINT)
        until = time.monotonic() + 30
        while not CHILDREN[-1].stopped and time.monotonic() < until:
            time.sleep(0.01)

    async def nobody_is_asked(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("the validators have stopped")

    monkeypatch.setattr(run, "ProcessGroup", Children)
    monkeypatch.setattr(run, "read_purchases", lambda *_: [])
    monkeypatch.setattr(run, "load_import", interrupted_import)
    monkeypatch.setattr(run, "check_ports", lambda *_: None)
    monkeypatch.setattr(run, "measure_verification", lambda: 1.0)
    monkeypatch.setattr(run, "import_with_progress", nobody_is_asked)
    options = DemoOptions(tmp_path / "home", 20_000, tmp_path / "none", 1, once=True, as_json=False)
    with trio.fail_after(60), pytest.raises(Interrupted, match="the same command resumes it"):
        await run_demo(options, Console(quiet=True), Console(quiet=True))
