"""What a model's name tells of it: how large it is, and what it is made for.

Names are all that some servers give. In go names as servers spell them; out come figures and
purposes, or that they are not known.
"""

from __future__ import annotations

import re
from typing import Literal

Purpose = Literal["chat", "reasoning", "vision", "embedding", "other"]

# "3b", "1.5B", "270m", "8x7b", and "e4b" (of Gemma 3n: effective), but neither "a3b" (the active
# part of a mixture) nor "4bit".
_SIZE = re.compile(
    r"(?<![a-z0-9.])(?:(\d{1,3})x|e)?(\d{1,4}(?:\.\d{1,3})?)([bm])(?![a-z0-9])", re.IGNORECASE
)
# Families whose names carry no size, as their makers state it, in billions.
_FAMILIES = (
    (re.compile(r"phi-?(3|3\.5|4)-mini", re.IGNORECASE), 3.8),
    (re.compile(r"phi-?4", re.IGNORECASE), 14.7),
    (re.compile(r"phi-?3(\.5)?-medium", re.IGNORECASE), 14.0),
)
_PURPOSES: tuple[tuple[Purpose, re.Pattern[str]], ...] = (
    ("embedding", re.compile(r"embed|minilm|rerank|(^|[/_-])(bge|gte|e5)[_-]", re.IGNORECASE)),
    (
        "other",
        re.compile(
            r"whisper|tts|audio|transcri|realtime|diffusion|flux|dall-e|image|guard|moderation|ocr",
            re.IGNORECASE,
        ),
    ),
    ("vision", re.compile(r"vision|llava|moondream|minicpm-v|vl(?![a-z])", re.IGNORECASE)),
    (
        "reasoning",
        re.compile(r"reason|think|magistral|qwq|(^|[/_-])(r1|o1|o3)(?![a-z0-9])", re.IGNORECASE),
    ),
)


def parameters_b(name: str) -> float | None:
    """Billions of parameters; None where the name does not tell.

    >>> parameters_b("Qwen2.5-7B-Instruct"), parameters_b("mixtral:8x7b"), parameters_b("mistral")
    (7.0, 56.0, None)
    """
    if found := _SIZE.search(name):
        times, figure, unit = found.groups()
        return int(times or 1) * float(figure) / (1 if unit.lower() == "b" else 1_000)
    return next((size for family, size in _FAMILIES if family.search(name)), None)


def purpose(name: str) -> Purpose:
    """
    >>> purpose("nomic-embed-text"), purpose("deepseek-r1:7b"), purpose("llama3.2:3b")
    ('embedding', 'reasoning', 'chat')
    """
    return next((kind for kind, pattern in _PURPOSES if pattern.search(name)), "chat")
