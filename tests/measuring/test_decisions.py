from __future__ import annotations

import dataclasses

import pytest
from measuring.rowmaking import DEPTH, UNHELD, answer, attempt, row

from rag.measuring.decisions import is_right
from rag.measuring.questions import Question
from rag.measuring.scores import scores_of
from rag.types import Answer

RIGHT, WRONG, REFUSAL = "It is 3,688 metres.", "It is shallow.", "The passages do not mention it."
JUDGED = {
    "accepted",
    "uncertain",
    "judged_wrong_when_accepted",
    "marked_when_unanswerable",
    "marked_when_right",
}


def judged(question: Question, given: Answer | None) -> dict[str, float]:
    scores = scores_of(row(question, given))
    return {name: score for name, score in scores.items() if name in JUDGED}


@pytest.mark.parametrize(
    ("text", "wrong", "marked"), [(RIGHT, 0.0, {"marked_when_right": 0.0}), (WRONG, 1.0, {})]
)
def test_an_accepted_answer_is_held_to_its_word_when_there_is_one(
    text: str, wrong: float, marked: dict[str, float]
) -> None:
    assert judged(DEPTH, answer(text)) == {
        "accepted": 1.0,
        "uncertain": 0.0,
        "judged_wrong_when_accepted": wrong,
        **marked,
    }


def test_doubt_is_a_fault_when_the_answer_is_right() -> None:
    assert judged(DEPTH, answer(RIGHT, verdict="escalate")) == {
        "accepted": 0.0,
        "uncertain": 1.0,
        "marked_when_right": 1.0,
    }


@pytest.mark.parametrize(
    ("given", "accepted", "uncertain"),
    [
        (answer(WRONG, verdict="escalate"), 0.0, 1.0),
        (answer(REFUSAL, verdict="escalate"), 0.0, 0.0),
        (answer(REFUSAL), 0.0, 0.0),
        (answer(REFUSAL, route="declined", verdict="not_in_documents"), 0.0, 0.0),
    ],
    ids=["uncertain", "refused", "refused and accepted", "declined"],
)
def test_the_documents_are_not_blamed_when_they_do_not_hold_the_answer(
    given: Answer, accepted: float, uncertain: float
) -> None:
    assert judged(UNHELD, given) == {
        "accepted": accepted,
        "uncertain": uncertain,
        "marked_when_unanswerable": 1.0,
    }


def test_an_answer_is_wrong_when_it_is_accepted_and_there_is_none() -> None:
    scores = judged(UNHELD, answer(WRONG))
    assert scores["judged_wrong_when_accepted"] == 1.0
    assert scores["marked_when_unanswerable"] == 0.0


def test_nothing_was_judged_when_the_turn_failed_or_no_model_was_asked() -> None:
    assert judged(DEPTH, None) == {}
    assert judged(UNHELD, None) == {}
    searched = dataclasses.replace(row(DEPTH), mode="retrieval")
    assert not {"escalated", "early_stopped", "accepted"} & scores_of(searched).keys()


def test_the_way_is_told_when_a_draft_was_stopped_and_superseded() -> None:
    short = attempt(REFUSAL, finish_reason="stopped")
    scores = scores_of(row(DEPTH, answer(attempts=(short, attempt(RIGHT, tier="llm")))))
    assert (scores["escalated"], scores["early_stopped"]) == (1.0, 1.0)
    scores = scores_of(row(DEPTH, answer(attempts=(attempt(),))))
    assert (scores["escalated"], scores["early_stopped"]) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("text", "question", "right"),
    [
        (RIGHT, DEPTH, True),
        (WRONG, DEPTH, False),
        (REFUSAL, DEPTH, False),
        (REFUSAL, UNHELD, True),
        (WRONG, UNHELD, False),
        ("", UNHELD, False),
    ],
)
def test_it_is_right_when_it_holds_the_answer_or_refuses_where_there_is_none(
    text: str, question: Question, right: bool
) -> None:
    assert is_right(text, question) is right
