"""The child of child.py: ``list``, ``pull`` or ``register`` with the runtime's own library.

Events go to standard output, a JSON object a line; what native code prints does not.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rag.errors import DownloadFailed, ModelUnavailable
from rag.models.foundry import sdk
from rag.models.foundry.source import foundry_folder

# What a model that is served from its folder is told of itself.
_TEXTS = ("reasoning_start", "reasoning_end", "tool_call_start", "tool_call_end", "display_name")
_NUMBERS = ("supports_reasoning", "supports_tool_calling", "context_length", "max_output_tokens")
_UNKNOWN = -1

Tell = Callable[..., None]


def list_models(tell: Tell, data_dir: str, catalogue_url: str) -> None:
    """Without ``catalogue_url`` the execution providers alone: nobody is asked."""
    manager = sdk.started(foundry_folder(Path(data_dir)), catalogue_url or sdk.CATALOGUE_URL)
    models = []
    if catalogue_url:
        with sdk.failures(ModelUnavailable("The catalogue cannot be read.")):
            models = [_model(model) for model in manager.catalog.list_models()]
    tell("done", models=models, providers=_providers(manager))


def pull(tell: Tell, data_dir: str, catalogue_url: str, alias: str, device: str) -> None:
    manager = sdk.started(foundry_folder(Path(data_dir)), catalogue_url)
    if device != "cpu":
        with suppress(DownloadFailed):  # variants for a device are offered once it is registered
            _register(manager, [], tell)
    with sdk.failures(ModelUnavailable("The catalogue cannot be read.")):
        model = manager.catalog.get_model(alias)
        if model is None:
            return tell("not_found")
        fitting = _fitting(model, device)
        if not fitting:
            return tell("no_variant", wanted=device, devices=sorted(map(_device, model.variants)))
        variant = next((one for one in fitting if one.is_cached), fitting[0])
        tell(
            "chosen",
            alias=alias,
            hints=_hints(variant),
            **_variant(variant),
            **_place(variant, manager),
        )
    with sdk.failures(DownloadFailed("The download broke off.")):
        variant.download(lambda percent: tell("progress", percent=percent))
        tell("done", folder=variant.get_path())
    return None


def register(tell: Tell, data_dir: str, *names: str) -> None:
    manager = sdk.started(foundry_folder(Path(data_dir)))
    _register(manager, names, tell)
    tell("done", providers=_providers(manager))


def _register(manager: Any, names: Sequence[str], tell: Tell) -> None:
    with sdk.failures(DownloadFailed("Execution providers could not be fetched.")):
        wanted = [
            one.name
            for one in manager.discover_eps()
            if not one.is_registered and (not names or one.name in names)
        ]
        if wanted:
            manager.download_and_register_eps(
                wanted, lambda name, percent: tell("provider", name=name, percent=percent)
            )


def _fitting(model: Any, device: str) -> list[Any]:
    """The variants for ``device``, the runtime's own choice for this machine first."""
    variants = sorted(model.variants, key=lambda one: one.id != model.id)
    return [one for one in variants if device in ("auto", _device(one))]


def _device(variant: Any) -> str:
    return str(variant.info.runtime.device_type or "").lower()


def _model(model: Any) -> dict[str, Any]:
    info = model.info
    return {
        "alias": model.alias,
        "title": info.display_name or model.alias,
        "publisher": info.publisher or "",
        "licence": info.license or "",
        "context_tokens": info.context_length,
        "variants": [_variant(one) | {"task": one.info.task} for one in _fitting(model, "auto")],
    }


def _variant(variant: Any) -> dict[str, Any]:
    info = variant.info
    return {
        "id": info.id,
        "device": _device(variant),
        "execution_provider": info.runtime.execution_provider,
        "licence": info.license or "",
        "size_mb": info.file_size_mb or 0,
    }


def _hints(variant: Any) -> list[tuple[str, str | int]]:
    texts = [(name, variant.get_string_property(name)) for name in _TEXTS]
    numbers = [(name, variant.get_int_property(name, _UNKNOWN)) for name in _NUMBERS]
    return [(name, value) for name, value in texts if value] + [
        (name, value) for name, value in numbers if value != _UNKNOWN
    ]


def _place(variant: Any, manager: Any) -> dict[str, str]:
    """Where the runtime puts it: a folder a version, below one for its publisher."""
    folder = Path(manager.config.model_cache_dir) / (variant.info.publisher or "")
    return {"root": str(folder / variant.info.id.replace(":", "-"))}


def _providers(manager: Any) -> list[dict[str, Any]]:
    with sdk.failures(ModelUnavailable("Execution providers cannot be listed.")):
        return [
            {"name": one.name, "is_registered": one.is_registered} for one in manager.discover_eps()
        ]


def _end_with_parent() -> None:
    """Its end of our stdin closes when it is gone, however it went."""

    def watch() -> None:
        os.read(0, 1)  # not sys.stdin: its lock would be held when the interpreter ends
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main(arguments: Sequence[str]) -> None:
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # native code prints warnings
    writing = threading.Lock()  # progress comes from threads of the runtime

    def tell(event: str, **told: Any) -> None:
        with writing:
            print(json.dumps({"event": event, **told}), file=events, flush=True)

    commands: dict[str, Callable[..., None]] = {
        "list": list_models,
        "pull": pull,
        "register": register,
    }
    commands[arguments[0]](tell, *arguments[1:])


if __name__ == "__main__":
    _end_with_parent()
    main(sys.argv[1:])
