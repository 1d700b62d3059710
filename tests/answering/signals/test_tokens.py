from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.signals import tokens

SIGNALS = (
    tokens.first_margin,
    tokens.least_probability,
    tokens.least_window,
    tokens.low_quantile,
    tokens.mean_probability,
)
SURE, HALF = math.log(1.0), math.log(0.5)


@pytest.mark.parametrize("signal", SIGNALS)
def test_nothing_is_known_when_there_are_no_logprobs(signal) -> None:
    assert signal(()) is None


@pytest.mark.parametrize(("first", "expected"), [(0.9, 0.8), (0.75, 0.5), (0.5, 0.0), (0.2, 0.0)])
def test_the_first_token_leads_by_what_the_others_cannot_have_when_it_is_likely(
    first: float, expected: float
) -> None:
    assert tokens.first_margin((math.log(first), SURE)) == pytest.approx(expected)


def test_the_least_probability_is_that_of_one_token_when_all_others_are_sure() -> None:
    assert tokens.least_probability((SURE, math.log(0.1), SURE)) == pytest.approx(0.1)


def test_a_window_is_weak_when_four_tokens_in_a_row_are() -> None:
    together = (SURE,) * 4 + (HALF,) * 4 + (SURE,) * 4
    scattered = (SURE, HALF) * 6
    assert tokens.least_window(together) == pytest.approx(0.5)
    assert tokens.least_window(scattered) == pytest.approx(0.5**0.5)


def test_a_reply_shorter_than_a_window_is_one_window_when_it_has_two_tokens() -> None:
    assert tokens.least_window((HALF, math.log(0.125))) == pytest.approx(0.25)


def test_the_low_quantile_passes_over_one_odd_token_when_there_are_twenty() -> None:
    assert tokens.low_quantile((math.log(0.01), HALF) + (SURE,) * 18) == pytest.approx(0.5)


def test_the_mean_is_geometric_when_tokens_differ() -> None:
    assert tokens.mean_probability((HALF, math.log(0.125))) == pytest.approx(0.25)


logprobs = st.lists(st.floats(-30, -1e-6), min_size=1, max_size=60).map(tuple)


@pytest.mark.parametrize("signal", SIGNALS)
@given(logprobs)
def test_a_signal_stays_between_0_and_1_when_logprobs_are_anything(signal, found) -> None:
    assert 0 <= signal(found) <= 1


@pytest.mark.parametrize("signal", SIGNALS)
@given(logprobs, st.floats(0, 5))
def test_a_signal_never_rises_when_every_token_becomes_less_likely(signal, found, less) -> None:
    assert signal(tuple(one - less for one in found)) <= signal(found) + 1e-12
