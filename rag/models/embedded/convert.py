"""A GGUF file in, a folder that OpenVINO loads quickly out: made once, in a process of its own.

The folder holds the model, its tokenizer with the chat template, and ``source.json``, which says
what it was made from and by which version. It knows neither how the model is served nor what it is
good for. The process of its own is for the memory: over three times the file, all given back.
"""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from queue import Empty, SimpleQueue

import rag
from rag.errors import WeightsError
from rag.models.disk import disk_errors, locked, no_room, require_room
from rag.models.weights import Progress, Weights, fetch

logger = logging.getLogger(__name__)

CONVERTER_VERSION = 2  # raise it whenever the folder's contents would differ
SOURCE = "source.json"
_ROOM = 3  # times the file: what is on the disk for a while
_LOOK_S = 0.2  # between two looks whether to stop

_KILLED = 9  # by the system, when memory is short

OnProgress = Callable[[Progress], None]


def prepared(
    weights: Weights, folder: Path, on_progress: OnProgress, stop: threading.Event | None = None
) -> Path:
    """The OpenVINO folder of a model of the catalogue, fetched and converted as far as needed.

    Blocks. Raises WeightsError.
    """
    target = folder / weights.name
    if is_converted(target, weights.sha256):  # the file itself may have been deleted
        return target
    return converted(fetch(weights, folder, on_progress, stop), folder, on_progress, stop)


def is_converted(folder: Path, sha256: str = "") -> bool:
    """Whether ``folder`` is a finished conversion by this version (of the file of that hash)."""
    try:
        source = json.loads((folder / SOURCE).read_text())
        return source["converter"] == CONVERTER_VERSION and sha256 in ("", source["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def converted(
    gguf: Path, folder: Path, on_progress: OnProgress, stop: threading.Event | None = None
) -> Path:
    """The OpenVINO folder ``folder/<name of gguf>``; made now unless it is already there.

    Blocks. What ``on_progress`` raises, or setting ``stop``, ends it and leaves nothing behind.
    Another process that converts the same is waited for. Raises WeightsError.
    """
    stop = stop or threading.Event()
    target = folder / gguf.stem
    if is_converted(target):
        return target

    def on_percent(percent: int) -> None:
        if stop.is_set():
            raise WeightsError(f"Preparing {gguf.stem} was stopped.")
        on_progress(Progress("convert", percent, 100, "steps"))

    with disk_errors(folder, _ROOM * gguf.stat().st_size):
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / f"{gguf.stem}.convert.lock", lambda: on_percent(0)):
            if not is_converted(target):
                _convert(gguf, target, on_percent)
    return target


def _convert(gguf: Path, target: Path, on_percent: Callable[[int], None]) -> None:
    require_room(target.parent, _ROOM * gguf.stat().st_size)
    unfinished = target.with_name(f"{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    try:
        with closing(_percents(gguf, unfinished)) as percents:
            for percent in percents:
                on_percent(percent)
        if target.exists():
            shutil.rmtree(target)
        (unfinished / "result").replace(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _percents(gguf: Path, folder: Path) -> Generator[int, None, None]:
    """Run the child; how far it is, again and again, so that the caller can stop it at any time.

    Its stdin closes with us, and then it ends. Raises WeightsError.
    """
    module = "rag.models.embedded.conversion"
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", module, str(gguf.resolve()), str(folder.resolve())],
            cwd=Path(rag.__file__).parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        ) as child,
    ):
        lines: SimpleQueue[bytes] = SimpleQueue()
        reader = threading.Thread(target=_read, args=(child, lines), daemon=True)
        reader.start()
        percent = 0
        try:
            while reader.is_alive() or not lines.empty():
                try:
                    line = lines.get(timeout=_LOOK_S)
                    percent = int(line) if line.strip().isdigit() else percent
                except Empty:
                    pass
                yield percent
            if child.wait():
                errors.seek(0)
                raise _problem(gguf, child.returncode, errors.read().decode(errors="replace"))
        finally:
            child.kill()


def _read(child: subprocess.Popen[bytes], lines: SimpleQueue[bytes]) -> None:
    for line in child.stdout or ():
        lines.put(line)


def _problem(gguf: Path, exit_code: int, errors: str) -> WeightsError:
    """The child's own words name paths: they go to the log alone."""
    logger.warning("Converting %s ended with %d: %s", gguf.name, exit_code, errors.strip())
    if "No space left on device" in errors:
        return no_room(gguf.parent, _ROOM * gguf.stat().st_size)
    killed = exit_code == -_KILLED
    if killed or "MemoryError" in errors or "bad_alloc" in errors:
        return WeightsError(
            f"There was not enough memory to prepare {gguf.stem}: close other programs and try "
            "again."
        )
    return WeightsError(
        f"{gguf.stem} could not be prepared: run `python -m rag models remove {gguf.stem}` and "
        "fetch it again; if that does not help, report what the log says."
    )
