"""A report as Markdown: pipes that hold, pictures beside it, nothing that a model could mark up."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from measuring.reportmaking import SMALL, report

from rag.measuring.reports.markdown import markdown, plain

TEXT, PICTURES = markdown(report(), "bench")


def test_pictures_are_files_of_their_own_when_it_is_written() -> None:
    assert list(PICTURES) == ["bench-1.svg", "bench-2.svg", "bench-3.svg", "bench-4.svg"]
    for name, picture in PICTURES.items():
        assert f"](<{name}>)" in TEXT
        root = ElementTree.fromstring(picture)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        links = {
            link
            for element in root.iter()
            for key, link in element.attrib.items()
            if key.endswith("href")
        }
        assert all(link.startswith("#") for link in links)
        assert set(re.findall(r"var\((--[\w-]+)\)", picture)) <= set(
            re.findall(r"(--[\w-]+):", picture)
        )


def test_each_row_has_all_cells_when_a_name_holds_a_pipe() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("|")]
    assert len(rows) == 5
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {7}
    assert rows[1] == "| --- | ---: | ---: | ---: | ---: | ---: |"
    assert rows[2].startswith(f"| {SMALL} | 210 ms | 24.1 (22 to 26.2) | 62% (50% to 74%) |")
    assert "– (It runs elsewhere.)" in rows[3]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("a | b", r"a \| b"),
        ("<script>", r"\<script\>"),
        ("![x](http://h)", r"\!\[x\](http://h)"),
        ("# no\nheading", r"\# no heading"),
        ("1. no list", r"1\. no list"),
        ("- no list", r"\- no list"),
    ],
)
def test_signs_mean_themselves_when_they_would_mark_up(words: str, expected: str) -> None:
    assert plain(words) == expected


def test_texts_are_equal_when_reports_are() -> None:
    assert markdown(report(), "bench") == (TEXT, PICTURES)
