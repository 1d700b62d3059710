"""Question sets: a file of JSON Lines in, frozen questions out.

The format is a contract (docs/evaluation.md). What is done with the questions is not known here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from rag.errors import QuestionSetError

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Question(BaseModel):
    """One line; no ``answers`` means that the documents do not hold the answer."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)

    id: Text
    question: Text
    answers: tuple[Text, ...]
    document: Text | None = None  # file name of the document that holds the answer
    page: Annotated[int, Field(ge=1)] | None = None

    @property
    def is_answerable(self) -> bool:
        return bool(self.answers)


def read_questions(path: Path) -> tuple[Question, ...]:
    """All questions of a file. Raises QuestionSetError naming the first bad line."""
    lines = lines_of(path)
    questions = tuple(
        _question(path, number, line) for number, line in enumerate(lines, 1) if line.strip()
    )
    if not questions:
        raise QuestionSetError(f"{path.name} holds no questions.")
    [(commonest, count)] = Counter(question.id for question in questions).most_common(1)
    if count > 1:
        raise QuestionSetError(f"{path.name}: the id {commonest} is there {count} times.")
    return questions


def lines_of(path: Path) -> Sequence[str]:
    """The lines of a text file, empty ones too. Raises QuestionSetError."""
    try:
        # Not splitlines: JSON may hold U+2028 and its like unescaped.
        return path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as exc:
        raise QuestionSetError(f"{path.name} is not UTF-8 text: save it as UTF-8.") from exc
    except OSError as exc:
        raise QuestionSetError(f"{path.name} cannot be read: {exc.strerror}.") from exc


def _question(path: Path, number: int, line: str) -> Question:
    try:
        return Question.model_validate_json(line)
    except ValidationError as exc:
        raise QuestionSetError(f"{path.name}, line {number}: {first_fault(exc)}.") from exc


def first_fault(error: ValidationError) -> str:
    """Where and what the first fault is, without what stands there."""
    fault = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(map(str, fault["loc"]))
    return f"{place}: {fault['msg']}" if place else fault["msg"]
