import re
from dataclasses import replace
from pathlib import Path

import pytest
from answering.passages import chunk, hits
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.citations import resolve
from rag.answering.confidence import RULES, Draft, judge, nothing_found
from rag.answering.context import pack
from rag.types import Reply

CONTEXT = pack(
    hits(
        chunk("The sky is blue by day.", document="sky.md"),
        chunk("The sea is 3,688 metres deep.", document="sea.md"),
    ),
    budget_tokens=500,
    max_passages=3,
)


def draft(
    text: str,
    question: str = "Which colour is the sky?",
    *,
    finish_reason: str = "stop",
    logprobs: tuple[float, ...] | None = None,
    coverage: float = 0.8,
) -> Draft:
    reply = Reply(text, "m", finish_reason, logprobs=logprobs)
    return Draft(question, CONTEXT, reply, resolve(text, CONTEXT, question), coverage)


def value(name: str, of: Draft) -> float | None:
    return judge(of).signals[name].value


def test_a_good_answer_is_accepted_when_the_passages_back_it() -> None:
    judged = judge(draft("The sky is blue.", logprobs=(-0.1, -0.2)))
    assert judged.verdict == "accept"
    assert judged.value == pytest.approx(0.9365, abs=0.0001)
    assert judged.reasons == ("The passages back the answer.",)


def test_a_made_up_number_shuts_the_gate_when_all_else_is_right() -> None:
    judged = judge(draft("The sea is 3,688 metres deep and 12 wide.", "How deep is the sea?"))
    assert judged.signals["grounded_numbers"].value == 0.5
    assert judged.verdict == "escalate"
    assert judged.reasons[0] == "A number is not in the passages: 12."


def test_all_made_up_numbers_are_named_when_there_are_several() -> None:
    reasons = judge(draft("It is 12 or 13 metres deep.", "How deep is the sea?")).reasons
    assert reasons[0] == "2 numbers are not in the passages: 12, 13."


def test_a_number_may_be_repeated_when_it_stands_in_the_question() -> None:
    of = draft("In 1977 the sky was blue.", "Was the sky blue in 1977?")
    assert value("grounded_numbers", of) == 1.0


def test_the_documents_lack_the_answer_when_model_and_coverage_agree() -> None:
    judged = judge(draft("The answer is not in the documents.", coverage=0.3))
    assert judged.verdict == "not_in_documents"


def test_a_refusal_escalates_when_the_passages_hold_the_question() -> None:
    judged = judge(draft("The passages do not say which.", "Is the sky blue?"))
    assert judged.verdict == "escalate"
    assert "The model says that the passages do not hold the answer." in judged.reasons


def test_a_late_negation_is_no_refusal_when_the_answer_came_first() -> None:
    assert value("answered", draft("The sky is blue. I don't know more.")) == 1.0


def test_an_empty_answer_escalates_when_the_model_wrote_nothing() -> None:
    judged = judge(draft(""))
    assert (judged.verdict, judged.reasons[0]) == ("escalate", "The model wrote nothing.")


def test_an_answer_in_other_words_is_not_accepted_when_no_passage_backs_it() -> None:
    judged = judge(draft("Elephants never forget anything."))
    assert judged.verdict == "escalate"
    assert judged.signals["backed_sentences"].value == 0.0


@pytest.mark.parametrize("logprobs", [None, (), (0.0, 0.0)])
def test_the_verdict_is_the_same_when_logprobs_are_null_or_all_zero(
    logprobs: tuple[float, ...] | None,
) -> None:
    judged = judge(draft("The sky is blue.", logprobs=logprobs))
    assert judged == judge(draft("The sky is blue."))
    assert judged.signals["least_probability"].value is None


def test_the_least_sure_token_counts_when_logprobs_are_known() -> None:
    assert value("least_probability", draft("Blue.", logprobs=(-0.1, -2.0))) == pytest.approx(
        0.1353, abs=0.0001
    )


def test_nothing_found_is_a_judgement_when_no_model_was_asked() -> None:
    judged = nothing_found()
    assert (judged.value, judged.verdict) == (0.0, "not_in_documents")
    assert judged.reasons == ("No passage holds a word of the question.",)


texts = st.text(st.sampled_from("The sky is blue. 123 Sea deep not in documents"), max_size=60)


@given(texts, texts, st.lists(st.floats(-20, 0), max_size=4), st.sampled_from(["stop", "length"]))
def test_value_and_signals_stay_in_bounds_whatever_was_written(
    text: str, question: str, logprobs: list[float], finish_reason: str
) -> None:
    judged = judge(draft(text, question, finish_reason=finish_reason, logprobs=tuple(logprobs)))
    assert 0 <= judged.value <= 1
    assert judged.signals.keys() == RULES.keys()
    for signal in judged.signals.values():
        assert signal.value is None or 0 <= signal.value <= 1
    assert judged.reasons


def test_the_value_does_not_fall_when_a_token_is_surer() -> None:
    unsure, sure = (draft("The sky is blue.", logprobs=(p,)) for p in (-2.0, -0.5))
    assert judge(unsure).value < judge(sure).value
    assert replace(judge(unsure), value=0).signals.keys() == judge(sure).signals.keys()


def test_the_documentation_agrees_when_it_lists_the_signals() -> None:
    page = (Path(__file__).parents[2] / "docs" / "answers.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| .* \| ([\d.]+) \| (.+) \|$", page, re.MULTILINE)
    gate = {(True, 0.0): "gate", (True, 1.0): "gate, 1"}
    assert rows == [
        (name, f"{rule.threshold:g}", gate.get((rule.is_gate, rule.weight), f"{rule.weight:g}"))
        for name, rule in RULES.items()
    ]
