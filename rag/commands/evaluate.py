"""``evaluate``: a question set and documents in, scores with intervals out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from rag.commands.asking import docs_option
from rag.commands.opening import opened
from rag.commands.putting import Run, bad_input, missing_documents, new_file, put
from rag.commands.terminal import example, json_option, print_json, run
from rag.encoding import Json
from rag.measuring.gate import Change, changes, read_scores, write_scores
from rag.measuring.questions import read_questions
from rag.measuring.rows import Asked, resumed
from rag.measuring.summary import summarise
from rag.types import Mode

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(epilog=example("evaluate --qa tests/qa/docs.jsonl --docs docs --limit 10"))
@click.option("--qa", type=FILE, required=True, metavar="FILE", help="The question set.")
@docs_option
@click.option(
    "--mode",
    type=click.Choice(["auto", "slm", "llm", "refine"]),
    default="auto",
    help="Which model answers; auto when left out.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Only the first so many questions.")
@click.option("--retrieval-only", is_flag=True, help="Search, and ask no model.")
@click.option("--rows", "rows_file", type=NEW_FILE, metavar="FILE", help="Keep the answers here.")
@click.option("--resume", type=FILE, metavar="FILE", help="Go on with the run kept here.")
@click.option("--save", type=NEW_FILE, metavar="FILE", help="Write the scores here, for --gate.")
@click.option("--gate", type=FILE, metavar="FILE", help="Fail if worse than these saved scores.")
@json_option
@run
async def evaluate(
    *,
    qa: Path,
    docs: Path | None,
    mode: Mode,
    limit: int | None,
    retrieval_only: bool,
    rows_file: Path | None,
    resume: Path | None,
    save: Path | None,
    gate: Path | None,
    as_json: bool,
) -> int:
    """Put the questions of a set, and say how good search and answers are.

    Temperature is 0. What comes back is kept as it comes, so that a run that was stopped can go on.
    """
    with bad_input():
        planned = plan(qa, "retrieval" if retrieval_only else mode, limit, rows_file, resume)
        ids = {question.id for question in planned.questions}
        before = read_scores(gate, ids) if gate else None
    ended = await carried_out(planned, docs)
    if save:
        write_scores(save, ended["by_question"])
    changed = None if before is None else changes(before, ended["by_question"])
    ended["gate"] = None if changed is None else gate_json(changed)
    print_json(ended) if as_json else show(ended)
    worse = any(change.is_regression for change in changed or ())
    return 1 if worse or ended["errors"] == ended["questions"] else 0


def plan(
    qa: Path, asked: Asked, limit: int | None, rows_file: Path | None, resume: Path | None
) -> Run:
    """What to put, and where to keep it. Raises UsageError and QuestionSetError."""
    if rows_file and resume:
        raise click.UsageError("--rows begins a run, --resume goes on with one: give one of them.")
    questions = read_questions(qa)
    done = resumed(resume, questions, asked) if resume else ()
    kept = resume or new_file(rows_file, f"{qa.stem}-{asked}")
    return Run(questions[:limit], asked, done, kept)


async def carried_out(planned: Run, docs: Path | None) -> Json:
    """The summary of a run, without its gate."""
    started = time.monotonic()
    async with opened(docs) as workspace:
        missing = missing_documents(planned.questions, workspace)
        click.echo(f"Kept as it comes in {planned.kept}: --resume goes on with it.", err=True)
        rows = await put(planned, workspace)
    return {
        "mode": planned.asked,
        **summarise(rows),
        "missing_documents": missing,
        "rows": str(planned.kept),
        "seconds": time.monotonic() - started,
    }


# --- afterwards ------------------------------------------------------------------------------


def gate_json(changed: Sequence[Change]) -> Json:
    return {
        "passed": not any(change.is_regression for change in changed),
        "changes": [{**asdict(change), "regression": change.is_regression} for change in changed],
    }


def show(ended: Json) -> None:
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


def interval(estimate: Json) -> str:
    return f"{estimate['value']:6.3f}  [{estimate['low']:.3f}, {estimate['high']:.3f}]"
