"""The findings of ``bench`` as tables and charts, each titled with the question it answers."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby

from rag.measuring.bench import Bench, Taken
from rag.measuring.reports.figures import shown
from rag.measuring.reports.values import (
    Axis,
    Bar,
    Column,
    Distributions,
    Line,
    Lines,
    Missing,
    Point,
    Samples,
    Section,
    Table,
    Value,
    Waterfall,
)
from rag.measuring.samples import Sample
from rag.measuring.throughput import FIGURES, Figures, Spread, known

_LOADED = Missing("It was loaded already when the run began, or could not be asked.")
_UNSEEN = Missing("The process of its server cannot be seen from here.")
_NO_CARD = Missing("No card was seen: only NVIDIA's are looked at, with nvidia-smi.")
_UNKNOWN = Missing("No meter of this machine can be read, and RAG_WATTS is not set.")
_WHOLE = Missing("Answers came in one piece: nothing is known of their beginning.")
METHOD = (
    "Every model was asked the same in turn, in an order that changes from round to round, at "
    "temperature 0. The first request to each, which may load it, is told apart and counts "
    "nowhere else. The time to the first token runs from sending the request to the first piece "
    "of its own answer; reading speed is the prompt's tokens over that time; writing speed is the "
    "tokens after the first over the time from the first piece to the last."
)


def summary(ended: Bench) -> str:
    """One paragraph; the fastest of those that ran alone comes first."""
    told = [
        f"{row.model} begins to answer after {_median(row, 'first_token_ms', 'ms')} and writes "
        f"{_median(row, 'decode_tokens_per_s', 'tokens/s')}"
        for row in sorted(_alone(ended), key=_first_token)
        if row.failed < row.requests
    ]
    rest = "" if ended.is_whole else " The run was stopped before its end."
    return f"{'; '.join(told)}.{rest}" if told else f"No model answered.{rest}"


def table(ended: Bench) -> Table:
    """One row for each model, prompt and load."""
    return Table(
        "How fast is each model?",
        (
            Column("Model", align="left"),
            Column("prompt", "tokens"),
            Column("at once"),
            Column("requests"),
            Column("failed"),
            Column("first token", "ms"),
            Column("longest", "ms"),
            Column("reads", "tokens/s"),
            Column("writes", "tokens/s"),
            Column("all together", "tokens/s"),
        ),
        tuple(tuple(_row(row)) for row in ended.figures),
        note=_note(ended),
    )


def sections(ended: Bench, samples: Sequence[Sample]) -> tuple[Section, ...]:
    alone = [one for one in samples if one.cell.round and one.cell.at_once == 1 and not one.error]
    charts = [
        _distribution(title, name, axis, alone)
        for title, name, axis in (
            ("How soon does an answer begin?", "first_token_ms", Axis("time to first token", "ms")),
            ("How fast is it written?", "decode_tokens_per_s", Axis("speed", "tokens/s", low=0)),
        )
    ]
    sweeps = [chart for chart in (_over_load(ended), _over_length(ended)) if chart]
    return (
        Section("Speed", (METHOD, table(ended), *filter(None, charts), *_waterfall(ended))),
        *((Section("Load and length", tuple(sweeps)),) if sweeps else ()),
        Section("What it takes", (_starts(ended), _resources(ended))),
    )


# --- tables ----------------------------------------------------------------------------------


def _row(row: Figures) -> Iterator[Value]:
    yield row.model
    yield row.prompt_tokens.value if row.prompt_tokens else None
    yield row.at_once
    yield row.requests
    yield row.failed
    yield _value(row.spreads["first_token_ms"], _WHOLE)
    first = row.spreads["first_token_ms"]
    yield first.max if first else None
    for name in ("prefill_tokens_per_s", "decode_tokens_per_s"):
        yield _value(row.spreads[name])
    yield _value(row.together_tokens_per_s)


def _value(spread: Spread | None, missing: Value = None) -> Value:
    return spread.median if spread else missing


def _note(ended: Bench) -> str:
    told = ["Medians, with their 95% interval."]
    if any(not row.pieces_are_tokens for row in ended.figures):
        told.append("Some servers send several tokens in a piece.")
    return " ".join(told)


def _starts(ended: Bench) -> Table:
    rows = tuple((one.model, one.load_ms or _LOADED, one.first_token_ms) for one in ended.starts)
    columns = (Column("Model"), Column("loading", "ms"), Column("first token after it", "ms"))
    return Table("How long does the first question wait?", columns, rows)


def _resources(ended: Bench) -> Table:
    columns = (
        Column("Model"),
        Column("most memory", "bytes"),
        Column("processors busy"),
        Column("graphics card busy", "share"),
        Column("energy of a request", "Wh"),
        Column("known from", align="left"),
    )
    return Table("What does a request take?", columns, tuple(map(_taken, ended.taken)))


def _taken(taken: Taken) -> tuple[Value, ...]:
    return (
        taken.model,
        taken.peak_memory_bytes or _UNSEEN,
        _value(taken.cores, _UNSEEN),
        _value(taken.gpu_share, _NO_CARD),
        _value(taken.energy_wh, _UNKNOWN),
        taken.energy_source,
    )


# --- charts ----------------------------------------------------------------------------------


def _distribution(
    title: str, name: str, axis: Axis, samples: Sequence[Sample]
) -> Distributions | None:
    lanes = tuple(
        Samples(model, tuple(values))
        for model, group in groupby(sorted(samples, key=_model), _model)
        if (values := known(FIGURES[name], list(group)))
    )
    if not lanes:
        return None
    told = [f"{lane.name}: {shown(statistics.median(lane.values), axis.unit)}" for lane in lanes]
    return Distributions(title, f"At the median, {'; '.join(told)}.", axis, lanes)


def _waterfall(ended: Bench) -> Iterator[Waterfall]:
    """Where the time of a request goes, by medians, of those that ran alone."""
    bars = []
    for row in _alone(ended):
        first, whole = row.spreads["first_token_ms"], row.spreads["total_ms"]
        if first and whole:
            writing_ms = max(0.0, whole.median.value - first.median.value)
            stages = (("first_token", first.median.value), ("generate", writing_ms))
            bars.append(Bar(f"{row.model}, {row.prompt}", stages))
    if bars:
        shares = [f"{bar.name}: {bar.stages[0][1] / _sum(bar):.0%}" for bar in bars]
        yield Waterfall(
            "Where does the time go?",
            f"Share of the time before the first token: {'; '.join(shares)}.",
            Axis("time since the request", "ms", low=0),
            tuple(bars),
        )


def _sum(bar: Bar) -> float:
    return sum(value for _, value in bar.stages) or 1.0


def _over_load(ended: Bench) -> Lines | None:
    return _lines(
        ended,
        ("How much do several at once get together?", "All requests of a model together get"),
        Axis("requests at once", low=0),
        Axis("tokens a second, together", "tokens/s", low=0),
        lambda row: (float(row.at_once), row.together_tokens_per_s),
    )


def _over_length(ended: Bench) -> Lines | None:
    alone = _alone(ended)
    return _lines(
        ended,
        ("What does a longer prompt cost?", "The first token of the longest prompt comes after"),
        Axis("tokens of the prompt", "tokens", low=0),
        Axis("time to first token", "ms", low=0),
        lambda row: (
            row.prompt_tokens.value if row.prompt_tokens and row in alone else None,
            row.spreads["first_token_ms"],
        ),
    )


def _lines(
    ended: Bench,
    words: tuple[str, str],
    x: Axis,
    y: Axis,
    point: Callable[[Figures], tuple[float | None, Spread | None]],
) -> Lines | None:
    """None where there is nothing to compare: each line has one point."""
    found: Mapping[str, list[Point]] = {model: [] for model in ended.plan.models}
    for row in ended.figures:
        at, spread = point(row)
        if at is not None and spread:
            found[row.model].append(Point(at, spread.median))
    lines = tuple(
        Line(model, tuple(sorted(points, key=_x))) for model, points in found.items() if points
    )
    if len({_x(one) for line in lines for one in line.points}) < 2:  # noqa: PLR2004
        return None
    title, begin = words
    told = [f"{shown(_y(line.points[-1]), y.unit)} ({line.name})" for line in lines]
    return Lines(title, f"{begin} {', '.join(told)}.", x, y, lines)


# --- what is looked at -----------------------------------------------------------------------


def _alone(ended: Bench) -> list[Figures]:
    return [row for row in ended.figures if row.at_once == 1]


def _first_token(row: Figures) -> float:
    first = row.spreads["first_token_ms"]
    return first.median.value if first else float("inf")


def _median(row: Figures, name: str, unit: str) -> str:
    spread = row.spreads[name]
    return shown(spread.median.value, unit) if spread else "an unknown time"


def _model(sample: Sample) -> str:
    return sample.cell.model


def _x(point: Point) -> float:
    return point.x if isinstance(point.x, float) else point.x.value


def _y(point: Point) -> float:
    return point.y if isinstance(point.y, float) else point.y.value
