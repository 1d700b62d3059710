"""The folder of model files: fetched from the catalogue, listed, removed.

A catalogue entry in, a file whose hash is right out. It knows neither what a model answers nor how
it is run: ``embedded/convert.py`` makes of the file what is served.
"""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rag.errors import DownloadFailed, HashMismatch, WeightsError
from rag.models.catalogue import WEIGHTS, Weights
from rag.models.disk import disk_errors, locked
from rag.models.download import PartFile

__all__ = ["WEIGHTS", "Installed", "Progress", "Weights", "fetch", "installed", "remove"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far something slow has come."""

    stage: Literal["download", "convert", "load"]
    done: int
    total: int  # 0: unknown
    unit: str  # "bytes" or "steps"


@dataclass(frozen=True, slots=True)
class Installed:
    """What of a model is on the disk; all files of it together take ``size_bytes``."""

    name: str
    downloaded: bool
    converted: bool
    size_bytes: int


def models_folder(data_dir: Path) -> Path:
    return data_dir / "models"


def fetch(
    weights: Weights,
    folder: Path,
    on_progress: Callable[[Progress], None],
    stop: threading.Event | None = None,
) -> Path:
    """The file ``folder/NAME.gguf``, downloaded now unless it is there and right.

    Blocks. What ``on_progress`` raises, or setting ``stop``, ends it; the next call goes on from
    there. Another process that fetches the same is waited for. Raises WeightsError.
    """
    stop = stop or threading.Event()
    target = folder / f"{weights.name}.gguf"
    path = folder / f"{weights.name}.part"

    shown = 0

    def on_bytes(done: int) -> None:
        nonlocal shown
        if stop.is_set():
            raise WeightsError(f"Fetching {weights.title} was stopped; what has come is kept.")
        shown = max(shown, done) if done else 0  # back only when all has to come again
        on_progress(Progress("download", shown, weights.size_bytes, "bytes"))

    def while_waiting() -> None:
        on_bytes(path.stat().st_size if path.exists() else 0)

    with disk_errors(folder, weights.size_bytes):
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / f"{weights.name}.lock", while_waiting):
            if not _is_right(target, weights):
                part = PartFile(path, weights.size_bytes, weights.sha256, on_bytes)
                _from_any_mirror(weights, part, stop).replace(target)
    return target


def installed(data_dir: Path) -> tuple[Installed, ...]:
    """The catalogue's models, in its order, each with what it takes of the disk."""
    folder = models_folder(data_dir)
    return tuple(
        Installed(
            name,
            downloaded=(folder / f"{name}.gguf").exists(),
            converted=(folder / name).is_dir(),
            size_bytes=sum(_size(path) for path in _traces(name, folder)),
        )
        for name in WEIGHTS
    )


def remove(name: str, data_dir: Path) -> int:
    """Delete everything of a model, a started download included: the bytes that are free now.

    Raises WeightsError when a file is in use.
    """
    freed = 0
    for path in _traces(name, models_folder(data_dir)):
        size = _size(path)
        try:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        except OSError as exc:
            raise WeightsError(
                f"{name} is in use: stop the program that is running it and try again."
            ) from exc
        freed += size
    return freed


def _from_any_mirror(weights: Weights, part: PartFile, stop: threading.Event) -> Path:
    """The finished part. Raises what the mirrors had to say when none could."""
    problems: list[WeightsError] = []
    for mirror in weights.mirrors:
        from_the_start = False
        while not from_the_start:  # a wrong beginning may have been another mirror's
            from_the_start = part.written == 0
            try:
                mirror.append(part, stop)
                part.check()
                return part.path
            except HashMismatch as exc:
                problems.append(exc)
                part.discard()
            except DownloadFailed as exc:
                problems.append(exc)
                break
    wrong = all(isinstance(problem, HashMismatch) for problem in problems)
    raise (HashMismatch if wrong else DownloadFailed)(
        f"{weights.title} could not be fetched. {' '.join(map(str, problems))} Check the network "
        "and try again, or put the file in place by hand as docs/models.md says."
    ) from problems[-1]


def _is_right(path: Path, weights: Weights) -> bool:
    if not path.exists() or path.stat().st_size != weights.size_bytes:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == weights.sha256


def _traces(name: str, folder: Path) -> list[Path]:
    """All of a model but its locks, which another process may be holding."""
    paths = (folder / name, *folder.glob(f"{name}.[!0-9]*"))
    return [path for path in paths if path.exists() and path.suffix != ".lock"]


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
