"""Puts question sets to the documents, and keeps every answer as it comes, so that it can go on.

What ``evaluate`` and ``calibrate`` share: runs in, rows out, progress on stderr.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from rag.answering.pipeline import Pipeline
from rag.commands.asking import waiting_shown
from rag.commands.terminal import progress_bar
from rag.errors import QuestionSetError, SettingsError
from rag.measuring import rows
from rag.measuring.evaluate import answered, searched
from rag.measuring.experiment import staggered, taken
from rag.measuring.questions import Question
from rag.measuring.rows import Asked, Row
from rag.models.chat import ChatModel
from rag.settings import load
from rag.types import Tier
from rag.workspace import Workspace

NO_LLM = "There is no larger model: set RAG_LLM, to auto for example."
# What each mode asks, so that no question waits for it; without the first there is no answer.
TIERS: dict[Asked, tuple[Tier, ...]] = {
    "auto": ("slm", "llm"),
    "refine": ("slm", "llm"),
    "slm": ("slm",),
    "llm": ("llm",),
    "retrieval": (),
}


@dataclass(frozen=True, slots=True)
class Run:
    """The same questions as the runs beside it, put in one way to one model or pair of them."""

    questions: Sequence[Question]
    asked: Asked
    done: Sequence[Row]  # of an earlier run
    kept: Path  # where each new row goes
    slm: str | None = None  # as the settings say
    llm: str | None = None

    @property
    def left(self) -> list[Question]:
        done = {row.question.id for row in self.done}
        return [question for question in self.questions if question.id not in done]


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


@dataclass(frozen=True, slots=True)
class Ended:
    rows: Sequence[Row]  # a row for each question, in order
    seconds: float  # that its turns took, without those of an earlier run


Put = Callable[[Question], Awaitable[Row]]


async def put(runs: Sequence[Run], workspace: Workspace) -> list[Ended]:
    """Each run goes on where it stopped; they take turns. Raises SettingsError before the first."""
    questions = runs[0].questions
    ways = [await _way(run, workspace) for run in runs]
    rows_of = [{row.question.id: row for row in run.done} for run in runs]
    turns = [
        (run, questions[question])
        for run, question in staggered(len(runs), len(questions))
        if questions[question].id not in rows_of[run]
    ]
    seconds = [0.0 for _ in runs]

    async def take(turn: tuple[int, Question]) -> tuple[int, Row]:
        run, question = turn
        started = time.monotonic()
        row = await ways[run](question)
        seconds[run] += time.monotonic() - started
        return run, row

    with progress_bar("Asking", len(runs) * len(questions), "question") as bar:
        bar.update(len(runs) * len(questions) - len(turns))
        async with aclosing(taken(turns, take)) as new:
            async for run, row in new:
                rows.append(runs[run].kept, row)
                rows_of[run][row.question.id] = row
                bar.update()
    return [
        Ended([found[question.id] for question in questions], seconds)
        for found, seconds in zip(rows_of, seconds, strict=True)
    ]


async def _way(run: Run, workspace: Workspace) -> Put:
    """How the questions of a run are put, once its models are ready; no model is where none is
    left."""
    asked = run.asked
    if asked == "retrieval" or not run.left:
        return partial(searched, index=workspace.index)
    pipeline = await workspace.pipeline(slm=run.slm, llm=run.llm, temperature=0.0)
    for tier in TIERS[asked]:
        await _ready(tier, pipeline, workspace, run)
    return partial(answered, pipeline=pipeline, index=workspace.index, mode=asked)


async def _ready(tier: Tier, pipeline: Pipeline, workspace: Workspace, run: Run) -> None:
    """Wait for a model, with progress; loading it is no property of an answer.

    Raises SettingsError for one that is needed and may not be asked: no other model's answers may
    count as its own.
    """
    model, setting = (pipeline.llm, run.llm) if tier == "llm" else (pipeline.slm, run.slm)
    missing = await _missing(model, pipeline)
    if model and not missing:
        async with waiting_shown(workspace, tier, setting):
            await model.ready()
    elif tier == TIERS[run.asked][0]:
        raise SettingsError(missing)
    else:
        click.echo(f"{missing} Until then no question goes on to one.", err=True)


async def _missing(model: ChatModel | None, pipeline: Pipeline) -> str:
    """Why a model cannot be asked, as a sentence; "" when it can."""
    if model is None:
        return NO_LLM
    if model.reach == "machine" or await pipeline.consent(model):
        return ""
    name = model.name or "The model"
    return f"{name} is on another machine, and nobody is asked here: set RAG_ALLOW_REMOTE=true."
