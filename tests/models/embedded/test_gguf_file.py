from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType, quants

from rag.models.embedded.gguf_file import rewrite

RANDOM = np.random.default_rng(7)
MATRIX = RANDOM.normal(size=(5, 256)).astype(np.float32)


def write(path: Path, tensors: dict[str, tuple[np.ndarray, GGMLQuantizationType]]) -> Path:
    writer = gguf.GGUFWriter(path, arch="llama")
    writer.add_string("tokenizer.chat_template", "{{ messages }}")
    writer.add_array("tokenizer.ggml.tokens", ["a", "ș"])
    writer.add_bool("tokenizer.ggml.add_bos_token", False)
    writer.add_float32("llama.rope.freq_base", 10000.0)
    for name, (floats, kind) in tensors.items():
        writer.add_tensor(name, quants.quantize(floats, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def rewritten(source: Path) -> gguf.GGUFReader:
    target = source.with_suffix(".new")
    list(rewrite(source, target))
    return gguf.GGUFReader(target)


def floats_of(tensor: gguf.gguf_reader.ReaderTensor) -> np.ndarray:
    return quants.dequantize(tensor.data, tensor.tensor_type)


@pytest.mark.parametrize("kind", [GGMLQuantizationType.Q5_0, GGMLQuantizationType.Q4_1])
def test_the_weights_are_the_same_when_their_format_has_to_change(
    tmp_path: Path, kind: GGMLQuantizationType
) -> None:
    source = write(tmp_path / "a.gguf", {"blk.0.attn_q.weight": (MATRIX, kind)})
    (before,) = gguf.GGUFReader(source).tensors
    (after,) = rewritten(source).tensors
    assert (after.name, after.tensor_type.name) == ("blk.0.attn_q.weight", "Q8_0")
    assert after.shape.tolist() == before.shape.tolist() == [256, 5]
    rounding = np.abs(floats_of(before)).max() / 127  # half a step, and the scale's own
    np.testing.assert_allclose(floats_of(after), floats_of(before), atol=rounding)


@pytest.mark.parametrize("kind", ["F32", "F16", "Q8_0"])
def test_the_bytes_are_the_same_when_the_format_is_kept(tmp_path: Path, kind: str) -> None:
    given = GGMLQuantizationType[kind]
    source = write(tmp_path / "a.gguf", {"a": (MATRIX, given), "b": (-MATRIX, given)})
    before, after = gguf.GGUFReader(source).tensors, rewritten(source).tensors
    assert [tensor.name for tensor in after] == ["a", "b"]
    assert [tensor.data.tobytes() for tensor in after] == [t.data.tobytes() for t in before]


def test_what_is_said_about_the_model_is_kept_when_it_is_rewritten(tmp_path: Path) -> None:
    kind = GGMLQuantizationType.Q5_0
    fields = rewritten(write(tmp_path / "a.gguf", {"a": (MATRIX, kind)})).fields
    said = {name: field.contents() for name, field in fields.items() if name[:4] != "GGUF"}
    assert said == {
        "general.architecture": "llama",
        "tokenizer.chat_template": "{{ messages }}",
        "tokenizer.ggml.tokens": ["a", "ș"],
        "tokenizer.ggml.add_bos_token": False,
        "llama.rope.freq_base": 10000.0,
    }


@pytest.mark.parametrize(("embedding", "output"), [("Q4_0", "Q8_0"), ("Q8_0", "Q5_0")])
def test_the_finer_rounding_serves_twice_when_output_and_embedding_are_one(
    tmp_path: Path, embedding: str, output: str
) -> None:
    source = write(
        tmp_path / "a.gguf",
        {
            "output.weight": (MATRIX, GGMLQuantizationType[output]),
            "token_embd.weight": (MATRIX, GGMLQuantizationType[embedding]),
        },
    )
    finer = next(t for t in gguf.GGUFReader(source).tensors if t.tensor_type.name == "Q8_0")
    (after,) = rewritten(source).tensors
    assert after.name == "token_embd.weight"
    assert after.data.tobytes() == finer.data.tobytes()


@pytest.mark.parametrize("other", [RANDOM.normal(size=(5, 256)), MATRIX[:4]])
def test_both_are_kept_when_output_and_embedding_differ(tmp_path: Path, other: np.ndarray) -> None:
    kind = GGMLQuantizationType.Q8_0
    source = write(
        tmp_path / "a.gguf",
        {
            "token_embd.weight": (MATRIX, kind),
            "output.weight": (other.astype(np.float32), kind),
        },
    )
    assert [tensor.name for tensor in rewritten(source).tensors] == [
        "token_embd.weight",
        "output.weight",
    ]


def test_each_tensor_is_counted_when_it_is_done(tmp_path: Path) -> None:
    kind = GGMLQuantizationType.Q5_0
    source = write(tmp_path / "a.gguf", {"a": (MATRIX, kind), "b": (MATRIX, kind)})
    assert list(rewrite(source, tmp_path / "b.gguf")) == [(1, 2), (2, 2)]
