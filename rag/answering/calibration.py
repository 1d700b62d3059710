"""Turns signals into the probability that an answer is right: weights are readable JSON.

A calibration holds for one model (its name says the quantisation), one prompt, and servers that do
or do not tell how sure they were of each token. It was fitted by ``python -m rag calibrate``
(docs/calibration.md); what the signals mean is not known here.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

SHIPPED = Path(__file__).with_name("calibrations")

_KEY_LENGTH = 12
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Weight:
    """Of one signal. A signal that could not be measured counts as if it were ``missing``."""

    weight: float  # log-odds a standard deviation; above 0, a higher signal speaks for the answer
    mean: float
    scale: float  # standard deviation, above 0
    missing: float

    def contribution(self, value: float | None) -> float:
        """Log-odds that this value adds; 0 at the mean."""
        known = self.missing if value is None else value
        return self.weight * (known - self.mean) / self.scale


@dataclass(frozen=True, slots=True)
class Calibration:
    name: str
    model: str
    prompt: str  # prompt_key of the instruction it was fitted under
    logprobs: bool  # is it for servers that tell how sure they were of each token?
    intercept: float  # log-odds of an answer whose signals are all at their mean
    weights: Mapping[str, Weight]
    thresholds: Mapping[str, float]  # probabilities, each named after what it decides
    fitted_on: str  # a sentence: which questions, how many, how well it did

    def probability(self, signals: Mapping[str, float | None]) -> float:
        """That the answer is right, 0 to 1 (logistic regression, Cox 1958; after Platt 1999)."""
        return _logistic(self.intercept + math.fsum(self.contributions(signals).values()))

    def contributions(self, signals: Mapping[str, float | None]) -> Mapping[str, float]:
        """Log-odds by signal: those above 0 speak for the answer. Unknown signals are left out."""
        return {
            name: weight.contribution(signals.get(name)) for name, weight in self.weights.items()
        }


def prompt_key(instruction: str) -> str:
    """Short name of an instruction, so that weights are not used under another one."""
    return sha256(instruction.encode()).hexdigest()[:_KEY_LENGTH]


def load(model: str, prompt: str, has_logprobs: bool) -> Calibration | None:
    """The shipped weights that fit; None when there are none. ``prompt`` is a ``prompt_key``.

    Weights that need no logprobs serve where there are some, if there are no better ones.
    """
    shipped = _shipped(SHIPPED)
    return shipped.get((model, prompt, has_logprobs)) or shipped.get((model, prompt, False))


def read(text: str) -> Calibration:
    """From the JSON that ``write`` makes. Raises ValueError when it is something else."""
    try:
        fields = json.loads(text)
        weights = {name: _weight(each) for name, each in fields.pop("weights").items()}
        found = Calibration(**fields, weights=weights)
        numbers = (found.intercept, *found.thresholds.values())
    except (AttributeError, KeyError, TypeError) as exc:
        raise ValueError(f"It does not have the shape of a calibration: {exc}.") from exc
    if not all(map(_is_finite, numbers)):
        raise ValueError("The intercept and the thresholds are numbers.")
    return found


def write(calibration: Calibration) -> str:
    return json.dumps(_fields(calibration), indent=2, ensure_ascii=False) + "\n"


@cache
def _shipped(folder: Path) -> Mapping[tuple[str, str, bool], Calibration]:
    """Read once a process; a file that makes no sense is left out, and a turn never fails by it."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        try:
            each = read(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as exc:
            _log.warning("The calibration %s is not used. %s", path.name, exc)
        else:
            found[each.model, each.prompt, each.logprobs] = each
    return found


def _weight(fields: Mapping[str, Any]) -> Weight:
    weight = Weight(**fields)
    if not all(map(_is_finite, fields.values())) or weight.scale <= 0:
        raise ValueError("Weights are numbers, and a scale is above 0.")
    return weight


def _fields(calibration: Calibration) -> Mapping[str, Any]:
    names = ("weight", "mean", "scale", "missing")
    return {
        name: getattr(calibration, name)
        for name in ("name", "model", "prompt", "logprobs", "fitted_on", "intercept")
    } | {
        "weights": {
            name: {field: getattr(weight, field) for field in names}
            for name, weight in calibration.weights.items()
        },
        "thresholds": dict(calibration.thresholds),
    }


def _is_finite(number: object) -> bool:
    return (
        isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
    )


def _logistic(logit: float) -> float:
    """1 ÷ (1 + e⁻ˣ), without overflow at either end."""
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    return math.exp(logit) / (1 + math.exp(logit))
