from __future__ import annotations

import os
import time
from pathlib import Path

from rag.page.leftovers import KEPT_S, sweep


def test_only_old_folders_go_when_chats_left_some(tmp_path: Path) -> None:
    for name, age_s in (("old", KEPT_S + 60), ("new", KEPT_S - 60)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "upload").write_bytes(b"x")
        then = time.time() - age_s
        os.utime(tmp_path / name, (then, then))
    sweep(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["new"]


def test_nothing_happens_when_there_is_no_folder(tmp_path: Path) -> None:
    sweep(tmp_path / "missing")
