from __future__ import annotations

from dataclasses import replace

import pytest

from rag.page import passages
from rag.page.passages import Page
from rag.types import Chunk, Citation, Hit

PAGE = "Maintenance\n\nThe pump holds 40 litres. It is green.\n\nThe end."
CHUNK = Chunk("c1", "d1", "pump.pdf", 2, "Maintenance", PAGE[13:51], 13, 51, 10)
HIT = Hit(CHUNK, 5.318, 1, ("pump", "hold"))
CITATION = Citation(1, "c1", "pump.pdf", 2, "The pump holds 40 litres.", 13, 38, True)


def find_page(document_id: str, page: int) -> Page:
    assert (document_id, page) == ("d1", 2)
    return Page(PAGE, "/source/d1", True)


def test_the_quote_is_marked_in_its_page_when_a_passage_is_cited() -> None:
    [source] = passages.passages((HIT,), (CITATION,), find_page)
    assert source == {
        "number": 1,
        "document": "pump.pdf",
        "page": 2,
        "section": "Maintenance",
        "before": "Maintenance\n\n",
        "spans": [
            {"text": "The pump holds 40 litres.", "marked": True},
            {"text": " It is green.", "marked": False},
        ],
        "after": "\n\nThe end.",
        "cited": True,
        "supported": True,
        "url": "/source/d1",
        "is_pdf": True,
    }


def test_the_whole_passage_is_marked_when_it_is_not_cited() -> None:
    [source] = passages.passages((HIT,), (), find_page)
    assert source["spans"] == [{"text": CHUNK.text, "marked": True}]
    assert (source["cited"], source["supported"]) == (False, True)


def test_a_passage_stands_alone_when_its_page_is_gone() -> None:
    [source] = passages.passages((HIT,), (CITATION,), lambda _id, _page: Page("", "", False))
    assert (source["before"], source["after"], source["url"]) == ("", "", "")
    assert "".join(span["text"] for span in source["spans"]) == CHUNK.text


def test_a_long_page_is_cut_around_the_passage_when_it_is_shown() -> None:
    page = "x" * 1000 + CHUNK.text + "y" * 1000
    hit = replace(HIT, chunk=replace(CHUNK, start=1000, end=1000 + len(CHUNK.text)))
    [source] = passages.passages((hit,), (), lambda _id, _page: Page(page, "", False))
    assert source["before"] == "…" + "x" * passages.AROUND_CHARACTERS
    assert source["after"] == "y" * passages.AROUND_CHARACTERS + "…"


@pytest.mark.parametrize(
    ("text", "flowing"),
    [
        ("", ""),
        ("one line", "one line"),
        ("Data\nA line as long\nas it is.\n", "Data\nA line as long as it is.\n"),
        ("A line as long\n\nAnother paragraph", "A line as long\n\nAnother paragraph"),
    ],
)  # fmt: skip
def test_a_pdfs_lines_flow_when_they_were_only_wrapped(text: str, flowing: str) -> None:
    assert passages.unwrapped(text) == flowing
    assert len(passages.unwrapped(text)) == len(text)
