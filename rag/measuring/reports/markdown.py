"""A report as Markdown, its charts as pictures beside it: a report in, texts for files out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count

from rag.measuring.reports.charts import drawn
from rag.measuring.reports.figures import in_heading, text
from rag.measuring.reports.origin import facts
from rag.measuring.reports.svg import as_file
from rag.measuring.reports.values import (
    Column,
    Missing,
    Part,
    Report,
    Section,
    Table,
    Text,
    Texts,
    Value,
)

WIDTH_PX = 780
_MEANT = re.compile(r"([\\`*_{}\[\]<>#|~!&])")  # by Markdown, or by HTML within it
_LISTED = re.compile(r"^(?:([-+=])|(\d+)([.)])(?=\s|$))")


def markdown(report: Report, stem: str) -> tuple[str, dict[str, str]]:
    """The text, and its pictures by file name, which begins with ``stem``."""
    pictures: dict[str, str] = {}
    numbers = count(1)
    blocks = [
        f"# {plain(report.title)}",
        plain(report.summary),
        *(
            block
            for section in report.sections
            for block in _section(section, stem, numbers, pictures)
        ),
        *_origin(report),
    ]
    return "\n\n".join(blocks) + "\n", pictures


def plain(words: str) -> str:
    """Text that means nothing but itself, on one line."""
    return _LISTED.sub(r"\2\\\1\3", _MEANT.sub(r"\\\1", " ".join(words.split())))


def _section(
    section: Section, stem: str, numbers: count[int], pictures: dict[str, str]
) -> Iterator[str]:
    yield f"## {plain(section.title)}"
    for part in section.parts:
        yield from _part(part, stem, numbers, pictures)


def _part(part: Part, stem: str, numbers: count[int], pictures: dict[str, str]) -> Iterator[str]:
    match part:
        case str():
            yield plain(part)
        case Table():
            yield from _table(part)
        case Texts():
            yield f"### {plain(part.title)}"
            for one in part.texts:
                yield from _text(one)
        case _:
            name = f"{stem}-{next(numbers)}.svg"
            pictures[name] = as_file([(part.title, drawn(part, WIDTH_PX))])
            yield f"### {plain(part.title)}"
            yield plain(part.answer)
            yield f"![{plain(part.answer)}](<{name}>)"


def _table(table: Table) -> Iterator[str]:
    yield f"### {plain(table.title)}"
    yield "\n".join(
        [
            _row(_heading(column) for column in table.columns),
            _row("---:" if column.align == "right" else "---" for column in table.aligned),
            *(
                _row(
                    _cell(value, column.unit)
                    for column, value in zip(table.columns, row, strict=True)
                )
                for row in table.rows
            ),
        ]
    )
    if table.note:
        yield plain(table.note)


def _row(cells: Iterator[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _heading(column: Column) -> str:
    unit = in_heading(column.unit)
    return plain(f"{column.title}, {unit}" if unit else column.title)


def _cell(value: Value, unit: str) -> str:
    shown = plain(text(value, unit))
    return f"{shown} ({plain(value.why)})" if isinstance(value, Missing) else shown


def _text(one: Text) -> Iterator[str]:
    yield f"**{plain(one.title)}**"
    longest = max(map(len, re.findall(r"`+", one.text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}text\n{one.text}\n{fence}"
    if one.note:
        yield plain(one.note)


def _origin(report: Report) -> Iterator[str]:
    yield "## How to repeat it"
    yield f"```\n{report.command.replace('```', '')}\n```"
    known = (("Written", f"{report.written:%d %B %Y, %H:%M} UTC"), *report.settings)
    for title, pairs in (("Settings", known), ("The machine", facts(report.machine))):
        yield f"### {title}"
        yield "\n".join(f"- {plain(name)}: {plain(told)}" for name, told in pairs)
