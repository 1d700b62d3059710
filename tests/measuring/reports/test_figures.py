"""Figures are rounded to what a person can use, with the unit that fits."""

from __future__ import annotations

import pytest

from rag.measuring.reports.figures import in_heading, shown, text
from rag.measuring.reports.values import Missing, Value
from rag.measuring.statistics import Estimate


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (1200.0, "ms", "1.2 s"),
        (840.4, "ms", "840 ms"),
        (0.3149, "ms", "0.315 ms"),
        (999.4, "ms", "999 ms"),
        (999.6, "ms", "1 s"),
        (119_400.0, "ms", "119 s"),
        (150_000.0, "ms", "2.5 min"),
        (9_000_000.0, "ms", "2.5 h"),
        (0.0, "ms", "0 ms"),
        (-250.0, "ms", "−250 ms"),
        (28.41, "tokens/s", "28.4 tokens/s"),
        (12_345, "tokens", "12,345 tokens"),
        (12_345.6, "tokens", "12,300 tokens"),
        (100.0, "", "100"),
        (0.82361, "share", "82.4%"),
        (1.0, "share", "100%"),
        (0.0004, "share", "0.04%"),
        (-0.125, "share", "−12.5%"),
        (812_400_000, "bytes", "812 MB"),
        (1_400_000_000, "bytes", "1.4 GB"),
        (512, "bytes", "512 B"),
        (0.012, "Wh", "12 mWh"),
        (1.5, "Wh", "1.5 Wh"),
        (2_340.0, "Wh", "2.34 kWh"),
        (0.000123456, "USD", "$0.000123"),
        (1234.6, "USD", "$1,235"),
        (999.999, "USD", "$1,000"),
        (12.345, "USD", "$12.35"),
        (1, "USD", "$1.00"),
        (0.0, "USD", "$0"),
        (-2.5, "USD", "−$2.50"),
        (0, "questions", "0 questions"),
        (float("nan"), "ms", "–"),
        (float("inf"), "tokens/s", "–"),
    ],
)
def test_a_figure_has_three_digits_and_its_unit_when_it_is_shown(
    value: float, unit: str, expected: str
) -> None:
    assert shown(value, unit) == expected


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (None, "ms", "–"),
        (Missing("It was not asked."), "ms", "–"),
        ("qwen", "", "qwen"),
        (28.41, "tokens/s", "28.4"),
        (840.4, "ms", "840 ms"),
        (Estimate(0.5, 0.25, 0.75, 8), "share", "50% (25% to 75%)"),
        (Estimate(-3.0, -5.0, 1.0, 8), "tokens/s", "−3 (−5 to 1)"),
    ],
)
def test_the_unit_is_left_to_the_heading_when_it_never_changes(
    value: Value, unit: str, expected: str
) -> None:
    assert text(value, unit) == expected


def test_a_heading_names_the_unit_when_figures_do_not() -> None:
    assert [in_heading(unit) for unit in ("ms", "share", "USD", "tokens/s", "")] == [
        *("", "", "", "tokens/s", "")
    ]
