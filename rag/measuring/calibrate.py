"""How well the judge can tell right drafts from wrong ones: examples in; weights and a report out.

All figures are of probabilities by weights that saw no question about the same document. The shape
of the report is promised in docs/calibration.md.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from rag.answering.calibration import Calibration
from rag.encoding import Json
from rag.measuring import curves
from rag.measuring.curves import Array
from rag.measuring.examples import Example
from rag.measuring.fit import fitted, out_of_fold
from rag.measuring.scorers import scored, scorers
from rag.measuring.statistics import estimate, paired
from rag.measuring.summary import estimate_json


@dataclass(frozen=True, slots=True)
class Calibrated:
    calibration: Calibration  # not yet named
    report: Json


def calibrated(examples: Sequence[Example], leave_out: Collection[str] = ()) -> Calibrated:
    """Weights fitted on all examples, and what they are worth. Raises RagError."""
    calibration = fitted(examples, leave_out)
    probabilities = out_of_fold(examples, leave_out)
    right = np.array([float(example.right) for example in examples])
    accept = _accept(probabilities, right)
    report = {
        "examples": len(examples),
        "documents": len({example.group for example in examples}),
        "small_right": estimate_json(estimate([float(each.right) for each in examples])),
        **_gap(examples),
        "accept": accept,
        "at_accept": _at(accept, probabilities, right),
        "ece": estimate_json(paired(curves.calibration_error, probabilities, right)),
        "brier": estimate_json(paired(curves.brier, probabilities, right)),
        "reliability": [list(point) for point in curves.reliability(probabilities, right)],
        "scorers": {
            name: scored(scores, examples)
            for name, scores in scorers(examples, probabilities).items()
        },
        "signals": _signals(calibration, examples),
    }
    return Calibrated(replace(calibration, thresholds={"accept": accept}), report)


# --- the gap between the models ------------------------------------------------------------


def _compared(examples: Sequence[Example]) -> list[Example]:
    return [example for example in examples if example.large_right is not None]


def _gap(examples: Sequence[Example]) -> Json:
    """Of the questions that both models were asked."""
    both = _compared(examples)
    large = [float(bool(each.large_right)) for each in both]
    small = [float(each.right) for each in both]
    return {
        "compared": len(both),
        "large_right": estimate_json(estimate(large)),
        "gap": estimate_json(estimate([a - b for a, b in zip(large, small, strict=True)])),
        "baselines": {
            "always_slm": {"right": estimate_json(estimate(small)), "recovered": 0.0},
            "always_llm": {"right": estimate_json(estimate(large)), "recovered": 1.0},
        },
    }


def _accept(probabilities: Array, right: Array) -> float:
    """The threshold below which as many drafts lie as are wrong."""
    wrong = round(float((1 - right).sum()))
    return float(np.append(np.sort(probabilities), 1.0)[wrong])


def _at(threshold: float, probabilities: Array, right: Array) -> Json:
    """What becomes of the drafts when those below ``threshold`` are escalated."""
    accepted = probabilities >= threshold
    wrong = [1 - each for each in right[accepted]]
    kept = [float(each) for each in accepted[right > 0]]
    return {
        "accepted": estimate_json(estimate(accepted.astype(float).tolist())),
        "accepted_wrong": estimate_json(estimate(wrong)),
        "right_accepted": estimate_json(estimate(kept)),
    }


# --- signals ---------------------------------------------------------------------------------


def _signals(calibration: Calibration, examples: Sequence[Example]) -> Json:
    """The weightiest first, each with what it tells by itself where it is known."""
    by_weight = sorted(calibration.weights.items(), key=lambda each: -abs(each[1].weight))
    return {name: {**asdict(weight), **_alone(name, examples)} for name, weight in by_weight}


def _alone(name: str, examples: Sequence[Example]) -> Json:
    known = [
        (value, float(each.right))
        for each in examples
        if (value := each.signals.get(name)) is not None
    ]
    values, right = (np.array(column) for column in zip(*known, strict=True))
    return {"known": len(known), "auroc": curves.auroc(values, right)}
