"""How well scores tell right answers from wrong ones: arrays in, figures and curves out.

One entry an answer: a score (higher: more trusted) and whether it is right, 1 or 0. Where scores
are equal nobody can say which comes first, so every figure is the mean over all orders.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Curve = tuple[Array, Array]  # x rising from 0 to 1, and y


def auroc(scores: Array, right: Array) -> float | None:
    """Probability that a right answer scores above a wrong one (Hanley & McNeil 1982).

    The Mann-Whitney U over all pairs, a tie counting half. None when all are right, or all wrong.
    """
    is_right = right > 0
    pairs = int(is_right.sum()) * int((~is_right).sum())
    if not pairs:
        return None
    ordered = np.sort(scores)
    mine = scores[is_right]
    ranks = (np.searchsorted(ordered, mine) + np.searchsorted(ordered, mine, "right") + 1) / 2
    below = ranks.sum() - len(mine) * (len(mine) + 1) / 2
    return float(below / pairs)


# --- probabilities -------------------------------------------------------------------------


def reliability(probabilities: Array, right: Array, bins: int = 10) -> list[tuple[float, float]]:
    """Mean probability and share of right answers in bins of equal mass, lowest first."""
    order = np.argsort(probabilities, kind="stable")
    return [
        (float(probabilities[part].mean()), float(right[part].mean()))
        for part in np.array_split(order, min(bins, len(order)))
    ]


def calibration_error(probabilities: Array, right: Array, bins: int = 10) -> float:
    """Expected calibration error, ECE: the mean gap of ``reliability``, weighed by mass.

    Naeini et al. 2015, Guo et al. 2017; equal-mass bins after Nixon et al. 2019.
    """
    order = np.argsort(probabilities, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    gaps = (abs((probabilities[part] - right[part]).sum()) for part in parts)
    return float(sum(gaps) / len(order))


def brier(probabilities: Array, right: Array) -> float:
    """Mean squared error of a probability (Brier 1950)."""
    return float(np.mean((probabilities - right) ** 2))


# --- accepting the best first --------------------------------------------------------------


def risk_coverage(scores: Array, right: Array) -> Curve:
    """Share accepted, best scores first, and share of wrong answers among them.

    El-Yaniv & Wiener 2010; one point an answer.
    """
    order = np.argsort(-scores, kind="stable")
    wrong = 1 - _shared(scores[order], right[order])
    accepted = np.arange(1, len(order) + 1)
    return accepted / len(order), np.cumsum(wrong) / accepted


def risk_area(scores: Array, right: Array) -> float:
    """AURC, the mean risk over all coverages (Geifman, Uziel & El-Yaniv 2019); lower is better."""
    return float(risk_coverage(scores, right)[1].mean())


def risk_at(scores: Array, right: Array, coverage: float) -> float:
    """Share of wrong answers when at least this share is accepted."""
    shares, risks = risk_coverage(scores, right)
    return float(risks[np.searchsorted(shares, coverage - 1e-9)])


# --- escalating the worst first ------------------------------------------------------------


def recovered(scores: Array, small: Array, large: Array) -> Curve | None:
    """Share escalated, lowest scores first, and the share of the gap between models that recovers.

    0 is the small model's share of right answers, 1 the large one's; above 1 both together are
    better than either. After the deferral curves of Ong et al. 2024 (RouteLLM), whose "performance
    gap recovered" it is. None when the large model is not better.
    """
    gap = large.mean() - small.mean()
    if gap <= 0:
        return None
    order = np.argsort(scores, kind="stable")
    gain = _shared(scores[order], (large - small)[order])
    shares = np.arange(len(order) + 1) / len(order)
    return shares, np.concatenate(([0.0], np.cumsum(gain))) / (gap * len(order))


def area(curve: Curve) -> float:
    """Under a curve, by trapezoids."""
    return float(np.trapezoid(curve[1], curve[0]))


def height(curve: Curve, at: float) -> float:
    """Of a curve at one place, between its points on a line."""
    return float(np.interp(at, *curve))


def _shared(ordered: Array, values: Array) -> Array:
    """``values``, those of equal scores replaced by their mean; ``ordered`` are the scores."""
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    counts = np.diff(np.append(starts, len(ordered)))
    result: Array = np.repeat(np.add.reduceat(values, starts) / counts, counts)
    return result
