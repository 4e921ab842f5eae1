"""The client SDK: for a merchant's back end, for scripts, and for this project's own command line.

```python
async with Client(["http://127.0.0.1:8080", "http://127.0.0.1:8081"]) as client:
    builder = TransactionBuilder(bytes.fromhex((await client.status()).chain_id))
    submission = await client.submit(builder.register_member(KeyPair.generate()))
```

`SyncClient` is the same for programs without trio. Keys stay with the caller: only signed bytes leave the process.
"""

from jifen.chain.sealing import NotASigner, SealedTransaction, add_signatures, missing_signers
from jifen.client.client import Client
from jifen.client.errors import ClientError, ProtocolFault, Refused, Unavailable
from jifen.client.sync import SyncClient
from jifen.client.transactions import TransactionBuilder

__all__ = [
    "Client",
    "ClientError",
    "NotASigner",
    "ProtocolFault",
    "Refused",
    "SealedTransaction",
    "SyncClient",
    "TransactionBuilder",
    "Unavailable",
    "add_signatures",
    "missing_signers",
]
