"""What became of one question, and the file that keeps it: rows in, JSON Lines out, and back.

A row holds the whole answer, so that a run that was stopped can go on, and an old one can be scored
anew without asking a model. Scores are made in summary.py.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from rag.errors import QuestionSetError
from rag.measuring.questions import Question, lines_of
from rag.types import Answer, Latency, Mode

Asked = Mode | Literal["retrieval"]  # how a question was put; "retrieval": to no model


@dataclass(frozen=True, slots=True)
class Found:
    """A hit, seen from the question."""

    document: str
    page: int
    holds_answer: bool  # one of the expected answers stands in its text


@dataclass(frozen=True, slots=True)
class Row:
    question: Question
    mode: Asked
    found: tuple[Found, ...]  # best first
    latency: Latency
    answer: Answer | None = None  # None: no model was asked, or it failed
    draft: str | None = None  # the superseded one of an escalated turn
    error: str = ""  # why there is no answer, as a sentence
    logprobs: tuple[float, ...] = ()  # of the first draft, a token each; none where not told


_ROW: TypeAdapter[Row] = TypeAdapter(Row)


def append(path: Path, row: Row) -> None:
    """Add one line. Raises QuestionSetError."""
    try:
        with path.open("ab") as file:
            file.write(_ROW.dump_json(row) + b"\n")
    except OSError as exc:
        raise QuestionSetError(f"{path.name} cannot be written: {exc.strerror}.") from exc


def resumed(path: Path, questions: Sequence[Question], mode: Asked) -> tuple[Row, ...]:
    """The rows of an earlier run over ``questions``, but for those that failed.

    Raises QuestionSetError when the file holds something else.
    """
    asked = {question.id: question for question in questions}
    rows = {row.question.id: row for row in _read(path)}
    for row in rows.values():
        if row.mode != mode:
            raise QuestionSetError(f"{path.name} holds answers of another mode: {row.mode}.")
        if asked.get(row.question.id) != row.question:
            raise QuestionSetError(f"{path.name} is of other questions: {row.question.id} differs.")
    return tuple(row for row in rows.values() if not row.error)


def _read(path: Path) -> list[Row]:
    """All rows; a last line that was cut when the run was stopped is taken out of the file."""
    *lines, torn = lines_of(path)
    if torn:
        os.truncate(path, sum(len(line.encode()) + 1 for line in lines))
    try:
        return [_ROW.validate_json(line) for line in lines]
    except ValidationError as exc:
        raise QuestionSetError(f"{path.name} does not hold the rows of an evaluation.") from exc
