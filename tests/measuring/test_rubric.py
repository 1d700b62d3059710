"""Handmade answers, good and bad in one way each: the score of that way must fall, and say why."""

from __future__ import annotations

import pytest

from rag.measuring.rubric import Rubric, Score, Written, rubric

QUESTION = "When was the bridge of Orvane built, and by whom?"
SOURCE = (
    "The bridge of Orvane crosses the river Sel. It was built in 1871 by the engineer Marta Kovacs"
    ", from grey granite, and is 340 metres long. Since 1990 no lorries are allowed on it."
)
GOOD = "It was built in 1871 by the engineer Marta Kovacs."


def judged(text: str, *, question: str = QUESTION, is_cut: bool = False) -> Rubric:
    return rubric(Written(text, question, (SOURCE,), is_cut))


def factuality(text: str) -> Score:
    score = judged(text).factuality
    assert score is not None
    return score


def test_every_score_is_five_when_an_answer_is_good() -> None:
    best = Score(5.0, "")
    assert judged(GOOD) == Rubric(best, best, best)


@pytest.mark.parametrize(
    ("text", "because"),
    [
        (" ", "There is no answer."),
        ("It was built in 1871. " * 12, "It repeats itself."),
        ("1871-" * 80, "It goes round in circles."),
        (GOOD + "<|im_end|>", "Control tokens have leaked into it."),
        (
            "Podul a fost construit în anul 1871 de către inginera Marta Kovacs.",
            "It is not in the language of the question.",
        ),
    ],
)
def test_coherence_is_low_when_an_answer_has_a_fault(text: str, because: str) -> None:
    score = judged(text).coherence
    assert score.value < 2.5
    assert score.because == because


def test_coherence_is_low_when_an_answer_was_cut() -> None:
    assert judged("It was built in", is_cut=True).coherence == Score(
        2.0, "It was cut at its limit."
    )


@pytest.mark.parametrize(
    ("text", "most", "because"),
    [
        ("It was built in 1902.", 1.0, "A number does not stand in the text it is from."),
        (
            "It was built in 1871 by the engineer Luis Prado.",
            1.0,
            "A name does not stand in the text it is from.",
        ),
        (
            "It was built by prisoners during a famine, under a cruel king.",
            2.0,
            "Words it adds do not stand in the text it is from.",
        ),
    ],
)
def test_factuality_is_low_when_the_source_says_otherwise(
    text: str, most: float, because: str
) -> None:
    assert 1 <= factuality(text).value <= most
    assert factuality(text).because == because


def test_factuality_lies_between_when_one_of_two_numbers_is_foreign() -> None:
    assert factuality("It was built in 1871 and is 500 metres long.").value == 3.0


@pytest.mark.parametrize(
    "written",
    [
        Written(GOOD, QUESTION),
        Written("The text does not say when it was built.", QUESTION, (SOURCE,)),
        Written("The bridge of Orvane was built.", QUESTION, (SOURCE,)),
        Written("Podul a fost construit de inginera Marta Kovacs.", QUESTION, (SOURCE,)),
        Written("", QUESTION, (SOURCE,)),
    ],
    ids=["no source", "refusal", "nothing added", "another language", "empty"],
)
def test_factuality_is_unknown_when_there_is_nothing_to_compare(written: Written) -> None:
    assert rubric(written).factuality is None


@pytest.mark.parametrize(
    ("text", "most", "because"),
    [
        ("", 1.0, "There is no answer."),
        ("The bridge of Orvane was built.", 1.0, "It says little more than the question."),
        ("Sure! " + GOOD, 3.0, "It has words that say nothing."),
        (GOOD + " I hope this helps!", 3.0, "It has words that say nothing."),
        (" ".join([GOOD, SOURCE, SOURCE]), 3.2, "It is long for such a question."),
    ],
)
def test_conciseness_is_low_when_words_are_wasted(text: str, most: float, because: str) -> None:
    score = judged(text).conciseness
    assert score.value <= most
    assert score.because == because


@pytest.mark.parametrize("limit", ["in at most 5 words", "în cel mult 5 cuvinte"])
def test_conciseness_is_low_when_a_limit_of_words_is_passed(limit: str) -> None:
    assert judged(GOOD, question=f"Summarise it {limit}.").conciseness == Score(
        3.0, "It is long for such a question."
    )


def test_conciseness_is_high_when_a_refusal_is_short() -> None:
    assert judged("The text does not say when the bridge was built.").conciseness.value == 5.0


def test_a_question_may_be_repeated_when_an_answer_is_a_full_sentence() -> None:
    assert judged("The bridge of Orvane was built in 1871 by Marta Kovacs.").conciseness.value == 5


def test_romanian_is_read_as_well_when_source_and_question_are_romanian() -> None:
    source = "Biblioteca are 60 de locuri și a fost deschisă de Ana Pop în 1953."
    question = "Când a fost deschisă biblioteca?"
    good = rubric(Written("Biblioteca a fost deschisă în 1953.", question, (source,)))
    bad = rubric(Written("Biblioteca a fost deschisă în 1999.", question, (source,)))
    assert good.factuality == Score(5.0, "")
    assert bad.factuality is not None
    assert bad.factuality.value == 1.0
