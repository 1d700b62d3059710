"""The browsers' part of ``models``: what the page /webgpu/ runs, written ``browser:NAME``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from rag.commands import foundry
from rag.encoding import Json
from rag.models.browser.catalogue import BROWSER_MODELS, BrowserModel
from rag.models.browser.prepare import is_prepared, prepare
from rag.models.browser.prepare import remove as remove_made
from rag.models.weights import Progress, models_folder

PREFIX = "browser:"
MB = 1_000_000


def model_name(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """A name of the list for browsers, or what else has files."""
    if not value.startswith(PREFIX):
        return foundry.model_name(ctx, param, value)
    if value.removeprefix(PREFIX) in BROWSER_MODELS:
        return value
    choices = ", ".join(f"{PREFIX}{name}" for name in BROWSER_MODELS)
    raise click.BadParameter(f"{value!r} is not one of {choices}.")


def pull(name: str, data_dir: Path, on_progress: Callable[[Progress], None]) -> Path:
    """The folder of its files. Raises WeightsError."""
    return prepare(_model(name), models_folder(data_dir), on_progress)


def remove(name: str, data_dir: Path) -> int:
    """The bytes that are free now. Raises WeightsError."""
    return remove_made(_model(name), models_folder(data_dir))


def show(data_dir: Path) -> None:
    click.echo("\nModels for browsers, at /webgpu/:")
    for model in BROWSER_MODELS.values():
        is_ready = is_prepared(model, models_folder(data_dir))
        state = "ready" if is_ready else "not prepared"
        needs = f", needs {' and '.join(model.needs)}" if model.needs else ""
        click.echo(f"  {PREFIX}{model.name:<28} {state}; {model.size_bytes / MB:.0f} MB{needs}")


def listed_json(data_dir: Path) -> list[Json]:
    return [
        {
            "name": model.name,
            "title": model.title,
            "engine": model.engine,
            "dtype": model.dtype,
            "needs": list(model.needs),
            "licence": model.source.licence,
            "size_bytes": model.size_bytes,
            "memory_bytes": model.memory_bytes,
            "context_tokens": model.context_tokens,
            "prepared": is_prepared(model, models_folder(data_dir)),
        }
        for model in BROWSER_MODELS.values()
    ]


def _model(name: str) -> BrowserModel:
    return BROWSER_MODELS[name.removeprefix(PREFIX)]
