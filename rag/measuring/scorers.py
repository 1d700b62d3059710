"""Ways to tell which drafts to trust, ours and those to beat: examples in, figures and curves out.

Each gives a draft a score, higher when it is trusted more. Rules of one figure are what a judge has
to beat; the oracle, which knows what is right, is what nobody can.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from rag.encoding import Json
from rag.measuring import curves
from rag.measuring.curves import Array, Curve
from rag.measuring.examples import Example
from rag.measuring.statistics import paired
from rag.measuring.summary import estimate_json

HALF = 0.5  # the coverage that risk is told at
MARGIN = 0.05  # more turns than the small model gets wrong may be escalated
_POINTS = 100  # of a curve in a report


def scorers(examples: Sequence[Example], probabilities: Array) -> Mapping[str, Array]:
    """By name. A constant score is a random one: every figure is the mean over all orders."""
    right = np.array([float(example.right) for example in examples])
    words = np.array([float(example.words) for example in examples])
    shorter = curves.auroc(-words, right)
    is_shorter_better = shorter is not None and shorter > HALF
    return {
        "calibrated": probabilities,
        "as_judged": np.array([example.value for example in examples]),
        **_of_logprobs(examples),
        "length": -words if is_shorter_better else words,
        "random": np.zeros(len(examples)),
        "oracle": np.array([_known(example) for example in examples]),
    }


def _of_logprobs(examples: Sequence[Example]) -> Mapping[str, Array]:
    """None where the server tells none; a draft without tokens is trusted least."""
    told = [example.logprobs or (-math.inf,) for example in examples]
    if not any(example.logprobs for example in examples):
        return {}
    return {
        "mean_logprob": np.array([statistics.fmean(each) for each in told]),
        "least_logprob": np.array([min(each) for each in told]),
    }


def _known(example: Example) -> float:
    """What nobody knows beforehand: what the larger model mends goes first, what it spoils last."""
    return 2 * example.right + (not example.large_right)


def scored(scores: Array, examples: Sequence[Example]) -> Json:
    right = np.array([float(example.right) for example in examples])
    shares, risks = curves.risk_coverage(scores, right)
    return {
        "auroc": estimate_json(paired(curves.auroc, scores, right)),
        "aurc": estimate_json(paired(curves.risk_area, scores, right)),
        "risk_at_half": estimate_json(paired(_risk_at_half, scores, right)),
        "risk_coverage": _points(shares, risks),
        "escalation": _escalation(scores, examples),
    }


def _escalation(scores: Array, examples: Sequence[Example]) -> Json | None:
    """Quality against escalation; None where the larger model was not asked, or is not better."""
    rows = [
        (score, float(each.right), float(each.large_right))
        for score, each in zip(scores, examples, strict=True)
        if each.large_right is not None
    ]
    if not rows:
        return None
    columns = [list(column) for column in zip(*rows, strict=True)]
    curve = curves.recovered(*map(np.array, columns))
    if curve is None:
        return None
    return {
        "area": estimate_json(paired(_of_curve(curves.area), *columns)),
        "recovered_at_budget": estimate_json(paired(_at_budget, *columns)),
        "lowest": float(curve[1].min()),
        "curve": _points(*curve),
    }


def _of_curve(figure: Callable[[Curve], float]) -> Callable[..., float | None]:
    def statistic(*columns: Array) -> float | None:
        curve = curves.recovered(*columns)
        return None if curve is None else figure(curve)

    return statistic


def _at_budget(scores: Array, small: Array, large: Array) -> float | None:
    """Recovered when as many are escalated as the small model gets wrong, and 5 points more."""
    budget = min(1.0, 1 - float(small.mean()) + MARGIN)
    return _of_curve(lambda curve: curves.height(curve, budget))(scores, small, large)


def _risk_at_half(scores: Array, right: Array) -> float:
    return curves.risk_at(scores, right, HALF)


def _points(across: Array, up: Array) -> list[list[float]]:
    """At most a hundred of a curve, its ends among them."""
    step = max(1, math.ceil(len(across) / _POINTS))
    chosen = [*range(0, len(across) - 1, step), len(across) - 1]
    return [[float(across[at]), float(up[at])] for at in chosen]
