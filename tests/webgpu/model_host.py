"""A host of the built page that has models beside it, and can be told to misbehave."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from webgpu import serving

BLANK = b"<!doctype html><meta charset=utf-8><title>Blank</title><link rel=icon href=data:,><body>"
PIECE_BYTES = 64 << 10


@dataclass
class ModelHost:
    """What it serves and how; what it was asked for, as (method, path, range)."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=lambda: {"/blank.html": BLANK})
    headers: Mapping[str, str] = field(default_factory=dict)
    is_down: bool = False  # connections are closed without an answer
    knows_ranges: bool = True
    break_off_after: list[int] = field(default_factory=list)  # bytes of the next answers
    pause_after: int | None = None  # bytes; it also waits for `goes_on` before it breaks off
    goes_on: threading.Event = field(default_factory=threading.Event)
    preparing: Sequence[Mapping[str, Any]] = ()  # what it says while it makes `unprepared` ready
    unprepared: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def ranges(self, path: str) -> list[str]:
        return [asked for _, one, asked in self.asked if one == path]


def model_of(name: str, contents: Mapping[str, bytes], **changed: Any) -> dict[str, Any]:
    """An entry of models.json for files beside the page."""
    files = [
        {
            "path": path,
            "sizeBytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "urls": [f"models/{name}/{path}"],
        }
        for path, content in contents.items()
    ]
    return {
        "name": name,
        "title": name,
        "engine": "wllama",
        "dtype": "q8_0",
        "needs": [],
        "licence": "MIT",
        "memoryBytes": 1,
        "contextTokens": 1024,
        "bestPassages": 1,
        "files": files,
    } | changed


@contextmanager
def hosting(host: ModelHost) -> Iterator[ModelHost]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            path = self._note()
            content = host.files[path] if path in host.files else _built(path)
            asked = self.headers.get("Range") if host.knows_ranges else None
            if host.is_down:
                self.close_connection = True
            elif path in host.unprepared:
                self._send(409, b'{"prepare": "it is converted first"}', {})
            elif content is None:
                self._send(404, b"", {})
            elif asked:
                self._send_from(int(asked.removeprefix("bytes=").rstrip("-")), content)
            else:
                self._send(200, content, {"Content-Type": _type(path)})

        def _send_from(self, start: int, content: bytes) -> None:
            if start >= len(content):
                self._send(416, b"", {"Content-Range": f"bytes */{len(content)}"})
                return
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self._send(206, content[start:], {"Content-Range": span})

        def do_POST(self) -> None:
            self._note()
            lines = [f"data: {json.dumps(said)}\n\n" for said in host.preparing]
            host.files |= host.unprepared
            host.unprepared = {}
            self._send(200, "".join(lines).encode(), {"Content-Type": "text/event-stream"})

        def _note(self) -> str:
            path = urlsplit(self.path).path
            host.asked.append((self.command, path, self.headers.get("Range", "")))
            return "/index.html" if path == "/" else path

        def _send(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, **host.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            is_weights = "/models/" in self.path
            breaks = host.break_off_after if is_weights else []
            until = breaks.pop(0) if breaks else len(content)
            pause = min(until, len(content) if host.pause_after is None else host.pause_after)
            try:
                for start in range(0, len(content), PIECE_BYTES):
                    if is_weights and start >= pause:
                        host.goes_on.wait(30)
                    if start >= until:
                        self.close_connection = True
                        return
                    self.wfile.write(content[start : start + PIECE_BYTES])
            except ConnectionError:  # the page went away
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    host.address = f"http://127.0.0.1:{server.server_address[1]}"
    yield host
    host.goes_on.set()
    server.shutdown()
    server.server_close()
    thread.join()


def _built(path: str) -> bytes | None:
    file = serving.BUILT / path.lstrip("/")
    return file.read_bytes() if file.is_file() else None


def _type(path: str) -> str:
    suffix = path[path.rfind(".") :]
    return serving.TYPES.get(suffix, "application/octet-stream")
