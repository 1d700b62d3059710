"""A decoder's matrices in, its ONNX graph out, as ONNX Runtime's generator would build it.

The graph takes the ids of new tokens, a mask of all, and the keys and values of earlier ones; it
gives the scores of the next token alone, and all keys and values. Names are those that
transformers.js looks for. The rotation of positions is done by GroupQueryAttention.
"""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np

from rag.models.browser.blocks import BLOCK, Blocks, in_blocks
from rag.models.browser.onnx_file import Array, Graph, Large
from rag.models.browser.source import Source

_HEAD_BITS = 8  # of the embedding, whatever the layers have: four would cost most there
_DECIMALS = 6  # of sines: the last bits differ between machines


def decoder(source: Source, bits: int, dtype: str, context_tokens: int) -> Graph:
    """``bits`` of the layers' weights, 4 or 8; ``dtype`` of what is between them, "float16" or
    "float32"; ``context_tokens``: how many positions it knows."""
    return _Decoder(source, bits, dtype, context_tokens).graph


class _Decoder:
    def __init__(self, source: Source, bits: int, dtype: str, context_tokens: int) -> None:
        self._source, self._shape = source, source.shape
        self._bits, self._dtype = bits, dtype
        self._blocks = lru_cache(maxsize=1)(self._made)
        self.graph = Graph()
        self._inputs()
        self._rotations(context_tokens)
        # The sum of all layers so far, and what a layer has added to it, still apart.
        total, added = self._embedded(), ""
        for layer in range(self._shape.layers):
            normal, total = self._normal(f"blk.{layer}.attn_norm", total, added)
            added = self._attention(layer, normal)
            normal, total = self._normal(f"blk.{layer}.ffn_norm", total, added)
            added = self._feed_forward(layer, normal)
        normal, _ = self._normal("output_norm", total, added)
        self._scores(normal)

    def _inputs(self) -> None:
        graph = self.graph
        graph.input("input_ids", "int64", "batch_size", "sequence_length")
        mask = graph.input("attention_mask", "int64", "batch_size", "total_sequence_length")
        one = graph.constant("one", np.array([1]))
        counted = graph.node("ReduceSum", [mask, one], "mask.sum", keepdims=0)
        last = graph.node("Sub", [counted, one], "mask.last")
        graph.node("Cast", [last], "last_positions", to=6)
        shape = graph.node("Shape", [mask], "mask.shape")
        length = graph.node("Gather", [shape, graph.constant("second", np.array(1))], "mask.length")
        graph.node("Cast", [length], "total_length", to=6)

    def _rotations(self, context_tokens: int) -> None:
        """RoPE (Su et al., 2021): half a head's sines and cosines of every position."""
        half = self._shape.head_width // 2
        frequencies = self._shape.rope_base ** -(np.arange(half) / half)
        angles = np.arange(context_tokens)[:, None] * frequencies
        for name, values in ("cosines", np.cos(angles)), ("sines", np.sin(angles)):
            self.graph.constant(name, values.round(_DECIMALS).astype(self._dtype))

    def _embedded(self) -> str:
        """The scales are wanted with one axis more than where the scores are made."""
        name = self._source.table
        table, scales = self._matrix(name, _HEAD_BITS)
        steep = self.graph.constant("table.scales.shape", np.array([*self._blocks_of(name), 1]))
        tall = self.graph.node("Reshape", [scales, steep], "table.scales")
        found = self.graph.node(
            ".GatherBlockQuantized",
            [table, "input_ids", tall],
            "embedded.blocks",
            gather_axis=0,
            quantize_axis=2,
            block_size=BLOCK,
            bits=_HEAD_BITS,
        )
        flat = self.graph.constant("width", np.array([0, 0, self._shape.width]))
        return self.graph.node("Reshape", [found, flat], "embedded")

    def _normal(self, name: str, total: str, added: str) -> tuple[str, str]:
        """The layer's input, and the sum with ``added`` in it."""
        weight = self.graph.constant(name, self._floats(f"{name}.weight"))
        outputs, epsilon = f"{name}.out", self._shape.epsilon
        if not added:
            operator = "SimplifiedLayerNormalization"
            attributes = {"axis": -1, "epsilon": epsilon, "stash_type": 1}
            return self.graph.node(operator, [total, weight], outputs, **attributes), total
        names = outputs, "", "", f"{name}.sum"
        operator = ".SkipSimplifiedLayerNormalization"
        return self.graph.node(operator, [total, added, weight], *names, epsilon=epsilon), names[3]

    def _attention(self, layer: int, normal: str) -> str:
        graph, shape, block = self.graph, self._shape, f"blk.{layer}"
        projected = [self._product(f"{block}.attn_{part}", normal) for part in "qkv"]
        past = []
        for part in ("key", "value"):
            sizes = "batch_size", shape.kv_heads, "{}_sequence_length", shape.head_width
            before, after = (
                [str(one).format(when) if isinstance(one, str) else one for one in sizes]
                for when in ("past", "total")
            )
            past.append(graph.input(f"past_key_values.{layer}.{part}", self._dtype, *before))
            graph.output(f"present.{layer}.{part}", self._dtype, *after)
        attended = graph.node(
            ".GroupQueryAttention",
            [*projected, *past, "last_positions", "total_length", "cosines", "sines"],
            *(f"{block}.attended", f"present.{layer}.key", f"present.{layer}.value"),
            num_heads=shape.heads,
            kv_num_heads=shape.kv_heads,
            scale=shape.head_width**-0.5,
            do_rotary=1,
        )
        return self._product(f"{block}.attn_output", attended)

    def _feed_forward(self, layer: int, normal: str) -> str:
        """SwiGLU (Shazeer, 2020): down(up(x) * gate(x) * sigmoid(gate(x)))."""
        graph, block = self.graph, f"blk.{layer}"
        gate, up = (self._product(f"{block}.ffn_{part}", normal) for part in ("gate", "up"))
        sigmoid = graph.node("Sigmoid", [gate], f"{block}.sigmoid")
        gated = graph.node("Mul", [gate, sigmoid], f"{block}.gated")
        inner = graph.node("Mul", [gated, up], f"{block}.inner")
        return self._product(f"{block}.ffn_down", inner)

    def _scores(self, normal: str) -> None:
        graph = self.graph
        last = graph.constant("last", np.array([-1]))
        vector = graph.node("Gather", [normal, last], "last_token", axis=1)
        scores = self._multiplied(self._source.head, vector, "scores", _HEAD_BITS)
        graph.node("Cast", [scores], "logits", to=1)
        graph.output("logits", "float32", "batch_size", 1, self._shape.vocabulary)

    # --- matrices

    def _product(self, name: str, vectors: str) -> str:
        product = self._multiplied(f"{name}.weight", vectors, f"{name}.product", self._bits)
        if not self._source.has(f"{name}.bias"):
            return product
        bias = self.graph.constant(f"{name}.bias", self._floats(f"{name}.bias"))
        return self.graph.node("Add", [product, bias], f"{name}.biased")

    def _multiplied(self, matrix: str, vectors: str, output: str, bits: int) -> str:
        rows, columns = self._source.size(matrix)
        sizes = {"K": columns, "N": rows, "bits": bits, "block_size": BLOCK}
        return self.graph.node(
            ".MatMulNBits", [vectors, *self._matrix(matrix, bits)], output, **sizes
        )

    def _matrix(self, name: str, bits: int) -> tuple[str, str]:
        """The names of its wholes and its scales."""
        rows, blocks = self._blocks_of(name)
        for part, shape, dtype in (
            ("wholes", (rows, blocks, BLOCK * bits // 8), "uint8"),
            ("scales", (rows, blocks), self._dtype),
        ):
            make = partial(self._part, name, bits, part)
            self.graph.add_large(Large(f"{name}.{part}", shape, dtype, make))
        return f"{name}.wholes", f"{name}.scales"

    def _blocks_of(self, name: str) -> tuple[int, int]:
        rows, columns = self._source.size(name)
        return rows, columns // BLOCK

    def _part(self, name: str, bits: int, part: str) -> Array:
        value: Array = getattr(self._blocks(name, bits), part)
        return value

    def _made(self, name: str, bits: int) -> Blocks:
        return in_blocks(self._source.matrix(name), bits, self._dtype)

    def _floats(self, name: str) -> Array:
        return self._source.matrix(name).astype(self._dtype)
