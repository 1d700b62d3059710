"""A GGUF file of a decoder with two layers and random weights, for a test to convert."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType, quants

WIDTH, INNER, HEADS, KV_HEADS, LAYERS = 64, 128, 4, 2, 2
BYTES = [chr(one) for one in range(0x21, 0x7F)]
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tool>", "[PAD4]"]
TOKENS = [
    *SPECIAL,
    *BYTES,
    "Ġ",
    "Ċ",
    "he",
    "hel",
]  # a space and the end of a line, as bytes are spelt
MERGES = ["h e", "he l"]
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
)
KIND = GGMLQuantizationType.Q8_0


def write(path: Path, family: str = "llama", seed: int = 8) -> Path:
    """``qwen2`` has biases and an output matrix of its own."""
    writer = gguf.GGUFWriter(path, arch=family)
    _write_facts(writer, family)
    _write_tensors(writer, family, np.random.default_rng(seed))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _write_facts(writer: gguf.GGUFWriter, family: str) -> None:
    writer.add_block_count(LAYERS)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_context_length(256)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10_000.0)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm" if family == "llama" else family)
    writer.add_token_list(TOKENS)
    writer.add_token_types([3, 3, 3, 4, 5] + [1] * (len(TOKENS) - len(SPECIAL)))
    writer.add_token_merges(MERGES)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_chat_template(TEMPLATE)


def _write_tensors(writer: gguf.GGUFWriter, family: str, random: np.random.Generator) -> None:
    kv_width = WIDTH // HEADS * KV_HEADS
    sizes = {"attn_q": (WIDTH, WIDTH), "attn_k": (kv_width, WIDTH), "attn_v": (kv_width, WIDTH)}
    sizes |= {"attn_output": (WIDTH, WIDTH), "ffn_gate": (INNER, WIDTH), "ffn_up": (INNER, WIDTH)}
    sizes |= {"ffn_down": (WIDTH, INNER)}

    def add(name: str, *shape: int) -> None:
        values = random.normal(size=shape).astype(np.float32) / 8
        if len(shape) == 1:
            writer.add_tensor(name, values + name.endswith("norm.weight"))
        else:
            writer.add_tensor(name, quants.quantize(values, KIND), raw_dtype=KIND)

    add("token_embd.weight", len(TOKENS), WIDTH)
    add("output_norm.weight", WIDTH)
    if family == "qwen2":
        add("output.weight", len(TOKENS), WIDTH)
    for layer in range(LAYERS):
        for name in ("attn_norm", "ffn_norm"):
            add(f"blk.{layer}.{name}.weight", WIDTH)
        for name, shape in sizes.items():
            add(f"blk.{layer}.{name}.weight", *shape)
            if family == "qwen2" and name in {"attn_q", "attn_k", "attn_v"}:
                add(f"blk.{layer}.{name}.bias", shape[0])
