"""A model as judge of two answers: what it is asked, and what its words are worth.

Every pair is judged twice, with the answers in either place, because judges lean to a place (Zheng
et al. 2023). A preference counts only where both judgements agree; how often they do is reported
beside it. A judgement that is not of the one form asked for is unreadable, and told as such.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from rag.measuring.samples import Plan, Prompt, Sample
from rag.measuring.statistics import Estimate, estimate, share
from rag.types import Message

_MAX_TOKENS = 32
_INSTRUCTION = (
    "You judge two answers to one question. Judge what they say, not their place or their length. "
    "A good answer is right by the text, if there is one, does what the question asks, and says no "
    "more than that."
)
_ASKED = (
    "Give each answer a whole score from 1, useless, to 5, perfect. Then say which is better: 1, "
    "2, or 0 if they are equal. Reply with one line of exactly this form and nothing else:\n"
    "scores: <of answer 1>, <of answer 2>; better: <0, 1 or 2>"
)
_FORM = re.compile(r"\s*scores: ([1-5]), ([1-5]); better: ([012])\.?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers in the order they are shown."""

    prompt: Prompt
    first: Sample
    second: Sample

    @property
    def models(self) -> tuple[str, str]:
        return self.first.cell.model, self.second.cell.model


@dataclass(frozen=True, slots=True)
class Judgement:
    scores: tuple[int, int]  # of the first answer shown, and the second
    better: int  # 1 or 2; 0: neither


@dataclass(frozen=True, slots=True)
class Verdicts:
    """How two models did against each other."""

    model: str
    other: str
    wins: int  # counted where the judge said the same both times
    losses: int
    ties: int
    inconsistent: int
    unreadable: int  # one of the two judgements at least


@dataclass(frozen=True, slots=True)
class Judged:
    judge: str
    judgements: int
    unreadable: int
    failed: int
    agreement: Estimate | None  # share of pairs judged the same both ways round
    first_preferred: Estimate | None  # of judgements that prefer one: a half is no lean
    verdicts: tuple[Verdicts, ...]
    scores: tuple[tuple[str, Estimate], ...]  # of each model, 1 to 5, over both places
    judges_itself: bool


def pairs(plan: Plan, samples: Sequence[Sample]) -> list[Pair]:
    """Each two models' answers of the first round, in either order; equal ones need no judge."""
    answers = {(one.cell.prompt, one.cell.model): one
               for one in samples if one.cell.round == 1 and not one.error}  # fmt: skip
    found = []
    for prompt in plan.prompts:
        for models in combinations(plan.models, 2):
            one, other = (answers.get((prompt.id, model)) for model in models)
            if one and other and one.text.strip() != other.text.strip():
                found += [Pair(prompt, one, other), Pair(prompt, other, one)]
    return found


def plan_of(judge: str, shown: Sequence[Pair], seed: int = 0, thinking_tokens: int = 0) -> Plan:
    """Prompts in the order of ``shown``, named by their place in it."""
    room = _MAX_TOKENS + thinking_tokens
    prompts = tuple(_prompt(str(at), pair, room) for at, pair in enumerate(shown))
    return Plan((judge,), prompts, rounds=1, seed=seed)


def _prompt(name: str, pair: Pair, max_tokens: int) -> Prompt:
    source = "\n\n".join(pair.prompt.sources)
    question = pair.prompt.question or pair.prompt.messages[-1].content
    parts = (
        f"Text:\n{source}" if source else "",
        f"Question:\n{question}",
        f"Answer 1:\n{pair.first.text.strip()}",
        f"Answer 2:\n{pair.second.text.strip()}",
        _ASKED,
    )
    asked = Message("user", "\n\n".join(filter(None, parts)))
    return Prompt(name, (Message("system", _INSTRUCTION), asked), max_tokens)


def read(text: str) -> Judgement | None:
    """None when it is not of the form that was asked for.

    >>> read("scores: 4, 2; better: 1"), read("Answer 1 is better.")
    (Judgement(scores=(4, 2), better=1), None)
    """
    found = _FORM.fullmatch(text)
    if not found:
        return None
    one, other, better = map(int, found.groups())
    return Judgement((one, other), better)


def judged(judge: str, plan: Plan, shown: Sequence[Pair], samples: Sequence[Sample]) -> Judged:
    """``samples`` of the judge's own plan; ``plan`` is of the answers it judged."""
    asked = {int(one.cell.prompt): one for one in samples if one.cell.round}
    told = [read(asked[at].text) if at in asked else None for at in range(len(shown))]
    read_ones = [one for one in told if one]
    both = list(zip(shown[::2], told[::2], told[1::2], strict=True))
    same = [one.better == _swapped(other) for _, one, other in both if one and other]
    return Judged(
        judge,
        len(asked),
        sum(not one.error and read(one.text) is None for one in asked.values()),
        sum(bool(one.error) for one in asked.values()),
        share(same),
        share([one.better == 1 for one in read_ones if one.better]),
        tuple(_verdicts(models, both) for models in combinations(plan.models, 2)),
        tuple(_scores(plan.models, shown, told)),
        judge in plan.models,
    )


_Both = Sequence[tuple[Pair, Judgement | None, Judgement | None]]


def _swapped(judgement: Judgement) -> int:
    return {0: 0, 1: 2, 2: 1}[judgement.better]


def _verdicts(models: tuple[str, str], both: _Both) -> Verdicts:
    own = [(one, other) for pair, one, other in both if pair.models == models]
    readable = [(one.better, _swapped(other)) for one, other in own if one and other]
    agreed = [one for one, other in readable if one == other]
    return Verdicts(
        *models,
        wins=agreed.count(1),
        losses=agreed.count(2),
        ties=agreed.count(0),
        inconsistent=len(readable) - len(agreed),
        unreadable=len(own) - len(readable),
    )


def _scores(
    models: Sequence[str], shown: Sequence[Pair], told: Sequence[Judgement | None]
) -> Iterator[tuple[str, Estimate]]:
    given: dict[str, list[float]] = {model: [] for model in models}
    for pair, judgement in zip(shown, told, strict=True):
        if judgement:
            for model, score in zip(pair.models, judgement.scores, strict=True):
                given[model].append(score)
    for model, scores in given.items():
        if found := estimate(scores):
            yield model, found
