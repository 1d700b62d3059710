"""A folder of documents: which of its files count, and how it differs from the library.

In goes the folder and what the library holds of it; out come files to add and ids to remove. Files
are told apart by their bytes, so one that was touched or moved is not read again for nothing.

A file ``.ragignore`` in the folder leaves out what its lines name: one pattern a line, as a shell
would match it against the path inside the folder (``drafts/*``, ``*.csv``); a bare folder name
leaves out all that is in it; ``#`` begins a comment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePath

IGNORE_FILE = ".ragignore"


@dataclass(frozen=True, slots=True)
class Difference:
    add: tuple[Path, ...]
    remove: tuple[str, ...]  # document ids


class Unwanted:
    """The ids of documents that were forgotten, kept in a text file, one a line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def ids(self) -> frozenset[str]:
        if not self._path.exists():
            return frozenset()
        return frozenset(self._path.read_text(encoding="ascii").split())

    def add(self, document_id: str) -> None:
        self._write(self.ids() | {document_id})

    def discard(self, document_id: str) -> None:
        if document_id in (ids := self.ids()):
            self._write(ids - {document_id})

    def _write(self, ids: Collection[str]) -> None:
        self._path.write_text("".join(f"{one}\n" for one in sorted(ids)), encoding="ascii")


def files(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """The documents in ``folder`` and below, sorted: no hidden file, none that is left out."""
    ignored = _patterns(folder / IGNORE_FILE)
    found = (path for path in folder.rglob("*") if path.suffix.lower() in suffixes)
    return sorted(
        path
        for path in found
        if not _left_out(path.relative_to(folder), ignored) and path.is_file()
    )


def difference(
    folder: Path,
    digests: Mapping[Path, str],
    held: Mapping[str, Path | None],
    unwanted: Collection[str],
) -> Difference:
    """What to do so that a library follows ``folder``.

    ``digests``: the folder's files and the ids their bytes have; ``held``: the library's ids and
    where each came from, of which only those from inside ``folder`` are ever removed; ``unwanted``:
    ids not to be added.
    """
    wanted: dict[str, Path] = {}
    for path, digest in digests.items():
        wanted.setdefault(digest, path)
    gone = {
        document_id
        for document_id, source in held.items()
        if source is not None
        and source.is_relative_to(folder)
        and wanted.get(document_id) != source
    }
    add = [path for digest, path in wanted.items() if digest not in held or digest in gone]
    return Difference(
        add=tuple(path for path in add if digests[path] not in unwanted),
        remove=tuple(sorted(gone)),
    )


def digest(path: Path) -> str:
    """The id a document read from this file has. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests(paths: Iterable[Path]) -> dict[Path, str]:
    """Those of the files that can be read now; the others are for the reader to complain about."""
    found = {}
    for path in paths:
        try:
            found[path] = digest(path)
        except OSError:
            continue
    return found


def _patterns(ignore_file: Path) -> Sequence[str]:
    if not ignore_file.is_file():
        return ()
    lines = (line.strip() for line in ignore_file.read_text(encoding="utf-8").splitlines())
    return [line.rstrip("/") for line in lines if line and not line.startswith("#")]


def _left_out(path: PurePath, patterns: Sequence[str]) -> bool:
    if any(part.startswith(".") for part in path.parts):
        return True
    candidates = [path.as_posix(), *(parent.as_posix() for parent in path.parents)]
    return any(fnmatch(candidate, pattern) for candidate in candidates for pattern in patterns)
