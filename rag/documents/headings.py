"""Headings of a page, from text and media type to places and titles.

Markdown says what is a heading. A printed page does not: there only lines that can hardly be
anything else are taken (chapter names, numbers such as 2.1, capitals), since a wrong heading is
worse than none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from rag.documents.kinds import CODE, DOCX, EPUB, HTML, MAIL, PPTX
from rag.documents.kinds import MARKDOWN as MARKDOWN_TEXT

MARKDOWN = frozenset(kind.media_type for kind in (MARKDOWN_TEXT, HTML, DOCX, PPTX, EPUB, MAIL))

_ATX = re.compile(r"^ {0,3}#{1,6}[ \t]+(\S.*)$", re.MULTILINE)
_SETEXT = re.compile(r"(?:\A|\n\n)(\S.{0,119})\n(?:=+|-{3,})[ \t]*$", re.MULTILINE)
_FENCED = re.compile(r"^ {0,3}(```|~~~).*?(?:^ {0,3}\1|\Z)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")

_NUMBERED = re.compile(r"\d{1,2}(?:\.\d{1,2}){1,4}\.? (?=[^\Wa-z\d_])(?=.*[^\W\d_]{4})")
_NAMED = re.compile(
    r"(?i:chapter|part|section|article|art\.|annex|appendix|schedule"
    r"|capitolul|partea|secțiunea|sectiunea|articolul|anexa|titlul)"
    r" (?:nr\. ?)?(?:\d{1,3}|[IVXLCDM]{1,7}|[A-Z])[.:]?(?: [-–—]| ?\Z| (?=[^\Wa-z]))"
)
_NOT_A_TITLE = tuple(",;:-.?!")
_LONGEST_TITLE_CHARS = 120
_LONGEST_LINE_CHARS = 80
_SHORTEST_PROSE_CHARS = 30
_FEWEST_LETTERS = 4


@dataclass(frozen=True, slots=True)
class Heading:
    """``text[start:end]`` is the whole heading with its marks, ``title`` its words."""

    start: int
    end: int
    title: str


def headings(text: str, media_type: str) -> list[Heading]:
    """In order of appearance; none overlap."""
    if media_type == CODE.media_type:
        return []
    return _marked(text) if media_type in MARKDOWN else _printed(text)


def _marked(text: str) -> list[Heading]:
    code = [found.span() for found in _FENCED.finditer(text)]
    titles = [*_ATX.finditer(text), *_SETEXT.finditer(text)]
    outside = [
        found for found in titles if not any(start <= found.start(1) < end for start, end in code)
    ]
    outside.sort(key=lambda found: found.start(1))
    return [Heading(found.start(), found.end(), _title(found[1])) for found in outside]


def _title(marked: str) -> str:
    words = _LINK.sub(r"\1", marked).rstrip("# \t").replace("**", "").replace("`", "")
    return words.strip()[:_LONGEST_TITLE_CHARS]


def _printed(text: str) -> list[Heading]:
    found = []
    start = 0
    for line, following in pairwise([*text.split("\n"), ""]):
        end = start + len(line)
        if len(line) <= _LONGEST_LINE_CHARS and _looks_like_heading(line, following):
            found.append(Heading(start, end, line.strip()))
        start = end + 1
    return found


def _looks_like_heading(line: str, following: str) -> bool:
    if line.endswith(_NOT_A_TITLE):
        return False
    if _NAMED.match(line) or _NUMBERED.match(line):
        return True
    return line.isupper() and _opens_prose(line, following)


def _opens_prose(line: str, following: str) -> bool:
    """Capitals are a title when they are words and ordinary lines come after them."""
    letters = sum(map(str.isalpha, line))
    return (
        letters >= _FEWEST_LETTERS
        and letters > len(line) // 2
        and len(following) >= _SHORTEST_PROSE_CHARS
        and not following.isupper()
    )
