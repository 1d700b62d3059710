"""Which files are read when a folder, or anything else, is named."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from rag.documents.files import SourceFile, find_files


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("words")


def names(*paths: Path) -> list[str]:
    return [file.name for file in find_files(paths)]


def test_nothing_is_found_when_nothing_is_named(tmp_path: Path) -> None:
    assert find_files([]) == []
    assert find_files([tmp_path]) == []


def test_readable_files_come_in_a_stable_order_when_a_folder_is_named(tmp_path: Path) -> None:
    put(tmp_path, "b.txt", "a.MD", "z/1.pdf", "c/d/2.html", "c.csv", "c/b.docx")
    assert names(tmp_path) == ["a.MD", "b.txt", "c.csv", "c/b.docx", "c/d/2.html", "z/1.pdf"]
    assert find_files([tmp_path])[3] == SourceFile(tmp_path / "c" / "b.docx", "c/b.docx")


def test_hidden_and_foreign_files_are_passed_over_when_a_folder_is_named(tmp_path: Path) -> None:
    put(tmp_path, ".hidden.md", ".git/a.md", "image.png", "app.exe", "README", "a.md", "x/.b/c.md")
    assert names(tmp_path) == ["a.md"]


def test_a_file_is_kept_when_it_is_named_itself(tmp_path: Path) -> None:
    put(tmp_path, ".hidden.md", "image.png")
    given = [tmp_path / ".hidden.md", tmp_path / "image.png", tmp_path / "gone.pdf"]
    assert names(*given) == [".hidden.md", "image.png", "gone.pdf"]


def test_a_file_is_found_once_when_it_is_named_twice(tmp_path: Path) -> None:
    put(tmp_path, "a.md", "b.md")
    assert names(tmp_path / "b.md", tmp_path, tmp_path / "a.md") == ["b.md", "a.md"]


def test_the_walk_ends_when_a_folder_links_to_itself(tmp_path: Path) -> None:
    put(tmp_path, "a.md")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert names(tmp_path) == ["a.md"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such a name")
def test_a_name_is_made_fit_when_its_bytes_are_no_text(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/odd\xff.md"))
    path.write_text("words")
    [file] = find_files([tmp_path])
    assert file == SourceFile(path, "odd?.md")
