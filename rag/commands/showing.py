"""What ``evaluate`` tells at its end: runs in; JSON, or lines of text, out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import click

from rag.commands.tables import table
from rag.encoding import Json
from rag.measuring.gate import Change, changes
from rag.measuring.reports.evaluation import Evaluated


def json_of(ended: Sequence[Evaluated], gate: Sequence[Change] | None) -> Json:
    """One run as it always was; several under ``runs``, each compared with the first."""
    first, *others = ended
    if not others:
        return {**first.summary, "gate": None if gate is None else compared(gate)}
    runs = []
    for each in ended:
        against = None if each is first else compared(changes(first.scores, each.scores))
        runs.append({"name": each.name, **each.summary, "against_first": against})
    return {"runs": runs, "seconds": sum(each.summary["seconds"] for each in ended)}


def compared(changed: Sequence[Change]) -> Json:
    return {
        "passed": not any(change.is_regression for change in changed),
        "changes": [{**asdict(change), "regression": change.is_regression} for change in changed],
    }


def show(told: Json) -> None:
    show_all(told["runs"]) if "runs" in told else show_one(told)


def show_one(ended: Json) -> None:
    for name, score in ended["scores"].items():
        if score:
            click.echo(f"{name:<28}{interval(score)}  ({score['count']} questions)")
    for route, count in ended["routes"].items():
        click.echo(f"{'route ' + route:<28}{count:>6} of {ended['questions']} questions")
    if total := ended["latency_ms"]["total"]:
        click.echo(
            f"{'latency':<28}{total['median']:.1f} ms (median), "
            f"{total['min']:.1f} to {total['max']:.1f} ms"
        )
    if ended["errors"]:
        click.echo(f"{ended['errors']} of {ended['questions']} questions failed.", err=True)
    for change in (ended["gate"] or {"changes": []})["changes"]:
        if change["regression"]:
            click.echo(f"Worse: {change['score']}, by {interval(change['difference'])}", err=True)


def show_all(runs: Sequence[Json]) -> None:
    """A column for each run; what differs from the first beyond noise is marked."""
    differing = [_differing(each) for each in runs]
    names = [name for name in runs[0]["scores"] if any(each["scores"][name] for each in runs)]
    rows = [
        [name, *(_marked(run, name, of) for run, of in zip(runs, differing, strict=True))]
        for name in names
    ]
    rows.append(["median latency", *(_latency(each) for each in runs)])
    rows.append(["failed", *(str(each["errors"]) for each in runs)])
    for line in table(["", *(each["name"] for each in runs)], rows):
        click.echo(line)
    click.echo(f"* differs from {runs[0]['name']}, beyond noise, in the same questions")


def _differing(run: Json) -> set[str]:
    found = (run["against_first"] or {"changes": []})["changes"]
    return {
        change["score"]
        for change in found
        if change["difference"]["low"] > 0 or change["difference"]["high"] < 0
    }


def _marked(run: Json, name: str, differing: set[str]) -> str:
    score = run["scores"][name]
    mark = "*" if name in differing else " "
    return f"{interval(score)}{mark}" if score else "– "


def _latency(run: Json) -> str:
    total = run["latency_ms"]["total"]
    return f"{total['median']:.1f} ms " if total else "– "


def interval(estimate: Json) -> str:
    return f"{estimate['value']:6.3f}  [{estimate['low']:.3f}, {estimate['high']:.3f}]"
