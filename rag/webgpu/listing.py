"""The list of models for browsers in, models.json out, as webgpu/src/types.ts has it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rag.models.browser.catalogue import BrowserFile, BrowserModel

JSON = dict[str, Any]


def listed(models: Iterable[BrowserModel], *, is_static: bool = False) -> JSON:
    """``is_static``: for a host that can prepare nothing; what only we can make is left out."""
    told = (_model(model, is_static=is_static) for model in models)
    return {"models": [one for one in told if all(file["urls"] for file in one["files"])]}


def _model(model: BrowserModel, *, is_static: bool) -> JSON:
    return {
        "name": model.name,
        "title": model.title,
        "engine": model.engine,
        "dtype": model.dtype,
        "needs": list(model.needs),
        "licence": model.source.licence,
        "memoryBytes": model.memory_bytes,
        "contextTokens": model.context_tokens,
        "bestPassages": model.source.best_passages or 1,
        "files": [_file(model, file, is_static=is_static) for file in model.files],
    }


def _file(model: BrowserModel, file: BrowserFile, *, is_static: bool) -> JSON:
    ours = () if is_static else (f"models/{model.name}/{file.path}",)
    return {
        "path": file.path,
        "sizeBytes": file.size_bytes,
        "sha256": file.sha256,
        "urls": [*ours, *model.hub_urls],
    }
