from __future__ import annotations

from dataclasses import replace

from measuring.rowmaking import DEPTH, UNHELD, answer, row

from rag.measuring.questions import Question
from rag.measuring.scores import SCORES
from rag.measuring.summary import summarise
from rag.types import Usage


def test_everything_is_unknown_when_there_are_no_rows() -> None:
    summary = summarise([])
    assert summary["questions"] == 0
    assert summary["scores"] == dict.fromkeys(SCORES)
    assert summary["latency_ms"]["total"] is None
    assert summary["tokens"] == {
        "prompt": None, "completion": None, "estimated": 0, "by_model": {},
    }  # fmt: skip
    assert summary["cost_usd"] is None
    assert summary["by_question"] == {}


def test_the_promised_keys_are_there_when_there_is_one_row() -> None:
    summary = summarise([row(DEPTH, answer())])
    assert list(summary) == [
        *("questions", "answerable", "errors", "models", "routes", "scores"),
        *("latency_ms", "tokens", "cost_usd", "by_question"),
    ]
    assert summary["models"] == {"small": 1}
    assert summary["routes"] == {"slm": 1}
    assert summary["scores"]["answer_contained"] == {
        "value": 1.0, "low": 1.0, "high": 1.0, "count": 1,
    }  # fmt: skip
    assert summary["latency_ms"]["total"] == {
        "median": 5.0, "low": 5.0, "high": 5.0, "min": 5.0, "max": 5.0,
        "p90": None, "p95": None, "p99": None, "count": 1,
    }  # fmt: skip
    assert summary["latency_ms"]["escalate"] is None
    assert summary["tokens"]["prompt"] == {"value": 30.0, "low": 30.0, "high": 30.0, "count": 1}
    assert summary["cost_usd"] == {"value": 0.0, "low": 0.0, "high": 0.0, "count": 1, "total": 0.0}
    assert summary["by_question"]["depth"]["answer_contained"] == 1.0


def test_each_score_counts_its_own_questions_when_two_kinds_are_put() -> None:
    other = Question(id="other", question="How salty?", answers=("very",))
    summary = summarise(
        [
            row(DEPTH, answer(), total_ms=4.0),
            row(UNHELD, answer(route="declined"), total_ms=1.0),
            row(other, None, error="The model is gone.", total_ms=900.0),
        ]
    )
    assert (summary["questions"], summary["answerable"], summary["errors"]) == (3, 2, 1)
    assert summary["routes"] == {"slm": 1, "declined": 1}
    assert summary["scores"]["answer_contained"]["value"] == 0.5
    assert summary["scores"]["answer_contained"]["count"] == 2
    assert summary["scores"]["declined_when_unanswerable"]["count"] == 1
    assert summary["latency_ms"]["total"]["max"] == 4.0  # not the failed one's
    assert summary["tokens"]["prompt"]["value"] == 15.0  # none for the declined one


def test_the_cost_is_unknown_when_that_of_one_answer_is() -> None:
    assert summarise([row(DEPTH, answer()), row(UNHELD, answer(cost_usd=None))])["cost_usd"] is None


def test_tokens_are_told_by_model_when_a_turn_asks_two() -> None:
    both = replace(
        answer(), usage={"small": Usage(30, 8, estimated=False), "large": Usage(40, 10, True)}
    )
    tokens = summarise([row(DEPTH, both), row(UNHELD, answer())])["tokens"]
    assert tokens["prompt"]["value"] == 50.0
    assert tokens["by_model"]["small"]["prompt"]["value"] == 30.0
    assert tokens["by_model"]["large"]["completion"]["value"] == 5.0  # a question's, of all
    assert tokens["estimated"] == 1
