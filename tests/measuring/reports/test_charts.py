"""Charts hold what they are given: every sample, every stage, names in full where there is room."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from measuring.reportmaking import LARGE, RATES, SMALL, STAGES, TIMES, WORTH

from rag.measuring.reports.charts import MOST_DOTS, drawn
from rag.measuring.reports.values import (
    Axis,
    Chart,
    Distributions,
    Lines,
    Points,
    Samples,
    Waterfall,
)


def words(svg: str) -> list[str]:
    return re.findall(r">([^<>]+)</text>", svg)


@pytest.mark.parametrize("chart", [TIMES, STAGES, RATES, WORTH], ids=lambda chart: chart.title)
def test_drawings_are_equal_when_charts_are(chart: Chart) -> None:
    assert drawn(chart, 780) == drawn(chart, 780)


def test_every_sample_is_a_dot_when_there_are_not_too_many() -> None:
    for count, dots in ((1, 1), (40, 40), (MOST_DOTS + 100, MOST_DOTS)):
        lane = Samples("m", tuple(float(each) for each in range(count)))
        svg = drawn(replace(TIMES, lanes=(lane,)), 780)
        assert svg.count("<use") == dots
        assert any(word.endswith(f"of {count:,}") for word in words(svg))


def test_medians_and_totals_are_told_when_bars_have_names() -> None:
    told = words(drawn(STAGES, 780))
    assert {SMALL, LARGE, "auto", "1.15 s", "5.24 s", "3.68 s"} <= set(told)
    assert {"retrieve", "first token", "my own stage", "escalate"} <= set(told)
    assert "var(--stage-escalate)" in drawn(STAGES, 780)


def test_names_lose_their_middle_when_there_is_no_room() -> None:
    told = words(drawn(TIMES, 350))
    [short] = [word for word in told if "…" in word and word.startswith("http")]
    assert short.endswith("llama3.2:3b")


def test_signs_of_mathematics_stay_words_when_a_model_has_them() -> None:
    name = "a$_1$ & <b> $x^2$"
    for chart in (
        Distributions(name, name, Axis(name, "ms"), (Samples(name, (1.0,)),)),
        replace(STAGES, axis=Axis(name, "ms"), bars=(replace(STAGES.bars[0], name=name),)),
        replace(RATES, lines=tuple(replace(line, name=name) for line in RATES.lines)),
        replace(WORTH, points=tuple((name, point) for _, point in WORTH.points)),
    ):
        assert "a$_1$ &amp; &lt;b&gt; $x^2$" in words(drawn(chart, 780))


@pytest.mark.parametrize(
    "chart",
    [
        Distributions("", "", Axis("", "ms"), ()),
        Waterfall("", "", Axis("", "ms"), ()),
        Lines("", "", Axis(""), Axis(""), ()),
        Points("", "", Axis("", is_log=True), Axis(""), ()),
    ],
    ids=lambda chart: type(chart).__name__,
)
def test_there_is_a_picture_when_there_is_nothing_to_draw(chart: Chart) -> None:
    assert drawn(chart, 780).startswith("<svg")
