"""Both ledgers where more is due than fits into a block: what is late must be right all the while."""

from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import initialize

from jifen.ledger import agenda
from jifen.ledger.state import AGENDA
from jifen.testing.twin.locks import LockRules
from jifen.testing.twin.machine import TwinMachine


class Late(TwinMachine):
    """Blocks work off so little that there is a backlog all the time; mixed into families of rules."""

    agenda_max = agenda.AGENDA_MAX

    @initialize(most=st.integers(1, 3))
    def let_little_fit(self, most: int) -> None:
        """Let a block work off only so many entries; everything fits before that."""
        self.agenda_max = most
        self.cleanup.enter_context(patch.object(agenda, "AGENDA_MAX", most))

    def named(self) -> tuple[int, list[tuple[int, bytes]], int]:
        """Return the block's time, what the real agenda names up to it, and how much of that a block works off."""
        due = self.working.range(AGENDA, AGENDA + (self.time + 1).to_bytes(8, "big"), 1_000_000)
        return self.time, [(int.from_bytes(key[1:9], "big"), key[9:]) for key, _ in due], self.agenda_max


class LateLockRules(Late, LockRules):
    """Points and locks."""
