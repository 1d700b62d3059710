"""A GGUF file in, the same weights in the one format that OpenVINO's reader keeps exactly out.

The reader refuses Q5_0, and rounds the offsets of Q4_1, Q4_K and the like; Q8_0 has no offsets.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter, quants
from gguf.gguf_reader import ReaderTensor

_PLAIN = {GGMLQuantizationType.F32, GGMLQuantizationType.F16, GGMLQuantizationType.Q8_0}
_EMBEDDING, _OUTPUT = "token_embd.weight", "output.weight"
_SAME = 0.1  # largest distance of two roundings of one matrix, of its length
_ROWS = 4096  # at a time, so that the largest matrix does not need its size in floats

Bytes = npt.NDArray[np.uint8]


def rewrite(source: Path, target: Path) -> Generator[tuple[int, int], None, None]:
    """Write ``target``; yields how many tensors are done, and of how many.

    An output matrix that is the embedding once more is left out, which the reader understands:
    both are then its finer rounding.
    """
    reader = GGUFReader(source)
    tensors = _without_copy({tensor.name: tensor for tensor in reader.tensors})
    writer = GGUFWriter(target, arch=reader.fields["general.architecture"].contents())
    for name, field in reader.fields.items():
        if not name.startswith("GGUF.") and name != "general.architecture":
            inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(name, field.contents(), field.types[0], inner)
    for name, tensor in tensors.items():
        kind, shape, dtype = _announced(tensor)
        size = math.prod(shape) * dtype.itemsize
        writer.add_tensor_info(name, shape, dtype, size, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    try:
        for number, tensor in enumerate(tensors.values(), start=1):
            writer.write_tensor_data(_rewritten(tensor))
            yield number, len(tensors)
    finally:
        writer.close()


def _without_copy(tensors: dict[str, ReaderTensor]) -> dict[str, ReaderTensor]:
    embedding, output = tensors.get(_EMBEDDING), tensors.get(_OUTPUT)
    if embedding is None or output is None or not are_same(embedding, output):
        return tensors
    finer = max(embedding, output, key=lambda tensor: tensor.n_bytes)
    return {name: tensor for name, tensor in tensors.items() if name != _OUTPUT} | {
        _EMBEDDING: finer
    }


def are_same(one: ReaderTensor, other: ReaderTensor) -> bool:
    """Whether both are roundings of one matrix."""
    if one.shape.tolist() != other.shape.tolist():
        return False
    rows = slice(0, _ROWS)
    left, right = _floats(one, rows), _floats(other, rows)
    return bool(np.linalg.norm(left - right) < _SAME * np.linalg.norm(left))


def _announced(tensor: ReaderTensor) -> tuple[GGMLQuantizationType, tuple[int, ...], np.dtype]:
    if tensor.tensor_type in _PLAIN:
        return tensor.tensor_type, tensor.data.shape, tensor.data.dtype
    q8_0 = GGMLQuantizationType.Q8_0
    shape = quants.quant_shape_to_byte_shape(tensor.shape.tolist()[::-1], q8_0)
    return q8_0, shape, np.dtype(np.uint8)


def _rewritten(tensor: ReaderTensor) -> Bytes:
    if tensor.tensor_type in _PLAIN:
        return tensor.data
    _, shape, dtype = _announced(tensor)
    whole = np.empty(shape, dtype)
    for start in range(0, len(whole), _ROWS):
        part = slice(start, start + _ROWS)
        whole[part] = quants.quantize(_floats(tensor, part), GGMLQuantizationType.Q8_0)
    return whole


def _floats(tensor: ReaderTensor, rows: slice) -> npt.NDArray[np.float32]:
    return quants.dequantize(tensor.data[rows], tensor.tensor_type)
