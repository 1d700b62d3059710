"""Each formula on numbers worked out by hand, and beside scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, roc_auc_score  # type: ignore[import-untyped]

from rag.measuring import curves
from rag.measuring.curves import Array

SCORES = np.array([0.9, 0.8, 0.3, 0.1])
RIGHT = np.array([1.0, 0.0, 1.0, 0.0])


def arrays(*columns: list[float]) -> list[Array]:
    return [np.array(column) for column in columns]


# --- telling right from wrong


def test_a_share_of_pairs_is_in_order_when_scores_differ() -> None:
    # 0.9 is above both wrong ones, 0.3 above one of two: 3 pairs of 4
    assert curves.auroc(SCORES, RIGHT) == 0.75


def test_a_tie_counts_half_when_scores_are_equal() -> None:
    assert curves.auroc(*arrays([0.5, 0.5, 0.5], [1.0, 0.0, 0.0])) == 0.5
    assert curves.auroc(*arrays([0.5, 0.5, 0.1], [1.0, 0.0, 0.0])) == 0.75


@pytest.mark.parametrize("right", [[], [1.0], [1.0, 1.0], [0.0, 0.0]])
def test_it_is_unknown_when_there_is_only_one_kind(right: list[float]) -> None:
    assert curves.auroc(np.zeros(len(right)), np.array(right)) is None


TENTHS = st.integers(0, 10).map(lambda n: n / 10)
CASES = st.lists(st.tuples(TENTHS, st.booleans()), min_size=2, max_size=60)


@given(CASES)
def test_it_agrees_with_scikit_learn_when_there_are_ties(cases: list[tuple[float, bool]]) -> None:
    scores, right = arrays(*map(list, zip(*cases, strict=True)))
    right = right.astype(float)
    assert curves.brier(scores, right) == pytest.approx(
        brier_score_loss(right, scores, pos_label=1, labels=[0, 1])
    )
    if 0 < right.sum() < len(right):
        assert curves.auroc(scores, right) == pytest.approx(roc_auc_score(right, scores))


# --- probabilities


def test_each_bin_has_its_gap_when_there_are_two() -> None:
    found = arrays([0.2, 0.4, 0.6, 0.8], [0.0, 0.0, 1.0, 1.0])
    assert curves.reliability(*found, bins=2) == [
        (pytest.approx(0.3), 0.0),
        (pytest.approx(0.7), 1.0),
    ]
    assert curves.calibration_error(*found, bins=2) == pytest.approx(0.3)


def test_gaps_of_unequal_bins_are_weighed_when_they_do_not_divide_evenly() -> None:
    found = arrays([0.5, 0.5, 1.0], [1.0, 0.0, 0.0])
    # two at 0.5, of which one is right: no gap; one at 1.0, wrong: 1 · 1/3
    assert curves.calibration_error(*found, bins=2) == pytest.approx(1 / 3)


def test_there_are_as_many_bins_as_answers_when_there_are_few() -> None:
    found = arrays([0.25], [1.0])
    assert curves.reliability(*found) == [(0.25, 1.0)]
    assert curves.calibration_error(*found) == 0.75
    assert curves.brier(*found) == 0.5625


# --- accepting the best first


def test_risk_grows_with_coverage_when_scores_are_of_use() -> None:
    shares, risks = curves.risk_coverage(SCORES, RIGHT)
    assert shares.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert risks.tolist() == [0.0, 1 / 2, 1 / 3, 1 / 2]
    assert curves.risk_area(SCORES, RIGHT) == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)
    assert curves.risk_at(SCORES, RIGHT, 0.5) == 0.5
    assert curves.risk_at(SCORES, RIGHT, 0.6) == 1 / 3  # three of four are the least that do


def test_risk_is_the_same_everywhere_when_all_scores_are_equal() -> None:
    _, risks = curves.risk_coverage(np.zeros(4), RIGHT)
    assert risks.tolist() == [0.5] * 4


# --- escalating the worst first

SMALL, LARGE = np.array([1.0, 0.0, 1.0, 0.0]), np.array([1.0, 1.0, 1.0, 1.0])


def test_the_gap_is_recovered_when_the_wrong_answers_go_first() -> None:
    curve = curves.recovered(SMALL, SMALL, LARGE)
    assert curve is not None
    assert curve[0].tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert curve[1].tolist() == [0.0, 0.5, 1.0, 1.0, 1.0]
    assert curves.area(curve) == 0.75  # 0.25 while it rises, then 0.5 at the top
    assert curves.height(curve, 0.375) == 0.75


def test_half_lies_under_the_curve_when_the_order_is_random() -> None:
    curve = curves.recovered(np.zeros(4), SMALL, LARGE)
    assert curve is not None
    assert curve[1].tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert curves.area(curve) == 0.5


def test_more_than_the_gap_is_recovered_when_the_small_model_knew_better() -> None:
    curve = curves.recovered(*arrays([0.1, 0.2, 0.9, 0.3], [0, 0, 1, 0], [1, 1, 0, 0]))
    assert curve is not None
    assert curve[1].tolist() == [0.0, 1.0, 2.0, 2.0, 1.0]


def test_there_is_no_gap_when_the_large_model_is_not_better() -> None:
    assert curves.recovered(SCORES, LARGE, LARGE) is None
    assert curves.recovered(SCORES, LARGE, SMALL) is None
