"""From a page's text to units that are never cut further: headings, paragraphs, table rows.

A paragraph over the budget becomes its sentences, or in code its lines; one of those over it pieces
cut at spaces. Units leave out nothing but white space, and do not know how they are packed. Their
lengths are estimates: exact counts would take a fifth of the time in which a PDF page is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rag.documents.headings import headings
from rag.documents.kinds import CODE, CSV, XLSX
from rag.tokens import count_tokens

_BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")
_LINE = re.compile(r"\n+")
# After a full stop, unless lower case goes on; before a list item or a table row. One set of
# characters comes first, for which the engine can search fast.
_SENTENCE_END = re.compile(
    r"[.!?…。！？\n](?:"
    r"(?<=[.!?…])[\"'”’»)\]]*\s+(?![a-z\s])"
    r"|(?<=[。！？])"
    r"|(?<=\n)(?=\s*(?:[-*+•|]|\d{1,3}[.)])\s)"
    r")"
)

TABLES = frozenset({CSV.media_type, XLSX.media_type})

_LONGEST_HEADER_CHARS = 300
_HARD_PIECES = 8  # a sentence over the budget is cut to this part of it, so that overlap finds ends
_TOKENS_A_CHAR, _TOKENS_A_CHAR_NOT_ASCII = 0.22, 0.34  # English, Romanian: until it is measured


class Ruler:
    """Tokens of parts of one text: estimated by length from what was counted last."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens_a_char = _TOKENS_A_CHAR if text.isascii() else _TOKENS_A_CHAR_NOT_ASCII

    def estimate(self, start: int, end: int) -> int:
        return int((end - start) * self._tokens_a_char) + 1

    def count(self, start: int, end: int) -> int:
        tokens = count_tokens(self._text[start:end])
        self._tokens_a_char = tokens / (end - start)
        return tokens


@dataclass(frozen=True, slots=True)
class Unit:
    """What is never cut further: a heading, a paragraph, or a piece of one that was too long."""

    start: int
    end: int
    token_count: int  # an estimate
    section: str | None
    is_heading: bool = False
    split_from: int | None = None  # start of the paragraph this is a piece of


def units(text: str, media_type: str, max_tokens: int, ruler: Ruler) -> Iterator[Unit]:
    """The units of one page in order, hardly any over ``max_tokens`` tokens.

    What follows a heading is short enough to stand in one passage with it.
    """
    parting = _LINE if media_type == CODE.media_type else _SENTENCE_END
    opening = 0  # tokens of the headings right before
    for start, end, section, is_heading in _blocks(text, media_type):
        room = max_tokens - opening if opening < max_tokens // 2 else max_tokens
        count = ruler.estimate(start, end)
        if count <= room:
            yield Unit(start, end, count, section, is_heading)
        else:
            for piece in _pieces(text, _parts(text, parting, start, end), room, ruler):
                yield Unit(*piece, section, is_heading, split_from=start)
        opening = opening + count + 1 if is_heading else 0


def cut(text: str, unit: Unit, max_tokens: int) -> list[Unit]:
    """The pieces of a unit that turned out to be over the budget; none of them is."""
    origin = unit.start if unit.split_from is None else unit.split_from
    return [
        replace(unit, start=start, end=end, token_count=count, split_from=origin)
        for start, end, count in _cut(text, unit.start, unit.end, max_tokens)
    ]


def _blocks(text: str, media_type: str) -> Iterator[tuple[int, int, str | None, bool]]:
    """Headings and paragraphs, or the rows of a table: start, end, section, is it a heading."""
    if media_type in TABLES:
        lines = 2 if media_type == XLSX.media_type else 1  # the sheet's name comes first
        header = ": ".join(text.split("\n", lines)[:lines])[:_LONGEST_HEADER_CHARS]
        yield from ((*row, header, False) for row in _parts(text, _LINE, 0, len(text)))
        return
    section, position = None, 0
    for heading in headings(text, media_type):
        for start, end in _parts(text, _BLANK_LINE, position, heading.start):
            yield start, end, section, False
        section, position = heading.title, heading.end
        start, end = _stripped(text, heading.start, heading.end)
        yield start, end, section, True
    for start, end in _parts(text, _BLANK_LINE, position, len(text)):
        yield start, end, section, False


def _pieces(
    text: str, parts: Iterator[tuple[int, int]], max_tokens: int, ruler: Ruler
) -> Iterator[tuple[int, int, int]]:
    """Start, end, tokens of sentences or lines, and of the pieces of those over the budget."""
    for part in parts:
        count = ruler.estimate(*part)
        if count <= max_tokens:
            yield *part, count
        else:
            yield from _cut(text, *part, max_tokens)


def _cut(text: str, start: int, end: int, max_tokens: int) -> Iterator[tuple[int, int, int]]:
    """At spaces where there are some; a single character may be over a budget of 1 to 3 tokens."""
    window = 4 * max(1, max_tokens // _HARD_PIECES)
    while start < end:
        stop = min(end, start + window)
        if stop < end:
            stop = max(text.rfind(" ", start + 1, stop), text.rfind("\n", start + 1, stop))
            stop = stop if stop > start else start + window
        piece = _stripped(text, start, stop)
        while (count := count_tokens(text[slice(*piece)])) > max_tokens and stop - start > 1:
            stop = start + (stop - start) // 2
            piece = _stripped(text, start, stop)
        if count:
            yield *piece, count
        start = stop


def _parts(
    text: str, separator: re.Pattern[str], start: int, end: int
) -> Iterator[tuple[int, int]]:
    """The parts of ``text[start:end]`` that end where ``separator`` does, stripped, not empty."""
    for found in separator.finditer(text, start, end):
        part = _stripped(text, start, found.end())
        if part[0] < part[1]:
            yield part
        start = found.end()
    part = _stripped(text, start, end)
    if part[0] < part[1]:
        yield part


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), start + len(part.rstrip())
