"""An ONNX graph in, its two files out: the graph itself, and beside it the large tensors.

Only what a decoder needs of the format is written, straight as protobuf (onnx/onnx.proto names the
numbers), so that no package is needed for it and one graph always gives the same bytes. It knows
nothing of what the graph computes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]

_IR_VERSION, _OPSET = 10, 21
_CONTRIB = "com.microsoft"
_TYPES = {"float32": 1, "uint8": 2, "int32": 6, "int64": 7, "float16": 10}  # of TensorProto
_ALIGNED = 64  # bytes: where a large tensor may begin


@dataclass(frozen=True, slots=True)
class Large:
    """A tensor that is made only when it is written."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    make: Callable[[], Array]

    @property
    def size_bytes(self) -> int:
        return int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize


@dataclass(slots=True)
class Graph:
    """Built from its inputs on; what is named "" is an input that is left out."""

    inputs: list[bytes] = field(default_factory=list)
    outputs: list[bytes] = field(default_factory=list)
    nodes: list[bytes] = field(default_factory=list)
    constants: list[bytes] = field(default_factory=list)
    large: list[Large] = field(default_factory=list)

    def input(self, name: str, dtype: str, *shape: int | str) -> str:
        self.inputs.append(_value(name, dtype, shape))
        return name

    def output(self, name: str, dtype: str, *shape: int | str) -> None:
        self.outputs.append(_value(name, dtype, shape))

    def constant(self, name: str, value: Array) -> str:
        self.constants.append(_head(name, value.dtype.name, value.shape) + _bytes(9, value))
        return name

    def add_large(self, tensor: Large) -> None:
        """Once, though it is used twice."""
        if all(one.name != tensor.name for one in self.large):
            self.large.append(tensor)

    def node(
        self, operator: str, inputs: Sequence[str], *outputs: str, **attributes: float | int
    ) -> str:
        """Its first output. An operator written ``.Name`` is one of ONNX Runtime's own."""
        own = operator.startswith(".")
        self.nodes.append(
            b"".join(_text(1, name) for name in inputs)
            + b"".join(_text(2, name) for name in outputs)
            + _text(3, f"/{outputs[0]}")
            + _text(4, operator.lstrip("."))
            + b"".join(_bytes(5, _attribute(*one)) for one in attributes.items())
            + (_text(7, _CONTRIB) if own else b"")
        )
        return outputs[0]

    def write(self, path: Path) -> Generator[tuple[int, int], None, None]:
        """Write ``path``, and ``path`` + "_data"; yields how many bytes are done, of how many."""
        beside = path.with_name(f"{path.name}_data")
        total = sum(tensor.size_bytes for tensor in self.large)
        referred, done = [], 0
        with beside.open("wb") as file:
            for tensor in self.large:
                file.write(bytes(-file.tell() % _ALIGNED))
                referred.append(_referred(tensor, beside.name, file.tell()))
                content = np.ascontiguousarray(tensor.make())
                if (content.shape, content.dtype.name) != (tensor.shape, tensor.dtype):
                    raise ValueError(f"{tensor.name} is {content.dtype}{content.shape}")
                file.write(content.data)
                done += tensor.size_bytes
                yield done, total
        path.write_bytes(self._model(referred))

    def _model(self, referred: Sequence[bytes]) -> bytes:
        graph = _text(2, "decoder")
        for number, parts in (
            (1, self.nodes),
            (5, [*self.constants, *referred]),
            (11, self.inputs),
            (12, self.outputs),
        ):
            graph += b"".join(_bytes(number, part) for part in parts)
        opsets = _int(2, _OPSET), _text(1, _CONTRIB) + _int(2, 1)
        return (
            _int(1, _IR_VERSION)
            + _text(2, "edge-rag-chat")
            + _bytes(7, graph)
            + b"".join(_bytes(8, opset) for opset in opsets)
        )


def _value(name: str, dtype: str, shape: Sequence[int | str]) -> bytes:
    dims = (_text(2, one) if isinstance(one, str) else _int(1, one) for one in shape)
    tensor = _int(1, _TYPES[dtype]) + _bytes(2, b"".join(_bytes(1, dim) for dim in dims))
    return _text(1, name) + _bytes(2, _bytes(1, tensor))


def _head(name: str, dtype: str, shape: Sequence[int]) -> bytes:
    return b"".join(_int(1, one) for one in shape) + _int(2, _TYPES[dtype]) + _text(8, name)


def _referred(tensor: Large, location: str, offset: int) -> bytes:
    told = {"location": location, "offset": str(offset), "length": str(tensor.size_bytes)}
    entries = (_bytes(13, _text(1, key) + _text(2, value)) for key, value in told.items())
    return _head(tensor.name, tensor.dtype, tensor.shape) + b"".join(entries) + _int(14, 1)


def _attribute(name: str, value: float | int) -> bytes:
    if isinstance(value, float):
        return _text(1, name) + _varint(2 << 3 | 5) + struct.pack("<f", value) + _int(20, 1)
    return _text(1, name) + _int(3, value) + _int(20, 2)


# --- protobuf: a field's number and kind, then its value


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value >> 7:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _int(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _text(number: int, value: str) -> bytes:
    return _bytes(number, value.encode())


def _bytes(number: int, value: bytes | Array) -> bytes:
    raw = value if isinstance(value, bytes) else value.tobytes()
    return _varint(number << 3 | 2) + _varint(len(raw)) + raw
