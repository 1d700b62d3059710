"""What a turn cost: tokens, prices and electricity in, US dollars out.

A model on this machine costs the electricity it takes, where its price is set, and else nothing
(wear is another account). What is not known, a price or the energy, makes the sum unknown, which
is None and never 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rag.types import Energy, Usage

_MILLION = 1_000_000
_WH_A_KWH = 1000


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars a million tokens."""

    prompt_usd: float
    completion_usd: float

    def of(self, used: Usage) -> float:
        """US dollars."""
        prompt_usd = used.prompt_tokens * self.prompt_usd
        completion_usd = used.completion_tokens * self.completion_usd
        return (prompt_usd + completion_usd) / _MILLION


FREE = Price(0.0, 0.0)


def cost_usd(usage: Mapping[str, Usage], prices: Mapping[str, Price | None]) -> float | None:
    """Tokens of all models together; None when one of them has no known price.

    >>> cost_usd({"m": Usage(2000, 500, False)}, {"m": Price(0.15, 0.6)})
    0.0006
    """
    total_usd = 0.0
    for model, used in usage.items():
        price = prices.get(model)
        if price is None:
            return None
        total_usd += price.of(used)
    return total_usd


def energy_usd(energy: Energy | None, usd_per_kwh: float | None) -> float | None:
    """What electricity cost: nothing while it has no price, unknown where only its price is known.

    >>> energy_usd(Energy(500.0, "measured"), 0.3)
    0.15
    """
    if usd_per_kwh is None:
        return 0.0
    return None if energy is None else energy.wh / _WH_A_KWH * usd_per_kwh
