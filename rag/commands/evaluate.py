"""``evaluate``: a question set and documents in, scores with intervals out."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import click

from rag.commands.asking import docs_option
from rag.commands.opening import opened
from rag.commands.terminal import example, json_option, print_json, progress_bar, run
from rag.encoding import Json
from rag.errors import QuestionSetError, SettingsError
from rag.measuring import rows
from rag.measuring.evaluate import answer_all, search_all
from rag.measuring.gate import Change, changes, read_scores
from rag.measuring.questions import Question, read_questions
from rag.measuring.rows import Asked, Row
from rag.measuring.summary import summarise
from rag.settings import load
from rag.workspace import Workspace

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(epilog=example("evaluate --qa tests/qa/docs.jsonl --docs docs --limit 10"))
@click.option("--qa", type=FILE, required=True, metavar="FILE", help="The question set.")
@docs_option
@click.option(
    "--mode",
    type=click.Choice(["slm", "llm"]),
    default="slm",
    help="Which model answers; slm when left out.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Only the first so many questions.")
@click.option("--retrieval-only", is_flag=True, help="Search, and ask no model.")
@click.option("--rows", "rows_file", type=NEW_FILE, metavar="FILE", help="Keep the answers here.")
@click.option("--resume", type=FILE, metavar="FILE", help="Go on with the run kept here.")
@click.option("--gate", type=FILE, metavar="FILE", help="Fail if worse than this saved summary.")
@json_option
@run
async def evaluate(
    *,
    qa: Path,
    docs: Path | None,
    mode: Literal["slm", "llm"],
    limit: int | None,
    retrieval_only: bool,
    rows_file: Path | None,
    resume: Path | None,
    gate: Path | None,
    as_json: bool,
) -> int:
    """Put the questions of a set, and say how good search and answers are.

    Temperature is 0. What comes back is kept as it comes, so that a run that was stopped can go on.
    """
    started = time.monotonic()
    asked: Asked = "retrieval" if retrieval_only else mode
    if rows_file and resume:
        raise click.UsageError("--rows begins a run, --resume goes on with one: give one of them.")
    with bad_input():
        questions = read_questions(qa)
        done = rows.resumed(resume, questions, asked) if resume else ()
        questions = questions[:limit]
        before = read_scores(gate, {question.id for question in questions}) if gate else None
        kept = resume or new_file(rows_file, f"{qa.stem}-{asked}")
    async with opened(docs) as workspace:
        missing = missing_documents(questions, workspace)
        click.echo(f"Kept as it comes in {kept}: --resume goes on with it.", err=True)
        finished = await put(questions, done, workspace, asked, kept)
    summary = {"mode": asked, **summarise(finished)}
    changed = None if before is None else changes(before, summary["by_question"])
    ended = {
        **summary,
        "missing_documents": missing,
        "rows": str(kept),
        "seconds": time.monotonic() - started,
        "gate": None if changed is None else gate_json(changed),
    }
    print_json(ended) if as_json else show(ended)
    worse = any(change.is_regression for change in changed or ())
    return 1 if worse or summary["errors"] == summary["questions"] else 0


# --- before ----------------------------------------------------------------------------------


@contextmanager
def bad_input() -> Iterator[None]:
    try:
        yield
    except QuestionSetError as exc:
        raise click.UsageError(str(exc)) from exc


def new_file(wanted: Path | None, name: str) -> Path:
    """An empty file for rows, ``wanted`` or one in the data folder. Raises QuestionSetError."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    path = wanted or load().data_dir / "evaluations" / f"{name}-{now}.jsonl"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(exist_ok=False)
    except FileExistsError as exc:
        raise QuestionSetError(f"{path.name} is there already: --resume goes on with it.") from exc
    except OSError as exc:
        raise QuestionSetError(f"{path.name} cannot be written: {exc.strerror}.") from exc
    return path


def missing_documents(questions: Sequence[Question], workspace: Workspace) -> list[str]:
    """Documents that the set speaks of and that are not there: told, because scores suffer."""
    there = {entry.name for entry in workspace.library.documents()}
    wanted = {question.document for question in questions if question.document}
    missing = sorted(wanted - there)
    if missing:
        click.echo(f"Documents of the set that are missing: {', '.join(missing)}.", err=True)
    return missing


# --- meanwhile -------------------------------------------------------------------------------


async def put(
    questions: Sequence[Question],
    done: Sequence[Row],
    workspace: Workspace,
    asked: Asked,
    kept: Path,
) -> list[Row]:
    """A row for each question, in order: those of ``done``, and new ones, which are kept."""
    by_id = {row.question.id: row for row in done}
    left = [question for question in questions if question.id not in by_id]
    with progress_bar("Asking", len(questions), "question") as bar:
        bar.update(len(questions) - len(left))
        async with aclosing(await answers(left, workspace, asked)) as new:
            async for row in new:
                rows.append(kept, row)
                by_id[row.question.id] = row
                bar.update()
    return [by_id[question.id] for question in questions]


async def answers(
    questions: Sequence[Question], workspace: Workspace, asked: Asked
) -> AsyncGenerator[Row]:
    if asked == "retrieval":
        return search_all(questions, workspace.index)
    pipeline = await workspace.pipeline(temperature=0.0)
    model = pipeline.llm if asked == "llm" else pipeline.slm
    if model is None:
        raise SettingsError("There is no larger model: set RAG_LLM, to auto for example.")
    await model.ready()  # so that the first question does not wait for it
    return answer_all(questions, pipeline, workspace.index, asked)


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
