from __future__ import annotations

import logging
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering import calibration
from rag.answering.calibration import SHIPPED, Calibration, Weight, prompt_key, read, write

SIMPLE = Calibration(
    name="simple",
    model="small",
    prompt=prompt_key("Answer."),
    logprobs=True,
    intercept=math.log(3),
    weights={
        "coverage": Weight(weight=math.log(2), mean=0.5, scale=0.25, missing=0.5),
        "numbers": Weight(weight=1.0, mean=0.75, scale=0.25, missing=1.0),
    },
    thresholds={"accept": 0.6},
    fitted_on="Four questions made up for this test.",
)


def test_the_odds_are_the_intercepts_when_all_signals_are_at_their_mean() -> None:
    assert SIMPLE.probability({"coverage": 0.5, "numbers": 0.75}) == pytest.approx(3 / 4)


def test_the_odds_double_when_a_signal_rises_by_one_deviation() -> None:
    assert SIMPLE.probability({"coverage": 0.75, "numbers": 0.75}) == pytest.approx(6 / 7)


def test_a_stand_in_counts_when_a_signal_is_unknown() -> None:
    known = SIMPLE.contributions({"coverage": 0.5, "numbers": 1.0, "other": 9.0})
    assert known == {"coverage": 0.0, "numbers": 1.0}
    assert SIMPLE.contributions({"numbers": None}) == known


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_it_is_a_probability_that_rises_with_a_signal_whatever_the_values(
    one: float, other: float
) -> None:
    low, high = sorted((one, other))
    before, after = (SIMPLE.probability({"coverage": value}) for value in (low, high))
    assert 0 <= before <= after <= 1


def test_it_is_read_back_as_it_was_when_it_is_written() -> None:
    assert read(write(SIMPLE)) == SIMPLE
    assert write(SIMPLE).startswith('{\n  "name": "simple",\n  "model": "small",\n')


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        write(SIMPLE).replace('"intercept"', '"other"'),
        write(SIMPLE).replace("1.0986122886681098", '"1"'),
        write(SIMPLE).replace("1.0986122886681098", "NaN"),
        write(SIMPLE).replace('"scale": 0.25', '"scale": 0'),
        write(SIMPLE).replace('"missing"', '"median"'),
    ],
)
def test_it_is_refused_when_the_file_is_something_else(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(text)


def test_the_weights_that_fit_are_found_when_several_are_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    blind = replace(SIMPLE, name="blind", logprobs=False)
    (tmp_path / "a.json").write_text(write(SIMPLE))
    (tmp_path / "b.json").write_text(write(blind))
    (tmp_path / "torn.json").write_text(write(blind)[:50])
    monkeypatch.setattr(calibration, "SHIPPED", tmp_path)
    with caplog.at_level(logging.WARNING):
        assert calibration.load("small", prompt_key("Answer."), True) == SIMPLE
    assert caplog.text.count("torn.json") == 1
    assert calibration.load("small", prompt_key("Answer."), False) == blind
    assert calibration.load("small", prompt_key("Reply."), True) is None
    assert calibration.load("large", prompt_key("Answer."), True) is None


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.json")), ids=lambda path: path.name)
def test_shipped_weights_are_readable_when_they_are_loaded(path: Path) -> None:
    shipped = read(path.read_text(encoding="utf-8"))
    assert shipped.name == path.stem
    assert shipped.weights
    assert 0 <= shipped.probability({}) <= 1
