from __future__ import annotations

import pytest

from rag.measuring.judge import Judgement, judged, pairs, plan_of, read
from rag.measuring.probes import own_prompt
from rag.measuring.samples import Cell, Plan, Prompt, Sample
from rag.types import Message

PLAN = Plan(("a", "b"), (own_prompt("Why?", 64), Prompt("2", (Message("user", "How?"),), 64)), 1)


def answer(model: str, text: str, *, prompt: str = "prompt", round_: int = 1) -> Sample:
    return Sample(Cell(1, round_, prompt, model), text=text)


ANSWERS = [answer("a", "So."), answer("b", "Thus."), answer("a", "x", round_=0)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("scores: 4, 2; better: 1", Judgement((4, 2), 1)),
        (" Scores: 3, 3; Better: 0.\n", Judgement((3, 3), 0)),
        ("scores: 6, 2; better: 1", None),
        ("scores: 4, 2; better: 3", None),
        ("scores: 4, 2; better: 1, because it is shorter", None),
        ("scores: <4>, <2>; better: <1>", None),
        ("scores: 4 2 better 1", None),
        ("", None),
    ],
)
def test_a_judgement_is_read_when_it_has_the_one_form(text: str, found: Judgement | None) -> None:
    assert read(text) == found


def test_each_two_answers_are_shown_both_ways_when_they_differ() -> None:
    shown = pairs(PLAN, [*ANSWERS, answer("a", "y", prompt="2"), answer("b", " y ", prompt="2")])
    assert [(one.first.text, one.second.text) for one in shown] == [
        ("So.", "Thus."),
        ("Thus.", "So."),
    ]


def test_a_failed_answer_is_not_judged_when_a_pair_lacks_it() -> None:
    failed = Sample(Cell(1, 1, "prompt", "b"), error="It broke.")
    assert pairs(PLAN, [ANSWERS[0], failed]) == []


def test_the_judge_reads_question_source_and_answers_when_it_is_asked() -> None:
    prompt = Prompt("p", (Message("user", "…"),), 64, "Why?", ("It rains.", "It pours."))
    plan = Plan(("a", "b"), (prompt,), 1)
    shown = pairs(plan, [answer("a", "So.", prompt="p"), answer("b", "Thus.", prompt="p")])
    asked = plan_of("judge", shown)
    assert asked.models == ("judge",)
    assert [one.id for one in asked.prompts] == ["0", "1"]
    [_, message] = asked.prompts[1].messages
    assert message.content.startswith(
        "Text:\nIt rains.\n\nIt pours.\n\nQuestion:\nWhy?\n\nAnswer 1:\nThus.\n\nAnswer 2:\nSo.\n\n"
    )


def judgements(*texts: str) -> list[Sample]:
    warmup = answer("j", "scores: 1, 1; better: 0", prompt="0", round_=0)
    return [warmup, *(answer("j", text, prompt=str(at)) for at, text in enumerate(texts))]


def verdict(*texts: str) -> tuple[int, ...]:
    shown = pairs(PLAN, ANSWERS)
    [found] = judged("j", PLAN, shown, judgements(*texts)).verdicts
    assert (found.model, found.other) == ("a", "b")
    return (found.wins, found.losses, found.ties, found.inconsistent, found.unreadable)


@pytest.mark.parametrize(
    ("texts", "counted"),
    [
        (("scores: 5, 1; better: 1", "scores: 1, 5; better: 2"), (1, 0, 0, 0, 0)),
        (("scores: 1, 5; better: 2", "scores: 5, 1; better: 1"), (0, 1, 0, 0, 0)),
        (("scores: 3, 3; better: 0", "scores: 3, 3; better: 0"), (0, 0, 1, 0, 0)),
        (("scores: 5, 1; better: 1", "scores: 5, 1; better: 1"), (0, 0, 0, 1, 0)),
        (("scores: 5, 1; better: 1", "scores: 3, 3; better: 0"), (0, 0, 0, 1, 0)),
        (("scores: 5, 1; better: 1", "The second."), (0, 0, 0, 0, 1)),
        (("scores: 5, 1; better: 1",), (0, 0, 0, 0, 1)),
    ],
)
def test_a_preference_counts_when_both_ways_round_agree(
    texts: tuple[str, ...], counted: tuple[int, ...]
) -> None:
    assert verdict(*texts) == counted


def test_scores_go_to_the_answers_when_places_change() -> None:
    shown = pairs(PLAN, ANSWERS)
    told = judgements("scores: 5, 2; better: 1", "scores: 1, 4; better: 2")
    found = judged("a", PLAN, shown, told)
    assert [(model, score.value) for model, score in found.scores] == [("a", 4.5), ("b", 1.5)]
    assert found.judges_itself is True


def test_requests_that_failed_are_told_apart_when_others_cannot_be_read() -> None:
    shown = pairs(PLAN, ANSWERS)
    samples = [answer("j", "Hm.", prompt="0"), Sample(Cell(1, 1, "1", "j"), error="It broke.")]
    found = judged("j", PLAN, shown, samples)
    assert (found.judgements, found.unreadable, found.failed) == (2, 1, 1)
    assert found.agreement is None
    assert found.first_preferred is None


def test_a_judge_has_room_to_think_when_it_does() -> None:
    shown = pairs(PLAN, ANSWERS)
    assert plan_of("j", shown).prompts[0].max_tokens == 32
    assert plan_of("j", shown, thinking_tokens=1000).prompts[0].max_tokens == 1032
