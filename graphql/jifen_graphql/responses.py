"""HTTP answers, and the headers that every one of them carries."""

from typing import Any, Final, NamedTuple

import msgspec

JSON: Final = "application/json; charset=utf-8"
GRAPHQL_JSON: Final = "application/graphql-response+json; charset=utf-8"

SECURITY_HEADERS: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""On every answer. There is no CORS header anywhere: pages of others may not read what we say."""

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Our own files and nothing else; no inline script or style, no page of others around ours."""


class Response(NamedTuple):
    """One HTTP answer."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def header_list(self) -> list[tuple[bytes, bytes]]:
        """All headers in ASGI's form."""
        return [
            (b"content-type", self.content_type.encode("ascii")),
            (b"content-length", str(len(self.body)).encode("ascii")),
            *SECURITY_HEADERS,
            *self.headers,
        ]


class HttpRefused(Exception):
    """A request that gets no GraphQL execution; carries its answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def json_response(
    status: int, value: Any, content_type: str = JSON, *, headers: tuple[tuple[bytes, bytes], ...] = ()
) -> Response:
    """Return an answer in JSON, never to be kept by a cache."""
    return Response(status, msgspec.json.encode(value), content_type, ((b"cache-control", b"no-store"), *headers))


def refused(status: int, code: str, message: str, *headers: tuple[bytes, bytes]) -> HttpRefused:
    """Return the refusal of a request, in the shape of a GraphQL answer so that every client can read it."""
    value = {"errors": [{"message": message, "extensions": {"code": code}}]}
    return HttpRefused(json_response(status, value, headers=headers))
