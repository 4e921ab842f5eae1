"""Request heads, read only as far as it takes to choose between the two servers behind the public port."""

from typing import NamedTuple, Self


class Head(NamedTuple):
    """Method, path and headers of a request; names in lower case."""

    method: str
    path: str
    headers: dict[str, str]

    @classmethod
    def of(cls, head: bytes) -> Self | None:
        """Return the parts of a head, or None when it is none of ours: hypercorn then says what is wrong with it."""
        first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        parts = first.split(" ")
        if len(parts) != 3 or parts[2] != "HTTP/1.1":
            return None
        headers: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or name.lower() in headers or name != name.strip():
                return None  # a header that stands twice, or is folded, could mean one thing here and another there
            headers[name.lower()] = value.strip()
        return cls(parts[0], parts[1].partition("?")[0], headers)

    @property
    def is_websocket(self) -> bool:
        """Whether it asks for a WebSocket (RFC 6455 4.2.1)."""
        connection = {token.strip().lower() for token in self.headers.get("connection", "").split(",")}
        upgrade = self.headers.get("upgrade", "").lower()
        return self.method == "GET" and upgrade == "websocket" and "upgrade" in connection
