"""Reads that wait to be confirmed (ReadIndex, thesis 6.4): what a host asked for, and a leader's checks.

A leader must not trust that it still leads: another may have been elected without its noticing. It notes its committed
height, asks everybody whether they know of a later term, and once a quorum has said no, the height is current for every
read that was there before the question.
"""


class OwnReads:
    """What the host of one validator has asked for and not been told yet.

    Each read has as many ticks as a leader may stay unheard; then it counts as lost, since question or answer were.
    """

    def __init__(self, patience_ticks: int) -> None:
        self._patience_ticks = patience_ticks
        self._now = 0
        self._due: dict[int, int] = {}
        """Request id, then the tick at which it is lost. Invariant: both ascend."""
        self._last_id = -1

    def __len__(self) -> int:
        """Reads that wait."""
        return len(self._due)

    def add(self, request_id: int) -> None:
        """Let a read wait; its id must be higher than all before, so that a late answer is never taken for its own."""
        assert request_id > self._last_id, f"read {request_id} after {self._last_id}: ids are not used twice"
        self._last_id = request_id
        self._due[request_id] = self._now + self._patience_ticks

    def settle(self, request_id: int) -> bool:
        """Stop waiting for a read; False when it does not wait, or no longer."""
        return self._due.pop(request_id, None) is not None

    def tick(self) -> list[int]:
        """Count a tick; forget and return the reads whose time is over."""
        self._now += 1
        if not self._due:
            return []
        over = [request_id for request_id, due in self._due.items() if due <= self._now]
        for request_id in over:
            del self._due[request_id]
        return over

    def forget(self) -> list[int]:
        """Forget and return all reads."""
        waiting = list(self._due)
        self._due.clear()
        return waiting


class ReadChecks:
    """A leader's checks of its leadership, one at a time: what comes while one is under way waits for the next."""

    def __init__(self) -> None:
        self.round = 0
        """Number of the latest check. Invariant: rises with each, so that no answer counts for a later one."""
        self.height = 0
        """Committed height when that check began."""
        self.asked: list[tuple[str, int]] = []
        """Reads, as (validator, request id), that the check under way is for; empty when none is."""
        self.waiting: list[tuple[str, int]] = []
        """Reads for the next check."""
        self.confirmed: set[str] = set()
        """Other validators that answered the check under way."""

    def begin(self, height: int) -> None:
        """Begin a check for everything that waits."""
        assert not self.asked, self.asked
        self.round += 1
        self.height = height
        self.asked, self.waiting = self.waiting, []
        self.confirmed.clear()

    def end(self) -> list[tuple[str, int]]:
        """End the check and return the reads it was for."""
        asked, self.asked = self.asked, []
        return asked
