"""What a person or the settings say about answering; defaults are those of settings.py."""

from __future__ import annotations

from dataclasses import dataclass

from rag.measuring.energy import NO_METER, Meter
from rag.measuring.prices import NO_PRICES, Prices


@dataclass(frozen=True, slots=True)
class AnsweringOptions:
    top_k: int | None = None  # passages a model gets; None: as many as it answers best with
    # The most tokens they may take; None: what the model's context allows.
    context_tokens: int | None = None
    temperature: float = 0.0
    max_tokens: int = 512
    stop: tuple[str, ...] = ()  # words at which a model ends
    escalation_timeout_s: float = 120.0  # longest the larger model may take after a draft
    refine_topics: tuple[str, ...] = ()  # words of a question that make ``refine`` polish
    prices: Prices = NO_PRICES  # of models on other machines
    meter: Meter = NO_METER  # of what models on this one take
    usd_per_kwh: float | None = None  # of that; None: electricity is not counted


DEFAULT_OPTIONS = AnsweringOptions()
