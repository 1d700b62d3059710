"""Passages as a person reads them: each in its place on its page, with its quotes marked.

Hits and citations in, plain properties out; every text is shown as text. It knows nothing of how it
is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

from rag.types import Chunk, Citation, Hit

AROUND_CHARACTERS = 240  # of the page, shown before and after a passage
WRAPPED_SHARE = 0.7  # of the longest line: such a line was wrapped

Props = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Where a passage stands: its page's text, and the address of the file, "" for none."""

    text: str
    url: str
    is_pdf: bool


FindPage = Callable[[str, int], Page]  # document id, page number


def passages(
    hits: Sequence[Hit], citations: Sequence[Citation], find_page: FindPage
) -> list[Props]:
    """Numbered passages, each with its quotes marked and its surroundings."""
    return [
        _passage(number, hit, [one for one in citations if one.number == number], find_page)
        for number, hit in enumerate(hits, start=1)
    ]


def _passage(number: int, hit: Hit, citations: Sequence[Citation], find_page: FindPage) -> Props:
    chunk = hit.chunk
    page = find_page(chunk.document_id, chunk.page)
    before, after = _around(page.text, chunk)
    flowing = unwrapped if page.is_pdf else str
    quotes = [(one.start - chunk.start, one.end - chunk.start) for one in citations]
    return {
        "number": number,
        "document": chunk.document_name,
        "page": chunk.page,
        "section": chunk.section,
        "before": flowing(before),
        "spans": marked(flowing(chunk.text), quotes or [(0, len(chunk.text))]),
        "after": flowing(after),
        "cited": bool(citations),
        "supported": not citations or any(one.supported for one in citations),
        "url": page.url,
        "is_pdf": page.is_pdf,
    }


def marked(text: str, quotes: Sequence[tuple[int, int]]) -> list[Props]:
    """``text`` in pieces, of which those inside a quote are marked.

    >>> marked("one two", [(4, 7), (5, 9)])
    [{'text': 'one ', 'marked': False}, {'text': 'two', 'marked': True}]
    """
    inside = [any(start <= place < end for start, end in quotes) for place in range(len(text))]
    return [
        {"text": "".join(text[place] for place in places), "marked": is_marked}
        for is_marked, places in groupby(range(len(text)), key=inside.__getitem__)
    ]


def unwrapped(text: str) -> str:
    """``text`` of a PDF without the line ends of its columns; as long as before.

    A line nearly as long as the longest was wrapped; after a shorter one the break is meant.

    >>> unwrapped("Data\\nIt weighs 138 kilograms and is\\nblue.")
    'Data\\nIt weighs 138 kilograms and is blue.'
    """
    lines = text.split("\n")
    full = WRAPPED_SHARE * max(map(len, lines))
    ends = [" " if len(line) >= full and after else "\n" for line, after in pairwise(lines)]
    return "".join(part for pair in zip(lines, [*ends, ""], strict=True) for part in pair)


def _around(page: str, chunk: Chunk) -> tuple[str, str]:
    """What stands before and after on the page, with an ellipsis where that is cut."""
    if page[chunk.start : chunk.end] != chunk.text:  # the page has changed, or is gone
        return "", ""
    first, last = chunk.start - AROUND_CHARACTERS, chunk.end + AROUND_CHARACTERS
    before = page[max(0, first) : chunk.start].lstrip()
    after = page[chunk.end : last].rstrip()
    return ("…" if first > 0 else "") + before, after + ("…" if last < len(page) else "")
