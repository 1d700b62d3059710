"""``evaluate`` for a person: runs in, charts and tables out. Scores: docs/evaluation.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from statistics import fmean

from rag.encoding import Json
from rag.measuring.decisions import declined, is_accepted, is_right
from rag.measuring.gate import changes
from rag.measuring.reports.figures import interval, shown
from rag.measuring.reports.values import (
    Axis,
    Bar,
    Chart,
    Column,
    Distributions,
    Missing,
    Part,
    Point,
    Points,
    Samples,
    Section,
    Table,
    Value,
    Waterfall,
)
from rag.measuring.rows import Row
from rag.measuring.statistics import Estimate
from rag.measuring.summary import Scores
from rag.types import Latency

_GROUPS = (  # title, the unit of its scores, and how their names begin
    ("Is the answer right?", "share", ("answer_contained", "exact_match", "token_f1")),
    ("Is it grounded in the documents?", "share", ("groundedness", "citation_")),
    ("Does it say so when the documents do not hold it?", "share", ("declined_", "answered_")),
    ("Can the judgement be trusted?", "share",
     ("judged_", "marked_", "accepted", "uncertain", "escalated", "early_")),
    ("Is the right place found?", "", ("document_", "page_", "passage_")),
)  # fmt: skip
_MOST_QUESTIONS = 60
_NOT_ASKED = Missing("No question of this run has this score.")
_STAGES = [field.name for field in fields(Latency) if field.name != "total_ms"]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A run that ended."""

    name: str
    rows: Sequence[Row]
    summary: Json  # as documented, without its gate

    @property
    def scores(self) -> Scores:
        by_question: Scores = self.summary["by_question"]
        return by_question

    @property
    def all_failed(self) -> bool:
        return bool(self.summary["errors"] == self.summary["questions"])

    def score(self, name: str) -> Estimate | None:
        found = self.summary["scores"][name]
        return Estimate(**found) if found else None

    @property
    def median_ms(self) -> Estimate | None:
        total = self.summary["latency_ms"]["total"]
        if total is None:
            return None
        return Estimate(total["median"], total["low"], total["high"], total["count"])


def title(runs: Sequence[Evaluated]) -> str:
    if len(runs) == 1:
        return f"How good are the answers? ({runs[0].name})"
    return f"How good are the answers: {', '.join(run.name for run in runs)}?"


def summary(runs: Sequence[Evaluated]) -> str:
    questions = runs[0].summary["questions"]
    noun = "question" if questions == 1 else "questions"
    return f"Of {questions:,} {noun}: " + "; ".join(map(_in_words, runs)) + "."


def _in_words(run: Evaluated) -> str:
    right, found, took = run.score("answer_contained"), run.score("document_mrr"), run.median_ms
    if right:
        told = f"{run.name} gives an expected answer to {_with_range(right)} of those that have one"
    elif found:
        told = (
            f"{run.name} finds the expected document at a mean reciprocal rank of {found.value:.2f}"
        )
    else:
        told = f"nothing is known of the answers of {run.name}"
    return f"{told}, in {shown(took.value, 'ms')} (median)" if took else told


def sections(runs: Sequence[Evaluated]) -> list[Section]:
    asked = any(row.answer for run in runs for row in run.rows)
    found = [Section("Scores", tuple(_scores(runs)))]
    if len(runs) > 1:
        found.append(Section(f"What differs from {runs[0].name}", tuple(_differences(runs))))
    if any(run.median_ms for run in runs):
        found.append(Section("Time", tuple(_times(runs))))
    if asked:
        found.append(Section("Who answered", (_routes(runs), _spent(runs))))
    return [*found, Section("Question by question", (_questions(runs),))]


# --- scores ----------------------------------------------------------------------------------


def _scores(runs: Sequence[Evaluated]) -> Iterator[Part]:
    yield from _worth(runs)
    for name, unit, begins in _GROUPS:
        scores = [
            score
            for begin in begins
            for score in runs[0].summary["scores"]
            if score.startswith(begin) and any(run.score(score) for run in runs)
        ]
        rows = tuple(
            (score.replace("_", " "), *(run.score(score) or _NOT_ASKED for run in runs))
            for score in scores
        )
        if rows:
            yield Table(name, (_left("score"), *(Column(run.name, unit) for run in runs)), rows)


def _worth(runs: Sequence[Evaluated]) -> Iterator[Chart]:
    """Quality against time, where there are two runs to compare."""
    known = [(run, right, took) for run in runs
             if (right := run.score("answer_contained")) and (took := run.median_ms)]  # fmt: skip
    if len(known) > 1:
        yield Points(
            "What does quality cost in time?",
            "; ".join(
                f"{run.name}: {shown(right.value, 'share')} in {shown(took.value, 'ms')}"
                for run, right, took in known
            ) + ".",
            Axis("median time of a turn", "ms", low=0),
            Axis("questions whose answer holds an expected wording", "share", low=0, high=1),
            tuple((run.name, Point(took, right)) for run, right, took in known),
        )  # fmt: skip


def _differences(runs: Sequence[Evaluated]) -> Iterator[Part]:
    first, *others = runs
    yield (
        "All runs put the same questions, so each question is compared with itself. Only what "
        "differs beyond noise is listed: the whole 95% interval of the differences lies on one "
        "side of 0."
    )
    for run in others:
        beyond = [change for change in changes(first.scores, run.scores)
                  if change.difference.low > 0 or change.difference.high < 0]  # fmt: skip
        if not beyond:
            yield f"{run.name}: nothing differs beyond noise."
            continue
        yield Table(
            f"{run.name}, compared with {first.name}",
            (_left("score"), Column(first.name), Column(run.name), Column("difference")),
            tuple((change.score.replace("_", " "), change.before, change.after, change.difference)
                  for change in beyond),
        )  # fmt: skip


# --- time ------------------------------------------------------------------------------------


def _times(runs: Sequence[Evaluated]) -> Iterator[Part]:
    lanes = [
        Samples(run.name, tuple(ms for row in run.rows
                                if not row.error and (ms := row.latency.total_ms) is not None))
        for run in runs
    ]  # fmt: skip
    took = (f"{run.name} {shown(run.median_ms.value, 'ms')}" for run in runs if run.median_ms)
    yield Distributions(
        "How long does a turn take?",
        f"In the median: {', '.join(took)}.",
        Axis("time of a turn", "ms", low=0),
        tuple(lanes),
    )
    bars = [bar for run in runs for bar in _bars(run, len(runs) > 1)]
    if bars:
        yield Waterfall(
            "Where does the time go?",
            f"In the mean most of it goes to {_longest(bars)}.",
            Axis("mean time of a turn", "ms"),
            tuple(bars),
        )


def _bars(run: Evaluated, several: bool) -> Iterator[Bar]:
    """One for each route. Means, not medians: only means of parts add up to that of the whole."""
    by_route: dict[str, list[Latency]] = {}
    for row in run.rows:
        if row.answer:
            by_route.setdefault(row.answer.route, []).append(row.latency)
    for route, latencies in by_route.items():
        name = f"{run.name} → {route}" if several else route
        stages = ((stage, fmean(getattr(each, stage) or 0.0 for each in latencies))
                  for stage in _STAGES)  # fmt: skip
        known = ((stage.removesuffix("_ms").replace("_", " "), ms) for stage, ms in stages if ms)
        turns = "turn" if len(latencies) == 1 else "turns"
        yield Bar(f"{name}, {len(latencies):,} {turns}", tuple(known))


def _longest(bars: Sequence[Bar]) -> str:
    totals: dict[str, float] = {}
    for bar in bars:
        for stage, ms in bar.stages:
            totals[stage] = totals.get(stage, 0.0) + ms
    return max(totals, key=lambda stage: totals[stage])


# --- who, and what for -----------------------------------------------------------------------


def _routes(runs: Sequence[Evaluated]) -> Table:
    routes = list(dict.fromkeys(route for run in runs for route in run.summary["routes"]))
    return Table(
        "Who gave the answers?",
        (_left("run"), *(Column(route, "turns") for route in routes), Column("failed", "turns")),
        tuple(
            (run.name, *(run.summary["routes"].get(route, 0) for route in routes),
             run.summary["errors"])
            for run in runs
        ),
    )  # fmt: skip


def _spent(runs: Sequence[Evaluated]) -> Table:
    unknown = Missing("The price of one of the answers is unknown.")

    def estimated(found: Json | None) -> Value:
        return (
            Estimate(found["value"], found["low"], found["high"], found["count"]) if found else None
        )

    return Table(
        "What does a question take?",
        (_left("run"), Column("read", "tokens"), Column("written", "tokens"),
         Column("cost", "USD")),
        tuple(
            (run.name, estimated(run.summary["tokens"]["prompt"]),
             estimated(run.summary["tokens"]["completion"]),
             estimated(run.summary["cost_usd"]) or unknown)
            for run in runs
        ),
    )  # fmt: skip


def _questions(runs: Sequence[Evaluated]) -> Table:
    first = runs[0]
    by_id: list[Mapping[str, Row]] = [{row.question.id: row for row in run.rows} for run in runs]
    rows = tuple(
        (row.question.question, *(_outcome(of[row.question.id]) for of in by_id))
        for row in first.rows[:_MOST_QUESTIONS]
    )
    left = len(first.rows) - len(rows)
    return Table(
        "What became of each question?",
        (_left("question"), *(_left(run.name) for run in runs)),
        rows,
        f"{left:,} more are in the files of answers." if left else "",
    )


def _outcome(row: Row) -> str:
    if row.error:
        return f"failed: {row.error}"
    if row.answer is None:
        return "found" if any(each.holds_answer for each in row.found) else "not found"
    told = "right" if is_right(row.answer.text, row.question) else "wrong"
    if declined(row.answer):
        return "declined" if row.question.is_answerable else "rightly declined"
    return told if is_accepted(row.answer) else f"{told}, shown as uncertain"


def _left(title: str) -> Column:
    return Column(title, align="left")


def _with_range(found: Estimate) -> str:
    return f"{shown(found.value, 'share')} ({interval(found, 'share')})"
