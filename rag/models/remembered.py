"""What servers' models were seen to do, kept from one start to the next.

In go addresses, models, and a stamp that changes when either does; out come capabilities, or none.
No key is in an address that comes here.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rag.types import Capabilities

FILE = "capabilities.json"


class Remembered:
    """The file is read when it is first needed; a damaged one counts as empty."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE
        self._known: dict[str, Any] | None = None

    def recall(self, base_url: str, model: str, stamp: str) -> Capabilities | None:
        """``stamp`` of another server or model than then: nothing is known any more."""
        kept = self._read().get(f"{base_url}#{model}")
        try:
            return Capabilities(**kept["can"]) if kept and kept["stamp"] == stamp else None
        except (TypeError, KeyError):
            return None

    def note(self, base_url: str, model: str, stamp: str, can: Capabilities) -> None:
        """Without write access nothing is kept, and nothing is lost but a question next time."""
        entry = {"stamp": stamp, "can": asdict(can)}
        if self._read().get(f"{base_url}#{model}") == entry:
            return
        self._read()[f"{base_url}#{model}"] = entry
        unfinished = self._path.with_suffix(f".{os.getpid()}.part")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_text(json.dumps(self._known, indent=1), encoding="utf-8")
            unfinished.replace(self._path)
        except OSError:
            unfinished.unlink(missing_ok=True)

    def _read(self) -> dict[str, Any]:
        if self._known is None:
            try:
                found = json.loads(self._path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                found = {}
            self._known = found if isinstance(found, dict) else {}
        return self._known
