"""From an error to one line on standard error and an exit code."""

import sys
import traceback
from collections.abc import Iterator
from typing import Final

import typer

DONE: Final = 0
"""What was asked for is done."""
USAGE: Final = 2
"""The command line makes no sense."""
REFUSED: Final = 3
"""The ledger or a validator said no; the line names the reason. Trying again does not help."""
FAILURE: Final = 4
"""Something is missing, busy, damaged or out of reach; the line says what to do."""
FAULT: Final = 70
"""Jifen is wrong (EX_SOFTWARE of BSD's sysexits.h): there is a traceback to report."""

EPILOG: Final = (
    "Exit codes: 0 done; 2 wrong usage; 3 refused by the ledger, the reason is named; 4 failure: something is missing, "
    "busy, damaged or out of reach. Environment: JIFEN_HOME (--home), JIFEN_DATA (--data), JIFEN_PASSPHRASE or "
    "JIFEN_PASSPHRASE_FILE (opens key files), JIFEN_LOG (debug, info, warning or error)."
)


class UsageFault(Exception):
    """The arguments do not fit together, or one of them is malformed."""


class CommandFailed(Exception):
    """A command that cannot do what it should; the text says what to do."""


def exit_code_of(error: BaseException) -> int:
    """Say what went wrong on standard error; return the exit code."""
    if isinstance(error, typer.TyperException):
        command = getattr(getattr(error, "ctx", None), "command_path", "jifen")
        _say(f"{error.format_message()} Try: {command} --help")
        return error.exit_code
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        _say("interrupted")
        return FAILURE
    leaves = list(_leaves(error))
    codes = [_code(leaf) for leaf in leaves]
    if None in codes:
        traceback.print_exception(error)
        return FAULT
    _say(str(leaves[0]))
    code = codes[0]
    assert code is not None
    return code


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _code(error: BaseException) -> int | None:
    """Return the exit code of an error that is expected to happen; imported late, for it knows every layer."""
    from jifen.actors.node import NodeStopped
    from jifen.alliance import AllianceError
    from jifen.client import ClientError, Refused
    from jifen.codec.errors import Malformed
    from jifen.config import ConfigError
    from jifen.demo.importer import ImportFailed
    from jifen.demo.purchases import PurchaseFileError
    from jifen.demo.run import DemoFailed, Interrupted
    from jifen.keys.keystore import KeyFileError
    from jifen.store.errors import StoreError
    from jifen.transport import CannotListen, IdentityFault
    from jifen.verification import Contradiction
    from jifen_graphql.server import ListenFailed

    failures = (
        CommandFailed, NodeStopped, AllianceError, ClientError, ConfigError, ImportFailed, PurchaseFileError,
        DemoFailed, Interrupted, KeyFileError, StoreError, CannotListen, IdentityFault, Contradiction, ListenFailed,
    )  # fmt: skip
    if isinstance(error, UsageFault | Malformed):
        return USAGE
    if isinstance(error, Refused):
        return REFUSED
    return FAILURE if isinstance(error, failures) else None


def _say(text: str) -> None:
    line = " ".join(text.split())
    sys.stderr.write(f"jifen: {line}\n")
