"""Errors of the store. Each text says what an operator should do."""

from pathlib import Path
from typing import Final

DAMAGED_ADVICE: Final = "restore the data directory, or join the alliance anew under a new identity"
"""What an operator can do about a damaged store; a wiped one must never vote under its old identity."""


class StoreError(Exception):
    """Base: the store cannot be opened, or must not be used any more."""


class DirectoryLocked(StoreError):
    """Another process works on the directory."""


class WrongChain(StoreError):
    """The directory holds the ledger of another alliance."""


class FormatUnknown(StoreError):
    """The directory was written by a newer or unknown version."""


class StoreDamaged(StoreError):
    """What is stored contradicts itself."""


def damaged(what: str, error: Exception) -> StoreDamaged:
    """Return the error for something stored that does not decode; `error` says what is wrong with it."""
    return StoreDamaged(f"{what} is damaged ({error}); {DAMAGED_ADVICE}")


class StoreClosed(StoreError):
    """The validator stops, or has stopped: nothing can be read any more. Nothing is wrong."""

    def __init__(self) -> None:
        super().__init__("this validator is stopping; ask another one")


class BlockNotHeld(StoreError):
    """A block that this validator has dropped, or never had because it began from a snapshot. Nothing is wrong."""

    def __init__(self, height: int, first_height: int) -> None:
        super().__init__(
            f"block {height} is not held here: this validator holds blocks from height {first_height} on; "
            "ask one that keeps all"
        )
        self.height = height
        self.first_height = first_height


class StoreWiped(StoreError):
    """The data directory once held a store and holds none now: this identity must not vote again."""

    def __init__(self, directory: Path, store: str) -> None:
        super().__init__(
            f"{directory} has lost its {store}/ folder or what was in it, and with it what this validator has voted "
            "for and acknowledged; put the folder back, or have the alliance admit a validator with new keys"
        )


class StoreFailed(StoreError):
    """A write or sync failed.

    After a failed fsync the operating system may report success for data that never reached the disk, so nothing is
    retried: the validator stops voting and acknowledging and ends.
    """


class StoreFull(StoreFailed):
    """The map or the disk is full."""
