"""What a model of Foundry Local is served from: a folder on this machine, and what is known of it.

A model that was fetched from the catalogue is noted in a file of its own, so that serving it asks
nobody and works without a network.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from rag.errors import WeightsError
from rag.models.foundry.folder import OnnxFolder
from rag.types import Device

_CPU = "CPUExecutionProvider"
_UNFINISHED = "download.tmp"  # the runtime's own sign

Hints = tuple[tuple[str, str | int], ...]  # properties, by the names the runtime gives them


@dataclass(frozen=True, slots=True)
class Source:
    name: str
    folder: Path
    providers: tuple[str, ...] = ()  # to be registered first; "*": whatever is found
    hints: Hints = ()

    @property
    def key(self) -> str:
        """A name for files: another folder of the same name has another.

        >>> Source("Phi 4", Path("/models/phi")).key
        'foundry-Phi_4-4b1f5b3f'
        """
        told = hashlib.sha256(str(self.folder).encode()).hexdigest()[:8]
        return f"foundry-{re.sub(r'[^A-Za-z0-9._-]', '_', self.name)}-{told}"


@dataclass(frozen=True, slots=True)
class Pulled:
    """A variant of a model, fetched from the catalogue, or begun to be."""

    alias: str
    id: str
    device: str  # "cpu", "gpu", "npu", or "" when the catalogue does not tell
    execution_provider: str
    licence: str
    size_bytes: int
    root: Path  # everything of it, and nothing else
    folder: Path | None = None  # with genai_config.json; None: it has not all come yet
    hints: Hints = ()

    @property
    def is_complete(self) -> bool:
        return (
            self.folder is not None
            and (self.folder / "genai_config.json").exists()
            and not (self.root / _UNFINISHED).exists()
        )


def foundry_folder(data_dir: Path) -> Path:
    return data_dir / "foundry"


def of_folder(folder: OnnxFolder) -> Source:
    return Source(folder.name, folder.path, ("*",) if folder.has_providers else ())


def of_pulled(pulled: Pulled) -> Source:
    providers = (pulled.execution_provider,) if pulled.execution_provider not in ("", _CPU) else ()
    return Source(pulled.alias, pulled.folder or pulled.root, providers, pulled.hints)


def noted(data_dir: Path) -> tuple[Pulled, ...]:
    """What was fetched, finished or not, by alias."""
    notes = (_read(path) for path in _notes(data_dir).glob("*.json"))
    return tuple(sorted(filter(None, notes), key=lambda one: (one.alias, one.device)))


def pulled(data_dir: Path) -> tuple[Pulled, ...]:
    """The models that can be served now."""
    return tuple(one for one in noted(data_dir) if one.is_complete)


def fitting(models: Iterable[Pulled], alias: str, device: Device) -> Pulled | None:
    """The variant of ``alias`` to serve; with ``auto`` any, the fastest device first."""
    order = ("npu", "gpu", "cpu", "") if device == "auto" else (device,)
    found = {one.device: one for one in models if one.alias == alias}
    return next((found[one] for one in order if one in found), None)


def note(data_dir: Path, model: Pulled) -> None:
    _notes(data_dir).mkdir(parents=True, exist_ok=True)
    told = asdict(model) | {"root": str(model.root), "folder": model.folder and str(model.folder)}
    path = _path(data_dir, model)
    unfinished = path.with_suffix(".new")
    unfinished.write_text(json.dumps(told), encoding="utf-8")
    unfinished.replace(path)


def remove(alias: str, data_dir: Path) -> int:
    """Delete every variant of a model, a started download included: the bytes that are free now.

    Raises WeightsError when a file is in use.
    """
    freed = 0
    for model in noted(data_dir):
        if model.alias == alias:
            size = sum(path.stat().st_size for path in model.root.rglob("*") if path.is_file())
            try:
                if model.root.exists():
                    shutil.rmtree(model.root)
                _path(data_dir, model).unlink(missing_ok=True)
            except OSError as exc:
                raise WeightsError(
                    f"{alias} is in use: stop the program that is running it and try again."
                ) from exc
            freed += size
    return freed


def _notes(data_dir: Path) -> Path:
    return foundry_folder(data_dir) / "pulled"


def _path(data_dir: Path, model: Pulled) -> Path:
    return _notes(data_dir) / f"{re.sub(r'[^A-Za-z0-9._-]', '_', model.id)}.json"


def _read(path: Path) -> Pulled | None:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        folder = told.pop("folder")
        hints = tuple((str(name), value) for name, value in told.pop("hints"))
        root = Path(told.pop("root"))
        return Pulled(**told, root=root, folder=folder and Path(folder), hints=hints)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
