from __future__ import annotations

import pytest
from answering.drafts import draft
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.signals import support

DEPTH = "How deep is the sea?"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("The sky is blue.", 1.0), ("The sky is green.", 0.5), ("Grass is green.", 0.0), ("", None)],
)
def test_words_are_grounded_when_the_passages_hold_them(text: str, expected: float | None) -> None:
    assert support.grounded_words(draft(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is 3,688 metres deep.", 1.0),
        ("It is 3688 metres deep.", 1.0),
        ("It is 3,688 metres deep and 12 wide.", 0.5),
        ("It is very deep.", None),
    ],
)
def test_numbers_are_grounded_when_the_passages_hold_them(
    text: str, expected: float | None
) -> None:
    assert support.grounded_numbers(draft(text, DEPTH)) == expected


def test_a_number_may_be_repeated_when_it_stands_in_the_question() -> None:
    asked = draft("In 1977 the sky was blue.", "Was the sky blue in 1977?")
    assert support.grounded_numbers(asked) == 1.0


def test_foreign_numbers_are_named_as_written_when_they_stand_nowhere() -> None:
    assert support.foreign_numbers(draft("It is 12 or 13,5 metres deep.", DEPTH)) == ["12", "13,5"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It was seen by Jacques Piccard.", 1.0),
        ("It was seen by Jacques Cousteau.", 0.5),
        ("It was seen by nobody.", None),
    ],
)
def test_names_are_grounded_when_the_passages_hold_them(text: str, expected: float | None) -> None:
    assert support.grounded_names(draft(text, "Who saw the ground of the sea?")) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("It is 3,688 km deep.", 0.0), ("It is deep.", None)]
)
def test_units_are_grounded_when_the_passages_use_them(text: str, expected: float | None) -> None:
    assert support.grounded_units(draft(text, DEPTH)) == expected


def test_sentences_are_backed_when_a_passage_they_cite_says_so() -> None:
    assert support.backed_sentences(draft("The sky is blue. Elephants sing loudly.")) == 0.5
    assert support.backed_sentences(draft("")) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('It says "blue by day".', 1.0),
        ('It says "green by day".', 0.0),
        ("It says „blue by day” and “red at noon”.", 0.5),
        ("It says so.", None),
    ],
)
def test_quotes_are_exact_when_a_passage_holds_them_word_for_word(
    text: str, expected: float | None
) -> None:
    assert support.exact_quotes(draft(text)) == expected


def test_a_text_is_verbatim_when_its_words_stand_in_a_row_in_a_passage() -> None:
    assert support.verbatim(draft("The SKY is blue by day!")) == 1.0
    assert support.verbatim(draft("By day blue is the sky.")) == pytest.approx(2 / 6)
    assert support.verbatim(draft("")) == 0.0


def test_the_question_stands_beside_the_answer_when_one_sentence_holds_both() -> None:
    right = draft("The sky is blue.", "Which colour has the sky by day?")
    far = draft("It is 3,688 metres.", "Which colour has the sky by day?")
    assert support.beside(right) > support.beside(far) == 0.0
    assert support.around(right) >= support.beside(right)


def test_a_name_in_the_question_is_missed_when_the_answer_is_taken_from_elsewhere() -> None:
    assert support.named_around(draft("In 1960.", "When did Jacques Piccard see it?")) == 1.0
    assert support.named_around(draft("In 1960.", "When did Don Walsh see it?")) == 0.0
    assert support.named_around(draft("In 1960.", "When was it seen?")) is None


def test_an_answer_is_in_one_place_when_one_or_two_sentences_hold_all_of_it() -> None:
    assert support.in_one_place(draft("It is blue.")) == 1.0
    assert support.in_one_place(draft("Blue, 3,688 metres.")) == pytest.approx(2 / 3)
    assert support.in_one_place(draft("Which colour is the sky?")) == 0.0


@pytest.mark.parametrize(
    ("text", "question", "expected"),
    [
        ("3,688 metres.", DEPTH, 1.0),
        ("Two metres.", DEPTH, 1.0),
        ("Very deep.", DEPTH, 0.0),
        ("In 1960.", "When was it seen?", 1.0),
        ("It was Jacques Piccard.", "Who saw it?", 1.0),
        ("It was somebody.", "Who saw it?", 0.0),
        ("Blue.", "Which colour is the sky?", None),
    ],
)
def test_an_answer_fits_the_question_when_it_gives_what_was_asked_for(
    text: str, question: str, expected: float | None
) -> None:
    assert support.fitting_kind(draft(text, question)) == expected


@given(st.text(max_size=200), st.text(max_size=80))
def test_signals_stay_between_0_and_1_when_text_and_question_are_anything(
    text: str, question: str
) -> None:
    written = draft(text, question)
    for signal in (
        support.grounded_words, support.grounded_numbers, support.grounded_names,
        support.grounded_units, support.backed_sentences, support.exact_quotes, support.verbatim,
        support.beside, support.around, support.named_around, support.in_one_place,
        support.where_likeliest, support.grounded_additions, support.fitting_kind,
    ):  # fmt: skip
        value = signal(written)
        assert value is None or 0 <= value <= 1
