"""What a turn cost: tokens by model and a table of prices in, US dollars out.

A model on this machine costs nothing to ask (electricity and depreciation are another account). A
remote model without a listed price costs an unknown amount, which is None and never 0.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rag.types import Usage

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars a million tokens."""

    prompt_usd: float
    completion_usd: float


FREE = Price(0.0, 0.0)


def cost_usd(
    usage: Mapping[str, Usage], local: Collection[str], prices: Mapping[str, Price]
) -> float | None:
    """Cost of all models together; None when one of them has no known price.

    >>> cost_usd({"m": Usage(2000, 500, False)}, (), {"m": Price(0.15, 0.6)})
    0.0006
    """
    total_usd = 0.0
    for model, used in usage.items():
        price = FREE if model in local else prices.get(model)
        if price is None:
            return None
        prompt_usd = used.prompt_tokens * price.prompt_usd
        completion_usd = used.completion_tokens * price.completion_usd
        total_usd += (prompt_usd + completion_usd) / _MILLION
    return total_usd
