"""Workbooks, one page a sheet: its name, then a line for each row, as in a CSV file.

The only place that knows openpyxl, which reads the results that are stored beside formulas and
neither calculates nor runs macros. Sheets that are hidden are not read, but named.
"""

from __future__ import annotations

import datetime
import io
import warnings
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from openpyxl import load_workbook  # type: ignore[import-untyped]

from rag.documents.assembly import listed
from rag.documents.limits import Limits
from rag.documents.packed import refuse_strict, unpacked
from rag.errors import DocumentTooLarge

_DIGITS = 15  # that a spreadsheet shows of a number; what follows is the error of binary fractions

Row = list[str]


class Sheets:
    """Raises DocumentTooLarge, UnsupportedFile, and whatever openpyxl raises."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        refuse_strict(unpacked(data, limits))
        with warnings.catch_warnings(action="ignore"):  # about styles and extensions not kept
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        self._sheets = [each for each in book.worksheets if each.sheet_state == "visible"]
        self._most_cells = limits.cells
        self.page_count = len(self._sheets)
        self.note = _unread([each.title for each in book.worksheets if each not in self._sheets])

    def text(self, number: int) -> str:
        """The sheet's name and its rows, each with as many cells before it as all of them need."""
        sheet = self._sheets[number - 1]
        with warnings.catch_warnings(action="ignore"):  # dates that are none
            rows = list(self._rows(sheet))
        margin = min((len(list(takewhile(_is_empty, row))) for row in rows), default=0)
        lines = [" | ".join(row[margin:]) for row in rows]
        return "\n".join([" ".join(sheet.title.split()), *lines]) if lines else ""

    def _rows(self, sheet: Any) -> Iterator[Row]:
        """The rows that say something, without the empty cells at their ends."""
        sheet.reset_dimensions()  # a file may claim a billion rows: only those there are count
        seen = 0
        for values in sheet.iter_rows(values_only=True):
            seen += 1 + len(values)
            if seen > self._most_cells:
                raise DocumentTooLarge(
                    f"A sheet of the file has more than {self._most_cells:,} cells. "
                    "Split it, or save the part that matters as CSV."
                )
            row = [_said(value) for value in values]
            while row and not row[-1]:
                row.pop()
            if row:
                yield row


def _said(value: object) -> str:
    """A cell as a spreadsheet shows it, but for currencies, per cent and the like.

    >>> _said(0.1 + 0.2), _said(2.0), _said(True), _said(datetime.datetime(2026, 3, 1))
    ('0.3', '2', 'TRUE', '2026-03-01')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return f"{value:.{_DIGITS}g}"
    if isinstance(value, datetime.datetime):
        day, _, time = value.isoformat(" ", "seconds").partition(" ")
        return day if time == "00:00:00" else f"{day} {time}"
    return " ".join(str(value).split())


def _is_empty(cell: str) -> bool:
    return not cell


def _unread(hidden: list[str]) -> str:
    if not hidden:
        return ""
    what = "Hidden sheet" if len(hidden) == 1 else "Hidden sheets"
    return f"{what} not read: {listed(hidden)}."
