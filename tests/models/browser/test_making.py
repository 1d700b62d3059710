"""What is made of a GGUF file: the same bytes each time, and the same model."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.browser import reference, tiny
from models.browser.computing import Computed

from rag.errors import WeightsError
from rag.models.browser.making import AsOnnx, AsQ8, Recipe
from rag.models.browser.source import Source
from rag.models.browser.tokenizer import json_files

EXACT = AsOnnx("model_quantized.onnx", 8, "float32", 128)
PROMPT = [5, 17, 30, 42, 8]


def made(recipe: Recipe, gguf: Path, folder: Path) -> dict[str, str]:
    """Hashes by path."""
    folder.mkdir()
    steps = list(recipe.make(gguf, folder))
    assert steps[-1][0] == steps[-1][1] > 0
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


@pytest.mark.parametrize(
    "recipe", [AsQ8("model.gguf"), EXACT, AsOnnx("model_q4f16.onnx", 4, "float16", 128)]
)
def test_the_bytes_are_the_same_when_a_model_is_made_twice(tmp_path: Path, recipe: Recipe) -> None:
    gguf = tiny.write(tmp_path / "tiny.gguf")
    assert made(recipe, gguf, tmp_path / "a") == made(recipe, gguf, tmp_path / "b")


def test_the_files_are_those_that_transformers_js_asks_for_when_a_graph_is_made(
    tmp_path: Path,
) -> None:
    files = made(EXACT, tiny.write(tmp_path / "tiny.gguf"), tmp_path / "made")
    assert [*files] == [
        "config.json",
        "generation_config.json",
        "onnx/model_quantized.onnx",
        "onnx/model_quantized.onnx_data",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    config = json.loads((tmp_path / "made" / "config.json").read_text())
    assert config["transformers.js_config"] == {
        "use_external_data_format": {"model_quantized.onnx": 1}
    }


@pytest.mark.parametrize("family", ["llama", "qwen2"])
@pytest.mark.parametrize(
    ("bits", "dtype", "tolerance"), [(8, "float32", 0.4), (8, "float16", 0.4), (4, "float32", 6)]
)
def test_the_scores_are_those_of_the_weights_when_a_prompt_is_read(
    tmp_path: Path, family: str, bits: Any, dtype: Any, tolerance: float
) -> None:
    gguf = tiny.write(tmp_path / "tiny.gguf", family)
    made(AsOnnx("m.onnx", bits, dtype, 128), gguf, tmp_path / "made")
    scores = Computed(tmp_path / "made" / "onnx" / "m.onnx", dtype).read(PROMPT)
    expected = reference.scores(gguf, PROMPT)
    assert np.abs(scores - expected).max() < tolerance
    if bits == 8:
        assert scores.argmax() == expected.argmax()


def test_the_scores_are_the_same_when_a_prompt_is_read_in_two_parts(tmp_path: Path) -> None:
    made(EXACT, tiny.write(tmp_path / "tiny.gguf"), tmp_path / "made")
    graph = tmp_path / "made" / "onnx" / EXACT.file
    whole, parts = Computed(graph).read(PROMPT), Computed(graph)
    parts.read(PROMPT[:3])
    np.testing.assert_allclose(parts.read(PROMPT[3:]), whole, atol=1e-4)


def test_the_tokenizer_is_the_files_own_when_its_json_is_made(tmp_path: Path) -> None:
    files = json_files(Source(tiny.write(tmp_path / "tiny.gguf")), 128, "m.onnx")
    tokenizer = files["tokenizer.json"]
    assert tokenizer["model"]["vocab"]["hel"] == len(tiny.TOKENS) - 1
    assert "[PAD4]" not in tokenizer["model"]["vocab"]
    assert tokenizer["model"]["merges"] == tiny.MERGES
    assert [(one["content"], one["special"]) for one in tokenizer["added_tokens"]] == [
        ("<|endoftext|>", True),
        ("<|im_start|>", True),
        ("<|im_end|>", True),
        ("<tool>", False),
    ]
    assert files["tokenizer_config.json"]["chat_template"] == tiny.TEMPLATE
    assert files["generation_config.json"] == {"eos_token_id": [2, 0]}


def test_a_family_is_refused_when_no_graph_is_written_for_it(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="gemma3 family"):
        Source(tiny.write(tmp_path / "tiny.gguf", "gemma3"))
