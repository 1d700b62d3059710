"""Presentations, one page a slide, as Markdown: title, text, tables, notes.

The only place that knows python-pptx, which loads nothing from elsewhere and runs no macros.
Pictures, charts and diagrams are left out.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

from pptx.package import Package

from rag.documents.limits import Limits
from rag.documents.packed import refuse_strict, unpacked


class Slides:
    """Raises DocumentTooLarge, UnsupportedFile, and whatever python-pptx raises."""

    note = ""

    def __init__(self, data: bytes, limits: Limits) -> None:
        refuse_strict(unpacked(data, limits))
        # Not `Presentation`, which refuses templates and shows that begin at once (.ppsx).
        package = Package.open(io.BytesIO(data))
        self._slides = list(package.main_document_part.presentation.slides)
        self.page_count = len(self._slides)

    def text(self, number: int) -> str:
        return "\n\n".join(part for part in _parts(self._slides[number - 1]) if part)


def _parts(slide: Any) -> Iterator[str]:
    title = slide.shapes.title
    if title is not None and title.text_frame.text.strip():
        yield f"# {_line(title.text_frame.text)}"
    yield from _shapes(shape for shape in slide.shapes if shape != title)
    if slide.has_notes_slide and (notes := slide.notes_slide.notes_text_frame):
        yield notes.text.strip() and f"Notes: {notes.text.strip()}"


def _shapes(shapes: Iterable[Any]) -> Iterator[str]:
    for shape in shapes:
        if hasattr(shape, "shapes"):  # a group
            yield from _shapes(shape.shapes)
        elif shape.has_text_frame:
            yield _paragraphs(shape.text_frame)
        elif getattr(shape, "has_table", False):
            yield _table(shape.table)


def _paragraphs(frame: Any) -> str:
    """One paragraph as it is, several as a list."""
    said = [(one.level, _line(one.text)) for one in frame.paragraphs if one.text.strip()]
    if len(said) == 1:
        return said[0][1]
    return "\n".join(f"{'  ' * level}- {words}" for level, words in said)


def _table(table: Any) -> str:
    rows = [
        "| " + " | ".join(_line(cell.text).replace("|", r"\|") for cell in row.cells) + " |"
        for row in table.rows
    ]
    return "\n".join([*rows[:1], "|" + " --- |" * len(table.columns), *rows[1:]])


def _line(text: str) -> str:
    return " ".join(text.split())
