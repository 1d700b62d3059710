"""Answers as Ragas reads them: one JSON line each, with the names of its ``SingleTurnSample``.

``EvaluationDataset.from_jsonl(FILE)`` reads the file. What is not known is left out, as Ragas does
itself; ``model`` and ``mode`` are ours, and passed over by Ragas.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from rag.answering.citations import without_marks
from rag.encoding import Json
from rag.errors import ExperimentError
from rag.measuring.probes import probe_of
from rag.measuring.rows import Row
from rag.measuring.samples import Plan, Sample


def of_samples(plan: Plan, samples: Iterable[Sample]) -> Iterator[Json]:
    """Of ``compare``; warm-ups and failures are left out."""
    prompts = {prompt.id: prompt for prompt in plan.prompts}
    for sample in samples:
        if sample.cell.round and not sample.error:
            prompt = prompts[sample.cell.prompt]
            probe = probe_of(prompt)
            yield _sample(
                prompt.question,
                prompt.sources,
                sample.text,
                probe.reference if probe else "",
                sample.cell.model,
            )


def of_rows(rows: Iterable[Row]) -> Iterator[Json]:
    """Of ``evaluate``; the first expected answer is the reference."""
    for row in rows:
        if row.answer:
            sample = _sample(
                row.question.question,
                [hit.chunk.text for hit in row.answer.context.hits],
                without_marks(row.answer.text),
                next(iter(row.question.answers), ""),
                row.answer.model,
            )
            yield {**sample, "mode": row.mode}


def _sample(
    user_input: str, contexts: Iterable[str], response: str, reference: str, model: str
) -> Json:
    sample = {
        "user_input": user_input,
        "retrieved_contexts": list(contexts),
        "response": response,
        "reference": reference,
        "model": model,
    }
    return {name: value for name, value in sample.items() if value or name == "response"}


def write(path: Path, exported: Iterable[Json]) -> None:
    """Raises ExperimentError."""
    lines = [json.dumps(sample, ensure_ascii=False) + "\n" for sample in exported]
    try:
        path.write_text("".join(lines), encoding="utf-8")
    except OSError as exc:
        raise ExperimentError(f"{path.name} cannot be written: {exc.strerror}.") from exc
