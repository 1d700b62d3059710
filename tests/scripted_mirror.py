"""A web server with one file, which cuts, lies and refuses as a test tells it to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Manner:
    """How one request is answered."""

    status: int = 200
    ranges: bool = True  # False: the whole file, whatever was asked for
    cut_after: int | None = None  # bytes, then the connection is closed
    sized: bool = True  # False: no Content-Length
    body: bytes | None = None  # instead of the file
    shifted: bool = False  # another range than asked for


class ScriptedMirror:
    """``manners`` are used up one a request; then every request is answered well."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.manners: list[Manner] = []
        self.ranges_asked: list[str | None] = []
        self.url = ""

    @contextmanager
    def running(self) -> Iterator[ScriptedMirror]:
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}/model.gguf"
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        manner = self.manners.pop(0) if self.manners else Manner()
        asked = request.headers.get("Range")
        self.ranges_asked.append(asked)
        content = self.content if manner.body is None else manner.body
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and manner.ranges else 0
        start -= int(manner.shifted)
        status = 206 if start and manner.status == 200 else manner.status
        request.send_response(status)
        if status == 206:
            request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if manner.sized:
            request.send_header("Content-Length", str(len(content) - start))
        request.end_headers()
        if status < 300:
            request.wfile.write(content[start:][: manner.cut_after])
