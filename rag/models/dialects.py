"""How each kind of model server tells what it is. In go decoded pages; out come a server's kind,
version and models.

It knows the pages of many servers, but neither how one is fetched nor which model is wanted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rag.models.gathering import count, within
from rag.models.naming import Purpose, parameters_b, purpose
from rag.types import Capabilities

Pages = Mapping[str, Any]  # decoded, by path; None where the server has none
Entry = Mapping[str, Any]  # a model's, of the list at /v1/models


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A model that a server offers; None and "": it does not tell."""

    name: str
    purpose: Purpose = "chat"
    parameters_b: float | None = None  # billions
    size_bytes: int | None = None  # of its file
    context_tokens: int | None = None  # that it runs with, where it is loaded
    is_loaded: bool | None = None
    is_hosted: bool = False  # the server hands prompts on to its maker's machines
    digest: str = ""  # another one: the model behind the name has changed
    capabilities: Capabilities | None = None  # as seen when it was last probed; None: never


@dataclass(frozen=True, slots=True)
class Dialect:
    """``pages`` are asked for beside /v1/models; ``is_spoken`` tells by them whether a server is
    of this kind; without pages only its port tells."""

    kind: str
    port: int
    pages: tuple[str, ...] = ()
    path: str = "/v1"
    is_spoken: Callable[[Sequence[Entry], Pages], bool] = lambda entries, pages: False
    version: Callable[[Pages], Any] = lambda pages: ""
    model: Callable[[str, Entry, Pages], FoundModel] = lambda name, entry, pages: named(name)


def named(name: str, **known: Any) -> FoundModel:
    """What the name tells, and over it what is ``known``."""
    told = {key: value for key, value in known.items() if value is not None}
    return FoundModel(
        name, **{"purpose": purpose(name), "parameters_b": parameters_b(name), **told}
    )


def _of(found: Any, key: str, name: str) -> Any:
    """The entry of a list whose ``key`` is ``name``."""
    entries = found if isinstance(found, list) else []
    return next((entry for entry in entries if within(entry, key) == name), None)


def _text(found: Any) -> str:
    return found if isinstance(found, str) else ""


# --- Ollama


def is_hosted(name: str) -> bool:
    """Whether an Ollama hands prompts for this model on to its maker's machines.

    >>> is_hosted("gpt-oss:120b-cloud"), is_hosted("gpt-oss:20b")
    (True, False)
    """
    return re.search(r":(.*-)?cloud$", name) is not None


def _ollama_model(name: str, entry: Entry, pages: Pages) -> FoundModel:
    told = _of(within(pages["/api/tags"], "models"), "name", name)
    loaded = _of(within(pages["/api/ps"], "models"), "name", name)
    details = within(told, "details")
    return named(
        name,
        purpose="embedding" if "bert" in _text(within(details, "family")) else None,
        parameters_b=parameters_b(_text(within(details, "parameter_size"))),
        size_bytes=count(within(told, "size")),
        context_tokens=count(within(loaded, "context_length")),
        is_loaded=loaded is not None,
        is_hosted=bool(within(told, "remote_host")) or is_hosted(name),
        digest=_text(within(told, "digest")),
    )


# --- LM Studio


def _lm_studio_model(name: str, entry: Entry, pages: Pages) -> FoundModel:
    told = _of(within(pages["/api/v0/models"], "data"), "id", name)
    state = within(told, "state")
    return named(
        name,
        purpose="embedding" if within(told, "type") == "embeddings" else None,
        context_tokens=count(within(told, "loaded_context_length")),
        is_loaded=state == "loaded" if state else None,
        digest=_text(within(told, "quantization")),
    )


def _is_lm_studio(entries: Sequence[Entry], pages: Pages) -> bool:
    listed = within(pages["/api/v0/models"], "data")  # other paths are answered 200, too
    return isinstance(listed, list)


# --- llama-server, vLLM

_MOST_PARAMETERS = 10**15  # more is a mistake


def _llama_model(name: str, entry: Entry, pages: Pages) -> FoundModel:
    meta = within(entry, "meta")
    parameters = count(within(meta, "n_params"))
    settings = within(pages["/props"], "default_generation_settings")
    return named(
        name,
        parameters_b=parameters / 1e9 if parameters and parameters < _MOST_PARAMETERS else None,
        size_bytes=count(within(meta, "size")),
        context_tokens=count(within(settings, "n_ctx")),
        is_loaded=True,
        digest=str(parameters or ""),
    )


def _vllm_model(name: str, entry: Entry, pages: Pages) -> FoundModel:
    return named(name, context_tokens=count(within(entry, "max_model_len")), is_loaded=True)


# --- all


def _owner(wanted: str) -> Callable[[Sequence[Entry], Pages], bool]:
    return lambda entries, pages: any(within(entry, "owned_by") == wanted for entry in entries)


def _version(path: str, key: str = "version") -> Callable[[Pages], Any]:
    return lambda pages: within(pages[path], key)


def _has(path: str, key: str) -> Callable[[Sequence[Entry], Pages], bool]:
    return lambda entries, pages: within(pages[path], key) is not None


FOUNDRY = "Foundry Local"

# In the order in which an unknown server is asked what it is: those that imitate others first.
DIALECTS: tuple[Dialect, ...] = (
    Dialect(
        FOUNDRY,
        5273,
        ("/openai/status", "/status"),  # of its service up to 1, and from 2 on
        is_spoken=lambda entries, pages: any(within(page, "endpoints") for page in pages.values()),
    ),
    Dialect(
        "LM Studio",
        1234,
        ("/api/v0/models",),
        is_spoken=_is_lm_studio,
        model=_lm_studio_model,
    ),
    Dialect(
        "llama-server",
        8080,
        ("/props",),
        is_spoken=_has("/props", "default_generation_settings"),
        version=_version("/props", "build_info"),
        model=_llama_model,
    ),
    Dialect(
        "KoboldCpp",
        5001,
        ("/api/extra/version",),
        is_spoken=_has("/api/extra/version", "result"),
        version=_version("/api/extra/version"),
    ),
    Dialect(
        "Ollama",
        11434,
        ("/api/version", "/api/tags", "/api/ps"),
        is_spoken=_has("/api/version", "version"),
        version=_version("/api/version"),
        model=_ollama_model,
    ),
    Dialect(
        "vLLM",
        8000,
        ("/version",),
        is_spoken=_owner("vllm"),
        version=_version("/version"),
        model=_vllm_model,
    ),
    Dialect("Jan", 1337),
    Dialect("GPT4All", 4891),
)
BY_KIND: Mapping[str, Dialect] = {dialect.kind: dialect for dialect in DIALECTS}
