"""What a person reads in a terminal, event by event."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rag.commands.transcript import RULE, Transcript, badge, latency_line
from rag.errors import RagError
from rag.types import (
    Answer,
    Answered,
    AnswerEvent,
    Chunk,
    Citation,
    Confidence,
    Context,
    Delta,
    Escalated,
    Failed,
    Hit,
    Latency,
    Query,
    Restarted,
    Route,
    Usage,
    Verdict,
    Working,
)

CHUNK = Chunk("1", "d", "pump.md", 4, "", "Change the oil yearly.", 0, 22, 5, "en")
CITED = Citation(1, "1", "pump.md", 4, CHUNK.text, 0, 22, supported=True)
REASON = "A number is not in the passages: 7."

Output = pytest.CaptureFixture[str]


def answer(
    text: str = "Yearly [1].",
    route: Route = "slm",
    verdict: Verdict = "accept",
    *,
    escalate_ms: float | None = None,
    warnings: tuple[str, ...] = (),
) -> Answer:
    return Answer(
        text=text,
        route=route,
        model="small" if route == "slm" else "large",
        citations=() if route == "declined" else (CITED,),
        confidence=Confidence(0.84, verdict, {}, ("The passages back the answer.",)),
        context=Context("", (Hit(CHUNK, 1.0, 1, ("oil",)),), 9, 90),
        latency=Latency(retrieve_ms=2.0, escalate_ms=escalate_ms, total_ms=2.0),
        usage={"small": Usage(9, 3, estimated=False)},
        cost_usd=0.0,
        trace_id="t",
        warnings=warnings,
        query=Query("When is the oil changed?"),
    )


def printed(capsys: Output, events: Sequence[AnswerEvent]) -> str:
    transcript = Transcript()
    for event in events:
        transcript.print(event)
    return capsys.readouterr().out


def test_the_answer_is_printed_once_when_it_is_what_was_streamed(capsys: Output) -> None:
    assert printed(capsys, [Delta("Yearly"), Delta(" [1]."), Answered(answer())]) == (
        "Yearly [1].\n\n"
        "[1] pump.md, page 4\n"
        "Answered locally · confidence 84%\n"
        "  The passages back the answer.\n"
        "small · retrieve 2 ms = 2 ms\n"
    )


def test_the_answer_is_printed_again_when_citations_were_added(capsys: Output) -> None:
    output = printed(capsys, [Delta("Yearly."), Answered(answer())])
    assert output.startswith(f"Yearly.\n\n{RULE}\nYearly [1].\n\n[1] pump.md, page 4\n")


def test_the_reason_stands_between_both_answers_when_a_turn_is_escalated(capsys: Output) -> None:
    output = printed(
        capsys,
        [
            Delta("In 7 years."),
            Escalated("In 7 years.", "large", (REASON,)),
            Delta("Yearly [1]."),
            Answered(answer(route="llm", escalate_ms=1.0)),
        ],
    )
    assert output.startswith(
        f"In 7 years.\n\n{REASON} Asking large:\n\nYearly [1].\n\n[1] pump.md, page 4\n"
        "Escalated to large · confidence 84%\n"
    )


def test_the_draft_is_printed_again_when_it_stands_after_all(capsys: Output) -> None:
    events: list[AnswerEvent] = [
        Delta("In 7 years."),
        Escalated("In 7 years.", "large", (REASON,)),
        Delta("Yea"),
        Answered(answer("In 7 years.", verdict="escalate", warnings=("large broke off.",))),
    ]
    transcript = Transcript()
    for event in events:
        transcript.print(event)
    output = capsys.readouterr()
    assert f"Yea\n\n{RULE}\nIn 7 years.\n" in output.out
    assert "Answered locally, uncertain · confidence 84%" in output.out
    assert output.err == "large broke off.\n"


def test_a_rule_sets_the_draft_apart_when_the_larger_model_said_nothing(capsys: Output) -> None:
    output = printed(
        capsys,
        [
            Delta("In 7 years."),
            Escalated("In 7 years.", "large", (REASON,)),
            Answered(answer("In 7 years.", verdict="escalate")),
        ],
    )
    assert f"Asking large:\n\n{RULE}\nIn 7 years.\n\n" in output


def test_words_and_nearest_passages_are_told_when_a_turn_is_declined(capsys: Output) -> None:
    said = answer("I found nothing.", "declined", "not_in_documents")
    assert printed(capsys, [Answered(said)]).startswith(
        "I found nothing.\n\n"
        "Searched for: oil, changed\n"
        "Nearest: pump.md, page 4: Change the oil yearly.\n"
        "Not in your documents · confidence 84%\n"
    )


def test_it_raises_the_sentence_when_the_turn_failed() -> None:
    with pytest.raises(RagError, match=r"^Nobody answers\.$"):
        Transcript().print(Failed("Nobody answers."))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (answer(), "Answered locally"),
        (answer(verdict="escalate"), "Answered locally, uncertain"),
        (answer(route="llm"), "Answered by large"),
        (answer(route="llm", escalate_ms=2.0), "Escalated to large"),
        (answer(route="refined", escalate_ms=2.0), "Refined by large"),
        (answer(route="declined", verdict="not_in_documents"), "Not in your documents"),
    ],
)
def test_a_badge_says_who_answered_when_a_turn_is_over(said: Answer, words: str) -> None:
    assert badge(said) == words


def test_the_badge_does_not_say_locally_when_the_small_model_is_elsewhere() -> None:
    assert badge(answer(), is_local=False) == "Answered by small"


def test_a_rule_sets_the_first_words_apart_when_the_model_is_asked_again(capsys: Output) -> None:
    output = printed(
        capsys,
        [
            Delta("In 7 years."),
            Restarted("The prompt was cut."),
            Delta("Yearly [1]."),
            Answered(answer()),
        ],
    )
    assert output.startswith(f"In 7 years.\n\n{RULE}\nYearly [1].\n\n[1] pump.md, page 4\n")


def test_nothing_is_printed_when_a_model_thinks(capsys: Output) -> None:
    output = printed(
        capsys,
        [
            Working("thinking", "small"),
            Delta("", reasoning="The oil, hm."),
            Restarted("It gets more room."),
            Delta("Yearly [1]."),
            Answered(answer()),
        ],
    )
    assert output.startswith("Yearly [1].\n\n[1] pump.md, page 4\n")


def test_a_first_token_is_called_cold_when_the_model_was_loaded_for_it() -> None:
    latency = Latency(first_token_ms=2100.0, total_ms=2100.0)
    assert latency_line(latency) == "first token 2.1 s = 2.1 s"
    assert latency_line(latency, is_cold=True) == "cold first token 2.1 s = 2.1 s"
