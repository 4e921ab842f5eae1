"""The command line. Commands import what they need when they run, so that `--help` and completion are quick.

One module a family of commands; `failures.py` turns errors into one line and an exit code.
"""

import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and exit: 0 done, 2 usage, 3 refused by the ledger, 4 failure, 70 a fault of Jifen's."""
    if sys.flags.optimize:
        sys.stderr.write("jifen: assertions are part of the safety of the ledger; start Python without -O\n")
        raise SystemExit(4)
    from jifen.cli.app import app
    from jifen.cli.failures import exit_code_of

    try:
        code = app(standalone_mode=False)
    except BrokenPipeError:
        # Whoever read our output has gone; the interpreter must not try to flush it once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(4) from None
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - told on standard error, a bug with its traceback
        raise SystemExit(exit_code_of(error)) from None
    raise SystemExit(code if isinstance(code, int) else 0)
