"""``compare``: models and a prompt, or the shipped probes, in; their answers side by side out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from rag.answering.fitting import THINKING_TOKENS
from rag.answering.options import AnsweringOptions
from rag.commands.asking import docs_option
from rag.commands.bench import POSITIVE, measured
from rag.commands.comparing import compare_json, said
from rag.commands.experimenting import (
    Run,
    bad_input,
    carried_out,
    lines,
    models_of,
    new_run,
    old_run,
    resume_option,
    samples_option,
)
from rag.commands.opening import opened
from rag.commands.reporting import export_option, keep, report_option, reported
from rag.commands.terminal import example, json_option, print_json, run
from rag.errors import ExperimentError
from rag.measuring import judge as judging
from rag.measuring import ragas
from rag.measuring.compare import CostOf, compared
from rag.measuring.compare_documents import grounded_prompt
from rag.measuring.compare_opinions import preference_tables
from rag.measuring.cost import FREE, energy_usd
from rag.measuring.experiment import Experiment
from rag.measuring.judge import Judged
from rag.measuring.preferences import PREFERENCES, Preferences, preferred_first, wins
from rag.measuring.prices import load_prices
from rag.measuring.probes import own_prompt, probes
from rag.measuring.reports.compare import sections, summary, title
from rag.measuring.reports.values import Section
from rag.measuring.samples import Plan, Prompt, Sample
from rag.models.chat import ChatModel
from rag.settings import Settings, load, words_of
from rag.types import Energy, Usage


@click.command(
    epilog=example(
        "compare --report probes.html",
        'compare --models slm,llm --prompt "When is the oil changed?" --docs manuals',
        "compare --preferences",
    )
)
@click.option(
    "--models", metavar="A,B", help="Settings of models, or slm and llm; both when left out."
)
@click.option("--prompt", metavar="TEXT", help="What is asked; COMPARE_PROMPT, or the probes.")
@docs_option
@click.option("--rounds", type=POSITIVE, default=1, help="How often each is asked; 1.")
@click.option("--max-tokens", type=POSITIVE, default=256, help="Longest answer; 256.")
@click.option("--judge", metavar="MODEL", help="Let this model judge each two answers, twice.")
@export_option
@click.option("--preferences", is_flag=True, help="Show what people preferred in the page.")
@click.option("--seed", type=int, default=0, help="Of the order, and of answers; 0.")
@samples_option
@resume_option
@report_option
@json_option
@run
async def compare(
    *,
    models: str | None,
    prompt: str | None,
    docs: Path | None,
    rounds: int,
    max_tokens: int,
    judge: str | None,
    export: Path | None,
    preferences: bool,
    seed: int,
    samples_file: Path | None,
    resume: Path | None,
    report_file: Path | None,
    as_json: bool,
) -> int:
    """Show the answers of several models side by side, checked and scored.

    Without a prompt the models are put to probes: small tasks whose answers can be checked.
    """
    started, settings = time.monotonic(), load()
    if preferences:
        return _preferences(settings, report_file, as_json=as_json)
    asked = prompt or settings.compare_prompt
    _check(asked, docs, samples_file, resume)
    names = words_of(models or "") or ("slm", "llm")
    with bad_input():
        kept = old_run(resume) if resume else None
        async with models_of(kept.plan.models if kept else names) as found:
            if kept is None:
                prompts = await _prompts(asked, docs, list(found.values()), max_tokens, settings)
                kept = new_run(Plan(tuple(found), prompts, rounds, seed=seed), "compare",
                               samples_file)  # fmt: skip
            samples = await measured(kept, found, settings)
            cost_of = _cost_of(found, settings)
        judged = await _judged(judge, kept, samples, seed) if judge else None
    ended = compared(kept.plan, samples, cost_of)
    if export:
        ragas.write(export, ragas.of_samples(kept.plan, samples))
    if report_file:
        keep(reported(title(ended), summary(ended), sections(ended, judged)), report_file)
    told = {
        **compare_json(ended, judged),
        "samples": str(kept.kept),
        "seconds": time.monotonic() - started,
    }
    print_json(told) if as_json else click.echo("\n".join(said(ended, judged)))
    return 1 if all(trial.sample.error for trial in ended.trials) else 0


def _check(prompt: str, docs: Path | None, samples_file: Path | None, resume: Path | None) -> None:
    if samples_file and resume:
        raise click.UsageError("--samples begins a run, --resume goes on with it: give one.")
    if docs and not prompt and not resume:
        raise click.UsageError("--docs needs a question: give --prompt. Probes bring their texts.")


# --- what is asked ---------------------------------------------------------------------------


async def _prompts(
    asked: str,
    docs: Path | None,
    models: Sequence[ChatModel],
    max_tokens: int,
    settings: Settings,
) -> tuple[Prompt, ...]:
    room = max_tokens + _thinking_tokens(models)
    if not asked:
        return tuple(probe.prompt(room) for probe in probes())
    if docs is None:
        return (own_prompt(asked, room),)
    options = AnsweringOptions(settings.top_k, settings.context_tokens, max_tokens=max_tokens)
    async with opened(docs) as workspace:
        found = await asyncio.to_thread(grounded_prompt, asked, workspace.index, models, options)
    return (found,)


def _thinking_tokens(models: Iterable[ChatModel]) -> int:
    """Room for models that think before they answer; all get it, so that all get the same."""
    return THINKING_TOKENS if any(model.capabilities.reasons for model in models) else 0


async def _judged(name: str, run: Run, samples: Sequence[Sample], seed: int) -> Judged | None:
    """None where there are no two answers to judge. Raises ExperimentError."""
    shown = judging.pairs(run.plan, samples)
    if not shown:
        click.echo("There are no two different answers to judge.", err=True)
        return None
    kept = run.kept.with_suffix(".judge.jsonl")
    async with models_of([name]) as found:
        [judge] = found
        plan = judging.plan_of(judge, shown, seed, _thinking_tokens(found.values()))
        if kept.exists() and (old := old_run(kept)).plan == plan:
            own = old
        elif kept.exists():
            raise ExperimentError(f"{kept.name} is of another judge, or other answers: move it.")
        else:
            own = new_run(plan, "judge", kept)
        return judging.judged(
            judge, run.plan, shown, await carried_out(own, Experiment(plan, found))
        )


def _cost_of(models: Mapping[str, ChatModel], settings: Settings) -> CostOf:
    """Tokens of a model elsewhere at its price; of one here the electricity, where it has one."""
    listed = load_prices(settings.prices, settings.data_dir)
    prices = {
        name: FREE if model.reach == "machine" else listed.find(model.name, model.address)
        for name, model in models.items()
    }

    def cost_of(sample: Sample) -> float | None:
        price = prices[sample.cell.model]
        if price is None:
            return None
        used = Usage(sample.prompt_tokens, sample.completion_tokens, sample.is_estimated)
        if price is not FREE:
            return price.of(used)
        wh = sample.resources.energy_wh if sample.resources else None
        energy = None if wh is None else Energy(wh, "measured")
        return energy_usd(energy, settings.usd_per_kwh)

    return cost_of


# --- what people preferred -------------------------------------------------------------------


def _preferences(settings: Settings, report_file: Path | None, *, as_json: bool) -> int:
    chosen = Preferences(settings.data_dir / PREFERENCES).all()
    tables, first = preference_tables(chosen), preferred_first(chosen)
    told = {
        "choices": len(chosen),
        "models": [asdict(one) for one in wins(chosen)],
        "preferred_first": asdict(first) if first else None,
    }
    if report_file:
        times = "once" if len(chosen) == 1 else f"{len(chosen)} times"
        summary = f"People chose between two answers {times}."
        parts = [Section("Choices", tables)]
        keep(reported("Which answers do people prefer?", summary, parts), report_file)
    if as_json:
        print_json(told)
    elif not chosen:
        click.echo("Nobody has chosen between two answers yet: compare a turn in the page.")
    else:
        click.echo("\n".join(line for one in tables for line in lines(one)))
    return 0
