"""What turns took on the average, as the ledger shows it: entries in, observations out.

``None`` means that the ledger does not tell. Of each tier the model that was asked last counts,
with all its goes; a turn without an answer counts nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from rag.measuring.entries import Entry
from rag.measuring.larger import larger_ms
from rag.types import Reach, Tier

DAYS_A_MONTH = 365 / 12
MIN_DAYS = 7.0  # below, a month cannot be told from it

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class ObservedGo:
    """A model's answers to turns, on the average."""

    model: str
    goes: int
    prompt_tokens: float
    completion_tokens: float
    seconds: float | None
    wh: float | None  # of this machine
    is_whole: bool  # else some of it was measured at the processors alone
    reach: Reach | None


@dataclass(frozen=True, slots=True)
class Observed:
    turns: int
    days: float  # from the first to the last
    auto_turns: int
    escalation_rate: float | None
    small: ObservedGo | None
    large: ObservedGo | None

    @property
    def turns_a_month(self) -> float | None:
        return self.turns / self.days * DAYS_A_MONTH if self.days >= MIN_DAYS else None


def observed(noted: Sequence[Entry]) -> Observed:
    """``noted`` in the order of time."""
    entries = [entry for entry in noted if entry.route != "failed"]
    auto = [entry for entry in entries if entry.mode == "auto"]
    return Observed(
        len(entries),
        (entries[-1].at - entries[0].at) / _DAY_S if entries else 0.0,
        len(auto),
        fmean(bool(entry.llm) for entry in auto) if auto else None,
        _go(entries, "slm", _draft_s),
        _go(entries, "llm", _larger_s),
    )


def _go(
    entries: Sequence[Entry], tier: Tier, seconds: Callable[[Entry], float | None]
) -> ObservedGo | None:
    asked = [entry for entry in entries if _model(entry, tier) in entry.usage]
    if not asked:
        return None
    model = _model(asked[-1], tier)
    its = [entry for entry in asked if _model(entry, tier) == model]
    energies = [part.energy for entry in its if (part := entry.parts.get(tier)) and part.energy]
    reaches = [part.reach for entry in its if (part := entry.parts.get(tier))]
    return ObservedGo(
        model,
        len(its),
        fmean(entry.usage[model].prompt_tokens for entry in its),
        fmean(entry.usage[model].completion_tokens for entry in its),
        _mean([known for entry in its if (known := seconds(entry)) is not None]),
        _mean([energy.wh for energy in energies]),
        all(energy.is_whole for energy in energies),
        reaches[-1] if reaches else None,
    )


def _draft_s(entry: Entry) -> float | None:
    first_ms, rest_ms = entry.latency.first_token_ms, entry.latency.generate_ms
    return None if rest_ms is None else ((first_ms or 0.0) + rest_ms) / 1000


def _larger_s(entry: Entry) -> float | None:
    taken_ms = larger_ms(entry)
    return None if taken_ms is None else taken_ms / 1000


def _model(entry: Entry, tier: Tier) -> str:
    return entry.llm if tier == "llm" else entry.slm


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None
