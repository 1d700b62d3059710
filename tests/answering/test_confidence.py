from __future__ import annotations

from dataclasses import replace

import pytest
from answering.drafts import draft, found
from hypothesis import given
from hypothesis import strategies as st

from rag.answering import calibration, confidence, reasons
from rag.answering.calibration import Calibration, Weight
from rag.answering.confidence import RULES, before, is_doomed, judge
from rag.types import Delta, Signal, Weighed

DEPTH = "How deep is the sea?"
LONG_REFUSAL = "The passages do not mention the colour of the sky."


@pytest.fixture
def calibrated(monkeypatch: pytest.MonkeyPatch) -> Calibration:
    """For every model: 0.5 where half of the words are grounded, 0.88 where all are."""
    weight = Weight(weight=2.0, mean=0.5, scale=0.5, missing=0.5)
    fitted = Calibration("test", "m", "", False, 0.0, {"grounded_words": weight},
                         {"accept": 0.7}, "")  # fmt: skip
    search = calibration.load(confidence.SEARCH, "", has_logprobs=False)
    monkeypatch.setattr(
        calibration,
        "load",
        lambda model, prompt, has_logprobs: search if model == confidence.SEARCH else fitted,
    )
    return fitted


# --- verdicts ----------------------------------------------------------------------------


def test_a_good_answer_is_accepted_when_the_passages_back_it() -> None:
    judged = judge(draft("The sky is blue."))
    assert judged.verdict == "accept"
    assert judged.value == 0.75
    assert judged.calibration == ""


@pytest.mark.parametrize(
    ("text", "question", "finish_reason", "reason"),
    [
        ("", DEPTH, "stop", "The model wrote nothing."),
        ("The sea is 3,688", DEPTH, "length", "The answer was cut before its end."),
        ("The sea is 3,688 metres deep.<|im_end|>", DEPTH, "stop",
         "Control signs of the model have leaked into the text."),
        ("The sea is deep. " * 20, DEPTH, "stop", "It repeats itself."),
        ("海深三千米。", DEPTH, "stop", "It is written in another script."),
        ("The sea is deep.", DEPTH, "stop", "It only repeats the question."),
        ("It is 3,688 metres and 12 wide.", DEPTH, "stop",
         "A number is not in the passages: 12."),
    ],
)  # fmt: skip
def test_an_answer_cannot_stand_when_a_gate_is_shut(
    text: str, question: str, finish_reason: str, reason: str
) -> None:
    judged = judge(draft(text, question, finish_reason=finish_reason))
    assert judged.verdict == "escalate"
    assert reason in judged.reasons


def test_a_refusal_escalates_when_search_found_the_subject() -> None:
    judged = judge(draft(LONG_REFUSAL, "Is the sky blue by day?"))
    assert judged.verdict == "escalate"
    assert judged.reasons[0] == "The model says that the passages do not hold the answer."


def test_a_refusal_ends_the_turn_when_search_hardly_found_the_subject() -> None:
    judged = judge(draft(LONG_REFUSAL, "Which zeppelin crossed the Atlantic by day?"))
    assert judged.verdict == "not_in_documents"


def test_all_made_up_numbers_are_named_when_there_are_several() -> None:
    judged = judge(draft("It is 12 or 13 metres deep.", DEPTH))
    assert judged.reasons[0] == "2 numbers are not in the passages: 12, 13."
    assert judged.weightiest[0] == Weighed("grounded_numbers", 0.0, False, ("12", "13"))


def test_the_verdict_is_the_same_when_logprobs_are_missing_or_all_zero() -> None:
    text = "The sky is blue."
    zeros = tuple(Delta(piece, (0.0,)) for piece in ("The", " sky", " is", " blue."))
    assert judge(draft(text)) == judge(draft(text, logprobs=(0.0,) * 4, pieces=zeros))


def test_doubt_lowers_the_value_when_the_model_was_unsure() -> None:
    pieces = (Delta("The sky is ", (-0.1,)), Delta("blue.", (-3.0,)))
    unsure = judge(draft("The sky is blue.", logprobs=(-0.1, -3.0), pieces=pieces))
    assert unsure.value < judge(draft("The sky is blue.")).value
    assert unsure.signals["least_probability"].value == pytest.approx(0.0498, abs=0.0001)


# --- with a calibration ------------------------------------------------------------------


def test_the_value_is_the_calibrated_probability_when_the_model_has_one(
    calibrated: Calibration,
) -> None:
    judged = judge(draft("The sky is blue."))
    assert judged.value == pytest.approx(0.8808, abs=0.0001)
    assert (judged.verdict, judged.calibration) == ("accept", "test")
    assert judged.weightiest == (Weighed("grounded_words", 1.0, True),)
    assert judged.signals["grounded_words"] == Signal(1.0, threshold=0.5, weight=2.0)


def test_an_answer_escalates_when_its_probability_is_below_the_threshold(
    calibrated: Calibration,
) -> None:
    judged = judge(draft("The sky is green."))
    assert (judged.value, judged.verdict) == (0.5, "escalate")


def test_a_gate_halves_the_probability_when_it_is_shut(calibrated: Calibration) -> None:
    judged = judge(draft("The sky is blue.", finish_reason="length"))
    assert judged.value == pytest.approx(0.8808 / 2, abs=0.0001)
    assert judged.weightiest[0].name == "complete"


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_probability_never_falls_when_a_favourable_signal_rises(
    low: float, high: float
) -> None:
    fitted = Calibration(
        "t", "m", "", False, 0.0, {"s": Weight(1.5, 0.4, 0.3, 0.4)}, {"accept": 0.5}, ""
    )
    low, high = sorted((low, high))
    assert fitted.probability({"s": low}) <= fitted.probability({"s": high})


# --- before a word -----------------------------------------------------------------------


def test_a_draft_is_worth_writing_when_search_found_the_subject() -> None:
    judged = before(found("Is the sky blue by day?"))
    assert (judged.verdict, judged.calibration) == ("accept", "retrieval")
    assert judged.value > 0.9


def test_nobody_is_asked_when_the_subject_is_nowhere() -> None:
    asked = "Which German zeppelin crossed the Atlantic, carrying thirty passengers by day?"
    judged = before(found(asked))
    assert judged.verdict == "not_in_documents"
    assert judged.reasons[0].startswith(
        "The documents hold too little of the question: German, zeppelin, crossed, Atlantic"
    )


def test_the_larger_model_is_asked_at_once_when_search_found_little() -> None:
    judged = before(found("Which zeppelin crossed the Atlantic by day?"))
    assert judged.verdict == "escalate"
    assert 0.25 <= judged.value < 0.4
    assert judged.weightiest[0].details == ("zeppelin", "crossed", "Atlantic")


def test_the_value_is_0_when_no_word_is_known() -> None:
    judged = before(found("zeppelin"))
    assert (judged.value, judged.verdict) == (0.0, "not_in_documents")


# --- while it streams --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The passages do not mention it", False),  # "…, but elsewhere it says" may follow
        ("The passages do not mention it.", True),
        ("The sky is blue.", False),
        ("one two three four " * 3, False),
        ("one two three four " * 20, True),
        ("", False),
    ],
)
def test_a_draft_is_doomed_when_no_later_word_can_mend_it(text: str, expected: bool) -> None:
    assert is_doomed(text) is expected


@given(st.text(max_size=300), st.text(max_size=100))
def test_what_is_doomed_stays_unaccepted_when_it_goes_on(text: str, more: str) -> None:
    if is_doomed(text) and not text.endswith((".", "!", "?", "…", "。")):
        assert judge(draft(text + more)).verdict != "accept"


# --- bounds ------------------------------------------------------------------------------


@given(st.text(max_size=200), st.text(max_size=80))
def test_a_judgement_is_a_probability_when_text_and_question_are_anything(
    text: str, question: str
) -> None:
    judged = judge(draft(text, question))
    assert 0 <= judged.value <= 1
    assert len(judged.weightiest) == len(judged.reasons) <= 3
    for signal in judged.signals.values():
        assert signal.value is None or 0 <= signal.value <= 1


def test_every_signal_has_both_sentences_when_it_can_weigh() -> None:
    for name in RULES.keys() - {"collection_size"}:
        for speaks_for in (True, False):
            said = reasons.sentence(Weighed(name, 0.5, speaks_for, ("7",)))
            assert said.endswith(".")
            assert "_" not in said
            assert not said.startswith(name.replace("_", " ").capitalize() + ":")


def test_an_unknown_signal_shows_its_value_when_it_has_no_sentence() -> None:
    assert reasons.sentence(Weighed("new_signal", 0.25, True)) == "New signal: 0.25."


def test_only_what_speaks_against_it_is_told_when_an_answer_fails() -> None:
    judged = judge(draft("Grass is green, probably 12.", DEPTH))
    assert judged.verdict == "escalate"
    assert not any(weighed.speaks_for for weighed in judged.weightiest)


def test_a_judgement_is_the_same_when_it_is_made_again() -> None:
    one = draft("The sky is blue.")
    assert judge(one) == judge(replace(one))
