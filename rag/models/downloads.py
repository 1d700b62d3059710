"""The models that can be fetched, and fetching one. In go names; out come facts, and progress.

It knows what there is and what it takes, but neither how a file is fetched nor who shows it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rag.errors import SettingsError
from rag.models.embedded.convert import prepared
from rag.models.weights import WEIGHTS, Installed, Progress, installed, models_folder
from rag.types import Tier


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


def embedded(data_dir: Path) -> tuple[Download, ...]:
    """Those of our own catalogue. Blocks for a moment: it looks at the disk."""
    return tuple(_embedded(one) for one in installed(data_dir))


async def pull(
    setting: str,
    data_dir: Path,
    on_progress: Callable[[Progress], None],
    stop: threading.Event,
) -> None:
    """Fetch an embedded model and prepare it; ``on_progress`` is called on the event loop.

    Setting ``stop`` ends it; what has come is kept. Raises WeightsError, SettingsError.
    """
    home, _, name = setting.partition(":")
    if home != "embedded" or name not in WEIGHTS:
        raise SettingsError(f"“{setting}” cannot be fetched. See: python -m rag models.")
    loop = asyncio.get_running_loop()

    def tell(progress: Progress) -> None:
        loop.call_soon_threadsafe(on_progress, progress)

    try:
        await asyncio.to_thread(prepared, WEIGHTS[name], models_folder(data_dir), tell, stop)
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
