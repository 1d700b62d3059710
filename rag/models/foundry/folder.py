"""A folder for ONNX Runtime GenAI: a path in, what is known of the model out, without loading it.

What a folder lacks is said in a sentence, which names the folder but not where it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.errors import SettingsError

_CONFIG = "genai_config.json"
_TOKENIZERS = ("tokenizer.json", "tokenizer.model")
_TEMPLATES = ("chat_template.jinja", "chat_template.json")


@dataclass(frozen=True, slots=True)
class OnnxFolder:
    path: Path
    context_tokens: int
    has_providers: bool  # it is made for something other than the CPU

    @property
    def name(self) -> str:
        return self.path.name


def opened(path: Path) -> OnnxFolder:
    """Raises SettingsError with what is missing."""
    path = path.expanduser().absolute()
    if not path.is_dir():
        raise SettingsError(f"There is no folder “{path.name}” where foundry: says it is.")
    config = _config(path)
    model = config.get("model") or {}
    decoder = model.get("decoder") or {}
    context_tokens = model.get("context_length") or config.get("search", {}).get("max_length")
    if not isinstance(context_tokens, int):
        raise _lacking(path, f"context_length in {_CONFIG}")
    if (file := decoder.get("filename")) and not (path / file).is_file():
        raise _lacking(path, f"{file}, which {_CONFIG} names")
    if not any((path / name).is_file() for name in _TOKENIZERS):
        raise _lacking(path, " or ".join(_TOKENIZERS))
    if not _has_template(path):
        raise _lacking(path, "chat template (chat_template in tokenizer_config.json)")
    options = decoder.get("session_options") or {}
    return OnnxFolder(path, context_tokens, bool(options.get("provider_options")))


def control_tokens(path: Path) -> frozenset[str]:
    """Tokens that mean something to the model and are no text, as its tokenizer lists them."""
    listed = _read(path / "tokenizer.json").get("added_tokens") or []
    told = _read(path / "tokenizer_config.json").get("added_tokens_decoder") or {}
    return frozenset(
        token["content"] for token in [*listed, *told.values()] if token.get("special")
    )


def _config(path: Path) -> dict[str, Any]:
    if not (path / _CONFIG).is_file():
        raise _lacking(path, _CONFIG)
    config = _read(path / _CONFIG)
    if not config:
        raise SettingsError(f"{_CONFIG} in the folder “{path.name}” cannot be read: it is no JSON.")
    return config


def _has_template(path: Path) -> bool:
    in_file = any((path / name).is_file() for name in _TEMPLATES)
    return in_file or bool(_read(path / "tokenizer_config.json").get("chat_template"))


def _read(path: Path) -> dict[str, Any]:
    """{} when there is no such file, or it holds something else."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _lacking(path: Path, what: str) -> SettingsError:
    return SettingsError(
        f"The folder “{path.name}” is not a model for ONNX Runtime GenAI: it has no {what}."
    )
