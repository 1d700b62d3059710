from __future__ import annotations

import json
from pathlib import Path

import pytest
from measuring.rowmaking import DEPTH, UNHELD, answer, row

from rag.errors import ExperimentError
from rag.measuring.probes import own_prompt, probes
from rag.measuring.ragas import of_rows, of_samples, write
from rag.measuring.samples import Cell, Plan, Sample

# Of ragas.SingleTurnSample, and the two that are ours.
NAMES = {"user_input", "retrieved_contexts", "response", "reference"}
OURS = {"model", "mode"}


def test_a_row_becomes_a_sample_when_it_has_an_answer() -> None:
    assert list(of_rows([row(DEPTH, answer())])) == [
        {
            "user_input": "How deep is the sea?",
            "retrieved_contexts": ["The sea is salty. Its mean depth is 3,688 metres."],
            "response": "Its mean depth is 3,688 metres.",
            "reference": "3,688 metres",
            "model": "small",
            "mode": "slm",
        }
    ]


def test_what_is_not_known_is_left_out_when_a_row_lacks_it() -> None:
    declined = answer("", route="declined", passages=())
    [sample, nothing] = of_rows([row(UNHELD, answer()), row(UNHELD, declined), row(DEPTH)])
    assert set(sample) == (NAMES | OURS) - {"reference"}
    assert nothing == {"user_input": "How old is the sea?", "response": "", "mode": "slm"}


def test_answers_of_a_comparison_become_samples_when_they_are_no_warmups() -> None:
    probe = probes()[0]
    plan = Plan(("m",), (probe.prompt(64), own_prompt("Why?", 64)), 1)
    samples = [
        Sample(Cell(1, 0, probe.id, "m"), text="warm"),
        Sample(Cell(1, 1, probe.id, "m"), text="A storm."),
        Sample(Cell(1, 1, "prompt", "m"), text="So."),
        Sample(Cell(1, 2, "prompt", "m"), error="It broke."),
    ]
    [first, second] = of_samples(plan, samples)
    assert first["reference"] == probe.reference
    assert first["retrieved_contexts"] == list(probe.prompt(64).sources)
    assert set(first) == NAMES | {"model"}
    assert second == {"user_input": "Why?", "response": "So.", "model": "m"}


def test_a_line_holds_a_sample_when_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "ragas.jsonl"
    write(path, [{"response": "Ș\nț"}, {"response": ""}])
    assert path.read_text(encoding="utf-8") == '{"response": "Ș\\nț"}\n{"response": ""}\n'
    assert json.loads(path.read_text(encoding="utf-8").splitlines()[0]) == {"response": "Ș\nț"}


def test_a_sentence_tells_why_when_it_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="cannot be written"):
        write(tmp_path / "missing" / "ragas.jsonl", [])
