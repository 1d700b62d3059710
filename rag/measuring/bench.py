"""What ``bench`` asks, and what it makes of the samples: a plan out; samples in, figures out.

How each figure is defined stands in throughput.py, and for a reader in docs/bench.md.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from rag.measuring.experiment import cells
from rag.measuring.samples import Plan, Prompt, Resources, Sample
from rag.measuring.throughput import Figures, Spread, figures, known
from rag.tokens import truncate
from rag.types import Message

_RECORD = "On day {day} station {station} recorded {litres} litres at {degrees} degrees. "
_TASK = "\n\nTell in detail, and at length, what these records say."
_ROOM_TOKENS = 20  # for the task and the template around it


def prompt_of_length(tokens: int, max_tokens: int) -> Prompt:
    """Records of about so many tokens, always the same, with a task that takes a long answer."""
    said = random.Random(tokens)  # noqa: S311 (no secret)
    records = "".join(
        _RECORD.format(
            day=said.randint(1, 365),
            station=said.randint(1, 40),
            litres=said.randint(100, 9_000),
            degrees=said.randint(-20, 40),
        )
        for _ in range(tokens // 12 + 1)  # a record has more than 12
    )
    text = truncate(records, max(1, tokens - _ROOM_TOKENS)) + _TASK
    return Prompt(f"{tokens} tokens", (Message("user", text),), max_tokens)


def prompt_of_text(text: str, max_tokens: int) -> Prompt:
    return Prompt("prompt", (Message("user", text),), max_tokens)


@dataclass(frozen=True, slots=True)
class Start:
    """How a model begins: loaded, and asked for the first time."""

    model: str
    load_ms: float | None  # None: it was loaded already, or it failed
    first_token_ms: float | None  # of the first request after loading


@dataclass(frozen=True, slots=True)
class Taken:
    """What a model's process takes, over the requests that ran alone."""

    model: str
    peak_memory_bytes: int | None  # None: it cannot be seen from here
    cpu_s: Spread | None  # of one request
    cores: Spread | None  # busy on average while it runs
    gpu_share: Spread | None  # of NVIDIA's busiest card, 0 to 1
    energy_wh: Spread | None
    energy_source: str


@dataclass(frozen=True, slots=True)
class Bench:
    plan: Plan
    starts: tuple[Start, ...]
    taken: tuple[Taken, ...]
    figures: tuple[Figures, ...]
    is_whole: bool  # False: the run was stopped


def bench(plan: Plan, samples: Sequence[Sample]) -> Bench:
    asked = {sample.cell for sample in samples}
    return Bench(
        plan,
        tuple(_start(model, samples) for model in plan.models),
        tuple(_taken(model, samples) for model in plan.models),
        tuple(figures(samples)),
        is_whole=asked.issuperset(cells(plan)),
    )


def _start(model: str, samples: Sequence[Sample]) -> Start:
    """Of its coldest warm-up: a run that went on warmed it up again."""
    warmups = [one for one in samples if one.cell.model == model and not one.cell.round]
    coldest = max(warmups, key=lambda one: (one.is_cold, one.load_ms or 0.0), default=None)
    if coldest is None:
        return Start(model, None, None)
    load_ms = coldest.load_ms if coldest.is_cold else None
    return Start(model, load_ms, coldest.first_token_ms)


def _taken(model: str, samples: Sequence[Sample]) -> Taken:
    alone = [one for one in samples if one.cell.model == model and one.resources and not one.error]
    peaks = [one.resources.peak_memory_bytes or 0 for one in alone if one.resources]
    counted = [one for one in alone if one.cell.round]
    sources = {one.resources.energy_source for one in counted if one.resources} - {""}
    return Taken(
        model,
        max(peaks, default=0) or None,
        Spread.of(known(_cpu_s, counted)),
        Spread.of(known(_cores, counted)),
        Spread.of(known(_gpu_share, counted)),
        Spread.of(known(_energy_wh, counted)),
        ", ".join(sorted(sources)),
    )


def _resources(sample: Sample) -> Resources:
    return sample.resources or Resources()


def _cpu_s(sample: Sample) -> float | None:
    return _resources(sample).cpu_s


def _cores(sample: Sample) -> float | None:
    cpu_s = _cpu_s(sample)
    return cpu_s * 1000 / sample.total_ms if cpu_s is not None and sample.total_ms else None


def _gpu_share(sample: Sample) -> float | None:
    return _resources(sample).gpu_share


def _energy_wh(sample: Sample) -> float | None:
    return _resources(sample).energy_wh
