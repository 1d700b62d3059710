"""A process that asks the runtime's catalogue: a question in, events out, ended at any moment."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import rag

_LOOK_S = 0.2  # between two looks whether to stop
_NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows only

logger = logging.getLogger(__name__)


def events(
    asked: Sequence[str], stop: threading.Event | None = None, *, limit_s: float | None = None
) -> Iterator[dict[str, Any]]:
    """What the child tells, a JSON object a line, each with its ``event``.

    It is ended, and nothing more is told, when ``stop`` is set, after ``limit_s``, or when the
    iterator is closed; its stdin closes with us, and then it ends by itself.
    """
    stop = stop or threading.Event()
    deadline = None if limit_s is None else time.monotonic() + limit_s
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "rag.models.foundry.cataloguing", *asked],
            cwd=Path(rag.__file__).parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            creationflags=_NO_WINDOW,
        ) as process,
    ):
        lines: SimpleQueue[bytes] = SimpleQueue()
        reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
        reader.start()
        try:
            while reader.is_alive() or not lines.empty():
                if stop.is_set() or (deadline is not None and time.monotonic() > deadline):
                    return
                try:
                    yield json.loads(lines.get(timeout=_LOOK_S))
                except Empty:
                    continue
            if process.wait():
                errors.seek(0)
                logger.warning("%s failed: %s", asked[0], errors.read().decode(errors="replace"))
        finally:
            process.kill()
            process.wait()
            reader.join()


def _read(process: subprocess.Popen[bytes], lines: SimpleQueue[bytes]) -> None:
    for line in process.stdout or ():
        lines.put(line)
