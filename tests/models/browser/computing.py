"""A graph that was made, run by ONNX Runtime itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.browser import tiny

Outputs = dict[str, Any]


class Computed:
    """``graph`` is the file of a model of ``tiny``; what was read before is kept."""

    def __init__(self, graph: Path, dtype: str = "float32") -> None:
        runtime = pytest.importorskip("onnxruntime", reason="comes with Foundry Local's SDK")
        self._session = runtime.InferenceSession(graph, providers=["CPUExecutionProvider"])
        empty = np.zeros((1, tiny.KV_HEADS, 0, tiny.WIDTH // tiny.HEADS), dtype)
        names = [one.name for one in self._session.get_inputs()]
        self._past = {name: empty for name in names if name.startswith("past")}

    def read(self, ids: list[int]) -> np.ndarray:
        """The scores of the next token."""
        total = next(iter(self._past.values())).shape[2] + len(ids)
        given = {"input_ids": np.array([ids]), "attention_mask": np.ones((1, total), np.int64)}
        names = [one.name for one in self._session.get_outputs()]
        outputs = dict(zip(names, self._session.run(names, given | self._past), strict=True))
        scores: np.ndarray = outputs.pop("logits")
        assert scores.shape == (1, 1, len(tiny.TOKENS))
        self._past = {
            name.replace("present", "past_key_values"): kept for name, kept in outputs.items()
        }
        return scores[0, 0]

    def write(self, ids: list[int], count: int) -> list[int]:
        """The likeliest tokens after ``ids``."""
        written: list[int] = []
        while len(written) < count:
            written.append(int(self.read(written[-1:] or ids).argmax()))
        return written
