"""The list of documents beside the chat, as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from rag.page.chat import Chat
from rag.page.wording import Wording

SHOWN = 200  # a longer list is filtered by name: one message to the page has its limit


class Entry(Protocol):
    """A document of the library."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def page_count(self) -> int: ...
    @property
    def chunk_count(self) -> int: ...
    @property
    def note(self) -> str: ...


def documents(
    chat: Chat, library: Iterable[Entry], name_contains: str = "", is_shared: bool = False
) -> dict[str, Any]:
    """The chat's own documents first, then the library's; at most ``SHOWN``.

    What is of a shared library cannot be removed.
    """
    rows = [*_own(chat), *_shelved(library, chat.words, is_shared)]
    wanted = [row for row in rows if name_contains.casefold() in row["name"].casefold()]
    hidden = len(wanted) - SHOWN
    return {
        "documents": wanted[:SHOWN],
        "is_empty": not rows,
        "more": chat.words("more", count=hidden) if hidden > 0 else "",
        "labels": chat.words.group(
            "remove", "remove_sure", "keep", "filter", "no_documents", "no_match"
        ),
    }


def names(chat: Chat, library: Iterable[Entry]) -> dict[str, str]:
    """Document ids by name, for a choice among them; a name that comes twice is numbered."""
    named = [(upload.document.name, document_id) for document_id, upload in chat.uploads.items()]
    named += [(entry.name, entry.id) for entry in library]
    unique: dict[str, str] = {}
    for name, document_id in named[:SHOWN]:
        copies = sum(known.partition(" · ")[0] == name for known in unique)
        unique[f"{name} · {copies + 1}" if copies else name] = document_id
    return unique


def size(page_count: int, chunk_count: int, words: Wording) -> str:
    pages, chunks = words.count(page_count, "page"), words.count(chunk_count, "passage")
    return words("file_ready", pages=pages, chunks=chunks)


def _own(chat: Chat) -> Iterator[dict[str, Any]]:
    for document_id, upload in chat.uploads.items():
        document = upload.document
        yield {
            "id": document_id,
            "name": document.name,
            "origin": chat.words("origin_chat"),
            "size": size(len(document.pages), upload.chunk_count, chat.words),
            "note": document.note,
            "url": upload.url,
            "is_fixed": False,
        }


def _shelved(library: Iterable[Entry], words: Wording, is_shared: bool) -> Iterator[dict[str, Any]]:
    for entry in library:
        yield {
            "id": entry.id,
            "name": entry.name,
            "origin": words("origin_library"),
            "size": size(entry.page_count, entry.chunk_count, words),
            "note": entry.note,
            "url": f"/source/{entry.id}",
            "is_fixed": is_shared,
        }
