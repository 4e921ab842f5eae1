"""The invariants of prize draws find what they are there to find."""

from typing import Any, Final

import msgspec
import pytest

from jifen.ledger.checking import InvariantBroken
from jifen.ledger.draws import checks as draw_checks
from jifen.ledger.draws.checks import (
    check_draws_keep_what_they_promised,
    check_entries_are_counted_and_chained,
    check_winners_are_those_that_anybody_computes,
)
from jifen.ledger.draws.drawing import piece_hash
from jifen.ledger.draws.records import Commitment, Draw, DrawEntry, DrawStatus, DrawTally, draw_hash
from jifen.ledger.state import draw_entry_key, draw_key, draw_tally_key
from jifen.ledger.types import Lot, LotOrigin, Record
from jifen.testing.scenes.draw import ANN, draw_terms

HASH, ROOT = bytes(32), bytes([1] * 32)
TICKET: Final = DrawEntry(1, 1, ANN, "mall/consumer", 3, HASH, (Lot(3, LotOrigin.EARNED, 0, 0),))


def draw(entry: DrawEntry | None = None, **changes: Any) -> dict[bytes, Record]:
    """Return a draw that nobody has entered, or somebody, to put into the state."""
    terms = draw_terms(0, 5)
    secret = Commitment((piece_hash(draw_hash("mall", "x", terms), "mall", 0, HASH),) * 3, (b"",) * 3, True)
    found = Draw("mall", "x", terms, draw_hash("mall", "x", terms), (secret,) * 3, DrawStatus.OPEN, 9)
    entries: dict[bytes, Record] = {draw_entry_key("mall", "x", 1): entry} if entry else {}
    return {draw_key("mall", "x"): msgspec.structs.replace(found, **changes), **entries}


FAULTS: Final = [
    pytest.param(check_draws_keep_what_they_promised, draw(hash=ROOT), "another hash", id="terms were changed"),
    pytest.param(check_draws_keep_what_they_promised, draw(name="y"), "stands under", id="draw under another key"),
    pytest.param(check_draws_keep_what_they_promised, draw(due=0), "mall x", id="draw that never ends"),
    pytest.param(check_draws_keep_what_they_promised, draw(commitments=()), "0 commitments", id="no secrets"),
    pytest.param(
        check_draws_keep_what_they_promised,
        draw(commitments=(Commitment(kept=True),) * 3),
        "has committed",
        id="nothing is kept",
    ),
    pytest.param(
        check_draws_keep_what_they_promised,
        draw(commitments=(Commitment((HASH,) * 3, (HASH,) * 3, True),) * 3),
        "does not fit",
        id="a false piece was taken",
    ),
    pytest.param(
        check_draws_keep_what_they_promised,
        draw(commitments=(Commitment(),) * 3),
        "never opened",
        id="draw that opened by itself",
    ),
    pytest.param(
        check_entries_are_counted_and_chained,
        draw() | {draw_tally_key("mall", "x"): DrawTally(1, HASH)},
        "counted as",
        id="an entry is gone",
    ),
    pytest.param(
        check_entries_are_counted_and_chained,
        draw(TICKET) | {draw_tally_key("mall", "x"): DrawTally(1, HASH)},
        "counted as",
        id="an entry was changed",
    ),
    pytest.param(
        check_entries_are_counted_and_chained,
        draw(msgspec.structs.replace(TICKET, first=2)),
        "after",
        id="a number is skipped",
    ),
    pytest.param(check_entries_are_counted_and_chained, draw(TICKET, settled=1), "settled up", id="points stay held"),
    pytest.param(
        check_winners_are_those_that_anybody_computes, draw(winners=(1,)), "not ()", id="winners before the end"
    ),
    pytest.param(
        check_winners_are_those_that_anybody_computes,
        draw(TICKET, status=DrawStatus.SETTLED, winners=(2,)),
        "the winners (2,)",
        id="a winner was put in",
    ),
    pytest.param(
        check_winners_are_those_that_anybody_computes,
        draw(settled=1),
        "settled up to 1",
        id="settled too much",
    ),
    pytest.param(
        check_winners_are_those_that_anybody_computes, draw(fulfilled=(1,)), "handed over", id="a prize for nobody"
    ),
]


@pytest.mark.parametrize(("check", "changes", "reason"), FAULTS)
def test_a_fault_planted_into_a_draw_is_found(check: Any, changes: dict[bytes, Record], reason: str) -> None:
    with pytest.raises(InvariantBroken) as caught:
        check(changes.items())
    assert reason in str(caught.value)


def test_a_draw_that_nobody_entered_passes_and_every_check_of_draws_has_a_fault_that_shows_it_to_bite() -> None:
    checks = {check for name, check in vars(draw_checks).items() if name.startswith("check_")}
    assert {fault.values[0] for fault in FAULTS} == checks
    for check in checks:
        check(draw().items())
