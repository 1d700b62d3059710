"""Is this machine fit for the chat? Settings in, one finding after another out, each with its fix.

Everything here is known without a model; nothing is downloaded or started.
"""

from __future__ import annotations

import importlib
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import psutil
from packaging.requirements import InvalidRequirement, Requirement

from rag.settings import Settings, misspelt
from rag.tokens import count_tokens
from rag.troubleshooting import see

State = Literal["ok", "warning", "problem"]

GB = 1_000_000_000
NEEDED_MEMORY_GB = 2.0  # the small model's process and the chat's own
NEEDED_DISK_GB = 5.5  # both embedded models, while they are converted
NATIVE = ("openvino_genai", "tantivy", "tiktoken", "Stemmer", "numpy", "pypdf", "openai")
PINS = Path(__file__).parent.parent / "requirements.txt"
INSTALL = "Run: pip install -r requirements.txt"


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    state: State
    message: str
    fix: str = ""

    @property
    def see(self) -> str:
        """The line of docs/troubleshooting.md that tells more; "" when all is well."""
        return "" if self.state == "ok" else see(self.message)


def machine(settings: Settings) -> Iterator[Finding]:
    """Everything that can be known without a model."""
    checks: tuple[Callable[[Settings], Finding], ...] = (
        _python,
        _pins,
        _native_packages,
        _settings,
        _data_folder,
        _disk,
        _memory,
        _documents_folder,
        _tokenizer,
        _port,
    )
    for check in checks:
        yield check(settings)


def _python(_: Settings) -> Finding:
    found = ".".join(str(part) for part in sys.version_info[:3])
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding("python", "ok", f"Python {found}.")
    return Finding(
        "python",
        "problem",
        f"Python {found} is not supported.",
        "Install Python 3.11, 3.12 or 3.13.",
    )


def _pins(_: Settings) -> Finding:
    wrong = _unmet(PINS)
    missing = [name for name, found in wrong.items() if found is None]
    if missing:
        return Finding("packages", "problem", f"Not installed: {', '.join(missing)}.", INSTALL)
    if wrong:
        other = ", ".join(f"{name} {found}" for name, found in wrong.items())
        return Finding("packages", "warning", f"Other versions than tested: {other}.", INSTALL)
    return Finding("packages", "ok", "Every package has the version that was tested.")


def _unmet(pins: Path) -> dict[str, str | None]:
    """Pinned packages that are here in another version, or (None) not at all."""
    wrong: dict[str, str | None] = {}
    for line in pins.read_text(encoding="utf-8").splitlines() if pins.exists() else ():
        try:
            pin = Requirement(line)
        except InvalidRequirement:  # an option of pip's, a comment, an empty line
            continue
        if pin.marker is None or pin.marker.evaluate():
            found = _version(pin.name)
            if found is None or not pin.specifier.contains(found, prereleases=True):
                wrong[pin.name] = found
    return wrong


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _native_packages(_: Settings) -> Finding:
    for name in NATIVE:
        try:
            importlib.import_module(name)
        except ImportError as exc:
            windows = " and Microsoft's Visual C++ runtime" if sys.platform == "win32" else ""
            return Finding(
                "libraries", "problem", f"{name} cannot be loaded: {exc}.", f"{INSTALL}{windows}."
            )
    return Finding("libraries", "ok", "The compiled libraries load.")


def _settings(_: Settings) -> Finding:
    if unknown := misspelt():
        return Finding(
            "settings",
            "warning",
            f"No setting is called {', '.join(unknown)}.",
            "See docs/settings.md for the names.",
        )
    return Finding("settings", "ok", "The settings make sense.")


def _data_folder(settings: Settings) -> Finding:
    folder = settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as exc:
        return Finding(
            "data folder",
            "problem",
            f"Nothing can be written to {folder}: {exc.strerror}.",
            "Give yourself write access, or set RAG_DATA_DIR to another folder.",
        )
    return Finding("data folder", "ok", f"Library and models are kept in {folder}.")


def _disk(settings: Settings) -> Finding:
    folder = next(path for path in (settings.data_dir, *settings.data_dir.parents) if path.exists())
    free_gb = shutil.disk_usage(folder).free / GB
    message = f"{free_gb:.1f} GB free on the disk of the data folder."
    if free_gb >= NEEDED_DISK_GB:
        return Finding("disk", "ok", message)
    return Finding(
        "disk",
        "warning",
        message,
        f"The embedded models need up to {NEEDED_DISK_GB:g} GB when they are first fetched: make "
        "room, or set RAG_DATA_DIR to another disk.",
    )


def _memory(_: Settings) -> Finding:
    available_gb = psutil.virtual_memory().available / GB
    message = f"{available_gb:.1f} GB of memory available."
    if available_gb >= NEEDED_MEMORY_GB:
        return Finding("memory", "ok", message)
    return Finding(
        "memory",
        "warning",
        message,
        f"The small embedded model wants {NEEDED_MEMORY_GB:g} GB: close other programs, or set "
        "RAG_SLM=embedded:smollm2-135m.",
    )


def _documents_folder(settings: Settings) -> Finding:
    folder = settings.docs_dir
    if folder.is_dir():
        return Finding("documents folder", "ok", f"Documents are indexed from {folder}.")
    return Finding(
        "documents folder",
        "warning",
        f"There is no folder {folder}, so only documents you add are searched.",
        "Start from the project's folder, or set RAG_DOCS_DIR.",
    )


def _tokenizer(_: Settings) -> Finding:
    try:
        count_tokens("Is the vocabulary here?")
    except Exception as exc:
        return Finding(
            "tokenizer", "problem", f"Tokens cannot be counted: {type(exc).__name__}.", INSTALL
        )
    return Finding("tokenizer", "ok", "Tokens are counted without the network.")


def _port(settings: Settings) -> Finding:
    with socket.socket() as probe:
        probe.settimeout(1)
        taken = probe.connect_ex(("127.0.0.1", settings.port)) == 0
    if taken:
        return Finding(
            "port",
            "warning",
            f"Something answers at http://127.0.0.1:{settings.port} already.",
            "If it is not the chat itself, start the chat with --port and another number.",
        )
    return Finding("port", "ok", f"Port {settings.port} is free for the page.")
