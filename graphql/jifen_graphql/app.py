"""The ASGI applications: the public port's, and the administrative listener's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
import trio

from jifen_graphql import graphql_http
from jifen_graphql.execution import Engine
from jifen_graphql.guard import BearerToken, HostGuard
from jifen_graphql.limits import BODY_BYTES_MAX, BODY_SECONDS_MAX, DISCARDED_BYTES_MAX, DISCARDING_SECONDS_MAX
from jifen_graphql.responses import HttpRefused, Response, json_response, refused

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

GRAPHQL_PATH = "/graphql"
"""Where GraphQL is, over HTTP and WebSocket."""

_log = structlog.get_logger(__name__)


class Application:
    """One listener's HTTP: GraphQL, health, and the files of the web client."""

    def __init__(
        self,
        engine: Engine,
        hosts: HostGuard,
        *,
        assets: Mapping[str, Response] | None = None,
        token: BearerToken | None = None,
    ) -> None:
        """Serve `engine`; with a token, every path but the health checks asks for it."""
        self.engine = engine
        self.hosts = hosts
        self.assets = assets or {}
        self.token = token

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3, HTTP only: the dispatcher takes WebSockets before they get here)."""
        assert scope["type"] == "http", f"a scope of type {scope['type']} got past the dispatcher"
        try:
            response = await self._answer(scope, receive)
        except HttpRefused as refusal:
            response = refusal.response
        except Exception:  # noqa: BLE001  a fault of ours ends one request, not the node
            _log.exception("request failed", method=scope["method"], path=scope["path"])
            response = refused(500, "INTERNAL", "this validator failed to answer; its log says why").response
        await send({"type": "http.response.start", "status": response.status, "headers": response.header_list})
        await send({"type": "http.response.body", "body": response.body})

    async def _answer(self, scope: Mapping[str, Any], receive: Receive) -> Response:
        headers = _headers(scope)
        if not self.hosts.knows(headers.get(b"host", b"").decode("latin-1")):
            message = "this validator does not go by that name; its node.toml lists further ones in allowed_hosts"
            raise refused(421, "UNKNOWN_HOST", message)
        path, method = scope["path"], scope["method"]
        if path in ("/healthz", "/readyz"):
            _only(method, "GET", "HEAD")
            return self._health(path)
        if self.token is not None and not self.token.fits(headers.get(b"authorization")):
            message = "send the token of this node's admin.token file: Authorization: Bearer ..."
            raise refused(401, "UNAUTHENTICATED", message, (b"www-authenticate", b"Bearer"))
        if path == GRAPHQL_PATH:
            return await self._graphql(method, scope, headers, receive)
        asset = self.assets.get(path)
        if asset is None:
            raise refused(404, "NOT_FOUND", "there is nothing here; GraphQL is at /graphql")
        _only(method, "GET", "HEAD")
        return _unless_known(asset, headers)

    async def _graphql(
        self, method: str, scope: Mapping[str, Any], headers: Mapping[bytes, bytes], receive: Receive
    ) -> Response:
        _only(method, "GET", "HEAD", "POST")
        content_type = graphql_http.negotiate(headers.get(b"accept"))
        if method == "POST":
            graphql_http.check_content_type(headers)
            request = graphql_http.read_post(await _read_body(headers, receive))
        else:
            request = graphql_http.read_get(scope["query_string"])
        return await graphql_http.answer(self.engine, request, content_type, is_get=method != "POST")

    def _health(self, path: str) -> Response:
        """Answer whether the process lives (healthz), and whether it can do its work (readyz)."""
        status = self.engine.node.status()
        ready = status.leader is not None
        value = {"ready": ready, "height": status.height, "role": status.role, "leader": status.leader}
        return json_response(200 if ready or path == "/healthz" else 503, value)


def _headers(scope: Mapping[str, Any]) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in (b"host", b"authorization", b"content-type") and name in headers:
            raise refused(400, "BAD_REQUEST", f"the header {name.decode('ascii')} stands twice")
        headers[name] = value
    return headers


def _only(method: str, *allowed: str) -> None:
    if method not in allowed:
        message = f"{method} is not for this path; use {' or '.join(allowed)}"
        raise refused(405, "METHOD_NOT_ALLOWED", message, (b"allow", ", ".join(allowed).encode("ascii")))


def _unless_known(asset: Response, headers: Mapping[bytes, bytes]) -> Response:
    etag = dict(asset.headers)[b"etag"]
    known = headers.get(b"if-none-match", b"")
    return Response(304, b"", asset.content_type, asset.headers) if etag in known else asset


async def _read_body(headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
    """Return the whole body; raises HttpRefused when it is too large or too slow."""
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or int(length) > BODY_BYTES_MAX:
        await _discard(receive)
        raise _too_large()
    body = bytearray()
    with trio.move_on_after(BODY_SECONDS_MAX):
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise refused(400, "BAD_REQUEST", "the connection ended before the body did")
            body += message.get("body", b"")
            if len(body) > BODY_BYTES_MAX:
                await _discard(receive)
                raise _too_large()
            if not message.get("more_body", False):
                return bytes(body)
    raise refused(
        408, "TIMED_OUT", f"the body did not arrive within {BODY_SECONDS_MAX:g} seconds", (b"connection", b"close")
    )


def _too_large() -> HttpRefused:
    message = f"the body is larger than {BODY_BYTES_MAX} bytes; submit fewer transactions at once"
    return refused(413, "TOO_LARGE", message, (b"connection", b"close"))


async def _discard(receive: Receive) -> None:
    """Read some more of a body that is refused anyway: closing at once would reset the connection under the answer."""
    seen = 0
    with trio.move_on_after(DISCARDING_SECONDS_MAX):
        while seen < DISCARDED_BYTES_MAX:
            message = await receive()
            seen += len(message.get("body", b""))
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                return
