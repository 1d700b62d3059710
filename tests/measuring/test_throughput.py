"""Figures of speed, each worked out by hand."""

from __future__ import annotations

import pytest

from rag.measuring.samples import Cell, Sample
from rag.measuring.throughput import (
    Spread,
    decode_tokens_per_s,
    figures,
    pauses_ms,
    prefill_tokens_per_s,
    time_per_token_ms,
)


def sample(
    pieces_ms: tuple[float, ...] = (500.0, 600.0, 700.0, 900.0),
    *,
    model: str = "m",
    round_: int = 1,
    at_once: int = 1,
    completion_tokens: int = 4,
    error: str = "",
) -> Sample:
    """250 tokens read in half a second; then four tokens, the last after a pause."""
    return Sample(
        Cell(at_once, round_, "p", model),
        first_token_ms=pieces_ms[0] if pieces_ms else None,
        total_ms=1000.0,
        pieces_ms=pieces_ms,
        prompt_tokens=250,
        completion_tokens=completion_tokens,
        error=error,
    )


def test_prompt_tokens_do_not_count_as_written_when_speed_is_told() -> None:
    assert prefill_tokens_per_s(sample()) == 500.0
    assert decode_tokens_per_s(sample()) == pytest.approx(7.5)  # 3 tokens in 0.4 s
    assert time_per_token_ms(sample()) == pytest.approx(400 / 3)
    assert pauses_ms(sample()) == [100.0, 100.0, 200.0]


def test_tokens_are_the_servers_when_pieces_hold_several() -> None:
    assert decode_tokens_per_s(sample((500.0, 900.0), completion_tokens=9)) == pytest.approx(20.0)


@pytest.mark.parametrize("pieces_ms", [(), (500.0,), (500.0, 500.0)])
def test_there_is_no_speed_when_nothing_was_written_over_time(
    pieces_ms: tuple[float, ...],
) -> None:
    assert decode_tokens_per_s(sample(pieces_ms)) is None
    assert time_per_token_ms(sample(pieces_ms)) is None


def test_a_percentile_is_told_only_when_the_sample_supports_it() -> None:
    three = Spread.of([1.0, 2.0, 9.0])
    assert three is not None
    assert (three.median.value, three.min, three.max, dict(three.percentiles)) == (
        2.0,
        1.0,
        9.0,
        {},
    )
    twenty = Spread.of([float(number) for number in range(1, 21)])
    assert twenty is not None
    assert set(twenty.percentiles) == {"p90", "p95"}
    assert twenty.percentiles["p95"].value == pytest.approx(19.05)
    assert twenty.percentiles["p95"].value <= twenty.max
    assert Spread.of([]) is None


def test_a_row_is_made_when_model_load_or_prompt_differ() -> None:
    rows = figures([sample(model="b"), sample(), sample(at_once=2), sample(round_=0)])
    assert [(row.model, row.at_once, row.requests) for row in rows] == [
        ("b", 1, 1),
        ("m", 1, 1),
        ("m", 2, 1),
    ]


def test_failures_are_counted_and_left_out_when_figures_are_made() -> None:
    [row] = figures([sample(), sample((), error="It is off.")])
    assert (row.requests, row.failed) == (2, 1)
    first = row.spreads["first_token_ms"]
    assert first is not None
    assert (first.median.value, first.median.count) == (500.0, 1)


def test_throughput_is_that_of_all_when_several_were_sent_at_once() -> None:
    [row] = figures([sample(at_once=2), sample(at_once=2, completion_tokens=6)])
    assert row.together_tokens_per_s is not None
    assert row.together_tokens_per_s.median.value == 10.0
    assert row.pieces_are_tokens is False


def test_nothing_is_told_when_every_request_failed() -> None:
    [row] = figures([sample((), error="It is off.")])
    assert (row.failed, row.prompt_tokens, row.together_tokens_per_s) == (1, None, None)
    assert set(row.spreads.values()) == {None}
