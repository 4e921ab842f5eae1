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

BAD_REQUEST: Final = "BAD_REQUEST"
"""The API's code of a request that asks for nothing possible: the arguments are to blame, not the ledger."""

EPILOG: Final = (
    "Exit codes: 0 done; 2 wrong usage; 3 refused by the ledger, the reason is named; 4 failure: something is missing, "
    "busy, damaged or out of reach. Environment: JIFEN_HOME (--home), JIFEN_DATA (--data), JIFEN_PASSPHRASE or "
    "JIFEN_PASSPHRASE_FILE (opens key files), JIFEN_LOG (debug, info, warning or error)."
)


class UsageFault(Exception):
    """The arguments do not fit together, or one of them is malformed."""


class CommandFailed(Exception):
    """A command that cannot do what it should; the text says what to do."""


_EXPECTED: Final = {
    DONE: ("jifen.actors.consensus.NodeRetired",),
    USAGE: ("jifen.cli.failures.UsageFault", "jifen.codec.errors.Malformed"),
    REFUSED: ("jifen.client.errors.Refused", "jifen.actors.joining.JoinRefused", "jifen.joining.NotAdmitted"),
    FAILURE: (
        "jifen.cli.failures.CommandFailed",
        "jifen.actors.node.NodeStopped",
        "jifen.admission.RequestError",
        "jifen.home.AllianceError",
        "jifen.client.errors.ClientError",
        "jifen.config.ConfigError",
        "jifen.demo.importer.ImportFailed",
        "jifen.demo.purchases.PurchaseFileError",
        "jifen.demo.run.DemoFailed",
        "jifen.demo.run.Interrupted",
        "jifen.keys.keystore.KeyFileError",
        "jifen.store.errors.StoreError",
        "jifen.transport.peers.CannotListen",
        "jifen.transport.identity.IdentityFault",
        "jifen.verification.Contradiction",
        "jifen_graphql.server.ListenFailed",
    ),
}
"""Errors that are expected to happen, the more special ones first; a test holds the names against the classes."""


def exit_code_of(error: BaseException) -> int:
    """Say what went wrong on standard error; return the exit code."""
    if isinstance(error, typer.TyperException):
        command = getattr(getattr(error, "ctx", None), "command_path", "jifen")
        _say(f"{error.format_message().removesuffix('.')}; see {command} --help")
        return error.exit_code
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        _say("interrupted")
        return FAILURE
    leaves = list(_leaves(error))
    codes = [_code(leaf) for leaf in leaves]
    if None in codes:
        traceback.print_exception(error)
        return FAULT
    _say(str(leaves[0]) + _advice(leaves[0]))
    code = codes[0]
    assert code is not None
    return code


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _is(error: BaseException, place: str) -> bool:
    """Tell whether an error is of a class, without loading what defines it: an instance has loaded it."""
    module, _, name = place.rpartition(".")
    return module in sys.modules and isinstance(error, getattr(sys.modules[module], name))


def _advice(error: BaseException) -> str:
    """Return what to do on the command line, where the SDK cannot know it."""
    if _is(error, "jifen.client.errors.Unavailable"):
        return "; start one with `jifen start` or `jifen demo`, or name another with --url"
    return ""


def _code(error: BaseException) -> int | None:
    """Return the exit code of an error that is expected to happen, None for a fault of ours."""
    if _is(error, "jifen.client.errors.Refused") and getattr(error, "code", None) == BAD_REQUEST:
        return USAGE
    for code, classes in _EXPECTED.items():
        # A class whose module is not loaded has no instance; loading them all here would cost a second.
        if any(_is(error, place) for place in classes):
            return code
    return None


def _say(text: str) -> None:
    line = " ".join(text.split())
    sys.stderr.write(f"jifen: {line}\n")
