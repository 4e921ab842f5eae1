"""One POST over HTTP: a body in one piece out, an answer of bounded length back."""

from collections.abc import AsyncIterator
from typing import Final, NamedTuple, final

import httpx

ANSWER_BYTES_MAX: Final = 16 << 20
"""Largest answer read: fifty blocks with a page of transactions each stay well below it."""


class AnswerTooLong(Exception):
    """What answers sends more than any validator does, or would once it is unpacked; says what it did."""


class Answer(NamedTuple):
    """What came back."""

    status: int
    """HTTP status code."""
    content: bytes


@final
class _OnePiece(httpx.AsyncByteStream):
    """A request's body.

    httpx's own is an async generator: when the connection breaks while it is sent, it stays half run until the garbage
    collector finds it, and trio warns of that.
    """

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Once(self._body)


@final
class _Once:
    def __init__(self, piece: bytes) -> None:
        self._left = [piece]

    def __aiter__(self) -> "_Once":
        return self

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop()


async def post(http: httpx.AsyncClient, url: str, body: bytes) -> Answer:
    """Send a JSON body and return the whole answer.

    Raises:
        httpx.TransportError: the connection failed, or the answer did not come in the client's time.
        AnswerTooLong: longer than `ANSWER_BYTES_MAX`, or compressed: a few bytes may stand for any number.
    """
    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    request = http.build_request("POST", url, content=body, headers=headers)
    request.stream = _OnePiece(body)
    response = await http.send(request, stream=True)
    try:
        return Answer(response.status_code, await _read(response))
    finally:
        await response.aclose()


async def _read(response: httpx.Response) -> bytes:
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding != "identity":
        raise AnswerTooLong(f"compresses its answer ({encoding}) although it was asked not to")
    declared = int(response.headers.get("Content-Length", 0))
    if declared > ANSWER_BYTES_MAX:
        raise AnswerTooLong(f"answers with {declared} bytes")
    content = bytearray()
    async for part in response.aiter_bytes():
        content += part
        if len(content) > ANSWER_BYTES_MAX:
            raise AnswerTooLong(f"answers with more than {ANSWER_BYTES_MAX} bytes")
    return bytes(content)
