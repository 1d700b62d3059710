"""What ``doctor`` says beside machine, servers and models: Foundry Local's runtime, energy, prices.

Settings and what a tier became in; findings out. Nothing is started, and nobody is asked.
"""

from __future__ import annotations

from collections.abc import Iterator

from rag.errors import SettingsError
from rag.machine import Finding
from rag.measuring.energy import meter_of
from rag.measuring.prices import load_prices
from rag.models.chat import ChatModel
from rag.models.foundry import sdk
from rag.models.foundry.offers import remembered_providers
from rag.models.foundry.source import pulled
from rag.settings import Settings
from rag.types import Tier


def foundry(settings: Settings) -> Iterator[Finding]:
    """Nothing where its runtime is not installed. It is not started: that would be reported."""
    if not sdk.is_installed():
        return
    fetched = ", ".join(
        f"{one.alias}{f' ({one.device})' if one.device else ''}"
        for one in pulled(settings.data_dir)
    )
    named = f"Foundry Local's runtime {sdk.installed_version()}".rstrip()
    yield Finding(
        "foundry local",
        "ok",
        f"{named} is installed. Fetched: {fetched or 'no model yet'}. {_providers(settings)} Each "
        "start of it is reported to Microsoft, without any text: see docs/foundry.md.",
    )


def _providers(settings: Settings) -> str:
    known = remembered_providers(settings.data_dir)
    if known is None:
        return "Execution providers: looked for by `python -m rag models foundry`."
    ready = ", ".join(one.name for one in known if one.is_registered)
    return f"Execution providers registered: {ready or 'none beside the processor'}."


def energy(settings: Settings) -> Finding:
    return Finding("energy", "ok", meter_of(settings.watts).sentence)


def price(tier: Tier, model: ChatModel | None, settings: Settings) -> Iterator[Finding]:
    """Only of a model elsewhere whose price is not known, or of a list that cannot be read."""
    if model is None or model.reach == "machine" or not model.name:
        return
    check = f"{tier} price"
    try:
        prices = load_prices(settings.prices, settings.data_dir)
    except SettingsError as exc:
        yield Finding(check, "problem", str(exc))
        return
    if prices.find(model.name, model.address) is not None:
        return
    is_old = prices.is_old(model.name, model.address)
    why = "was checked more than a year ago" if is_old else "is in no list"
    yield Finding(
        check,
        "warning",
        f"The price of {model.name} {why}, so what its answers cost is not known.",
        f"Set RAG_PRICES={model.name}=PROMPT/COMPLETION, in US dollars for a million tokens of "
        "each, or correct the list that `python -m rag prices --copy` makes.",
    )
