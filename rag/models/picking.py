"""Which of the found models ``auto`` takes. In go servers with their models; out come one model's
setting and the reason, or none and the reason.

The same servers give the same answer. It asks nobody and knows no embedded model but the two sizes
below, which a found one must exceed to be worth more than what comes with the program.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rag.models.dialects import FOUNDRY, FoundModel
from rag.models.discovery import FoundServer
from rag.models.naming import Purpose
from rag.models.probe import listed_name
from rag.models.providers import NAMES, larger_of
from rag.types import Reach, Tier

ALIASES: Mapping[Tier, str] = {"slm": "phi-4-mini", "llm": "gpt-oss-20b"}  # of Foundry Local
EMBEDDED_B: Mapping[Tier, float] = {"slm": 0.5, "llm": 1.5}
SMALL_B = 5.0  # a small model has at most so many parameters, in billions
# Others cannot chat. A model that only thinks, or was made to look, is taken when no other is.
_ORDER: Mapping[Purpose, int] = {"chat": 0, "reasoning": 1, "vision": 2}


@dataclass(frozen=True, slots=True)
class Picked:
    """``is_alias``: ``model`` is Foundry Local's short name rather than the server's own."""

    server: FoundServer
    model: str
    reason: str  # a sentence
    is_alias: bool = False


@dataclass(frozen=True, slots=True)
class _Offer:
    server: FoundServer
    model: FoundModel
    size_b: float


def pick(
    tier: Tier,
    servers: Sequence[FoundServer],
    *,
    above_b: float = 0.0,
    reaches: Sequence[Reach] = ("machine",),
    memory_bytes: int | None = None,
) -> Picked | None:
    """``above_b``: billions of parameters that the larger model must exceed. ``reaches``: where it
    may be. A model whose file is larger than the machine's memory is left alone."""
    usable = [one for one in servers if one.reach in reaches and not one.problem]
    foundry = next((one for one in usable if has_alias(one, ALIASES[tier])), None)
    if foundry is not None:
        reason = f"{foundry.name} has {ALIASES[tier]}."
        return Picked(foundry, ALIASES[tier], reason, is_alias=True)
    floor_b = max(above_b, EMBEDDED_B["llm"]) if tier == "llm" else EMBEDDED_B["slm"]
    offers = [
        one
        for one in _offers(usable, memory_bytes)
        if floor_b < one.size_b and (tier == "llm" or one.size_b <= SMALL_B)
    ]
    if offers:
        best = min(offers, key=lambda one: (_ORDER[one.model.purpose], -one.size_b))
        which = "the largest found" if tier == "llm" else f"the largest of at most {SMALL_B:g}B"
        return Picked(best.server, best.model.name, _because(best, which))
    return _in_a_cloud(usable) if tier == "llm" else None


def has_alias(server: FoundServer, alias: str) -> bool:
    """Whether it is a service of Foundry Local that has the model of that short name."""
    names = [model.name for model in server.models]
    return server.kind == FOUNDRY and listed_name(alias, names) in names


def _offers(servers: Sequence[FoundServer], memory_bytes: int | None) -> Iterator[_Offer]:
    """Not of providers: the largest of hundreds is no choice to be made with a person's money."""
    for server in servers:
        for model in server.models if server.kind not in NAMES else ():
            size_b, file_bytes = model.parameters_b, model.size_bytes
            if size_b is None or model.purpose not in _ORDER or model.is_hosted:
                continue
            if memory_bytes is None or file_bytes is None or file_bytes < memory_bytes:
                yield _Offer(server, model, size_b)


def _because(offer: _Offer, which: str) -> str:
    others = {"reasoning": " (it thinks before it answers)", "vision": " (made for pictures)"}
    made_for = others.get(offer.model.purpose, "")
    return f"{offer.server.name} has {offer.model.name}, {which}{made_for}."


def _in_a_cloud(servers: Sequence[FoundServer]) -> Picked | None:
    """Only of a provider that may be asked: its ``reach`` was allowed."""
    for server in servers:
        larger = larger_of(server.kind)
        if any(model.name == larger for model in server.models):
            reason = f"No larger model was found on this machine, and {server.name} may be asked."
            return Picked(server, larger, reason)
    return None
