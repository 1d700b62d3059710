"""What the model's own logprobs say: one figure a token in, a probability out.

Logprobs are those of the chosen tokens; without any, every signal is None. Those that take the
``answering_logprobs`` look at what a draft adds to the question: a small model that repeats it
is always sure of that part.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

WINDOW = 4  # tokens: about a name or a number
LOW = 0.1  # the quantile that counts as "low"

Logprobs = Sequence[float]


def first_margin(logprobs: Logprobs) -> float | None:
    """How far the first token leads all others: p - (1 - p), at least; 0 when it does not lead."""
    return max(0.0, 2 * math.exp(logprobs[0]) - 1) if logprobs else None


def least_probability(logprobs: Logprobs) -> float | None:
    """That of the token the model was least sure of (Varshney et al. 2023)."""
    return math.exp(min(logprobs)) if logprobs else None


def least_window(logprobs: Logprobs) -> float | None:
    """The lowest geometric mean of four tokens in a row (after Fu et al. 2025, DeepConf)."""
    last = max(1, len(logprobs) - WINDOW + 1)
    means = [_mean(logprobs[at : at + WINDOW]) for at in range(last)] if logprobs else []
    return math.exp(min(means)) if means else None


def low_quantile(logprobs: Logprobs) -> float | None:
    """The probability that a tenth of the tokens stays below."""
    ordered = sorted(logprobs)
    return math.exp(ordered[int(LOW * (len(ordered) - 1))]) if ordered else None


def mean_probability(logprobs: Logprobs) -> float | None:
    """The geometric mean of all: 1 / perplexity."""
    return math.exp(_mean(logprobs)) if logprobs else None


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
