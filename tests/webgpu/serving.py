"""A host of static files on this machine: folders and headers in, an address out.

It is as plain as the plainest host there is: no header is sent that a test did not ask for. It
answers ranges, as hosts of large files do.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "public" / "webgpu"
ISOLATED = {  # what a page needs to be given threads
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".wasm": "application/wasm",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
_PIECE = 1 << 20


@contextmanager
def served(mounts: Mapping[str, Path], headers: Mapping[str, str]) -> Iterator[str]:
    """Serve each folder, or single file, under its path, such as ``{"/": BUILT}``.

    The longest path that fits is asked. Yields the address, without a slash at its end.
    """
    places = sorted(mounts.items(), key=lambda place: -len(place[0]))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, with_body: bool) -> None:
            file = _find(places, unquote(urlsplit(self.path).path))
            size = file.stat().st_size if file else 0
            asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            start = int(asked[1]) if asked else 0
            end = min(int(asked[2]) + 1 if asked and asked[2] else size, size)
            if file is None:
                self.send_response(HTTPStatus.NOT_FOUND)
            elif asked and start >= size:
                self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
                self.send_header("Content-Range", f"bytes */{size}")
                end = start
            elif asked:
                self.send_response(HTTPStatus.PARTIAL_CONTENT)
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
            else:
                self.send_response(HTTPStatus.OK)
            if file:
                kind = TYPES.get(file.suffix, "application/octet-stream")
                self.send_header("Content-Type", kind)
                self.send_header("Accept-Ranges", "bytes")
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(end - start))
            self.end_headers()
            if file and with_body:
                self._send(file, start, end)

        def _send(self, file: Path, start: int, end: int) -> None:
            with file.open("rb") as opened:
                opened.seek(start)
                while start < end:
                    piece = opened.read(min(_PIECE, end - start))
                    start += len(piece)
                    try:
                        self.wfile.write(piece)
                    except ConnectionError:  # the page went away
                        self.close_connection = True
                        return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def _find(places: list[tuple[str, Path]], path: str) -> Path | None:
    for prefix, place in places:
        if path.startswith(prefix) and ".." not in path:
            rest = path.removeprefix(prefix).lstrip("/")
            file = place / rest if rest else place
            file = file / "index.html" if file.is_dir() else file
            return file if file.is_file() else None
    return None
