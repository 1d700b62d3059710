"""What the larger model takes for a turn, as the ledger shows it: entries in, estimates out.

A turn that it answered counts as it was, without the draft before it. For any other turn the time
is the median of those it answered; the tokens are the prompt's of that turn (its median prompt,
where none was written) and its median completion, at its price; on this machine, the electricity is
the median of those it answered. "The larger model" is the one that answered last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from rag.measuring.cost import FREE, Price, energy_usd
from rag.measuring.entries import Entry
from rag.measuring.prices import Prices
from rag.types import Energy, Usage


@dataclass(frozen=True, slots=True)
class Larger:
    """The larger model, as its turns in the ledger show it."""

    model: str
    turns: int
    median_ms: float | None  # from asking it to its last word
    median_prompt_tokens: float
    median_completion_tokens: float
    price: Price | None
    energy_usd: float | None = 0.0  # of a turn; None: its price is set, the energy not known

    def answered(self, entry: Entry) -> bool:
        return _answered(entry) and entry.llm == self.model

    def ms(self, entry: Entry) -> float | None:
        """What it takes for this turn."""
        known = larger_ms(entry) if self.answered(entry) else None
        return self.median_ms if known is None else known

    def usd(self, entry: Entry) -> float | None:
        if self.price is None or self.energy_usd is None:
            return None
        return self.price.of(self._usage(entry)) + self.energy_usd

    def _usage(self, entry: Entry) -> Usage:
        if self.answered(entry):
            return entry.usage[self.model]
        read = entry.usage.get(entry.slm)
        prompt_tokens = read.prompt_tokens if read else round(self.median_prompt_tokens)
        return Usage(prompt_tokens, round(self.median_completion_tokens), estimated=True)


def larger_of(
    entries: Sequence[Entry], prices: Prices, usd_per_kwh: float | None = None
) -> Larger | None:
    """None where no turn was answered by a larger model."""
    answered = [entry for entry in entries if _answered(entry)]
    if not answered:
        return None
    model = answered[-1].llm
    its = [entry for entry in answered if entry.llm == model]
    times_ms = [ms for entry in its if (ms := larger_ms(entry)) is not None]
    is_here = any(map(_is_here, its))
    return Larger(
        model,
        len(its),
        median(times_ms) if times_ms else None,
        median(entry.usage[model].prompt_tokens for entry in its),
        median(entry.usage[model].completion_tokens for entry in its),
        FREE if is_here else prices.find(model),
        energy_usd(_median_energy(its), usd_per_kwh) if is_here else 0.0,
    )


def _is_here(entry: Entry) -> bool:
    """By its cost in turns that were noted before the ledger knew how far prompts travel."""
    part = entry.parts.get("llm")
    return part.reach == "machine" if part else entry.cost_usd == 0


def _median_energy(its: Sequence[Entry]) -> Energy | None:
    parts = [part for entry in its if (part := entry.parts.get("llm"))]
    known = [part.energy for part in parts if part.energy]
    return Energy(median(energy.wh for energy in known), known[0].source) if known else None


def larger_ms(entry: Entry) -> float | None:
    """What the larger model took; where no draft came before it, all after search and waiting."""
    latency = entry.latency
    if latency.escalate_ms is not None:
        return latency.escalate_ms
    if entry.slm or latency.total_ms is None:
        return None
    return latency.total_ms - search_ms(entry) - (latency.queue_ms or 0.0)


def search_ms(entry: Entry) -> float:
    return (entry.latency.retrieve_ms or 0.0) + (entry.latency.pack_ms or 0.0)


def _answered(entry: Entry) -> bool:
    """Whether it wrote of its own, to the end; a polished draft is another matter."""
    return entry.route in {"llm", "declined"} and entry.llm in entry.usage
