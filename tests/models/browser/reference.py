"""A decoder written down plainly, in floats, as an oracle for the graph. Weights lie in GGUF as
they are used here: llama's queries and keys turn in neighbouring pairs, qwen2's in halves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from gguf import GGUFReader, quants
from models.browser.tiny import HEADS, KV_HEADS, LAYERS, WIDTH

HEAD = WIDTH // HEADS
Floats = np.ndarray


def scores(gguf: Path, ids: list[int]) -> Floats:
    """Of the token after ``ids``."""
    reader = GGUFReader(gguf)
    family = reader.fields["general.architecture"].contents()
    tensors = {t.name: quants.dequantize(t.data, t.tensor_type) for t in reader.tensors}

    def product(name: str, vectors: Floats) -> Floats:
        return vectors @ tensors[f"{name}.weight"].T + tensors.get(f"{name}.bias", 0)

    def normal(name: str, vectors: Floats) -> Floats:
        mean = (vectors**2).mean(-1, keepdims=True)
        return vectors / np.sqrt(mean + 1e-5) * tensors[f"{name}.weight"]

    total = tensors["token_embd.weight"][ids]
    for layer in (f"blk.{number}" for number in range(LAYERS)):
        x = normal(f"{layer}.attn_norm", total)
        queries, keys, values = (
            product(f"{layer}.attn_{part}", x).reshape(len(ids), -1, HEAD) for part in "qkv"
        )
        queries, keys = turned(queries, family), turned(keys, family)
        attended = [
            attention(queries[:, head], keys[:, at], values[:, at])
            for head in range(HEADS)
            for at in [head // (HEADS // KV_HEADS)]
        ]
        total = total + product(f"{layer}.attn_output", np.concatenate(attended, axis=-1))
        x = normal(f"{layer}.ffn_norm", total)
        gate = product(f"{layer}.ffn_gate", x)
        inner = gate / (1 + np.exp(-gate)) * product(f"{layer}.ffn_up", x)
        total = total + product(f"{layer}.ffn_down", inner)
    last = normal("output_norm", total)[-1]
    return product("output" if "output.weight" in tensors else "token_embd", last)


def turned(vectors: Floats, family: str) -> Floats:
    frequencies = 10_000.0 ** -(np.arange(HEAD // 2) / (HEAD // 2))
    angles = (np.arange(len(vectors))[:, None] * frequencies)[:, None]
    pairs = np.stack(
        [vectors[..., 0::2], vectors[..., 1::2]]
        if family == "llama"
        else np.split(vectors, 2, axis=-1)
    )
    cos, sin = np.cos(angles), np.sin(angles)
    # In which order the numbers lie makes no difference to a product of two turned vectors.
    return np.concatenate([pairs[0] * cos - pairs[1] * sin, pairs[1] * cos + pairs[0] * sin], -1)


def attention(queries: Floats, keys: Floats, values: Floats) -> Floats:
    weights = queries @ keys.T / np.sqrt(HEAD)
    weights[np.triu_indices(len(weights), 1)] = -np.inf
    weights = np.exp(weights - weights.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True) @ values
