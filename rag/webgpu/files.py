"""The built page in; each of its files with its own headers out, which its policy.json holds.

``headers`` there are of every file, ``files`` of single ones. It knows nothing of what the page
does.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

POLICY = "policy.json"
# Without these the page could ask other machines, and would get no threads.
NEEDED = {
    "Content-Security-Policy",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Embedder-Policy",
}
_NOT_BUILT = "The page is not built. Run `make web` where the program is, and reload."
# Windows may have been told others.
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
}


class PageFiles(StaticFiles):
    """An ASGI app over the folder of the built page; a browser asks each time whether a file is
    still the same. Nothing is served without the headers that shut the page off."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, html=True, check_dir=False)
        self._folder = folder

    async def get_response(self, path: str, scope: Scope) -> Response:
        name = PurePosixPath(path.replace("\\", "/")).as_posix()
        headers = _headers(self._folder, "index.html" if name == "." else name)
        if not headers.keys() >= NEEDED:
            return PlainTextResponse(_NOT_BUILT, 503)
        try:
            response = await super().get_response(path, scope)
        except HTTPException as exc:
            return PlainTextResponse(f"{exc.detail}.", exc.status_code)
        if media_type := _TYPES.get(PurePosixPath(name).suffix):
            response.headers["Content-Type"] = media_type
        response.headers.update(headers | {"Cache-Control": "no-cache"})
        return response


def _headers(folder: Path, name: str) -> dict[str, str]:
    """{} where there is no policy that can be read."""
    try:
        policy = json.loads((folder / POLICY).read_text(encoding="utf-8"))
        return {**policy["headers"], **policy.get("files", {}).get(name, {})}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
