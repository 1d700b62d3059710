"""What is made of samples, and the one prompt that several models can read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from answering.passages import chunk

from rag.answering.options import AnsweringOptions
from rag.errors import ExperimentError
from rag.measuring.compare import Compared, compared
from rag.measuring.compare_documents import grounded_prompt
from rag.measuring.probes import own_prompt, probes
from rag.measuring.reports.compare import summary
from rag.measuring.samples import Cell, Plan, Sample
from rag.retrieval.memory import MemoryIndex
from rag.types import Capabilities, Form

BY_ID = {probe.id: probe for probe in probes()}
ORDER = BY_ID["reason-2"].prompt(64)  # Mira
DAY = BY_ID["reason-3"].prompt(64)  # 13


def sample(
    model: str, text: str, *, prompt: str = "reason-2", round_: int = 1, **more: Any
) -> Sample:
    return Sample(Cell(1, round_, prompt, model), text=text, **more)


def found(*samples: Sample, rounds: int = 1, costs: float | None = 0.0) -> Compared:
    plan = Plan(("a", "b"), (ORDER, DAY), rounds)
    return compared(plan, samples, lambda sample: costs)


def test_a_probe_counts_once_and_as_failed_when_one_round_fails() -> None:
    ended = found(sample("a", "Mira"), sample("a", "Jon", round_=2), rounds=2)
    passed = ended.standings[0].passed
    assert passed is not None
    assert (passed.value, passed.count) == (0.0, 1)


def test_an_answer_is_failed_when_it_was_cut_after_the_right_word() -> None:
    ended = found(sample("a", "Mira", finish_reason="length"))
    assert ended.trials[0].faults == ("It was cut at its limit.",)


def test_a_warm_up_counts_nowhere_when_it_was_right() -> None:
    ended = found(sample("a", "Mira", round_=0))
    assert ended.trials == ()
    assert ended.standings[0].answers == 0
    assert ended.standings[0].passed is None
    assert ended.is_whole is False


def test_only_the_first_round_tells_of_first_tokens_when_later_ones_may_be_remembered() -> None:
    ended = found(
        sample("a", "Mira", first_token_ms=900.0, total_ms=1000.0),
        sample("a", "Mira", round_=2, first_token_ms=20.0, total_ms=500.0),
    )
    standing = ended.standings[0]
    assert standing.first_token_ms is not None
    assert standing.total_ms is not None
    assert (standing.first_token_ms.value, standing.total_ms.value) == (900.0, 750.0)


def test_models_are_compared_probe_by_probe_when_both_were_asked() -> None:
    ended = found(
        sample("a", "Jon"),
        sample("a", "12", prompt="reason-3"),
        sample("b", "Mira"),
        sample("b", "13", prompt="reason-3"),
    )
    [difference] = ended.differences
    passed = difference.figures["passed"]
    assert (difference.model, difference.than) == ("b", "a")
    assert passed is not None
    assert (passed.value, passed.high, passed.count) == (1.0, 1.0, 2)
    assert passed.low < 0.1  # two probes show little
    assert difference.chance == 0.5


def test_a_difference_is_put_in_words_when_it_lies_beyond_chance() -> None:
    prompts = tuple(probe.prompt(64) for probe in probes())
    plan = Plan(("a", "b"), prompts, 1)
    samples = [sample("a", "", prompt=one.id) for one in prompts]
    better = [sample("b", BY_ID[one.id].reference, prompt=one.id) for one in prompts]
    told = summary(compared(plan, [*samples, *better], lambda _: None))
    assert told.startswith("a passes 0 of 17 probes; b passes 17 of 17 probes. b passes more than")
    told = summary(compared(plan, [*samples, *better[:2], *samples[2:]], lambda _: None))
    assert "Between b and a the difference in passes may be chance." in told


def test_no_difference_is_told_when_only_one_probe_has_both() -> None:
    ended = found(sample("a", "Jon"), sample("b", "Mira"))
    assert ended.differences[0].figures["passed"] is None


def test_a_cost_is_unknown_when_one_answer_has_none() -> None:
    known = found(sample("a", "Mira"), sample("a", "13", prompt="reason-3"), costs=0.25)
    assert known.standings[0].cost_usd == 0.5
    assert found(sample("a", "Mira"), costs=None).standings[0].cost_usd is None
    assert found().standings[0].cost_usd is None


def test_a_person_sees_no_marks_when_the_prompt_is_their_own() -> None:
    plan = Plan(("a",), (own_prompt("Why?", 64),), 1)
    ended = compared(plan, [sample("a", "Because it rains.", prompt="prompt")], lambda _: None)
    assert ended.trials[0].passed is None
    assert ended.trials[0].ability == ""
    assert ended.trials[0].score("factuality") is None
    assert ended.trials[0].score("conciseness") == 5.0


# --- documents -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reader:
    """All of a model that a prompt depends on."""

    best_passages: int
    best_form: Form = "answer"
    name: str = "reader"
    reasons: bool = False

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(context_tokens=8192, reasons=self.reasons)


INDEX = MemoryIndex(
    [
        chunk("The beacon of Orvane burns whale oil.", document="a.md"),
        chunk("The beacon of Orvane was lit in 1871 by Marta Kovacs.", document="b.md"),
        chunk("Granite is a rock of quartz and feldspar.", document="c.md"),
    ]
)


def test_all_read_what_the_least_reads_when_models_take_more_or_less() -> None:
    models: list[Any] = [Reader(3), Reader(1, "sentence")]
    prompt = grounded_prompt("What does the beacon burn?", INDEX, models, AnsweringOptions())
    assert prompt.sources == ("a.md, page 1\nThe beacon of Orvane burns whale oil.",)
    assert prompt.question == "What does the beacon burn?"
    system, asked = prompt.messages
    assert "in a full sentence" in system.content
    assert asked.content.endswith("Question: What does the beacon burn?")
    assert "[1] a.md" in asked.content


def test_there_is_room_to_think_when_one_of_the_models_does() -> None:
    models: list[Any] = [Reader(1), Reader(3, reasons=True)]
    options = AnsweringOptions(max_tokens=100)
    assert grounded_prompt("What burns?", INDEX, models[:1], options).max_tokens == 100
    assert grounded_prompt("What burns?", INDEX, models, options).max_tokens == 1636


def test_nothing_is_asked_when_the_documents_share_no_word() -> None:
    models: list[Any] = [Reader(3)]
    with pytest.raises(ExperimentError, match="shares a word"):
        grounded_prompt("Quarterly revenue?", INDEX, models, AnsweringOptions())
