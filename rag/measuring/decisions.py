"""How well a turn was judged: a row in, a score out, None where it does not apply to that row.

Not all of them are better when higher: scores.py says which are.
"""

from __future__ import annotations

from rag.answering.refusals import refuses
from rag.measuring.metrics import contained
from rag.measuring.questions import Question
from rag.measuring.rows import Row
from rag.types import Answer

STOPPED = "stopped"  # the finish reason of a draft that was not let finish


def is_right(text: str, question: Question) -> bool:
    """Holds an expected answer; refuses, where there is none."""
    if not question.is_answerable:
        return refuses(text)
    return bool(contained(text, question.answers))


def declined(answer: Answer) -> bool:
    """Says that the documents do not hold the answer, in its first sentence or by its verdict."""
    return (
        answer.route == "declined"
        or answer.confidence.verdict == "not_in_documents"
        or refuses(answer.text)
    )


def is_uncertain(answer: Answer) -> bool:
    """Given, and shown as uncertain."""
    return answer.confidence.verdict == "escalate" and not declined(answer)


def is_accepted(answer: Answer) -> bool:
    """Given, and shown without a doubt."""
    return answer.confidence.verdict == "accept" and not declined(answer)


# --- abstention ----------------------------------------------------------------------------


def declined_when_unanswerable(row: Row) -> float | None:
    if row.question.is_answerable or row.mode == "retrieval":
        return None
    return float(row.answer is not None and declined(row.answer))


def answered_when_answerable(row: Row) -> float | None:
    if not row.question.is_answerable or row.mode == "retrieval":
        return None
    return float(row.answer is not None and not declined(row.answer))


# --- the judge: of turns that ended with an answer -----------------------------------------


def accepted(row: Row) -> float | None:
    return None if row.answer is None else float(is_accepted(row.answer))


def uncertain(row: Row) -> float | None:
    return None if row.answer is None else float(is_uncertain(row.answer))


def judged_wrong_when_accepted(row: Row) -> float | None:
    """1 for an accepted answer that does not hold what was expected."""
    if row.answer is None or not is_accepted(row.answer):
        return None
    return 1 - contained(row.answer.text, row.question.answers)


def marked_when_unanswerable(row: Row) -> float | None:
    if row.question.is_answerable or row.answer is None:
        return None
    return float(_is_marked(row.answer))


def marked_when_right(row: Row) -> float | None:
    """1 for a right answer that is declined or shown as uncertain all the same."""
    if row.answer is None or not contained(row.answer.text, row.question.answers):
        return None
    return float(_is_marked(row.answer))


def _is_marked(answer: Answer) -> bool:
    return declined(answer) or is_uncertain(answer)


# --- the way it took -----------------------------------------------------------------------


def escalated(row: Row) -> float | None:
    """1 if the larger model was asked, whoever had the last word."""
    if row.answer is None:
        return None
    return float(any(attempt.tier == "llm" for attempt in row.answer.attempts))


def early_stopped(row: Row) -> float | None:
    """1 if a draft that was bound to fail was stopped before its end."""
    if row.answer is None:
        return None
    return float(any(attempt.finish_reason == STOPPED for attempt in row.answer.attempts))
