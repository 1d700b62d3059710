"""What a turn's end becomes in the counters of a process."""

from __future__ import annotations

import pytest

from rag.measuring.counters import Counters, escalation, outcome
from rag.types import (
    Answer,
    Attempt,
    Confidence,
    Context,
    Failed,
    Latency,
    Mode,
    Route,
    Tier,
    Usage,
    Verdict,
    Weighed,
    Working,
)

DOUBT = Confidence(
    0.2,
    "escalate",
    {},
    (),
    (Weighed("overlap", 0.9, speaks_for=True), Weighed("numbers", 0.0, speaks_for=False)),
)


def attempt(tier: Tier, judged: Confidence | None = None) -> Attempt:
    return Attempt(tier, tier, (), "", "stop", judged)


def answer(*attempts: Attempt, route: Route = "slm", verdict: Verdict = "accept") -> Answer:
    return Answer(
        text="The oil.",
        route=route,
        model="small",
        citations=(),
        confidence=Confidence(0.9, verdict, {}, ()),
        context=Context("", (), 0, 0),
        latency=Latency(retrieve_ms=3.0, first_token_ms=200.0, total_ms=900.0),
        usage={"small": Usage(100, 7, estimated=False)},
        cost_usd=0.0,
        trace_id="",
        attempts=attempts,
    )


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (answer(), "answered"),
        (answer(verdict="escalate"), "uncertain"),
        (answer(route="declined", verdict="not_in_documents"), "declined"),
        (Failed("It broke off."), "failed"),
        (Failed(""), "stopped"),
    ],
)
def test_the_outcome_is_told_when_a_turn_has_ended(end: Answer | Failed, told: str) -> None:
    assert outcome(end) == told


@pytest.mark.parametrize(
    ("attempts", "mode", "reason"),
    [
        ((attempt("slm"),), "auto", ""),
        ((attempt("slm", DOUBT), attempt("llm")), "auto", "numbers"),
        ((attempt("slm"), attempt("llm")), "auto", "draft_failed"),
        ((attempt("llm"),), "auto", "search"),
        ((attempt("slm", DOUBT), attempt("llm")), "refine", "refined"),
        ((attempt("llm"),), "llm", ""),
    ],
)
def test_an_escalation_has_a_reason_when_there_was_one(
    attempts: tuple[Attempt, ...], mode: Mode, reason: str
) -> None:
    assert escalation(answer(*attempts), mode) == reason


def test_turns_add_up_when_they_end() -> None:
    counters = Counters()
    counters.ended(answer(), "auto")
    counters.ended(answer(), "auto")
    counters.ended(Failed("No.", errors=("ModelBusy",)), "auto")
    lines = counters.text().decode().splitlines()
    assert 'rag_turns_total{outcome="answered",route="slm"} 2.0' in lines
    assert 'rag_tokens_total{kind="completion",model="small"} 14.0' in lines
    assert 'rag_errors_total{error="ModelBusy"} 1.0' in lines
    assert "rag_retrieval_seconds_sum 0.006" in lines
    assert "rag_first_token_seconds_count 2.0" in lines


def test_two_count_apart_when_there_are_two() -> None:
    one, other = Counters(), Counters()
    one.ended(answer(), "auto")
    assert b"rag_turns_total{" not in other.text()


def test_a_turn_is_at_one_thing_at_a_time_when_it_runs() -> None:
    counters = Counters()
    with counters.running() as note:
        assert 'rag_turns_running{phase="searching"} 1.0' in counters.text().decode()
        note(Working("writing", "small"))
        told = counters.text().decode()
        assert 'rag_turns_running{phase="searching"} 0.0' in told
        assert 'rag_turns_running{phase="writing"} 1.0' in told
    assert 'rag_turns_running{phase="writing"} 0.0' in counters.text().decode()
