"""Files into documents: a path in, the cleaned text of each page out.

The one place where what the libraries for each format raise becomes a DocumentError. Knows no
passages and no processes; a file that hangs its reader hangs here (ingest.py has the cure).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rag.documents import kinds
from rag.documents.assembly import assemble
from rag.documents.cleaning import clean
from rag.documents.encodings import decode
from rag.documents.kinds import Kind, kind_of
from rag.documents.limits import Limits
from rag.documents.plain import as_seen, table
from rag.errors import (
    BrokenDocument,
    DocumentError,
    DocumentTooLarge,
    EmptyDocument,
    UnsupportedFile,
)
from rag.types import Document

__all__ = ["Limits", "Opened", "open_file", "read"]

# Lines end where a page does: words that are cut there are joined, indentation means nothing.
_WRAPPED = frozenset({kinds.PDF.media_type, kinds.PLAIN.media_type})


class _Pages(Protocol):
    @property
    def page_count(self) -> int: ...

    @property
    def note(self) -> str: ...  # what is left out, as sentences

    def text(self, number: int) -> str: ...


@dataclass(frozen=True, slots=True)
class _OnePage:
    whole: str
    page_count: int = 1
    note: str = ""

    def text(self, number: int) -> str:
        return self.whole


@dataclass(frozen=True, slots=True)
class Opened:
    """A file whose pages can be read; ``id`` is the SHA-256 of its bytes."""

    id: str
    media_type: str
    page_count: int
    note: str
    _pages: _Pages
    _most_chars: int

    def page(self, number: int) -> str | None:
        """The cleaned text of page ``number``, from 1; None where it cannot be read.

        Raises DocumentTooLarge.
        """
        try:
            with _translated():
                text = clean(self._pages.text(number), wrapped=self.media_type in _WRAPPED)
        except BrokenDocument:
            return None
        if len(text) > self._most_chars:
            raise DocumentTooLarge(
                f"The file holds {len(text):,} characters; {self._most_chars:,} are read at "
                "most. Split it."
            )
        return text


def read(
    path: Path,
    name: str,
    limits: Limits,
    *,
    password: str = "",
    on_page: Callable[[int, int], None] | None = None,
) -> Document:
    """The document in ``path``, under ``name``; ``on_page`` is told pages read, pages in all.

    Raises DocumentError.
    """
    opened = open_file(path, name, limits, password)
    pages = []
    for number in range(1, opened.page_count + 1):
        pages.append(opened.page(number))
        if on_page:
            on_page(number, opened.page_count)
    return assemble(opened.id, name, opened.media_type, pages, opened.note)


def open_file(path: Path, name: str, limits: Limits, password: str = "") -> Opened:
    """Raises DocumentError."""
    with _translated():
        data = _bytes_of(path, limits)
        kind = kind_of(data, name)
        pages = _pages_of(data, kind, limits, password)
        if pages.page_count > limits.pages:
            raise DocumentTooLarge(
                f"The file has {pages.page_count:,} pages; {limits.pages:,} are read at most. "
                "Split it, or raise the limit in the settings."
            )
        return Opened(
            hashlib.sha256(data).hexdigest(),
            kind.media_type,
            pages.page_count,
            pages.note,
            pages,
            limits.page_chars,
        )


def _bytes_of(path: Path, limits: Limits) -> bytes:
    if path.exists() and not path.is_file():
        raise UnsupportedFile("This is not a file. Add the files in it.")
    if path.stat().st_size > limits.file_bytes:
        raise DocumentTooLarge(
            f"The file has {path.stat().st_size / 1e6:,.0f} MB; {limits.file_bytes / 1e6:,.0f} are "
            "read at most. Split it, or raise the limit in the settings."
        )
    data = path.read_bytes()
    if not data:
        raise EmptyDocument("The file is empty. See whether it was copied wholly.")
    return data


# Each reader is imported when it is needed: together they take a second to load.
# ruff: noqa: PLC0415


def _pages_of(data: bytes, kind: Kind, limits: Limits, password: str) -> _Pages:
    match kind:
        case kinds.PDF:
            from rag.documents.pdf import PdfPages

            return PdfPages(data, password)
        case kinds.PPTX:
            from rag.documents.slides import Slides

            return Slides(data, limits)
        case kinds.XLSX:
            from rag.documents.sheets import Sheets

            return Sheets(data, limits)
        case kinds.EPUB:
            from rag.documents.ebook import Chapters

            return Chapters(data, limits)
        case kinds.MAIL:
            from rag.documents.mail import Mail

            return Mail(data)
        case _:
            return _OnePage(_text_of(data, kind, limits))


def _text_of(data: bytes, kind: Kind, limits: Limits) -> str:
    if kind in {kinds.HTML, kinds.DOCX}:
        from rag.documents.markup import web_page, word_document

        return web_page(data) if kind is kinds.HTML else word_document(data, limits)
    text = decode(data)
    if kind is kinds.MARKDOWN:
        return as_seen(text)
    return table(text) if kind is kinds.CSV else text


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DocumentError:
        raise
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise BrokenDocument(f"The file cannot be opened: {reason}. See that it is there.") from exc
    except MemoryError as exc:
        raise DocumentTooLarge("The file needs more memory than there is. Split it.") from exc
    # Readers raise anything on damaged files: pypdf alone KeyError, TypeError, RecursionError, ...
    except Exception as exc:
        raise BrokenDocument(
            f"The file is damaged: its reader gave up ({type(exc).__name__}). "
            "Open it in another program, save it again and add that."
        ) from exc
