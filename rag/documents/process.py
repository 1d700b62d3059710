"""A worker process, seen from its parent: requests in, answers out, killed at any time.

Not ``multiprocessing``: its children import the parent's main module again (for the chat, all of
it), and share locks, so that killing one may stop the others. Knows nothing of files.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import IO, BinaryIO, cast

import psutil

from rag.documents.worker import Message, receive, send

_ROOT = Path(__file__).parents[2]
_MAIN = "import sys; sys.path.insert(0, sys.argv[1]); from rag.documents.worker import main; main()"


class WorkerDied(Exception):
    """It was killed, or crashed."""


class Worker:
    """Starts with the first request, and again after it died. One request at a time."""

    def __init__(self, settings: Message) -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._statistics: psutil.Process | None = None
        self._starting = Lock()

    def start(self) -> None:
        """Have it ready before it is asked; any number of times, from any thread."""
        with self._starting:
            if self._process is None:
                self._process = subprocess.Popen(  # noqa: S603 (our own interpreter)
                    [sys.executable, "-P", "-X", "utf8", "-c", _MAIN, str(_ROOT)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
                with suppress(psutil.Error):
                    self._statistics = psutil.Process(self._process.pid)
                send(_pipe(self._process.stdin), self._settings)

    def ask(self, do: str, **values: object) -> Iterator[Message]:
        """Yield the answers as they come. Blocks. Raises WorkerDied."""
        try:
            self.start()
            process = cast("subprocess.Popen[bytes]", self._process)
            send(_pipe(process.stdin), {"do": do, "with": values})
            while answer := receive(_pipe(process.stdout)):
                yield answer
                if answer["last"]:
                    return
        except OSError:  # a broken pipe
            pass
        self.close()
        raise WorkerDied

    def memory_bytes(self) -> int:
        """What it occupies now; 0 when it does not run."""
        with suppress(psutil.Error):
            if self._statistics is not None:
                return int(self._statistics.memory_info().rss)
        return 0

    def kill(self) -> None:
        """From any thread; one that waits for an answer gets WorkerDied."""
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """End it and let go of its pipes; not while another thread waits for an answer."""
        process, self._process, self._statistics = self._process, None, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):
                    _pipe(pipe).close()


def _pipe(pipe: IO[bytes] | None) -> BinaryIO:
    return cast("BinaryIO", pipe)
