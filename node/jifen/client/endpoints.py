"""Asking one of several validators over HTTP: keep-alive connections, failover, retries until a deadline.

Everything that the SDK sends may be sent twice: queries read, and a transaction's bytes are taken once. So a request
whose answer was lost is simply sent again, to the next validator.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, final

import httpx
import msgspec
import trio

from jifen.client.errors import ProtocolFault, Refused, Unavailable
from jifen.client.posting import AnswerTooLong, post

GRAPHQL_PATH: Final = "/graphql"
"""Where a validator's API answers, over HTTP and WebSocket."""

CONNECT_SECONDS: Final = 3.0
"""For a TCP connection: a validator that takes longer is as good as away, and there are others."""

ANSWER_SECONDS: Final = 20.0
"""For one answer: longer than a validator waits for a commit (10 s) and than an election takes."""

RETRY_SECONDS_MIN: Final = 0.05
RETRY_SECONDS_MAX: Final = 1.0
"""Pause after all validators failed once, doubled every round: an election is over within a second or two."""

PORT_MAX: Final = 65535
"""Largest TCP port."""

TRANSIENT_CODES: Final = frozenset({"HEIGHT_NOT_REACHED", "INTERNAL", "NOT_CURRENT", "STOPPING", "TIMED_OUT"})
"""GraphQL error codes of a validator that cannot answer now while another one may."""

_SCALAR_FAULT: Final = re.compile(r"but encountered error '(?P<fault>.*)'; found: ", re.DOTALL)
"""What GraphQL wraps around the words of a scalar that does not take a variable's value."""


class _AnswerError(msgspec.Struct):
    message: str
    extensions: dict[str, Any] = {}


class _Envelope(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw(b"null")
    errors: tuple[_AnswerError, ...] = ()


class _Lost(Exception):
    """This validator gave no usable answer; another one, or the same a moment later, may."""


def base_url(url: str) -> str:
    """Return a validator's base URL without a slash at its end; raises ValueError when it is none."""
    try:
        parsed = httpx.URL(url)
        proper = parsed.scheme in ("http", "https") and bool(parsed.host) and (parsed.port or 1) <= PORT_MAX
    except (httpx.InvalidURL, UnicodeError):
        proper = False
    if not proper:
        raise ValueError(f"{url} is no URL of a validator; write it like http://127.0.0.1:8080")
    return url.rstrip("/")


@final
class Endpoints:
    """The validators that a client knows, and which of them it talks to.

    Invariant: `preferred` indexes `urls`; it moves on when that validator fails and stays with one that works.
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        token: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        jitter: random.Random | None = None,
        on_wait: Callable[[Mapping[str, str]], object] | None = None,
    ) -> None:
        """Know these base URLs, the first preferred.

        Args:
            urls: for example `http://127.0.0.1:8080`.
            token: bearer token of an admin listener.
            transport: replaces the network in tests.
            jitter: spreads the retries of many clients.
            on_wait: called whenever no validator has answered, before all are asked again: URL -> why it did not.
        """
        if not urls:
            raise ValueError("a client needs the URL of at least one validator")
        self.urls = tuple(base_url(url) for url in urls)
        self.preferred = 0
        self._on_wait = on_wait
        self._jitter = jitter or random.Random()  # noqa: S311 - spreads load, keeps no secret
        self._http = httpx.AsyncClient(
            transport=transport,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=16),
            trust_env=False,  # a proxy of the environment is meant for the Internet, not for a validator
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    def pass_over(self, url: str) -> None:
        """Prefer the validator after `url`, unless another one is preferred already."""
        if self.urls[self.preferred] == url:
            self.preferred = (self.preferred + 1) % len(self.urls)

    @property
    def current(self) -> str:
        """Base URL of the preferred validator."""
        return self.urls[self.preferred]

    async def ask(self, document: str, variables: Mapping[str, Any], *, timeout_seconds: float) -> tuple[str, bytes]:
        """Send an operation until a validator answers it; return that one's URL and the JSON of `data`.

        Raises:
            Refused: a validator says that the request itself is wrong.
            Unavailable: none answered within `timeout_seconds`.
            ProtocolFault: something else than a validator answers.
        """
        body = msgspec.json.encode({"query": document, "variables": variables})
        attempts: dict[str, str] = {}
        pause = RETRY_SECONDS_MIN
        with trio.move_on_after(timeout_seconds):
            while True:
                for _ in self.urls:
                    url = self.current
                    try:
                        return url, await self._ask_one(url, body)
                    except _Lost as error:
                        attempts[url] = str(error)
                        self.pass_over(url)
                    except trio.Cancelled:
                        # It may be stopped with its connections open; who asks again is better off with another one.
                        attempts.setdefault(url, "no answer yet")
                        self.pass_over(url)
                        raise
                if self._on_wait is not None:
                    self._on_wait(attempts)
                await trio.sleep(pause * self._jitter.uniform(0.5, 1.0))
                pause = min(pause * 2, RETRY_SECONDS_MAX)
        attempts = attempts or {self.current: "no answer yet"}
        raise Unavailable(f"no validator answered within {timeout_seconds:g} seconds", attempts)

    async def _ask_one(self, url: str, body: bytes) -> bytes:
        try:
            answer = await post(self._http, url + GRAPHQL_PATH, body)
        except httpx.TransportError as error:
            raise _Lost(str(error) or type(error).__name__) from error
        except AnswerTooLong as error:
            raise ProtocolFault(url, str(error)) from None
        if answer.status >= 500 or answer.status == 429:
            raise _Lost(f"HTTP {answer.status}")
        if answer.status == 401:
            raise Refused("UNAUTHORIZED", f"{url} does not accept the token; read the node's admin.token again")
        try:
            envelope = msgspec.json.decode(answer.content, type=_Envelope)
        except msgspec.DecodeError:
            raise ProtocolFault(url, f"answers HTTP {answer.status} without a GraphQL response") from None
        if envelope.errors:
            raise _blame(envelope.errors[0])
        if answer.status != 200:
            raise ProtocolFault(url, f"answers HTTP {answer.status}")
        return bytes(envelope.data)


def _blame(error: _AnswerError) -> Exception:
    code = str(error.extensions.get("code", "BAD_REQUEST"))
    if code in TRANSIENT_CODES:
        return _Lost(error.message)
    # What a scalar says of a variable is enough; the rest speaks of an operation that the caller has not written.
    inner = _SCALAR_FAULT.search(error.message)
    return Refused(code, inner["fault"] if inner else error.message)
