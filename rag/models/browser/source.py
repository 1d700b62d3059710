"""A GGUF file in; a decoder's shape and its matrices as floats out, named as they are there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from gguf import GGUFReader, quants

from rag.errors import WeightsError
from rag.models.embedded.gguf_file import are_same

Floats = npt.NDArray[np.float32]

EMBEDDING, _OUTPUT = "token_embd.weight", "output.weight"


@dataclass(frozen=True, slots=True)
class Shape:
    architecture: str  # "llama" or "qwen2"
    layers: int
    width: int
    inner_width: int
    heads: int
    kv_heads: int
    vocabulary: int
    trained_tokens: int
    epsilon: float
    rope_base: float

    @property
    def head_width(self) -> int:
        return self.width // self.heads


class Source:
    """Of one file. Raises WeightsError for a family that the graph is not written for."""

    def __init__(self, path: Path) -> None:
        self._reader = GGUFReader(path)
        self._tensors = {tensor.name: tensor for tensor in self._reader.tensors}
        family = self.field("general.architecture")
        if family not in {"llama", "qwen2"}:
            raise WeightsError(f"A model of the {family} family cannot be prepared for browsers.")
        self.shape = Shape(
            family,
            layers=self.field(f"{family}.block_count"),
            width=self.field(f"{family}.embedding_length"),
            inner_width=self.field(f"{family}.feed_forward_length"),
            heads=self.field(f"{family}.attention.head_count"),
            kv_heads=self.field(f"{family}.attention.head_count_kv"),
            vocabulary=len(self.field("tokenizer.ggml.tokens")),
            trained_tokens=self.field(f"{family}.context_length"),
            epsilon=float(self.field(f"{family}.attention.layer_norm_rms_epsilon")),
            rope_base=float(self.field(f"{family}.rope.freq_base")),
        )
        self.matrix = lru_cache(maxsize=1)(self._matrix)

    def field(self, name: str, default: Any = None) -> Any:
        found = self._reader.fields.get(name)
        return found.contents() if found else default

    def has(self, name: str) -> bool:
        return name in self._tensors

    @property
    def head(self) -> str:
        """The matrix that the scores are made with: the embedding, or one of its own."""
        return _OUTPUT if _OUTPUT in self._tensors else EMBEDDING

    @property
    def table(self) -> str:
        """The matrix that tokens are looked up in: where the file has the embedding twice, the
        one that the scores are made with, which is finer."""
        embedding, head = self._tensors[EMBEDDING], self._tensors[self.head]
        return self.head if are_same(embedding, head) else EMBEDDING

    def size(self, name: str) -> tuple[int, int]:
        """Rows and columns of a matrix."""
        columns, rows = self._tensors[name].shape.tolist()
        return rows, columns

    def _matrix(self, name: str) -> Floats:
        """Row by row of the output. Llama's queries and keys, which lie in GGUF as pairs that turn
        together, are put back into halves."""
        tensor = self._tensors[name]
        floats: Floats = quants.dequantize(tensor.data, tensor.tensor_type)
        if self.shape.architecture != "llama" or not name.endswith(
            ("attn_q.weight", "attn_k.weight")
        ):
            return floats
        half = self.shape.head_width // 2
        pairs = floats.reshape(-1, half, 2, floats.shape[-1])
        return pairs.swapaxes(1, 2).reshape(floats.shape)
