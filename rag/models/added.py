"""The servers a person has added: addresses, and keys where they need one, in a file of their own.

In go settings as they are parsed; out come the same. Only its owner may read the file. Keys are in
no ``repr``, and nothing else in this project writes them down.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from rag.errors import SettingsError
from rag.models.tiers import TierSetting, parse

FILE = "endpoints.json"


def read(data_dir: Path) -> tuple[TierSetting, ...]:
    """In the order in which they were added; none where the file is missing or damaged."""
    try:
        kept = json.loads((data_dir / FILE).read_text(encoding="utf-8"))
        return tuple(setting(one["address"], one["key"]) for one in kept)
    except (OSError, ValueError, TypeError, KeyError, SettingsError):
        return ()


def write(data_dir: Path, servers: tuple[TierSetting, ...]) -> None:
    """Raises SettingsError where nothing can be written."""
    kept = [{"address": one.base_url, "key": one.api_key} for one in servers]
    path = data_dir / FILE
    unfinished = path.with_suffix(f".{os.getpid()}.part")
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            unfinished.unlink()
        # Readable by nobody else from the first byte on.
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(kept, file, indent=1)
        unfinished.replace(path)
    except OSError as exc:
        raise SettingsError(
            f"The address cannot be kept: {exc.strerror}. Give yourself write access to the data "
            "folder, or set RAG_DATA_DIR to another."
        ) from exc


def setting(address: str, key: str = "") -> TierSetting:
    """A server's address, whatever model it names. Raises SettingsError."""
    parsed = parse(address if "://" in address else f"http://{address}")
    key = key.strip() or parsed.api_key
    if not key.isascii() or not key.isprintable() or " " in key:
        raise SettingsError("That is not a key: keys are printable and have no spaces.")
    return TierSetting("endpoint", "", parsed.base_url, key)
