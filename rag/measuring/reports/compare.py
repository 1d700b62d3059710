"""The findings of ``compare`` as tables, a chart and texts side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rag.measuring.compare import SCORES, Compared, Difference, Standing, Trial
from rag.measuring.compare_opinions import judge_tables
from rag.measuring.judge import Judged
from rag.measuring.probes import probe_of
from rag.measuring.reports.figures import shown
from rag.measuring.reports.values import (
    Axis,
    Column,
    Missing,
    Point,
    Points,
    Section,
    Table,
    Text,
    Texts,
    Value,
)
from rag.measuring.samples import Prompt
from rag.measuring.statistics import Estimate
from rag.measuring.throughput import decode_tokens_per_s

METHOD = (
    "Every model was asked the same in turn, at temperature 0. A probe is a task with a text of "
    "its own; whether it is passed is checked by a rule and not by opinion. Coherence, factuality "
    "and conciseness run from 1 to 5 and are counted from words, without a model: they see loops, "
    "numbers and names that are not in the text, and padding, but no wrong thought."
)
_CHANCE = 0.05
_UNPRICED = Missing("A model elsewhere has no price, or nobody knows what energy one here took.")
_NOTHING = Missing("There is nothing to compare it with.")
_NOT_STREAMED = Missing("It is not known how soon, or how fast, the answers were written.")


def title(found: Compared) -> str:
    return (
        "Which model answers better?" if len(found.standings) > 1 else "How good are the answers?"
    )


def summary(found: Compared) -> str:
    """One paragraph."""
    told = "; ".join(map(_in_words, found.standings)) + "."
    told += "".join(map(_difference_in_words, found.differences))
    return told if found.is_whole else f"{told} The run was stopped before its end."


def _in_words(one: Standing) -> str:
    if one.failed == one.answers:
        return f"{one.model} gave no answer"
    took = f", in {shown(one.total_ms.value, 'ms')} each (median)" if one.total_ms else ""
    if one.passed:
        passed = round(one.passed.value * one.passed.count)
        return f"{one.model} passes {passed} of {one.passed.count} probes{took}"
    return f"{one.model} gives {one.answers - one.failed} of {one.answers} answers{took}"


def _difference_in_words(one: Difference) -> str:
    passed = one.figures["passed"]
    if passed is None or one.chance is None:
        return ""
    if one.chance >= _CHANCE:
        return f" Between {one.model} and {one.than} the difference in passes may be chance."
    better, worse = (one.model, one.than) if passed.value > 0 else (one.than, one.model)
    return f" {better} passes more than {worse} does, beyond chance."


def sections(found: Compared, judged: Judged | None) -> tuple[Section, ...]:
    told = reversed(list(tables(found)))
    verdict = Section("Who does better?", (METHOD, *told, *_worth(found)))
    judges = (Section("What does a model think?", judge_tables(judged)),) if judged else ()
    return (verdict, *judges, Section("Answers", tuple(texts(found))), *_read(found))


# --- tables ----------------------------------------------------------------------------------


def tables(found: Compared) -> Iterator[Table]:
    """Those that the findings fill, the most telling last, as a terminal shows it."""
    if any(one.faults is not None for one in found.trials):
        yield _probes(found)
    if found.differences and len(found.plan.prompts) > 1:
        yield _differences(found)
    yield _pace(found)
    yield _quality(found)


def _quality(found: Compared) -> Table:
    """A row for each model."""
    scores = map(Column, SCORES)
    return Table(
        "How do the models compare?",
        (Column("Model"), Column("answers"), Column("failed"), Column("passed", "share"), *scores),
        tuple(
            (
                *(one.model, one.answers, one.failed, one.passed or _NOTHING),
                *(_value(one.scores[name]) or _NOTHING for name in SCORES),
            )
            for one in found.standings
        ),
        note="Passed with Wilson's 95% interval, scores are means with a 95% bootstrap interval.",
    )


def _pace(found: Compared) -> Table:
    return Table(
        "What does it take?",
        (
            Column("Model"),
            Column("first token", "ms"),
            Column("whole answer", "ms"),
            Column("writes", "tokens/s"),
            Column("cost of all", "USD"),
        ),
        tuple(tuple(_pace_of(one)) for one in found.standings),
        note="Medians, with their 95% interval.",
    )


def _pace_of(one: Standing) -> Iterator[Value]:
    yield one.model
    for figure in (one.first_token_ms, one.total_ms, one.tokens_per_s):
        yield _value(figure) or _NOT_STREAMED
    yield _UNPRICED if one.cost_usd is None else one.cost_usd


def _value(found: Estimate | None) -> float | Estimate | None:
    """A single answer has no interval."""
    return found.value if found and found.count == 1 else found


def _probes(found: Compared) -> Table:
    """A row for each probe."""
    models = found.plan.models
    return Table(
        "Who passes what?",
        (Column("Probe"), *(Column(model, align="left") for model in models)),
        tuple(
            (prompt.id, *(_outcome(found.of(prompt.id, model)) for model in models))
            for prompt in found.plan.prompts
        ),
    )


def _outcome(trials: Sequence[Trial]) -> str | None:
    checked = [one.passed for one in trials if one.passed is not None]
    if not checked:
        return None
    if all(checked) or not any(checked):
        return "passed" if checked[0] else "failed"
    return f"passed {sum(checked)} of {len(checked)}"


def _differences(found: Compared) -> Table:
    return Table(
        "What differs beyond chance?",
        (
            Column("Models"),
            Column("passed", "share"),
            Column("by chance", "share"),
            *map(Column, SCORES),
        ),
        tuple(tuple(_difference(one)) for one in found.differences),
        note=(
            "Prompt by prompt, with Newcombe's 95% interval for passed. By chance: how likely so "
            "uneven passes are between equals (exact sign test). An interval of a score that holds "
            "0 shows no difference."
        ),
    )


def _difference(one: Difference) -> Iterator[Value]:
    yield f"{one.model} less {one.than}"
    yield one.figures["passed"] or _NOTHING
    yield _NOTHING if one.chance is None else one.chance
    yield from (one.figures[name] or _NOTHING for name in SCORES)


# --- chart and texts -------------------------------------------------------------------------


def _worth(found: Compared) -> Iterator[Points]:
    known = [(one, one.passed, one.total_ms) for one in found.standings]
    points = [(one.model, passed, took) for one, passed, took in known if passed and took]
    if len(points) > 1:
        yield Points(
            "What does passing more cost in time?",
            "; ".join(
                f"{model}: {shown(passed.value, 'share')} in {shown(took.value, 'ms')}"
                for model, passed, took in points
            ) + ".",
            Axis("median time of an answer", "ms", low=0),
            Axis("probes passed", "share", low=0, high=1),
            tuple((model, Point(took, passed)) for model, passed, took in points),
        )  # fmt: skip


def texts(found: Compared) -> Iterator[Texts]:
    """The answers of the first round, side by side, under what was asked."""
    for prompt in found.plan.prompts:
        firsts = [found.of(prompt.id, model)[:1] for model in found.plan.models]
        answers = [_text(trial) for trials in firsts for trial in trials]
        if answers:
            yield Texts(heading(prompt), tuple(answers))


def _read(found: Compared) -> Iterator[Section]:
    """What there was to answer from."""
    read = [Text(one.id, "\n\n".join(one.sources)) for one in found.plan.prompts if one.sources]
    if read:
        yield Section("What the models read", (Texts("Texts", tuple(read)),))


def heading(prompt: Prompt) -> str:
    asked = prompt.question or prompt.messages[-1].content
    return f"{prompt.id}: {asked}" if probe_of(prompt) else asked


def _text(trial: Trial) -> Text:
    text = trial.sample.error or trial.sample.text.strip()
    return Text(trial.sample.cell.model, text, " · ".join(figures(trial)))


def figures(trial: Trial) -> Iterator[str]:
    """The line below an answer."""
    if trial.faults is not None:
        yield " ".join(["Failed.", *trial.faults]) if trial.faults else "Passed."
    for name in SCORES:
        if (value := trial.score(name)) is not None:
            yield f"{name} {shown(value)}"
    sample = trial.sample
    if sample.first_token_ms is not None:
        yield f"first token {shown(sample.first_token_ms, 'ms')}"
    if sample.total_ms is not None:
        yield f"{shown(sample.total_ms, 'ms')} in all"
    if speed := decode_tokens_per_s(sample):
        yield shown(speed, "tokens/s")
    if trial.cost_usd is not None:
        yield shown(trial.cost_usd, "USD")
