"""The table of docs/troubleshooting.md: a sentence of the program in, its line of the table out.

The page is the only place where causes and actions stand. Its symptoms are the program's sentences,
with “…” for what differs from case to case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "troubleshooting.md"
_NAME = "docs/troubleshooting.md"
_ROW = re.compile(r'\| <a id="([a-z-]+)"></a>(.+?) \| (.+?) \| (.+?) \|')
_LINK = re.compile(r"\[([^]]+)\]\([^)]*\)")
_HOLE = "…"


@dataclass(frozen=True, slots=True)
class Remedy:
    """A line of the table; cause and action are Markdown."""

    anchor: str
    symptoms: tuple[str, ...]
    cause: str
    action: str

    @property
    def link(self) -> str:
        return f"{_NAME}#{self.anchor}"


@cache
def remedies(page: Path = PAGE) -> tuple[Remedy, ...]:
    """In the page's order; none where the documentation was left out."""
    if not page.is_file():
        return ()
    rows = (_ROW.fullmatch(line) for line in page.read_text(encoding="utf-8").splitlines())
    return tuple(Remedy(row[1], tuple(row[2].split("<br>")), row[3], row[4]) for row in rows if row)


def remedy_of(sentence: str, among: Sequence[Remedy] | None = None) -> Remedy | None:
    """The line whose symptom says most of ``sentence``; None where no line is about it.

    >>> here = [Remedy("off", ("Nothing answers at …",), "it is off", "Start it.")]
    >>> remedy_of("Nothing answers at http://127.0.0.1:9.", here).anchor
    'off'
    """
    rows = remedies() if among is None else among
    found = [(length, row) for row in rows for length in _said(row, sentence)]
    return max(found, key=lambda one: one[0])[1] if found else None


def see(sentence: str) -> str:
    """Where to read on, such as docs/troubleshooting.md#port; "" where there is nothing."""
    found = remedy_of(sentence)
    return found.link if found else ""


def action(sentence: str) -> str:
    """What to do, without links; "" where there is nothing."""
    found = remedy_of(sentence)
    return _LINK.sub(r"\1", found.action) if found else ""


def _said(row: Remedy, sentence: str) -> Iterator[int]:
    """How many letters of each symptom that fits are the sentence's own."""
    for symptom in row.symptoms:
        parts = [part for part in symptom.strip(f"{_HOLE} ").split(_HOLE) if part.strip()]
        if re.search(".*?".join(map(re.escape, parts)), sentence, re.DOTALL):
            yield sum(map(len, parts))
