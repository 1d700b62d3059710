"""What servers' models were seen to do, kept from one start to the next.

In go addresses, models, and a stamp that changes when either does; out come capabilities, or none.
No key is in an address that comes here.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rag.types import Capabilities

FILE = "capabilities.json"


class Remembered:
    """A damaged file counts as an empty one."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE
        self._known: dict[str, Any] = {}
        self._read_ns = 0  # when what is known was written

    def recall(self, base_url: str, model: str, stamp: str | None) -> Capabilities | None:
        """With another ``stamp`` than then nothing is known any more; None takes what there is."""
        kept = self._read().get(f"{base_url}#{model}")
        try:
            return Capabilities(**kept["can"]) if kept and stamp in (None, kept["stamp"]) else None
        except (TypeError, KeyError):  # of another version of this program
            return None

    def note(self, base_url: str, model: str, stamp: str, can: Capabilities) -> None:
        """Without write access nothing is kept, and nothing is lost but a question next time."""
        entry = {"stamp": stamp, "can": asdict(can)}
        known = self._read()  # another process may have written meanwhile
        if known.get(f"{base_url}#{model}") == entry:
            return
        known = {**known, f"{base_url}#{model}": entry}
        unfinished = self._path.with_suffix(f".{os.getpid()}.part")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_text(json.dumps(known, indent=1), encoding="utf-8")
            unfinished.replace(self._path)
        except OSError:
            with suppress(OSError):
                unfinished.unlink()

    def _read(self) -> dict[str, Any]:
        try:
            written_ns = self._path.stat().st_mtime_ns
            if written_ns != self._read_ns:
                found = json.loads(self._path.read_text(encoding="utf-8"))
                self._known = found if isinstance(found, dict) else {}
                self._read_ns = written_ns
        except (OSError, ValueError):
            self._known, self._read_ns = {}, 0
        return self._known
