"""The catalogue of Foundry Local: what it offers, fetched, listed and removed.

The runtime's own library is asked in a child process (cataloguing.py), so that whatever it does can
be ended at any moment. Without a network what is on this machine is listed, and a sentence says so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from rag.errors import DownloadFailed, ModelNotFound, RagError, SettingsError, WeightsError
from rag.models.disk import disk_errors, require_room
from rag.models.foundry import child, source
from rag.models.foundry.offers import (
    MIB,
    Catalogue,
    Provider,
    of_pulled,
    offered,
    remember,
    remember_providers,
)
from rag.models.foundry.sdk import CATALOGUE_URL, require_installed
from rag.models.foundry.source import Pulled
from rag.models.weights import Progress
from rag.types import Device

_LOOK_S = 2.5  # for an answer of any kind; the runtime itself would try for about 5 s
_LIST_S = 60.0
_OFFLINE = (
    "The catalogue of Foundry Local cannot be reached: check the network. Models that were fetched "
    "before can be used without it."
)
_SILENT = (
    "The catalogue of Foundry Local gave no answer that can be used: try again later. Models that "
    "were fetched before can be used without it."
)

OnProgress = Callable[[Progress], None]


def listed(data_dir: Path, *, catalogue_url: str = CATALOGUE_URL) -> Catalogue:
    """All models for chats. Without a network those on this machine. Blocks for seconds.

    Raises SettingsError when the runtime is not installed.
    """
    require_installed()
    here = {one.id: one for one in source.pulled(data_dir)}
    reachable = _is_reachable(catalogue_url)
    asked = ["list", str(data_dir), catalogue_url if reachable else ""]
    told = _last(child.events(asked, limit_s=_LIST_S))
    providers = tuple(Provider(**one) for one in told.get("providers", ()))
    if told:
        remember_providers(providers, data_dir)
    models = tuple(one for each in told.get("models", ()) if (one := offered(each, here)).variants)
    if not models:
        return Catalogue(of_pulled(here.values()), providers, _SILENT if reachable else _OFFLINE)
    remember(models, data_dir)
    return Catalogue(models, providers)


def pull(
    alias: str,
    data_dir: Path,
    on_progress: OnProgress,
    stop: threading.Event | None = None,
    *,
    device: Device = "auto",
    catalogue_url: str = CATALOGUE_URL,
) -> Pulled:
    """The model ``alias``, fetched now unless it is there.

    Blocks. What ``on_progress`` raises, or setting ``stop``, ends it; the next call goes on from
    there. Raises SettingsError, ModelNotFound, WeightsError.
    """
    here = source.fitting(source.pulled(data_dir), alias, device)
    if here is not None:
        return here
    require_installed()
    if not _is_reachable(catalogue_url):
        raise DownloadFailed(f"{alias} could not be fetched. {_OFFLINE}")
    stop = stop or threading.Event()
    folder = source.foundry_folder(data_dir)
    asked = ["pull", str(data_dir), catalogue_url, alias, device]
    with disk_errors(folder, 0):
        folder.mkdir(parents=True, exist_ok=True)
        for event in child.events(asked, stop):
            match event["event"]:
                case "chosen":
                    model = _pulled(event)
                    require_room(folder, model.size_bytes)
                    source.note(data_dir, model)
                case "progress":
                    done = int(model.size_bytes * event["percent"] / 100)
                    on_progress(Progress("download", done, model.size_bytes, "bytes"))
                case "provider":
                    on_progress(Progress("download", int(event["percent"]), 100, "steps"))
                case "done":
                    model = replace(model, folder=Path(event["folder"]))
                    source.note(data_dir, model)
                    return model
                case _:
                    raise _problem(event, alias)
    if stop.is_set():
        raise WeightsError(f"Fetching {alias} was stopped; what has come is kept.")
    raise _problem({}, alias)


def register(
    names: Sequence[str],
    data_dir: Path,
    on_progress: OnProgress,
    stop: threading.Event | None = None,
) -> tuple[Provider, ...]:
    """Fetch execution providers and register them; all that fit this machine when none is named.

    Raises SettingsError, WeightsError.
    """
    require_installed()
    for event in child.events(["register", str(data_dir), *names], stop):
        match event["event"]:
            case "provider":
                on_progress(Progress("download", int(event["percent"]), 100, "steps"))
            case "done":
                providers = tuple(Provider(**one) for one in event["providers"])
                remember_providers(providers, data_dir)
                return providers
    if stop is not None and stop.is_set():
        raise WeightsError("Fetching execution providers was stopped.")
    raise DownloadFailed(
        "Execution providers could not be fetched: check the network and try again, or set "
        "RAG_FOUNDRY_EP=cpu."
    )


def _pulled(event: dict[str, Any]) -> Pulled:
    return Pulled(
        alias=event["alias"],
        id=event["id"],
        device=event["device"],
        execution_provider=event["execution_provider"],
        licence=event["licence"],
        size_bytes=event["size_mb"] * MIB,
        root=Path(event["root"]),
        hints=tuple((name, value) for name, value in event["hints"]),
    )


def _last(events: Any) -> dict[str, Any]:
    return next((event for event in events if event["event"] == "done"), {})


def _problem(event: dict[str, Any], alias: str) -> RagError:
    match event.get("event"):
        case "not_found":
            return ModelNotFound(
                f"The catalogue of Foundry Local has no model “{alias}” for this machine. `python "
                "-m rag models foundry` lists what it has."
            )
        case "no_variant":
            return SettingsError(
                f"{alias} is not made for the {event['wanted']}, only for: "
                f"{', '.join(event['devices'])}. Choose with RAG_FOUNDRY_EP; auto is always right."
            )
        case _:
            return DownloadFailed(
                f"{alias} could not be fetched: check the network and try again; what has come is "
                "kept."
            )


def _is_reachable(url: str) -> bool:
    """Whether anything answers there. In a thread, because looking up a name has no time limit."""
    answered = threading.Event()

    def look() -> None:
        try:
            httpx.head(url, timeout=_LOOK_S)
        except (httpx.HTTPError, OSError):
            return
        answered.set()

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(_LOOK_S)
    return answered.is_set()
