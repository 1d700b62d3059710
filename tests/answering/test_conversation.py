import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.conversation import (
    asks_for_overview,
    earlier,
    leans,
    query,
    whole,
    without_repetition,
)
from rag.types import Message, Query


def talk(*turns: str) -> list[Message]:
    return [Message("assistant" if at % 2 else "user", text) for at, text in enumerate(turns)]


REVENUE = talk("What was the revenue in 2022?", "It was 5 million euros [1].")


@pytest.mark.parametrize(
    "question",
    [
        "and in 2023?",
        "What about Bucharest?",
        "Dar în București?",
        "Si in Cluj?",
        "In 2023?",
        "what about it?",
        "Who founded it?",
        "When was she born?",
        "Why is that?",
        "It was when?",
        "Why?",
        "How many?",
        "When exactly?",
        "more examples",
        "Tell me more.",
        "Cine l-a scris și când a fost el ales?",
        "Care este rolul lui?",
        "Ce este acolo?",
        "De ce?",
        "... but how?",
    ],
)
def test_a_question_leans_when_it_cannot_stand_alone(question: str) -> None:
    assert leans(question)


@pytest.mark.parametrize(
    "question",
    [
        "",
        "?",
        "Kenya",
        "What is photosynthesis?",
        "Who wrote Hamlet?",
        "In what year did Kenya become independent?",
        "What rivers are there that flow into the Danube?",
        "Care este capitala României?",
        "Ce a scris cartea lui Eminescu despre lună?",
        "Which IT department wrote the report?",
        "Explain how the payment of an invoice is approved.",
    ],
)
def test_a_question_stands_alone_when_it_names_its_subject(question: str) -> None:
    assert not leans(question)


def test_a_follow_up_is_searched_with_the_question_before_it() -> None:
    assert query("and in 2023?", REVENUE) == Query(
        "and in 2023?", "What was the revenue in 2022? 5"
    )


def test_a_new_topic_is_searched_alone_when_there_was_another_before() -> None:
    assert query("Who wrote Hamlet?", REVENUE) == Query("Who wrote Hamlet?")


def test_there_is_no_background_when_nothing_was_said_before() -> None:
    assert query("and in 2023?", ()) == Query("and in 2023?")


def test_names_come_from_the_last_answer_when_a_pronoun_may_stand_for_them() -> None:
    history = talk("Who wrote the report?", "It was written by Maria Ionescu [2].")
    assert query("When was she born?", history).background == (
        "Who wrote the report? Maria Ionescu"
    )


def test_the_subject_is_found_further_back_when_follow_ups_follow_each_other() -> None:
    history = [*talk("Who wrote Hamlet?", "Nobody."), *REVENUE, *talk("and in 2023?", "Six.")]
    assert query("and after that?", history).background == (
        "What was the revenue in 2022? and in 2023? Six"
    )


def test_an_unanswered_question_still_counts_when_the_turn_failed() -> None:
    assert query("And why?", talk("What was the revenue in 2022?")).background == (
        "What was the revenue in 2022?"
    )


def test_only_the_turns_it_leans_on_come_along_when_a_question_follows_up() -> None:
    history = [*talk("Who wrote Hamlet?", "Nobody."), *REVENUE]
    assert earlier("and in 2023?", history) == tuple(REVENUE)
    assert earlier("Who wrote Faust?", history) == ()
    assert earlier("and in 2023?", ()) == ()


def test_no_more_than_three_turns_come_along_when_all_lean() -> None:
    history = talk("And a?", "A.", "And b?", "B.", "And c?", "C.", "And d?", "D.")
    assert earlier("And e?", history) == tuple(history[2:])


def test_the_question_is_asked_with_those_before_it_when_it_leans_on_them() -> None:
    assert whole("and in 2023?", REVENUE) == "What was the revenue in 2022? and in 2023?"
    assert whole("Who wrote Hamlet?", ()) == "Who wrote Hamlet?"


@pytest.mark.parametrize(
    "question",
    [
        "Summarise this document.",
        "Summarize the PDF, please",
        "What is this document about?",
        "What is it about?",
        "Give me the key points.",
        "tl;dr",
        "Rezumă documentul",
        "Despre ce este acest document?",
        "Care sunt ideile principale?",
    ],
)
def test_an_overview_is_asked_for_when_every_word_is_about_documents(question: str) -> None:
    assert asks_for_overview(question)


@pytest.mark.parametrize(
    "question",
    ["", "What is chapter two about?", "Who wrote this document?", "Summarise the warranty.", "it"],
)
def test_no_overview_is_asked_for_when_a_word_names_something(question: str) -> None:
    assert not asks_for_overview(question)


# --- what a follow-up's answer repeats -----------------------------------------------------


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("It was 5 million euros. In 2023 it was 6.", "In 2023 it was 6."),
        ("It was 5 million euros [1].\n\nIn 2023 it was 6 [2].", "In 2023 it was 6 [2]."),
        ("It was 5 million euros.", "It was 5 million euros."),
        ("It was 5 million euros [2].", "It was 5 million euros [2]."),
        ("It was 6 million euros. More followed.", "It was 6 million euros. More followed."),
        (
            "In 2023, it was 6. It was 5 million euros.",
            "In 2023, it was 6. It was 5 million euros.",
        ),
        ("", ""),
        ("```\ncode\n```\nIt was 6.", "```\ncode\n```\nIt was 6."),
    ],
)
def test_an_earlier_answer_is_left_out_when_a_new_one_begins_with_it_and_says_more(
    text: str, left: str
) -> None:
    assert without_repetition(text, REVENUE) == left


def test_a_short_sentence_is_no_repetition_when_it_was_said_before() -> None:
    turns = talk("Is it blue?", "Yes, it is. It was blue in May.")
    assert without_repetition("Yes, it is. It is red, too.", turns) == "Yes, it is. It is red, too."


def test_only_the_sentences_said_before_are_left_out_when_an_answer_had_several() -> None:
    turns = talk("How was it?", "It was five million euros. That was more than before.")
    text = "It was five million euros. In 2023 it was six. That was more than before."
    assert without_repetition(text, turns) == "In 2023 it was six. That was more than before."


@given(st.text(), st.lists(st.text()))
def test_what_is_left_ends_the_answer_when_anything_was_left_out(
    text: str, turns: list[str]
) -> None:
    left = without_repetition(text, talk(*turns))
    assert text.endswith(left)
    assert bool(left.strip()) is bool(text.strip())
