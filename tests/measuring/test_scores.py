from __future__ import annotations

import dataclasses

import pytest
from measuring.rowmaking import DEPTH, UNHELD, answer, citation, row

from rag.measuring.questions import Question
from rag.measuring.rows import Found, Row
from rag.measuring.scores import SCORES, scores_of
from rag.types import Answer

SKY = Found("sky.md", 1, holds_answer=False)
SEA_1 = Found("sea.md", 1, holds_answer=False)
SEA_4 = Found("sea.md", 4, holds_answer=True)


def test_each_ranking_has_its_own_first_hit_when_hits_differ() -> None:
    scores = scores_of(row(found=(SKY, SEA_1, SEA_4, SEA_4)))
    assert (scores["document_recall_at_1"], scores["document_recall_at_5"]) == (0.0, 1.0)
    assert scores["document_mrr"] == 0.5
    assert scores["page_mrr"] == scores["passage_mrr"] == 1 / 3
    assert scores["page_ndcg_at_10"] == 0.5


def test_the_page_is_not_scored_when_the_set_does_not_name_it() -> None:
    question = Question(id="q", question="How deep?", answers=("x",), document="sea.md")
    scores = scores_of(row(question, found=(SEA_4,)))
    assert scores["document_recall_at_1"] == 1.0
    assert not any(name.startswith("page_") for name in scores)


def test_only_declining_is_scored_when_a_question_is_unanswerable() -> None:
    assert scores_of(row(UNHELD, None, found=(SKY,), error="No.")) == {
        "declined_when_unanswerable": 0.0
    }


def test_only_rankings_are_scored_when_no_model_was_asked() -> None:
    searched = dataclasses.replace(row(found=(SEA_4,)), mode="retrieval")
    assert set(scores_of(searched)) == {
        name for name in SCORES if name.split("_")[0] in {"document", "page", "passage"}
    }
    assert scores_of(dataclasses.replace(searched, question=UNHELD)) == {}


def test_every_score_of_an_answer_is_literal_when_it_is_right() -> None:
    given = answer(citations=(citation(), citation(supported=False)))
    scores = scores_of(row(DEPTH, given, found=(SEA_4,)))
    assert {name: scores[name] for name in list(SCORES)[15:] if name in scores} == {
        "exact_match": 0.0,
        "token_f1": pytest.approx(2 * 3 / (7 + 3)),
        "answer_contained": 1.0,
        "groundedness": 1.0,
        "citation_precision": 0.5,
        "citation_recall": 1.0,
        "citation_of_expected": 1.0,
        "answered_when_answerable": 1.0,
        "accepted": 1.0,
        "uncertain": 0.0,
        "judged_wrong_when_accepted": 0.0,
        "marked_when_right": 0.0,
        "escalated": 0.0,
        "early_stopped": 0.0,
    }


def test_made_up_words_lower_groundedness_when_half_are_not_in_the_passages() -> None:
    scores = scores_of(row(DEPTH, answer("Salty dragons.")))
    assert scores["groundedness"] == 0.5
    assert scores["citation_recall"] == 0.0
    assert "citation_precision" not in scores
    assert scores["citation_of_expected"] == 0.0


def test_the_expected_page_counts_when_another_is_cited() -> None:
    scores = scores_of(row(DEPTH, answer(citations=(citation(page=3),))))
    assert scores["citation_of_expected"] == 0.0


@pytest.mark.parametrize(
    "given",
    [
        answer("The passages do not mention its age."),
        answer("Nothing.", route="declined"),
        answer("Perhaps.", verdict="not_in_documents"),
    ],
    ids=["text", "route", "verdict"],
)
def test_it_is_declined_when_text_route_or_verdict_says_so(given: Answer) -> None:
    assert scores_of(row(UNHELD, given))["declined_when_unanswerable"] == 1.0
    refused = scores_of(row(DEPTH, given))
    assert refused["answered_when_answerable"] == 0.0
    assert "groundedness" not in refused


def test_an_answer_is_not_declined_when_it_refuses_later_or_says_nothing() -> None:
    given = answer("It is 3,688 metres. The passages do not say where.")
    assert scores_of(row(DEPTH, given))["answered_when_answerable"] == 1.0
    assert scores_of(row(UNHELD, answer("")))["declined_when_unanswerable"] == 0.0


def failed() -> Row:
    return row(DEPTH, None, found=(SEA_4,), error="The model is gone.")


def test_answer_scores_are_zero_when_the_turn_failed() -> None:
    scores = scores_of(failed())
    assert scores["document_recall_at_1"] == 1.0
    assert {scores[n] for n in ("exact_match", "token_f1", "answer_contained")} == {0.0}
    assert scores["answered_when_answerable"] == 0.0
    assert not {"groundedness", "citation_recall"} & scores.keys()
