"""Plain texts, Markdown and tables: decoded text in, the text of one page out."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Literal

_SEPARATORS = ",;\t|"
_SAMPLE_ROWS = 50
_LONGEST_CELL_LINES = 20  # in a cell of more lines a quote was opened and never closed


_FENCE = re.compile("^[^\\S\n]*(```|~~~).*\n?", re.MULTILINE)
_ANCHOR = re.compile(r"""<a\s+(?:id|name)=["'][^"'<>]*["']\s*(?:/>|>\s*</a>)""")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def as_seen(text: str) -> str:
    """Markdown without what nobody sees who reads it rendered, but for what stands in code.

    A comment could tell a model what it hides from a person.

    >>> as_seen('Tea <!-- or coffee --><a id="tea"></a>is hot.<br>Drink!')
    'Tea is hot. Drink!'
    """
    parts, at, fence = [], 0, ""
    for found in _FENCE.finditer(text):
        if fence and found[1] != fence:
            continue
        part = text[at : found.start()]
        parts += [part if fence else _rendered(part), found[0]]
        at, fence = found.end(), "" if fence else found[1]
    rest = text[at:]
    return "".join([*parts, rest if fence else _rendered(rest)])


def _rendered(text: str) -> str:
    return _BREAK.sub(" ", _ANCHOR.sub("", _uncommented(text)))


def _uncommented(text: str) -> str:
    """In one pass: a pattern would look for the end of each comment that has none."""
    parts, at = [], 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        parts.append(text[at:start])
        at = end + len("-->")
    return "".join([*parts, text[at:]])


def table(text: str) -> str:
    """One line for each row that is not empty, cells parted by " | "; the separator is found out.

    >>> table('name;price\\nTea;"1,5"\\n')
    'name | price\\nTea | 1,5'
    """
    first, _, rest = text.partition("\n")
    if first.strip().lower().startswith("sep=") and len(first.strip()) == len("sep=;"):
        return "\n".join(_lines(rest, first.strip()[-1]))
    return "\n".join(_lines(text, _separator(text)))


def _separator(text: str) -> str:
    """The one that cuts most of the first rows into the same number of cells."""
    head = "\n".join(text.split("\n", _SAMPLE_ROWS)[:_SAMPLE_ROWS])

    def agreeing(separator: str) -> int:
        widths = Counter(len(row) for row in _rows(head, separator, csv.QUOTE_MINIMAL) if row)
        return max((rows * (width > 1) for width, rows in widths.items()), default=0)

    return max(_SEPARATORS, key=agreeing)


def _lines(text: str, separator: str) -> Iterator[str]:
    rows = list(_rows(text, separator, csv.QUOTE_MINIMAL))
    if any(cell.count("\n") > _LONGEST_CELL_LINES for row in rows for cell in row):
        rows = list(_rows(text, separator, csv.QUOTE_NONE))
    for row in rows:
        cells = [" ".join(cell.split()) for cell in row]
        if any(cells):
            yield " | ".join(cells)


def _rows(text: str, separator: str, quoting: Literal[0, 3]) -> Iterator[list[str]]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    lines = io.StringIO(text, newline="")
    return csv.reader(lines, delimiter=separator, quoting=quoting)
