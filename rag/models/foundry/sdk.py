"""Foundry Local's runtime, imported here alone and when it is first needed.

It is started once a process, with everything it writes below one folder. Its errors are told in
sentences of ours; what it says itself names its own sources, and goes to the log.
"""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rag.errors import ModelUnavailable, RagError, SettingsError

MISSING = (
    "Foundry Local's runtime is not installed: run `pip install -r requirements-foundry.txt`. Or "
    "start Foundry Local's own service with `foundry service start`, and set "
    "FOUNDRY_LOCAL_ENDPOINT to what `foundry service status` shows, for example "
    "http://127.0.0.1:5273."
)
CATALOGUE_URL = "https://api.catalog.azureml.ms/asset-gallery/v1.0/models"  # the SDK's own default

_APP_NAME = "edge-rag-chat"

logger = logging.getLogger(__name__)


def is_installed() -> bool:
    """Without importing it."""
    return importlib.util.find_spec("foundry_local_sdk") is not None


def installed_version() -> str:
    """ "" where it is not installed, or not by a package."""
    try:
        return version("foundry-local-sdk") if is_installed() else ""
    except PackageNotFoundError:
        return ""


def require_installed() -> None:
    if not is_installed():
        raise SettingsError(MISSING)


def module() -> Any:
    """Raises SettingsError."""
    # For native code alone; ONNX Runtime, which comes with it, would report on its own.
    os.putenv("ORT_TELEMETRY_DISABLED", "1")
    try:
        import foundry_local_sdk  # noqa: PLC0415 - 0.1 s, native libraries, and optional
    except ModuleNotFoundError as exc:
        raise SettingsError(MISSING) from exc
    except (ImportError, OSError) as exc:
        raise SettingsError(
            "Foundry Local's runtime cannot be loaded on this machine: install it anew with `pip "
            "install --force-reinstall -r requirements-foundry.txt`. If that does not help, start "
            "Foundry Local's own service and set FOUNDRY_LOCAL_ENDPOINT to its address."
        ) from exc
    return foundry_local_sdk


def started(folder: Path, catalogue_url: str = CATALOGUE_URL) -> Any:
    """The manager of this process's runtime; models, registrations and logs are in ``folder``.

    Sends nothing but what Microsoft calls essential (docs/foundry.md). Raises RagError.
    """
    sdk = module()
    folder.mkdir(parents=True, exist_ok=True)
    config = sdk.Configuration(
        app_name=_APP_NAME,
        app_data_dir=str(folder),
        model_cache_dir=str(folder / "models"),
        logs_dir=str(folder / "logs"),
        log_level=sdk.LogLevel.WARNING,
        catalog_urls=[(catalogue_url, None)],
        disable_nonessential_telemetry=True,
    )
    with failures(ModelUnavailable("Foundry Local's runtime did not start. Its log says why.")):
        sdk.FoundryLocalManager.initialize(config)
    return sdk.FoundryLocalManager.instance


@contextmanager
def failures(error: RagError) -> Iterator[None]:
    """Raise ``error`` from whatever the runtime raises."""
    try:
        yield
    except (module().FoundryLocalException, RuntimeError, ValueError) as exc:
        logger.warning("%s %s", error, exc)
        raise error from exc
