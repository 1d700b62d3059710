"""What servers tell of themselves. In go decoded pages; out come a model's name as the server
spells it, and what is known of its abilities.

It knows the dialects of several servers, but neither how a page is fetched nor what a reply showed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from rag.models.gathering import count, within
from rag.types import Capabilities, GenerationOptions, Message, Reply

# Open-ended, so that no model is certain of every token: figures that are all zero are not real.
QUESTION = (Message("user", "Tell me a story about a lighthouse."),)
OPTIONS = GenerationOptions(max_tokens=8)

# What Foundry Local appends to an alias: "phi-4-mini" is "Phi-4-mini-instruct-generic-cpu:5".
_DEVICE = r"(-instruct|-it|-chat)?(-[a-z]+)?-(cpu|gpu|npu)(:\d+)?"


def entries(page: Any) -> dict[str, Mapping[str, Any]]:
    """The models of ``GET /v1/models``, by name, in the server's order."""
    listed = within(page, "data")
    found = listed if isinstance(listed, list) else []
    return {entry["id"]: entry for entry in found if isinstance(within(entry, "id"), str)}


def listed_name(wanted: str, listed: Sequence[str]) -> str:
    """The server's own spelling of ``wanted``; "" means its first model.

    >>> listed_name("phi-4-mini", ["Phi-4-mini-reasoning-generic-cpu:3", "Phi-4-mini-instruct-cpu"])
    'Phi-4-mini-instruct-cpu'
    """
    if wanted in listed or not listed:
        return wanted
    if not wanted:
        return listed[0]
    spellings = re.compile(rf"{re.escape(wanted)}(:latest|{_DEVICE})?", re.IGNORECASE)
    return next((name for name in listed if spellings.fullmatch(name)), wanted)


def advertised(entry: Mapping[str, Any]) -> Capabilities | None:
    """What our own model server says of a model, so that nothing need be tried; None: nothing."""
    told = entry.get("capabilities")
    if within(told, "logprobs") is None:
        return None
    return Capabilities(
        streams=within(told, "streams"),
        reports_usage=within(told, "reports_usage"),
        logprobs=within(told, "logprobs"),
        context_tokens=_of_entry(entry),
    )


def learned(known: Capabilities, reply: Reply) -> Capabilities:
    """``known``, and what a reply shows. One that is all thinking tells nothing of logprobs."""
    if reply.reasoning:
        known = replace(known, reasons=True)
    if known.logprobs is None and (reply.text or not reply.reasoning):
        known = replace(known, logprobs=reply.logprobs is not None)
    return known


def context_tokens(name: str, entry: Mapping[str, Any], pages: Sequence[Any]) -> int | None:
    """How many tokens the server really takes; None where it does not tell.

    ``pages`` are those of PAGES, None where missing. What the model was trained for is no answer:
    servers run it with less, and some cut the prompt to that without a word.
    """
    told = (read(page, name) for page, read in zip(pages, PAGES.values(), strict=True))
    return _of_entry(entry) or next((figure for page in told if (figure := count(page))), None)


def kept_s(name: str, pages: Sequence[Any], now: datetime) -> float:
    """How long an idle model stays loaded, told just after it was used; only Ollama says so."""
    page = pages[list(PAGES).index("/api/ps")]
    expires_at = within(_named(within(page, "models"), "name", name), "expires_at")
    try:
        return max(0.0, (datetime.fromisoformat(expires_at) - now).total_seconds())
    except (TypeError, ValueError):
        return math.inf


def _of_entry(entry: Mapping[str, Any]) -> int | None:
    return (
        count(entry.get("context_length"))  # ours, OpenRouter
        or count(entry.get("max_model_len"))  # vLLM
        or count(within(entry.get("meta"), "n_ctx"))  # llama-server
    )


def _llama_server(page: Any, name: str) -> Any:
    return within(within(page, "default_generation_settings"), "n_ctx")


def _ollama(page: Any, name: str) -> Any:
    """Only loaded models are on this page: it is the figure of the running one."""
    return within(_named(within(page, "models"), "name", name), "context_length")


def _lm_studio(page: Any, name: str) -> Any:
    return within(_named(within(page, "data"), "id", name), "loaded_context_length")


PAGES: Mapping[str, Callable[[Any, str], Any]] = {
    "/props": _llama_server,
    "/api/ps": _ollama,
    "/api/v0/models": _lm_studio,
}


def _named(found: Any, key: str, name: str) -> Any:
    if not isinstance(found, list):
        return None
    return next((entry for entry in found if within(entry, key) == name), None)
