"""Plain texts and tables: decoded text in, the text of one page out."""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Literal

_SEPARATORS = ",;\t|"
_SAMPLE_ROWS = 50
_LONGEST_CELL_LINES = 20  # in a cell of more lines a quote was opened and never closed


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
