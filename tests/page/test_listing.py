from __future__ import annotations

from dataclasses import dataclass

from rag.page import listing
from rag.page.chat import Chat, Upload
from rag.page.wording import Wording
from rag.types import Document


@dataclass(frozen=True)
class Entry:
    id: str
    name: str
    page_count: int = 2
    chunk_count: int = 1
    note: str = ""


UPLOAD = Upload(Document("u", "Dropped.pdf", "application/pdf", ("x",), "en", "A note."), 3, "/f/u")
OWN = Chat(Wording("en"), uploads={"u": UPLOAD})
NONE = Chat(Wording("en"))


def test_the_list_says_so_when_there_is_nothing() -> None:
    props = listing.documents(NONE, ())
    assert (props["documents"], props["is_empty"], props["more"]) == ([], True, "")


def test_own_documents_come_first_when_there_is_a_library() -> None:
    props = listing.documents(OWN, [Entry("l", "Manual.md")])
    assert props["documents"] == [
        {
            "id": "u", "name": "Dropped.pdf", "origin": "This chat", "size": "1 page, 3 passages",
            "note": "A note.", "url": "/f/u", "is_fixed": False,
        },
        {
            "id": "l", "name": "Manual.md", "origin": "Library", "size": "2 pages, 1 passage",
            "note": "", "url": "/source/l", "is_fixed": False,
        },
    ]  # fmt: skip


def test_the_list_is_short_when_names_are_filtered() -> None:
    props = listing.documents(OWN, [Entry("l", "Manual.md")], "MANUAL")
    assert [one["id"] for one in props["documents"]] == ["l"]
    assert not props["is_empty"]


def test_the_rest_is_counted_when_a_library_is_large() -> None:
    entries = [Entry(str(number), f"{number}.md") for number in range(listing.SHOWN + 5)]
    props = listing.documents(NONE, entries)
    assert len(props["documents"]) == listing.SHOWN
    assert props["more"] == "and 5 more: filter by name"


def test_names_are_told_apart_when_two_documents_share_one() -> None:
    named = listing.names(OWN, [Entry("a", "Dropped.pdf"), Entry("b", "Other.md")])
    assert named == {"Dropped.pdf": "u", "Dropped.pdf · 2": "a", "Other.md": "b"}


def test_the_librarys_cannot_be_removed_when_it_is_shared() -> None:
    props = listing.documents(OWN, [Entry("l", "Manual.md")], is_shared=True)
    assert [row["is_fixed"] for row in props["documents"]] == [False, True]
