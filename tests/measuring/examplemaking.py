"""Rows of a small and a larger model, made up so that the right weights are known."""

from __future__ import annotations

import random
from collections.abc import Iterator

from measuring.rowmaking import answer, attempt

from rag.answering.prompt import INSTRUCTIONS
from rag.measuring.questions import Question
from rag.measuring.rows import Found, Row
from rag.types import Latency, Message, Tier

DOCUMENTS = 6
PROMPT = (
    Message("system", f"{INSTRUCTIONS['sentence']} Answer in Romanian."),
    Message("user", "?"),
)


def rows(count: int = 60) -> tuple[list[Row], list[Row]]:
    """The small model is right as often as ``coverage`` says, the larger one but for every 7th."""
    drawn = random.Random(0)
    small, large = [], []
    for at in range(count):
        question = Question(
            id=str(at),
            question=f"What is {at}?",
            answers=(f"number {at}",) if at % 5 else (),
            document=f"{at % DOCUMENTS}.md" if at % 5 else None,
        )
        coverage = drawn.random()
        is_right = drawn.random() < coverage
        small.append(
            row(question, "slm", is_right=is_right, coverage=coverage, noise=drawn.random())
        )
        large.append(row(question, "llm", is_right=at % 7 > 0, coverage=0.5, noise=0.5))
    return small, large


def row(question: Question, tier: Tier, *, is_right: bool, coverage: float, noise: float) -> Row:
    right = f"It is number {question.id}." if question.is_answerable else "It is not mentioned."
    draft = attempt(
        right if is_right else "It is something else.",
        tier=tier,
        prompt=PROMPT,
        signals={
            "coverage": coverage,
            "least_probability": noise if noise > 0.1 else None,
            "constant": 1.0,
        },
    )
    found = (Found(f"{int(question.id) % DOCUMENTS}.md", 1, holds_answer=True),)
    given = answer(draft.text, attempts=(draft,))
    return Row(question, tier, found, Latency(), given, logprobs=(-noise, -0.1))


def lines(made: list[Row]) -> Iterator[str]:
    """The question set of rows, as its file holds it."""
    return (row.question.model_dump_json() + "\n" for row in made)
