"""What a measurement tells a person: plain values, which html and markdown renderers draw.

Figures are not rounded, and in the unit of their column or axis; renderers round them
(figures.py). Any text may come from a model or a document: renderers escape all of it.

Units: ``ms``, ``bytes``, ``Wh``, ``USD`` and ``share`` (0 to 1) are scaled and shown with each
figure, any other (``tokens/s``, ``questions``) stands in the heading.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from rag.measuring.machine import Machine
from rag.measuring.statistics import Estimate


@dataclass(frozen=True, slots=True)
class Missing:
    """A figure that there is not; shown as "–" with the reason, a sentence, below the table."""

    why: str


Value = str | int | float | Estimate | Missing | None  # None: "–" without a reason


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    unit: str = ""
    align: Literal["left", "right"] = "right"


@dataclass(frozen=True, slots=True)
class Table:
    """The first column names its row."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    note: str = ""  # sentences below it

    @property
    def aligned(self) -> tuple[Column, ...]:
        """The columns, the first of them to the left, as it holds names."""
        return (
            tuple(replace(column, align="left") for column in self.columns[:1]) + self.columns[1:]
        )


# --- charts ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Axis:
    label: str
    unit: str = ""
    is_log: bool = False
    low: float | None = None  # None: from the values
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Samples:
    name: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Distributions:
    """Every sample a dot, a lane for each name, the median marked."""

    title: str  # the question it answers
    answer: str  # in words, for those who do not see it
    axis: Axis
    lanes: tuple[Samples, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    name: str
    stages: tuple[tuple[str, float], ...]  # in the order they happen


@dataclass(frozen=True, slots=True)
class Waterfall:
    """Where the time, or the money, went: a bar for each name, its stages one after the other.

    The stages of ``Latency`` have the colours of the page.
    """

    title: str
    answer: str
    axis: Axis
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """An ``Estimate`` is drawn with its interval."""

    x: float | Estimate
    y: float | Estimate


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    points: tuple[Point, ...]
    is_guide: bool = False  # a thin grey line to compare with, such as chance


@dataclass(frozen=True, slots=True)
class Lines:
    """One figure against another, a line for each name, with intervals as bands."""

    title: str
    answer: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Points:
    """A few named points against two axes, with error bars: quality against time."""

    title: str
    answer: str
    x: Axis
    y: Axis
    points: tuple[tuple[str, Point], ...]


Chart = Distributions | Waterfall | Lines | Points


# --- the whole -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    """What a model wrote, or a passage, as it is: line breaks are kept, nothing is marked up."""

    title: str
    text: str
    note: str = ""  # a line below it, such as its figures


@dataclass(frozen=True, slots=True)
class Texts:
    """Side by side where there is room."""

    title: str
    texts: tuple[Text, ...]


Part = str | Table | Chart | Texts  # str: a paragraph


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Report:
    title: str
    summary: str  # one paragraph: what was found
    sections: tuple[Section, ...]
    machine: Machine
    settings: tuple[tuple[str, str], ...]  # name and value, no secret
    written: datetime
    command: str  # that reproduces it
