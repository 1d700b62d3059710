"""What matplotlib writes, made fit for a page: a file in, one element with the page's colours out.

matplotlib knows no CSS, so it draws in colours that nobody would choose, which are put into names
of CSS variables here. The names are those of report.css.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from pathlib import Path

INK, MUTED, GRID, PAPER = "#010200", "#010201", "#010202", "#010203"
SERIES = 8
STYLE = Path(__file__).parent / "report.css"

_NAMES = ("ink", "muted", "grid", "paper")
_STAGES = ("retrieve", "pack", "queue", "first_token", "generate", "check", "escalate", "other")
_FIRST_SERIES, _FIRST_STAGE = 0x10, 0x30
_TITLE_PX = 34


def series(number: int) -> str:
    return f"#0102{_FIRST_SERIES + number % SERIES:02x}"


def stage(name: str, number: int) -> str:
    """The page's colour of a stage of ``Latency``; that of the ``number``-th series for another."""
    known = name.replace(" ", "_")
    if known not in _STAGES:
        return series(number)
    return f"#0102{_FIRST_STAGE + _STAGES.index(known):02x}"


def as_element(svg: str) -> str:
    """Without prologue and size: it takes the width it is given."""
    element = svg[svg.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>\s*", "", element, flags=re.DOTALL)
    element = re.sub(r"<style[^>]*>.*?</style>\s*", "", element, flags=re.DOTALL)
    element = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", element, count=1)
    element = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", element, count=1)
    element = re.sub(r' id="(?:patch|text|line2d|matplotlib|xtick|ytick|axes|figure|legend)'
                     r'[^"]*"', "", element)  # fmt: skip
    element = re.sub(r"'DejaVu Sans'[^;\"]*|DejaVu Sans[^;\"]*", "inherit", element)
    return re.sub(r"#0102([0-9a-f]{2})", lambda found: _variable(int(found[1], 16)), element)


def _variable(number: int) -> str:
    if number >= _FIRST_STAGE:
        return f"var(--stage-{_STAGES[number - _FIRST_STAGE]})"
    if number >= _FIRST_SERIES:
        return f"var(--series-{number - _FIRST_SERIES})"
    return f"var(--{_NAMES[number]})"


def with_own_ids(element: str, prefix: str) -> str:
    """For a page that holds several: names in it hold for the whole page."""
    element = re.sub(r'\bid="', f'id="{prefix}', element)
    return element.replace('href="#', f'href="#{prefix}').replace("url(#", f"url(#{prefix}")


def as_file(drawings: Iterable[tuple[str, str]]) -> str:
    """One picture, light or dark as its reader's system is: titled elements below each other."""
    parts, top, wide = [], 0.0, 0.0
    for number, (title, element) in enumerate(drawings):
        width, height = map(float, re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', element)[0])
        parts.append(f'<text x="8" y="{top + 22:g}" class="title">{escape(title)}</text>')
        place = f'<svg x="0" y="{top + _TITLE_PX:g}" width="{width:g}" height="{height:g}"'
        parts.append(with_own_ids(element.replace("<svg", place, 1), f"c{number}-"))
        top, wide = top + _TITLE_PX + height + 12, max(wide, width)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        f' viewBox="0 0 {wide:g} {top:g}" width="{wide:g}" height="{top:g}">\n'
        f"<style>{colours()}\n{_ALONE}</style>\n"
        f'<rect width="100%" height="100%" fill="var(--paper)"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


_ALONE = (
    "svg { font-family: var(--font); } .title { font-size: 15px; font-weight: 600;"
    " fill: var(--ink); }"
)


def colours() -> str:
    """The part of the stylesheet that pictures need as well."""
    return STYLE.read_text(encoding="utf-8").partition("/* --- the page")[0]
