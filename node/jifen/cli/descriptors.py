"""How many files and connections the system lets a validator have open."""

import resource
from typing import Final

import structlog

from jifen_graphql.server import CONNECTIONS_MAX

OPEN_FILES_WANTED: Final = 2 * CONNECTIONS_MAX + 512
"""Both listeners full, and still room for every peer's links, the store and the logs."""


def allow_open_files() -> None:
    """Raise the soft limit as far as needed and allowed; what login shells set, often 1024, is less than one listener.

    At the limit nothing can be accepted or dialled: strangers who keep connections open would cut the peers off.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= OPEN_FILES_WANTED:
        return
    allowed = OPEN_FILES_WANTED if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES_WANTED)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < OPEN_FILES_WANTED:
        log = structlog.get_logger("jifen")
        log.warning("few open files are allowed; raise the hard limit", allowed=allowed, wanted=OPEN_FILES_WANTED)
