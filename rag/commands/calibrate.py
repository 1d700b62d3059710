"""``calibrate``: question sets and documents in; weights for the judge, and their worth, out."""

from __future__ import annotations

import inspect
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import repeat
from pathlib import Path

import click

from rag.answering import calibration
from rag.answering.calibration import SHIPPED, Calibration, prompt_key, write
from rag.answering.confidence import RULES, SEARCH, UNWEIGHED
from rag.answering.prompt import INSTRUCTIONS
from rag.answering.signals import tokens
from rag.commands.evaluate import FILE, NEW_FILE
from rag.commands.opening import opened
from rag.commands.putting import Run, bad_input, new_file, put
from rag.commands.reporting import keep, report_option, reported
from rag.commands.showing import interval
from rag.commands.terminal import example, json_option, print_json, run
from rag.encoding import Json
from rag.errors import RagError, SettingsError
from rag.measuring.calibrate import calibrated
from rag.measuring.examples import examples_of, model_of
from rag.measuring.questions import Question, read_questions
from rag.measuring.reports.calibration import charts, sections, summary
from rag.measuring.reports.charts import drawn
from rag.measuring.reports.svg import as_file
from rag.measuring.rows import Row, resumed
from rag.settings import load
from rag.types import Tier

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
NEW_FOLDER = click.Path(file_okay=False, path_type=Path)
NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
WIDTH_PX = 780


@dataclass(frozen=True, slots=True)
class Planned:
    """A question set, and its run with either model."""

    name: str
    docs: Path
    small: Run
    large: Run


@click.command(epilog=example("calibrate --qa questions.jsonl --docs manuals --out calibration"))
@click.option(
    "--qa", type=FILE, required=True, multiple=True, metavar="FILE", help="The question set."
)
@click.option(
    "--docs", type=FOLDER, required=True, multiple=True, metavar="DIR", help="Its documents."
)
@click.option(
    "--slm-rows", type=NEW_FILE, multiple=True, metavar="FILE",
    help="Keep the small model's answers here; what is there already is not asked again.",
)  # fmt: skip
@click.option(
    "--llm-rows", type=NEW_FILE, multiple=True, metavar="FILE", help="Those of the larger one."
)
@click.option("--limit", type=click.IntRange(min=1), help="Only the first so many of each set.")
@click.option("--no-logprobs", is_flag=True, help="Fit weights for servers that give none.")
@click.option("--out", type=NEW_FOLDER, metavar="DIR", help="Where the report and its chart go.")
@click.option("--write", "name", metavar="NAME", help="Use the weights from now on, by this name.")
@report_option
@json_option
@run
async def calibrate(
    *,
    qa: Sequence[Path],
    docs: Sequence[Path],
    slm_rows: Sequence[Path],
    llm_rows: Sequence[Path],
    limit: int | None,
    no_logprobs: bool,
    out: Path | None,
    name: str | None,
    report_file: Path | None,
    as_json: bool,
) -> None:
    """Fit the judge's weights to questions whose answers are known, and say how good it is.

    Every question is put to both models. --qa, and what belongs to it, may be given several times.
    """
    started = time.monotonic()
    check(name)
    with bad_input():
        sets = planned(qa, docs, slm_rows, llm_rows, limit)
        rows = [await answered(each) for each in sets]
        small = [row for small, _ in rows for row in small]
        model, instruction = model_of(small, INSTRUCTIONS.values())
    examples = [each for small, large in rows for each in examples_of(small, large)]
    found = calibrated(examples, UNWEIGHED.union(of_logprobs() if no_logprobs else ()))
    sentence = fitted_on(found.report, [each.name for each in sets])
    weights = named(found.calibration, name or model, model, prompt_key(instruction), sentence)
    report = {"calibration": json.loads(write(weights)), **found.report}
    ended = {
        **report,
        "files": kept(report, weights, out or load().data_dir / "calibration", name),
        "rows": [{"slm": str(each.small.kept), "llm": str(each.large.kept)} for each in sets],
        "seconds": time.monotonic() - started,
    }
    if report_file:
        title = f"How far can the answers of {model} be trusted?"
        keep(reported(title, summary(report), sections(report)), report_file)
    print_json(ended) if as_json else show(ended)


# --- before ----------------------------------------------------------------------------------


def check(name: str | None) -> None:
    """Before questions are asked for hours. Raises UsageError; RagError without scikit-learn."""
    if name and not NAME.fullmatch(name):
        raise click.UsageError("A name is made of small letters, digits, dots and hyphens.")
    if name == SEARCH:
        raise click.UsageError(f"Weights of search are called {name}: choose another name.")
    if find_spec("sklearn") is None:
        raise RagError(
            "Calibrating needs sklearn: pip install -r requirements-dev.txt, and try again."
        )


def planned(
    qa: Sequence[Path],
    docs: Sequence[Path],
    slm_rows: Sequence[Path],
    llm_rows: Sequence[Path],
    limit: int | None,
) -> list[Planned]:
    """Raises UsageError and QuestionSetError."""
    if len(docs) != len(qa) or not {len(slm_rows), len(llm_rows)} <= {0, len(qa)}:
        raise click.UsageError("Give each --qa its --docs, and rows to all of them or to none.")
    files = zip(qa, docs, slm_rows or repeat(None), llm_rows or repeat(None), strict=False)
    sets = []
    for path, folder, small, large in files:
        questions = read_questions(path)[:limit]
        runs = (_run(path, questions, "slm", small), _run(path, questions, "llm", large))
        sets.append(Planned(path.stem, folder, *runs))
    return sets


def _run(qa: Path, questions: Sequence[Question], tier: Tier, wanted: Path | None) -> Run:
    """A new run, or that of an existing file."""
    if wanted is None or not wanted.exists():
        return Run(questions, tier, (), new_file(wanted, f"{qa.stem}-{tier}"))
    asked = {question.id for question in questions}
    done = resumed(wanted, read_questions(qa), tier)
    return Run(questions, tier, [row for row in done if row.question.id in asked], wanted)


async def answered(planned: Planned) -> tuple[Sequence[Row], Sequence[Row]]:
    """The rows of both models; none of the larger one where there is none. Nothing is opened when
    nothing is left to ask."""
    if not planned.small.left and not planned.large.left:
        return planned.small.done, planned.large.done
    async with opened(planned.docs) as workspace:
        for run in (planned.small, planned.large):
            click.echo(f"Kept as it comes in {run.kept}.", err=True)
        try:
            small, large = await put([planned.small, planned.large], workspace)
        except SettingsError as exc:
            [small] = await put([planned.small], workspace)
            click.echo(f"{exc} Until then nothing is known about escalation.", err=True)
            return small.rows, []
    return small.rows, large.rows


def of_logprobs() -> set[str]:
    """The signals that some servers do not allow: named after the functions of tokens.py."""
    functions = tuple(name for name, each in vars(tokens).items() if inspect.isfunction(each))
    return {name for name in RULES if name.endswith(functions)}


# --- afterwards ------------------------------------------------------------------------------


def named(fitted: Calibration, name: str, model: str, prompt: str, sentence: str) -> Calibration:
    return replace(
        fitted,
        name=name,
        model=model,
        prompt=prompt,
        logprobs=not of_logprobs().isdisjoint(fitted.weights),
        fitted_on=sentence,
    )


def check_alone(weights: Calibration) -> None:
    """Of two files for the same answers one would never be used. Raises UsageError."""
    other = calibration.load(weights.model, weights.prompt, weights.logprobs)
    if other and other.name != weights.name:
        raise click.UsageError(
            f"{other.name} holds for the same model, instruction and servers: to replace these "
            f"weights, --write {other.name} with the rows that were kept."
        )


def fitted_on(report: Json, names: Sequence[str]) -> str:
    auroc = report["scorers"]["calibrated"]["auroc"]["value"]
    return (
        f"{report['examples']} answers from {report['documents']} documents "
        f"({', '.join(names)}), {report['small_right']['value']:.0%} of them right; on documents "
        f"it had not seen, AUROC {auroc:.3f}, ECE {report['ece']['value']:.3f}."
    )


def kept(report: Json, weights: Calibration, out: Path, name: str | None) -> Json:
    """Where report, chart and weights were written. Raises RagError and UsageError."""
    files = {"report": out / "calibration.json", "chart": out / "calibration.svg"}
    texts = {"report": json.dumps(report, indent=1), "chart": picture(report)}
    if name:
        check_alone(weights)
        files["weights"], texts["weights"] = SHIPPED / f"{name}.json", write(weights)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for what, path in files.items():
            path.write_text(texts[what], encoding="utf-8")
    except OSError as exc:
        raise RagError(f"{exc.filename} cannot be written: {exc.strerror}.") from exc
    return {what: str(path) for what, path in files.items()}


def picture(report: Json) -> str:
    return as_file((chart.title, drawn(chart, WIDTH_PX)) for chart in charts(report))


def show(ended: Json) -> None:
    click.echo(ended["calibration"]["fitted_on"])
    click.echo(f"\n{'':<16}{'AUROC':>23}{'wrong at half':>23}{'gap regained: area':>25}")
    for name, scored in ended["scorers"].items():
        escalation = scored["escalation"] or {}
        figures = (scored["auroc"], scored["risk_at_half"], escalation.get("area"))
        click.echo(f"{name:<16}" + "".join(f"{_shown(each):>24}" for each in figures))
    click.echo(f"\n{'signal':<24}{'weight':>8}{'AUROC':>8}{'known':>8}")
    for name, signal in ended["signals"].items():
        auroc = "" if signal["auroc"] is None else f"{signal['auroc']:.3f}"
        click.echo(f"{name:<24}{signal['weight']:>8.2f}{auroc:>8}{signal['known']:>8}")
    click.echo()
    for what, path in ended["files"].items():
        click.echo(f"{what:<10}{path}")


def _shown(estimate: Json | None) -> str:
    return interval(estimate) if estimate else "unknown"
