"""Judges an answer without asking a model: signals in, a verdict with reasons out.

Every signal lies between 0 and 1, and higher speaks for the answer; those of grounding are lexical
(grounding.py), that of the tokens is the model's own doubt. The value orders answers and is not yet
a calibrated probability. Thresholds and weights: docs/decisions/0052-first-judgement.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from rag.answering.citations import Cited, without_marks
from rag.answering.grounding import Sources
from rag.answering.refusals import refuses
from rag.retrieval import coverage as retrieval
from rag.retrieval.index import Statistics
from rag.types import Confidence, Context, Hit, Query, Reply, Signal, Verdict

ACCEPT = 0.6  # a value below this is not accepted
_GATED = 0.5  # times the value, when a gate is shut


@dataclass(frozen=True, slots=True)
class Found:
    """What search brought, before any model is asked."""

    question: str  # with those it leans on
    query: Query
    hits: tuple[Hit, ...]  # best first, more than a model will read
    statistics: Statistics  # of the query's terms

    @property
    def coverage(self) -> float:
        """Share of the question that the best passage holds."""
        return retrieval.coverage(self.question, self.hits[:1], self.statistics)


@dataclass(frozen=True)
class Draft:
    """All that a judgement needs to know of a turn. Without slots: what is derived is kept."""

    question: str
    context: Context
    reply: Reply
    cited: Cited
    coverage: float  # share of the question that the best passage holds (retrieval/coverage.py)

    @cached_property
    def text(self) -> str:
        return without_marks(self.cited.text)

    @cached_property
    def sources(self) -> Sources:
        return Sources.of(hit.chunk for hit in self.context.hits)


# --- signals: each from a draft to 0…1, None where it cannot be measured -----------------


def written(draft: Draft) -> float:
    return float(bool(draft.text.strip()))


def answered(draft: Draft) -> float:
    """0 when its first sentence says that the passages do not hold the answer."""
    return float(not refuses(draft.text))


def complete(draft: Draft) -> float:
    return float(draft.reply.finish_reason != "length")


def coverage(draft: Draft) -> float:
    """Share of the question's words that the best passage holds; rare words weigh more."""
    return draft.coverage


def grounded_words(draft: Draft) -> float | None:
    """Share of the answer's content words that the passages hold."""
    return draft.sources.share(draft.text)


def grounded_numbers(draft: Draft) -> float | None:
    """Share of the answer's numbers that stand in the passages or the question."""
    numbers = draft.sources.numbers(draft.text)
    return 1 - len(_foreign_numbers(draft)) / len(numbers) if numbers else None


def backed_sentences(draft: Draft) -> float | None:
    """Share of the sentences that a passage they cite backs."""
    backed = draft.cited.backed
    return sum(backed) / len(backed) if backed else None


def least_probability(draft: Draft) -> float | None:
    """That of the token the model was least sure of; servers that report only zeros know none."""
    logprobs = draft.reply.logprobs or ()
    return math.exp(min(logprobs)) if any(logprobs) else None


def _foreign_numbers(draft: Draft) -> Sequence[str]:
    asked = draft.sources.numbers(draft.question)
    numbers = draft.sources.numbers(draft.text)
    return [number for number, held in numbers.items() if not held and number not in asked]


# --- judgement ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    measure: Callable[[Draft], float | None]
    threshold: float
    weight: float  # in the value; 0: it only opens or shuts the gate
    is_gate: bool
    reason: str  # said when the signal is below its threshold


RULES: Mapping[str, Rule] = {
    "written": Rule(written, 1.0, 0.0, True, "The model wrote nothing."),
    "answered": Rule(
        answered, 1.0, 0.0, True, "The model says that the passages do not hold the answer."
    ),
    "complete": Rule(complete, 1.0, 0.0, True, "The answer was cut before its end."),
    "grounded_numbers": Rule(grounded_numbers, 1.0, 1.0, True, ""),
    "grounded_words": Rule(
        grounded_words, 0.6, 2.0, False, "Much of its wording is not in the passages."
    ),
    "backed_sentences": Rule(
        backed_sentences, 0.5, 2.0, False, "Most of its sentences are backed by no passage."
    ),
    "coverage": Rule(coverage, 0.5, 1.0, False, "The best passage holds little of the question."),
    "least_probability": Rule(
        least_probability, 0.22, 1.0, False, "The model was unsure of its words."
    ),
}


def judge(draft: Draft) -> Confidence:
    """Whether the answer can stand, and why."""
    signals = {
        name: Signal(rule.measure(draft), rule.threshold, rule.weight)
        for name, rule in RULES.items()
    }
    failed = [name for name, signal in signals.items() if _is_below(signal)]
    gated = any(RULES[name].is_gate for name in failed)
    value = _mean(signals.values()) * (_GATED if gated else 1.0)
    reasons = tuple(_reason(name, draft) for name in failed)
    return Confidence(
        value=value,
        verdict=_verdict(failed, value),
        signals=signals,
        reasons=reasons or ("The passages back the answer.",),
    )


def before(found: Found) -> Confidence:
    """What to do before a word is written, from what search brought alone.

    ``accept``: let the small model draft. ``escalate``: ask the larger one at once.
    ``not_in_documents``: say so, and ask nobody.
    """
    if not found.hits:
        return nothing_found()
    signals = {"coverage": Signal(found.coverage, RULES["coverage"].threshold)}
    return Confidence(found.coverage, "accept", signals, ())


def is_doomed(text: str) -> bool:
    """Whether a draft that begins so will not be accepted, however it goes on."""
    return refuses(text) and text.rstrip().endswith((".", "!", "?"))


def nothing_found() -> Confidence:
    """The judgement of a turn for which no model was asked: no passage shares a word with it."""
    coverage_rule = RULES["coverage"]
    signals = {"coverage": Signal(0.0, coverage_rule.threshold, coverage_rule.weight)}
    return Confidence(
        0.0, "not_in_documents", signals, ("No passage holds a word of the question.",)
    )


def _is_below(signal: Signal) -> bool:
    if signal.value is None or signal.threshold is None:
        return False
    return signal.value < signal.threshold


def _mean(signals: Iterable[Signal]) -> float:
    """Weighted, of those that are known; 0 when none is."""
    known = [(signal.value, signal.weight or 0.0) for signal in signals if signal.value is not None]
    weights = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / weights if weights else 0.0


def _verdict(failed: Sequence[str], value: float) -> Verdict:
    if "answered" in failed and "coverage" in failed:
        return "not_in_documents"
    if value < ACCEPT or any(RULES[name].is_gate for name in failed):
        return "escalate"
    return "accept"


def _reason(name: str, draft: Draft) -> str:
    if name != "grounded_numbers":
        return RULES[name].reason
    foreign = _foreign_numbers(draft)
    if len(foreign) == 1:
        return f"A number is not in the passages: {foreign[0]}."
    return f"{len(foreign)} numbers are not in the passages: {', '.join(foreign)}."
