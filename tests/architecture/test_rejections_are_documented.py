"""The list of rejections in docs/ledger/rejections.md is the one in the code."""

import re
from pathlib import Path

from jifen.ledger.rejections import FINAL_REJECTIONS, REJECTION_TEXTS, Rejection

DOCUMENT = Path(__file__).parents[2] / "docs" / "ledger" / "rejections.md"


def test_the_document_lists_every_rejection_in_order_of_precedence() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (.*?) \| (yes)? ?\|$", DOCUMENT.read_text(), re.MULTILINE)
    documented = [(int(number), name, text, final == "yes") for number, name, text, final in rows]
    assert documented == [
        (reason.value, reason.name, REJECTION_TEXTS[reason], reason in FINAL_REJECTIONS) for reason in Rejection
    ]
