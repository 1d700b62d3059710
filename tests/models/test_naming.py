"""Sizes and purposes of real models' names."""

from __future__ import annotations

import pytest

from rag.models.naming import Purpose, parameters_b, purpose


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("llama3.2:3b", 3.0),
        ("Qwen2.5-7B-Instruct", 7.0),
        ("qwen2.5-0.5b-instruct-generic-cpu:4", 0.5),
        ("gpt-oss-20b", 20.0),
        ("mixtral:8x7b", 56.0),
        ("gemma3:270m", 0.27),
        ("gemma3n:e4b", 4.0),
        ("qwen3-30b-a3b", 30.0),
        ("SmolLM2-135M-Instruct", 0.135),
        ("mlx-community/Mistral-7B-Instruct-v0.3-4bit", 7.0),
        ("Phi-4-mini-instruct-generic-cpu:5", 3.8),
        ("phi4-mini:latest", 3.8),
        ("phi4:latest", 14.7),
        ("/models/Llama-3.2-1B-Instruct-Q4_K_M.gguf", 1.0),
        ("3.2B", 3.2),
        ("mistral:latest", None),
        ("gpt-4o-mini", None),
        ("my-model-v2", None),
        ("9" * 400 + "b", None),
        ("", None),
    ],
)
def test_size_is_read_when_a_name_tells_it(name: str, expected: float | None) -> None:
    assert parameters_b(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("llama3.2:3b", "chat"),
        ("gpt-oss-20b", "chat"),
        ("gemma3:4b", "chat"),
        ("olmo2:7b", "chat"),
        ("deepseek-r1:7b", "reasoning"),
        ("Phi-4-mini-reasoning-generic-cpu:3", "reasoning"),
        ("qwq:32b", "reasoning"),
        ("llava:7b", "vision"),
        ("Qwen2.5-VL-7B-Instruct", "vision"),
        ("nomic-embed-text:latest", "embedding"),
        ("all-minilm", "embedding"),
        ("bge-m3", "embedding"),
        ("whisper-large-v3", "other"),
        ("llama-guard3:1b", "other"),
        ("gpt-4o-mini-tts", "other"),
    ],
)
def test_purpose_is_told_when_a_name_has_it(name: str, expected: Purpose) -> None:
    assert purpose(name) == expected
