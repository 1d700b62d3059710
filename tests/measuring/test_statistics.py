from statistics import quantiles

import numpy as np
import pytest
from scipy.stats import binomtest, bootstrap  # type: ignore[import-untyped]

from rag.measuring.curves import Array, auroc
from rag.measuring.statistics import (
    Estimate,
    Statistic,
    chance,
    estimate,
    median,
    paired,
    percentile,
    share,
    share_difference,
)


def test_an_estimate_is_unknown_when_there_are_no_values() -> None:
    assert estimate([]) is None
    assert median([]) is None


@pytest.mark.parametrize("count", [1, 3])
def test_the_interval_is_a_point_when_all_values_are_equal(count: int) -> None:
    assert estimate([1.0] * count) == Estimate(1.0, 1.0, 1.0, count)


def test_the_interval_is_as_wide_as_theory_says_when_half_of_a_hundred_are_right() -> None:
    result = estimate([0.0, 1.0] * 50)
    assert result is not None
    assert result.value == 0.5
    # ±1.96 · √(0.25 / 100) = ±0.098
    assert result.low == pytest.approx(0.402, abs=0.015)
    assert result.high == pytest.approx(0.598, abs=0.015)


def test_the_interval_is_the_same_when_asked_for_again() -> None:
    assert estimate([0.0, 0.3, 1.0]) == estimate([0.0, 0.3, 1.0])


def test_one_slow_turn_does_not_move_the_median_when_there_are_three() -> None:
    result = median([1.0, 2.0, 900.0])
    assert result is not None
    assert (result.value, result.low, result.high) == (2.0, 1.0, 900.0)


def test_a_percentile_is_withheld_when_the_sample_is_too_small() -> None:
    assert percentile([], 50) is None
    assert percentile([1.0] * 19, 95) is None
    assert percentile([1.0] * 99, 99) is None
    assert percentile([2.0] * 20, 95) == Estimate(2.0, 2.0, 2.0, 20)


def test_a_percentile_lies_in_its_interval_when_the_sample_supports_it() -> None:
    found = percentile(list(map(float, range(20))), 95)
    assert found is not None
    assert found.value == pytest.approx(18.05)
    assert 14 <= found.low < found.value < found.high == 19.0


@pytest.mark.parametrize("statistic", [np.mean, np.median])
def test_the_interval_is_scipys_when_it_is_drawn_from_the_same_sample(statistic: Statistic) -> None:
    values = np.random.default_rng(7).lognormal(4.0, 0.5, 60)
    ours = estimate(list(values), statistic)
    theirs = bootstrap(
        (values,), statistic, n_resamples=20_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert ours is not None
    # Two draws of the same interval differ by a little of its width.
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.1 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.1 * width)


def test_percentiles_are_the_standard_librarys_when_the_sample_supports_them() -> None:
    values = list(np.random.default_rng(3).exponential(100.0, 200))
    cuts = quantiles(values, n=100, method="inclusive")
    assert {q: found.value for q in (50, 90, 95, 99) if (found := percentile(values, q))} == {
        q: pytest.approx(cuts[q - 1]) for q in (50, 90, 95, 99)
    }


def difference(one: Array, other: Array) -> float:
    return float((one - other).mean())


def test_rows_stay_together_when_they_are_drawn() -> None:
    assert paired(difference, [1.0, 5.0, 9.0], [0.0, 4.0, 8.0]) == Estimate(1.0, 1.0, 1.0, 3)


def test_a_statistic_of_rows_is_as_wide_as_that_of_values_when_both_are_means() -> None:
    values = [0.0, 1.0] * 50
    found = paired(difference, values, [0.0] * 100)
    assert found is not None
    assert found.low == pytest.approx(0.402, abs=0.02)
    assert found.high == pytest.approx(0.598, abs=0.02)


def test_resamples_of_one_kind_are_left_out_when_the_statistic_is_undefined() -> None:
    assert paired(auroc, [0.1, 0.9], [0.0, 1.0]) == Estimate(1.0, 1.0, 1.0, 2)
    assert paired(auroc, [0.1, 0.9], [1.0, 1.0]) is None
    assert paired(auroc, [], []) is None


@pytest.mark.parametrize(("right", "count"), [(0, 3), (3, 3), (1, 1), (7, 20), (50, 100)])
def test_a_share_has_the_interval_of_wilson_when_another_library_works_it_out(
    right: int, count: int
) -> None:
    expected = binomtest(right, count).proportion_ci(method="wilson")
    found = share([True] * right + [False] * (count - right))
    assert found is not None
    assert (found.value, found.count) == (right / count, count)
    assert found.low == pytest.approx(expected.low, abs=1e-6)
    assert found.high == pytest.approx(expected.high, abs=1e-6)


def test_a_share_is_unknown_when_there_are_no_cases() -> None:
    assert share([]) is None


def test_a_difference_of_shares_has_the_interval_of_newcombe_when_his_example_is_taken() -> None:
    # Newcombe 1998, table II: 36, 12, 2 and 0 pairs.
    ones = [True] * 36 + [True] * 12 + [False] * 2
    others = [True] * 36 + [False] * 12 + [True] * 2
    found = share_difference(ones, others)
    assert found is not None
    assert found.value == pytest.approx(0.2)
    assert found.low == pytest.approx(0.0569, abs=1e-4)
    assert found.high == pytest.approx(0.3404, abs=1e-4)


def test_a_difference_has_a_width_when_cases_are_few() -> None:
    found = share_difference([True, True], [False, False])
    assert found is not None
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low < 0.1
    assert share_difference([], []) is None


def test_a_difference_turns_its_sign_when_columns_are_exchanged() -> None:
    ones, others = [True, True, False, True], [True, False, False, False]
    there, back = share_difference(ones, others), share_difference(others, ones)
    assert there is not None
    assert back is not None
    mirrored = (-back.value, -back.high, -back.low)
    assert (there.value, there.low, there.high) == pytest.approx(mirrored)


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (1, 0), (5, 0), (9, 2), (3, 3), (0, 17)])
def test_chance_is_that_of_the_sign_test_when_another_library_works_it_out(
    wins: int, losses: int
) -> None:
    count = wins + losses
    expected = binomtest(wins, count).pvalue if count else 1.0
    assert chance(wins, losses) == pytest.approx(expected)
