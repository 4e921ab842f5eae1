"""Imports point one way. The contracts stand in pyproject.toml; here they hold, and are shown to be able to break."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the checkout, or the copy of one, at this path."""
    return subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=root,
        env=os.environ | {"PYTHONPATH": f"{root / 'node'}:{root / 'graphql'}", "NO_COLOR": "1", "COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_import_contract_is_kept(repository: Path) -> None:
    result = lint_imports(repository)

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("node/jifen/ledger/clock.py", "import time", "the core is pure"),
        ("node/jifen/consensus/points.py", "import jifen.ledger", "ledger and consensus do not know each other"),
        ("node/jifen/store/kit.py", "import jifen.testing", "production never imports the test kit"),
        ("node/jifen/codec/log.py", "import jifen.store", "the node's layers point one way"),
        ("node/jifen/novelty.py", "", "the node's layers point one way, and every module has one"),
        ("node/jifen/actors/api.py", "import jifen_graphql", "the API sits between the command line"),
        (
            "graphql/jifen_graphql/shortcut.py",
            "import jifen.store",
            "the API talks to the node through its facade only",
        ),
        ("node/jifen/client/node.py", "import jifen.actors", "the client SDK needs the formats and the keys"),
        ("node/jifen/actors/limits.py", "import jifen.actors.snapshots", "reading a home loads no node"),
    ],
)
def test_a_forbidden_import_breaks_its_contract(
    repository: Path, tmp_path: Path, module: str, line: str, contract: str
) -> None:
    for name in ("node", "graphql"):
        shutil.copytree(
            repository / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "web", "*.csv")
        )
    shutil.copy(repository / "pyproject.toml", tmp_path)
    (tmp_path / module).write_text(f'"""A module that breaks a rule."""\n{line}\n', encoding="utf-8")

    result = lint_imports(tmp_path)

    broken = [text for text in result.stdout.splitlines() if text.endswith("BROKEN")]
    assert result.returncode == 1, result.stdout + result.stderr
    assert any(text.startswith(contract) for text in broken), result.stdout
