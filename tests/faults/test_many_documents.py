"""A library of ten thousand documents on one page: what is sent stays one small message."""

from __future__ import annotations

import json
from dataclasses import dataclass

from rag.page import listing
from rag.page.chat import Chat
from rag.page.wording import Wording

SOCKET_BYTES = 1_000_000  # Chainlit's socket is closed by a longer message
PAGES = ", ".join(str(2 * number) for number in range(1, 21))  # a note names no more


@dataclass(frozen=True)
class Entry:
    id: str
    name: str
    page_count: int = 5_000
    chunk_count: int = 100_000
    note: str = f"Pages {PAGES} and 4,980 more have no text: they look scanned."


MANY = [Entry(f"{number:064x}", "ș" * 240 + f"{number}.pdf") for number in range(10_000)]
CHAT = Chat(Wording("en"))


def test_the_list_is_one_message_when_there_are_ten_thousand_documents() -> None:
    shown = listing.documents(CHAT, MANY)
    assert len(shown["documents"]) == 200
    assert shown["more"] == "and 9800 more: filter by name"
    assert len(json.dumps(shown)) < SOCKET_BYTES


def test_a_document_is_found_by_its_name_when_it_is_the_last_of_ten_thousand() -> None:
    shown = listing.documents(CHAT, MANY, "9999.pdf")
    assert [one["id"] for one in shown["documents"]] == [MANY[9_999].id]


def test_a_choice_among_documents_stays_short_when_there_are_ten_thousand() -> None:
    assert len(listing.names(CHAT, MANY)) == 200
