"""Who is being talked to, and by whom: the Host allow-list, the same-origin rule of WebSockets, and the bearer token.

DNS rebinding points an attacker's own name at this machine, so that a page of theirs is "same origin" with it. What it
cannot do is make the browser name us by a name we know: hence the allow-list. Browsers let any page open a WebSocket
anywhere; hence the rule that its Origin must be the very host it talks to.
"""

import hmac
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

LOCAL_NAMES: Final = ("127.0.0.1", "localhost", "::1")
"""Names by which a validator is always reachable from its own machine."""

TOKEN_LENGTH_MIN: Final = 32
"""Shortest administrative token: 128 bits in hexadecimal."""

_HOST = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]{1,5})?")


def host_name(header: str) -> str | None:
    """Return the lower-case name of a Host header without port and brackets, or None when it is none."""
    match = _HOST.fullmatch(header.strip())
    if match is None:
        return None
    return (match[1] or match[2]).lower()


class HostGuard:
    """The names by which this listener answers."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = frozenset(name.lower() for name in (*LOCAL_NAMES, *names))

    def knows(self, host: str | None) -> bool:
        """Tell whether a request's Host header names us."""
        return host is not None and host_name(host) in self.names

    def is_same_origin(self, origin: str | None, host: str) -> bool:
        """Tell whether a request comes from a page of ours, or from no page at all (then there is no Origin)."""
        if origin is None:
            return True
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and parts.netloc.lower() == host.strip().lower()


class BearerToken:
    """The secret of the administrative listener."""

    def __init__(self, token: str) -> None:
        """Take the token; raises ValueError when it is too short to be one."""
        if len(token) < TOKEN_LENGTH_MIN:
            raise ValueError(f"the admin token has {len(token)} characters; make one of at least {TOKEN_LENGTH_MIN}")
        self._expected = b"Bearer " + token.encode()

    def fits(self, authorization: bytes | None) -> bool:
        """Tell whether an Authorization header carries the token, in time that tells nothing about it."""
        return hmac.compare_digest(authorization or b"", self._expected)
