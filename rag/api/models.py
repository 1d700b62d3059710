"""The models that can be asked for: names in, OpenAI's list out."""

from __future__ import annotations

from rag.api.errors import ApiError
from rag.api.schema import NAMES, ModelName
from rag.models.embedded.protocol import JSON

_ABOUT: dict[ModelName, str] = {
    "rag-auto": "The small model answers; what is doubtful goes to the larger one.",
    "rag-slm": "The small model alone, sent as it is written.",
    "rag-llm": "The larger model alone.",
    "rag-refine": "The small model drafts; the larger one polishes where that pays.",
}


def listed(created: int) -> JSON:
    return {"object": "list", "data": [_entry(name, created) for name in NAMES]}


def one(name: str, created: int) -> JSON:
    """Raises ApiError when there is none of that name."""
    if name not in NAMES:
        raise ApiError(404, f"There is no model {name}.", "model_not_found", "model")
    return _entry(name, created)


def _entry(name: ModelName, created: int) -> JSON:
    return {
        "id": name,
        "object": "model",
        "created": created,
        "owned_by": "edge-rag-chat",
        "description": _ABOUT[name],
    }
