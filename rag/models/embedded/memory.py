"""Give back memory that holds an unchanged copy of a file."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from pathlib import Path

_MADV_DONTNEED = 4  # Linux: forget the pages; read from the file again if ever needed


def release_file(path: Path) -> None:
    """Drop the pages of ``path`` that this process has mapped read-only; elsewhere than on Linux
    they stay until the system wants them."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        for start, end in _mappings(path):
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_DONTNEED)


def _mappings(path: Path) -> Iterator[tuple[int, int]]:
    wanted = str(path.resolve())
    for line in Path("/proc/self/maps").read_text().splitlines():
        # start-end permissions offset device inode path
        addresses, permissions, *_, name = line.split(maxsplit=5)
        # Only what cannot have been written to: dropping anything else would lose it.
        if name == wanted and permissions.startswith("r--"):
            start, _, end = addresses.partition("-")
            yield int(start, 16), int(end, 16)
