"""Web pages and Word documents, from bytes to Markdown: headings, lists and tables kept.

The only place that knows bs4, markdownify and mammoth. Pictures, scripts and addresses of links are
left out: they are not text to be searched.
"""

from __future__ import annotations

import io
import re
import warnings
from typing import Any

import mammoth  # type: ignore[import-untyped]
from bs4 import BeautifulSoup
from markdownify import MarkdownConverter

from rag.documents.encodings import decode
from rag.documents.limits import Limits
from rag.documents.packed import unpacked

_DECLARED = re.compile(
    rb"<meta[^>]+charset=[\"']?\s*([\w.:-]+)|<\?xml[^>]+encoding=[\"']([\w.:-]+)"
)
_DECLARED_WITHIN = 4_096
_NOT_TEXT = ["script", "style", "template", "svg", "head", "iframe", "object", "canvas"]
_UNMARKED = ["a", "img", "b", "strong", "i", "em", "u", "span"]
_TOP_HEADING = "h1"
_STYLES = "p[style-name='Title'] => h1:fresh\np[style-name='Subtitle'] => h2:fresh"


def web_page(data: bytes, encoding: str = "") -> str:
    """``encoding`` is what something outside of the page says, and wins over what it says."""
    declared = _DECLARED.search(data[:_DECLARED_WITHIN])
    if declared and not encoding:
        encoding = (declared[1] or declared[2]).decode("ascii", "replace")
    return _markdown(decode(data, encoding))


def word_document(data: bytes, limits: Limits) -> str:
    """Raises DocumentTooLarge where the text in it would unpack to more than the limit."""
    unpacked(data, limits)
    html = mammoth.convert_to_html(
        io.BytesIO(data), style_map=_STYLES, convert_image=mammoth.images.img_element(_no_picture)
    )
    return _markdown(html.value)


def _no_picture(_: Any) -> dict[str, str]:
    return {}


def _markdown(html: str) -> str:
    soup = _parsed(html)
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    for unread in soup(_NOT_TEXT):
        unread.decompose()
    text = _converted(soup)
    return f"# {title}\n\n{text}" if title and not soup(_TOP_HEADING) else text


def _parsed(html: str) -> BeautifulSoup:
    # lxml, because it closes what a page leaves open (<li>a<li>b) as a browser does.
    with warnings.catch_warnings(action="ignore"):  # that it looks like XML, or like a file's name
        return BeautifulSoup(html.replace("\x00", ""), "lxml")


def _converted(soup: BeautifulSoup) -> str:
    converter = MarkdownConverter(
        heading_style="atx",
        bullets="-",
        strip=_UNMARKED,
        escape_asterisks=False,
        escape_underscores=False,
        escape_misc=False,
    )
    try:
        return str(converter.convert_soup(soup))
    except RecursionError:
        # Nested thousands deep: the words without their structure.
        return soup.get_text("\n")
