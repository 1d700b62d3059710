"""How fast a model reads and writes: samples of an experiment in, figures with their spread out.

The prompt's tokens never count as written ones, and each figure comes from the request it is told
of: no first token is taken from another. A request that failed has no figures; it is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from rag.measuring.samples import Sample
from rag.measuring.statistics import Estimate, median, percentile

_MS_PER_S = 1000
_PERCENTILES = (90.0, 95.0, 99.0)


@dataclass(frozen=True, slots=True)
class Spread:
    """The median with its 95% interval, the extremes, and the percentiles the sample supports."""

    median: Estimate
    min: float
    max: float
    percentiles: Mapping[str, Estimate]  # "p90", "p95", "p99"; those that the sample supports

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread | None:
        middle = median(values)
        if middle is None:
            return None
        found = {f"p{q:g}": percentile(values, q) for q in _PERCENTILES}
        known = {name: estimate for name, estimate in found.items() if estimate}
        return cls(middle, min(values), max(values), known)


# --- of one request --------------------------------------------------------------------------


def first_token_ms(sample: Sample) -> float | None:
    return sample.first_token_ms


def total_ms(sample: Sample) -> float | None:
    return sample.total_ms


def prefill_tokens_per_s(sample: Sample) -> float | None:
    """Prompt tokens over the time to the first token, which holds the way to the server, too."""
    if not sample.first_token_ms or not sample.prompt_tokens:
        return None
    return sample.prompt_tokens * _MS_PER_S / sample.first_token_ms


def decode_tokens_per_s(sample: Sample) -> float | None:
    """Tokens after the first, over the time from the first piece to the last."""
    if len(sample.pieces_ms) < 2 or sample.completion_tokens < 2:  # noqa: PLR2004
        return None
    writing_ms = sample.pieces_ms[-1] - sample.pieces_ms[0]
    return (sample.completion_tokens - 1) * _MS_PER_S / writing_ms if writing_ms > 0 else None


def time_per_token_ms(sample: Sample) -> float | None:
    """Mean time of a token after the first."""
    speed = decode_tokens_per_s(sample)
    return _MS_PER_S / speed if speed else None


def pauses_ms(sample: Sample) -> list[float]:
    """Between each two pieces: of a token each on most servers, of several on some."""
    return [after - before for before, after in pairwise(sample.pieces_ms)]


FIGURES: Mapping[str, Callable[[Sample], float | None]] = {
    "first_token_ms": first_token_ms,
    "time_per_token_ms": time_per_token_ms,
    "prefill_tokens_per_s": prefill_tokens_per_s,
    "decode_tokens_per_s": decode_tokens_per_s,
    "total_ms": total_ms,
}


# --- of many ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figures:
    """One model under one load. ``together_tokens_per_s`` is what all requests of a cell get."""

    model: str
    at_once: int
    prompt: str
    requests: int
    failed: int
    prompt_tokens: Estimate | None
    completion_tokens: Estimate | None
    spreads: Mapping[str, Spread | None]  # by the names of FIGURES, and "pause_ms" of all pauses
    together_tokens_per_s: Spread | None
    pieces_are_tokens: bool  # else a pause is that of several tokens


def figures(samples: Sequence[Sample]) -> list[Figures]:
    """A row for each model, load and prompt, in that order; warm-ups are left out."""
    counted = sorted((one for one in samples if one.cell.round), key=_key)
    return [_figures(*key, list(group)) for key, group in groupby(counted, _key)]


def _key(sample: Sample) -> tuple[str, int, str]:
    return sample.cell.model, sample.cell.at_once, sample.cell.prompt


def _figures(model: str, at_once: int, prompt: str, samples: Sequence[Sample]) -> Figures:
    ended = [sample for sample in samples if not sample.error]
    pauses = [pause for sample in ended for pause in pauses_ms(sample)]
    return Figures(
        model,
        at_once,
        prompt,
        len(samples),
        len(samples) - len(ended),
        median([sample.prompt_tokens for sample in ended]),
        median([sample.completion_tokens for sample in ended]),
        {
            **{name: Spread.of(known(figure, ended)) for name, figure in FIGURES.items()},
            "pause_ms": Spread.of(pauses),
        },
        Spread.of(_together(ended)),
        all(abs(len(one.pieces_ms) - one.completion_tokens) <= 1 for one in ended),
    )


def known(figure: Callable[[Sample], float | None], samples: Sequence[Sample]) -> list[float]:
    """A figure of all samples that have it."""
    return [value for sample in samples if (value := figure(sample)) is not None]


def _together(samples: Sequence[Sample]) -> list[float]:
    """Tokens of all requests sent at once, over the time until the last of them ended."""
    speeds = []
    for _, group in groupby(sorted(samples, key=_round), _round):
        cell = list(group)
        slowest_ms = max(sample.total_ms or 0.0 for sample in cell)
        if slowest_ms:
            written = sum(sample.completion_tokens for sample in cell)
            speeds.append(written * _MS_PER_S / slowest_ms)
    return speeds


def _round(sample: Sample) -> int:
    return sample.cell.round
