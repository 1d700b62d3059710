from __future__ import annotations

import mmap
import sys
from pathlib import Path

import psutil
import pytest

from rag.models.embedded.memory import release_file

SIZE = 64 * 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is asked to give pages back")
def test_pages_are_given_back_and_readable_when_a_file_is_mapped(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"x" * SIZE)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        assert mapped[:].count(b"x") == SIZE
        before = psutil.Process().memory_info().rss
        release_file(path)
        assert before - psutil.Process().memory_info().rss > SIZE * 0.9
        assert mapped[SIZE - 1 :] == b"x"


def test_nothing_happens_when_a_file_is_not_mapped(tmp_path: Path) -> None:
    release_file(tmp_path / "missing.bin")
