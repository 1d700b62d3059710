"""Judges an answer without asking a model: evidence in, a verdict with reasons out.

Signals (signals/) lie between 0 and 1; higher speaks for the answer. A gate that is shut settles
alone that an answer cannot stand. The others are weighed: by a calibration (calibration.py) into
the probability that the answer is right, or, for a model nobody has calibrated, by the documented
thresholds below into a figure that only orders answers (docs/decisions/0052-judgement.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rag.answering import calibration, reasons
from rag.answering.calibration import Calibration, prompt_key
from rag.answering.evidence import Draft, Found
from rag.answering.prompt import INSTRUCTIONS
from rag.answering.refusals import refuses
from rag.answering.signals import retrieval, support, tokens, wording
from rag.types import Confidence, Signal, Verdict, Weighed

__all__ = ["Draft", "Found", "before", "is_doomed", "judge"]

ACCEPT = 0.6  # without a calibration, a value below this is not accepted
PRESENT = 0.25  # without a calibration, a coverage below this says that the subject is not there
SHOWN = 3  # weightiest signals
SEARCH = "retrieval"  # the calibration of ``before``, which holds for every model
_GATED = 0.5  # times the value, when a gate is shut
_ENDS = (".", "!", "?", "…", "。")
_LOOP_WORDS = 40  # before which a repetition may be an enumeration

Measured = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """Without a calibration, a value below ``threshold`` speaks against the answer, by ``weight``;
    with one, only the gates keep their thresholds."""

    measure: Callable[[Draft], float | None]
    threshold: float
    weight: float = 0.0
    is_gate: bool = False

    def fails(self, value: float | None) -> bool:
        return value is not None and value < self.threshold


def _of_all(signal: Callable[[Sequence[float]], float | None]) -> Callable[[Draft], float | None]:
    return lambda draft: signal(draft.logprobs)


def _of_added(signal: Callable[[Sequence[float]], float | None]) -> Callable[[Draft], float | None]:
    return lambda draft: signal(draft.answering_logprobs)


def _of_search(signal: Callable[[Found], float | None]) -> Callable[[Draft], float | None]:
    return lambda draft: signal(draft.found)


OF_SEARCH: Mapping[str, Callable[[Found], float | None]] = {
    "coverage": retrieval.coverage,
    "words_held": retrieval.words_held,
    "coverage_together": retrieval.coverage_together,
    "score_ratio": retrieval.score_ratio,
    "margin": retrieval.margin,
    "spread": retrieval.spread,
    "collection_size": retrieval.collection_size,
}

RULES: Mapping[str, Rule] = {
    # the text alone
    "written": Rule(wording.written, 1.0, is_gate=True),
    "answered": Rule(wording.answered, 1.0, is_gate=True),
    "complete": Rule(wording.complete, 1.0, is_gate=True),
    "clean": Rule(wording.clean, 1.0, is_gate=True),
    "varied": Rule(wording.varied, 0.5, is_gate=True),
    "same_script": Rule(wording.same_script, 0.8, is_gate=True),
    "says_more": Rule(wording.says_more, 0.01, is_gate=True),
    "same_language": Rule(wording.same_language, 1.0, 0.5),
    "certain": Rule(wording.certain, 1.0, 0.25),
    "incompressible": Rule(wording.incompressible, 0.3, 0.25),
    "restates": Rule(wording.restates, 0.3, 0.5),
    "fitting_length": Rule(wording.fitting_length, 0.5, 0.25),
    # the text beside its passages
    "grounded_numbers": Rule(support.grounded_numbers, 1.0, 1.0, is_gate=True),
    "grounded_names": Rule(support.grounded_names, 1.0, 0.5),
    "grounded_units": Rule(support.grounded_units, 1.0, 0.25),
    "grounded_words": Rule(support.grounded_words, 0.6, 1.0),
    "grounded_additions": Rule(support.grounded_additions, 0.6, 1.0),
    "backed_sentences": Rule(support.backed_sentences, 0.5, 1.0),
    "verbatim": Rule(support.verbatim, 0.3, 0.5),
    "exact_quotes": Rule(support.exact_quotes, 1.0, 0.5),
    "in_one_place": Rule(support.in_one_place, 0.5, 0.5),
    "where_likeliest": Rule(support.where_likeliest, 0.5, 1.0),
    "beside": Rule(support.beside, 0.3, 0.5),
    "around": Rule(support.around, 0.4, 0.5),
    "named_around": Rule(support.named_around, 0.5, 0.5),
    "fitting_kind": Rule(support.fitting_kind, 1.0, 0.5),
    # the model's own doubt
    "first_margin": Rule(_of_all(tokens.first_margin), 0.2),
    "least_probability": Rule(_of_all(tokens.least_probability), 0.22, 0.5),
    "least_window": Rule(_of_all(tokens.least_window), 0.4),
    "low_quantile": Rule(_of_all(tokens.low_quantile), 0.4),
    "mean_probability": Rule(_of_all(tokens.mean_probability), 0.8, 0.5),
    "answer_first_margin": Rule(_of_added(tokens.first_margin), 0.2),
    "answer_least_probability": Rule(_of_added(tokens.least_probability), 0.3, 0.5),
    "answer_least_window": Rule(_of_added(tokens.least_window), 0.5, 0.5),
    "answer_mean_probability": Rule(_of_added(tokens.mean_probability), 0.8),
    # what search found
    "coverage": Rule(_of_search(retrieval.coverage), 0.5, 0.5),
    **{
        name: Rule(_of_search(signal), 0.0)
        for name, signal in OF_SEARCH.items()
        if name != "coverage"
    },
}

# Gates have their say already; the size of a collection tells one question set from another.
UNWEIGHED = frozenset({"collection_size", *(name for name, rule in RULES.items() if rule.is_gate)})


# --- before a word is written ------------------------------------------------------------


def before(found: Found) -> Confidence:
    """What to do, seen from what search brought alone; the value is that the subject is there.

    ``accept``: let the small model draft. ``escalate``: what was found is so weak that a draft
    would hardly stand, so ask the larger one at once. ``not_in_documents``: say so, and ask nobody.
    """
    measured = {name: signal(found) for name, signal in OF_SEARCH.items()}
    fitted = calibration.load(SEARCH, "", has_logprobs=False)
    value = 1.0 if found.is_overview else _present(measured, fitted) if found.hits else 0.0
    verdict = _verdict_of_search(value, fitted)
    is_there = verdict == "accept"
    weighed = (Weighed("subject", value, is_there, () if is_there else found.missing),)
    return Confidence(
        value=value,
        verdict=verdict,
        signals=_signals(measured, {}, fitted),
        reasons=tuple(map(reasons.sentence, weighed)),
        weightiest=weighed,
        calibration=fitted.name if fitted else "",
    )


def _verdict_of_search(value: float, fitted: Calibration | None) -> Verdict:
    if value < (fitted.thresholds["decline"] if fitted else PRESENT):
        return "not_in_documents"
    return "escalate" if fitted and value < fitted.thresholds["draft"] else "accept"


def is_doomed(text: str) -> bool:
    """Whether a draft that begins so will not be accepted, however it goes on.

    Only what no later word can mend: a refusal whose sentence has ended, and a loop.
    """
    return (text.rstrip().endswith(_ENDS) and refuses(text)) or (
        len(text.split()) >= _LOOP_WORDS and wording.variety(text) < RULES["varied"].threshold
    )


# --- afterwards --------------------------------------------------------------------------


def judge(draft: Draft) -> Confidence:
    """Whether the answer can stand, and why."""
    measured = {name: rule.measure(draft) for name, rule in RULES.items()}
    fitted = calibration.load(
        draft.reply.model, prompt_key(INSTRUCTIONS[draft.form]), bool(draft.logprobs)
    )
    shut = [name for name, rule in RULES.items() if rule.is_gate and rule.fails(measured[name])]
    value = fitted.probability(measured) if fitted else _mean(measured)
    value *= _GATED if shut else 1.0
    verdict = _verdict(draft.found, value, shut, measured, fitted)
    weighed = _weightiest(draft, measured, shut, fitted, accepted=verdict == "accept")
    return Confidence(
        value=value,
        verdict=verdict,
        signals=_signals(measured, RULES, fitted),
        reasons=tuple(map(reasons.sentence, weighed)),
        weightiest=weighed,
        calibration=fitted.name if fitted else "",
    )


def _verdict(
    found: Found, value: float, shut: Sequence[str], measured: Measured, fitted: Calibration | None
) -> Verdict:
    """A draft that fails although search hardly found the subject is not worth the larger model."""
    if not shut and value >= (fitted.thresholds["accept"] if fitted else ACCEPT):
        return "accept"
    if found.is_overview:
        return "escalate"
    search = calibration.load(SEARCH, "", has_logprobs=False)
    doubt = search.thresholds["refused" if "answered" in shut else "failed"] if search else ACCEPT
    return "not_in_documents" if _present(measured, search) < doubt else "escalate"


def _present(measured: Measured, search: Calibration | None) -> float:
    """The probability that the documents speak of what is asked."""
    return search.probability(measured) if search else measured["coverage"] or 0.0


def _mean(measured: Measured) -> float:
    """Share of the thresholds that are reached, by weight; of what could be measured."""
    known = [(rule, value) for name, rule in RULES.items() if (value := measured[name]) is not None]
    total = sum(rule.weight for rule, _ in known)
    return sum(rule.weight for rule, value in known if not rule.fails(value)) / total


# --- what is shown -----------------------------------------------------------------------


def _signals(
    measured: Measured, rules: Mapping[str, Rule], fitted: Calibration | None
) -> Mapping[str, Signal]:
    return {name: _signal(name, value, rules, fitted) for name, value in measured.items()}


def _signal(
    name: str, value: float | None, rules: Mapping[str, Rule], fitted: Calibration | None
) -> Signal:
    """With the weight that counted; a calibrated one speaks against the answer below its mean."""
    rule = rules.get(name)
    if rule and (rule.is_gate or fitted is None):
        return Signal(value, rule.threshold, rule.weight)
    weight = fitted.weights.get(name) if fitted else None
    return Signal(value, weight.mean, weight.weight) if weight else Signal(value)


def _weightiest(
    draft: Draft,
    measured: Measured,
    shut: Sequence[str],
    fitted: Calibration | None,
    *,
    accepted: bool,
) -> tuple[Weighed, ...]:
    """Gates that are shut, then what pulled most; of an answer that fails only what is against."""
    pulls = fitted.contributions(measured) if fitted else _pulls(measured)
    known = [name for name in pulls if measured[name] is not None and name not in shut]
    wanted = known if accepted else [name for name in known if pulls[name] < 0]
    ordered = [*shut, *sorted(wanted, key=lambda name: -abs(pulls[name]))]
    return tuple(
        Weighed(name, value, name not in shut and pulls[name] > 0, _details(name, draft))
        for name in ordered[:SHOWN]
        if (value := measured[name]) is not None
    )


def _pulls(measured: Measured) -> Mapping[str, float]:
    return {
        name: -rule.weight if rule.fails(measured[name]) else rule.weight
        for name, rule in RULES.items()
        if rule.weight
    }


def _details(name: str, draft: Draft) -> tuple[str, ...]:
    return tuple(support.foreign_numbers(draft)) if name == "grounded_numbers" else ()
