"""Figures as a person reads them: a number and its unit in, a few digits out."""

from __future__ import annotations

import math
from itertools import pairwise

from rag.measuring.reports.values import Missing, Value
from rag.measuring.statistics import Estimate

NONE = "–"
_DIGITS = 3
_CENTS_BELOW_USD = 1_000

# Each scale: from which amount on it is used, what one of it is worth in the unit, its sign.
_SCALES = {
    "ms": ((0.0, 1.0, "ms"), (1e3, 1e3, "s"), (120e3, 60e3, "min"), (7_200e3, 3_600e3, "h")),
    "bytes": ((0.0, 1.0, "B"), (1e3, 1e3, "kB"), (1e6, 1e6, "MB"), (1e9, 1e9, "GB")),
    "Wh": ((0.0, 1e-3, "mWh"), (1.0, 1.0, "Wh"), (1e3, 1e3, "kWh")),
    "share": ((0.0, 0.01, "%"),),
}
_CLOSE = {"%"}  # no space before it


def in_heading(unit: str) -> str:
    """The unit a heading names; "" for one that stands with each figure."""
    return "" if unit in _SCALES or unit == "USD" else unit


def shown(value: float, unit: str = "") -> str:
    """Three significant digits; whole numbers of things are shown whole.

    >>> [shown(1200.0, "ms"), shown(840.2, "ms"), shown(28.41, "tokens/s"), shown(12_345, "tokens")]
    ['1.2 s', '840 ms', '28.4 tokens/s', '12,345 tokens']
    """
    if unit == "USD":
        return _dollars(value)
    figure, sign = _scaled(value, unit)
    return f"{figure}{'' if sign in _CLOSE else ' '}{sign}" if sign else figure


def _dollars(value: float) -> str:
    """Cents where there are dollars, dollars alone where there are thousands."""
    if not math.isfinite(value):
        return NONE
    amount = abs(_rounded(value))
    places = 2 if amount < _CENTS_BELOW_USD else 0
    figure = _digits(amount) if amount < 1 else f"{abs(value):,.{places}f}"
    return f"{'−' if value < 0 else ''}${figure}"


def _scaled(value: float, unit: str) -> tuple[str, str]:
    """The digits, and the sign they are shown with."""
    if not math.isfinite(value):
        return NONE, ""
    if unit not in _SCALES:
        return _digits(value), unit
    amount = abs(_rounded(value))
    scales = _SCALES[unit]
    _, worth, sign = next(
        (this for this, above in pairwise(scales) if amount < above[0]), scales[-1]
    )
    return _digits(float(value / worth)), sign


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _digits(value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}".replace("-", "−")
    rounded = _rounded(value)
    if rounded == 0:
        return "0"
    places = max(0, _DIGITS - 1 - math.floor(math.log10(abs(rounded))))
    figure = f"{rounded:,.{places}f}"
    if "." in figure:
        figure = figure.rstrip("0").rstrip(".")
    return figure.replace("-", "−")


def interval(estimate: Estimate, unit: str) -> str:
    """
    >>> interval(Estimate(0.5, 0.25, 0.75, 8), "share")
    '25% to 75%'
    """
    return f"{bare(estimate.low, unit)} to {bare(estimate.high, unit)}"


def bare(value: float, unit: str) -> str:
    """As in a column whose heading names the unit."""
    return shown(value, "" if in_heading(unit) else unit)


def text(value: Value, unit: str) -> str:
    """One line for a cell."""
    match value:
        case None | Missing():
            return NONE
        case str():
            return value
        case Estimate():
            return f"{bare(value.value, unit)} ({interval(value, unit)})"
        case _:
            return bare(value, unit)
