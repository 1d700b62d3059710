"""Whether a run is worse than a saved one: the scores of both by question in, changes out.

Both runs put the same questions, so what counts is each question's difference: that is far less
noisy than the two means.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from rag.errors import QuestionSetError
from rag.measuring.scores import LOWER_IS_BETTER, NEITHER, SCORES
from rag.measuring.statistics import Estimate, estimate
from rag.measuring.summary import Scores


@dataclass(frozen=True, slots=True)
class Change:
    """Of one score, over the questions that have it in both runs."""

    score: str
    before: float
    after: float
    difference: Estimate  # after - before

    @property
    def is_regression(self) -> bool:
        """Worse beyond noise: the whole interval lies on the wrong side of 0."""
        if self.score in NEITHER:
            return False
        if self.score in LOWER_IS_BETTER:
            return self.difference.low > 0
        return self.difference.high < 0


class _Summary(BaseModel):
    by_question: dict[str, dict[str, float]]


def read_scores(path: Path, question_ids: Collection[str]) -> Scores:
    """Those of a saved summary. Raises QuestionSetError, also when it has none of the questions."""
    try:
        scores = _Summary.model_validate_json(path.read_bytes()).by_question
    except (OSError, ValidationError) as exc:
        raise QuestionSetError(
            f"{path.name} does not hold the scores of a run: write it with `evaluate --save`."
        ) from exc
    if scores.keys().isdisjoint(question_ids):
        raise QuestionSetError(f"{path.name} is of other questions: none of these is in it.")
    return scores


def write_scores(path: Path, scores: Scores) -> None:
    """What ``read_scores`` needs and no more, a line a question. Raises QuestionSetError."""
    lines = ",\n".join(f"{json.dumps(each)}: {json.dumps(scores[each])}" for each in scores)
    try:
        path.write_text(f'{{"by_question": {{\n{lines}\n}}}}\n', encoding="utf-8")
    except OSError as exc:
        raise QuestionSetError(f"{path.name} cannot be written: {exc.strerror}.") from exc


def changes(before: Scores, after: Scores) -> tuple[Change, ...]:
    """One a score, in the order of SCORES, that both runs have for at least one question."""
    shared = [(scores, after[each]) for each, scores in before.items() if each in after]
    return tuple(_changes(shared))


def _changes(pairs: Sequence[tuple[Mapping[str, float], Mapping[str, float]]]) -> Iterator[Change]:
    for name in SCORES:
        both = [(old[name], new[name]) for old, new in pairs if name in old and name in new]
        difference = estimate([new - old for old, new in both])
        if difference is not None:
            before, after = (sum(side) / len(both) for side in zip(*both, strict=True))
            yield Change(name, before, after, difference)
