"""What ``compare`` makes of its samples: every answer checked and scored, every model summed up.

A probe counts once, however many rounds there were: rounds repeat a question, and more of them make
nobody surer of what a model can do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from rag.measuring.experiment import cells
from rag.measuring.probes import Probe, probe_of
from rag.measuring.probes_check import faults
from rag.measuring.rubric import Rubric, Score, Written, rubric
from rag.measuring.samples import Plan, Prompt, Sample
from rag.measuring.statistics import Estimate, chance, estimate, median, share, share_difference
from rag.measuring.throughput import decode_tokens_per_s, first_token_ms, known, total_ms

CostOf = Callable[[Sample], float | None]  # US dollars; None: not known
SCORES = ("coherence", "factuality", "conciseness")
_FEWEST = 2  # prompts that a difference is told of
_DERIVED = {"reason"}  # abilities whose right answers do not stand in their sources


@dataclass(frozen=True, slots=True)
class Trial:
    """One answer, or the failure to give one."""

    sample: Sample
    ability: str  # "" for a person's own prompt
    faults: tuple[str, ...] | None  # sentences; none: it passed; None: there is nothing to check
    rubric: Rubric | None  # None: there is no answer
    cost_usd: float | None

    @property
    def passed(self) -> bool | None:
        return None if self.faults is None else not self.faults

    def score(self, name: str) -> float | None:
        found: Score | None = getattr(self.rubric, name) if self.rubric else None
        return found.value if found else None


@dataclass(frozen=True, slots=True)
class Standing:
    """A model over all it was asked."""

    model: str
    answers: int
    failed: int  # requests
    passed: Estimate | None  # share of probes that it passed in every round
    scores: Mapping[str, Estimate | None]  # by the names of SCORES, means over prompts
    first_token_ms: Estimate | None  # median of the first round: later ones may be remembered
    total_ms: Estimate | None
    tokens_per_s: Estimate | None
    completion_tokens: Estimate | None
    cost_usd: float | None  # of all answers; None: of one at least nobody knows


@dataclass(frozen=True, slots=True)
class Difference:
    """A model less another, prompt by prompt; None where fewer than two prompts tell of both."""

    model: str
    than: str
    figures: Mapping[str, Estimate | None]  # "passed", and the names of SCORES
    chance: float | None  # that passes differ so much between equals; None: no probes


@dataclass(frozen=True, slots=True)
class Compared:
    plan: Plan
    trials: tuple[Trial, ...]
    standings: tuple[Standing, ...]
    differences: tuple[Difference, ...]  # of each model from the first
    is_whole: bool  # False: the run was stopped

    def of(self, prompt: str, model: str) -> Sequence[Trial]:
        """Round by round."""
        found = [one for one in self.trials
                 if (one.sample.cell.prompt, one.sample.cell.model) == (prompt, model)]  # fmt: skip
        return sorted(found, key=lambda one: one.sample.cell.round)


def compared(plan: Plan, samples: Sequence[Sample], cost_of: CostOf) -> Compared:
    prompts = {prompt.id: prompt for prompt in plan.prompts}
    trials = tuple(
        _trial(sample, prompts[sample.cell.prompt], cost_of(sample))
        for sample in samples
        if sample.cell.round
    )
    first, *others = plan.models
    return Compared(
        plan,
        trials,
        tuple(_standing(model, trials) for model in plan.models),
        tuple(_difference(model, first, trials) for model in others),
        is_whole={sample.cell for sample in samples}.issuperset(cells(plan)),
    )


def _trial(sample: Sample, prompt: Prompt, cost_usd: float | None) -> Trial:
    probe = probe_of(prompt)
    ability = probe.ability if probe else ""
    if sample.error:
        return Trial(sample, ability, (sample.error,) if probe else None, None, cost_usd)
    sources = () if ability in _DERIVED else prompt.sources
    written = Written(sample.text, prompt.question, sources, sample.finish_reason == "length")
    return Trial(sample, ability, _faults(probe, written), rubric(written), cost_usd)


def _faults(probe: Probe | None, written: Written) -> tuple[str, ...] | None:
    """A cut answer may end in what is right by chance."""
    if probe is None:
        return None
    cut = ("It was cut at its limit.",) if written.is_cut else ()
    return (*cut, *faults(probe.check, written.text))


# --- of many ---------------------------------------------------------------------------------

Figure = Callable[[Trial], float | None]
Over = Callable[[list[float]], float]  # rounds


def _passed(trial: Trial) -> float | None:
    return None if trial.passed is None else float(trial.passed)


def _score_of(name: str) -> Figure:
    return lambda trial: trial.score(name)


def _by_prompt(figure: Figure, model: str, trials: Sequence[Trial], over: Over) -> dict[str, float]:
    """Of each prompt where it is known, over its rounds."""
    found: dict[str, list[float]] = {}
    for trial in trials:
        value = figure(trial)
        if trial.sample.cell.model == model and value is not None:
            found.setdefault(trial.sample.cell.prompt, []).append(value)
    return {prompt: over(values) for prompt, values in found.items()}


def _standing(model: str, trials: Sequence[Trial]) -> Standing:
    own = [trial for trial in trials if trial.sample.cell.model == model]
    answered = [trial for trial in own if not trial.sample.error]
    ended = [trial.sample for trial in answered]
    costs = [trial.cost_usd for trial in answered]
    passes = _by_prompt(_passed, model, own, min)
    return Standing(
        model,
        len(own),
        len(own) - len(answered),
        share([bool(value) for value in passes.values()]),
        {
            name: estimate(list(_by_prompt(_score_of(name), model, own, fmean).values()))
            for name in SCORES
        },
        median(known(first_token_ms, [one for one in ended if one.cell.round == 1])),
        median(known(total_ms, ended)),
        median(known(decode_tokens_per_s, ended)),
        median([one.completion_tokens for one in ended]),
        sum(cost for cost in costs if cost is not None) if costs and None not in costs else None,
    )


def _difference(model: str, than: str, trials: Sequence[Trial]) -> Difference:
    scores = {name: _scores_less(_score_of(name), model, than, trials) for name in SCORES}
    pairs = _pairs(_passed, model, than, trials, min)
    if len(pairs) < _FEWEST:
        return Difference(model, than, {"passed": None, **scores}, None)
    ones, others = ([bool(value) for value in column] for column in zip(*pairs, strict=True))
    wins = sum(one and not other for one, other in zip(ones, others, strict=True))
    losses = sum(other and not one for one, other in zip(ones, others, strict=True))
    passed = share_difference(ones, others)
    return Difference(model, than, {"passed": passed, **scores}, chance(wins, losses))


def _scores_less(figure: Figure, model: str, than: str, trials: Sequence[Trial]) -> Estimate | None:
    pairs = _pairs(figure, model, than, trials, fmean)
    return estimate([one - other for one, other in pairs]) if len(pairs) >= _FEWEST else None


def _pairs(
    figure: Figure, model: str, than: str, trials: Sequence[Trial], over: Over
) -> list[tuple[float, float]]:
    ones = _by_prompt(figure, model, trials, over)
    others = _by_prompt(figure, than, trials, over)
    return [(ones[prompt], others[prompt]) for prompt in ones if prompt in others]
