"""The conversion itself, run by convert.py as a child: percents on stdout, a folder ``result``.

Three steps: the GGUF's weights into a format that OpenVINO's reader keeps exactly, that file into
OpenVINO's own form, and that with one scale a row.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import openvino_genai  # type: ignore[import-untyped]

from rag.models.embedded.convert import CONVERTER_VERSION, SOURCE
from rag.models.embedded.gguf_file import rewrite
from rag.models.embedded.requantise import requantise

_MODEL = "openvino_model"
_READ_AT, _SCALED_AT = 50, 85  # per cent of the time, before the second and the third step


def convert(gguf: Path, folder: Path) -> Iterator[int]:
    """Fill ``folder/result``; yields how far it is, in per cent."""
    read, result = folder / "read", folder / "result"
    read.mkdir()
    for done, total in rewrite(gguf, read / "model.gguf"):
        yield _READ_AT * done // total
    # Leaves the model and the tokenizer beside the file.
    openvino_genai.LLMPipeline(read / "model.gguf", "CPU", enable_save_ov_model=True)
    (read / "model.gguf").unlink()
    result.mkdir()
    for done, total in requantise(read / f"{_MODEL}.xml", result / f"{_MODEL}.xml"):
        yield _SCALED_AT + (99 - _SCALED_AT) * done // total
    for path in read.glob("openvino_*tokenizer.*"):
        shutil.move(path, result)
    with gguf.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    source = {"file": gguf.name, "sha256": sha256, "converter": CONVERTER_VERSION}
    (result / SOURCE).write_text(json.dumps(source))


def _end_with_parent() -> None:
    """Its end of our stdin closes when it is gone, however it went."""

    def watch() -> None:
        os.read(0, 1)  # not sys.stdin: its lock would be held when the interpreter ends
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    _end_with_parent()
    for percent in convert(Path(sys.argv[1]), Path(sys.argv[2])):
        print(percent, flush=True)
