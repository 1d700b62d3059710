"""The folder of model files as a disk has it: room, errors, and one process at a time.

It knows sizes and paths, not what the files are.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from rag.errors import DiskFull, WeightsError

_LOOK_S = 0.5  # between two looks at what another process is doing


def require_room(folder: Path, wanted_bytes: int) -> None:
    """Raises DiskFull."""
    if shutil.disk_usage(folder).free < wanted_bytes:
        raise no_room(folder, wanted_bytes)


def no_room(folder: Path, wanted_bytes: int) -> DiskFull:
    free = shutil.disk_usage(folder).free
    return DiskFull(
        f"The disk is full: {wanted_bytes / 1e9:.2f} GB are needed for model files and "
        f"{free / 1e9:.2f} GB are free. Make room and try again; what has come is kept."
    )


@contextmanager
def disk_errors(folder: Path, wanted_bytes: int) -> Iterator[None]:
    """Turn the system's errors into sentences."""
    try:
        yield
    except OSError as exc:
        if exc.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise no_room(folder, wanted_bytes) from exc
        raise WeightsError(
            "The folder for model files cannot be used: check its permissions, close other "
            "programs that use it, or choose another with RAG_DATA_DIR."
        ) from exc


@contextmanager
def locked(path: Path, while_waiting: Callable[[], None]) -> Iterator[None]:
    """Hold ``path`` alone; what ``while_waiting`` raises ends the wait."""
    lock = FileLock(path)
    while not lock.is_locked:
        try:
            lock.acquire(timeout=_LOOK_S)
        except Timeout:
            while_waiting()
    try:
        yield
    finally:
        lock.release()
