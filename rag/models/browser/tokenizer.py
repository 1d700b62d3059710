"""A GGUF file's own tokenizer and chat template in; the JSON files beside an ONNX graph out, as
transformers.js reads them."""

from __future__ import annotations

from typing import Any

from rag.errors import WeightsError
from rag.models.browser.source import Shape, Source

JSON = dict[str, Any]

_CONTROL, _USER_DEFINED, _UNUSED = 3, 4, 5  # of GGUF's token types
_CLASSES = {
    "llama": ("LlamaForCausalLM", "GPT2Tokenizer"),
    "qwen2": ("Qwen2ForCausalLM", "Qwen2Tokenizer"),
}
_TEXT_END = "<|endoftext|>"

_BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False}
_QWEN2_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# How text is cut into words before byte pairs are merged, by GGUF's name for it.
_WORDS: dict[str, list[JSON]] = {
    "smollm": [
        {"type": "Digits", "individual_digits": True},
        {**_BYTES, "use_regex": True},
    ],
    "qwen2": [
        {
            "type": "Split",
            "pattern": {"Regex": _QWEN2_WORDS},
            "behavior": "Isolated",
            "invert": False,
        },
        {**_BYTES, "use_regex": False},
    ],
}


def json_files(source: Source, context_tokens: int, graph_file: str) -> dict[str, JSON]:
    """By name. ``graph_file`` has its large tensors beside it. Raises WeightsError."""
    return {
        "config.json": _config(source, context_tokens, graph_file),
        "generation_config.json": {"eos_token_id": _ends(source)},
        "tokenizer.json": _tokenizer(source),
        "tokenizer_config.json": _tokenizer_config(source, context_tokens),
    }


def _config(source: Source, context_tokens: int, graph_file: str) -> JSON:
    shape = source.shape
    return {
        "architectures": [_CLASSES[shape.architecture][0]],
        "model_type": shape.architecture,
        **_sizes(shape),
        "max_position_embeddings": context_tokens,
        "eos_token_id": source.field("tokenizer.ggml.eos_token_id"),
        "pad_token_id": source.field("tokenizer.ggml.padding_token_id"),
        "transformers.js_config": {"use_external_data_format": {graph_file: 1}},
    }


def _sizes(shape: Shape) -> JSON:
    return {
        "hidden_size": shape.width,
        "intermediate_size": shape.inner_width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_width,
        "vocab_size": shape.vocabulary,
        "rms_norm_eps": shape.epsilon,
        "rope_theta": shape.rope_base,
    }


def _ends(source: Source) -> list[int]:
    """The tokens that end an answer."""
    tokens = source.field("tokenizer.ggml.tokens")
    ends = [source.field("tokenizer.ggml.eos_token_id")]
    return [*ends, tokens.index(_TEXT_END)] if _TEXT_END in tokens else ends


def _tokenizer(source: Source) -> JSON:
    words = _WORDS.get(source.field("tokenizer.ggml.pre"))
    if words is None:
        raise WeightsError("The tokenizer of this model cannot be prepared for browsers.")
    tokens, types = source.field("tokenizer.ggml.tokens"), source.field("tokenizer.ggml.token_type")
    return {
        "version": "1.0",
        "added_tokens": [
            _added(number, token, is_special=kind == _CONTROL)
            for number, (token, kind) in enumerate(zip(tokens, types, strict=True))
            if kind in (_CONTROL, _USER_DEFINED)
        ],
        "normalizer": {"type": "NFC"} if source.shape.architecture == "qwen2" else None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": words},
        "post_processor": None,
        "decoder": {**_BYTES, "use_regex": True},
        "model": {
            "type": "BPE",
            "vocab": {
                token: number
                for number, (token, kind) in enumerate(zip(tokens, types, strict=True))
                if kind != _UNUSED
            },
            "merges": source.field("tokenizer.ggml.merges"),
        },
    }


def _added(number: int, token: str, *, is_special: bool) -> JSON:
    plain = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": token, **plain, "special": is_special}


def _tokenizer_config(source: Source, context_tokens: int) -> JSON:
    tokens = source.field("tokenizer.ggml.tokens")
    return {
        "tokenizer_class": _CLASSES[source.shape.architecture][1],
        "eos_token": tokens[source.field("tokenizer.ggml.eos_token_id")],
        "pad_token": tokens[source.field("tokenizer.ggml.padding_token_id")],
        "model_max_length": context_tokens,
        "clean_up_tokenization_spaces": False,
        "chat_template": source.field("tokenizer.chat_template"),
    }
