"""``briefing``: a folder in, a structured briefing with sources out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click

from rag.answering.briefing import POINTS, brief
from rag.answering.briefs import (
    Asking,
    Briefed,
    Briefing,
    BriefingEvent,
    BriefingSection,
    BriefingTurn,
    SectionDone,
    Subject,
    Turned,
    cost_usd,
    latency,
    usage,
)
from rag.answering.pipeline import Consent
from rag.answering.statements import Statement
from rag.commands.asking import consent, waiting_shown
from rag.commands.opening import opened
from rag.commands.reporting import keep, reported
from rag.commands.terminal import example, json_option, print_json, progress_bar, run
from rag.encoding import Json, energy_json, latency_json, usage_json
from rag.errors import RagError
from rag.measuring.reports.briefing import sections
from rag.measuring.reports.briefing_text import markdown, summary
from rag.models.chat import ChatModel
from rag.settings import words_of
from rag.workspace import Workspace


def _checked(context: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    if path and path.suffix.lower() not in {".md", ".html"}:
        raise click.BadParameter("end it in .md for Markdown, or in .html.")
    if path and not path.parent.is_dir():
        raise click.BadParameter(f"there is no folder {path.parent}.")
    return path


@click.command(
    epilog=example(
        "briefing reports --out briefing.html",
        'briefing reports --topics "costs, staff" --flagged costs --priority "board*.pdf"',
    )
)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--topics", default="", metavar="A,B", help="What it is to tell of, besides.")
@click.option(
    "--flagged", metavar="A,B",
    help="Topics that the larger model refines, in place of RAG_REFINE_TOPICS.",
)  # fmt: skip
@click.option(
    "--priority", "globs", multiple=True, metavar="GLOB",
    help="Documents that the larger model refines; may be given again.",
)  # fmt: skip
@click.option(
    "--points", type=click.IntRange(1, 20), default=POINTS,
    help=f"Parts of a document that are asked for their main point; {POINTS}.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), callback=_checked, metavar="FILE",
    help="Write it here, .md or .html, section by section.",
)  # fmt: skip
@json_option
@run
async def briefing(
    *,
    folder: Path,
    topics: str,
    flagged: str | None,
    globs: Sequence[str],
    points: int,
    out: Path | None,
    as_json: bool,
) -> int:
    """Brief on the documents in FOLDER: what each says, key figures, open points, sources.

    The small model drafts. The larger one refines priority documents and flagged topics only.
    Ctrl-C ends it; what is done is kept.
    """
    told, done = _title(folder), Briefing()
    async with opened(folder, warm=True, refine_topics=flagged) as workspace:
        subjects = _subjects(workspace, globs)
        unread = tuple(f"{one.source.name}: {one.reason}" for one in workspace.failures)
        pipeline = await workspace.pipeline(consent=once(consent))
        # A topic that is flagged is to be told of, too.
        wanted = dict.fromkeys([*words_of(topics), *words_of(flagged or "")])
        events = brief(
            pipeline,
            workspace.index,
            subjects,
            tuple(wanted),
            points=points,
            passages_of=workspace.library.chunks,
        )
        try:
            async with aclosing(events), waiting_shown(workspace, "slm"):
                with progress_bar("Asking", None, "question") as bar:
                    async for event in events:
                        await _followed(event, workspace, bar)
                        if isinstance(event, SectionDone | Briefed):
                            done = replace(event.briefing, unread=unread)
                        if isinstance(event, SectionDone) and out and out.suffix == ".md":
                            _write(done, told, out)
        finally:
            if done.sections:
                _end(done, told, out, as_json=as_json)
    return 1 if all(turn.route == "failed" for turn in done.turns) else 0


def _title(folder: Path) -> str:
    return f"Briefing: {folder.absolute().name}"


def _subjects(workspace: Workspace, globs: Sequence[str]) -> tuple[Subject, ...]:
    """Raises UsageError for a folder without documents, and for a pattern that fits none."""
    entries = sorted(workspace.library.documents(), key=lambda entry: entry.name.casefold())
    if not entries:
        raise click.UsageError("There is no document in this folder that can be read.")
    for glob in globs:
        if not any(_fits(entry.name, glob) for entry in entries):
            raise click.UsageError(f"--priority {glob} fits no document in this folder.")
    return tuple(
        Subject(
            entry.id, entry.name, entry.language, any(_fits(entry.name, glob) for glob in globs)
        )
        for entry in entries
    )


def _fits(name: str, glob: str) -> bool:
    return fnmatchcase(name.casefold(), glob.casefold())


def once(ask: Consent) -> Consent:
    """A person is asked about each model once, not at every question."""
    answers: dict[str, bool] = {}

    async def asked(model: ChatModel) -> bool:
        key = f"{model.address}#{model.name}"
        if key not in answers:
            answers[key] = await ask(model)
        return answers[key]

    return asked


async def _followed(event: BriefingEvent, workspace: Workspace, bar: Any) -> None:
    match event:
        case Asking(title=title, total=total):
            bar.total = total
            bar.set_postfix_str(title)
        case Turned(end=end, mode=mode):
            bar.update()
            await workspace.record(end, mode)


def _end(done: Briefing, title: str, out: Path | None, *, as_json: bool) -> None:
    if out:
        _write(done, title, out)
        click.echo(f"{summary(done)} Written to {out}.", err=True)
    if as_json:
        print_json(briefing_json(done))
    elif not out:
        click.echo(markdown(done, title))


def _write(done: Briefing, title: str, out: Path) -> None:
    """Raises RagError."""
    if out.suffix.lower() == ".html":
        keep(reported(title, summary(done), sections(done)), out)
        return
    try:
        out.write_text(markdown(done, title), encoding="utf-8")
    except OSError as exc:
        raise RagError(f"{out.name} cannot be written: {exc.strerror}.") from exc


# --- JSON ------------------------------------------------------------------------------------


def briefing_json(done: Briefing) -> Json:
    """The shape is promised in docs/briefing.md."""
    turns = done.turns
    return {
        "sections": [_section_json(section) for section in done.sections],
        "missing": list(done.missing),
        "unread": list(done.unread),
        "latency_ms": latency_json(latency(turns)),
        "usage": {model: usage_json(used) for model, used in usage(turns).items()},
        "cost_usd": cost_usd(turns),
    }


def _section_json(section: BriefingSection) -> Json:
    return {
        "title": section.title,
        "kind": section.kind,
        "is_refined": section.is_refined,
        "about": section.about,
        "statements": [_statement_json(one) for one in section.statements],
        "figures": [_statement_json(one) for one in section.figures],
        "open_points": [_statement_json(one) for one in section.open_points],
        "unanswered": list(section.unanswered),
        "left_out": list(section.left_out),
        "turns": [_turn_json(turn) for turn in section.turns],
    }


def _statement_json(statement: Statement) -> Json:
    return {
        "text": statement.text,
        "model": statement.model,
        "is_refined": statement.is_refined,
        "citations": [
            {"document": one.document, "page": one.page, "quote": one.quote}
            for one in statement.citations
        ],
    }


def _turn_json(turn: BriefingTurn) -> Json:
    return {
        "question": turn.question,
        "route": turn.route,
        "model": turn.model,
        "latency_ms": latency_json(turn.latency),
        "usage": {model: usage_json(used) for model, used in turn.usage.items()},
        "cost_usd": turn.cost_usd,
        "energy": energy_json(turn.energy),
        "note": turn.note,
    }
