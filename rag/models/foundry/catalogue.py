"""The catalogue of Foundry Local: what it offers, fetched, listed and removed.

The runtime's own library is asked in a child process (cataloguing.py), so that whatever it does can
be ended at any moment. Without a network what is on this machine is listed, and a sentence says so.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from rag.errors import DownloadFailed, ModelNotFound, RagError, SettingsError, WeightsError
from rag.models.disk import disk_errors, require_room
from rag.models.foundry import child, source
from rag.models.foundry.sdk import CATALOGUE_URL, require_installed
from rag.models.foundry.source import Pulled
from rag.models.weights import Progress
from rag.types import Device

RECOMMENDED = ("phi-4-mini", "gpt-oss-20b")  # the small and the larger model of our documentation

_LOOK_S = 2.5  # for an answer of any kind; the runtime itself would try for about 5 s
_LIST_S = 60.0
_MB = 1024 * 1024
_CHAT_TASKS = {"chat-completion", "coding", "vision-language-chat"}
_OFFLINE = (
    "The catalogue of Foundry Local cannot be reached: check the network. Models that were fetched "
    "before can be used without it."
)

_SILENT = (
    "The catalogue of Foundry Local gave no answer that can be used: try again later. Models that "
    "were fetched before can be used without it."
)

OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Variant:
    """A model made for one device."""

    id: str
    device: str  # "cpu", "gpu", "npu", or "" when the catalogue does not tell
    execution_provider: str
    size_bytes: int  # 0: unknown
    is_pulled: bool


@dataclass(frozen=True, slots=True)
class Offered:
    """A model of the catalogue; of its variants the runtime's choice for this machine is first."""

    alias: str
    title: str
    publisher: str
    licence: str
    context_tokens: int | None
    variants: tuple[Variant, ...]

    def variant(self, device: Device) -> Variant | None:
        """The one that is used: with ``auto`` the first, or what is on this machine already."""
        fitting = [one for one in self.variants if device in ("auto", one.device)]
        return next((one for one in fitting if one.is_pulled), fitting[0] if fitting else None)


@dataclass(frozen=True, slots=True)
class Provider:
    """What the runtime can compute with beside the CPU, once it is registered."""

    name: str
    is_registered: bool


@dataclass(frozen=True, slots=True)
class Catalogue:
    models: tuple[Offered, ...]
    providers: tuple[Provider, ...]
    sentence: str = ""  # what a person should know: why models are missing


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
    offered = tuple(_offered(one, here) for one in told.get("models", ()))
    models = tuple(one for one in offered if one.variants)
    if not models:
        return Catalogue(_of_pulled(here.values()), providers, _SILENT if reachable else _OFFLINE)
    _remember(models, data_dir)
    return Catalogue(models, providers)


def remembered(data_dir: Path) -> tuple[Offered, ...]:
    """What was listed last, without asking anybody; () when nothing ever was."""
    try:
        told = json.loads(_memory(data_dir).read_text(encoding="utf-8"))
        return tuple(
            Offered(**one | {"variants": tuple(Variant(**each) for each in one["variants"])})
            for one in told
        )
    except (OSError, ValueError, TypeError, KeyError):
        return ()


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
                return tuple(Provider(**one) for one in event["providers"])
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
        size_bytes=event["size_mb"] * _MB,
        root=Path(event["root"]),
        hints=tuple((name, value) for name, value in event["hints"]),
    )


def _offered(told: dict[str, Any], here: dict[str, Pulled]) -> Offered:
    variants = tuple(
        Variant(
            one["id"],
            one["device"],
            one["execution_provider"],
            one["size_mb"] * _MB,
            is_pulled=one["id"] in here,
        )
        for one in told["variants"]
        if one["task"] in _CHAT_TASKS
    )
    return Offered(
        told["alias"],
        told["title"],
        told["publisher"],
        told["licence"],
        told["context_tokens"],
        variants,
    )


def _of_pulled(models: Any) -> tuple[Offered, ...]:
    return tuple(
        Offered(
            one.alias,
            one.alias,
            "",
            one.licence,
            next((value for name, value in one.hints if name == "context_length"), None),
            (Variant(one.id, one.device, one.execution_provider, one.size_bytes, is_pulled=True),),
        )
        for one in models
    )


def _remember(models: Sequence[Offered], data_dir: Path) -> None:
    with suppress(OSError):  # it is for comfort alone
        _memory(data_dir).write_text(json.dumps([asdict(one) for one in models]), encoding="utf-8")


def _memory(data_dir: Path) -> Path:
    return source.foundry_folder(data_dir) / "catalogue.json"


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
        except httpx.HTTPError:
            return
        answered.set()

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(_LOOK_S)
    return answered.is_set()
