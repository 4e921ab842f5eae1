"""The strict decoder all others are made of."""

from typing import Any, Final, Generic, TypeVar, final

import msgspec

from jifen.codec.errors import Malformed

T = TypeVar("T")

_ENCODER: Final = msgspec.msgpack.Encoder()

encode: Final = _ENCODER.encode
"""Return the canonical bytes of a record."""


@final
class StrictDecoder(Generic[T]):
    """Decodes one type (or tagged union) of at most `bytes_max` bytes."""

    def __init__(self, kind: Any, *, what: str, bytes_max: int) -> None:
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self._what = what
        self._bytes_max = bytes_max

    def __call__(self, data: bytes) -> T:
        """Return the value; raises Malformed naming what is wrong."""
        if len(data) > self._bytes_max:
            raise Malformed(f"{self._what}: {len(data)} bytes; at most {self._bytes_max} are allowed")
        try:
            value: T = self._decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Malformed(f"{self._what}: {error}") from None
        if encode(value) != data:
            raise Malformed(f"{self._what}: not the canonical encoding; use the shortest form of every value")
        return value
