"""The models that can be fetched, and fetching one. In go names; out come facts, and progress.

It knows what there is and what it takes, but neither how a file is fetched nor who shows it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rag.errors import RagError, SettingsError
from rag.models.embedded.convert import prepared
from rag.models.foundry import catalogue, sdk
from rag.models.foundry.model import is_folder
from rag.models.foundry.offers import Offered, remembered
from rag.models.foundry.source import Pulled, pulled
from rag.models.picking import ALIASES
from rag.models.weights import WEIGHTS, Installed, Progress, installed, models_folder
from rag.types import Device, Tier


@dataclass(frozen=True, slots=True)
class Download:
    """A model that runs on this machine once it is fetched; None: not known."""

    setting: str  # what a tier is set to, and ``pull`` is given: "embedded:qwen2.5-coder-0.5b"
    title: str
    tier: Tier | None  # that it is recommended for
    licence: str  # SPDX where it has such a name
    size_bytes: int | None  # to fetch
    memory_bytes: int | None  # while it runs
    is_installed: bool
    disk_bytes: int = 0  # taken now


def known(data_dir: Path, device: Device, *, remote: bool = False) -> tuple[Download, ...]:
    """Those of our own catalogue, and of Foundry Local's those recommended or fetched, with what
    was last told of them; with ``remote`` its catalogue is asked. Blocks: it looks at the disk."""
    if not sdk.is_installed():
        return embedded(data_dir)
    if remote:
        with suppress(RagError):
            catalogue.listed(data_dir)
    return (*embedded(data_dir), *foundry(data_dir, device))


def embedded(data_dir: Path) -> tuple[Download, ...]:
    """Those of our own catalogue. Blocks for a moment: it looks at the disk."""
    return tuple(_embedded(one) for one in installed(data_dir))


def foundry(data_dir: Path, device: Device) -> tuple[Download, ...]:
    """Those of Foundry Local that are recommended, then what else was fetched from it."""
    here = {one.alias: one for one in pulled(data_dir)}
    offered = {one.alias: one for one in remembered(data_dir)}
    aliases = dict.fromkeys([*ALIASES.values(), *here])
    return tuple(_foundry(one, device, here.get(one), offered.get(one)) for one in aliases)


def _foundry(alias: str, device: Device, here: Pulled | None, offered: Offered | None) -> Download:
    """``offered``: as the catalogue was last told of; None: it never was."""
    variant = offered.variant(device) if offered else None
    told, known_as = here or variant, here or offered
    return Download(
        f"foundry:{alias}",
        f"{offered.title if offered else alias} (Foundry Local)",
        next((tier for tier, recommended in ALIASES.items() if recommended == alias), None),
        known_as.licence if known_as else "",
        (told.size_bytes or None) if told else None,
        None,
        here is not None,
        here.size_bytes if here else 0,
    )


async def pull(
    setting: str,
    data_dir: Path,
    on_progress: Callable[[Progress], None],
    stop: threading.Event,
    *,
    device: Device = "auto",
) -> None:
    """Fetch a model and prepare it; ``on_progress`` is called on the event loop.

    Setting ``stop`` ends it; what has come is kept. Raises WeightsError, ModelNotFound,
    SettingsError.
    """
    home, _, name = setting.partition(":")
    fetch: Callable[..., object]
    if home == "foundry" and name and not is_folder(name):
        fetch = partial(catalogue.pull, name, data_dir, device=device)
    elif home == "embedded" and name in WEIGHTS:
        fetch = partial(prepared, WEIGHTS[name], models_folder(data_dir))
    else:
        raise SettingsError(f"“{setting}” cannot be fetched. See: python -m rag models.")
    loop = asyncio.get_running_loop()

    def tell(progress: Progress) -> None:
        loop.call_soon_threadsafe(on_progress, progress)

    try:
        await asyncio.to_thread(fetch, tell, stop)
    except asyncio.CancelledError:
        stop.set()  # the thread runs on, and looks at this
        raise


def _embedded(one: Installed) -> Download:
    known = WEIGHTS[one.name]
    return Download(
        f"embedded:{one.name}",
        known.title,
        known.tier,
        known.licence,
        known.size_bytes,
        known.memory_bytes,
        one.converted,
        one.size_bytes,
    )
