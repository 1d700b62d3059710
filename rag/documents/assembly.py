"""A document of the pages that were read, with a note of what is missing or doubtful in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from rag.documents.kinds import PDF
from rag.errors import BrokenDocument, DocumentError, EmptyDocument
from rag.language import detect
from rag.types import Document

_OCR = (
    "If it was scanned, run text recognition (OCR) on it, with ocrmypdf for example, and add the "
    "result."
)

# Signs whose letters a font does not tell, as pypdf gives them: /G43, or nothing that is a letter.
# One set of characters comes first, for which the engine can search fast.
_UNTOLD = re.compile(r"[/\ufffd\ue000-\uf8ff](?:(?<!/)|[A-Za-z]{1,2}\d{1,4}\b)")
_MOST_UNTOLD = 0.1
_MOST_LISTED = 10
_MOST_NAMED = 20  # runs of pages; a note is shown in a list


def assemble(
    document_id: str, name: str, media_type: str, pages: Sequence[str | None], note: str = ""
) -> Document:
    """A document of its pages; None is one that could not be read. ``note`` is what its reader left
    out, as sentences.

    Raises EmptyDocument where no page has text, BrokenDocument where none could be read.
    """
    if not any(page and _says(page) for page in pages):
        raise _nothing_read(pages, media_type)
    return Document(
        id=document_id,
        name=name.encode(errors="replace").decode(),
        media_type=media_type,
        pages=tuple(page or "" for page in pages),
        language=detect("\n".join(page for page in pages if page)),
        note=" ".join(each for each in (note, _note(pages, media_type)) if each),
    )


def listed(names: Sequence[str]) -> str:
    """>>> listed(["a", "b"])
    'a, b'
    """
    unnamed = len(names) - _MOST_LISTED
    return ", ".join(names[:_MOST_LISTED]) + (f" and {unnamed:,} more" if unnamed > 0 else "")


def _says(page: str) -> bool:
    return any(map(str.isalnum, page))


def _nothing_read(pages: Sequence[str | None], media_type: str) -> DocumentError:
    if None in pages:
        return BrokenDocument(
            "None of the pages could be read: the file is damaged. "
            "Open it in another program, save it again and add that."
        )
    if media_type != PDF.media_type:
        return EmptyDocument("The file has no text. See whether it was saved wholly.")
    if len(pages) == 1:
        return EmptyDocument(f"The file has no text. {_OCR}")
    return EmptyDocument(f"None of the {len(pages):,} pages has text. {_OCR}")


def _note(pages: Sequence[str | None], media_type: str) -> str:
    """What is missing or doubtful, page by page, as sentences; "" when nothing is."""
    notes = []
    if broken := _where(pages, lambda page: page is None):
        notes.append(f"{_numbered(broken)} could not be read: the file is damaged there.")
    if silent := _where(pages, lambda page: page is not None and not _says(page)):
        has, looks = ("has", "it looks") if len(silent) == 1 else ("have", "they look")
        why = f": {looks} scanned" if media_type == PDF.media_type else ""
        notes.append(f"{_numbered(silent)} {has} no text{why}.")
    if garbled := _where(pages, lambda page: page is not None and _says(page) and _garbled(page)):
        notes.append(
            f"{_numbered(garbled)} may be unreadable: the file does not say which letters its "
            "signs stand for."
        )
    return " ".join(notes)


def _where(pages: Sequence[str | None], holds: Callable[[str | None], bool]) -> list[int]:
    return [number for number, page in enumerate(pages, 1) if holds(page)]


def _garbled(page: str) -> bool:
    return len(page) - len(_UNTOLD.sub("", page)) > _MOST_UNTOLD * len(page)


def _numbered(pages: Sequence[int]) -> str:
    """>>> _numbered([3, 7, 8, 9])
    'Pages 3, 7–9'
    """
    runs: list[list[int]] = []
    for page in pages:
        if runs and runs[-1][-1] == page - 1:
            runs[-1].append(page)
        else:
            runs.append([page])
    named = [str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs[:_MOST_NAMED]]
    unnamed = sum(map(len, runs[_MOST_NAMED:]))
    more = f" and {unnamed:,} more" if unnamed else ""
    return f"Page{'s' * (len(pages) > 1)} {', '.join(named)}{more}"
