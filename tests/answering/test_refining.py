"""When a polish pays, what it is told, and whole turns in ``refine``."""

from __future__ import annotations

import pytest
from answering.turns import Make, answer, answered, escalated, events, kinds, ticking
from scripted_server import Scripted, ScriptedServer

from rag.answering.pipeline import AnsweringOptions, Pipeline
from rag.answering.refining import instructions, is_worse, reasons
from rag.types import Confidence, Usage, Verdict

FINE = Confidence(0.9, "accept", {}, ("The passages back the answer.",))
DOUBTED = Confidence(0.3, "escalate", {}, ("A number is not in the passages: 7.",))
ABSENT = Confidence(0.1, "not_in_documents", {}, ())
QUESTION = "Is the sky blue by day?"
RIGHT = Scripted(("The sky is ", "blue by day."), usage=(60, 6))
WRONG = Scripted(("The sky is blue by day. ", "Its price is 7777 dollars."), usage=(60, 14))
POLISHED = Scripted(("By day the sky is blue.",), usage=(120, 7))
LONG = Scripted(("The sky is blue by day and black at night. " * 20,), usage=(60, 200))


# --- whether it pays ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("judged", "unsupported", "topics", "draft", "why"),
    [
        (FINE, [], [], "Blue.", []),
        (DOUBTED, [], [], "Blue.", ["A number is not in the passages: 7."]),
        (FINE, ["It is cheap."], [], "Blue.", ["A sentence is backed by no passage."]),
        (FINE, ["A.", "B."], [], "Blue.", ["2 sentences are backed by no passage."]),
        (FINE, [], ["dose", "sky"], "Blue.", ["The question is about sky."]),
        (FINE, [], ["SKIES"], "Blue.", ["The question is about SKIES."]),
        (FINE, [], ["blue sky"], "Blue.", ["The question is about blue sky."]),
        (FINE, [], ["blue sea", ""], "Blue.", []),
        (FINE, [], [], "blue " * 140, []),
        (FINE, [], [], "blue " * 160, ["The draft is long."]),
    ],
)
def test_a_polish_has_its_reasons_when_it_pays(
    judged: Confidence, unsupported: list[str], topics: list[str], draft: str, why: list[str]
) -> None:
    found = reasons(draft, unsupported, judged, question=QUESTION, language="en", topics=topics)
    assert list(found) == why


def test_a_topic_is_recognised_when_no_language_is_known() -> None:
    found = reasons("Da.", [], FINE, question="Care este doza maximă?", topics=["doza"])
    assert list(found) == ["The question is about doza."]


def test_the_polish_is_worse_when_it_loses_what_was_accepted() -> None:
    assert is_worse(DOUBTED, FINE)
    assert is_worse(ABSENT, FINE)
    assert not is_worse(FINE, FINE)
    assert not is_worse(DOUBTED, DOUBTED)


def test_unsupported_sentences_are_taken_out_and_named_when_others_are_backed() -> None:
    weak = "It costs 7<|im_end|> [1]."
    draft, order = instructions(f"Blue [1]. {weak} So it is.", [weak])
    assert (draft.role, draft.content) == ("assistant", "Blue.  So it is.")
    assert order.role == "user"
    assert order.content.splitlines()[2] == "- It costs 7‹¦im_end¦›."


def test_the_question_is_asked_afresh_when_no_sentence_is_backed() -> None:
    assert instructions("It costs 7.", ["It costs 7."]) == ()


def test_no_sentence_is_blamed_when_all_are_backed() -> None:
    assert "backs" not in instructions("Blue.", [])[1].content


# --- whole turns -------------------------------------------------------------------------


@pytest.fixture
async def pipeline(model: Make) -> Pipeline:
    return Pipeline(await model("small"), await model("large"), now_ns=ticking())


@pytest.mark.anyio
@pytest.mark.usefixtures("literal_judgement")
async def test_the_draft_stands_when_a_polish_does_not_pay(
    scripted_server: ScriptedServer, pipeline: Pipeline
) -> None:
    scripted_server.script(RIGHT)
    found = await events(pipeline, QUESTION, mode="refine")
    assert kinds(found) == ["Retrieved", "Delta", "Judged", "Answered"]
    assert answered(found).route == "slm"


@pytest.mark.anyio
@pytest.mark.usefixtures("literal_judgement")
@pytest.mark.parametrize("draft", [WRONG, LONG], ids=["weak", "long"])
async def test_the_larger_model_polishes_when_the_draft_is_weak_or_long(
    scripted_server: ScriptedServer, pipeline: Pipeline, draft: Scripted
) -> None:
    scripted_server.script(draft, POLISHED)
    found = await events(pipeline, QUESTION, mode="refine")
    assert kinds(found) == [
        *("Retrieved", "Delta", "Judged", "Escalated", "Delta", "Judged", "Answered"),
    ]
    assert escalated(found).draft == "".join(draft.deltas)
    result = answered(found)
    assert (result.text, result.route) == ("By day the sky is blue [1].", "refined")
    assert result.model == "large"
    assert [attempt.tier for attempt in result.attempts] == ["slm", "llm"]
    assert result.usage == {
        "small": Usage(60, draft.usage[1] if draft.usage else 0, False),
        "large": Usage(120, 7, False),
    }
    assert (result.latency.first_token_ms, result.latency.escalate_ms) == (1.0, 5.0)
    assert result.latency.total_ms == 11.0


@pytest.mark.anyio
@pytest.mark.usefixtures("literal_judgement")
async def test_the_prompt_holds_draft_and_weak_sentences_when_it_is_polished(
    scripted_server: ScriptedServer, pipeline: Pipeline
) -> None:
    scripted_server.script(WRONG, POLISHED)
    result = await answer(pipeline, QUESTION, mode="refine")
    first, second = (sent.body["messages"] for sent in scripted_server.history)
    assert second[: len(first)] == first
    draft, order = second[len(first) :]
    assert draft == {
        "role": "assistant",
        "content": "The sky is blue by day.",
    }
    assert order["role"] == "user"
    assert order["content"].splitlines()[2:-1] == ["- Its price is 7777 dollars."]
    assert [message.content for message in result.attempts[1].prompt] == [
        message["content"] for message in second
    ]


@pytest.mark.anyio
@pytest.mark.usefixtures("literal_judgement")
async def test_the_larger_model_answers_afresh_when_nothing_of_the_draft_is_backed(
    scripted_server: ScriptedServer, pipeline: Pipeline
) -> None:
    scripted_server.script(Scripted(("Its price is 7777 dollars.",)), POLISHED)
    result = await answer(pipeline, QUESTION, mode="refine")
    assert (result.text, result.route) == ("By day the sky is blue [1].", "llm")
    first, second = (sent.body["messages"] for sent in scripted_server.history)
    assert second == first


@pytest.mark.anyio
@pytest.mark.usefixtures("literal_judgement")
async def test_it_is_polished_when_the_question_is_about_a_topic(
    scripted_server: ScriptedServer, model: Make
) -> None:
    options = AnsweringOptions(refine_topics=("skies",))
    pipeline = Pipeline(await model("small"), await model("large"), options)
    scripted_server.script(RIGHT, POLISHED)
    found = await events(pipeline, QUESTION, mode="refine")
    assert escalated(found).reasons == ("The question is about skies.",)
    assert answered(found).route == "refined"


@pytest.mark.anyio
@pytest.mark.usefixtures("literal_judgement")
@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        (Scripted(("By day",), then="disconnect"), "escalate"),
        (Scripted(status=401), "escalate"),
        (Scripted(("The sky is 8888 metres blue.",)), "accept"),
        (Scripted(("The passages do not mention it.",)), "accept"),
    ],
    ids=["broken", "refused", "made up", "not found"],
)
async def test_an_accepted_draft_stands_when_its_polish_fails_or_is_worse(
    scripted_server: ScriptedServer, pipeline: Pipeline, fault: Scripted, verdict: Verdict
) -> None:
    scripted_server.script(LONG, fault)
    result = await answer(pipeline, QUESTION, mode="refine")
    assert (result.route, result.model, result.confidence.verdict) == ("slm", "small", verdict)
    assert result.attempts[0].confidence is not None
    assert result.attempts[0].confidence.verdict == "accept"
    assert result.text.startswith("The sky is blue by day")
    (warning,) = result.warnings
    assert warning.endswith("stands.")
    assert [attempt.tier for attempt in result.attempts] == ["slm", "llm"]


@pytest.mark.anyio
@pytest.mark.usefixtures("literal_judgement")
async def test_a_doubted_draft_is_declined_when_its_polish_finds_nothing(
    scripted_server: ScriptedServer, pipeline: Pipeline
) -> None:
    scripted_server.script(WRONG, Scripted(("The passages do not mention it.",)))
    assert (await answer(pipeline, QUESTION, mode="refine")).route == "declined"


@pytest.mark.anyio
@pytest.mark.usefixtures("literal_judgement")
async def test_a_warning_says_so_when_nobody_can_polish(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model())
    scripted_server.script(LONG)
    result = await answer(pipeline, QUESTION, mode="refine")
    assert (result.route, result.confidence.verdict, result.warnings) == (
        "slm",
        "escalate",
        ("There is no larger model, so the small one answered. Set RAG_LLM to add one.",),
    )
