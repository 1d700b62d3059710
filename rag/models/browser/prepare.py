"""The folder of models for browsers: prepared from the catalogue's files, found, removed.

A model of the list in, files whose hashes are right out, or none at all. It knows nothing of who
asks for them.
"""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from rag.errors import HashMismatch, WeightsError
from rag.models.browser.catalogue import BROWSER_MODELS, BrowserFile, BrowserModel
from rag.models.browser.making import Recipe
from rag.models.disk import disk_errors, locked, require_room
from rag.models.weights import Progress, fetch

__all__ = ["BROWSER_MODELS", "BrowserModel", "is_prepared", "located", "prepare", "remove"]

OnProgress = Callable[[Progress], None]

_FOLDER = "browser"  # inside the folder of model files; no model of the catalogue has this name


def located(model: BrowserModel, path: str, folder: Path) -> Path | None:
    """Where ``path`` of a model is, if it is there. Blocks for a moment."""
    file = next((one for one in model.files if one.path == path), None)
    if file is None:
        return None
    where = _path(model, file, folder)
    return where if where.is_file() and where.stat().st_size == file.size_bytes else None


def is_prepared(model: BrowserModel, folder: Path) -> bool:
    return all(located(model, file.path, folder) for file in model.files)


def prepare(
    model: BrowserModel,
    folder: Path,
    on_progress: OnProgress,
    stop: threading.Event | None = None,
) -> Path:
    """The folder of a model's files, once what is not there yet is fetched and converted.

    Blocks. What ``on_progress`` raises, or setting ``stop``, ends it and leaves nothing half.
    Another process that prepares the same is waited for. Raises WeightsError.
    """
    stop, recipe = stop or threading.Event(), model.recipe
    target = _target(model, folder)
    if is_prepared(model, folder):
        return target
    gguf = fetch(model.source, folder, on_progress, stop)
    if recipe is None:
        return target

    def on_share(done: int, total: int) -> None:
        if stop.is_set():
            raise WeightsError(f"Preparing {model.name} was stopped.")
        on_progress(Progress("convert", done, total, "steps"))

    with disk_errors(folder, model.size_bytes):
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.with_name(f"{model.name}.lock"), lambda: on_share(0, 0)):
            if not is_prepared(model, folder):
                require_room(folder, model.size_bytes)
                _make(model, recipe, gguf, target, on_share)
    return target


def remove(model: BrowserModel, folder: Path) -> int:
    """Delete what was made of a model, not the file it was made of: the bytes that are free now."""
    if model.recipe is None:
        return 0
    target = _target(model, folder)
    freed = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    with disk_errors(folder, 0):
        if target.exists():
            shutil.rmtree(target)
    return freed


def _make(
    model: BrowserModel,
    recipe: Recipe,
    gguf: Path,
    target: Path,
    on_share: Callable[[int, int], None],
) -> None:
    unfinished = target.with_name(f"{model.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    try:
        with closing(recipe.make(gguf, unfinished)) as steps:
            for done, total in steps:
                on_share(done, total)
        for file in model.files:
            _check(unfinished / file.path, file, model)
        shutil.rmtree(target, ignore_errors=True)
        unfinished.replace(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _check(path: Path, file: BrowserFile, model: BrowserModel) -> None:
    with path.open("rb") as content:
        if hashlib.file_digest(content, "sha256").hexdigest() != file.sha256:
            raise HashMismatch(
                f"{model.name} did not come out as it was checked, so it is not used. Choose "
                "another model, and report this with what `python -m rag doctor` says."
            )


def _target(model: BrowserModel, folder: Path) -> Path:
    """Where its files are; one that is used as it was fetched stays where it is."""
    return folder / _FOLDER / model.name if model.recipe else folder


def _path(model: BrowserModel, file: BrowserFile, folder: Path) -> Path:
    if model.recipe is None:
        return folder / f"{model.source.name}.gguf"
    return _target(model, folder) / file.path
