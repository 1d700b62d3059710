"""Puts a question set to the documents, and keeps every answer as it comes, so that it can go on.

What ``evaluate`` and ``calibrate`` share: files in, rows out, progress on stderr.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from rag.answering.pipeline import Pipeline
from rag.commands.asking import waiting_shown
from rag.commands.terminal import progress_bar
from rag.errors import QuestionSetError, SettingsError
from rag.measuring import rows
from rag.measuring.evaluate import answer_all, search_all
from rag.measuring.questions import Question
from rag.measuring.rows import Asked, Row
from rag.models.chat import ChatModel
from rag.settings import load
from rag.types import Mode, Tier
from rag.workspace import Workspace

NO_LLM = "There is no larger model: set RAG_LLM, to auto for example."
# What each mode asks, so that no question waits for it; without the first there is no answer.
TIERS: dict[Mode, tuple[Tier, ...]] = {
    "auto": ("slm", "llm"),
    "refine": ("slm", "llm"),
    "slm": ("slm",),
    "llm": ("llm",),
}


@dataclass(frozen=True, slots=True)
class Run:
    questions: Sequence[Question]
    asked: Asked
    done: Sequence[Row]  # of an earlier run
    kept: Path  # where each new row goes

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


async def put(run: Run, workspace: Workspace) -> list[Row]:
    """A row for each question, in order: those that were done, and new ones, which are kept."""
    by_id = {row.question.id: row for row in run.done}
    left = run.left
    async with aclosing(await _answers(left, workspace, run.asked)) as new:
        with progress_bar("Asking", len(run.questions), "question") as bar:
            bar.update(len(run.questions) - len(left))
            async for row in new:
                rows.append(run.kept, row)
                by_id[row.question.id] = row
                bar.update()
    return [by_id[question.id] for question in run.questions]


async def _answers(
    questions: Sequence[Question], workspace: Workspace, asked: Asked
) -> AsyncGenerator[Row]:
    if asked == "retrieval" or not questions:
        return search_all(questions, workspace.index)
    pipeline = await workspace.pipeline(temperature=0.0)
    for tier in TIERS[asked]:
        await _ready(tier, pipeline, workspace, is_needed=tier == TIERS[asked][0])
    return answer_all(questions, pipeline, workspace.index, asked)


async def _ready(tier: Tier, pipeline: Pipeline, workspace: Workspace, *, is_needed: bool) -> None:
    """Wait for a model, with progress; loading it is no property of an answer.

    Raises SettingsError for one that is needed and may not be asked: no other model's answers may
    count as its own.
    """
    model = pipeline.llm if tier == "llm" else pipeline.slm
    missing = await _missing(model, pipeline)
    if model and not missing:
        async with waiting_shown(workspace, tier):
            await model.ready()
    elif is_needed:
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
