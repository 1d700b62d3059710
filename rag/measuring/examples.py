"""What can be learnt from two runs over one question set: rows in, judged drafts out.

An example is a draft of the small model with its signals, whether it is right, and whether the
larger model was right. A turn that no model was asked in has no draft, and teaches nothing; nor
does a refusal, which a gate judges.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from rag.errors import QuestionSetError
from rag.measuring.decisions import is_right
from rag.measuring.rows import Row
from rag.types import Answer, Attempt

Signals = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Example:
    group: str  # the document it is about: examples of one group are never apart
    signals: Signals
    value: float  # as it was judged when it was put
    right: bool
    large_right: bool | None  # None: the larger model was not asked, or failed
    words: int
    logprobs: Sequence[float] = ()  # a token each; none where the server does not tell


def examples_of(small: Sequence[Row], large: Sequence[Row]) -> tuple[Example, ...]:
    by_question = {row.question.id: row for row in large}
    return tuple(
        _example(row, draft, by_question.get(row.question.id))
        for row in small
        if (draft := _attempt(row)) is not None and known_signals(draft).get("answered") != 0
    )


def model_of(rows: Sequence[Row], instructions: Collection[str]) -> tuple[str, str]:
    """The one model that wrote these drafts, and what it was told. Raises QuestionSetError.

    Also when that is none of ``instructions``: its doubts under these are not known.
    """
    attempts = [attempt for row in rows if (attempt := _attempt(row))]
    models = sorted({attempt.model for attempt in attempts})
    if len(models) != 1:
        raise QuestionSetError(
            f"The answers are of {' and '.join(models) or 'no model'}: calibrate one at a time."
        )
    told = [attempt.prompt[0].content for attempt in attempts]
    for instruction in instructions:
        if all(text.startswith(instruction) for text in told):
            return models[0], instruction
    raise QuestionSetError("The prompt has changed since these answers: put the set again.")


def known_signals(answer: Answer | Attempt) -> Signals:
    judged = answer.confidence
    return {name: signal.value for name, signal in judged.signals.items()} if judged else {}


def _attempt(row: Row) -> Attempt | None:
    """What the first model wrote and how that was judged; None if there is nothing to learn."""
    if row.answer is None or not row.answer.attempts:
        return None
    first = row.answer.attempts[0]
    return first if first.confidence else None


def _example(row: Row, draft: Attempt, large: Row | None) -> Example:
    other = _attempt(large) if large else None
    return Example(
        group=_group(row),
        signals=known_signals(draft),
        value=draft.confidence.value if draft.confidence else 0.0,
        right=is_right(draft.text, row.question),
        large_right=is_right(other.text, row.question) if other else None,
        words=len(draft.text.split()),
        logprobs=row.logprobs if any(row.logprobs) else (),
    )


def _group(row: Row) -> str:
    """The expected document; for a question without one, that which was found first."""
    found = row.found[0].document if row.found else row.question.id
    return row.question.document or found
