"""Every relative link of the documents leads to a file, and where it names a heading, to one that is there."""

import re
from pathlib import Path

import pytest

LINK = re.compile(r"!?\[[^\]]*\]\(([^()\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ +(.*?) *$", re.MULTILINE)


def anchors(text: str) -> set[str]:
    """Return what the headings of a document are linked by: lower case, no punctuation, hyphens for spaces."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text)}


def broken_links(document: Path) -> list[str]:
    """Return the relative links of a document that lead nowhere."""
    broken = []
    for target in LINK.findall(FENCE.sub("", document.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = document.parent / name if name else document
        if not file.exists() or (anchor and anchor not in anchors(FENCE.sub("", file.read_text(encoding="utf-8")))):
            broken.append(target)
    return broken


def test_every_relative_link_of_the_documents_resolves(repository: Path, tracked: tuple[Path, ...]) -> None:
    documents = [path for path in tracked if path.suffix == ".md"]
    assert len(documents) > 10
    assert [f"{path}: {target}" for path in documents for target in broken_links(repository / path)] == []


def test_the_index_of_the_ledgers_rules_names_every_page(repository: Path) -> None:
    index = (repository / "docs" / "ledger.md").read_text(encoding="utf-8")
    pages = sorted(f"ledger/{page.name}" for page in (repository / "docs" / "ledger").glob("*.md"))
    assert sorted(LINK.findall(index)) == pages


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("# A heading, with `code`\n[a](#a-heading-with-code) [b](other.md) [c](other.md#there)", []),
        ("[a](https://example.org/none.md)", []),
        ("```\n[a](none.md)\n```", []),
        ("[a](none.md)", ["none.md"]),
        ("[a](#none) [b](other.md#none)", ["#none", "other.md#none"]),
    ],
)
def test_the_check_finds_what_leads_nowhere(tmp_path: Path, text: str, broken: list[str]) -> None:
    (tmp_path / "other.md").write_text("# There\n", encoding="utf-8")
    document = tmp_path / "document.md"
    document.write_text(text, encoding="utf-8")
    assert broken_links(document) == broken
