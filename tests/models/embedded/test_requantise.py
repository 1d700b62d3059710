from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from rag.models.embedded.requantise import requantise

RANDOM = np.random.default_rng(7)
GROUP = 32


def grouped(rows: int, columns: int) -> tuple[ov.Node, np.ndarray]:
    """A matrix as the GGUF reader leaves it: 8 bits, a scale a group; and its floats.

    Its last row is zero.
    """
    shape = (rows, columns // GROUP, GROUP)
    whole = RANDOM.integers(0, 256, shape, dtype=np.uint8)
    whole[-1] = 128
    scales = RANDOM.uniform(0.5, 1.5, (*shape[:2], 1)).astype(np.float16)
    zeros = np.full((*shape[:2], 1), 128, np.uint8)
    shifted = ops.subtract(
        ops.convert(ops.constant(whole), "f16"), ops.convert(ops.constant(zeros), "f16")
    )
    flat = ops.reshape(
        ops.multiply(shifted, ops.constant(scales)), ops.constant([rows, columns]), False
    )
    floats = (whole.astype(np.float32) - 128) * scales.astype(np.float32)
    return ops.convert(flat, "f32"), floats.reshape(rows, columns)


def save(model: ov.Model, folder: Path) -> Path:
    path = folder / "before.xml"
    ov.save_model(model, path, compress_to_fp16=False)
    return path


def after(source: Path) -> ov.Model:
    target = source.with_name("after.xml")
    list(requantise(source, target))
    return ov.Core().read_model(target)


def constants(model: ov.Model, kind: str) -> list[ov.Node]:
    return [
        node
        for node in model.get_ops()
        if node.get_type_name() == "Constant" and node.get_element_type().to_string() == kind
    ]


def test_each_row_has_its_scale_when_a_matrix_multiplies(tmp_path: Path) -> None:
    matrix, floats = grouped(4, 64)
    asked = ops.parameter([1, 64], np.float32)
    source = save(ov.Model([ops.matmul(asked, matrix, False, True)], [asked]), tmp_path)
    model = after(source)
    (whole,) = constants(model, "i8")
    (scales,) = constants(model, "f16")
    assert (list(whole.shape), list(scales.shape)) == ([4, 64], [4, 1])
    assert constants(model, "u8") == []
    restored = whole.data.astype(np.float32) * scales.data.astype(np.float32)
    step = np.abs(floats).max(axis=1, keepdims=True) / 127
    assert np.all(np.abs(restored - floats) <= 0.6 * step)
    assert np.all(restored[-1] == 0)


def test_one_matrix_serves_both_when_it_is_looked_up_and_multiplied(tmp_path: Path) -> None:
    matrix, floats = grouped(6, 64)
    token = ops.parameter([1], np.int64)
    looked_up = ops.gather(matrix, token, ops.constant(0))
    model = ov.Model([ops.matmul(looked_up, matrix, False, True)], [token])
    small = after(save(model, tmp_path))
    assert len(constants(small, "i8")) == 1
    result = ov.Core().compile_model(small, "CPU")([np.array([2])])[0]
    np.testing.assert_allclose(result[0], floats @ floats[2], rtol=0.05, atol=0.02 * 64 * 128**2)


def test_other_constants_stay_when_they_are_no_matrix_of_bytes(tmp_path: Path) -> None:
    asked = ops.parameter([2], np.float32)
    source = save(
        ov.Model([ops.add(asked, ops.constant(np.float32([1.5, 2.5])))], [asked]), tmp_path
    )
    (kept,) = constants(after(source), "f32")
    assert kept.data.tolist() == [1.5, 2.5]
    assert list(requantise(source, tmp_path / "again.xml")) == []


@pytest.mark.parametrize("rows", [1, 2, 4097])  # 4096 at a time
def test_all_rows_are_done_when_there_are_more_than_at_a_time(tmp_path: Path, rows: int) -> None:
    matrix, floats = grouped(rows, 32)
    asked = ops.parameter([1, 32], np.float32)
    model = after(save(ov.Model([ops.matmul(asked, matrix, False, True)], [asked]), tmp_path))
    (whole,), (scales,) = constants(model, "i8"), constants(model, "f16")
    restored = whole.data.astype(np.float32) * scales.data.astype(np.float32)
    np.testing.assert_allclose(restored, floats, atol=1.5 * 128 / 127)


def test_the_engine_is_told_the_width_of_its_strips_when_it_loads(tmp_path: Path) -> None:
    matrix, _ = grouped(4, 64)
    asked = ops.parameter([1, 64], np.float32)
    model = after(save(ov.Model([ops.matmul(asked, matrix, False, True)], [asked]), tmp_path))
    compiled = ov.Core().compile_model(model, "CPU")
    assert compiled.get_property("DYNAMIC_QUANTIZATION_GROUP_SIZE") == 128
