"""One file from one address, into a file that grows: counted, hashed as it comes, resumable.

It knows which bytes are wanted (size and SHA-256), not what they are for, nor which mirror is next.
"""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

import httpx

from rag.errors import DownloadFailed, HashMismatch
from rag.models.disk import require_room

_CHUNK = 256 * 1024  # between two looks whether to go on
_READ = 1 << 20
_SPARE = 1.25  # of the missing bytes: what a mirror keeps beside the file while it works
_TRY_LATER = {408, 425, 429, 500, 502, 503, 504}


class PartFile:
    """The beginning of a wanted file. Every mirror sends the same bytes, so that any may go on
    where another stopped; a wrong byte shows in the hash at the end.

    ``on_bytes`` hears how many there are; what it raises stops the download, and the file stays.
    """

    def __init__(
        self, path: Path, size_bytes: int, sha256: str, on_bytes: Callable[[int], None]
    ) -> None:
        """Raises DiskFull when there is no room for the rest."""
        self.path = path
        self.size_bytes = size_bytes
        self.on_bytes = on_bytes
        self._sha256 = sha256
        path.touch()
        self.written = path.stat().st_size
        self._rehash()
        require_room(path.parent, int((size_bytes - self.written) * _SPARE))

    @property
    def scratch(self) -> Path:
        """A folder for what a mirror keeps between two attempts; gone when the file is done."""
        return self.path.with_name(f"{self.path.name}.d")

    @property
    def is_complete(self) -> bool:
        return self.written == self.size_bytes

    def keep(self, count: int) -> None:
        """Keep only the first ``count`` bytes."""
        if count < self.written:
            with self.path.open("ab") as file:
                file.truncate(count)
            self.written = count
            self._rehash()

    def write(self, chunk: bytes) -> None:
        if self.written + len(chunk) > self.size_bytes:
            raise HashMismatch("More was sent than the file holds.")
        with self.path.open("ab") as file:
            file.write(chunk)
        self._hash.update(chunk)
        self.written += len(chunk)
        self.on_bytes(self.written)

    def check(self) -> None:
        """Raises HashMismatch unless this is the wanted file."""
        if not self.is_complete or self._hash.hexdigest() != self._sha256:
            raise HashMismatch("What was sent is not the file that was asked for.")
        shutil.rmtree(self.scratch, ignore_errors=True)

    def discard(self) -> None:
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.keep(0)

    def _rehash(self) -> None:
        self._hash = hashlib.sha256()
        with self.path.open("rb") as file:
            while chunk := file.read(_READ):
                self._hash.update(chunk)


@dataclass(frozen=True, slots=True)
class HttpMirror:
    """A web address. A server that does not answer at once is not waited for."""

    url: str
    name: str = "the model hub"
    contact_timeout_s: float = 5  # for all addresses behind the name together
    stall_timeout_s: float = 20
    pauses_s: tuple[float, ...] = (1, 2, 4)  # before each new attempt that brought nothing

    def append(self, part: PartFile, stop: threading.Event) -> None:
        """Bring ``part`` to its full size. Raises DownloadFailed, HashMismatch or DiskFull."""
        if part.is_complete:
            return
        if not self._answers():
            raise DownloadFailed(f"{_capitalised(self.name)} could not be reached.")
        failures = 0
        timeout = httpx.Timeout(self.stall_timeout_s, connect=self.contact_timeout_s)
        with _client(timeout) as client:
            while not part.is_complete:
                part.on_bytes(part.written)
                before = part.written
                try:
                    self._continue(client, part)
                except httpx.HTTPError as exc:
                    failures = 0 if part.written > before else failures + 1
                    if failures > len(self.pauses_s) or not _worth_another_try(exc):
                        raise DownloadFailed(f"{_capitalised(self.name)} {_said(exc)}.") from exc
                    stop.wait(self.pauses_s[failures - 1] if failures else 0)

    def _answers(self) -> bool:
        """A name may stand for many addresses, and each would be waited for in turn."""
        client = _client(httpx.Timeout(self.contact_timeout_s))
        answers: SimpleQueue[bool] = SimpleQueue()

        def ask() -> None:
            with client:
                try:
                    client.head(self.url, follow_redirects=False)
                except httpx.HTTPError:
                    answers.put(False)
                else:
                    answers.put(True)

        threading.Thread(target=ask, daemon=True).start()
        try:
            return answers.get(timeout=self.contact_timeout_s)
        except Empty:
            return False

    def _continue(self, client: httpx.Client, part: PartFile) -> None:
        headers = {"Accept-Encoding": "identity"}
        if part.written:
            headers["Range"] = f"bytes={part.written}-"
        with client.stream("GET", self.url, headers=headers) as response:
            response.raise_for_status()
            if response.status_code != httpx.codes.PARTIAL_CONTENT:
                part.keep(0)  # a server that cannot go on from the middle sends all of it
            elif not response.headers.get("Content-Range", "").startswith(f"bytes {part.written}-"):
                raise httpx.RemoteProtocolError("another range was sent than was asked for")
            coming = int(response.headers.get("Content-Length", part.size_bytes - part.written))
            if coming != part.size_bytes - part.written:
                raise HashMismatch("A file of another size was sent.")
            for chunk in response.iter_raw(_CHUNK):
                part.write(chunk)
        if not part.is_complete:
            raise httpx.RemoteProtocolError("the answer ended early")


def _client(timeout: httpx.Timeout) -> httpx.Client:
    try:
        return httpx.Client(timeout=timeout, follow_redirects=True)
    except (ValueError, ImportError, httpx.InvalidURL) as exc:  # of the environment's proxy
        raise DownloadFailed("The proxy set for this machine cannot be used.") from exc


def _worth_another_try(exc: httpx.HTTPError) -> bool:
    if isinstance(exc, httpx.HTTPStatusError):
        return exc.response.status_code in _TRY_LATER
    return True


def _said(exc: httpx.HTTPError) -> str:
    if isinstance(exc, httpx.HTTPStatusError):
        return f"answered with status {exc.response.status_code}"
    return "broke off several times"


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
