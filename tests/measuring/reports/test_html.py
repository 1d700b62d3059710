"""A report as one file: whole, escaped, repeatable. What it looks like is tests/e2e's business."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from measuring.reportmaking import LARGE, NASTY, SMALL, report

from rag.measuring.reports.html import html
from rag.measuring.reports.values import Section, Table

PAGE = html(report())


class Seen(HTMLParser):
    """What a browser would make of it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name.endswith(("href", "src")):
                self.links.append(value or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def seen() -> Seen:
    return Seen(PAGE)


def test_nothing_is_asked_for_when_the_file_is_opened(seen: Seen) -> None:
    assert not {"script", "img", "link", "iframe", "object"} & set(seen.tags)
    assert seen.links
    assert all(link.startswith("#") for link in seen.links)
    assert {link[1:] for link in seen.links} <= set(seen.ids)
    assert re.findall(r"url\((?!#)|@import", PAGE) == []


def test_names_are_its_own_when_the_page_holds_several_charts(seen: Seen) -> None:
    assert len(seen.ids) == len(set(seen.ids))


def test_a_models_words_stay_words_when_they_look_like_a_page(seen: Seen) -> None:
    assert seen.words.count(NASTY) == 4  # a heading, a paragraph, a row's name, a note
    assert "SLM against LLM on <your> prompts" in seen.words
    assert any(NASTY in words and words.startswith("```") for words in seen.words)


def test_every_chart_says_its_answer_when_it_cannot_be_seen(seen: Seen) -> None:
    answers = re.findall(r'role="img" aria-label="([^"]+)"', PAGE)
    assert len(answers) == 4
    assert answers[0] == (
        "The small model begins after 210 ms in the median, the larger one after 1.1 s."
    )


def test_colours_follow_the_reader_when_charts_are_drawn() -> None:
    drawings = re.findall(r"<svg.*?</svg>", PAGE, re.DOTALL)
    assert len(drawings) == 8  # for a screen and for a phone
    assert all("var(--ink)" in one for one in drawings)
    assert [one for one in drawings if re.search(r":\s*#[0-9a-f]{6}", one)] == []
    used = set(re.findall(r"var\((--[\w-]+)\)", PAGE))
    assert used <= set(re.findall(r"(--[\w-]+):", PAGE))


def test_figures_have_units_and_reasons_when_they_stand_in_a_table(seen: Seen) -> None:
    words = [each.strip() for each in seen.words if each.strip()]
    row = words.index(SMALL, words.index("Both models"))
    assert words[row : row + 8] == [
        *(SMALL, "210 ms", "24.1", "22 to 26.2", "62%", "50% to 74%", "812 MB", "–")
    ]
    assert "It runs elsewhere." in PAGE
    assert words.count("tokens/s") == 1


def test_origin_is_told_when_somebody_wants_to_repeat_it(seen: Seen) -> None:
    words = "".join(seen.words)
    for fact in (
        "python -m rag bench --rounds 10 --report bench.html",
        *("RAG_LLM", LARGE, "Fast 9000", "16 GB", "CPython 3.11.9", "openvino 1"),
        "26 November 2026, 04:30 UTC",
    ):
        assert fact in words


def test_bytes_are_equal_when_reports_are() -> None:
    assert html(report()) == PAGE


def test_there_is_a_page_when_there_is_nothing_to_tell() -> None:
    empty = replace(report(), sections=(Section("Nothing", (Table("None", (), ()),)),), settings=())
    assert "<h2>Nothing</h2>" in html(empty)


def test_the_stylesheet_asks_for_nothing_when_it_is_read() -> None:
    style = Path("rag/measuring/reports/report.css").read_text(encoding="utf-8")
    assert "://" not in style
