"""``evaluate``: a question set and documents in, scores with intervals out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from rag.commands import showing
from rag.commands.asking import docs_option
from rag.commands.opening import opened
from rag.commands.putting import TIERS, Run, bad_input, missing_documents, new_file, put
from rag.commands.reporting import export_option, keep, report_option, reported
from rag.commands.terminal import example, json_option, print_json, run
from rag.measuring import ragas
from rag.measuring.gate import changes, read_scores, write_scores
from rag.measuring.questions import read_questions
from rag.measuring.reports.evaluation import Evaluated, sections, summary, title
from rag.measuring.rows import Asked, resumed
from rag.measuring.summary import Scores, summarise
from rag.types import Mode

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW_FILE = click.Path(dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class Planned:
    """A run by its name."""

    name: str
    run: Run


@click.command(
    epilog=example(
        "evaluate --qa tests/qa/docs.jsonl --docs docs --limit 10",
        "evaluate --qa tests/qa/docs.jsonl --docs docs --mode slm --mode llm --report both.html",
    )
)
@click.option("--qa", type=FILE, required=True, metavar="FILE", help="The question set.")
@docs_option
@click.option(
    "--mode", "modes", multiple=True, type=click.Choice(["auto", "slm", "llm", "refine"]),
    default=["auto"], help="Which model answers; auto when left out. Several are compared.",
)  # fmt: skip
@click.option(
    "--slm", "slms", multiple=True, metavar="MODEL",
    help="The small model, in place of RAG_SLM. Several are compared.",
)  # fmt: skip
@click.option(
    "--llm", "llms", multiple=True, metavar="MODEL",
    help="The larger model, in place of RAG_LLM. Several are compared.",
)  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1), help="Only the first so many questions.")
@click.option("--retrieval-only", is_flag=True, help="Search, and ask no model.")
@click.option(
    "--rows", type=NEW_FILE, multiple=True, metavar="FILE",
    help="Keep the answers here; once for each run.",
)  # fmt: skip
@click.option(
    "--resume", type=FILE, multiple=True, metavar="FILE",
    help="Go on with the run kept here; once for each run.",
)  # fmt: skip
@click.option("--save", type=NEW_FILE, metavar="FILE", help="Write the scores here, for --gate.")
@export_option
@click.option("--gate", type=FILE, metavar="FILE", help="Fail if worse than these saved scores.")
@report_option
@json_option
@run
async def evaluate(
    *,
    qa: Path,
    docs: Path | None,
    modes: Sequence[Mode],
    slms: Sequence[str],
    llms: Sequence[str],
    limit: int | None,
    retrieval_only: bool,
    rows: Sequence[Path],
    resume: Sequence[Path],
    save: Path | None,
    export: Path | None,
    gate: Path | None,
    report_file: Path | None,
    as_json: bool,
) -> int:
    """Put the questions of a set, and say how good search and answers are.

    Temperature is 0. What comes back is kept as it comes, so that a run that was stopped can go on.
    Several modes or models are runs of their own, each compared with the first.
    """
    with bad_input():
        asked: Sequence[Asked] = ["retrieval"] if retrieval_only else modes
        runs = plan(qa, list(variants(asked, slms, llms)), limit, rows, resume)
        if len(runs) > 1 and (save or gate):
            raise click.UsageError("--save and --gate take one run: give one mode and one model.")
        before = _saved(gate, runs[0])
    ended = await carried_out(runs, docs)
    if save:
        write_scores(save, ended[0].scores)
    if export:
        ragas.write(export, (line for each in ended for line in ragas.of_rows(each.rows)))
    changed = None if before is None else changes(before, ended[0].scores)
    if report_file:
        keep(reported(title(ended), summary(ended), sections(ended)), report_file)
    told = showing.json_of(ended, changed)
    print_json(told) if as_json else showing.show(told)
    worse = any(change.is_regression for change in changed or ())
    return 1 if worse or any(each.all_failed for each in ended) else 0


def _saved(gate: Path | None, planned: Planned) -> Scores | None:
    return read_scores(gate, {each.id for each in planned.run.questions}) if gate else None


# --- before ----------------------------------------------------------------------------------

Variant = tuple[str, Asked, str | None, str | None]  # name, how it is put, small and larger model


def variants(modes: Sequence[Asked], slms: Sequence[str], llms: Sequence[str]) -> Iterator[Variant]:
    """Every mode with each of the models it asks; one that is named twice counts once.

    >>> [name for name, *_ in variants(["slm", "llm"], ["a", "b"], [])]
    ['slm a', 'slm b', 'llm']
    """
    for mode in dict.fromkeys(modes):
        tiers = TIERS[mode]
        for slm in _each(slms, asked="slm" in tiers):
            for llm in _each(llms, asked="llm" in tiers):
                several = [one for one, of in ((slm, slms), (llm, llms)) if one and len(of) > 1]
                yield " ".join([mode, *several]), mode, slm, llm


def _each(models: Sequence[str], *, asked: bool) -> Sequence[str | None]:
    return list(dict.fromkeys(models)) if asked and models else [None]


def plan(
    qa: Path,
    wanted: Sequence[Variant],
    limit: int | None,
    rows: Sequence[Path],
    resume: Sequence[Path],
) -> list[Planned]:
    """What to put, and where to keep it. Raises UsageError and QuestionSetError."""
    if rows and resume:
        raise click.UsageError("--rows begins a run, --resume goes on with one: give one of them.")
    files: Sequence[Path | None] = rows or resume or [None] * len(wanted)
    if len(files) != len(wanted):
        raise click.UsageError(
            f"These are {len(wanted)} runs: give --rows or --resume once for each, in the order "
            f"{', '.join(name for name, *_ in wanted)}."
        )
    questions = read_questions(qa)
    planned = []
    for (name, asked, slm, llm), file in zip(wanted, files, strict=True):
        done = resumed(file, questions, asked) if resume and file else ()
        label = re.sub(r"[^\w.-]+", "-", f"{qa.stem}-{name}")
        kept = file if resume and file else new_file(file, label)
        planned.append(Planned(name, Run(questions[:limit], asked, done, kept, slm, llm)))
    return planned


def _where(runs: Sequence[Planned]) -> str:
    if len(runs) == 1:
        return f"Kept as it comes in {runs[0].run.kept}: --resume goes on with it."
    again = " ".join(f"--resume {each.run.kept}" for each in runs)
    return f"Kept as it comes; to go on: {again}"


# --- the runs --------------------------------------------------------------------------------


async def carried_out(runs: Sequence[Planned], docs: Path | None) -> list[Evaluated]:
    """What each came to, over the same documents. Raises SettingsError."""
    click.echo(_where(runs), err=True)
    async with opened(docs) as workspace:
        missing = missing_documents(runs[0].run.questions, workspace)
        ended = await put([each.run for each in runs], workspace)
    return [
        Evaluated(
            each.name,
            found.rows,
            {
                "mode": each.run.asked,
                **summarise(found.rows),
                "missing_documents": missing,
                "rows": str(each.run.kept),
                "seconds": found.seconds,
            },
        )
        for each, found in zip(runs, ended, strict=True)
    ]
