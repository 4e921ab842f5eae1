"""The SDK's errors, split by blame: the request, the alliance's reachability, the server's answer."""

from typing import final

from jifen.ledger.rejections import Rejection


class ClientError(Exception):
    """Base of everything that the SDK raises on purpose."""


@final
class Refused(ClientError):
    """The node or the ledger says no; sending the same again gives the same answer."""

    def __init__(self, code: str, message: str, rejection: Rejection | None = None, height: int | None = None) -> None:
        super().__init__(message if rejection is None else f"{rejection.name}: {message}")
        self.code = code
        """`REJECTED`, or the API's code of a request that never reached the ledger."""
        self.rejection = rejection
        """The ledger's reason, if it was the ledger that refused."""
        self.height = height
        """Height of the block that holds the refused transaction, if one does."""


@final
class Unavailable(ClientError):
    """No validator answered in time. What was submitted may still be committed: send the same bytes again."""

    def __init__(self, message: str, attempts: dict[str, str] | None = None) -> None:
        reasons = "; ".join(f"{url}: {reason}" for url, reason in (attempts or {}).items())
        super().__init__(f"{message} ({reasons})" if reasons else message)
        self.attempts = attempts or {}
        """Last reason of every URL that was tried."""


@final
class ProtocolFault(ClientError):
    """What answered under the URL does not speak Jifen's API, or another version of it."""

    def __init__(self, url: str, what: str) -> None:
        super().__init__(f"{url} {what}; check that the URL is a Jifen validator's of the same version")
        self.url = url
