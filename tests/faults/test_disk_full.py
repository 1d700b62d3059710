"""A disk that is full, for real: a file system of one megabyte, which only root may mount."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from measuring.entries import entry
from starlette.applications import Starlette
from starlette.routing import Router
from starlette.testclient import TestClient

from rag.documents.library import Library
from rag.errors import LedgerError, LibraryError, SearchError
from rag.indexing import DiskCopy
from rag.measuring.ledger import Ledger
from rag.page import routes
from rag.types import Chunk, Document, Query


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    is_root = sys.platform.startswith("linux") and os.geteuid() == 0
    if not is_root or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk, and not in every container")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """A file that takes all there is left."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        for size in (100_000, 1_000, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return path


def put(library: Library, name: str, size: int) -> bool:
    text = ("oil " * size)[:size]
    chunk = Chunk(f"{name}:0", name, name, 1, "", text, 0, len(text), 3, "en")
    return library.add(Document(name, name, "text/plain", (text,), "en"), [chunk], None)


def append(ledger: Ledger, times: int) -> None:
    for _ in range(times):
        ledger.append(entry())


def test_the_library_holds_what_it_held_when_the_disk_is_full(small: Path) -> None:
    library = Library(small / "library.sqlite")
    assert put(library, "first", 1_000)
    filler = fill(small)
    with pytest.raises(LibraryError, match=r"Make room on the disk|can be written to"):
        put(library, "second", 2_000_000)
    assert [one.name for one in library.documents()] == ["first"]
    assert [chunk.document_name for chunk in library.chunks()] == ["first"]
    filler.unlink()
    assert put(library, "third", 1_000)
    library.close()


def test_the_ledger_says_so_and_goes_on_when_the_disk_is_full(small: Path) -> None:
    ledger = Ledger(small / "ledger.sqlite")
    append(ledger, 1)
    filler = fill(small)
    with pytest.raises(LedgerError, match=r"Make room|can be written to"):
        append(ledger, 1_000)
    filler.unlink()
    held = len(ledger.entries())
    assert held >= 1
    append(ledger, 1)
    assert len(ledger.entries()) == held + 1


def test_the_index_finds_what_it_found_when_the_disk_is_full(small: Path, tmp_path: Path) -> None:
    library = Library(tmp_path / "library.sqlite")
    put(library, "first", 1_000)
    copy = DiskCopy(small / "index")
    copy.catch_up(library)
    filler = fill(small)
    put(library, "second", 100_000)
    with pytest.raises(SearchError, match="check the free space"):
        copy.catch_up(library)
    hits = copy.view().search(Query("oil"), 5)
    assert [hit.chunk.document_name for hit in hits] == ["first"]
    filler.unlink()
    copy.catch_up(library)
    assert len(copy.view().search(Query("oil"), 5)) == 2
    library.close()


def test_an_upload_is_refused_in_a_sentence_when_the_disk_is_full(small: Path) -> None:
    class Session:
        files: dict[str, object] = {}  # noqa: RUF012
        files_dir = small / "chat"

    async def nothing(*_: object) -> None:
        return None

    app = Starlette()
    ours = routes.page_routes(
        html=lambda: "",
        session=lambda _: Session(),  # type: ignore[arg-type,return-value]
        source=nothing,  # type: ignore[arg-type]
        on_upload=nothing,
        add_server=nothing,  # type: ignore[arg-type]
        max_bytes=10_000_000,
    )
    routes.install(ours, app, Router())
    client = TestClient(app)
    address = "/project/file?session_id=known"
    response = client.post(address, files={"file": ("a.txt", b"x" * 2_000_000)})
    assert response.status_code == 507
    assert list((small / "chat").iterdir()) == []
    assert client.post(address, files={"file": ("a.txt", b"x" * 1_000)}).status_code == 200
    shutil.rmtree(small / "chat")
