"""What is known of a found model, in words: what its server told, what it was seen to do."""

from __future__ import annotations

from collections.abc import Iterator

from rag.models.dialects import FoundModel
from rag.types import Capabilities


def described(model: FoundModel) -> str:
    """A model's name, and in brackets what is known of it."""
    known = ", ".join(known_of(model))
    return f"{model.name} ({known})" if known else model.name


def known_of(model: FoundModel) -> Iterator[str]:
    """What a server tells of a model, and what the model was seen to do, in words."""
    if model.purpose != "chat":
        yield model.purpose
    if model.parameters_b is not None:
        yield f"{model.parameters_b:.3g}B"
    can = model.capabilities or Capabilities()
    if context := model.context_tokens or can.context_tokens:
        yield f"context {context:,}"
    if model.is_hosted:
        yield "runs in a cloud"
    yield from abilities(can)


def abilities(can: Capabilities) -> Iterator[str]:
    """What a model was seen to do, in words; nothing of what is not known."""
    told = {
        "streams": can.streams,
        "counts tokens": can.reports_usage,
        "gives probabilities": can.logprobs,
    }
    yield from (words for words, yes in told.items() if yes)
