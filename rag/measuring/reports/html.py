"""A report as one HTML file that asks for nothing: no script, no font, no picture from elsewhere.

Every chart is drawn twice, for a screen and for a phone; the stylesheet shows one of them.
"""

from __future__ import annotations

from html import escape
from itertools import count

from rag.measuring.reports.charts import drawn
from rag.measuring.reports.figures import bare, in_heading, interval, text
from rag.measuring.reports.origin import facts
from rag.measuring.reports.svg import STYLE, with_own_ids
from rag.measuring.reports.values import Column, Missing, Part, Report, Section, Table, Texts, Value
from rag.measuring.statistics import Estimate

WIDE_PX, NARROW_PX = 780, 350


def html(report: Report) -> str:
    """Equal reports give equal text."""
    numbers = count(1)
    body = "\n".join(_section(section, numbers) for section in report.sections)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{escape(report.title)}</title>
<style>
{STYLE.read_text(encoding="utf-8")}</style>
</head>
<body>
<main>
<header>
<p class="kind">Edge RAG Chat · {report.written:%d %B %Y, %H:%M} UTC</p>
<h1>{escape(report.title)}</h1>
<p class="summary">{escape(report.summary)}</p>
</header>
{body}
{_origin(report)}
</main>
</body>
</html>
"""


def _section(section: Section, numbers: count[int]) -> str:
    parts = "\n".join(_part(part, numbers) for part in section.parts)
    return f"<section>\n<h2>{escape(section.title)}</h2>\n{parts}\n</section>"


def _part(part: Part, numbers: count[int]) -> str:
    match part:
        case str():
            return f"<p>{escape(part)}</p>"
        case Table():
            return _table(part)
        case Texts():
            return _texts(part)
    key = f"c{next(numbers)}"
    pictures = "".join(
        with_own_ids(drawn(part, width), f"{key}{kind[0]}-").replace(
            "<svg", f'<svg class="{kind}" aria-hidden="true"', 1
        )
        for kind, width in (("wide", WIDE_PX), ("narrow", NARROW_PX))
    )
    return (
        f'<figure aria-labelledby="{key}">\n<figcaption id="{key}"><h3>{escape(part.title)}</h3>'
        f"<p>{escape(part.answer)}</p></figcaption>\n"
        f'<div role="img" aria-label="{escape(part.answer)}">{pictures}</div>\n</figure>'
    )


# --- tables ----------------------------------------------------------------------------------


def _table(table: Table) -> str:
    reasons = list(
        dict.fromkeys(cell.why for row in table.rows for cell in row if isinstance(cell, Missing))
    )
    head = "".join(_heading(column) for column in table.aligned)
    rows = "\n".join(
        f"<tr>{''.join(_cells(table.columns, row, reasons))}</tr>" for row in table.rows
    )
    notes = [table.note] if table.note else []
    notes += [f"<sup>{number}</sup> {escape(why)}" for number, why in enumerate(reasons, 1)]
    notes[:1] = [escape(table.note)] if table.note else notes[:1]
    below = f'\n<p class="note">{"<br>".join(notes)}</p>' if notes else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(table.title)}">\n'
        f"<table>\n<caption>{escape(table.title)}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody>\n</table>\n</div>{below}"
    )


def _heading(column: Column) -> str:
    unit = in_heading(column.unit)
    below = f' <span class="unit">{escape(unit)}</span>' if unit else ""
    return f'<th scope="col" class="{column.align}">{escape(column.title)}{below}</th>'


def _cells(columns: tuple[Column, ...], row: tuple[Value, ...], reasons: list[str]) -> list[str]:
    cells = [
        f'<td class="{column.align}">{_cell(value, column.unit, reasons)}</td>'
        for column, value in zip(columns[1:], row[1:], strict=True)
    ]
    return [f'<th scope="row">{_cell(row[0], columns[0].unit, reasons)}</th>', *cells]


def _cell(value: Value, unit: str, reasons: list[str]) -> str:
    shown = escape(text(value, unit))
    if isinstance(value, Missing):
        return f"{shown}<sup>{reasons.index(value.why) + 1}</sup>"
    if isinstance(value, Estimate):
        return f'{bare(value.value, unit)}<span class="range">{interval(value, unit)}</span>'
    return shown


def _texts(part: Texts) -> str:
    articles = "".join(
        f"<article><h4>{escape(one.title)}</h4><p>{escape(one.text)}</p>"
        + (f'<p class="foot">{escape(one.note)}</p>' if one.note else "")
        + "</article>"
        for one in part.texts
    )
    return f'<div class="texts">\n<h3>{escape(part.title)}</h3>\n<div>{articles}</div>\n</div>'


def _origin(report: Report) -> str:
    def listed(pairs: tuple[tuple[str, str], ...]) -> str:
        lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(told)}</dd>" for name, told in pairs)
        return f"<dl>{lines}</dl>"

    return (
        f'<footer class="origin">\n<h2>How to repeat it</h2>\n<pre>{escape(report.command)}</pre>\n'
        f"<h3>Settings</h3>\n{listed(report.settings)}\n"
        f"<h3>The machine</h3>\n{listed(facts(report.machine))}\n</footer>"
    )
