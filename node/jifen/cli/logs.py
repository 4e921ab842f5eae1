"""Logs of a running node: lines for people on a terminal, JSON lines otherwise, always on standard error."""

import logging
import os
import sys
from typing import Any, Final

import structlog

from jifen.cli.throttle import Throttle
from jifen.config import LOG_VARIABLE, ConfigError

LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


def set_up_logs(organization: str) -> None:
    """Send all logs, those of libraries included, to standard error; raises ConfigError for an unknown level."""
    name = os.environ.get(LOG_VARIABLE) or "info"
    if name.lower() not in LEVELS:
        raise ConfigError(f"{LOG_VARIABLE} is {name!r}; it can be {', '.join(LEVELS)}")
    level = LEVELS[name.lower()]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    throttle = Throttle()
    renderer: Any = structlog.dev.ConsoleRenderer()
    if not sys.stderr.isatty():
        shared.append(structlog.processors.dict_tracebacks)
        renderer = structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[throttle, *shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(node=organization)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    handler.addFilter(throttle)
    # Libraries speak only when something is wrong: what they say of every connection is not the node's news.
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)
