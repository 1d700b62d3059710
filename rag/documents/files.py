"""Which files a path stands for: files and folders in, files to read out, in a stable order."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rag.documents.kinds import by_name


@dataclass(frozen=True, slots=True)
class SourceFile:
    path: Path
    name: str  # as the document is to be called
    password: str = ""


def find_files(paths: Iterable[Path]) -> list[SourceFile]:
    """Every file once. What is named itself is kept, whatever it is: reading tells what is wrong.

    Of a folder, files of a readable type at any depth, by name; hidden ones and links to folders
    are passed over. A file in a folder is called by its path from there ("guide/setup.md").
    """
    found: dict[Path, SourceFile] = {}
    for path in paths:
        for file in _in_folder(path) if path.is_dir() else [SourceFile(path, _name(path.name))]:
            found.setdefault(file.path.absolute(), file)
    return list(found.values())


def _in_folder(folder: Path) -> Iterator[SourceFile]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent, name)
            if not name.startswith(".") and by_name(name) and path.is_file():
                yield SourceFile(path, _name(path.relative_to(folder).as_posix()))


def _name(name: str) -> str:
    """File names may hold bytes that are no text."""
    return name.encode(errors="replace").decode()
