from __future__ import annotations

import pytest
from answering.drafts import draft
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.signals import wording
from rag.types import Reply


@pytest.mark.parametrize(("text", "expected"), [("Blue.", 1.0), ("", 0.0), (" \n ", 0.0)])
def test_an_answer_is_written_when_it_has_any_text(text: str, expected: float) -> None:
    assert wording.written(draft(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is not in the documents.", 0.0),
        ("Documentele nu menționează culoarea.", 0.0),
        ("The sky is blue. The passages do not say why.", 1.0),
    ],
)
def test_a_refusal_is_no_answer_when_it_comes_first(text: str, expected: float) -> None:
    assert wording.answered(draft(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The sky is blue.", 1.0),
        ("The sky is probably blue.", 0.0),
        ("It might be blue.", 0.0),
        ("Cerul este probabil albastru.", 0.0),
        ("In May the sky is blue.", 0.0),  # a month is taken for a hedge: the price of a word list
    ],
)
def test_a_hedge_is_noticed_when_a_word_of_doubt_stands_there(text: str, expected: float) -> None:
    assert wording.certain(draft(text)) == expected


@pytest.mark.parametrize(("reason", "expected"), [("stop", 1.0), ("length", 0.0)])
def test_an_answer_is_cut_when_the_server_says_length(reason: str, expected: float) -> None:
    assert wording.complete(draft("The sky is", finish_reason=reason)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "<|channel|>final The sky is blue.",
        "The sky is blue.<|im_end|>",
        "<think>hm</think>Blue.",
        "assistant: Blue.",
        "analysis: the user asks. assistantfinal: Blue.",
    ],
)
def test_leaked_control_tokens_are_noticed_when_they_stand_in_the_reply(text: str) -> None:
    assert wording.clean(draft(text)) == 0.0


def test_a_text_is_clean_when_it_only_speaks_of_assistants() -> None:
    assert wording.clean(draft("The assistant said: the sky is blue.")) == 1.0


def test_a_loop_has_little_variety_when_it_goes_on() -> None:
    # 4 words a sentence, 20 times: 77 runs of four words, 4 of them distinct
    assert wording.variety("The sky is blue. " * 20) == pytest.approx(4 / 77)
    assert wording.variety("The sky is blue by day and black by night.") == 1.0
    assert wording.variety("") == 1.0


def test_a_loop_packs_well_when_it_is_long_enough_to_tell() -> None:
    assert wording.incompressible(draft("The sky is blue.")) is None
    assert wording.incompressible(draft("The sky is blue. " * 20)) < 0.2
    assert wording.incompressible(draft("Of all the colours by day that the sky may show to a "
                                        "quiet mind, blue is both the first and the last one."
                                        )) > 0.7  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [("The sky is blue.", 1.0), ("天空是蓝色的。", 0.0), ("Sky: 天空是", 0.5), ("1960", None)],
)
def test_another_script_is_noticed_when_nobody_else_used_it(
    text: str, expected: float | None
) -> None:
    found = wording.same_script(draft(text))
    assert found is None if expected is None else found == pytest.approx(expected, abs=0.1)


def test_another_language_is_noticed_when_the_question_has_one() -> None:
    english = "The sky is blue by day and black at night, as everyone knows."
    romanian = "Cerul este albastru ziua și negru noaptea, după cum știe toată lumea."
    assert wording.same_language(draft(english)) == 1.0
    assert wording.same_language(draft(romanian)) == 0.0
    assert wording.same_language(draft(romanian, language="")) is None


def test_an_echo_adds_nothing_when_every_word_is_the_question_s() -> None:
    assert wording.says_more(draft("The colour is the sky.")) == 0.0
    assert wording.says_more(draft("The colour of the sky is blue.")) == pytest.approx(1 / 3)
    assert wording.says_more(draft("")) == 0.0


def test_a_long_answer_fits_less_when_a_number_was_asked_for() -> None:
    words = "word " * 60
    assert wording.fitting_length(draft(words, "How many are there?")) == pytest.approx(0.5)
    assert wording.fitting_length(draft(words, "Why is the sky blue?")) == 1.0
    assert wording.fitting_length(draft("Three.", "How many are there?")) == 1.0


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many moons are there?", "number"),
        ("Câți ani are?", "number"),
        ("When did it end?", "time"),
        ("In what year did it end?", "time"),
        ("În ce an s-a terminat?", "time"),
        ("Who wrote it?", "person"),
        ("Unde se află?", "place"),
        ("Why did he leave?", "reason"),
        ("How do I add a file?", "reason"),
        ("List the members.", "list"),
        ("Which colour is it?", "other"),
    ],
)
def test_the_kind_of_a_question_is_known_when_it_says_so(question: str, expected: str) -> None:
    assert wording.kind(question) == expected


@given(st.text(max_size=300))
def test_signals_stay_between_0_and_1_when_the_text_is_anything(text: str) -> None:
    written = draft(text)
    for signal in (
        wording.written, wording.answered, wording.certain, wording.clean, wording.varied,
        wording.incompressible, wording.same_script, wording.says_more, wording.fitting_length,
    ):  # fmt: skip
        value = signal(written)
        assert value is None or 0 <= value <= 1


def test_the_reply_is_looked_at_when_its_text_was_made_harmless() -> None:
    assert draft("x").reply == Reply("x", "m", "stop")
