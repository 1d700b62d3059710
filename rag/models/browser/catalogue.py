"""The pinned list of what a browser can run: which files, how large, and of what they are made.

Literals only. A file is either the catalogue's own (rag/models/catalogue.py), as it was fetched, or
made of it here; its hash says that it came out as it was checked. To add one: docs/models.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from rag.models.browser.making import AsOnnx, AsQ8, Recipe
from rag.models.catalogue import WEIGHTS, Weights
from rag.models.download import HttpMirror

EngineName = Literal["wllama", "transformers"]
Need = Literal["webgpu", "shader-f16"]

CONTEXT_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class BrowserFile:
    path: str  # inside the model's folder
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class BrowserModel:
    """``recipe`` None: its one file is the catalogue's own, as it is fetched."""

    name: str
    title: str
    engine: EngineName
    dtype: str  # the engine's word for the weights
    needs: tuple[Need, ...]
    # Of the whole tab after an answer. In Chromium (PSS), smollm2-135m-q8_0 took 549 MB and
    # qwen2.5-coder-0.5b-q4_k_m 892 MB; the others are estimates.
    memory_bytes: int
    files: tuple[BrowserFile, ...]
    source: Weights
    recipe: Recipe | None = None
    context_tokens: int = CONTEXT_TOKENS

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    @property
    def hub_urls(self) -> tuple[str, ...]:
        """Of its one file; none for files that are made here."""
        mirrors = self.source.mirrors if self.recipe is None else ()
        return tuple(mirror.url for mirror in mirrors if isinstance(mirror, HttpMirror))


def _as_fetched(
    source: str, dtype: str, *, memory_bytes: int, context_tokens: int = CONTEXT_TOKENS
) -> BrowserModel:
    weights = WEIGHTS[source]
    return BrowserModel(
        name=f"{source}-{dtype}",
        title=_title(weights),
        engine="wllama",
        dtype=dtype,
        needs=(),
        memory_bytes=memory_bytes,
        files=(BrowserFile(f"{source}-{dtype}.gguf", weights.size_bytes, weights.sha256),),
        source=weights,
        context_tokens=context_tokens,
    )


def _as_q8_0(
    source: str, *, memory_bytes: int, context_tokens: int, size_bytes: int, sha256: str
) -> BrowserModel:
    weights, file = WEIGHTS[source], f"{source}-q8_0.gguf"
    return BrowserModel(
        name=f"{source}-q8_0",
        title=_title(weights),
        engine="wllama",
        dtype="q8_0",
        needs=(),
        memory_bytes=memory_bytes,
        files=(BrowserFile(file, size_bytes, sha256),),
        source=weights,
        recipe=AsQ8(file),
        context_tokens=context_tokens,
    )


def _as_onnx(
    source: str, dtype: str, *, bits: Literal[4, 8], memory_bytes: int, files: str
) -> BrowserModel:
    """``files``: of each its path, size and hash. ``dtype`` as transformers.js names it, which
    finds the graph by it: "q8" is model_quantized.onnx."""
    weights, is_half = WEIGHTS[source], dtype.endswith("16")
    graph = f"model_{'quantized' if dtype == 'q8' else dtype}.onnx"
    words = files.split()
    return BrowserModel(
        name=f"{source}-{dtype}",
        title=_title(weights),
        engine="transformers",
        dtype=dtype,
        needs=("webgpu", "shader-f16") if is_half else ("webgpu",),
        memory_bytes=memory_bytes,
        files=tuple(
            BrowserFile(path, int(size), sha256)
            for path, size, sha256 in zip(words[::3], words[1::3], words[2::3], strict=True)
        ),
        source=weights,
        recipe=AsOnnx(graph, bits, "float16" if is_half else "float32", CONTEXT_TOKENS),
    )


def _title(weights: Weights) -> str:
    """Without the format of the file it is made of."""
    return weights.title.partition(" (")[0]


def _list(*models: BrowserModel) -> Mapping[str, BrowserModel]:
    return MappingProxyType({one.name: one for one in models})


BROWSER_MODELS = _list(
    _as_q8_0(
        "smollm2-135m",
        memory_bytes=550_000_000,
        context_tokens=2048,  # WebAssembly reads more too slowly to be waited for
        size_bytes=144_811_072,
        sha256="4a197789e71f16d2a0c228684e98def3218e2e324488a5414d46605bf849023d",
    ),
    _as_fetched("smollm2-135m", "q4_1", memory_bytes=500_000_000, context_tokens=2048),
    _as_fetched("qwen2.5-coder-0.5b", "q4_k_m", memory_bytes=900_000_000),
    _as_fetched("qwen2.5-coder-1.5b", "q4_k_m", memory_bytes=1_800_000_000),
    _as_onnx(
        "smollm2-135m",
        "q8",
        bits=8,
        memory_bytes=500_000_000,
        files="""
        config.json 476
        277cec2da5855874e45948c0d53f1460c344189df0eca65aa4d5a4ea06453394
        generation_config.json 34
        9a92c3513b1e154652fe24b33a4a9ec35f27a046a96ebaab2d350fadc22e159e
        onnx/model_quantized.onnx 1325685
        bc69a9dcbc8768e3343cf8df7c476ecd5b859eca3dce2a497d9e2b09cc781d7d
        onnx/model_quantized.onnx_data 151289856
        8ca2bd83c8b814c90dfa694fb1b77690e7349ce71febbace7542ea38f1506f11
        tokenizer.json 1809672
        201377b0a6ec350bd472ee79faec20b787cda6c4abe7932e5d2793456a209779
        tokenizer_config.json 557
        1a7a04913ca54fdf4b14a379fae51cff82beda2cb018fe13da3ac74e851694b5
        """,
    ),
    _as_onnx(
        "qwen2.5-coder-0.5b",
        "fp16",
        bits=8,
        memory_bytes=1_300_000_000,
        files="""
        config.json 484
        9f031dfab4d6221952b83c0539aa693ba66e9e6126201529f6d4e5e82cf62e0d
        generation_config.json 44
        6c3d082c6545319b3728ae0da9b5a1982db68bcea2083516a889e6e3153ed4d5
        onnx/model_fp16.onnx 784228
        f74743d0a90c76009c63885d969422d53322782cf66015e742514c604a5347fa
        onnx/model_fp16.onnx_data 524833792
        c2987bb9e41eaf86e02b19de1da3e738964ce525c85343a882d2a370bf6e416a
        tokenizer.json 6122221
        b0b3cf2c1fffe2283c20e6c864c5f678bb1e632b4a03975a5a1c5809a665eba3
        tokenizer_config.json 2815
        8afb2db407a063fedb097ea2c4601b91f07d208f2277c0de8109032fec89ff1a
        """,
    ),
    _as_onnx(
        "qwen2.5-coder-0.5b",
        "q8",
        bits=8,
        memory_bytes=1_400_000_000,
        files="""
        config.json 489
        b51e3bdac200dd59981455363f68c26b76b8331b14b64dad87aff7f29d72b26e
        generation_config.json 44
        6c3d082c6545319b3728ae0da9b5a1982db68bcea2083516a889e6e3153ed4d5
        onnx/model_quantized.onnx 1453407
        429e6ef24b9cc9eb5ea8a89f67b38717b39fca85a17e313ab0f20017eea62497
        onnx/model_quantized.onnx_data 555706368
        617c1dec03ebc5595e707c4a765abc2062766d7c7b79059f118a79390ecd1449
        tokenizer.json 6122221
        b0b3cf2c1fffe2283c20e6c864c5f678bb1e632b4a03975a5a1c5809a665eba3
        tokenizer_config.json 2815
        8afb2db407a063fedb097ea2c4601b91f07d208f2277c0de8109032fec89ff1a
        """,
    ),
    _as_onnx(
        "qwen2.5-coder-1.5b",
        "q4f16",
        bits=4,
        memory_bytes=2_300_000_000,
        files="""
        config.json 487
        4d1aa9903f36d6a62c1925c81e867aa7cd317db4d4ac16f245c84643571e0e85
        generation_config.json 44
        6c3d082c6545319b3728ae0da9b5a1982db68bcea2083516a889e6e3153ed4d5
        onnx/model_q4f16.onnx 1475231
        8c60820463467303d60165405b0e06189a23268b7e3573077be918effe3a195b
        onnx/model_q4f16.onnx_data 984944640
        9fdd050020e35d76d5bb1da46efd23228fcd59f56fa5d43a16942c4c7e79b3f0
        tokenizer.json 6122221
        b0b3cf2c1fffe2283c20e6c864c5f678bb1e632b4a03975a5a1c5809a665eba3
        tokenizer_config.json 2817
        b00ee09838e8ac88748b109cd02cfbb8a26a1030b2c6064a3c01f69110553551
        """,
    ),
)
