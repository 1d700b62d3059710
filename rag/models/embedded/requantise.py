"""An OpenVINO model as its GGUF reader leaves it in, the same model with one scale a row out.

The reader keeps groups of 32 weights with a scale each. One scale a row is smaller, loads sooner,
and lets a prompt be read in wider strips; why 8 bits: docs/decisions/0031-one-scale-a-row.md.
It knows nothing of GGUF.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import openvino as ov  # type: ignore[import-untyped]
from openvino import opset13 as ops

# Activations are rounded to 8 bits in groups of this many while a prompt is read.
ACTIVATION_GROUP = 128
_ROWS = 4096  # at a time, so that the largest matrix does not need its size in floats
_LARGEST = 127

Floats = npt.NDArray[np.float32]


def requantise(source: Path, target: Path) -> Iterator[tuple[int, int]]:
    """Write ``target`` (an .xml, its .bin beside it); yields how many matrices are done, of all."""
    model = ov.Core().read_model(source)
    matrices = list(_matrices(model))
    for number, matrix in enumerate(matrices, start=1):
        users = matrix.output(0).get_target_inputs()
        replacement = _by_row(matrix).output(0)
        for user in users:
            user.replace_source_output(replacement)
        yield number, len(matrices)
    model.set_rt_info(str(ACTIVATION_GROUP), ["runtime_options", "DYNAMIC_QUANTIZATION_GROUP_SIZE"])
    ov.save_model(model, target, compress_to_fp16=False)


def _matrices(model: ov.Model) -> Iterator[ov.Node]:
    """The nodes that hand a matrix to a multiplication or a look-up, as floats."""
    for node in model.get_ordered_ops():
        if node.get_type_name() != "Convert" or node.get_element_type() != ov.Type.f32:
            continue
        weights = _constant(node)
        if weights is not None and weights.get_element_type() == ov.Type.u8:
            yield node


def _constant(node: ov.Node) -> ov.Node | None:
    """What a chain of rescaling begins with."""
    while node.get_type_name() in {"Convert", "Reshape", "Multiply", "Subtract"}:
        node = node.input_value(0).get_node()
    return node if node.get_type_name() == "Constant" else None


def _by_row(matrix: ov.Node) -> ov.Node:
    rows, columns = matrix.shape
    scales = np.empty((rows, 1), np.float16)
    whole = np.empty((rows, columns), np.int8)
    for start in range(0, rows, _ROWS):
        part = slice(start, start + _ROWS)
        floats = _floats(matrix, part)
        scale = np.abs(floats).max(axis=1, keepdims=True) / _LARGEST
        scales[part] = np.where(scale == 0, 1, scale)
        rounded = np.rint(floats / scales[part].astype(np.float32))
        whole[part] = rounded.clip(-_LARGEST, _LARGEST)
    halves = ops.multiply(ops.convert(ops.constant(whole), ov.Type.f16), ops.constant(scales))
    return ops.convert(halves, ov.Type.f32)


def _floats(node: ov.Node, rows: slice) -> Floats:
    """Rows of what ``node`` computes."""
    kind = node.get_type_name()
    if kind == "Constant":
        constant: Floats = node.data[rows].astype(np.float32)
        return constant
    left = _floats(node.input_value(0).get_node(), rows)
    if kind == "Convert":
        return left
    if kind == "Reshape":
        return left.reshape(len(left), -1)
    right = _floats(node.input_value(1).get_node(), rows)
    return left * right if kind == "Multiply" else left - right
