"""Reports in a real browser: they ask for nothing, fit a phone and paper, follow its colours."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from e2e.driving import Tab
from measuring.reportmaking import report
from playwright.sync_api import Page
from pypdf import PdfReader

from rag.measuring.reports.html import html
from rag.measuring.reports.markdown import markdown

pytestmark = pytest.mark.browser

OpenTab = Callable[..., Tab]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reports") / "report.html"
    path.write_text(html(report()), encoding="utf-8")
    return path


def colour(page: Page, selector: str, what: str = "color") -> tuple[int, ...]:
    told = page.locator(selector).first.evaluate(f"it => getComputedStyle(it).{what}")
    return tuple(int(each) for each in re.findall(r"\d+", told)[:3])


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """Of WCAG 2: from 1 to 21."""

    def luminance(rgb: tuple[int, ...]) -> float:
        linear = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in (value / 255 for value in rgb)
        )
        return sum(
            weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True)
        )

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_a_report_asks_for_nothing_and_fits_when_it_is_opened(
    file: Path, open_tab: OpenTab, width: int, scheme: str
) -> None:
    seen: dict[str, Any] = {"viewport": {"width": width, "height": 844}, "color_scheme": scheme}
    page = open_tab(file.as_uri(), "h1", **seen).page  # which sees errors and requests
    assert page.evaluate("document.documentElement.scrollWidth") == width
    shown = page.locator("figure svg[class]:visible")
    assert shown.count() == 4
    kinds = {shown.nth(each).get_attribute("class") for each in range(4)}
    assert kinds == {"wide" if width == 1200 else "narrow"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read_when_colours_follow_the_system(
    file: Path, open_tab: OpenTab, scheme: str
) -> None:
    page = open_tab(file.as_uri(), "h1", color_scheme=scheme).page
    paper = colour(page, "figure", "backgroundColor")
    assert (sum(paper) > 700) == (scheme == "light")
    for selector in ("h1", ".summary", "figcaption p", "thead th", ".range", ".note", "dt", "h4"):
        assert contrast(colour(page, selector), paper) >= 4.5, selector
    texts = page.locator("svg.wide text")
    for each in range(texts.count()):
        fill = texts.nth(each).evaluate("it => getComputedStyle(it).fill")
        inked = tuple(int(part) for part in re.findall(r"\d+", fill)[:3])
        assert contrast(inked, paper) >= 4.5, texts.nth(each).text_content()


def test_a_names_beginning_and_figures_have_room_when_the_screen_is_narrow(
    file: Path, open_tab: OpenTab
) -> None:
    page = open_tab(file.as_uri(), "h1", viewport={"width": 390, "height": 844}).page
    boxes = page.evaluate(
        """[...document.querySelectorAll("svg.narrow")].flatMap(svg => {
             const texts = [...svg.querySelectorAll("text")].map(it => it.getBoundingClientRect());
             return texts.flatMap((a, i) => texts.slice(i + 1).filter(b =>
               Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
               Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4).map(
               b => [a.left, a.top, b.left, b.top]));
           })"""
    )
    assert boxes == []


def test_the_file_is_light_and_whole_when_it_is_printed(
    file: Path, open_tab: OpenTab, tmp_path: Path
) -> None:
    page = open_tab(file.as_uri(), "h1", color_scheme="dark").page
    page.emulate_media(media="print", color_scheme="dark")
    assert colour(page, "body", "backgroundColor") == (255, 255, 255)
    assert contrast(colour(page, "h1"), (255, 255, 255)) > 7
    page.pdf(path=tmp_path / "report.pdf", format="A4")
    pages = PdfReader(tmp_path / "report.pdf").pages
    printed = unicodedata.normalize("NFKC", "".join(each.extract_text() for each in pages))
    for words in ("How long until the first token?", "It runs elsewhere.", "Fast 9000"):
        assert words in printed


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_picture_of_markdown_is_opened_alone_when_it_is_asked_for(
    tmp_path: Path, open_tab: OpenTab, scheme: str
) -> None:
    _, pictures = markdown(report(), "alone")
    name = next(iter(pictures))
    (tmp_path / name).write_text(pictures[name], encoding="utf-8")
    page = open_tab((tmp_path / name).as_uri(), "text.title", color_scheme=scheme).page
    fill = page.locator("text.title").evaluate("it => getComputedStyle(it).fill")
    assert (sum(int(part) for part in re.findall(r"\d+", fill)[:3]) > 380) == (scheme == "dark")
