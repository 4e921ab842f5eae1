"""GraphQL over HTTP (the GraphQL foundation's specification of that name): requests in, answers out, no network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

import msgspec
import trio
from graphql import OperationType
from msgspec import Meta

from jifen_graphql.execution import STOPPING, Engine, RequestRefused
from jifen_graphql.limits import DOCUMENT_BYTES_MAX, REQUEST_SECONDS_MAX
from jifen_graphql.responses import GRAPHQL_JSON, JSON, HttpRefused, Response, json_response, refused

_STATUS_OF_CODE: Final = {"HEIGHT_NOT_REACHED": 503, "NOT_CURRENT": 503, STOPPING: 503, "TOO_LARGE": 413}
"""HTTP status of a refusal under application/graphql-response+json; every other code is 400."""

QUERY_STRING_BYTES_MAX: Final = 16 << 10
"""Longest query string of a GET; hypercorn ends request heads of 16 KiB by itself."""


class GraphQLRequest(msgspec.Struct, frozen=True):
    """The parameters of a request (section 5.1 of the specification). Other members are ignored."""

    query: Annotated[str, Meta(min_length=1)]
    variables: dict[str, Any] | None = None
    operation_name: str | None = msgspec.field(name="operationName", default=None)
    extensions: dict[str, Any] | None = None


_decode_request = msgspec.json.Decoder(GraphQLRequest).decode
_decode_map = msgspec.json.Decoder(dict[str, Any] | None).decode


def read_post(body: bytes) -> GraphQLRequest:
    """Return the request of a POST body; raises HttpRefused."""
    try:
        return _decode_request(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise refused(400, "BAD_REQUEST", f"the body is no GraphQL request: {error}") from None


def check_content_type(headers: Mapping[bytes, bytes]) -> None:
    """Raise HttpRefused unless a POST says that it is JSON in UTF-8.

    This is also what stops other sites' forms: a browser sends JSON across sites only after asking, and we never agree.
    """
    media_type, _, parameters = headers.get(b"content-type", b"").decode("latin-1").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media_type.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        raise refused(415, "UNSUPPORTED_MEDIA_TYPE", "send the request as application/json in UTF-8")


def read_get(query_string: bytes) -> GraphQLRequest:
    """Return the request of a GET's query string; raises HttpRefused."""
    if len(query_string) > QUERY_STRING_BYTES_MAX:
        raise refused(414, "TOO_LARGE", "the query string is too long; send a POST")
    try:
        given = dict(parse_qsl(query_string.decode("ascii"), keep_blank_values=True, max_num_fields=8, errors="strict"))
        variables = _decode_map(given.get("variables") or b"null")
        extensions = _decode_map(given.get("extensions") or b"null")
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise refused(400, "BAD_REQUEST", f"the query string is no GraphQL request: {error}") from None
    if not given.get("query"):
        raise refused(400, "BAD_REQUEST", "the query string has no parameter named query")
    return GraphQLRequest(given["query"], variables, given.get("operationName") or None, extensions)


def negotiate(accept: bytes | None) -> str:
    """Return the content type of the answer: the one the client likes best, JSON when it does not say.

    Raises HttpRefused (406) when it can read neither.
    """
    if accept is None or not accept.strip():
        return JSON
    best, liking = "", 0.0
    for item in accept.decode("latin-1").lower().split(","):
        media_type, *parameters = (part.strip() for part in item.split(";"))
        quality = next((_quality(part[2:]) for part in parameters if part.startswith("q=")), 1.0)
        offered = {
            "application/graphql-response+json": GRAPHQL_JSON,
            "application/json": JSON,
            "application/*": JSON,
            "*/*": JSON,
        }.get(media_type)
        if offered is not None and quality > liking:
            best, liking = offered, quality
    if not best:
        raise refused(406, "NOT_ACCEPTABLE", "accept application/graphql-response+json or application/json")
    return best


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


async def answer(engine: Engine, request: GraphQLRequest, content_type: str, *, is_get: bool) -> Response:
    """Execute a request and return its HTTP answer."""
    try:
        operation = engine.prepare(request.query).select(request.operation_name)
        if is_get and operation.kind is not OperationType.QUERY:
            raise refused(405, "METHOD_NOT_ALLOWED", "a GET may only query; send a POST", (b"allow", b"POST"))
        if operation.kind is OperationType.SUBSCRIPTION:
            raise refused(400, "BAD_REQUEST", "subscriptions go over WebSocket, subprotocol graphql-transport-ws")
        with trio.fail_after(REQUEST_SECONDS_MAX):
            result = await engine.run(operation, request.variables or {})
    except RequestRefused as refusal:
        return json_response(_refusal_status(refusal, content_type), refusal.answer, content_type)
    except trio.TooSlowError:
        raise refused(503, "TIMED_OUT", f"no answer within {REQUEST_SECONDS_MAX:g} seconds; ask again") from None
    except HttpRefused as refusal:
        return refusal.response
    if "data" not in result or (result["data"] is None and _failed_before_execution(result)):
        return json_response(200 if content_type == JSON else 400, result, content_type)
    return json_response(200, result, content_type)


def _failed_before_execution(result: Mapping[str, Any]) -> bool:
    """Tell whether variables were refused: an error that has no path belongs to no field."""
    return any("path" not in error for error in result.get("errors", ()))


def _refusal_status(refusal: RequestRefused, content_type: str) -> int:
    if content_type == JSON:
        return 200  # section 6.4.1: under application/json the status says only that the answer is well-formed
    codes = (error.extensions.get("code") if error.extensions else None for error in refusal.errors)
    return next((_STATUS_OF_CODE[code] for code in codes if code in _STATUS_OF_CODE), 400)


assert DOCUMENT_BYTES_MAX >= QUERY_STRING_BYTES_MAX, "what fits into a query string fits into a document"
