from __future__ import annotations

from dataclasses import replace

import pytest
from measuring import examplemaking
from measuring.rowmaking import UNHELD, answer, attempt, row

from rag.answering.prompt import INSTRUCTIONS
from rag.errors import QuestionSetError
from rag.measuring.examples import Example, examples_of, model_of
from rag.measuring.rows import Found


def test_a_draft_is_an_example_when_both_models_were_asked() -> None:
    given = answer(attempts=(attempt("It is 3,688 metres.", signals={"coverage": 0.7}),))
    small = replace(row(given=given), logprobs=(-0.1, -0.2))
    large = row(given=answer(attempts=(attempt("It is shallow.", tier="llm"),)))
    assert examples_of([small], [large]) == (
        Example("sea.md", {"coverage": 0.7}, 0.9, True, False, 4, (-0.1, -0.2)),
    )


def test_the_draft_counts_when_it_was_declined_afterwards() -> None:
    given = answer("Not found.", route="declined", attempts=(attempt("It is 3,688 metres."),))
    [example] = examples_of([row(given=given)], [])
    assert (example.right, example.large_right) == (True, None)


def test_a_turn_teaches_nothing_when_no_model_wrote_in_it() -> None:
    unjudged = replace(attempt(), confidence=None)
    given = [None, answer(route="declined"), answer(attempts=(unjudged,))]
    assert examples_of([row(given=each) for each in given], []) == ()


def test_a_question_goes_with_what_was_found_when_no_document_holds_it() -> None:
    given = answer(attempts=(attempt(),))
    found = (Found("sky.md", 1, holds_answer=False),)
    with_hits, without = row(UNHELD, given, found=found), row(UNHELD, given)
    assert [each.group for each in examples_of([with_hits, without], [])] == ["sky.md", "unheld"]


def test_logprobs_are_unknown_when_all_of_them_are_zero() -> None:
    given = answer(attempts=(attempt(),))
    [example] = examples_of([replace(row(given=given), logprobs=(0.0, 0.0))], [])
    assert example.logprobs == ()


def test_the_model_is_named_when_all_drafts_are_of_one() -> None:
    small, large = examplemaking.rows(2)
    assert model_of(small, INSTRUCTIONS.values()) == ("slm", INSTRUCTIONS["sentence"])
    with pytest.raises(QuestionSetError, match="The answers are of llm and slm"):
        model_of([*small, *large], INSTRUCTIONS.values())
    with pytest.raises(QuestionSetError, match="The answers are of no model"):
        model_of([], INSTRUCTIONS.values())


def test_old_answers_are_refused_when_the_instruction_has_changed() -> None:
    small, _ = examplemaking.rows(2)
    with pytest.raises(QuestionSetError, match="The prompt has changed"):
        model_of(small, "Be brief.")
