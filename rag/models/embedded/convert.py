"""A GGUF file in, a folder that OpenVINO loads quickly out: made once, in a child process.

The folder holds the model, its tokenizer with the chat template, and ``source.json``, which says
what it was made from and by which version of this module. It knows neither where the file came from
nor how the model is served.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

import rag
from rag.errors import DiskFull, WeightsError
from rag.models.weights import Progress

if TYPE_CHECKING:
    import gguf as gguf_package

CONVERTER_VERSION = 1  # raise it whenever the folder's contents would differ
SOURCE = "source.json"
_ROOT = Path(rag.__file__).parent.parent


def is_converted(folder: Path, sha256: str = "") -> bool:
    """Whether ``folder`` is a finished conversion by this version (of the file of that hash)."""
    try:
        source = json.loads((folder / SOURCE).read_text())
    except (OSError, ValueError):
        return False
    made_from, version = source.get("sha256"), source.get("converter")
    return bool(version == CONVERTER_VERSION and sha256 in ("", made_from))


def converted(
    gguf: Path,
    folder: Path,
    on_progress: Callable[[Progress], None],
    stop: threading.Event | None = None,
) -> Path:
    """The OpenVINO folder ``folder/<name of gguf>``; made now unless it is already there.

    Blocks: about half a minute for 0.5B weights on two cores. Raises WeightsError or DiskFull.
    """
    target = folder / gguf.stem
    if is_converted(target):
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{gguf.stem}.convert.lock"):
        if not is_converted(target):
            _convert(gguf, target, on_progress, stop or threading.Event())
    return target


def _convert(
    gguf: Path, target: Path, on_progress: Callable[[Progress], None], stop: threading.Event
) -> None:
    room = 3 * gguf.stat().st_size
    free = shutil.disk_usage(target.parent).free
    if free < room:
        raise DiskFull(
            f"Preparing {gguf.stem} needs {room / 1e9:.1f} GB of free disk space and there are "
            f"{free / 1e9:.1f} GB: make room and try again."
        )
    unfinished = target.with_name(f"{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    try:
        _run_child(gguf, unfinished, on_progress, stop)
        shutil.rmtree(target, ignore_errors=True)
        unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _run_child(
    gguf: Path, folder: Path, on_progress: Callable[[Progress], None], stop: threading.Event
) -> None:
    """The child's lines are its progress; its stdin closes with us, and then it ends."""
    module = "rag.models.embedded.convert"
    command = [sys.executable, "-m", module, str(gguf.resolve()), str(folder.resolve())]
    with subprocess.Popen(  # noqa: S603 - our own module
        command,
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        try:
            for line in child.stdout or ():
                if stop.is_set():
                    raise WeightsError(f"Preparing {gguf.stem} was stopped.")
                done, _, total = line.partition("/")
                if total.strip().isdigit():
                    on_progress(Progress("convert", int(done), int(total), "steps"))
            noise = child.stderr.read() if child.stderr else ""
            if child.wait():
                last = (noise.strip().splitlines() or [f"exit code {child.returncode}"])[-1]
                raise WeightsError(f"The model {gguf.stem} could not be prepared: {last}")
        finally:
            child.kill()


# --- in the child ------------------------------------------------------------------------


def _rewrite(source: Path, target: Path) -> Iterator[tuple[int, int]]:
    """Copy a GGUF with its Q5_0 tensors as Q8_0, because OpenVINO's reader refuses Q5_0."""
    import gguf as g  # noqa: PLC0415 - numpy and all: needed once, in the child
    import numpy as np  # noqa: PLC0415
    from gguf import quants  # noqa: PLC0415

    reader = g.GGUFReader(source)
    writer = g.GGUFWriter(target, arch=_value(reader, "general.architecture"))
    for name, field in reader.fields.items():
        if not name.startswith("GGUF.") and name != "general.architecture":
            inner = field.types[-1] if field.types[0] == g.GGUFValueType.ARRAY else None
            writer.add_key_value(name, field.contents(), field.types[0], inner)
    q5_0, q8_0 = g.GGMLQuantizationType.Q5_0, g.GGMLQuantizationType.Q8_0
    for tensor in reader.tensors:
        if tensor.tensor_type == q5_0:
            shape = quants.quant_shape_to_byte_shape(tensor.shape.tolist()[::-1], q8_0)
            writer.add_tensor_info(
                tensor.name, shape, np.dtype(np.uint8), math.prod(shape), raw_dtype=q8_0
            )
        else:
            data = tensor.data
            writer.add_tensor_info(
                tensor.name, data.shape, data.dtype, data.nbytes, raw_dtype=tensor.tensor_type
            )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for number, tensor in enumerate(reader.tensors, start=1):
        data = tensor.data
        if tensor.tensor_type == q5_0:
            data = quants.quantize(quants.dequantize(data, q5_0), q8_0)
        writer.write_tensor_data(data)
        yield number, len(reader.tensors)
    writer.close()


def _value(reader: gguf_package.GGUFReader, name: str) -> Any:
    field = reader.get_field(name)
    return field.contents() if field else ""


def _build(gguf: Path) -> None:
    """Let OpenVINO read the GGUF; it leaves the model and the tokenizer beside the file."""
    import openvino_genai  # type: ignore[import-untyped]  # noqa: PLC0415

    openvino_genai.LLMPipeline(gguf, "CPU", enable_save_ov_model=True)


def _main(gguf: Path, folder: Path) -> None:
    copy = folder / "rewritten.gguf"
    for done, total in _rewrite(gguf, copy):
        print(f"{done}/{2 * total}", flush=True)
    _build(copy)
    copy.unlink()
    with gguf.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    (folder / SOURCE).write_text(
        json.dumps({"file": gguf.name, "sha256": sha256, "converter": CONVERTER_VERSION})
    )


def _die_with_parent() -> None:
    def watch() -> None:
        with contextlib.suppress(OSError):
            sys.stdin.read()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    _die_with_parent()
    _main(Path(sys.argv[1]), Path(sys.argv[2]))
