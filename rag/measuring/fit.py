"""Fits weights to examples: judged drafts in; a logistic regression, and honest probabilities, out.

Needs scikit-learn, which is there for development only (requirements-dev.txt).
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from rag.answering.calibration import Calibration, Weight
from rag.errors import RagError
from rag.measuring.curves import Array
from rag.measuring.examples import Example

_FOLDS = 5
# Of the L2 penalty, scikit-learn's C: with forty signals and some hundred answers, weights held
# this close to 0 tell best on documents they have not seen (decisions/0082-calibration-command.md).
_STRENGTH = 0.05
_DIGITS = 4


def fitted(examples: Sequence[Example], leave_out: Collection[str] = ()) -> Calibration:
    """L2 logistic regression on standardised signals (after Platt 1999), of no name yet.

    Every signal is made to speak for an answer the higher it is. One whose weight would be negative
    only corrects another, and could not be explained to anybody: it is left out. A signal that
    never changes has no weight either; one that is unknown counts as its mean. Raises RagError
    when there are not right and wrong ones to tell apart, or nothing tells them apart.
    """
    regression = _regression()
    names = sorted({name for example in examples for name in example.signals} - set(leave_out))
    scales = {name: scale for name in names if (scale := _scale(examples, name)) is not None}
    right = [example.right for example in examples]
    if len(set(right)) < 2 or not scales:  # noqa: PLR2004 - right ones and wrong ones
        raise RagError(
            "There is nothing to fit: put more questions, of which some are answered wrongly."
        )
    regression.fit(_standardised(examples, scales), right)
    found = dict(zip(scales, regression.coef_[0], strict=True))
    lowest = min(found, key=lambda name: float(found[name]))
    if found[lowest] < 0:
        return fitted(examples, {*leave_out, lowest})
    weights = {
        name: Weight(*(round(float(figure), _DIGITS) for figure in (weight, mean, scale, mean)))
        for (name, (mean, scale)), weight in zip(scales.items(), found.values(), strict=True)
    }
    return Calibration(
        name="",
        model="",
        prompt="",
        logprobs=False,
        intercept=round(float(regression.intercept_[0]), _DIGITS),
        weights=weights,
        thresholds={},
        fitted_on="",
    )


def out_of_fold(examples: Sequence[Example], leave_out: Collection[str] = ()) -> Array:
    """The probability of each example by weights that saw no example of its group.

    Raises RagError, also when there is only one group.
    """
    folds = _folds([example.group for example in examples])
    found = np.zeros(len(examples))
    for fold in sorted(set(folds)):
        others = [each for each, at in zip(examples, folds, strict=True) if at != fold]
        calibration = fitted(others, leave_out)
        for at, example in enumerate(examples):
            if folds[at] == fold:
                found[at] = calibration.probability(example.signals)
    return found


def _folds(groups: Sequence[str]) -> Array:
    """A fold for each example: the largest group first, each into the fold that is emptiest."""
    sizes = Counter(groups).most_common()
    if len(sizes) < 2:  # noqa: PLR2004 - one to fit on, one to test on
        raise RagError("All questions are of one document: to fit and test, two are needed.")
    filled = [0] * min(_FOLDS, len(sizes))
    fold_of = {}
    for group, size in sizes:
        fold_of[group] = filled.index(min(filled))
        filled[fold_of[group]] += size
    return np.array([fold_of[group] for group in groups])


def _scale(examples: Sequence[Example], name: str) -> tuple[float, float] | None:
    """Mean and standard deviation of a signal, unknown ones left out; None if it never changes."""
    known = [value for each in examples if (value := each.signals.get(name)) is not None]
    deviation = statistics.pstdev(known) if known else 0.0
    return (statistics.fmean(known), deviation) if round(deviation, _DIGITS) > 0 else None


def _standardised(
    examples: Sequence[Example], scales: Mapping[str, tuple[float, float]]
) -> list[list[float]]:
    return [
        [
            0.0 if (value := example.signals.get(name)) is None else (value - mean) / scale
            for name, (mean, scale) in scales.items()
        ]
        for example in examples
    ]


def _regression() -> Any:
    # Not needed to answer questions, and slow to import.
    from sklearn.linear_model import (  # type: ignore[import-untyped] # noqa: PLC0415
        LogisticRegression,
    )

    return LogisticRegression(C=_STRENGTH, max_iter=1000)
