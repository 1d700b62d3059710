"""What a turn cost: tokens by model and a table of prices in, US dollars out.

A model on this machine costs nothing to ask (electricity and depreciation are another account). A
remote model without a listed price costs an unknown amount, which is None and never 0.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import isfinite

from rag.errors import SettingsError
from rag.types import Usage

_MILLION = 1_000_000


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
        total_usd += price.of(used)
    return total_usd


def parse_prices(text: str) -> dict[str, Price]:
    """The setting RAG_PRICES: ``model=prompt/completion``, separated by commas.

    Raises SettingsError, which tells the place of what is wrong.

    >>> parse_prices("gpt-4o-mini=0.15/0.60")
    {'gpt-4o-mini': Price(prompt_usd=0.15, completion_usd=0.6)}
    """
    prices: dict[str, Price] = {}
    for place, entry in enumerate(text.rstrip(" ,").split(",") if text.strip(" ,") else (), 1):
        model, _, amounts = (part.strip() for part in entry.rpartition("="))
        prompt_usd, _, completion_usd = amounts.partition("/")
        try:
            price = Price(_amount(prompt_usd), _amount(completion_usd))
        except ValueError as exc:
            raise _bad(
                place, "is not of the form model=prompt/completion with two amounts"
            ) from exc
        if not model:
            raise _bad(place, "names no model")
        if model in prices:
            raise _bad(place, "names a model a second time")
        prices[model] = price
    return prices


def _amount(text: str) -> float:
    amount = float(text)
    if not isfinite(amount) or amount < 0:
        raise ValueError
    return amount


def _bad(place: int, what: str) -> SettingsError:
    return SettingsError(
        f"Setting RAG_PRICES: entry {place} {what}. Write it like gpt-4o-mini=0.15/0.60, in US "
        "dollars for a million tokens, with commas between models."
    )
