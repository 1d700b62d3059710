"""Where a passage stands: in whose document, on which page, in which file."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from rag.errors import RagError
from rag.page.chat import Chat
from rag.page.passages import Page

if TYPE_CHECKING:
    from rag.documents.library import Library

PDF = "application/pdf"


def find(chat: Chat, library: Library, document_id: str, page: int) -> Page:
    """An empty Page for a document that has been removed meanwhile."""
    if upload := chat.uploads.get(document_id):
        document = upload.document
        return Page(document.pages[page - 1], upload.url, document.media_type == PDF)
    with suppress(RagError):
        entry, text = library.entry(document_id), library.page_text(document_id, page)
        return Page(text, f"/source/{entry.id}" if entry.source else "", entry.media_type == PDF)
    return Page("", "", False)
