"""Rows in, lines of text in columns out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The first column to the left, figures to the right; an empty line after it."""
    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        label, *cells = row
        yield "  ".join([label.ljust(widths[0]), *map(str.rjust, cells, widths[1:])])
    yield ""
