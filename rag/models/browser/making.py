"""A GGUF file in, a folder of files that a browser's engine loads out: always the same bytes.

It knows neither where the file comes from nor which hashes are expected. What it is made with is
imported only then: the list of models is looked at much more often.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class AsQ8:
    """A GGUF file whose weights all have 8 bits: WebAssembly computes with those fastest."""

    file: str

    def make(self, gguf: Path, folder: Path) -> Generator[tuple[int, int], None, None]:
        """Yields how much is done, of how much."""
        from rag.models.embedded.gguf_file import rewrite  # noqa: PLC0415

        yield from rewrite(gguf, folder / self.file)


@dataclass(frozen=True, slots=True)
class AsOnnx:
    """A graph for ONNX Runtime, with its weights beside it, and what transformers.js needs."""

    file: str  # in the folder "onnx", by the rule of transformers.js: its dtype is in the name
    bits: Literal[4, 8]  # of the layers' weights
    dtype: Literal["float16", "float32"]  # of what is between them
    context_tokens: int

    def make(self, gguf: Path, folder: Path) -> Generator[tuple[int, int], None, None]:
        """Yields how much is done, of how much."""
        from rag.models.browser.decoder import decoder  # noqa: PLC0415
        from rag.models.browser.source import Source  # noqa: PLC0415
        from rag.models.browser.tokenizer import json_files  # noqa: PLC0415

        source = Source(gguf)
        for name, content in json_files(source, self.context_tokens, self.file).items():
            text = json.dumps(content, ensure_ascii=False, indent=1)
            (folder / name).write_bytes(text.encode())
        (folder / "onnx").mkdir()
        graph = decoder(source, self.bits, self.dtype, self.context_tokens)
        yield from graph.write(folder / "onnx" / self.file)


Recipe = AsQ8 | AsOnnx
