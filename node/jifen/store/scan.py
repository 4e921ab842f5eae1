"""Reading the whole state at one height, a chunk at a time, while the store goes on."""

from collections.abc import Iterator, Mapping
from typing import Any, final

import lmdb

from jifen.chain.checkpoints import pack
from jifen.chain.executor import Tip
from jifen.codec.blocks import decode_certificate
from jifen.consensus.messages import Certificate
from jifen.store.view import height_key


@final
class StateScan:
    """The state just after one block; holds an LMDB read snapshot until it is closed.

    Used by one thread at a time. As long as it is open the store cannot use pages again that were freed since, so it
    grows by what is written meanwhile.
    """

    def __init__(self, transaction: lmdb.Transaction, tables: Mapping[bytes, Any], tip: Tip) -> None:
        self.tip = tip
        """Block after which the state is scanned."""
        self._transaction = transaction
        self._tables = tables
        self._chunks = pack(self._records())

    def next_chunk(self) -> bytes | None:
        """Return the next chunk, or None after the last."""
        return next(self._chunks, None)

    def certificate(self) -> Certificate:
        """Return the certificate of the block."""
        data = self._transaction.get(height_key(self.tip.height), db=self._tables[b"certificates"])
        assert data is not None, f"the certificate of block {self.tip.height} is missing"
        return decode_certificate(bytes(data))

    def close(self) -> None:
        """Let the snapshot go."""
        self._chunks.close()
        self._transaction.abort()

    def _records(self) -> Iterator[tuple[bytes, bytes]]:
        with self._transaction.cursor(self._tables[b"state"]) as cursor:
            for key, value in cursor:
                yield bytes(key), bytes(value)
