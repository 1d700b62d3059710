"""An answer cut into sentences that passages back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from answering.passages import hits
from answering.turns import SEA, SKY

from rag.answering import statements
from rag.answering.statements import Statement
from rag.types import Answer, Attempt, Confidence, Context, Latency, Query

CONTEXT = Context("", hits(SKY, SEA), 40, 400)


def answer(text: str, finish_reason: str = "stop") -> Answer:
    return Answer(
        text=text,
        route="slm",
        model="small",
        citations=(),
        confidence=Confidence(0.5, "accept", {}, ()),
        context=CONTEXT,
        latency=Latency(),
        usage={},
        cost_usd=0.0,
        trace_id="00",
        query=Query("What is the main point of this text?"),
        attempts=(Attempt("slm", "small", (), text, finish_reason),),
    )


def texts(found: statements.Statements) -> list[str]:
    return [statement.text for statement in found.backed]


def test_each_sentence_has_its_own_passage_when_several_are_backed() -> None:
    sky, sea = statements.of(answer("The sky is blue by day [1]. The sea is salty [2].")).backed
    assert (sky.text, sky.citations[0].document) == ("The sky is blue by day.", "sky.md")
    assert (sea.text, sea.citations[0].page) == ("The sea is salty.", 4)
    assert sky.citations[0].quote == "The sky is blue by day and black at night."
    assert (sky.model, sky.is_refined) == ("small", False)


def test_a_sentence_is_left_out_when_no_passage_backs_it() -> None:
    found = statements.of(answer("The sky is blue by day [1]. Dragons rule over Bavaria [2]."))
    assert texts(found) == ["The sky is blue by day."]
    assert found.left_out == ("Dragons rule over Bavaria.",)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("The main point of this text is that the sky is blue by day.", "The sky is blue by day."),
        ("This document is about the salty sea and its mean depth.",
         "The salty sea and its mean depth."),
        ("Here are the main points:\n\n1. The sky is blue by day.", "The sky is blue by day."),
        ("În acest text este vorba despre sky, blue by day.", "Sky, blue by day."),
        ("Punctele principale ale acestui text sunt: sky, blue by day.", "Sky, blue by day."),
        ("Acest document este despre sky, blue by day.", "Sky, blue by day."),
        ("- **The sky is blue by day**", "The sky is blue by day."),
        ("Blue sky.", None),
        ("1. The blue sky by\n2. The salty sea's depth", None),
        ("The passages do not mention the sky by day.", None),
        ("The text describes a blue sky by day.", None),
        ("", None),
    ],
)  # fmt: skip
def test_only_what_is_claimed_is_kept_when_a_model_writes_more(
    written: str, kept: str | None
) -> None:
    found = statements.of(answer(written))
    assert texts(found) == ([kept] if kept else [])
    assert found.left_out == ()


def test_the_last_sentence_is_dropped_when_it_was_cut() -> None:
    cut = answer("The sky is blue by day. The sea is salty and its", "length")
    assert texts(statements.of(cut)) == ["The sky is blue by day."]


def test_nothing_is_stated_when_the_answer_was_declined() -> None:
    declined = replace(answer("The sky is blue by day."), route="declined")
    assert statements.of(declined) == statements.NOTHING


def test_a_repetition_is_dropped_when_it_was_said_before() -> None:
    first = Statement("The sky is blue by day.", (), "small")
    again = Statement("By day the sky is blue.", (), "small")
    other = Statement("The sky is black at night.", (), "small")
    assert list(statements.new([first, again, other], ())) == [first, other]
    assert list(statements.new([again], [first])) == []
